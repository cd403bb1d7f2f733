//! Polynomial weights as a loss of their logits: `l(z) = 0.5 || p - b ||^2`, `p = z^beta / <z^beta, 1>`, z > 0. The paper has no
//! regression; this form fits the others here, because `p = softmax(beta ln z)`.
//!
//! An instance gives z (the logits of its first query), beta, and b (the first column of its values).

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::forms::{self, GradientForm, HessianForm};
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::{lift_matrix, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, PolynomialCases, posed};

/// Relative step of the central differences.
const STEP: i64 = -12;

/// The loss of one instance.
struct Loss {
    z: DVector<High>,
    b: DVector<High>,
    degree: i64,
}

impl Loss {
    /// `None` where a logit is not positive, or the degree is 0: then nothing depends on z.
    fn of(given: &Given) -> Option<Self> {
        let array = |name, rows, columns| lift_matrix(&given.matrix(name, rows, columns));
        let (q, k) = (array("Q", "nq", "d"), array("K", "nk", "d"));
        let scale = High::lift(given.scalar("scale")).ok()?;
        let z = k * q.row(0).transpose() / scale;
        let degree = given.scalar("degree") as i64;
        let fits = z.iter().all(|z| z.is_positive()) && degree > 0;
        let b = array("V", "nk", "m").column(0).clone_owned();
        fits.then_some(Self { z, b, degree })
    }

    /// From the definition: powers, their sum, quotients.
    fn value(&self, z: &DVector<High>) -> High {
        forms::value(&self.weights(z), &self.b)
    }

    fn weights(&self, z: &DVector<High>) -> DVector<High> {
        let powers = z.map(|z| z.powi(self.degree));
        let total: High = powers.iter().copied().sum();
        powers / total
    }

    /// `s o g`, `s = beta / z`, g the gradient of softmax regression in its logits at p.
    fn gradient(&self, z: &DVector<High>) -> DVector<High> {
        let g = forms::gradient(GradientForm::Corrected, &self.weights(z), &self.b);
        g.component_mul(&self.slopes(z))
    }

    /// `beta / z`.
    fn slopes(&self, z: &DVector<High>) -> DVector<High> {
        z.map(|z| High::int(self.degree) / z)
    }

    /// `diag(s) B diag(s) - diag(beta g / z^2)`; without the second term where `curved` is false.
    fn hessian(&self, curved: bool) -> DMatrix<High> {
        let p = self.weights(&self.z);
        let s = DMatrix::from_diagonal(&self.slopes(&self.z));
        let outer = &s * forms::hessian(HessianForm::Corrected, &p, &self.b) * &s;
        let bent = self.gradient(&self.z).component_div(&self.z);
        match curved {
            true => outer - DMatrix::from_diagonal(&bent),
            false => outer,
        }
    }

    /// `(f(z + h z_i e_i) - f(z - h z_i e_i)) / (2 h z_i)`.
    fn difference<T>(&self, i: usize, f: impl Fn(&DVector<High>) -> T) -> T
    where
        T: std::ops::Sub<Output = T> + std::ops::Div<High, Output = T>,
    {
        let step = self.z[i] * High::ONE.shifted(STEP);
        let moved = |by: High| {
            let mut z = self.z.clone();
            z[i] += by;
            f(&z)
        };
        (moved(step) - moved(-step)) / (step + step)
    }

    /// How far off a central difference of a function of size `size` is, by rounding and by its third derivative, which
    /// `beta^3` bounds up to a factor: in units of `1 / z_i`.
    fn difference_error(&self, size: High) -> High {
        let beta = High::int(self.degree);
        let targets = High::ONE + self.b.iter().map(|b| b.abs()).sum::<High>();
        let curved = (beta + High::ONE).powi(3).shifted(2 * STEP);
        let rounded = (beta + High::ONE).shifted(-36 - STEP);
        High::int(64) * targets.square() * size * (curved + rounded)
    }
}

/// Why differences are granted so much.
const DIFFERENCE: &str = "the rounding and the third derivative in a central difference";

/// `grad l = s o g`, against differences of the definition; the fault leaves the slopes out.
fn gradient(case: &Case<Given>, slopes: bool) -> Result<Verdict, CheckError> {
    let Some(loss) = Loss::of(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut form = loss.gradient(&loss.z);
    if !slopes {
        form = form.component_div(&loss.slopes(&loss.z));
    }
    let mut verdict = Verdict::VACUOUS;
    for i in 0..loss.z.len() {
        // Times z_i, so that sizes do not enter.
        let z = loss.z[i];
        let expected = loss.difference(i, |z| loss.value(z)) * z;
        let granted = loss.difference_error(High::ONE);
        verdict = verdict.and(Verdict::equal(
            &format!("z_{i} (grad l)_{i}"),
            form[i] * z,
            expected,
            Allowance::new(granted, DIFFERENCE),
        ));
    }
    Ok(verdict)
}

/// The Hessian, against differences of the gradient.
fn hessian(case: &Case<Given>, curved: bool) -> Result<Verdict, CheckError> {
    let Some(loss) = Loss::of(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let form = loss.hessian(curved);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..loss.z.len() {
        let column = loss.difference(i, |z| loss.gradient(z));
        for j in 0..loss.z.len() {
            let sizes = loss.z[i] * loss.z[j];
            let granted = loss.difference_error(High::int(loss.degree + 1));
            verdict = verdict.and(Verdict::equal(
                &format!("z_{i} z_{j} H[{i}, {j}]"),
                form[(j, i)] * sizes,
                column[j] * sizes,
                Allowance::new(granted, DIFFERENCE),
            ));
        }
    }
    Ok(verdict)
}

/// `z' grad l = 0` and `(Hess l) z = -grad l`; the fault takes 1 for z.
fn homogeneity(case: &Case<Given>, logits: bool) -> Result<Verdict, CheckError> {
    let Some(loss) = Loss::of(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let direction = if logits {
        loss.z.clone()
    } else {
        DVector::from_element(loss.z.len(), loss.z.sum() / High::int(loss.z.len() as i64))
    };
    let gradient = loss.gradient(&loss.z);
    let along = loss.hessian(true) * &direction;
    let beta = High::int(loss.degree + 1);
    let targets = High::ONE + loss.b.iter().map(|b| b.abs()).sum::<High>();
    let spread = direction
        .iter()
        .zip(&loss.z)
        .map(|(direction, z)| *direction / *z)
        .fold(High::ONE, High::max);
    let size = High::int(256 * loss.z.len() as i64) * beta.powi(3) * targets.square() * spread;
    let granted = || {
        Allowance::new(
            size.shifted(-38),
            "the rounding of powers and of the closed forms",
        )
    };
    let slope = direction.dot(&gradient);
    let mut verdict = Verdict::equal("z' grad l", slope, High::ZERO, granted());
    for i in 0..loss.z.len() {
        verdict = verdict.and(Verdict::equal(
            &format!("z_{i} (H z + grad l)_{i}"),
            along[i] * loss.z[i],
            -gradient[i] * loss.z[i],
            granted(),
        ));
    }
    Ok(verdict)
}

/// The Hessian in `v = ln z` within `part` of the range times `beta^2`.
fn spectrum_in_logarithms(case: &Case<Given>, part: High) -> Result<Verdict, CheckError> {
    let Some(loss) = Loss::of(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if loss.b.iter().map(|b| b.abs()).sum::<High>() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    // The Hessian in v = ln z: z_i z_j H_ij, and what the chain rule adds on the diagonal, z_i (grad l)_i.
    let gradient = loss.gradient(&loss.z);
    let hessian = loss.hessian(true);
    let in_v = DMatrix::from_fn(loss.z.len(), loss.z.len(), |i, j| {
        let own = if i == j {
            gradient[i] * loss.z[i]
        } else {
            High::ZERO
        };
        hessian[(i, j)] * loss.z[i] * loss.z[j] + own
    });
    let values = spectrum::eigenvalues(&in_v)?;
    let beta = High::int(loss.degree).square();
    let rounding = || {
        Allowance::new(
            High::int(256 * loss.z.len() as i64) * (beta + High::ONE).square().shifted(-38),
            "the rounding of powers, closed forms and eigenvalues",
        )
    };
    let (lowest, highest) = range();
    let least = Verdict::at_least(
        "lambda_min in ln z",
        values[0],
        part * lowest * beta,
        rounding(),
    );
    Ok(least.and(Verdict::at_most(
        "lambda_max in ln z",
        values[values.len() - 1],
        part * highest * beta,
        rounding(),
    )))
}

/// `-0.24041` and `0.30812`, the range of DLS23's Hessian rounded outwards (dls23/spectrum-sharp, which has a certificate).
fn range() -> (High, High) {
    (High::ratio(-24_041, 100_000), High::ratio(30_812, 100_000))
}

/// `L(z) <= L(z / 2)` for the ridge with weights 1; as what holds instead, `L(z / 2) < L(z)`.
fn ridge(case: &Case<Given>, falls: bool) -> Result<Verdict, CheckError> {
    let Some(loss) = Loss::of(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let regularised = |z: &DVector<High>| loss.value(z) + z.dot(z) / High::int(2);
    let (here, nearer) = (regularised(&loss.z), regularised(&(&loss.z / High::int(2))));
    let granted = Allowance::new(
        (here + High::ONE) * High::int(64 + 2 * loss.degree) * High::ONE.shifted(-38),
        "the rounding of powers and of two losses",
    );
    Ok(if falls {
        Verdict::at_most("L(z / 2)", nearer, here, granted)
    } else {
        Verdict::at_most("L(z)", here, nearer, granted)
    })
}

/// Two or three logits whose logarithms are anything, a target on the unit ball: the largest share of the range.
fn search(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let keys = sample::integer(rng, 2, 3) as usize;
    let degree = sample::integer(rng, 1, 9) as u32;
    let parts = |free: &[f64]| {
        let (v, b) = free.split_at(keys);
        let z: Vec<f64> = v
            .iter()
            .map(|v| (v.clamp(-3.0, 3.0) / f64::from(degree)).exp())
            .collect();
        let size: f64 = b.iter().map(|b| b.abs()).sum::<f64>() * (1.0 + 1e-12);
        let b: Vec<f64> = b.iter().map(|b| b / size.max(1.0)).collect();
        (z, b)
    };
    let upper = sample::integer(rng, 0, 1) == 0;
    let value = |free: &[f64]| {
        let (z, b) = parts(free);
        let v = DVector::from_iterator(keys, z.iter().map(|z| f64::from(degree) * z.ln()));
        let p = forms::softmax(&v);
        let hessian = forms::hessian(HessianForm::Corrected, &p, &DVector::from_vec(b));
        let values = hessian.symmetric_eigenvalues();
        if upper { values.max() } else { -values.min() }
    };
    let start = attack::best_start(rng, 60, 2 * keys, 2, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (z, b) = parts(&best);
    let given = posed([1, keys, 1, 1], [vec![1.0], z, b], degree)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const POSITIVE: OtherCases = &PolynomialCases {
    kind: Kind::Positive,
    cases: 40,
};
const STRATA: &[Stratum] = strata!(
    Decade("degree"): 0 1 2;
    Kind: "one key" "odd degree" "even degree"
);

/// The claims about the loss.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("polynomial-attention/regression-gradient")
            .derived("chain rule, p = softmax(beta ln z)")
            .states("l(z) = 0.5 || p - b ||^2 has the gradient s o (p o c - <c, p> p), s = beta / z, c = p - b")
            .formula(r"\begin{aligned} l(z) &= \tfrac{1}{2} \|p - b\|_2^2, \quad p = \frac{z^\beta}{\langle z^\beta, \mathbf{1}_n\rangle}, \\
                \nabla l(z) &= s \circ (p \circ c - \langle c, p\rangle p), \quad s = \beta / z, \quad c = p - b \end{aligned}")
            .given("z > 0, beta >= 1")
            .note("Against central differences of the definition with a step of 10^-12 at 40 digits.")
            .about(POSITIVE, STRATA)
            .check(|case| gradient(case, true))
            .fault("s = 1", |case| gradient(case, false)),
        claim("polynomial-attention/regression-hessian")
            .derived("chain rule")
            .states("Hess l = diag(s) B diag(s) - diag(beta g / z^2), B and g those of softmax regression in its logits at p")
            .formula(r"\begin{aligned} \nabla^2 l(z) &= \operatorname{diag}(s)\, B \operatorname{diag}(s) - \operatorname{diag}(\beta g / z^2), \quad s = \beta / z, \\
                g &= \nabla_u \tfrac{1}{2} \|\operatorname{softmax}(u) - b\|_2^2, \quad B = \nabla_u^2 \tfrac{1}{2} \|\operatorname{softmax}(u) - b\|_2^2 \\
                &\quad \text{at } \operatorname{softmax}(u) = p \end{aligned}")
            .given("z > 0, beta >= 1")
            .note("Diagonal plus rank 2. Against central differences of the gradient, which polynomial-attention/regression-gradient holds against the definition.")
            .about(POSITIVE, STRATA)
            .check(|case| hessian(case, true))
            .fault("without the second term", |case| hessian(case, false)),
        claim("polynomial-attention/regression-homogeneity")
            .derived("l(c z) = l(z)")
            .states("z' grad l = 0 and (Hess l) z = -grad l")
            .formula(r"z^\top \nabla l(z) = 0, \quad \nabla^2 l(z)\, z = -\nabla l(z)")
            .given("z > 0, beta >= 1")
            .note("What B 1 = 0 is for softmax: no change of the size of z is seen.")
            .about(POSITIVE, STRATA)
            .check(|case| homogeneity(case, true))
            .fault("the mean of z, n times, for z", |case| homogeneity(case, false)),
        claim("polynomial-attention/regression-spectrum")
            .derived("chain rule, from dls23/spectrum-sharp, rounded outwards, which has a certificate")
            .states("in v = ln z: -0.24041 beta^2 I <= Hess l <= 0.30812 beta^2 I")
            .formula(r"-0.24041\, \beta^2 I_n \preceq \nabla_v^2 l \preceq 0.30812\, \beta^2 I_n, \quad v = \ln z")
            .given("z > 0, beta >= 1, || b ||_1 <= 1")
            .note("Sharp up to the last digit: the search comes near both ends.")
            .about(POSITIVE, STRATA)
            .attacked(6, search)
            .check(|case| spectrum_in_logarithms(case, High::ONE))
            .fault("99/100 of the range", |case| spectrum_in_logarithms(case, High::ratio(99, 100))),
        claim("polynomial-attention/ridge-has-minimiser")
            .derived("the ridge of the other losses, taken over")
            .states("L(z) = l(z) + 0.5 || w o z ||^2 with w > 0 has a minimiser, at which L(z) <= L(z / 2)")
            .formula(r"\begin{aligned} \exists\, z^* > 0: \ &L(z^*) = \min_{z > 0} L(z), \quad L(z^*) \le L(z^* / 2), \\
                &L(z) = l(z) + \tfrac{1}{2} \|w \circ z\|_2^2, \quad w > 0 \end{aligned}")
            .given("z > 0, w = 1")
            .note("False: l(z / 2) = l(z), and the ridge falls: polynomial-attention/ridge-falls. A ridge on ln z, or <1, z> fixed, is well posed.")
            .about(POSITIVE, STRATA)
            .check(|case| ridge(case, false))
            .fault("L(z / 2) < L(z): polynomial-attention/ridge-falls", |case| ridge(case, true))
            .refuted("polynomial-attention/ridge-falls", witness!("polynomial-attention-ridge-has-minimiser")),
        claim("polynomial-attention/ridge-falls")
            .derived("replaces polynomial-attention/ridge-has-minimiser")
            .states("L(z / 2) < L(z): the ridge pulls every z to 0, where l has no value")
            .formula(r"L(z / 2) < L(z) \quad \forall z > 0, \quad L(z) = l(z) + \tfrac{1}{2} \|w \circ z\|_2^2")
            .given("z > 0, w = 1")
            .about(POSITIVE, STRATA)
            .check(|case| ridge(case, true))
            .fault("L(z) <= L(z / 2)", |case| ridge(case, false)),
    ]
}
