//! The sketched scores against the exact ones, and the samples against the spectral guarantee.

use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::CsrMatrix;
use proptest::prelude::*;

use super::*;
use crate::instance::{DesignMatrix, sample};
use crate::production::Settings;

fn random(n: usize, d: usize, index: u64) -> DMatrix<f64> {
    let mut rng = sample::stream(11, "leverage-tests", index);
    DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1))
}

/// Two thousand rows of several kinds, each of which has ruined some sampling scheme.
fn hard_matrices() -> Vec<(&'static str, DMatrix<f64>)> {
    let n = 2_000;
    let mut spike = random(n, 5, 0);
    for i in 0..n {
        spike[(i, 2)] = 0.0;
    }
    spike[(777, 2)] = 1e-3;
    let mut duplicates = random(n, 5, 1);
    for i in 1..n {
        let first = duplicates.row(i % 7).clone_owned();
        duplicates.set_row(i, &first);
    }
    let graded = DMatrix::from_fn(n, 5, |i, j| {
        random(1, 1, (i * 5 + j) as u64)[(0, 0)] * 0.5f64.powi((i % 40) as i32)
    });
    let mut rng = sample::stream(11, "leverage-tests/conditioned", 0);
    vec![
        ("uniform", random(n, 5, 2)),
        ("spike", spike),
        ("duplicates", duplicates),
        ("graded", graded),
        (
            "ill-conditioned",
            sample::conditioned_matrix(&mut rng, n, 5, 1e3, 1e6),
        ),
        (
            "few nonzeros",
            random(n, 5, 3).map_with_location(
                |i, j, entry| {
                    if (i + j) % 3 == 0 { entry } else { 0.0 }
                },
            ),
        ),
        ("one column", random(n, 1, 4)),
    ]
}

fn scaled(a: &DMatrix<f64>, row_scales: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| row_scales[i] * a[(i, j)])
}

/// `u >= l`, up to the rounding of an orthonormal basis, which is absolute in the square root of l.
fn at_least(u: f64, l: f64) -> bool {
    u.sqrt() * (1.0 + 1e-7) + 1e-14 >= l.sqrt()
}

/// `u_i >= l_i` for all rows, up to rounding, and a sum of at most `share d`.
fn assert_overestimates(name: &str, u: &[f64], exact: &DVector<f64>, share: f64) {
    for (i, (u, l)) in u.iter().zip(exact).enumerate() {
        assert!((0.0..=1.0).contains(u));
        assert!(at_least(*u, *l), "{name}: row {i} has {u} below {l}");
    }
    let (sum, expected) = (u.iter().sum::<f64>(), exact.sum());
    assert!(
        sum <= share * expected,
        "{name}: sum {sum} against {expected}"
    );
}

#[test]
fn sketched_scores_overestimate_by_little_dense_and_sparse() {
    for (name, a) in hard_matrices() {
        let row_scales: Vec<f64> = (0..a.nrows()).map(|i| 0.5 + (i % 9) as f64).collect();
        let exact = leverage_scores(&scaled(&a, &row_scales)).unwrap();
        for matrix in [
            DesignMatrix::Dense(a.clone().into()),
            DesignMatrix::Sparse(CsrMatrix::from(&a)),
        ] {
            for seed in 0..5 {
                let found = sketch(&matrix, &row_scales, seed).unwrap();
                assert_ne!(found.floor, 1.0, "{name} was not sketched");
                assert_overestimates(name, &found.scores, &exact, 2.0);
            }
        }
    }
}

#[test]
fn a_planted_fault_in_the_floor_would_be_seen() {
    // Scores without the division by the floor are below the leverage scores in about half of the rows.
    let a = random(2_000, 5, 2);
    let ones = vec![1.0; 2_000];
    let exact = leverage_scores(&a).unwrap();
    let found = sketch(&DesignMatrix::Dense(a.into()), &ones, 1).unwrap();
    let below = found
        .scores
        .iter()
        .zip(&exact)
        .filter(|(u, l)| *u * found.floor < **l)
        .count();
    assert!(below > 200, "{below} rows");
}

#[test]
fn many_columns_are_projected_and_the_scores_still_overestimate() {
    let a = random(4_000, 220, 5);
    let found = sketch(&DesignMatrix::Dense(a.clone().into()), &vec![1.0; 4_000], 3).unwrap();
    assert!(found.projected_columns < 220);
    let exact = leverage_scores(&a).unwrap();
    assert_overestimates("projected", &found.scores, &exact, 4.0);
}

#[test]
fn a_small_matrix_gets_its_exact_scores() {
    let a = random(300, 4, 6);
    let exact = leverage_scores(&a).unwrap();
    let found = sketched_scores(&DesignMatrix::Dense(a.into()), &[1.0; 300], 1).unwrap();
    assert!(found.iter().zip(&exact).all(|(u, l)| (u - l).abs() < 1e-13));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let a = random(9_000, 7, 7);
    let row_scales: Vec<f64> = (0..9_000).map(|i| 1.0 + (i % 5) as f64).collect();
    for matrix in [
        DesignMatrix::Dense(a.clone().into()),
        DesignMatrix::Sparse(CsrMatrix::from(&a)),
    ] {
        let run = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| sketch(&matrix, &row_scales, 4).unwrap())
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
        assert_ne!(
            one.scores,
            sketched_scores(&matrix, &row_scales, 5).unwrap()
        );
    }
}

#[test]
fn each_fault_of_the_matrix_or_the_scales_has_its_own_error() {
    let good = random(3_000, 4, 8);
    let ones = vec![1.0; 3_000];
    let attempt =
        |a: &DMatrix<f64>, s: &[f64]| sketch(&DesignMatrix::Dense(a.clone().into()), s, 1);
    assert!(attempt(&good, &ones).is_ok());
    let mut repeated = good.clone();
    let sum = good.column(0) + good.column(2);
    repeated.set_column(1, &sum);
    let mut zero = good.clone();
    zero.fill_column(3, 0.0);
    let mut few_rows = vec![0.0; 3_000];
    few_rows[..3].fill(1.0);
    for (a, s) in [
        (&repeated, &ones),
        (&zero, &ones),
        (&good, &few_rows),
        (&random(3, 4, 9), &vec![1.0; 3]),
    ] {
        assert!(matches!(
            attempt(a, s),
            Err(LeverageError::RankDeficient { .. })
        ));
    }
    assert!(matches!(
        attempt(&good, &ones[1..]),
        Err(LeverageError::Shape { found: 2_999, .. })
    ));
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let mut scales = ones.clone();
        scales[5] = bad;
        assert!(matches!(
            attempt(&good, &scales),
            Err(LeverageError::Scale { index: 5, .. })
        ));
    }
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let mut broken = good.clone();
        broken[(2_500, 3)] = bad;
        assert!(matches!(
            attempt(&broken, &vec![1e10; 3_000]),
            Err(LeverageError::NotFinite {
                row: 2_500,
                column: 3,
                ..
            })
        ));
    }
}

#[test]
fn scales_of_rows_and_columns_may_be_extreme() {
    let a = random(2_000, 3, 10);
    let exact = leverage_scores(&a).unwrap();
    let wide = DMatrix::from_fn(2_000, 3, |i, j| a[(i, j)] * [1e-150, 1.0, 1e120][j]);
    let found = sketched_scores(&DesignMatrix::Dense(wide.into()), &vec![1e100; 2_000], 1).unwrap();
    assert_overestimates("extreme", &found, &exact, 2.0);
}

/// `|| Q' diag(D~/D) Q - I ||` for an orthonormal basis Q of `diag(D)^1/2 A`.
fn deviation(basis: &DMatrix<f64>, diagonal: &[f64], drawn: &RowSample) -> f64 {
    let d = basis.ncols();
    let mut gram = -DMatrix::identity(d, d);
    for (i, weight) in drawn.rows.iter().zip(&drawn.weights) {
        let row = basis.row(*i);
        gram += row.transpose() * row * (weight / diagonal[*i]);
    }
    gram.symmetric_eigenvalues().amax()
}

#[test]
fn a_hundred_thousand_rows_keep_less_than_a_quarter_and_the_default_epsilon_holds() {
    let (n, d) = (100_000, 20);
    let settings = Settings::default();
    let mut a = random(n, d, 12);
    // A direction that a single row carries.
    a.fill_column(3, 0.0);
    a[(4_711, 3)] = 1.0;
    let diagonal: Vec<f64> = (0..n).map(|i| f64::from(1u32 << (i % 11))).collect();
    let roots: Vec<f64> = diagonal.iter().map(|entry| entry.sqrt()).collect();
    let basis = scaled(&a, &roots).qr().q();
    let scores = sketched_scores(&DesignMatrix::Dense(a.into()), &roots, settings.seed).unwrap();
    for iteration in 0..5 {
        let drawn = draw(
            &scores,
            &diagonal,
            settings.epsilon,
            settings.delta,
            settings.seed,
            iteration,
            d,
        )
        .unwrap();
        assert!(drawn.rows.len() < n / 4, "{} rows", drawn.rows.len());
        // The number of rows is a sum of independent indicators: six standard deviations.
        let spread = 6.0 * (drawn.draws as f64).sqrt();
        assert!((drawn.rows.len() as f64 - drawn.draws as f64).abs() < spread);
        assert!(drawn.rows.is_sorted_by(|a, b| a < b));
        let off = deviation(&basis, &diagonal, &drawn);
        assert!(off <= settings.epsilon, "deviation {off}");
    }
}

#[test]
fn the_oversampling_is_the_chernoff_bound_by_hand() {
    // h(1/4) = 1.25 ln 1.25 - 0.25 = 0.0289294391..., ln(2 * 20 / 0.005) = 8.98719682...
    let c = oversampling(20, 0.25, 0.005);
    assert!((c - 8.987_196_820_661_97 / 0.028_929_439_142_762_2).abs() < 1e-9);
    assert!(oversampling(20, 1e-300, 0.005).is_infinite());
    for epsilon in [1e-9, 1e-4, 0.1, 0.5, 0.99] {
        let ratio = oversampling(3, epsilon, 0.01) * epsilon * epsilon / (600.0f64).ln();
        assert!(ratio > 2.0 - 1e-6 && ratio <= 2.0 * (1.0 + epsilon / 3.0) + 1e-6);
    }
}

#[test]
fn heavy_rows_are_kept_as_they_are_and_rows_without_score_never() {
    let scores = [1.0, 0.0, 0.5, 1e-9];
    let diagonal = [3.0, 4.0, 5.0, 6.0];
    for iteration in 0..50 {
        let drawn = draw(&scores, &diagonal, 0.25, 0.01, 1, iteration, 2).unwrap();
        assert_eq!(&drawn.rows[..2], &[0, 2]);
        assert_eq!(&drawn.weights[..2], &[3.0, 5.0]);
        assert_eq!(drawn.draws, 3);
    }
    let all = draw(&scores, &diagonal, 1e-300, 0.01, 1, 0, 2).unwrap();
    assert_eq!(all.rows, [0, 2, 3]);
    assert_eq!(all.weights, [3.0, 5.0, 6.0]);
}

#[test]
fn samples_depend_on_seed_and_iteration() {
    let scores = vec![1e-4; 10_000];
    let ones = vec![1.0; 10_000];
    let run = |seed, iteration| draw(&scores, &ones, 0.5, 0.01, seed, iteration, 1).unwrap();
    assert_eq!(run(1, 0), run(1, 0));
    assert_ne!(run(1, 0).rows, run(2, 0).rows);
    assert_ne!(run(1, 0).rows, run(1, 1).rows);
}

#[test]
fn each_fault_of_a_draw_has_its_own_error() {
    let attempt = |scores: &[f64], diagonal: &[f64]| draw(scores, diagonal, 0.25, 0.01, 1, 0, 2);
    assert!(attempt(&[0.5, 0.5], &[1.0, 1.0]).is_ok());
    assert!(matches!(
        attempt(&[0.5, 0.5], &[1.0]),
        Err(LeverageError::Shape { found: 1, .. })
    ));
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(
            attempt(&[0.5, bad], &[1.0, 1.0]),
            Err(LeverageError::Score { index: 1, .. })
        ));
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            attempt(&[0.5, 0.5], &[bad, 1.0]),
            Err(LeverageError::NotPositive { index: 0, .. })
        ));
    }
    assert!(matches!(
        corrected_scores(&[0.5, 0.5], &[1.0], &[1.0, 1.0]),
        Err(LeverageError::Shape { found: 1, .. })
    ));
    assert!(matches!(
        corrected_scores(&[0.5, 0.5], &[1.0, -1.0], &[1.0, 1.0]),
        Err(LeverageError::Scale { index: 1, .. })
    ));
}

#[test]
fn a_correction_of_rows_that_had_no_weight_counts_them_as_important() {
    let corrected =
        corrected_scores(&[0.0, 0.25, 0.0], &[0.0, 4.0, 4.0], &[1.0, 2.0, 1e-9]).unwrap();
    // Row 1 alone gives theta = 1/2: its score stays; row 2 is a zero row.
    assert_eq!(corrected, [1.0, 0.25, 0.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn corrected_scores_overestimate_for_any_other_diagonal(
        entries in proptest::collection::vec(-64i32..=64, 36),
        changes in proptest::collection::vec((1u32..=64, 1u32..=64), 12),
    ) {
        let a = DMatrix::from_fn(12, 3, |i, j| f64::from(entries[3 * i + j]) / 16.0);
        let reference: Vec<f64> = changes.iter().map(|(e, _)| f64::from(*e) / 8.0).collect();
        let diagonal: Vec<f64> = changes.iter().map(|(_, d)| f64::from(*d) / 8.0).collect();
        let root = |v: &[f64]| v.iter().map(|entry| entry.sqrt()).collect::<Vec<f64>>();
        // Integers this small give singular values far from rounding, or a matrix without full rank.
        if let (Ok(before), Ok(after)) = (
            leverage_scores(&scaled(&a, &root(&reference))),
            leverage_scores(&scaled(&a, &root(&diagonal))),
        ) {
            let corrected = corrected_scores(before.as_slice(), &reference, &diagonal).unwrap();
            for (u, l) in corrected.iter().zip(&after) {
                prop_assert!(u + 1e-9 >= *l, "{u} below {l}");
            }
        }
    }

    #[test]
    fn sketched_scores_overestimate_whatever_the_matrix(
        seed in 0u64..1_000_000,
        columns in 1usize..=4,
        spread in 0u32..=20,
    ) {
        let mut rng = sample::stream(seed, "leverage-property", 0);
        let a = DMatrix::from_fn(700, columns, |i, _| {
            sample::dyadic(&mut rng, 1) * f64::from(1u32 << (i as u32 % (spread + 1)))
        });
        let exact = leverage_scores(&a).unwrap();
        let found = sketch(&DesignMatrix::Dense(a.into()), &[1.0; 700], seed).unwrap();
        prop_assert!(found.floor != 1.0, "was not sketched");
        for (u, l) in found.scores.iter().zip(&exact) {
            prop_assert!(at_least(*u, *l), "{u} below {l}");
        }
    }
}
