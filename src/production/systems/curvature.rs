//! Second derivatives of a loss after the elimination of its linear unknowns: as a matrix, or by their products with vectors.
//!
//! A matrix is factored. Products are all that conjugate gradients and Lanczos need: a step is truncated where it is good enough
//! for the distance from the solution (Dembo, Eisenstat, Steihaug 1982) or where it meets negative curvature (Steihaug 1983).

use nalgebra::{DMatrix, DVector};

use crate::instance::sample;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::lanczos::Lanczos;
use crate::production::factor::lowest::lowest_eigenpair;
use crate::production::kernels::operator::Gram;
use crate::production::outcome::Outcome;
use crate::production::step::eigen;

/// The highest order of a dense Hessian: 128 MiB each.
pub(super) const LARGEST_ORDER: usize = 4096;
/// Where gradient and predicted loss are small, a Newton step above this part of the point says that they are small
/// everywhere around: no minimiser is near.
const SHORT: f64 = 1e-3;
/// An eigenvalue is negative where it is below minus this part of the largest entry.
const FLAT: f64 = 1e-10;
/// Steps of conjugate gradients at most.
const MOST_STEPS: usize = 1000;
/// The relative residual of a Newton step that says where a minimiser is.
const TIGHT: f64 = 1e-8;
/// Lanczos vectors that look for negative curvature.
const LOOKS: usize = 64;

/// Which second derivatives are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curvature {
    /// First derivatives of the residuals only.
    GaussNewton,
    /// All terms.
    Exact,
}

/// What multiplies a vector by the second derivatives.
pub(super) type Product<'a> = Box<dyn Fn(&DVector<f64>) -> DVector<f64> + 'a>;

/// Second derivatives at a point.
pub(super) enum Second<'a> {
    /// All of them.
    Matrix(DMatrix<f64>),
    /// Their product with a vector of that order.
    Products(usize, Product<'a>),
}

/// What a look at a nearly stationary point says.
pub(super) enum Look {
    /// A strict minimiser of f; its Newton step.
    Minimiser(DVector<f64>),
    /// A direction of negative curvature.
    Saddle(DVector<f64>),
    /// No curvature along some direction, or a Newton step that is not short.
    Flat,
}

impl Look {
    /// The end of a run that can go no further here, its gradient being as `small` as was asked for or at its rounding level.
    pub(super) fn outcome(&self, small: bool) -> Outcome {
        match self {
            Self::Minimiser(_) if small => Outcome::Converged,
            Self::Minimiser(_) => Outcome::ConvergedToRounding,
            Self::Saddle(_) => Outcome::NotConvex,
            Self::Flat => Outcome::Singular,
        }
    }
}

impl Second<'_> {
    /// `H v`.
    pub(super) fn times(&self, v: &DVector<f64>) -> DVector<f64> {
        match self {
            Self::Matrix(matrix) => matrix * v,
            Self::Products(_, product) => product(v),
        }
    }

    /// The mean curvature: of the diagonal, or along one seeded vector of signs, whose expectation it is.
    pub(super) fn mean(&self) -> f64 {
        match self {
            Self::Matrix(matrix) => matrix.diagonal().map(f64::abs).mean(),
            Self::Products(order, product) => {
                let mut stream = sample::stream(0, "systems/mean-curvature", 0);
                let signs = DVector::from_fn(*order, |_, _| {
                    if sample::integer(&mut stream, 0, 1) == 0 {
                        -1.0
                    } else {
                        1.0
                    }
                });
                signs.dot(&product(&signs)).abs() / *order as f64
            }
        }
    }

    /// `-(H + shift)^-1 g`: exactly, or to the relative residual `forcing`, or as far as curvature is positive. `None` where
    /// no curvature of the shifted H is.
    pub(super) fn step(
        &self,
        shift: f64,
        gradient: &DVector<f64>,
        forcing: f64,
    ) -> Option<DVector<f64>> {
        match self {
            Self::Matrix(matrix) => solved(matrix, shift, gradient),
            Self::Products(_, product) => {
                let (step, _) = conjugate_gradients(product, shift, gradient, forcing);
                step
            }
        }
    }

    /// Decides what kind of stationary point is near `u`.
    ///
    /// A matrix decides: positive definite beyond rounding, or a direction of negative curvature. Products do not prove that a
    /// minimiser is strict: no curvature that Lanczos or the Newton step met is negative.
    pub(super) fn look(&self, u: &DVector<f64>, gradient: &DVector<f64>) -> Look {
        if u.is_empty() {
            return Look::Minimiser(DVector::zeros(0));
        }
        match self {
            Self::Matrix(matrix) => look_at(matrix, u, gradient),
            Self::Products(order, product) => look_around(*order, product, u, gradient),
        }
    }
}

fn lower(matrix: &DMatrix<f64>, shift: f64) -> Gram {
    Gram::from_lower(matrix.nrows(), |i, j| {
        matrix[(i, j)] + if i == j { shift } else { 0.0 }
    })
}

/// `-(H + shift)^-1 g`, or `None` where the matrix is not positive definite beyond rounding.
fn solved(matrix: &DMatrix<f64>, shift: f64, gradient: &DVector<f64>) -> Option<DVector<f64>> {
    let solved = Cholesky::new(&lower(matrix, shift))?.solve(gradient.as_slice());
    let step = -DVector::from_vec(solved);
    step.iter().all(|entry| entry.is_finite()).then_some(step)
}

fn look_at(hessian: &DMatrix<f64>, u: &DVector<f64>, gradient: &DVector<f64>) -> Look {
    let largest = hessian.amax();
    if largest.is_nan() || largest <= 0.0 {
        return Look::Flat;
    }
    // Every entry is a sum of products; what rounding may have added to it must not count as curvature.
    let rounding = hessian.nrows() as f64 * f64::EPSILON * largest;
    if let Some(newton) = solved(hessian, -rounding, gradient) {
        return short(newton, u);
    }
    match lowest_eigenpair(&lower(hessian, 0.0)) {
        Some((lowest, vector)) if lowest < -FLAT * largest => {
            Look::Saddle(DVector::from_vec(vector))
        }
        Some(_) | None => Look::Flat,
    }
}

fn short(newton: DVector<f64>, u: &DVector<f64>) -> Look {
    if newton.norm() <= SHORT * u.norm() {
        Look::Minimiser(newton)
    } else {
        Look::Flat
    }
}

fn look_around(
    order: usize,
    product: &dyn Fn(&DVector<f64>) -> DVector<f64>,
    u: &DVector<f64>,
    gradient: &DVector<f64>,
) -> Look {
    let mut stream = sample::stream(0, "systems/look", 0);
    let start = DVector::from_fn(order, |_, _| 2.0 + sample::dyadic(&mut stream, 1));
    let mut lanczos = Lanczos::new(start);
    lanczos.advance_to(LOOKS, |v| {
        let image = product(&DVector::from_column_slice(v));
        image.data.into()
    });
    let Some(ritz) = eigen(&lanczos.tridiagonal()) else {
        return Look::Flat;
    };
    let (lowest, largest) = (ritz.eigenvalues.imin(), ritz.eigenvalues.amax());
    if largest.is_nan() || largest <= 0.0 {
        return Look::Flat;
    }
    if ritz.eigenvalues[lowest] < -FLAT * largest {
        let vector = lanczos.combine(ritz.eigenvectors.column(lowest).iter());
        return Look::Saddle(DVector::from_vec(vector));
    }
    match conjugate_gradients(product, 0.0, gradient, TIGHT) {
        (Some(newton), None) => short(newton, u),
        (_, Some(direction)) => {
            let quotient = direction.dot(&product(&direction)) / direction.norm_squared();
            if quotient < -FLAT * largest {
                Look::Saddle(direction.normalize())
            } else {
                Look::Flat
            }
        }
        (None, None) => Look::Flat,
    }
}

/// A matrix S that makes the eigenvalues of `S' H S` alike.
pub(super) trait Scaling {
    /// `S v`.
    fn times(&self, v: &DVector<f64>) -> DVector<f64>;
    /// `S' v`.
    fn transposed_times(&self, v: &DVector<f64>) -> DVector<f64>;
}

/// [`Second::look`] by products where a scaling is known: `S' H S` has as many negative eigenvalues as H. Lanczos ends where the lowest
/// of its values is resolved; the Newton step is found to two digits.
pub(super) fn look_scaled(
    product: &dyn Fn(&DVector<f64>) -> DVector<f64>,
    scaling: &dyn Scaling,
    u: &DVector<f64>,
    gradient: &DVector<f64>,
) -> Look {
    /// Lanczos vectors at least, and between tests.
    const FEW: usize = 8;
    const MORE: usize = 4;
    /// What the lowest value may be off by, relative to it.
    const RESOLVED: f64 = 0.1;
    const LOOSE: f64 = 1e-2;
    let scaled = |v: &DVector<f64>| scaling.transposed_times(&product(&scaling.times(v)));
    let mut stream = sample::stream(0, "systems/look", 0);
    let start = DVector::from_fn(u.len(), |_, _| 2.0 + sample::dyadic(&mut stream, 1));
    let mut lanczos = Lanczos::new(start);
    let mut count = FEW;
    let (lowest, largest) = loop {
        lanczos.advance_to(count, |v| {
            scaled(&DVector::from_column_slice(v)).data.into()
        });
        let Some(ritz) = eigen(&lanczos.tridiagonal()) else {
            return Look::Flat;
        };
        let (lowest, largest) = (ritz.eigenvalues.imin(), ritz.eigenvalues.amax());
        if largest.is_nan() || largest <= 0.0 {
            return Look::Flat;
        }
        let value = ritz.eigenvalues[lowest];
        let vector = ritz.eigenvectors.column(lowest);
        if value < -FLAT * largest {
            let direction = DVector::from_vec(lanczos.combine(vector.iter()));
            return Look::Saddle(scaling.times(&direction).normalize());
        }
        let rest = lanczos.rest() * vector[vector.len() - 1].abs();
        if lanczos.complete() || rest <= RESOLVED * value || count >= LOOKS {
            break (value, largest);
        }
        count += MORE;
    };
    let gradient = scaling.transposed_times(gradient);
    // A residual of this size is an error of the step of LOOSE, also along the lowest curvature.
    let forcing = (LOOSE * lowest / largest).max(TIGHT);
    match conjugate_gradients(&scaled, 0.0, &gradient, forcing) {
        (Some(newton), None) => short(scaling.times(&newton), u),
        (_, Some(direction)) => {
            let quotient = direction.dot(&scaled(&direction)) / direction.norm_squared();
            if quotient < -FLAT * largest {
                Look::Saddle(scaling.times(&direction).normalize())
            } else {
                Look::Flat
            }
        }
        (None, None) => Look::Flat,
    }
}

/// `-(H + shift)^-1 g` to the relative residual `forcing`, and the direction along which curvature was not positive, if there was
/// one: the step is then as far as it had come, or `None`.
fn conjugate_gradients(
    product: &dyn Fn(&DVector<f64>) -> DVector<f64>,
    shift: f64,
    gradient: &DVector<f64>,
    forcing: f64,
) -> (Option<DVector<f64>>, Option<DVector<f64>>) {
    let mut step = DVector::zeros(gradient.len());
    let mut rest = -gradient;
    let mut direction = rest.clone();
    let mut square = rest.norm_squared();
    let enough = forcing * forcing * square;
    for k in 0..MOST_STEPS {
        if square <= enough {
            break;
        }
        let mut image = product(&direction);
        image.axpy(shift, &direction, 1.0);
        let curvature = direction.dot(&image);
        // False for what is not a number, too.
        let positive = curvature > f64::EPSILON * direction.norm() * image.norm();
        if !positive {
            return ((k > 0).then_some(step), Some(direction));
        }
        let length = square / curvature;
        step.axpy(length, &direction, 1.0);
        rest.axpy(-length, &image, 1.0);
        let left = rest.norm_squared();
        direction = &rest + direction * (left / square);
        square = left;
    }
    let finite = step.iter().all(|entry| entry.is_finite());
    (finite.then_some(step), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(matrix: &DMatrix<f64>) -> Second<'_> {
        Second::Products(matrix.nrows(), Box::new(move |v| matrix * v))
    }

    fn diagonal(entries: &[f64]) -> DMatrix<f64> {
        DMatrix::from_diagonal(&DVector::from_column_slice(entries))
    }

    /// By hand: `(diag(1, 2, 4) + 1)^-1 (2, 3, 5) = (1, 1, 1)`.
    #[test]
    fn products_and_a_matrix_give_the_same_step_and_mean() {
        let matrix = diagonal(&[1.0, 2.0, 4.0]);
        let gradient = DVector::from_vec(vec![-2.0, -3.0, -5.0]);
        for second in [products(&matrix), Second::Matrix(matrix.clone())] {
            let step = second.step(1.0, &gradient, 1e-12).unwrap();
            assert!((step - DVector::from_element(3, 1.0)).amax() < 1e-12);
            assert!((second.mean() - 7.0 / 3.0).abs() < 1e-14);
        }
    }

    #[test]
    fn a_look_tells_a_minimiser_from_a_saddle_and_from_a_flat_place() {
        let (u, small) = (
            DVector::from_element(3, 1.0),
            DVector::from_element(3, 1e-6),
        );
        for (entries, expected) in [
            ([1.0, 2.0, 4.0], 'm'),
            ([1.0, -2.0, 4.0], 's'),
            // The Newton step is 10 times as long as the point.
            ([1.0, 1e-7, 4.0], 'f'),
            ([0.0, 0.0, 0.0], 'f'),
        ] {
            let matrix = diagonal(&entries);
            for second in [products(&matrix), Second::Matrix(matrix.clone())] {
                let found = match second.look(&u, &small) {
                    Look::Minimiser(newton) => {
                        assert!((newton[1] + 5e-7).abs() < 1e-12);
                        'm'
                    }
                    Look::Saddle(direction) => {
                        assert!((direction[1].abs() - 1.0).abs() < 1e-6);
                        's'
                    }
                    Look::Flat => 'f',
                };
                assert_eq!(found, expected, "{entries:?}");
            }
        }
    }

    /// Roots of a diagonal.
    struct Roots(DVector<f64>);

    impl Scaling for Roots {
        fn times(&self, v: &DVector<f64>) -> DVector<f64> {
            self.0.component_mul(v)
        }

        fn transposed_times(&self, v: &DVector<f64>) -> DVector<f64> {
            self.times(v)
        }
    }

    /// Curvatures over six powers of ten that a scaling makes 1, one of them as given: negative ones of any size are met, and what is
    /// handed back is a direction of H itself.
    #[test]
    fn a_scaled_look_tells_a_minimiser_from_a_saddle_and_from_a_flat_place() {
        let order = 200;
        let sizes = DVector::from_fn(order, |i, _| 10f64.powf(6.0 * i as f64 / order as f64));
        let roots = Roots(sizes.map(|size| size.sqrt().recip()));
        let u = DVector::from_element(order, 1.0);
        let gradient = &sizes * 1e-6;
        for (share, expected) in [
            (1.0, 'm'),
            (1e-2, 'm'),
            (-1.0, 's'),
            (-1e-3, 's'),
            (1e-6, 'f'),
            (0.0, 'f'),
        ] {
            let mut curvatures = sizes.clone();
            curvatures[17] *= share;
            let product = |v: &DVector<f64>| curvatures.component_mul(v);
            let found = match look_scaled(&product, &roots, &u, &gradient) {
                Look::Minimiser(newton) => {
                    let exact = -gradient.component_div(&curvatures);
                    let off = (&newton - &exact).component_div(&roots.0);
                    assert!(off.norm() <= 0.1 * exact.component_div(&roots.0).norm());
                    'm'
                }
                Look::Saddle(direction) => {
                    assert!((direction.norm() - 1.0).abs() < 1e-12);
                    assert!(direction.dot(&product(&direction)) < 0.0);
                    's'
                }
                Look::Flat => 'f',
            };
            assert_eq!(found, expected, "{share}");
        }
    }

    /// Along the gradient (1, 1, 1) the curvature is 1 - 8 + 4 < 0 at once; with a shift of 2 it is positive there and negative
    /// later on.
    #[test]
    fn negative_curvature_ends_a_step_where_it_is_met() {
        let matrix = diagonal(&[1.0, -8.0, 4.0]);
        let gradient = DVector::from_element(3, -1.0);
        assert!(products(&matrix).step(0.0, &gradient, 1e-12).is_none());
        let step = products(&matrix).step(2.0, &gradient, 1e-12).unwrap();
        assert!(step.dot(&gradient) < 0.0);
        assert!(Second::Matrix(matrix).step(2.0, &gradient, 1e-12).is_none());
    }
}
