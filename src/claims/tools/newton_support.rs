//! What the claims about Newton's method share: the premise of a paper's theorem, met to the letter at 40 digits, and the
//! approximate Hessians that its lemmas allow.

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use crate::claims::tools::exact::{Exact, unit};
use crate::claims::tools::forms::{self, HessianForm};
use crate::claims::{Case, CheckError, Outside, Verdict};
use crate::instance::sample::Stream;
use crate::oracle::{Reference, lift_vector, minimise, spectrum};
use crate::production::leverage;
use crate::scalar::{Allowance, High};

/// The `100` of the theorem's `w_i^2 >= 100 + l / sigma_min(A)^2`.
const WEIGHT_FLOOR: i64 = 100;
/// The constant in the number of draws of a leverage-score sample, as production's default.
const SAMPLE_CONSTANT: f64 = 4.0;
/// QR sweeps allowed for each row of a Hessian.
const SWEEPS_PER_ROW: usize = 64;

/// What a paper's main theorem asks of an instance and which constants it names.
pub struct Theorem {
    /// `min_i (w_i^2 - threshold_i)`: times `sigma_min(A)^2` it is the largest `l` that the premise allows. Or why the
    /// premise on weights and target is not met. It must make the loss strictly convex, so that `x*` is unique.
    pub surplus: fn(&Exact) -> Result<High, Outside>,
    /// `M`, from the larger of `||A||` and `||x*||`. Or why the premise on these is not met.
    pub lipschitz: fn(&Exact, High) -> Result<High, Outside>,
    /// The positive diagonal (n) that the paper's algorithm samples for an approximate Hessian at this point.
    pub diagonal: fn(&Exact) -> DVector<High>,
}

/// Theorem 2.3.1 of the thesis, DLS23 Theorem 1.5: `M = n^1.5 exp(30 R^2)`, `||b||_1 <= 1`, `w_i^2 >= 100 + l /
/// sigma_min(A)^2`. The Hessian is Lipschitz with less than `400 ||A||^3 <= n^1.5 exp(30 ||A||^2)` (its true constant is
/// below `0.572 ||A||^3`), on all of R^d. The diagonal is the corrected one.
pub const DLS23: Theorem = Theorem {
    surplus: |exact| {
        let lightest = exact.lightest();
        let surplus = lightest - High::int(WEIGHT_FLOOR);
        if !surplus.is_positive() {
            return Err(Outside::Weights);
        }
        if exact.target_norm() > High::ONE {
            return Err(Outside::Target);
        }
        Ok(surplus)
    },
    lipschitz: |exact, radius| {
        let n = High::int(exact.a.nrows() as i64);
        Ok(n * n.sqrt() * (High::int(30) * radius.square()).exp())
    },
    diagonal: |exact| surrogate_diagonal(exact, HessianForm::Corrected),
};

/// A case inside the premise of a theorem, with the constants that the premise names.
///
/// `R` is at least the larger of `||A||` and `||x*||`, `M` as printed, and `l = min_i (w_i^2 - threshold_i)
/// sigma_min(A)^2`, which makes the weight premise an equality: the largest `l`, so the largest ball of starts. The loss is
/// (l, M)-good: `H(x*) >= l I` is checked, the rest is argued where the [`Theorem`] stands.
pub struct Setting {
    /// The instance at its own point.
    pub exact: Exact,
    /// `x*` as computed.
    pub minimiser: DVector<High>,
    /// A proven bound of its error.
    pub uncertainty: High,
    /// Smallest and largest eigenvalue of `H(x*)`.
    pub range: (High, High),
    /// `H(x*)`.
    pub hessian: DMatrix<High>,
    /// `l`, rounded down.
    pub l: High,
    /// `M`, rounded up.
    pub m: High,
    reference: Reference,
    decomposition: SymmetricEigen<High, nalgebra::Dyn>,
}

/// A point of an iteration with everything that the next step needs.
pub struct Iterate {
    /// `x_t`.
    pub x: DVector<High>,
    /// `x_t - x*`.
    pub offset: DVector<High>,
    /// `g(x_t)`.
    pub gradient: DVector<High>,
    /// A proven bound of the rounding error of `g(x_t)`.
    pub gradient_error: High,
    /// `H(x_t)`.
    pub hessian: DMatrix<High>,
    decomposition: SymmetricEigen<High, nalgebra::Dyn>,
}

/// What a step arrives at.
pub struct Stepped {
    /// `x_{t+1}`.
    pub x: DVector<High>,
    /// `x_{t+1} - x*`.
    pub offset: DVector<High>,
    /// A bound of the Euclidean error of the offset.
    pub error: High,
}

/// What the end of a step, or what it is divided by, is off by: see [`Setting::step`].
pub fn of_a_step(error: High) -> Allowance<High> {
    Allowance::new(
        error,
        "the enclosed gradient, a Cholesky solution of 64 d^2 kappa roundings, and what is not known of x*",
    )
}

/// Decides a case inside the premise of the theorem; any other case is outside for the reason found.
pub fn under_premise(
    case: &Case,
    theorem: &Theorem,
    decide: impl FnOnce(&Setting) -> Result<Verdict, CheckError>,
) -> Result<Verdict, CheckError> {
    match Setting::of(case, theorem)? {
        Ok(setting) => decide(&setting),
        Err(reason) => Ok(Verdict::Outside(reason)),
    }
}

impl Setting {
    /// Of a case, or why it is outside of the premise.
    pub fn of(case: &Case, theorem: &Theorem) -> Result<Result<Self, Outside>, CheckError> {
        let exact = Exact::of(case)?;
        let surplus = match (theorem.surplus)(&exact) {
            Ok(surplus) => surplus,
            Err(reason) => return Ok(Err(reason)),
        };
        let (largest, smallest) = exact.singular_range()?;
        if smallest <= largest.shifted(-30) {
            return Ok(Err(Outside::Rank));
        }
        let reference = Reference::new(&case.instance)?;
        let found = minimise(&reference, &DVector::zeros(exact.a.ncols()))?;
        let bound = outwards(largest.max(found.x.norm() + found.error_bound));
        let m = match (theorem.lipschitz)(&exact, bound) {
            Ok(m) => outwards(m).checked()?,
            Err(reason) => return Ok(Err(reason)),
        };
        let product = surplus * smallest.square();
        let l = product - product.shifted(-30);
        let hessian = reference.evaluate(&found.x)?.hessian;
        let (low, high, error) = spectrum::extremes_with_bound(&hessian)?;
        if low - error < l {
            return Ok(Err(Outside::Premise));
        }
        Ok(Ok(Self {
            decomposition: decomposed(&hessian)?,
            minimiser: found.x,
            uncertainty: found.error_bound,
            range: (low, high),
            exact,
            hessian,
            l,
            m,
            reference,
        }))
    }

    /// `kappa(H(x*))`.
    pub fn condition(&self) -> High {
        self.range.1 / self.range.0
    }

    /// The point at distance `0.1 l / (M divisor)` from `x*` along a direction, inwards by a millionth so that the premise
    /// holds whatever the rounding. None where `x*` is not known well enough to tell.
    pub fn start(
        &self,
        direction: &DVector<High>,
        divisor: High,
    ) -> Result<Option<Iterate>, CheckError> {
        let radius = self.l / (High::int(10) * self.m * divisor);
        let radius = radius - radius.shifted(-6);
        if (self.uncertainty + self.minimiser.norm() * unit()).shifted(9) > radius {
            return Ok(None);
        }
        let x = &self.minimiser + direction * (radius / direction.norm());
        self.iterate(x).map(Some)
    }

    /// The eigenvector of `H(x*)` with the largest eigenvalue: from there a step in the wrong metric loses most.
    pub fn stiffest(&self) -> DVector<High> {
        let values = &self.decomposition.eigenvalues;
        let index =
            (0..values.len()).fold(0, |top, k| if values[k] > values[top] { k } else { top });
        self.decomposition.eigenvectors.column(index).clone_owned()
    }

    /// The direction of the case's own point, or the stiffest where that is the origin.
    pub fn own_direction(&self) -> DVector<High> {
        if self.exact.x.norm().is_positive() {
            self.exact.x.clone()
        } else {
            self.stiffest()
        }
    }

    /// Gradient and Hessian at a point, from the oracle, with a proven bound of the gradient's rounding.
    pub fn iterate(&self, x: DVector<High>) -> Result<Iterate, CheckError> {
        let d = x.len();
        let values = self.reference.enclose(&x, High::ZERO)?;
        let hessian = DMatrix::from_fn(d, d, |i, j| values.hessian[i * d + j].midpoint());
        let radii: High = values
            .gradient
            .iter()
            .map(|entry| entry.radius().square())
            .sum();
        Ok(Iterate {
            offset: &x - &self.minimiser,
            gradient: DVector::from_iterator(d, values.gradient.iter().map(|g| g.midpoint())),
            gradient_error: radii.sqrt(),
            decomposition: decomposed(&hessian)?,
            hessian,
            x,
        })
    }

    /// `x_{t+1} = x_t - H~^-1 g(x_t)`, or with `+` as Algorithm 1 prints it.
    ///
    /// Error: that of the gradient times `||H~^-1|| <= 2 / lambda_min(H)`, a Cholesky solution's `64 d^2 kappa` units,
    /// the roundings of two subtractions, and what is not known of `x*`.
    pub fn step(
        &self,
        from: &Iterate,
        approximation: &DMatrix<High>,
        sign: Sign,
    ) -> Result<Stepped, CheckError> {
        let factor = Cholesky::new(approximation.clone())
            .ok_or_else(|| CheckError::Other("H~ is not positive definite".to_owned()))?;
        let step = factor.solve(&from.gradient);
        let x = match sign {
            Sign::Minus => &from.x - &step,
            Sign::Plus => &from.x + &step,
        };
        let d = High::int(from.x.len() as i64);
        let (low, high) = from.range();
        let solving = High::int(64) * d.square() * high / low * step.norm();
        let subtracting = High::int(4) * (x.norm() + from.x.norm());
        let error = High::int(2) * from.gradient_error / low
            + (solving + subtracting) * unit()
            + self.uncertainty;
        Ok(Stepped {
            offset: &x - &self.minimiser,
            x,
            error: error.checked()?,
        })
    }
}

/// The sign of a Newton step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `x - H~^-1 g`.
    Minus,
    /// `x + H~^-1 g`.
    Plus,
}

impl Iterate {
    /// The same point with another gradient in place of the oracle's, and a bound of its entries' error.
    pub fn with_gradient(&self, gradient: DVector<High>, entry_error: High) -> Self {
        Self {
            gradient_error: entry_error * High::int(gradient.len() as i64),
            x: self.x.clone(),
            offset: self.offset.clone(),
            hessian: self.hessian.clone(),
            decomposition: self.decomposition.clone(),
            gradient,
        }
    }

    /// Smallest and largest eigenvalue of `H(x_t)`.
    pub fn range(&self) -> (High, High) {
        let values = &self.decomposition.eigenvalues;
        values
            .iter()
            .fold((values[0], values[0]), |(low, high), &value| {
                (low.min(value), high.max(value))
            })
    }

    /// The approximate Hessian of accuracy `epsilon` that sends the next iterate as far as the band allows in the
    /// Euclidean norm.
    ///
    /// Let `e = x_t - x*`. With `H~^-1 = H^-1/2 (I + eta Q) H^-1/2` the step ends at `-eta H^-1/2 Q H^1/2 e` up to second
    /// order. `Q` is the reflection that takes `H^1/2 e` to the eigenvector of the smallest eigenvalue, which `H^-1/2`
    /// stretches most. `H~` has the eigenvalues `1 / (1 -+ eta)` relative to `H`: inside `[1-epsilon, 1+epsilon]` for
    /// `eta <= epsilon / (1 + epsilon)`.
    pub fn worst_approximation(&self, epsilon: High) -> DMatrix<High> {
        let inner = inside(epsilon);
        let eta = inner / (High::ONE + inner);
        let vectors = &self.decomposition.eigenvectors;
        let values = &self.decomposition.eigenvalues;
        let root = vectors * DMatrix::from_diagonal(&values.map(High::sqrt)) * vectors.transpose();
        let softest =
            (0..values.len()).fold(0, |top, k| if values[k] < values[top] { k } else { top });
        let image = &root * &self.offset;
        let mirror = reflection(
            &(&image / image.norm()),
            &vectors.column(softest).clone_owned(),
        );
        let d = self.x.len();
        // (I + eta Q)^-1 = (I - eta Q) / (1 - eta^2), since Q^2 = I.
        let middle = DMatrix::identity(d, d) - mirror * eta;
        let product = &root * middle * &root / (High::ONE - eta.square());
        symmetrised(&product)
    }

    /// `(1 - epsilon) H`, the approximation that shrinks least in the norm of `H`, from just inside the band.
    pub fn scaled_down(&self, epsilon: High) -> DMatrix<High> {
        &self.hessian * (High::ONE - inside(epsilon))
    }

    /// `(1 + epsilon) H`, from just inside the band.
    pub fn scaled_up(&self, epsilon: High) -> DMatrix<High> {
        &self.hessian * (High::ONE + inside(epsilon))
    }

    /// `sqrt(v' H(x_t) v)`.
    pub fn norm_of(&self, v: &DVector<High>) -> High {
        energy_norm(&self.hessian, v)
    }
}

/// `sqrt(v' H v)`.
pub fn energy_norm(hessian: &DMatrix<High>, v: &DVector<High>) -> High {
    (hessian * v).dot(v).max(High::ZERO).sqrt()
}

/// `H~ = A' D~ A` with `D~` a genuine leverage-score sample of the positive diagonal `D` (n) of accuracy `epsilon`, failure
/// probability `delta`, drawn in f64 by production's SUBSAMPLE.
pub fn sampled_gram(
    exact: &Exact,
    diagonal: &DVector<High>,
    epsilon: f64,
    delta: f64,
    rng: &mut Stream,
) -> Result<DMatrix<High>, CheckError> {
    let a = exact.instance.matrix().to_dense();
    let count = leverage::sample_count(a.ncols(), epsilon, delta, SAMPLE_CONSTANT);
    let sample = leverage::subsample(&diagonal.map(High::to_f64), &a, count, rng)
        .map_err(|error| CheckError::Other(error.to_string()))?;
    Ok(gram(&exact.a, &lift_vector(&sample.diagonal)))
}

/// `D = B_diag(x) + w^2` (n).
pub fn surrogate_diagonal(exact: &Exact, form: HessianForm) -> DVector<High> {
    forms::diagonal_part(form, &exact.p, &exact.b) + exact.squared_weights()
}

/// `A' diag(v) A`.
pub fn gram(a: &DMatrix<High>, v: &DVector<High>) -> DMatrix<High> {
    let mut scaled = a.clone();
    for mut column in scaled.column_iter_mut() {
        column.component_mul_assign(v);
    }
    symmetrised(&a.tr_mul(&scaled))
}

/// Whether `(1-epsilon) H <= H~ <= (1+epsilon) H` beyond doubt: the smallest eigenvalue of both differences is positive
/// by more than its certified error and the rounding of the differences, `10^-36 ||H||`.
pub fn is_approximate(
    hessian: &DMatrix<High>,
    approximation: &DMatrix<High>,
    epsilon: High,
) -> Result<bool, CheckError> {
    let rounding = hessian.norm().shifted(-36);
    let above = approximation - hessian * (High::ONE - epsilon);
    let below = hessian * (High::ONE + epsilon) - approximation;
    for difference in [above, below] {
        let (low, _, error) = spectrum::extremes_with_bound(&difference)?;
        if low - error <= rounding {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A thousandth less, so that a matrix built on the edge of the band is inside it after rounding.
fn inside(epsilon: High) -> High {
    epsilon - epsilon.shifted(-3)
}

/// Larger by `10^-30`, far more than the roundings behind it.
fn outwards(value: High) -> High {
    value + value.shifted(-30)
}

fn symmetrised(matrix: &DMatrix<High>) -> DMatrix<High> {
    (matrix + matrix.transpose()) * High::ratio(1, 2)
}

/// The symmetric orthogonal matrix that takes one unit vector to another.
fn reflection(from: &DVector<High>, to: &DVector<High>) -> DMatrix<High> {
    let normal = from - to;
    let identity = DMatrix::identity(from.len(), from.len());
    let square = normal.norm_squared();
    // Closer than 10^-15: the identity takes one to the other as well as anybody can tell from the result.
    if square <= High::ONE.shifted(-30) {
        return identity;
    }
    identity - &normal * normal.transpose() * (High::int(2) / square)
}

fn decomposed(matrix: &DMatrix<High>) -> Result<SymmetricEigen<High, nalgebra::Dyn>, CheckError> {
    SymmetricEigen::try_new(
        matrix.clone(),
        High::ONE.shifted(-40),
        SWEEPS_PER_ROW * matrix.nrows(),
    )
    .ok_or_else(|| CheckError::Other("the eigenvalues of a Hessian do not converge".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> Setting {
        let text = include_str!("../../../fixtures/witnesses/dls23-shrinking-euclidean.json");
        Setting::of(&Case::of_text(text, 1), &DLS23)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn a_reflection_takes_one_unit_vector_to_the_other() {
        let from = DVector::from_vec(vec![High::ratio(3, 5), High::ratio(4, 5)]);
        let to = DVector::from_vec(vec![High::ZERO, High::ONE]);
        let mirror = reflection(&from, &to);
        assert!((&mirror * &from - &to).norm() < High::ONE.shifted(-38));
        let square = &mirror * &mirror - DMatrix::identity(2, 2);
        assert!(square.norm() < High::ONE.shifted(-38));
    }

    #[test]
    fn the_worst_approximation_fills_its_band_and_no_narrower_one() {
        let setting = setting();
        let start = setting
            .start(&setting.stiffest(), High::ONE)
            .unwrap()
            .unwrap();
        let epsilon = High::ratio(1, 20);
        let worst = start.worst_approximation(epsilon);
        assert!(is_approximate(&start.hessian, &worst, epsilon).unwrap());
        let narrower = epsilon * High::ratio(99, 100);
        assert!(!is_approximate(&start.hessian, &worst, narrower).unwrap());
    }

    #[test]
    fn the_witness_has_the_constants_computed_by_hand() {
        // A = 0.1 [[1, s], [1, -s]], s = 0.01: ||A||^2 = 0.02, sigma_min^2 = 2e-6, x* = 0, l = 100 sigma_min^2,
        // M = 2^1.5 exp(0.6); up to the rounding of 0.1, 0.001 and sqrt(200) to f64.
        let setting = setting();
        assert!(setting.minimiser.norm() < High::ONE.shifted(-30));
        assert!((setting.l.to_f64() / 2e-4 - 1.0).abs() < 1e-13);
        assert!((setting.m.to_f64() / (8f64.sqrt() * 0.6f64.exp()) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn the_radius_of_the_premise_is_that_of_the_minimiser_where_it_is_longer_than_a() {
        // A = (1, -1)' / 128, b = e_1, w = 12: the logits of x* are (t, -t) with t = 2 p q^2 / 144, p = 1 - q = s(2t) (s
        // the logistic function), so x* = 128 t = 0.22184 > ||A|| = 0.011; l = 44 * 2 / 128^2, M = 2^1.5 exp(30 x*^2) (mpmath).
        let text = r#"{"loss": "softmax", "matrix": [[0.0078125], [-0.0078125]], "target": [1, 0], "weights": [12, 12]}"#;
        let setting = Setting::of(&Case::of_text(text, 1), &DLS23)
            .unwrap()
            .unwrap();
        let relative = |value: High, expected: f64| (value.to_f64() / expected - 1.0).abs();
        assert!(relative(setting.minimiser[0], 0.221_836_423_613_747_25) < 1e-14);
        assert!(relative(setting.l, 0.005_371_093_75) < 1e-14);
        assert!(relative(setting.m, 12.379_758_206_546_057) < 1e-13);
    }

    #[test]
    fn a_start_is_at_the_edge_of_the_premise_along_its_direction() {
        let setting = setting();
        let direction = DVector::from_vec(vec![High::int(3), High::int(-4)]);
        let start = setting.start(&direction, High::int(2)).unwrap().unwrap();
        // 0.1 l / (2 M) with l and M by hand, as above, and a millionth less.
        let radius = 0.1 * 2e-4 / (2.0 * 8f64.sqrt() * 0.6f64.exp()) * (1.0 - 1e-6);
        for (found, share) in start.offset.iter().zip([0.6, -0.8]) {
            assert!((found.to_f64() / (radius * share) - 1.0).abs() < 1e-12);
        }
        // So close that nobody knows x* well enough.
        let closer = setting.start(&direction, High::ONE.shifted(60)).unwrap();
        assert!(closer.is_none());
    }

    #[test]
    fn a_band_is_met_only_beyond_the_error_of_its_eigenvalues() {
        // H = diag(1, 1e6), epsilon = 1/2, H~ - H/2 = diag(delta, 5e5): the allowance is 1e-36 ||H|| and the error of the
        // eigenvalue delta.
        let diagonal = |first: High, second: i64| {
            DMatrix::from_diagonal(&DVector::from_vec(vec![first, High::int(second)]))
        };
        let hessian = diagonal(High::ONE, 1_000_000);
        let rounding = High::int(1_000_001_000_000).sqrt().shifted(-36);
        let (_, _, error) = spectrum::extremes_with_bound(&diagonal(rounding, 500_000)).unwrap();
        assert!(error.is_positive());
        let half = High::ratio(1, 2);
        let met = |delta: High| {
            is_approximate(&hessian, &diagonal(half + delta, 1_000_000), half).unwrap()
        };
        assert!(!met(High::ZERO) && !met(rounding + error * half));
        assert!(met(rounding + error * High::int(2)));
    }
}
