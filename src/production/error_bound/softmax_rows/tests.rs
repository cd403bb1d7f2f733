//! What is charged for each row, against 40 digits.

use nalgebra::{DMatrix, DVector};

use super::*;
use crate::instance::{DesignMatrix, LossKind, sample};
use crate::production::kernels::Level;
use crate::production::kernels::softmax_bounds::row;
use crate::scalar::High;

const SEED: u64 = 23;

fn high(x: f64) -> High {
    High::lift(x).unwrap()
}

/// Logits, target and squared weights of a case: logits far apart or close together, one weight far above the others, more rows than
/// a vector has lanes.
fn case(index: u64) -> [Vec<f64>; 3] {
    let mut rng = sample::stream(SEED, "softmax-rows", index);
    let n = 1 + sample::integer(&mut rng, 0, 18) as usize;
    let spread = 10f64.powi(sample::integer(&mut rng, -6, 2) as i32);
    let shift = sample::dyadic(&mut rng, 1) * 100.0;
    let size = 10f64.powi(sample::integer(&mut rng, -9, 4) as i32);
    let z = (0..n)
        .map(|_| spread * sample::dyadic(&mut rng, 3) + shift)
        .collect();
    let b = sample::signed_unit_target(&mut rng, n);
    let mut w2: Vec<f64> = (0..n)
        .map(|_| size * (1.5 + sample::dyadic(&mut rng, 1)))
        .collect();
    w2[n / 2] *= 1e6;
    [z, b.as_slice().to_vec(), w2]
}

/// `p`, `delta`, `v` at 40 digits, from their definitions.
fn exact(z: &[f64], b: &[f64], w2: &[f64]) -> Vec<[High; 3]> {
    let e: Vec<High> = z.iter().map(|z| high(*z).exp()).collect();
    let total: High = e.iter().sum();
    let p: Vec<High> = e.iter().map(|e| *e / total).collect();
    let c: Vec<High> = p.iter().zip(b).map(|(p, b)| *p - high(*b)).collect();
    let s: High = p.iter().zip(&c).map(|(p, c)| *p * *c).sum();
    (0..z.len())
        .map(|i| {
            let t = c[i] - s;
            [p[i], p[i] * (p[i] + t), p[i] * t + high(w2[i]) * high(z[i])]
        })
        .collect()
}

#[test]
fn every_row_is_within_its_error_of_40_digits_at_every_level() {
    let mut closest = [0.0; 3];
    for index in 0..60 {
        let [z, b, w2] = case(index);
        let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let truth = exact(&z, &b, &w2);
        for level in Level::all() {
            let (mut q, mut scratch) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            let sums = masses(level, &z, &b, top, &mut q, &mut scratch);
            // The logits are exact here.
            let shared = normalised(&sums, top, 0.0).unwrap();
            let rows: Vec<_> = (0..z.len())
                .map(|i| row([z[i], b[i], w2[i], q[i]], &shared))
                .collect();
            let reached = reach(level, &z, &b, &w2, shared, &mut q);
            let mut dual = 0.0;
            for (i, (row, truth)) in rows.iter().zip(&truth).enumerate() {
                for (k, ([value, error], truth)) in row.iter().zip(truth).enumerate() {
                    let off = (high(*value) - *truth).abs().to_f64();
                    assert!(
                        off <= *error,
                        "case {index}, row {i}, {k}, {}: {off:e} > {error:e}",
                        level.name()
                    );
                    closest[k] = f64::max(closest[k], off / error);
                }
                let off = (high(q[i]) - truth[2]).to_f64();
                dual += off * off / w2[i];
                let delta = truth[1].to_f64();
                assert!(-delta <= reached.largest[0] && delta <= reached.largest[1]);
            }
            assert!(dual <= reached.sums[0], "case {index}: {dual:e}");
        }
    }
    // The errors are not out of all proportion: a fiftieth of any of them would not cover what happens.
    assert!(closest.iter().all(|ratio| *ratio > 0.02), "{closest:?}");
}

/// A = I: the gradient is v itself, the Hessian in x that in the logits.
#[test]
fn gradient_and_curvature_are_those_of_the_definitions() {
    for index in 0..20 {
        let [z, b, w2] = case(index);
        let n = z.len();
        let weights = DVector::from_iterator(n, w2.iter().map(|w2| w2.sqrt()));
        let matrix = DesignMatrix::Dense(DMatrix::identity(n, n).into());
        let target = DVector::from_column_slice(&b);
        let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
        let w2 = problem.squared_weights().as_slice().to_vec();
        let sizes = Sizes {
            weighted: w2.iter().sum::<f64>().sqrt() * SLACK,
            least_weight: problem.squared_weights().min(),
        };
        let rows = softmax_rows(&problem, &z, &b, sizes).unwrap().facts;
        let truth = exact(&z, &b, &w2);
        let off: f64 = (0..n)
            .map(|i| (high(rows.gradient[i]) - truth[i][2]).to_f64().powi(2) / w2[i])
            .sum();
        // What the last sum rounds is charged in norm.
        let charged = rows.dual + rows.summed / sizes.least_weight.sqrt();
        assert!(off.sqrt() <= charged, "case {index}: {off:e} {charged:e}");
        let hessian = problem
            .loss()
            .hessian(&DVector::from_column_slice(&z))
            .unwrap();
        let eigenvalues = hessian.to_dense().symmetric_eigenvalues();
        let rounding = 1e-14 * (rows.felt + 1e-300);
        assert!(-eigenvalues.min() <= rows.below + rounding, "case {index}");
        assert!(eigenvalues.max() <= rows.above + rounding, "case {index}");
        // |diag(delta)| + |delta| p' + p |delta|' + <p, p> pp', from its definition.
        let p = DVector::from_fn(n, |i, _| truth[i][0].to_f64());
        let delta = DVector::from_fn(n, |i, _| truth[i][1].abs().to_f64());
        let terms = DMatrix::from_diagonal(&delta)
            + &delta * p.transpose()
            + &p * delta.transpose()
            + &p * p.transpose() * p.norm_squared();
        let norm = terms.symmetric_eigenvalues().max();
        assert!(norm <= rows.felt * (1.0 + 1e-12), "case {index}: {norm}");
        // max |c - s| and ||c||.
        let residual = p.zip_map(&DVector::from_column_slice(&b), |p, b| p - b);
        let largest = residual.add_scalar(-residual.dot(&p)).amax();
        for (bound, exact) in [(rows.centred, largest), (rows.residual, residual.norm())] {
            // Of one row both are roundings of 0.
            assert!(exact <= bound + 1e-12, "case {index}: {bound}");
            assert!(
                bound <= exact * (1.0 + 1e-6) + 1e-12,
                "case {index}: {bound}"
            );
        }
    }
}

/// Nearly all of `<p, b>` in a row that is far from the top, where an error of the logit moves p most: the logits may be off by
/// `1.01 u |z|`, which the bound of s says.
#[test]
fn the_mean_is_within_its_error_where_the_target_lies_far_from_the_top() {
    for (far, weight) in [(-30.0, 1e14), (-300.0, 1e131), (-3.0, 1e3)] {
        let (z, b) = ([0.0, far, far / 2.0], [0.25, weight, -0.5]);
        let (mut q, mut scratch) = (vec![0.0; 3], vec![0.0; 3]);
        let sums = masses(Level::best(), &z, &b, 0.0, &mut q, &mut scratch);
        let shared = normalised(&sums, 0.0, 0.0).unwrap();
        let mut worst = 0.0_f64;
        for side in [-1.0, 1.0] {
            let unit = high(1.01 * UNIT * side);
            let e = z.map(|z| (high(z) * (High::ONE + unit)).exp());
            let total: High = e.iter().sum();
            let terms = e
                .iter()
                .zip(b)
                .map(|(e, b)| *e / total * (*e / total - high(b)));
            let mean: High = terms.sum();
            worst = worst.max((mean - high(shared.mean)).abs().to_f64());
        }
        assert!(worst <= shared.mean_error, "{far}: {worst:e}");
        assert!(worst >= 0.1 * shared.mean_error, "{far}: {worst:e}");
    }
}

#[test]
fn what_is_not_finite_or_too_far_apart_is_refused() {
    let at = |z: [f64; 3]| {
        let matrix = DesignMatrix::Dense(DMatrix::identity(3, 3).into());
        let target = DVector::repeat(3, 0.25);
        let problem =
            Problem::new(LossKind::Softmax, matrix, target, DVector::repeat(3, 1.0)).unwrap();
        let sizes = Sizes {
            weighted: 2.0,
            least_weight: 1.0,
        };
        softmax_rows(&problem, &z, &[0.25; 3], sizes).is_some()
    };
    assert!(at([1.0, 2.0, 3.0]) && at([1e9, -1e9, 0.0]));
    for z in [
        [1e12, 0.0, 0.0],
        [f64::NAN, 0.0, 0.0],
        [0.0, f64::INFINITY, 0.0],
        [0.0, 0.0, f64::NEG_INFINITY],
        [1e308, -1e308, 0.0],
    ] {
        assert!(!at(z), "{z:?}");
    }
}
