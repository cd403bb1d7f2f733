//! Scores, choices and answers against mpmath's, fits against another library's, and what is counted, promised and refused.

use nalgebra::{DMatrix, DVector};
use serde::Deserialize;
use serde_json::Value;

use super::methods::{Way, choose};
use super::pool::Pool;
use super::{ContinuousBasis, choose_points, fit_continuous};
use crate::production::systems::linear::scaled::times_power;
use crate::production::systems::linear::test_support::{distance, given, solved};
use crate::production::{Outcome, Settings};
use crate::system::{Array, Given, Sizes, generator};

/// An answer of fixtures/oracle/active_learning_mpmath.py.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    x: Vec<String>,
    loss: String,
    scores: Vec<String>,
    greedy: Vec<usize>,
}

impl Entry {
    fn given(&self) -> Given {
        given(&self.manifest.to_string())
    }

    /// With a label for every point.
    fn whole(&self) -> Given {
        let n = self.scores.len() as f64;
        self.given().with_array("budget", Array::scalar(n)).unwrap()
    }
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!(
        "../../../../fixtures/oracle/active_learning_mpmath.json"
    ))
    .unwrap()
}

const METHODS: [&str; 3] = ["greedy-d-optimal", "leverage-draws", "randomised-bss"];

#[test]
fn leverage_scores_are_those_of_mpmath() {
    for entry in table() {
        let pool = Pool::of(&entry.given(), 1).unwrap();
        for (found, text) in pool.scores.iter().zip(&entry.scores) {
            let exact: f64 = text.parse().unwrap();
            // Far below 1 a score is as good as the root of its measure.
            assert!(
                (found - exact).abs() <= 1e-13 * exact.max(1e-290),
                "{}: {found:e} {exact:e}",
                entry.name
            );
        }
    }
}

#[test]
fn greedy_points_are_those_of_determinants() {
    for entry in table() {
        let design = choose_points(&entry.given(), "greedy-d-optimal", 1).unwrap();
        assert_eq!(design.points, entry.greedy, "{}", entry.name);
        assert!(design.weights.iter().all(|weight| *weight == 1.0));
        assert_eq!(
            design,
            choose_points(&entry.given(), "auto", 2).unwrap(),
            "{}",
            entry.name
        );
    }
}

#[test]
fn a_budget_for_every_point_gives_the_minimiser_with_its_bound() {
    for entry in table() {
        for method in METHODS {
            let found = solved(&entry.whole(), method, &Settings::default()).unwrap();
            assert!(
                matches!(
                    found.outcome,
                    Outcome::Converged | Outcome::ConvergedToRounding
                ),
                "{}: {found:?}",
                entry.name
            );
            let (off, size) = distance(found.x.as_slice(), &entry.x);
            assert!(off <= 1e-14 * size, "{}: {off:e}", entry.name);
            let measure = entry.manifest.get("measure").is_some_and(Value::is_array);
            match found.error_bound {
                Some(bound) => assert!(!measure && off <= bound, "{}: {bound:e}", entry.name),
                None => assert!(
                    measure
                        && found.error_bound_basis == "none: the roots of the measure are rounded"
                ),
            }
            let loss: f64 = entry.loss.parse().unwrap();
            assert!((found.loss / loss - 1.0).abs() < 1e-12, "{}", entry.name);
            let support = entry.scores.iter().filter(|text| *text != "0.0").count();
            assert_eq!(found.labels_read, Some(support), "{}", entry.name);
        }
    }
}

fn legendre(rows: usize, width: usize, budget: usize) -> Given {
    let sizes = Sizes {
        rows,
        width,
        columns: None,
    };
    generator("legendre-pool")
        .unwrap()
        .draw(&sizes, 5, 0)
        .unwrap()
        .with_array("budget", Array::scalar(budget as f64))
        .unwrap()
}

/// By singular values on the rows that the design names: another library, another way.
#[test]
fn an_answer_is_the_weighted_fit_to_the_labels_of_its_design() {
    let given = legendre(200, 5, 60);
    let pool = given.matrix("pool", "n", "d");
    let labels = given.array("labels").unwrap().values();
    for method in METHODS {
        let settings = Settings::default().with_seed(9);
        let found = solved(&given, method, &settings).unwrap();
        assert_eq!(found.outcome, Outcome::BudgetSpent, "{method}");
        assert_eq!(found.error_bound, None);
        assert_eq!(
            found.error_bound_basis,
            "none: the labels that were not read may be anything"
        );
        let design = choose_points(&given, method, 9).unwrap();
        let count = design.points.len();
        assert_eq!(found.labels_read, Some(count), "{method}");
        assert!((5..=60).contains(&count), "{method}: {count}");
        let root = |k: usize| design.weights[k].sqrt();
        let rows = DMatrix::from_fn(count, 5, |k, j| root(k) * pool[(design.points[k], j)]);
        let right = DVector::from_fn(count, |k, _| root(k) * labels[design.points[k]]);
        let svd = rows.clone().svd(true, true);
        let x = svd.solve(&right, 1e-12).unwrap();
        assert!((&x - &found.x).norm() < 1e-12, "{method}");
        // The covariance of x for noise of variance 1, in the norm of the pool.
        let inverse = rows.clone().pseudo_inverse(1e-12).unwrap()
            * DMatrix::from_fn(count, count, |k, l| if k == l { root(k) } else { 0.0 });
        let mean = (&pool * inverse).norm_squared() / 200.0;
        assert!(
            (design.mean_excess / mean - 1.0).abs() < 1e-10,
            "{method}: {} {mean}",
            design.mean_excess
        );
    }
}

/// A label that was not read plays no part: not one bit.
#[test]
fn labels_that_are_not_read_play_no_part() {
    let given = legendre(100, 4, 12);
    for method in ["greedy-d-optimal", "leverage-draws"] {
        let settings = Settings::default();
        let design = choose_points(&given, method, settings.seed).unwrap();
        let labels = given.array("labels").unwrap().values();
        let changed: Vec<f64> = labels
            .iter()
            .enumerate()
            .map(|(i, label)| {
                if design.points.contains(&i) {
                    *label
                } else {
                    1e6
                }
            })
            .collect();
        let other = given
            .with_array("labels", Array::new(vec![100], changed).unwrap())
            .unwrap();
        let [one, two] = [&given, &other].map(|given| solved(given, method, &settings).unwrap());
        assert_eq!(format!("{one:?}"), format!("{two:?}"), "{method}");
    }
}

/// The window is proven for any draws: eigenvalues of the weighted sum in coordinates that are orthonormal under the measure.
#[test]
fn barriers_hold_the_sample_within_their_window() {
    let given = legendre(300, 4, 150);
    for seed in 0..3 {
        let design = choose_points(&given, "randomised-bss", seed).unwrap();
        let pool = Pool::of(&given, seed).unwrap();
        let (_, window) = design.how.split_once("points is ").unwrap();
        let (window, _) = window.split_once(" times that").unwrap();
        let window: Vec<f64> = window
            .split(" to ")
            .map(|text| text.trim().parse().unwrap())
            .collect();
        let chosen = choose(Way::Barriers, &pool, 150, seed).unwrap();
        let mut sum = DMatrix::zeros(4, 4);
        for (i, weight) in chosen.points.iter().zip(&chosen.weights) {
            let row = DVector::from_row_slice(pool.rows().row(*i));
            sum.ger(*weight, &row, &row, 1.0);
        }
        let values = sum.symmetric_eigenvalues();
        assert!(
            window[0] - 1e-3 <= values.min() && values.max() <= window[1] + 1e-3,
            "{values} {window:?}"
        );
        assert!(window[0] > 0.2, "{window:?}");
    }
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    let line = |given: &Given, method: &str| {
        solved(given, method, &Settings::default())
            .unwrap_err()
            .to_string()
    };
    let few = legendre(50, 6, 5);
    for method in METHODS {
        assert_eq!(
            line(&few, method),
            "budget is 5: at least 6 labels are needed, the rank of the pool"
        );
    }
    assert_eq!(
        line(&legendre(50, 6, 6), "randomised-bss"),
        "budget is 6: randomised BSS needs more labels than that for a pool of rank 6"
    );
    // Eight equal cells: eight draws see all with a probability of 8! / 8^8 = 0.0024.
    let cells: Vec<Vec<u8>> = (0..80)
        .map(|i| (0..8).map(|j| u8::from(i % 8 == j)).collect())
        .collect();
    let text = serde_json::json!({"system": "active-learning", "pool": cells, "labels": vec![0; 80], "budget": 8});
    let cells = given(&text.to_string());
    let refused = line(&cells, "leverage-draws");
    assert_eq!(
        refused,
        "none of 100 samples of 8 draws had the rank 8 of the pool: more labels are needed"
    );
    // Every one of eight labels, one a cell.
    let found = choose_points(&cells, "auto", 1).unwrap();
    assert_eq!(found.points, [0, 1, 2, 3, 4, 5, 6, 7]);
    let other = given(r#"{ "system": "weighted-low-rank", "M": [[1]], "W": [[1]], "rank": 1 }"#);
    assert_eq!(
        choose_points(&other, "auto", 1).unwrap_err().to_string(),
        "it solves active-learning only"
    );
    assert_eq!(
        choose_points(&few, "subsampled", 1)
            .unwrap_err()
            .to_string(),
        "method subsampled is for losses of logits: system \"active-learning\" is solved by greedy-d-optimal, leverage-draws, randomised-bss"
    );
}

/// Entries near 1 are read where they lie, others are divided by a power of two first: scores and rows of U are the same bits.
#[test]
fn scores_do_not_depend_on_the_unit_of_the_pool() {
    let given = legendre(300, 4, 150);
    let pool = Pool::of(&given, 1).unwrap();
    let values = given.array("pool").unwrap();
    assert!((pool.scores.iter().sum::<f64>() - 4.0).abs() < 1e-13);
    for exponent in [-900, -300, -90, 90, 300, 900] {
        let scaled = values.values().iter().map(|v| v * 2f64.powi(exponent));
        let scaled = Array::new(values.shape().to_vec(), scaled.collect()).unwrap();
        let scaled = Pool::of(&given.with_array("pool", scaled).unwrap(), 1).unwrap();
        assert_eq!(scaled.scores, pool.scores, "{exponent}");
        assert_eq!(scaled.rows().row(7), pool.rows().row(7));
        assert_eq!(scaled.row(7), pool.row(7));
    }
    for i in [0, 17, 299] {
        let whole = pool.rows().row(i).iter().zip(pool.row(i));
        whole.for_each(|(all, one)| assert!((all - one).abs() < 1e-14));
        let square: f64 = pool.row(i).iter().map(|entry| entry * entry).sum();
        assert!((square - pool.scores[i]).abs() < 1e-14);
    }
}

/// Dependent columns: the rank is what counts. A pool (1, 1; 2, 2; 3, 3; 0, 0) has rank 1 and the scores 1/14, 4/14, 9/14, 0.
#[test]
fn dependent_columns_count_by_their_rank() {
    let twice = given(
        r#"{ "system": "active-learning", "pool": [[1, 1], [2, 2], [3, 3], [0, 0]], "labels": [1, 0, 2, 5], "budget": 1 }"#,
    );
    let pool = Pool::of(&twice, 1).unwrap();
    assert_eq!(pool.rank(), 1);
    for (found, expected) in pool.scores.iter().zip([1.0, 4.0, 9.0, 0.0]) {
        assert!((found - expected / 14.0).abs() < 1e-14, "{found}");
    }
    // The farthest point: 3 (x_0 + x_1) = 2 of least norm.
    let found = solved(&twice, "auto", &Settings::default()).unwrap();
    assert_eq!(found.outcome, Outcome::Singular);
    assert_eq!(found.labels_read, Some(1));
    for entry in found.x.iter() {
        assert!((entry - 1.0 / 3.0).abs() < 1e-15, "{entry}");
    }
    for (pool, read) in [("[[0, 0], [0, 0]]", 0), ("[[0, 0]]", 1)] {
        let count = pool.matches("],").count() + 1;
        let labels = vec!["1"; count].join(",");
        let zero = given(&format!(
            r#"{{ "system": "active-learning", "pool": {pool}, "labels": [{labels}], "budget": 1 }}"#
        ));
        let found = solved(&zero, "auto", &Settings::default()).unwrap();
        assert_eq!(found.outcome, Outcome::Singular);
        assert_eq!(found.labels_read, Some(read));
        assert_eq!(found.x.as_slice(), [0.0, 0.0]);
    }
}

/// The issue's bar: noise of equal variance, 20 Legendre polynomials, 40 labels.
#[test]
fn forty_labels_bring_twenty_legendre_polynomials_within_half_of_the_noise() {
    let design = choose_points(&legendre(400, 20, 40), "auto", 1).unwrap();
    assert_eq!(design.points.len(), 40);
    assert!(design.mean_excess <= 0.5, "{}", design.mean_excess);
}

/// By hand: P_2(1/2) = -1/8, so sqrt(5) times that; cos(2 pi / 3) = -1/2.
#[test]
fn whole_domains_are_fitted_and_every_label_is_asked_for_once() {
    let legendre = ContinuousBasis::Legendre.values(3, 0.5);
    assert!((legendre[1] - 3f64.sqrt() / 2.0).abs() < 1e-15);
    assert!((legendre[2] + 5f64.sqrt() / 8.0).abs() < 1e-15);
    let turns = ContinuousBasis::Trigonometric.values(4, std::f64::consts::FRAC_PI_3 * 2.0);
    assert_eq!(turns[0], 1.0);
    for (found, expected) in turns[1..].iter().zip([-0.5, 0.75f64.sqrt(), -0.5]) {
        assert!((found - 2f64.sqrt() * expected).abs() < 1e-15, "{found}");
    }
    for basis in [ContinuousBasis::Legendre, ContinuousBasis::Trigonometric] {
        let planted = [0.5, -1.0, 0.25, 2.0, -0.75];
        let mut asked = Vec::new();
        let mut label = |t: f64| {
            asked.push(t);
            let values = basis.values(5, t);
            values.iter().zip(&planted).map(|(v, x)| v * x).sum()
        };
        let found = fit_continuous(basis, 5, 40, &Settings::default(), &mut label).unwrap();
        assert_eq!(asked, found.points);
        assert_eq!(found.labels_read, asked.len());
        assert!(asked.len() <= 40);
        for (found, planted) in found.x.iter().zip(planted) {
            assert!((found - planted).abs() < 1e-12, "{basis:?} {found}");
        }
        let total: f64 = found.weights.iter().sum();
        // The mean of 40 draws of d / k: its variance is below that of the arcsine law, 0.3 at most.
        assert!((total - 1.0).abs() < 0.5, "{basis:?}: {total}");
        let refused = |d, budget, value: f64| {
            fit_continuous(basis, d, budget, &Settings::default(), &mut |_| value)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(5, 4, 0.0),
            "budget is 4: at least 5 labels are needed, the rank of the pool"
        );
        assert_eq!(
            refused(2, 9, f64::NAN),
            "label 0 is NaN: every label must be finite"
        );
        assert_eq!(
            refused(0, 4, 0.0),
            "the basis has no functions: at least 1 is needed"
        );
    }
}

/// `sum_i w_i p_i (P'DP)^-1 p_i' = sum_i (t_i d / (m l_i)) l_i = d` for m draws, whichever they are. The weights of a constant are whole
/// multiples of the measure of the pool over m, since a score is in proportion to its measure.
#[test]
fn weights_of_draws_stand_for_the_whole_pool_under_every_measure() {
    let measured = |given: &Given| {
        let n = given.size("n");
        let measure = (0..n).map(|i| 2f64.powi((i % 7) as i32 * 5 - 20)).collect();
        let measure = Array::new(vec![n], measure).unwrap();
        given.with_array("measure", measure).unwrap()
    };
    let given = measured(&legendre(200, 4, 60));
    let (rows, measure) = (
        given.matrix("pool", "n", "d"),
        given.repeated("measure", 200),
    );
    let pool = Pool::of(&given, 1).unwrap();
    let unit = times_power(pool.unit.value, pool.unit.exponent);
    let gram = rows.transpose() * DMatrix::from_fn(200, 4, |i, j| measure[i] * rows[(i, j)]);
    let inverse = gram.try_inverse().unwrap();
    for seed in 0..4 {
        let chosen = choose(Way::Leverage, &pool, 60, seed).unwrap();
        let places = chosen.points.iter().zip(&chosen.weights);
        let sum: f64 = places
            .map(|(i, weight)| {
                let row = rows.row(*i);
                unit * weight * (row * &inverse * row.transpose())[0]
            })
            .sum();
        assert!((sum - 4.0).abs() < 1e-10, "{seed}: {sum}");
    }
    let constant = measured(&legendre(50, 1, 8));
    let pool = Pool::of(&constant, 1).unwrap();
    let unit = times_power(pool.unit.value, pool.unit.exponent);
    let total: f64 = constant.repeated("measure", 50).iter().sum();
    let chosen = choose(Way::Leverage, &pool, 8, 3).unwrap();
    for weight in &chosen.weights {
        let times = unit * weight * 8.0 / total;
        assert!(
            (times - times.round()).abs() < 1e-12 && times > 0.5,
            "{times}"
        );
    }
}
