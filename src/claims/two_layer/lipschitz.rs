//! The Hessian as a function of x: Lipschitz on all of R^d for a smooth activation, and with a jump across every kink of
//! relu.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::{Exact, of_singular_values};
use crate::claims::tools::loewner::{Certified, outwards};
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Outside, Stratum, Targets, Verdict, Weights, forms,
};
use crate::instance::sample::{self, Stream};
use crate::instance::{Activation, Instance, LossKind};
use crate::oracle::{self, Reference, spectrum};
use crate::scalar::High;

use super::definiteness::constants;
use super::derivatives::model_of;
use super::model::{Form, Model, Sizes, layer, second_derivative};
use super::search::{Candidate, search};

/// How often a segment across a kink is halved: to `2^-80`, about `10^-24` of it. 40 digits still tell both sides apart.
const HALVINGS: usize = 80;

/// The verdict on `||H(x) - H(y)|| <= constant ||x - y||`.
fn change(
    instance: &Instance,
    x: &DVector<High>,
    y: &DVector<High>,
    constant: High,
) -> Result<Verdict, CheckError> {
    if x == y {
        // Zero on both sides, which no rounding puts in doubt.
        return Ok(Verdict::VACUOUS);
    }
    let reference = Reference::new(instance)?;
    let here = Certified::of(&reference, x)?;
    let (observed, error) = here.distance(&Certified::of(&reference, y)?)?;
    let allowed = constant * (x - y).norm();
    Ok(Verdict::at_most(
        "||H(x) - H(y)||",
        observed,
        allowed,
        error,
    ))
}

/// `factor ||A1||^3 (3 F1 F2 + (H + ||b||) F3)`.
fn derived_constant(exact: &Exact, factor: High) -> Result<High, CheckError> {
    let norm = spectrum::spectral_norm(&exact.a)?;
    Ok(outwards(constants(exact)?.lipschitz() * norm.powi(3)) * factor)
}

/// The bound for a smooth activation, at the case's two points.
fn smooth(case: &Case, factor: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let y = oracle::lift_vector(&case.y());
    change(
        &exact.instance,
        &exact.x,
        &y,
        derived_constant(&exact, factor)?,
    )
}

/// The same instance with softplus for relu.
fn softened(case: &Case) -> Result<Case, CheckError> {
    let (second_layer, _) = layer(&case.instance)?;
    let loss = LossKind::TwoLayer {
        second_layer: second_layer.clone(),
        activation: Activation::Softplus,
    };
    let instance = Instance::new(
        loss,
        case.instance.matrix().clone(),
        case.instance.target().clone(),
        case.instance.weights().clone(),
    )?
    .with_points(case.instance.points().to_vec())?;
    Ok(Case::new(case.origin.clone(), instance, case.seed))
}

/// `y = A2 softmax(A1 x)`.
fn outputs(a: &DMatrix<High>, second_layer: &DMatrix<High>, x: &DVector<High>) -> DVector<High> {
    second_layer * forms::softmax(&(a * x))
}

/// Two points on both sides of a kink.
struct Sides {
    left: DVector<High>,
    right: DVector<High>,
}

/// Two points of the segment between `x` and `y`, `2^-80` of it apart, between which an output changes its sign; none
/// where no output has different signs at the ends.
fn across_kink(exact: &Exact, y: &DVector<High>) -> Result<Option<Sides>, CheckError> {
    let second_layer = oracle::lift_matrix(layer(&exact.instance)?.0);
    let at = |x: &DVector<High>| outputs(&exact.a, &second_layer, x);
    let (first, last) = (at(&exact.x), at(y));
    let Some(k) = (0..first.len()).find(|&k| (first[k] * last[k]).is_negative()) else {
        return Ok(None);
    };
    let (mut left, mut right) = (exact.x.clone(), y.clone());
    for _ in 0..HALVINGS {
        let middle = (&left + &right) * High::ratio(1, 2);
        if (at(&middle)[k] * first[k]).is_positive() {
            left = middle;
        } else {
            right = middle;
        }
    }
    Ok(Some(Sides { left, right }))
}

/// `||H(x) - H(y)|| <= n^1.5 exp(30 R^2) ||x - y||` for relu, at the case's points, and where an output changes its sign
/// between them at two points of the segment on both sides of the kink.
fn relu(case: &Case) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let y = oracle::lift_vector(&case.y());
    let radius = spectrum::spectral_norm(&exact.a)?
        .max(constants(&exact)?.norm)
        .max(exact.x.norm())
        .max(y.norm());
    let n = High::int(exact.a.nrows() as i64);
    let m = outwards(n * n.sqrt() * (High::int(30) * outwards(radius).square()).exp());
    match across_kink(&exact, &y)? {
        Some(Sides { left, right }) => change(&exact.instance, &left, &right, m),
        None => change(&exact.instance, &exact.x, &y, m),
    }
}

/// What the Hessian's jump across a kink is said to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Jump {
    /// `A1' ( P a a' P + (y_k - b_k) S_f(a) ) A1`, a the row of A2.
    Derived,
    /// Without the second term.
    GaussOnly,
}

/// `H(x) - H(y)` on both sides of a kink against the stated jump, up to what the smooth pieces change between them.
fn jump(case: &Case, form: Jump) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let Some(Sides { left, right }) = some_kink(case, &exact)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let here = Exact::at(&exact.instance, left.clone())?;
    let model = model_of(&here)?;
    let other = outputs(&here.a, &model.layer, &right);
    let n = here.z.len();
    let covariance = DMatrix::from_diagonal(&model.p) - &model.p * model.p.transpose();
    let mut middle = DMatrix::from_element(n, n, High::ZERO);
    for k in 0..other.len() {
        if !(model.y[k] * other[k]).is_negative() {
            continue;
        }
        let row = model.layer.row(k).transpose();
        let image = &covariance * &row;
        let mut step = &image * image.transpose();
        if form == Jump::Derived {
            let residual = model.y[k] - here.b[k];
            step += second_derivative(&model.p, &row, Form::Derived) * residual;
        }
        middle += step * model.y[k].sign();
    }
    let stated = here.a.tr_mul(&(middle * &here.a));
    let reference = Reference::new(&here.instance)?;
    let at_left = Certified::of(&reference, &left)?;
    let at_right = Certified::of(&reference, &right)?;
    let change = &at_left.hessian - &at_right.hessian;
    let observed = spectrum::spectral_norm(&(&change - stated))?;
    // The oracle's own errors, those of the closed form, and those of the norm.
    let size = here.a.norm().square();
    let error = at_left.enclosed()
        + at_right.enclosed()
        + here.error(Sizes::of(&here, &model).hessian().norm() * size)
        + of_singular_values(n, at_left.hessian.norm() + at_right.hessian.norm());
    let allowed = derived_constant(&here, High::ONE)? * (&left - &right).norm();
    Ok(Verdict::at_most(
        "||H(x) - H(y) - jump||",
        observed,
        allowed,
        error,
    ))
}

/// Directions tried for one that leads across a kink.
const DIRECTIONS: usize = 16;
/// How far these go, in logits.
const REACH: f64 = 16.0;

/// Two points on both sides of a kink: between the case's points, or from its x in directions drawn from it.
fn some_kink(case: &Case, exact: &Exact) -> Result<Option<Sides>, CheckError> {
    let found = across_kink(exact, &oracle::lift_vector(&case.y()))?;
    if found.is_some() {
        return Ok(found);
    }
    let a = case.instance.matrix().to_dense();
    let mut rng = case.stream("kink");
    for _ in 0..DIRECTIONS {
        let direction = sample::dyadic_vector(&mut rng, a.ncols(), 1);
        let length = (&a * &direction).amax();
        if length == 0.0 {
            continue;
        }
        let end = oracle::lift_vector(&(direction * (REACH / length)));
        let found = across_kink(exact, &end)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Searches for the steepest Hessian relative to the constant.
fn steepest(rng: &mut Stream) -> Result<Case, CheckError> {
    let hardness = |candidate: &Candidate| {
        let at = |t: f64| -> Model<f64> { candidate.model(t) };
        let change = at(STEP).hessian(Form::Derived) - at(0.0).hessian(Form::Derived);
        change.symmetric_eigenvalues().amax() / (STEP * candidate.constants().lipschitz())
    };
    search(rng, SMOOTH, STEP, hardness, |_| 0.0)
}

/// Length of the step that a search takes for a derivative.
const STEP: f64 = 1e-4;

const SMOOTH: &[Activation] = &[Activation::Tanh, Activation::Softplus, Activation::Identity];

const FAMILY: Family = Family {
    losses: &[
        Drawn::TwoLayer(Activation::Tanh),
        Drawn::TwoLayer(Activation::Softplus),
        Drawn::TwoLayer(Activation::Identity),
    ],
    rows: (1, 6),
    columns: (1, 3),
    targets: Targets::Any,
    points: 2,
    cases: 42,
    ..Family::GENERAL
};

/// Short points, so that `exp(30 R^2)` leaves room for a counterexample among random cases.
const RELU: Family = Family {
    losses: &[Drawn::TwoLayer(Activation::Relu)],
    rows: (2, 6),
    radii: &[0.25, 0.5, 1.0],
    weights: Weights::Zero,
    cases: 28,
    ..FAMILY
};

/// Long points, between which outputs change their signs.
const KINKS: Family = Family {
    radii: &[],
    gaps: &[1],
    ..RELU
};

const STRATA: &[Stratum] =
    strata!(Condition: 0 3 6; Gap: 0 1 2 3; OneRow; OneColumn; Square; SignedTarget);

const RELU_STRATA: &[Stratum] = strata!(Condition: 0 3; OneColumn; Square; SignedTarget);

/// The claims about Lipschitz constants.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("two-layer/relu-hessian-lipschitz")
            .derived("abstract: \"Lipschitz continuous under certain assumptions\", for phi = relu, with DLS23's constant")
            .states("||H(x) - H(y)|| <= n^1.5 exp(30R^2) ||x - y||_2 for phi = relu")
            .formula(r"\|H(x) - H(y)\| \le n^{1.5} \exp(30R^2) \|x - y\|_2, \quad \phi = \operatorname{relu}")
            .given("||A1||, ||A2||, ||x||_2, ||y||_2 <= R, ||b||_1 <= 1, no entry of A2 f(x) or A2 f(y) is 0")
            .note("The Hessian jumps where an entry of A2 f changes its sign (two-layer/relu-hessian-jump), so no constant whatever \
                is right: halving the distance of two points on both sides doubles the ratio. The witness's segment is halved \
                80 times.")
            .on(RELU, RELU_STRATA)
            .check(relu)
            .fault("softplus in place of relu, and its constant", |case| smooth(&softened(case)?, High::ONE))
            .refuted("two-layer/smooth-hessian-lipschitz", witness!("two-layer-relu-hessian-lipschitz")),
        claim("two-layer/relu-hessian-jump")
            .derived("behind two-layer/relu-hessian-lipschitz")
            .states("where y_k = (A2 f)_k becomes positive the Hessian jumps by A1' ( P a a' P - b_k S_f(a) ) A1, a the k-th row \
                of A2; on either side it is Lipschitz with the constant of two-layer/smooth-hessian-lipschitz for L2 = L3 = 0")
            .formula(r"\begin{aligned} &\lim_{y_k \to 0^+} \nabla^2 L - \lim_{y_k \to 0^-} \nabla^2 L = A_1^\top \bigl(P a a^\top P - b_k S_f(a)\bigr) A_1, \quad a^\top = e_k^\top A_2, \\
                &\text{and on either side, with } F_1 = \tfrac{R}{2}, \ F_2 = R, \ F_3 = \tfrac{5R}{2}, \ R = \|A_2\|: \\
                &\|\nabla^2 L(x) - \nabla^2 L(y)\| \le \|A_1\|^3 \bigl(3 F_1 F_2 + (R + \|b\|_2) F_3\bigr) \|x - y\|_2 \end{aligned}")
            .given("phi = relu, y_k has both signs near the point")
            .note("Decided at two points about 10^-24 apart, on both sides of the kink, with y_k - b_k for -b_k; the difference may \
                be no more than the smooth pieces change on that distance.")
            .on(KINKS, RELU_STRATA)
            .check(|case| jump(case, Jump::Derived))
            .fault("without - b_k S_f(a)", |case| jump(case, Jump::GaussOnly)),
        claim("two-layer/smooth-hessian-lipschitz")
            .derived("abstract: \"Lipschitz continuous\"; constant derived here")
            .states("||H(x) - H(y)|| <= ||A1||^3 (3 F1 F2 + (H + ||b||_2) F3) ||x - y||_2 for all x, y, with R = ||A2||, F1 = R/2, \
                F2 = L2 R^2/4 + R, F3 = L3 R^3/8 + 3 L2 R^2/2 + 5R/2; tanh: H = R, L2 = 4 / (3 sqrt 3), L3 = 2; softplus: \
                H = R + sqrt m ln 2, L2 = 1/4, L3 = 1 / (6 sqrt 3); identity: H = R, L2 = L3 = 0")
            .formula(r"\begin{aligned} \|\nabla^2 L(x) - \nabla^2 L(y)\| &\le \|A_1\|^3 \bigl(3 F_1 F_2 + (H + \|b\|_2) F_3\bigr) \|x - y\|_2 \quad \forall x, y, \\
                F_1 &= \tfrac{R}{2}, \ F_2 = \tfrac{L_2 R^2}{4} + R, \ F_3 = \tfrac{L_3 R^3}{8} + \tfrac{3 L_2 R^2}{2} + \tfrac{5R}{2}, \ R = \|A_2\|, \\
                \tanh&: \ H = R, \ L_2 = \tfrac{4}{3\sqrt{3}}, \ L_3 = 2; \quad \operatorname{id}: \ H = R, \ L_2 = L_3 = 0; \\
                \operatorname{softplus}&: \ H = R + \sqrt{m} \ln 2, \ L_2 = \tfrac{1}{4}, \ L_3 = \tfrac{1}{6\sqrt{3}} \end{aligned}")
            .given("phi = tanh, softplus or the identity; no bound on x or y")
            .note("Proven in the source. For softplus with a large A2, L3 R^3 (H + ||b||_2) / 8 \
                dominates; for the identity it stays below a fifth.")
            .on(FAMILY, STRATA)
            .attacked(6, steepest)
            .check(|case| smooth(case, High::ONE))
            .fault("a hundredth of it", |case| smooth(case, High::ratio(1, 100))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_sides_of_a_kink_are_next_to_it() {
        // Logits (x, 0): A2 f = f_1 - 3 f_2 changes its sign where f_1 = 3/4, at x = ln 3; 1 = f_1 + f_2 never does.
        let text = r#"{"loss": "two-layer", "matrix": [[1], [0]], "second_layer": [[1, 1], [1, -3]], "activation": "relu",
            "target": [0, 0], "weights": 0, "points": [[0]]}"#;
        let case = Case::of_text(text, 0);
        let exact = Exact::of(&case).unwrap();
        let to = |y: i64| across_kink(&exact, &DVector::from_element(1, High::int(y))).unwrap();
        let Sides { left, right } = to(2).unwrap();
        let kink = High::int(3).ln();
        assert!(left[0] < kink && kink < right[0]);
        let apart = ((right[0] - left[0]) * High::int(2).powi(79)).to_f64();
        assert!((apart - 1.0).abs() < 1e-12, "{apart}");
        assert!(to(1).is_none());
    }
}
