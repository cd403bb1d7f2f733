//! Bounds, losses and gradients of both ways of an exact answer against QR at 40 digits.

use nalgebra::DMatrix;

use super::by_gram::{BASIS, ByGram};
use crate::instance::sample;
use crate::production::systems::linear::test_support::solved;
use crate::production::{Outcome, Settings, Solution};
use crate::scalar::High;
use crate::system::{Array, Given, LEVERAGE_REGRESSION};

/// A regression, each part times a power of two.
struct Case {
    a: DMatrix<f64>,
    b: DMatrix<f64>,
    ridge: f64,
}

impl Case {
    /// Singular values from 1 down to `1 / condition`, dyadic right sides.
    fn drawn(n: usize, d: usize, count: usize, condition: f64, ridge: f64) -> Self {
        let mut rng = sample::stream(11, "by-gram", (n * 100 + d) as u64);
        let a = sample::conditioned_matrix(&mut rng, n, d, 1.0, condition);
        let b = DMatrix::from_fn(n, count, |_, _| sample::dyadic(&mut rng, 1));
        Self { a, b, ridge }
    }

    /// With A and b times `2^exponents`.
    fn given(&self, exponents: [i32; 2]) -> Given {
        let [of_a, of_b] = exponents.map(|exponent| 2f64.powi(exponent));
        let arrays = [
            ("matrix", Array::matrix(&(&self.a * of_a))),
            ("target", Array::matrix(&(&self.b * of_b))),
            ("ridge", Array::scalar(self.ridge * of_a * of_a)),
        ];
        let arrays = arrays.map(|(name, array)| (name.to_owned(), array));
        Given::new(&LEVERAGE_REGRESSION, arrays.into()).unwrap()
    }

    /// A with the root of lambda below it, and b with zeros, at 40 digits.
    fn augmented(&self) -> [DMatrix<High>; 2] {
        let [n, d] = [self.a.nrows(), self.a.ncols()];
        let root = lift(self.ridge).sqrt();
        let rows = if self.ridge > 0.0 { n + d } else { n };
        let a = DMatrix::from_fn(rows, d, |i, j| match i.checked_sub(n) {
            None => lift(self.a[(i, j)]),
            Some(k) if k == j => root,
            Some(_) => High::ZERO,
        });
        let b = DMatrix::from_fn(rows, self.b.ncols(), |i, c| {
            if i < n {
                lift(self.b[(i, c)])
            } else {
                High::ZERO
            }
        });
        [a, b]
    }

    fn exact(&self) -> DMatrix<High> {
        let [a, b] = self.augmented();
        let qr = a.qr();
        let right = qr.q().transpose() * b;
        qr.r().solve_upper_triangular(&right).unwrap()
    }
}

fn lift(x: f64) -> High {
    High::lift(x).unwrap()
}

/// x by rows.
fn point(found: &Solution, count: usize, factor: f64) -> DMatrix<High> {
    let rows = found.x.len() / count;
    DMatrix::from_row_iterator(rows, count, found.x.iter().map(|x| lift(x * factor)))
}

fn size(m: &DMatrix<High>) -> f64 {
    m.iter()
        .map(|entry| entry.square())
        .fold(High::ZERO, |sum, square| sum + square)
        .sqrt()
        .to_f64()
}

/// Condition numbers by decades, tall and square, one right side and two, with and without lambda, far from 1 and near it.
#[test]
fn bounds_hold_at_every_condition_number_and_scale() {
    let mut in_two_passes = 0;
    for decade in 0..=16 {
        for (n, d, count) in [(60, 4, 1), (24, 3, 2), (4, 4, 1)] {
            for ridge in [0.0, 1.0 / 1024.0] {
                let case = Case::drawn(n, d, count, 10f64.powi(decade), ridge);
                let exact = case.exact();
                for exponents in [[0, 0], [300, -300], [-300, 300]] {
                    let given = case.given(exponents);
                    let found = solved(&given, "triangular-factor", &Settings::default()).unwrap();
                    let place = format!("1e{decade} {n} x {d} {count} {ridge} {exponents:?}");
                    if found.outcome == Outcome::Singular {
                        assert!(decade >= 13 && ridge == 0.0, "{place}");
                        continue;
                    }
                    let back = 2f64.powi(exponents[0]) * 2f64.powi(-exponents[1]);
                    let off = size(&(point(&found, count, back) - &exact));
                    let Some(bound) = found.error_bound else {
                        assert!(decade >= 8 && ridge == 0.0, "{place}");
                        continue;
                    };
                    let bound = bound * back;
                    assert!(off <= bound, "{place}: {off:e} > {bound:e}");
                    if found.error_bound_basis == BASIS {
                        in_two_passes += 1;
                        // Half a unit of every entry at most, and next to nothing beside.
                        assert!(bound <= 1.2e-16 * size(&exact), "{place}: {bound:e}");
                        assert_eq!(exponents, [0, 0]);
                    } else {
                        // A square A fits every b.
                        assert!(
                            (decade > 2 || n == d) && ridge == 0.0 || exponents != [0, 0],
                            "{place}"
                        );
                    }
                }
            }
        }
    }
    assert!(in_two_passes >= 55, "{in_two_passes}");
}

/// Columns of sizes from 2^-150 to 2^150 are as good as columns of one size.
#[test]
fn the_sizes_of_columns_do_not_count() {
    let mut case = Case::drawn(60, 4, 2, 10.0, 0.0);
    let exact = case.exact();
    let exponents = [-150, 40, 0, 150];
    for (j, exponent) in exponents.into_iter().enumerate() {
        case.a.column_mut(j).scale_mut(2f64.powi(exponent));
    }
    let found = solved(
        &case.given([0, 0]),
        "triangular-factor",
        &Settings::default(),
    )
    .unwrap();
    assert_eq!(found.error_bound_basis, BASIS);
    let mut off = 0.0_f64;
    for (j, exponent) in exponents.into_iter().enumerate() {
        for c in 0..2 {
            let x = found.x[2 * j + c];
            let entry = exact[(j, c)];
            let relative = (lift(x * 2f64.powi(exponent)) - entry) / entry;
            assert!(relative.abs().to_f64() <= 1.2e-16, "{j} {c}");
            let step = (lift(x * 2f64.powi(exponent)) - entry).to_f64() * 2f64.powi(-exponent);
            off = off.hypot(step);
        }
    }
    assert!(off <= found.error_bound.unwrap());
}

/// Loss and gradient come from a Gram matrix and the last correction: against the definition at the x that is handed back.
#[test]
fn loss_and_gradient_are_those_at_the_answer() {
    for (condition, ridge, count) in [
        (1.0, 0.0, 1),
        (100.0, 0.0, 2),
        (500.0, 0.0, 1),
        (10.0, 0.25, 3),
    ] {
        let case = Case::drawn(60, 4, count, condition, ridge);
        for certify in [true, false] {
            let settings = Settings::default().with_certify(certify);
            let given = case.given([0, 0]);
            assert!(ByGram::of(&given, certify).is_some());
            let found = solved(&given, "triangular-factor", &settings).unwrap();
            assert_eq!(found.error_bound.is_some(), certify);
            let [a, b] = case.augmented();
            let residual = &a * point(&found, count, 1.0) - b;
            let loss = 0.5 * size(&residual).powi(2);
            assert!(
                (found.loss / loss - 1.0).abs() <= 1e-13,
                "{condition} {ridge}"
            );
            let gradient = size(&(a.transpose() * residual));
            assert!(
                (found.gradient_norm / gradient - 1.0).abs() <= 1e-4,
                "{condition}: {} {gradient}",
                found.gradient_norm
            );
        }
    }
}

/// What the Gram matrix cannot answer for is left to the other way: b in the range of A, a column of zeros, equal columns, fewer rows than
/// columns.
#[test]
fn other_problems_take_the_other_way() {
    let case = Case::drawn(60, 4, 1, 10.0, 0.0);
    let mut fits = Case { ..case };
    fits.a = fits.a.map(|entry| (entry * 1024.0).round() / 1024.0);
    let x = DMatrix::from_column_slice(4, 1, &[1.0, -2.0, 0.5, 3.0]);
    fits.b = &fits.a * &x;
    let found = solved(
        &fits.given([0, 0]),
        "triangular-factor",
        &Settings::default(),
    )
    .unwrap();
    assert_eq!(found.x.as_slice(), x.as_slice());
    assert_eq!(found.loss, 0.0);
    assert!(
        found.warnings[0].starts_with("the least loss cannot be told from 0"),
        "{:?}",
        found.warnings
    );
    let changed = |change: &dyn Fn(&mut DMatrix<f64>)| {
        let mut case = Case::drawn(60, 4, 1, 10.0, 0.0);
        change(&mut case.a);
        case
    };
    let zero = changed(&|a| a.column_mut(2).fill(0.0));
    let equal = changed(&|a| {
        let first = a.column(0).clone_owned();
        a.set_column(3, &first);
    });
    let wide = changed(&|a| *a = a.rows(0, 3).clone_owned());
    for mut case in [zero, equal, wide] {
        case.b = case.b.rows(0, case.a.nrows()).clone_owned();
        assert!(ByGram::of(&case.given([0, 0]), true).is_none());
        let found = solved(
            &case.given([0, 0]),
            "triangular-factor",
            &Settings::default(),
        )
        .unwrap();
        assert_eq!(found.outcome, Outcome::Singular);
    }
}

/// A right side of zeros has the answer 0 beside another one; alone as well.
#[test]
fn zeros_have_the_answer_zero() {
    let mut case = Case::drawn(60, 4, 2, 10.0, 0.0);
    case.b.column_mut(0).fill(0.0);
    let found = solved(
        &case.given([0, 0]),
        "triangular-factor",
        &Settings::default(),
    )
    .unwrap();
    assert_eq!(found.error_bound_basis, BASIS);
    assert!(found.x.iter().step_by(2).all(|x| *x == 0.0));
    assert!(found.x.iter().skip(1).step_by(2).all(|x| *x != 0.0));
    case.b.fill(0.0);
    let found = solved(
        &case.given([0, 0]),
        "triangular-factor",
        &Settings::default(),
    )
    .unwrap();
    assert!(found.outcome.is_success(), "{found:?}");
    assert!(found.x.iter().all(|x| *x == 0.0));
    assert_eq!(found.error_bound, Some(0.0));
}

#[test]
fn two_passes_are_the_same_bits_for_any_number_of_threads() {
    let case = Case::drawn(40_000, 5, 2, 10.0, 0.125);
    let given = case.given([0, 0]);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let solve = || solved(&given, "triangular-factor", &Settings::default()).unwrap();
        pool.build().unwrap().install(solve)
    };
    let found = run(1);
    assert_eq!(found.error_bound_basis, BASIS);
    assert_eq!(format!("{found:?}"), format!("{:?}", run(3)));
}
