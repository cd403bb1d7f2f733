//! Answers to the power problems: closed forms, solves one after the other, and the exponential by its terms.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::{RegressionCases, Rows, Which};
use super::model::{Model, loss};

/// Why answers are granted so much.
const SOLVED: &str = "the rounding of triangular solves at 40 digits and of the oracle's loss";

/// `2 L(x) = expected` for a closed form x whose solves lose the digits of `ratio`, `scale` being the square that both are parts of.
fn twice_loss(
    given: &Given,
    x: &DVector<High>,
    (expected, scale): (High, High),
    ratio: High,
) -> Result<Verdict, CheckError> {
    let ball = loss(given, x)?;
    let two = High::int(2);
    // A residual that is 0 but for its rounding enters squared; beside another it enters once.
    let lost = (ratio * High::ONE.shifted(-34)).min(High::ONE);
    let granted =
        two * ball.radius() + lost * (expected * scale).abs().sqrt() + lost.square() * scale;
    Ok(Verdict::equal(
        "|| K x - b ||^2",
        two * ball.midpoint(),
        expected,
        Allowance::new(granted, SOLVED),
    ))
}

/// The loss at `x = N^-(j + more) b` is 0.
fn even_answer(case: &Case<Given>, more: u64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.kind != "even" {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some((x, ratio)) = model.solved(&model.b, model.power + more) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let scale = scale(&model, &x);
    twice_loss(&case.instance, &x, (High::ZERO, scale), ratio)
}

/// `(|| |K| |x| || + || b ||)^2`.
fn scale(model: &Model, x: &DVector<High>) -> High {
    let size = (model.sizes() * x.abs()).norm() + model.b.norm();
    size.square()
}

/// `x = N^-(j + solves) A'b` leaves `|| (I - A A^+) b ||`.
fn odd_split(case: &Case<Given>, solves: u64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.kind != "odd" {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let projected = model.a.tr_mul(&model.b);
    let (Some((x, ratio)), Some((fit, _))) = (
        model.solved(&projected, model.power + solves),
        model.solved(&projected, 1),
    ) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let rest = (&model.b - &model.a * fit).norm_squared();
    let scale = scale(&model, &x);
    twice_loss(&case.instance, &x, (rest, scale), ratio)
}

/// For fewer rows than columns, `A` of full row rank: `x = A' (A A')^-(j + solves) A b` leaves `|| (I - A^+ A) b ||`.
fn least_norm(case: &Case<Given>, solves: u64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.kind != "even" {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let across = Model {
        a: model.a.transpose(),
        ..model.clone()
    };
    let image = &model.a * &model.b;
    let (Some((y, ratio)), Some((fit, _))) = (
        across.solved(&image, model.power + solves),
        across.solved(&image, 1),
    ) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let x = model.a.tr_mul(&y);
    let rest = (&model.b - model.a.tr_mul(&fit)).norm_squared();
    let scale = scale(&model, &x);
    twice_loss(&case.instance, &x, (rest, scale), ratio)
}

/// How much j solves with relative residuals e are said to leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// `2 j e`.
    Recalled,
    /// `e (1 + kappa^2 + .. + kappa^(2 (j - 1)))`.
    Sharp,
    /// The same without its last term.
    Short,
}

/// `A'A` diagonal: b along its lowest direction, and every solve off by e along its highest one.
fn stacking(case: &Case<Given>, growth: Growth) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let gram = model.gram();
    let d = gram.nrows();
    let diagonal = gram.diagonal();
    let off = (0..d).any(|i| (0..i).any(|k| !gram[(i, k)].is_zero()));
    if model.kind != "even" || off || !diagonal.iter().all(|entry| entry.is_positive()) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (low, high) = (diagonal.imin(), diagonal.imax());
    let square = diagonal[high] / diagonal[low];
    let e = High::ONE.shifted(-16);
    let unit = |axis: usize| {
        let mut vector = DVector::from_element(d, High::ZERO);
        vector[axis] = High::ONE;
        vector
    };
    let mut y = unit(low);
    for _ in 0..model.power {
        let wrong = &y + unit(high) * (e * y.norm());
        y = wrong.component_div(&diagonal);
    }
    let mut target = vec![0.0; d];
    target[low] = 1.0;
    let posed = case
        .instance
        .with_array("target", Array::vector(&target.into()))
        .map_err(CheckError::Other)?;
    let ball = loss(&posed, &y)?;
    let observed = (High::int(2) * ball.midpoint()).sqrt() / e;
    let terms = match growth {
        Growth::Recalled => 0,
        Growth::Sharp => model.power as i64,
        Growth::Short => model.power as i64 - 1,
    };
    let allowed = match growth {
        Growth::Recalled => High::int(2 * model.power as i64),
        Growth::Sharp | Growth::Short => (0..terms).map(|i| square.powi(i)).sum(),
    };
    // Of second order in e, and the square root of a loss that is enclosed.
    let size = allowed + observed;
    let granted =
        size * e * High::int(64) * size + ball.radius() / (e * e * observed.max(High::ONE));
    Ok(at_most_or_equal(
        "|| N^j x - b || / (e || b ||)",
        observed,
        allowed,
        Allowance::new(
            granted,
            "terms of second order in e, and the enclosure of the loss",
        ),
    ))
}

/// Terms of the exponential series that are taken.
const TERMS: i64 = 8;

/// For `N = a'a` a number: the sum of the solutions of `N^k x / k! = b`, k up to 8, solves `exp(N) x = b`.
fn term_by_term(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let Some((n, b)) = scalar(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut sum = High::ZERO;
    let mut term = b;
    for k in 0..=TERMS {
        if k > 0 {
            term = term * High::int(k) / n;
        }
        sum += term;
    }
    let image = n.exp() * sum;
    Ok(Verdict::equal(
        "exp(N) x",
        image,
        b,
        Allowance::new(image.abs().shifted(-36), "roundings of the series"),
    ))
}

/// The products with the terms add up to the product with the exponential, but for `N^9 / 9! e^N |b|`, or what `share` of it is.
fn products_add_up(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let Some((n, b)) = scalar(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut sum = High::ZERO;
    let mut term = b;
    for k in 0..=TERMS {
        if k > 0 {
            term = term * n / High::int(k);
        }
        sum += term;
    }
    let whole = n.exp() * b;
    let next = (term * n / High::int(TERMS + 1)).abs();
    if next <= whole.abs().shifted(-30) {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    Ok(Verdict::at_most(
        "|exp(N) b - sum_(k <= 8) N^k b / k!|",
        (whole - sum).abs(),
        next * n.exp() * share,
        Allowance::new(whole.abs().shifted(-36), "roundings of the series"),
    ))
}

/// `A'A` and b of an even problem with one column, none of them 0.
fn scalar(case: &Case<Given>) -> Option<(High, High)> {
    let model = Model::of(case);
    let n = model.gram();
    let fits =
        model.kind == "even" && n.nrows() == 1 && n[(0, 0)].is_positive() && !model.b[0].is_zero();
    fits.then(|| (n[(0, 0)], model.b[0]))
}

/// The exponential of the matrix A A', by its series, is `exp(A A')` entry by entry, or `I + (e^N - 1) / N a a'`; one column.
fn two_exponentials(case: &Case<Given>, entrywise: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let n = model.gram();
    if model.kind != "even" || n.nrows() != 1 || model.a.nrows() < 2 || !n[(0, 0)].is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (n, rows) = (n[(0, 0)], model.a.nrows());
    let outer = &model.a * model.a.transpose();
    let identity = DMatrix::<High>::identity(rows, rows);
    let stated = if entrywise {
        outer.map(High::exp)
    } else {
        &identity + &outer * ((n.exp() - High::ONE) / n)
    };
    let Some(matrix) = series(&outer) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let granted = n.exp().max(High::ONE).shifted(-33);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..rows {
        for k in 0..rows {
            verdict = verdict.and(Verdict::equal(
                &format!("exp[{i}, {k}]"),
                stated[(i, k)],
                matrix[(i, k)],
                Allowance::new(granted, "roundings of the series and of exponentials"),
            ));
        }
    }
    Ok(verdict)
}

/// `sum_k M^k / k!`, whose terms grow up to about `k = || M ||`; `None` where that takes too many.
fn series(matrix: &DMatrix<High>) -> Option<DMatrix<High>> {
    const MOST: i64 = 600;
    let mut sum = DMatrix::identity(matrix.nrows(), matrix.nrows());
    let mut term = sum.clone();
    for k in 1..=MOST {
        term = &term * matrix * High::int(k).recip();
        sum += &term;
        if term.norm() <= sum.norm().shifted(-42) {
            return Some(sum);
        }
    }
    None
}

const EVEN: OtherCases = &RegressionCases::EVEN;
const ODD: OtherCases = &RegressionCases {
    which: &[Which::Odd],
    ..RegressionCases::EVEN
};
const WIDE: OtherCases = &RegressionCases {
    rows: Rows::Wide,
    ..RegressionCases::EVEN
};
const AXES: OtherCases = &RegressionCases {
    rows: Rows::Axes,
    ..RegressionCases::EVEN
};
const ONE_COLUMN: OtherCases = &RegressionCases {
    one_column: true,
    ..RegressionCases::EVEN
};

const TALL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d");
const SHORT: &[Stratum] = strata!(Kind: "n=1" "n<d");
const DIAGONAL: &[Stratum] = strata!(Decade("condition of A"): 0 1 3; Kind: "d=1" "n=d");
const NUMBERS: &[Stratum] = strata!(Kind: "d=1" "n=1");

/// The claims about answers to the power problems.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/even-answer")
            .derived("N^j x = b, N = A'A")
            .states("for rank d the least || N^j x - b || is 0, at x = N^-j b")
            .formula(r"\operatorname{rank} A = d: \quad \min_x \|N^j x - b\|_2 = 0 \text{ at } x = N^{-j} b, \quad N = A^\top A")
            .given("an even power, rank d")
            .note("So a bound of || N^j x - b || by (1 + eps) times the least one says nothing: see attention-kernel-regression/relative-to-the-least.")
            .about(EVEN, TALL)
            .check(|case| even_answer(case, 0))
            .fault("one solve more", |case| even_answer(case, 1)),
        claim("attention-kernel-regression/odd-split")
            .derived("A N^j x = b")
            .states("x = N^-(j+1) A'b, least squares and then the even problem, leaves || A N^j x - b || = || (I - A A^+) b ||, the least there is")
            .formula(r"x = N^{-(j+1)} A^\top b: \quad \|A N^j x - b\|_2 = \|(I - A A^+) b\|_2 = \min_y \|A N^j y - b\|_2, \quad N = A^\top A")
            .given("an odd power, rank d")
            .about(ODD, TALL)
            .check(|case| odd_split(case, 1))
            .fault("N^-j A'b", |case| odd_split(case, 0)),
        claim("attention-kernel-regression/least-norm")
            .derived("(N^+)^j for A without full column rank")
            .states("x = (N^+)^j b leaves || (I - A^+ A) b ||, the least there is, and is orthogonal to all directions that A does not see")
            .formula(r"x = (N^+)^j b: \quad \|N^j x - b\|_2 = \|(I - A^+ A) b\|_2 = \min_y \|N^j y - b\|_2, \quad (I - A^+ A) x = 0, \quad N = A^\top A")
            .given("an even power, n < d, rank n")
            .note("A bound by the condition number needs rank d, or means that of the range.")
            .about(WIDE, SHORT)
            .check(|case| least_norm(case, 1))
            .fault("(N^+)^(j-1) b", |case| least_norm(case, 0)),
        claim("attention-kernel-regression/stacking")
            .recalled("arXiv 2308.14304: j approximate solves one after the other")
            .states("j solves, each with a residual of at most e times its right-hand side, leave || N^j x - b || <= 2 j e || b ||")
            .formula(r"\|N y_i - y_{i-1}\|_2 \le e \|y_{i-1}\|_2, \ y_0 = b, \ i = 1, \dots, j \ \Longrightarrow \ \|N^j y_j - b\|_2 \le 2 j e \|b\|_2, \quad N = A^\top A")
            .given("an even power; checked where A'A is diagonal")
            .note("Each solve stretches the error of the one before by up to kappa^2. Attributed, wording unverified: the recalled form has no constant, and 2 j stands for one that grows with j only.")
            .about(AXES, DIAGONAL)
            .check(|case| stacking(case, Growth::Recalled))
            .fault("attention-kernel-regression/stacking-sharp", |case| stacking(case, Growth::Sharp))
            .refuted("attention-kernel-regression/stacking-sharp", witness!("attention-kernel-regression-stacking")),
        claim("attention-kernel-regression/stacking-sharp")
            .derived("replaces attention-kernel-regression/stacking")
            .states("j solves, each with a residual of at most e times its right-hand side, leave || N^j x - b || <= e (1 + kappa^2 + .. + kappa^(2 (j-1))) || b || to first order in e")
            .formula(r"\|N y_i - y_{i-1}\|_2 \le e \|y_{i-1}\|_2, \ y_0 = b, \ i = 1, \dots, j \ \Longrightarrow \ \|N^j y_j - b\|_2 \le e \sum_{i=0}^{j-1} \kappa(A)^{2i}\, \|b\|_2 + O(e^2), \quad N = A^\top A")
            .given("an even power; checked where A'A is diagonal")
            .note("r_(i+1) picks up e || y_i ||, and N^-1 stretches by kappa^2. Attained: b along the lowest direction, errors along the highest. For a residual of eps in the end each solve needs eps / kappa^(2 (j-1)), so that j log(kappa / eps) steps become j (2 (j-1) log kappa + log(1 / eps)).")
            .about(AXES, DIAGONAL)
            .check(|case| stacking(case, Growth::Sharp))
            .fault("the last power of kappa left out", |case| stacking(case, Growth::Short)),
        claim("attention-kernel-regression/term-by-term")
            .derived("motivation in the abstract: the exponential of A'A through its powers")
            .states("the solutions of N^k x / k! = b, added up for k = 0 to 8, solve exp(N) x = b up to the next term")
            .formula(r"\frac{N^k}{k!} x_k = b, \ k = 0, \dots, 8 \ \Longrightarrow \ \exp(N) \sum_{k=0}^{8} x_k \approx b, \quad N = A^\top A \in \mathbb{R}")
            .given("an even power with one column: N a number above 0, b not 0")
            .note("For N = b = 1 the solution is 0.368, the sum of the term solutions 46234. True for products: attention-kernel-regression/products-add-up. The abstract says proxy, not sum: this is the reading that its motivation suggests, and counts as derived here.")
            .about(ONE_COLUMN, NUMBERS)
            .check(term_by_term)
            .fault("attention-kernel-regression/products-add-up", |case| products_add_up(case, High::ONE))
            .refuted("attention-kernel-regression/products-add-up", witness!("attention-kernel-regression-term-by-term")),
        claim("attention-kernel-regression/products-add-up")
            .derived("replaces attention-kernel-regression/term-by-term")
            .states("|exp(N) b - sum_(k <= 8) N^k b / k!| <= N^9 / 9! e^N |b|")
            .formula(r"\Bigl|\exp(N)\, b - \sum_{k=0}^{8} \frac{N^k}{k!} b\Bigr| \le \frac{N^9}{9!} e^N |b|, \quad N = A^\top A \in \mathbb{R}")
            .given("an even power with one column: N a number above 0, b not 0")
            .about(ONE_COLUMN, NUMBERS)
            .check(|case| products_add_up(case, High::ONE))
            .fault("a hundredth of it", |case| products_add_up(case, High::ratio(1, 100))),
        claim("attention-kernel-regression/two-exponentials")
            .derived("abstract: exp(A'A) and exp(A A') as proxies of one thing")
            .states("exp(A A') entry by entry is the exponential of the matrix A A'")
            .formula(r"\sum_{k \ge 0} \frac{(A A^\top)^k}{k!} = \bigl(e^{\langle a_i, a_k \rangle}\bigr)_{ik}")
            .given("one column, at least two rows, not all 0")
            .note("They differ already at A = 0, where one is 1 1' and the other I.")
            .about(ONE_COLUMN, strata!(Kind: "d=1"))
            .check(|case| two_exponentials(case, true))
            .fault("attention-kernel-regression/matrix-exponential", |case| two_exponentials(case, false))
            .refuted("attention-kernel-regression/matrix-exponential", witness!("attention-kernel-regression-two-exponentials")),
        claim("attention-kernel-regression/matrix-exponential")
            .derived("replaces attention-kernel-regression/two-exponentials")
            .states("the exponential of the matrix a a' has the eigenvalue e^N along a, N = a'a, and 1 beside it: it is I + (e^N - 1) / N a a'")
            .formula(r"\sum_{k \ge 0} \frac{(a a^\top)^k}{k!} = I + \frac{e^N - 1}{N}\, a a^\top, \quad N = a^\top a")
            .given("one column, at least two rows, not all 0")
            .about(ONE_COLUMN, strata!(Kind: "d=1"))
            .check(|case| two_exponentials(case, false))
            .fault("entry by entry", |case| two_exponentials(case, true)),
    ]
}
