//! The facts that everything else leans on: products of vectors (Fact 2.1.9, E18) and `||f(x)||_1 = 1` (Fact 2.2.4).

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::Check;
use crate::claims::tools::builder::{Draft, claim, witness};
use crate::claims::tools::exact::{Exact, unit};
use crate::claims::tools::identity::{self, EVERYWHERE};
use crate::claims::{Case, CheckError, Claim, Family, Verdict};
use crate::instance::sample;
use crate::oracle;
use crate::scalar::{Allowance, High};

/// The three vectors of Fact 2.1.9, each with d entries.
struct Vectors {
    x: DVector<High>,
    y: DVector<High>,
    z: DVector<High>,
}

impl Vectors {
    /// The case's points; a third one is drawn where the instance has fewer.
    fn of(case: &Case) -> Self {
        let third = case.instance.points().get(2).cloned().unwrap_or_else(|| {
            sample::dyadic_vector(&mut case.stream("z"), case.instance.columns(), 2)
        });
        Self {
            x: oracle::lift_vector(&case.x()),
            y: oracle::lift_vector(&case.y()),
            z: oracle::lift_vector(&third),
        }
    }
}

/// `sum_i x_i y_i`: the definition of `<x, y>`.
fn inner(x: &DVector<High>, y: &DVector<High>) -> High {
    x.iter().zip(y.iter()).map(|(x, y)| *x * *y).sum()
}

/// Two rounded sums of `d` products of up to three factors, of total magnitude `scale`, differ by at most
/// `2 (d + 2)` roundings of it: d - 1 additions and two multiplications on either side.
fn rounding(d: usize, scale: High) -> Allowance<High> {
    Allowance::new(
        High::int(2 * (d as i64 + 2)) * unit() * scale,
        "2 (d + 2) roundings of a sum of products",
    )
}

/// `||x||_2^2 = x'x`, the left side through the norm's square root; with a fault the norm is not squared.
fn squared_norm(case: &Case, squared: bool) -> Verdict {
    let Vectors { x, .. } = Vectors::of(case);
    let product = (x.transpose() * &x)[(0, 0)];
    let norm = x.norm();
    let left = if squared { norm.square() } else { norm };
    // The root's rounding counts twice in its square, besides the square's own: three more.
    Verdict::equal(
        "||x||^2",
        left,
        product,
        rounding(x.len() + 3, product.abs()),
    )
}

/// `<x, y> = x'y = y'x`, with `x'y` and `y'x` as products of a row and a column; the fault gives `y'x` its `|x|`.
fn inner_product(case: &Case, signed: bool) -> Verdict {
    let Vectors { x, y, .. } = Vectors::of(case);
    let left = inner(&x, &y);
    let allowed = rounding(x.len(), inner(&x.map(High::abs), &y.map(High::abs)));
    let forward = (x.transpose() * &y)[(0, 0)];
    let other = if signed { x } else { x.map(High::abs) };
    let backward = (y.transpose() * &other)[(0, 0)];
    Verdict::equal("x'y", forward, left, allowed.clone())
        .and(Verdict::equal("y'x", backward, left, allowed))
}

/// What stands for `x'(y o z)` on the right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TripleProduct {
    /// `(z'y) o x`. The left side is a number, the right side has d entries; the reading that gives the statement a
    /// chance is that each of them equals the number.
    Printed,
    /// `z'(y o x)` and `y'(x o z)`.
    Corrected,
}

fn triple_product(case: &Case, form: TripleProduct) -> Verdict {
    let Vectors { x, y, z } = Vectors::of(case);
    let left = (x.transpose() * y.component_mul(&z))[(0, 0)];
    let terms = x.component_mul(&y).component_mul(&z).map(High::abs);
    let total: High = terms.iter().copied().sum();
    match form {
        TripleProduct::Printed => {
            let factor = inner(&z, &y);
            let size = inner(&z.map(High::abs), &y.map(High::abs));
            (0..x.len())
                .map(|i| {
                    let allowed = rounding(x.len(), total + size * x[i].abs());
                    let name = format!("((z'y) o x)[{i}]");
                    Verdict::equal(&name, factor * x[i], left, allowed)
                })
                .fold(Verdict::VACUOUS, Verdict::and)
        }
        TripleProduct::Corrected => {
            let allowed = rounding(x.len(), total);
            let turned = inner(&z, &y.component_mul(&x));
            let swapped = inner(&y, &x.component_mul(&z));
            Verdict::equal("z'(y o x)", turned, left, allowed.clone()).and(Verdict::equal(
                "y'(x o z)",
                swapped,
                left,
                allowed,
            ))
        }
    }
}

/// `x o y = diag(v) y` for `v = x`; the fault takes `v = y`.
fn hadamard(case: &Case, own: bool) -> Verdict {
    let Vectors { x, y, .. } = Vectors::of(case);
    let product = x.component_mul(&y);
    let image = DMatrix::from_diagonal(if own { &x } else { &y }) * &y;
    (0..x.len())
        .map(|i| {
            let allowed = rounding(x.len(), product[i].abs());
            Verdict::equal(&format!("(diag(x) y)[{i}]"), image[i], product[i], allowed)
        })
        .fold(Verdict::VACUOUS, Verdict::and)
}

/// `||f(x)||_1` with a normaliser over the rows from `first` on; the fault leaves out row 0.
fn norm_of_softmax(case: &Case, first: usize) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let u = exact.z.map(High::exp);
    let normaliser: High = u.iter().skip(first).copied().sum();
    if normaliser.is_zero() {
        return Ok(Verdict::Undecided("nothing to divide by".to_owned()));
    }
    let f = u / normaliser;
    let norm: High = f.iter().map(|entry| entry.abs()).sum();
    // Whatever the logits are: n - 1 additions in the normaliser, one quotient for each entry, n - 1 additions again.
    let allowed = Allowance::new(
        High::int(2 * f.len() as i64) * unit(),
        "2 n roundings of a sum",
    );
    Ok(Verdict::equal("||f(x)||_1", norm, High::ONE, allowed))
}

/// Three points for each case: the vectors of Fact 2.1.9.
const VECTORS: Family = Family {
    points: 3,
    ..EVERYWHERE
};

/// A part of Fact 2.1.9.
fn part(id: &'static str) -> Draft {
    claim(id)
        .printed("thesis Fact 2.1.9")
        .note("Checked on vectors with entries of up to about 1000.")
        .on(VECTORS, identity::STRATA)
        .real_rows(4)
}

/// The claims about elementary facts.
pub fn claims() -> Vec<Claim> {
    let printed: Check = |case| Ok(triple_product(case, TripleProduct::Printed));
    let corrected: Check = |case| Ok(triple_product(case, TripleProduct::Corrected));
    vec![
        part("dls23/fact-squared-norm")
            .states("||x||_2^2 = x'x")
            .formula(r"\|x\|_2^2 = x^\top x")
            .check(|case| Ok(squared_norm(case, true)))
            .fault("the norm is not squared", |case| Ok(squared_norm(case, false))),
        part("dls23/fact-inner-product")
            .states("<x, y> = x'y = y'x")
            .formula(r"\langle x, y\rangle = x^\top y = y^\top x")
            .check(|case| Ok(inner_product(case, true)))
            .fault("|x| instead of x in y'x", |case| Ok(inner_product(case, false))),
        part("dls23/fact-triple-product-printed")
            .states("x'(y o z) = (z'y) o x")
            .formula(r"x^\top (y \circ z) = (z^\top y) \circ x")
            .note("Erratum E18: a number on the left, a vector with d entries on the right; even entry by entry it holds \
                   for d = 1 only. What the derivation of the gradient uses is the same line with the parenthesis \
                   elsewhere, x'(y o z) = z'(y o x).")
            .check(printed)
            .fault("the parenthesis moved: z'(y o x)", corrected)
            .refuted("dls23/fact-triple-product", witness!("dls23-fact-triple-product-printed")),
        part("dls23/fact-triple-product")
            .derived("correction of thesis Fact 2.1.9")
            .states("x'(y o z) = z'(y o x) = y'(x o z)")
            .formula(r"x^\top (y \circ z) = z^\top (y \circ x) = y^\top (x \circ z)")
            .check(corrected)
            .fault("the parenthesis as printed: (z'y) o x", printed),
        part("dls23/fact-hadamard-diagonal")
            .states("x o y = diag(x) y")
            .formula(r"x \circ y = \operatorname{diag}(x)\, y")
            .check(|case| Ok(hadamard(case, true)))
            .fault("diag(y) y", |case| Ok(hadamard(case, false))),
        claim("dls23/softmax-normalised")
            .printed("thesis Fact 2.2.4; DLS23")
            .states("||f(x)||_1 = 1 for f(x) = <exp(Ax), 1_n>^-1 exp(Ax)")
            .formula(r"\|f(x)\|_1 = 1, \quad f(x) = \langle \exp(Ax), \mathbf{1}_n\rangle^{-1} \exp(Ax)")
            .note("At 40 digits straight from the definition, without a shift of the logits; allowed are the 2 n roundings \
                   of the two sums and the quotients, whatever the logits. In f64 the statement is one about the \
                   implementation: unshifted, it fails from a logit of 710 on.")
            .on(Family { cases: 168, ..EVERYWHERE }, identity::STRATA)
            .real_rows(512)
            .check(|case| norm_of_softmax(case, 0))
            .fault("the normaliser leaves out the first row", |case| norm_of_softmax(case, 1)),
    ]
}
