//! One attention output `<softmax(z), h>` as a function of its logits: derivatives to third order, and how large they get.

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::{Attack, Check};
use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::{of_eigenvalues, unit};
use crate::claims::tools::forms;
use crate::claims::tools::loewner::Certified;
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::{self, Graph, Node, Reference, spectrum};
use crate::scalar::{Allowance, Ball, High};
use crate::system::{Array, Given};

use super::cases::{AttentionCases, Target, posed};
use super::model::Model;

/// One output of a case at 40 digits: a token and a column of H that the case's seed names, and the direction in which a change
/// of the last row of X' moves the logits, the last column of A2.
struct Output {
    z: DVector<High>,
    h: DVector<High>,
    b: High,
    u: DVector<High>,
}

impl Output {
    fn of(case: &Case<Given>) -> Result<Self, CheckError> {
        let model = Model::of(case)?;
        let (n, m) = model.c.shape();
        let j = (case.seed % n as u64) as usize;
        let i = (case.seed / n as u64 % m as u64) as usize;
        Ok(Self {
            z: model.z.row(j).transpose(),
            h: model.h.column(i).into_owned(),
            b: High::lift(case.instance.matrix("B", "n", "m")[(j, i)])?,
            u: model.a2.column(model.a2.ncols() - 1).into_owned(),
        })
    }

    /// `range(h)`.
    fn range(&self) -> High {
        self.h.max() - self.h.min()
    }

    /// The output as an expression of given logits, written out from its definition.
    fn expression(&self, graph: &mut Graph, logits: &[Node]) -> Node {
        let powers: Vec<Node> = logits.iter().map(|z| graph.exp(*z)).collect();
        let total = graph.sum(&powers);
        let shares: Vec<Node> = powers.iter().map(|e| graph.quotient(*e, total)).collect();
        let terms: Vec<(High, Node)> = self.h.iter().copied().zip(shares).collect();
        graph.weighted_sum(&terms)
    }

    /// The output in its logits.
    fn in_logits(&self) -> Reference {
        let mut graph = Graph::new();
        let logits: Vec<Node> = (0..self.z.len()).map(|k| graph.variable(k)).collect();
        let output = self.expression(&mut graph, &logits);
        Reference::from_graph(graph, output, logits.len())
    }

    /// First, second and third derivative of `<softmax(z + t u), h>` at t = 0, or of half the square of that less b.
    fn along(&self, square: bool) -> Result<[Ball<High>; 3], CheckError> {
        let mut graph = Graph::new();
        let t = graph.variable(0);
        let logits: Vec<Node> = self
            .z
            .iter()
            .zip(&self.u)
            .map(|(z, u)| {
                let start = graph.constant(*z);
                graph.weighted_sum(&[(High::ONE, start), (*u, t)])
            })
            .collect();
        let output = self.expression(&mut graph, &logits);
        let followed = if square {
            let target = graph.constant(self.b);
            let residual = graph.weighted_sum(&[(High::ONE, output), (-High::ONE, target)]);
            let square = graph.power(residual, 2);
            graph.weighted_sum(&[(High::ratio(1, 2), square)])
        } else {
            output
        };
        let first = oracle::derivative(&mut graph, followed, 0);
        let origin = DVector::from_element(1, High::ZERO);
        let balls = Reference::from_graph(graph, first, 1).enclose(&origin, High::ZERO)?;
        Ok([balls.loss, balls.gradient[0], balls.hessian[0]])
    }
}

/// An enclosure's radius as what a comparison grants.
fn enclosed(radius: High) -> Allowance<High> {
    Allowance::new(radius, "the oracle's enclosure")
}

/// `k1, k2, k3`: the joint cumulants of (h, u), (h, u, u) and (h, u, u, u) under f; the fault leaves `- 3 k1 var(u)` out.
fn cumulants<T: nalgebra::RealField + Copy>(
    f: &DVector<T>,
    h: &DVector<T>,
    u: &DVector<T>,
    without_product: bool,
) -> [T; 3] {
    let (h_mean, u_mean) = (f.dot(h), f.dot(u));
    let moment = |power: usize, with_h: bool| {
        (0..f.len()).fold(T::zero(), |sum, k| {
            let mut term = f[k];
            for _ in 0..power {
                term *= u[k] - u_mean;
            }
            if with_h {
                term *= h[k] - h_mean;
            }
            sum + term
        })
    };
    let first = moment(1, true);
    let mut third = moment(3, true);
    if !without_product {
        let product = first * moment(2, false);
        third -= product + product + product;
    }
    [first, moment(2, true), third]
}

/// The derivatives of one output, and of half its squared residual, are those of the cumulants.
fn derivatives(case: &Case<Given>, without_product: bool) -> Result<Verdict, CheckError> {
    let output = Output::of(case)?;
    let f = forms::softmax(&output.z);
    let [k1, k2, k3] = cumulants(&f, &output.h, &output.u, without_product);
    let c = f.dot(&output.h) - output.b;
    let n = High::int(f.len() as i64);
    let three = High::int(3);
    let of_output = [k1, k2, k3];
    let of_square = [c * k1, k1 * k1 + c * k2, three * k1 * k2 + c * k3];
    let (h, u) = (output.h.amax(), High::int(2) * output.u.amax());
    let residual = h + output.b.abs();
    // exp loses a relative error of the size of its argument; every moment is a sum of n products of at most eight factors.
    let roundings = High::int(256) * n * (High::ONE + output.z.amax()) * unit();
    let mut verdict = Verdict::VACUOUS;
    for (square, stated, size) in [
        (false, of_output, h),
        (true, of_square, (h + residual) * h * High::int(4)),
    ] {
        let truth = output.along(square)?;
        for (order, (stated, ball)) in stated.iter().zip(truth).enumerate() {
            let name = if square { "(c^2/2)" } else { "<f,h>" };
            // A cumulant has at most four terms, each bounded by the sizes of its factors.
            let size = size * u.powi(order as i64 + 1) * High::int(8);
            verdict = verdict.and(Verdict::equal(
                &format!("derivative {} of {name} along u", order + 1),
                *stated,
                ball.midpoint(),
                Allowance::new(
                    roundings * size,
                    "256 n (1 + max |z|) roundings of the terms",
                ) + enclosed(ball.radius()),
            ));
        }
    }
    Ok(verdict)
}

/// `||P h|| <= bound range(h)`: the slope of an output.
fn slope(case: &Case<Given>, bound: High) -> Result<Verdict, CheckError> {
    let output = Output::of(case)?;
    let balls = output.in_logits().enclose(&output.z, High::ZERO)?.gradient;
    let (mut square, mut radius) = (High::ZERO, High::ZERO);
    for ball in balls {
        square += ball.midpoint().square();
        radius += ball.radius();
    }
    let rounding = unit() * High::int(64) * output.range();
    Ok(at_most_or_equal(
        "||grad <f, h>||",
        square.sqrt(),
        bound * output.range(),
        enclosed(radius + rounding),
    ))
}

/// `||S_f(h)|| <= bound range(h)`: the curvature of an output.
fn curvature(case: &Case<Given>, bound: High) -> Result<Verdict, CheckError> {
    let output = Output::of(case)?;
    let certified = Certified::of(&output.in_logits(), &output.z)?;
    let (low, high, error) = spectrum::extremes_with_bound(&certified.hessian)?;
    let rounding = Allowance::new(unit() * High::int(64) * output.range(), "64 roundings");
    Ok(at_most_or_equal(
        "||Hess <f, h>||",
        high.abs().max(low.abs()),
        bound * output.range(),
        of_eigenvalues(error) + certified.enclosed() + rounding,
    ))
}

/// `|k3| <= bound range(h) ||u||^3`: the third derivative of an output.
fn third(case: &Case<Given>, bound: High) -> Result<Verdict, CheckError> {
    let output = Output::of(case)?;
    third_at_most(&output, false, bound * output.range())
}

/// `|(c^2/2)'''| <= bound range(h)^2 ||u||^3` for a target in the hull of h.
fn third_of_square(case: &Case<Given>, bound: High) -> Result<Verdict, CheckError> {
    let output = Output::of(case)?;
    if output.b < output.h.min() || output.b > output.h.max() {
        return Ok(Verdict::Outside(Outside::Target));
    }
    third_at_most(&output, true, bound * output.range().square())
}

fn third_at_most(output: &Output, square: bool, bound: High) -> Result<Verdict, CheckError> {
    let [_, _, ball] = output.along(square)?;
    let cube = output.u.norm().powi(3);
    let rounding = unit() * High::int(64) * bound * cube;
    Ok(at_most_or_equal(
        "|third derivative along u|",
        ball.midpoint().abs(),
        bound * cube,
        enclosed(ball.radius() + rounding),
    ))
}

/// An instance all of whose tokens have these logits, values and target: `A1 = 1`, `A2 = [u z]` with X = (0, 1), `A3 = h` with
/// Y = 1, so that the direction is the one column of A2 that X leaves out, as the last one.
fn instance(candidate: &Candidate) -> Result<Case<Given>, CheckError> {
    let n = candidate.z.len();
    let keys = DMatrix::from_columns(&[candidate.z.clone(), candidate.u.clone()]);
    let arrays = [
        ("A1", DMatrix::from_element(n, 1, 1.0)),
        ("A2", keys),
        (
            "A3",
            DMatrix::from_column_slice(n, 1, candidate.h.as_slice()),
        ),
        ("B", DMatrix::from_element(n, 1, candidate.b())),
    ];
    let arrays = arrays
        .iter()
        .map(|(name, matrix)| ((*name).to_owned(), Array::matrix(matrix)))
        .collect();
    Ok(Case::new(
        Origin::Attack(0),
        posed(arrays, vec![1.0, 0.0, 1.0])?,
        0,
    ))
}

/// Logits, values and a direction for a search, and the target's place between the values.
struct Candidate {
    z: DVector<f64>,
    h: DVector<f64>,
    u: DVector<f64>,
    place: f64,
}

impl Candidate {
    fn of(n: usize, free: &[f64]) -> Self {
        let part = |k: usize| DVector::from_column_slice(&free[k * n..(k + 1) * n]);
        Self {
            z: part(0),
            h: part(1),
            u: part(2),
            place: free[3 * n],
        }
    }

    fn range(&self) -> f64 {
        self.h.max() - self.h.min()
    }

    fn b(&self) -> f64 {
        let share = 1.0 / (1.0 + (-self.place).exp());
        (self.h.min() + share * self.range()).clamp(self.h.min(), self.h.max())
    }
}

/// From one cold start, the candidate of largest hardness for 2 to 4 tokens.
fn search(
    rng: &mut Stream,
    hardness: fn(&Candidate, &DVector<f64>) -> f64,
) -> Result<Case<Given>, CheckError> {
    let n = sample::integer(rng, 2, 4) as usize;
    let value = |free: &[f64]| {
        let candidate = Candidate::of(n, free);
        hardness(&candidate, &forms::softmax(&candidate.z))
    };
    let start = attack::best_start(rng, 60, 3 * n + 1, 2, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    instance(&Candidate::of(n, &best))
}

fn search_slope(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    search(rng, |candidate, f| {
        let mean = f.dot(&candidate.h);
        f.component_mul(&candidate.h.add_scalar(-mean)).norm() / candidate.range()
    })
}

fn search_curvature(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    search(rng, |candidate, f| {
        let h = candidate.h.add_scalar(-f.dot(&candidate.h));
        let product = f.component_mul(&h);
        let hessian =
            DMatrix::from_diagonal(&product) - &product * f.transpose() - f * product.transpose();
        hessian.symmetric_eigenvalues().amax() / candidate.range()
    })
}

fn search_third(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    search(rng, |candidate, f| {
        let [_, _, k3] = cumulants(f, &candidate.h, &candidate.u, false);
        k3.abs() / (candidate.range() * candidate.u.norm().powi(3))
    })
}

fn search_third_of_square(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    search(rng, |candidate, f| {
        let [k1, k2, k3] = cumulants(f, &candidate.h, &candidate.u, false);
        let c = f.dot(&candidate.h) - candidate.b();
        let size = candidate.range().powi(2) * candidate.u.norm().powi(3);
        (3.0 * k1 * k2 + c * k3).abs() / size
    })
}

const EVERY: OtherCases = &AttentionCases {
    cases: 36,
    ..AttentionCases::GENERAL
};
const HULL: OtherCases = &AttentionCases {
    outputs: 1,
    target: Target::Hull,
    cases: 36,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1 2 3;
    Decade("values"): 0 1 3;
    Kind: "n=1" "m=1" "d1!=d2" "a column of A2 is constant"
);
const HULL_STRATA: &[Stratum] =
    strata!(Decade("logit range"): 0 1 2 3; Decade("values"): 0 1 3; Kind: "d1!=d2");

/// `sqrt 2 / 4`.
fn quarter_root() -> High {
    High::int(2).sqrt() * High::ratio(1, 4)
}

/// `1 / (3 sqrt 3)`.
pub fn sharp_curvature() -> High {
    (High::int(3) * High::int(3).sqrt()).recip()
}

/// Half of 0.571408, as far as any search of either system went, rounded up.
fn half_of_cubic() -> High {
    High::ratio(285_704, 1_000_000)
}

/// A check and its search.
type Tried = (Check<Given>, Attack<Given>);

const SLOPE: Tried = (|case| slope(case, quarter_root()), search_slope);
const QUARTER: Tried = (|case| curvature(case, High::ratio(1, 4)), search_curvature);
const SHARP: Tried = (|case| curvature(case, sharp_curvature()), search_curvature);
const THIRD: Tried = (|case| third(case, quarter_root()), search_third);
const CUBIC: Tried = (
    |case| third_of_square(case, half_of_cubic()),
    search_third_of_square,
);

/// The claims about one output.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("single-layer-attention/cumulants")
            .derived("derivatives of <softmax(z + t u), h> by the cumulants of f")
            .states("along u: <f,h>' = k1 = cov(h,u), <f,h>'' = k2 = E(h - Eh)(u - Eu)^2, <f,h>''' = k3 = E(h - Eh)(u - Eu)^3 - 3 k1 var(u); (c^2/2)' = c k1, (c^2/2)'' = k1^2 + c k2, (c^2/2)''' = 3 k1 k2 + c k3")
            .formula(r"\begin{aligned} \tfrac{d}{dt} \langle f, h \rangle &= k_1 = \operatorname{cov}(h, u), \quad \tfrac{d^2}{dt^2} \langle f, h \rangle = k_2 = \mathbb{E}(h - \mathbb{E}h)(u - \mathbb{E}u)^2, \\ \tfrac{d^3}{dt^3} \langle f, h \rangle &= k_3 = \mathbb{E}(h - \mathbb{E}h)(u - \mathbb{E}u)^3 - 3 k_1 \operatorname{var}(u), \\ \tfrac{d}{dt} \tfrac{c^2}{2} &= c k_1, \quad \tfrac{d^2}{dt^2} \tfrac{c^2}{2} = k_1^2 + c k_2, \quad \tfrac{d^3}{dt^3} \tfrac{c^2}{2} = 3 k_1 k_2 + c k_3 \end{aligned}")
            .note("Every order from moments of f alone: a route to the derivatives that shares nothing with the matrices of hessian-blocks.")
            .about(EVERY, STRATA)
            .check(|case| derivatives(case, false))
            .fault("k3 without - 3 k1 var(u)", |case| derivatives(case, true)),
        claim("single-layer-attention/output-slope")
            .derived("Cauchy-Schwarz and Popoviciu: u'P h = cov(u, h) <= sd(u) sd(h), sd(u)^2 = u'P u <= 1/2 for ||u|| = 1, sd(h) <= range(h)/2")
            .states("||P_j h||_2 <= (sqrt 2 / 4) range(h)")
            .formula(r"\|P_j h\|_2 \le \tfrac{\sqrt{2}}{4} \operatorname{range}(h)")
            .note("Proved by hand; attained by two tokens, f = (1/2, 1/2).")
            .about(EVERY, STRATA)
            .inequality(2, SLOPE)
            .fault("0.353 for sqrt 2 / 4 = 0.35355", |case| slope(case, High::ratio(353, 1000))),
        claim("single-layer-attention/output-curvature")
            .derived("S_f(h) is linear in h, hence extreme at the indicator of a set of mass t: t (1-t) max(1, 2 |1-2t|) <= 1/4")
            .states("||S_f(h)||_2 <= (1/4) range(h)")
            .formula(r"\|S_f(h)\|_2 \le \tfrac{1}{4} \operatorname{range}(h)")
            .note("Proved by hand; the sharp constant is that of single-layer-attention/output-curvature-sharp.")
            .about(EVERY, STRATA)
            .inequality(3, QUARTER)
            .fault("3/16 for 1/4", |case| curvature(case, High::ratio(3, 16))),
        claim("single-layer-attention/output-curvature-sharp")
            .derived("searched over 2 to 5 tokens")
            .states("||S_f(h)||_2 <= 1/(3 sqrt 3) range(h)")
            .formula(r"\|S_f(h)\|_2 \le \tfrac{1}{3\sqrt{3}} \operatorname{range}(h)")
            .note("No violation found; no proof for every n is known here. Attained by two tokens, f = ((3 - sqrt 3)/6, (3 + sqrt 3)/6). The search draws logits and values of 2 to 4 tokens.")
            .about(EVERY, STRATA)
            .inequality(3, SHARP)
            .fault("0.192 for 1/(3 sqrt 3) = 0.19245", |case| curvature(case, High::ratio(192, 1000))),
        claim("single-layer-attention/output-third-derivative")
            .derived("searched over 2 to 5 tokens")
            .states("|k3(h, u, u, u)| <= (sqrt 2 / 4) range(h) ||u||^3")
            .formula(r"|k_3(h, u, u, u)| \le \tfrac{\sqrt{2}}{4} \operatorname{range}(h) \|u\|_2^3")
            .note("No violation found; no proof for every n is known here. Attained by two tokens, f = (1/2, 1/2), u = (1, -1). The search draws logits, values and direction for 2 to 4 tokens.")
            .about(EVERY, STRATA)
            .inequality(4, THIRD)
            .fault("0.35 for sqrt 2 / 4 = 0.35355", |case| third(case, High::ratio(35, 100))),
        claim("single-layer-attention/half-square-third-derivative")
            .derived("half of the constant of dls23/hessian-lipschitz-sharp carried over to one output; searched over 2 to 5 tokens")
            .states("|(c^2/2)'''| <= 0.285704 range(h)^2 ||u||^3 along every u, for one output")
            .formula(r"\Bigl|\tfrac{d^3}{dt^3} \tfrac{c^2}{2}\Bigr| \le 0.285704\, \operatorname{range}(h)^2 \|u\|_2^3")
            .given("b between the smallest and the largest entry of h")
            .note("No violation found; no proof for every n is known here. The search draws logits, values, direction and the target's place between the values for 2 to 4 tokens.")
            .about(HULL, HULL_STRATA)
            .inequality(6, CUBIC)
            .fault("0.2843, 0.5 % smaller", |case| third_of_square(case, High::ratio(2843, 10_000))),
    ]
}
