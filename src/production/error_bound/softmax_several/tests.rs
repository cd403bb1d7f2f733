//! What is charged for each target, against 40 digits and against a sweep for one target.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use super::*;
use crate::instance::{DesignMatrix, LossKind, sample};
use crate::production::Problem;
use crate::production::error_bound::softmax_rows::softmax_rows;
use crate::scalar::High;

const LANES: usize = 11;

fn high(x: f64) -> High {
    High::lift(x).unwrap()
}

/// A of some condition, weights that differ, targets of several kinds and sizes, points from very near the origin to far from it.
struct Case {
    a: DMatrix<f64>,
    weights: DVector<f64>,
    targets: Vec<f64>,
    points: Vec<DVector<f64>>,
}

fn case(index: u64) -> Case {
    let mut rng = sample::stream(29, "softmax-several", index);
    let d = 1 + sample::integer(&mut rng, 0, 3) as usize;
    let n = d + 3 + sample::integer(&mut rng, 0, 12) as usize;
    let condition = 10f64.powi(sample::integer(&mut rng, 0, 3) as i32);
    let a = sample::conditioned_matrix(&mut rng, n, d, 2.0, condition);
    let weights = DVector::from_fn(n, |_, _| 3.0 + sample::dyadic(&mut rng, 2));
    let mut targets = Vec::new();
    let mut points = Vec::new();
    for lane in 0..LANES {
        let b = match lane % 3 {
            0 => sample::probability(&mut rng, n),
            1 => sample::signed_unit_target(&mut rng, n),
            _ => DVector::from_fn(n, |i, _| if i == lane % n { 0.75 } else { 0.0 }),
        };
        targets.extend(b.iter());
        let size = 10f64.powi(lane as i32 - 9);
        points.push(DVector::from_fn(d, |_, _| {
            size * sample::dyadic(&mut rng, 2)
        }));
    }
    Case {
        a,
        weights,
        targets,
        points,
    }
}

/// The exact gradient and loss.
fn exact(case: &Case, squared_weights: &[f64], lane: usize) -> (Vec<High>, High) {
    let (n, d) = case.a.shape();
    let b = &case.targets[lane * n..(lane + 1) * n];
    let x = &case.points[lane];
    let z: Vec<High> = (0..n)
        .map(|i| (0..d).map(|j| high(case.a[(i, j)]) * high(x[j])).sum())
        .collect();
    let e: Vec<High> = z.iter().map(|z| z.exp()).collect();
    let total: High = e.iter().sum();
    let p: Vec<High> = e.iter().map(|e| *e / total).collect();
    let c: Vec<High> = p.iter().zip(b).map(|(p, b)| *p - high(*b)).collect();
    let s: High = p.iter().zip(&c).map(|(p, c)| *p * *c).sum();
    let w2 = |i: usize| high(squared_weights[i]);
    let v: Vec<High> = (0..n).map(|i| p[i] * (c[i] - s) + w2(i) * z[i]).collect();
    let gradient = (0..d)
        .map(|j| (0..n).map(|i| high(case.a[(i, j)]) * v[i]).sum())
        .collect();
    let loss: High = (0..n).map(|i| c[i].square() + w2(i) * z[i].square()).sum();
    (gradient, loss * high(0.5))
}

#[test]
fn facts_are_within_their_errors_of_40_digits_and_near_those_of_one_target() {
    let mut judged = 0;
    for index in 0..12 {
        let case = case(index);
        let (n, d) = case.a.shape();
        let matrix = Arc::new(DesignMatrix::Dense(case.a.clone().into()));
        let target = DVector::zeros(n);
        let problem =
            Problem::new(LossKind::Softmax, matrix, target, case.weights.clone()).unwrap();
        let squared_weights = problem.squared_weights().as_slice();
        let weighted = (0..n).map(|i| squared_weights[i] * case.a.row(i).norm_squared());
        let sizes = Sizes {
            weighted: weighted.sum::<f64>().sqrt() * SLACK,
            least_weight: problem.squared_weights().min() * (1.0 - 2.0 * f64::EPSILON),
        };
        let several = Several {
            operator: problem.operator(),
            squared_weights,
            sizes,
        };
        let mut work = Workspace::take(problem.operator(), &case.targets);
        work.z.fill(0.0);
        let lanes = work.lanes;
        let mut x = vec![0.0; d * lanes];
        for (lane, point) in case.points.iter().enumerate() {
            for j in 0..d {
                x[j * lanes + lane] = point[j];
            }
        }
        let lengths: Vec<f64> = case.targets.chunks_exact(n).map(norm).collect();
        let found = several.at(&x, &lengths, &mut work);
        assert_eq!(found.len(), lanes);
        for (lane, found) in found.iter().enumerate().take(LANES) {
            let target = &case.targets[lane * n..(lane + 1) * n];
            let alone = softmax_rows(&problem, case.points[lane].as_slice(), target, sizes);
            let (Some(found), Some(alone)) = (found, alone) else {
                panic!("case {index}, {lane}: nothing is said");
            };
            let (gradient, loss) = exact(&case, squared_weights, lane);
            let off: Vec<f64> = (0..d)
                .map(|j| (high(found.facts.gradient[j]) - gradient[j]).to_f64())
                .collect();
            let charged = found.facts.summed + sizes.weighted * found.facts.dual;
            assert!(norm(&off) <= charged, "case {index}, {lane}");
            let loss = loss.to_f64();
            assert!(
                (found.loss / loss - 1.0).abs() < 1e-14,
                "case {index}, {lane}"
            );
            let facts = [&found.facts, &alone.facts].map(|facts| {
                [
                    facts.dual,
                    facts.below,
                    facts.above,
                    facts.felt,
                    facts.centred,
                    facts.residual,
                    facts.summed + facts.dual,
                ]
            });
            for (k, (own, other)) in facts[0].iter().zip(facts[1]).enumerate() {
                assert!(
                    (own / other - 1.0).abs() < 1e-3 || (own - other).abs() < 1e-14,
                    "case {index}, {lane}, fact {k}: {own:e} {other:e}"
                );
            }
            let z = &case.a * &case.points[lane];
            assert!((found.largest_logit - z.amax()).abs() <= 1e-14 * z.amax());
            assert!((found.way - z.norm()).abs() <= 1e-13 * z.norm());
            judged += 1;
        }
    }
    assert_eq!(judged, 12 * LANES);
}

/// A point where logits overflow, or are off by more than a little, beside one where all is well.
#[test]
fn a_point_out_of_range_says_nothing_and_disturbs_nobody() {
    let case = case(3);
    let (n, d) = case.a.shape();
    let matrix = Arc::new(DesignMatrix::Dense(case.a.clone().into()));
    let problem = Problem::new(
        LossKind::Softmax,
        matrix,
        DVector::zeros(n),
        case.weights.clone(),
    )
    .unwrap();
    let sizes = Sizes {
        weighted: 1e3,
        least_weight: 1.0,
    };
    let several = Several {
        operator: problem.operator(),
        squared_weights: problem.squared_weights().as_slice(),
        sizes,
    };
    let at = |first: f64| {
        let mut work = Workspace::take(problem.operator(), &case.targets);
        work.z.fill(0.0);
        let mut x = vec![0.25; d * work.lanes];
        x[0] = first;
        let lengths: Vec<f64> = case.targets.chunks_exact(n).map(norm).collect();
        several.at(&x, &lengths, &mut work)
    };
    let sound = at(0.25);
    for first in [1e13, 1e300, f64::INFINITY, f64::NAN] {
        let found = at(first);
        assert!(found[0].is_none(), "{first}");
        for (found, sound) in found.iter().zip(&sound).skip(1).take(LANES - 1) {
            let (found, sound) = (found.as_ref().unwrap(), sound.as_ref().unwrap());
            assert_eq!(found.facts.gradient, sound.facts.gradient);
            assert_eq!(found.facts.dual, sound.facts.dual);
        }
    }
}
