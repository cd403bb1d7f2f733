//! Contractions against sums over all indices, proofs against pairs known by hand, and the two methods.

use nalgebra::DMatrix;

use super::packed::Packed;
use super::proof::{self, Proof};
use crate::instance::sample;
use crate::production::{Outcome, Settings, Solution, solve_system};
use crate::system::{Array, Given, Sizes, TENSOR_POWER, generator};

fn given(tensor: Array, components: usize) -> Given {
    let arrays = vec![
        ("T".to_owned(), tensor),
        ("components".to_owned(), Array::scalar(components as f64)),
    ];
    Given::new(&TENSOR_POWER, arrays).unwrap()
}

fn random(order: usize, side: usize, seed: u64) -> Given {
    let mut rng = sample::stream(seed, "tensor", order as u64);
    given(
        Array::symmetric(order, side, |_| sample::dyadic(&mut rng, 1)).unwrap(),
        1,
    )
}

/// `sum_j lambda_j e_j (x) .. (x) e_j`.
fn diagonal(order: usize, values: &[f64]) -> Array {
    Array::symmetric(order, values.len(), |index| {
        if index.iter().all(|i| *i == index[0]) {
            values[index[0]]
        } else {
            0.0
        }
    })
    .unwrap()
}

fn solved(given: &Given, method: &str) -> Solution {
    let settings = Settings::default();
    let mut observer = |_: &_| std::ops::ControlFlow::Continue(());
    solve_system(given, None, method, &settings, &mut observer)
        .unwrap()
        .0
}

/// `T(v, .., v, ., ..)`: the last `times` axes contracted one after the other, all n^p entries.
fn contracted(given: &Given, v: &[f64], times: usize) -> Vec<f64> {
    let mut entries = given.array("T").unwrap().values().to_vec();
    for _ in 0..times {
        entries = entries
            .chunks(v.len())
            .map(|row| row.iter().zip(v).map(|(t, v)| t * v).sum())
            .collect();
    }
    entries
}

#[test]
fn packed_contractions_are_those_of_the_whole_tensor() {
    for (order, side) in [
        (3, 1),
        (3, 2),
        (3, 7),
        (4, 1),
        (4, 5),
        (5, 1),
        (5, 4),
        (6, 1),
        (6, 3),
    ] {
        let given = random(order, side, 3);
        let tensor = Packed::of(&given).unwrap();
        let scale = 2f64.powi(tensor.exponent as i32);
        let mut rng = sample::stream(4, "vectors", order as u64);
        let vectors = DMatrix::from_fn(side, 3, |_, _| sample::dyadic(&mut rng, 1));
        let images = tensor.images(&vectors) * scale;
        // Entries and vectors are at most 1, and sums have at most 7^2 terms of them.
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * (side as f64).powi(order as i32);
        for j in 0..3 {
            let v = vectors.column(j);
            let whole = contracted(&given, v.as_slice(), order - 1);
            for (i, whole) in whole.iter().enumerate() {
                assert!(close(images[(i, j)], *whole), "{order} {side}");
            }
            let matrix = tensor.matrix(v.as_slice()) * scale;
            let whole = contracted(&given, v.as_slice(), order - 2);
            for (k, whole) in whole.iter().enumerate() {
                let (a, b) = (k / side, k % side);
                assert!(close(matrix[(a, b)], *whole), "{order} {side}: {a} {b}");
            }
        }
        let entries = given.array("T").unwrap().values();
        let square: f64 = entries.iter().map(|t| t * t).sum();
        let ratio = tensor.norm * scale / square.sqrt();
        assert!((1.0..1.0 + 1e-8).contains(&ratio), "{ratio}");
    }
}

/// T less the power of a vector, against the whole tensor less it.
#[test]
fn deflation_takes_a_power_off() {
    let whole = random(4, 3, 5);
    let v = [0.5, -0.25, 0.75];
    let mut tensor = Packed::of(&whole).unwrap();
    let scale = 2f64.powi(tensor.exponent as i32);
    tensor.less(1.5 / scale, &v);
    let u = [0.25, 1.0, -0.5];
    let image = tensor.images(&DMatrix::from_column_slice(3, 1, &u)) * scale;
    // <v, u>^3 = (-1/2)^3.
    for (i, before) in contracted(&whole, &u, 3).iter().enumerate() {
        let expected = before + 1.5 * v[i] / 8.0;
        assert!((image[(i, 0)] - expected).abs() < 1e-14);
    }
}

/// At a component of a diagonal tensor the Jacobian is `diag(.., (p - 2) lambda, .., -lambda, ..)` beside the border, and a point at
/// a known distance is within the radius; a radius is refused where the pair is not isolated.
#[test]
fn a_proof_covers_the_distance_and_is_not_far_above_it() {
    for (order, values) in [(3, [2.0, 1.0]), (4, [1.0, -3.0]), (6, [2.0, 0.5])] {
        let tensor = Packed::of(&given(diagonal(order, &values), 1)).unwrap();
        let scale = 2f64.powi(tensor.exponent as i32);
        for off in [0.0, 1e-12, 1e-8, 1e-5] {
            let v = [1.0, off];
            let image = tensor.images(&DMatrix::from_column_slice(2, 1, &v));
            let lambda = values[0] / scale;
            let Proof::Within(radius) = proof::of(&tensor, lambda, &v, image.as_slice()) else {
                panic!("{order} {off}");
            };
            assert!(radius >= off, "{order}: {radius:e} {off:e}");
            assert!(radius <= 8.0 * off + 1e-12, "{order}: {radius:e} {off:e}");
        }
    }
    // e_2 belongs to the value 0, and so does e_2 + anything small along e_3.
    let flat = Packed::of(&given(diagonal(3, &[1.0, 0.0, 0.0]), 1)).unwrap();
    let v = [0.0, 1.0, 0.0];
    let found = proof::of(&flat, 0.0, &v, &[0.0; 3]);
    assert_eq!(found, Proof::Singular);
    assert!(!proof::is_isolated(&flat, 0.0, &v));
    assert!(proof::is_isolated(
        &flat,
        1.0 / 2f64.powi(flat.exponent as i32),
        &[1.0, 0.0, 0.0]
    ));
}

/// Values and vectors of diagonal tensors: the axes, by the size of their values, within the proven bound.
#[test]
fn the_components_of_diagonal_tensors_are_found() {
    for order in 3..=6 {
        let values: &[f64] = if order % 2 == 0 {
            &[1.0, -3.0, 2.0]
        } else {
            &[1.0, 3.0, 2.0]
        };
        let given = given(diagonal(order, values), 3);
        for method in ["random-contraction", "deflation"] {
            let solution = solved(&given, method);
            assert!(
                solution.outcome.is_success(),
                "{order} {method}: {} {:?}",
                solution.outcome,
                solution.warnings
            );
            let mut expected = vec![values[1], 2.0, 1.0];
            expected.extend([0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
            let off: f64 = solution
                .x
                .iter()
                .zip(&expected)
                .map(|(x, e)| (x - e).powi(2))
                .sum();
            let bound = solution.error_bound.unwrap();
            assert!(
                off.sqrt() <= bound && bound < 1e-9,
                "{order} {method}: {bound:e}"
            );
            assert_eq!(solution.warnings.is_empty(), order % 2 == 1);
        }
    }
}

#[test]
fn every_kind_that_is_drawn_is_solved_with_a_bound() {
    for kind in [
        "tensor-power",
        "even-tensor-power",
        "tied-tensor-power",
        "oblique-tensor-power",
    ] {
        let oblique = kind == "oblique-tensor-power";
        let shapes: &[(usize, usize)] = if oblique {
            &[(6, 3)]
        } else {
            &[(6, 3), (9, 9), (12, 5)]
        };
        for &(rows, width) in shapes {
            let sizes = Sizes {
                rows,
                width,
                columns: None,
            };
            let given = generator(kind).unwrap().draw(&sizes, 2, 0).unwrap();
            let solution = solved(&given, "random-contraction");
            assert!(
                solution.outcome.is_success(),
                "{kind} {rows} {width}: {} {:?}",
                solution.outcome,
                solution.warnings
            );
            let bound = solution.error_bound.unwrap();
            assert!(bound < 1e-6, "{kind} {rows} {width}: {bound:e}");
            let said = solution.warnings.join(" ").contains("not orthogonal");
            assert_eq!(said, oblique, "{:?}", solution.warnings);
        }
    }
}

#[test]
fn what_is_not_determined_is_said() {
    let zero = solved(&given(diagonal(3, &[0.0, 0.0]), 1), "auto");
    assert_eq!(zero.outcome, Outcome::Singular);
    assert!(
        zero.warnings[0].starts_with("T is 0"),
        "{:?}",
        zero.warnings
    );
    // Two components of three asked for.
    let short = solved(&given(diagonal(3, &[2.0, 0.0, 1.0]), 3), "auto");
    assert_eq!(short.outcome, Outcome::Singular);
    let said = short.warnings.join(" ");
    assert!(said.contains("only 2 of 3 components were found"), "{said}");
    assert_eq!(short.error_bound, None);
    assert!((short.x[0] - 2.0).abs() < 1e-12 && (short.x[1] - 1.0).abs() < 1e-12);
    assert!(short.x[2].abs() < 1e-12);
}

/// T of any scale: powers of two change values by themselves and vectors not at all.
#[test]
fn a_power_of_two_passes_through() {
    let sizes = Sizes {
        rows: 5,
        width: 2,
        columns: None,
    };
    let drawn = generator("tensor-power")
        .unwrap()
        .draw(&sizes, 1, 0)
        .unwrap();
    let plain = solved(&drawn, "auto");
    for exponent in [-400, 300] {
        let factor = 2f64.powi(exponent);
        let array = drawn.array("T").unwrap();
        let entries = array.values().iter().map(|t| t * factor).collect();
        let scaled = Array::new(array.shape().to_vec(), entries).unwrap();
        let solution = solved(&given(scaled, 2), "auto");
        for (j, (a, b)) in solution.x.iter().zip(plain.x.iter()).enumerate() {
            let expected = if j < 2 { b * factor } else { *b };
            assert!(
                (a - expected).abs() <= 1e-9 * expected.abs().max(factor.min(1.0) * 1e-3),
                "{j}"
            );
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let sizes = Sizes {
        rows: 40,
        width: 6,
        columns: None,
    };
    let given = generator("tensor-power")
        .unwrap()
        .draw(&sizes, 1, 0)
        .unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| solved(&given, "auto"))
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one.x, three.x);
    assert_eq!(one.error_bound, three.error_bound);
}

/// A power step keeps the sign of its vector, so that no step of length-1 vectors is longer than to a right angle, `sqrt(2)` each; a pair
/// of an even tensor with a negative value would else turn around in every step.
#[test]
fn no_vector_turns_around() {
    for order in 3..=6 {
        for (values, sign) in [([3.0, 2.0, 1.0], 1.0), ([-3.0, -2.0, -1.0], -1.0)] {
            // Noise, so that contractions do not find the vectors at once.
            let mut rng = sample::stream(9, "noise", order as u64);
            let tensor = Array::symmetric(order, 3, |index| {
                let own = index.iter().all(|i| *i == index[0]);
                sample::dyadic(&mut rng, 1) / 64.0 + if own { values[index[0]] } else { 0.0 }
            });
            let given = given(tensor.unwrap(), 3);
            for method in ["random-contraction", "deflation"] {
                let (mut longest, mut last) = (0.0_f64, 0.0);
                let solution =
                    solve_system(&given, None, method, &Settings::default(), &mut |entry| {
                        (longest, last) = (longest.max(entry.step_norm), entry.step_norm);
                        std::ops::ControlFlow::Continue(())
                    });
                let (solution, _) = solution.unwrap();
                assert!(
                    method == "deflation" || solution.outcome.is_success(),
                    "{order}: {}",
                    solution.outcome
                );
                assert!(
                    last < 1e-3 && longest > 0.0,
                    "{order} {method}: {last:e} {longest:e}"
                );
                // Three vectors at once; deflation begins with more and ends with one.
                let (step, vectors) = if method == "deflation" {
                    (last, 1.0)
                } else {
                    (longest, 3.0)
                };
                assert!(
                    step * step <= 2.0 * vectors + 1e-12,
                    "{order} {sign} {method}: {step}"
                );
            }
        }
    }
}
