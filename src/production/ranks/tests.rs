//! Whole solves by several ranks: every number of the answer has the bits of one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::CsrMatrix;

use crate::instance::{Activation, DesignMatrix, Instance, LossKind, sample};
use crate::production::kernels::Level;
use crate::production::ranks::Ranks;
use crate::production::ranks::threads::on_ranks;
use crate::production::{Method, Problem, Settings, SolveError, solve};

/// A problem of n rows and d columns; every other entry is 0, so that a sparse matrix has the same.
fn problem(loss: LossKind, [n, d]: [usize; 2], weight: f64, sparse: bool) -> Problem {
    let mut rng = sample::stream(8, "ranks", (n + d) as u64);
    let size = 1.0 / (d as f64).sqrt();
    let rows = DMatrix::from_fn(n, d, |i, j| {
        let entry = ((i * 31 + j * 17) as f64).sin() + ((i * j) as f64 * 0.1).cos();
        if (i + j) % 2 == 0 { size * entry } else { 0.0 }
    });
    let matrix = if sparse {
        DesignMatrix::Sparse(CsrMatrix::from(&rows))
    } else {
        DesignMatrix::Dense(rows.into())
    };
    let target = match loss {
        LossKind::Softmax => sample::signed_unit_target(&mut rng, n).map(|b| b.abs() / n as f64),
        _ => DVector::from_fn(loss.target_length(n), |i, _| 0.5 + 0.25 * (i as f64).sin()),
    };
    let weights = DVector::from_fn(n, |i, _| weight * (1.0 + (i % 3) as f64));
    Problem::from_instance(&Instance::new(loss, matrix, target, weights).unwrap()).unwrap()
}

/// The bits of the answer: every f64 is written so that it reads back as it was.
fn answer(problem: &Problem, settings: &Settings) -> String {
    let start = DVector::repeat(problem.columns(), 0.125);
    format!("{:?}", solve(problem, &start, settings))
}

#[track_caller]
fn agrees(problem: &Problem, settings: &Settings, counts: &[usize]) -> String {
    let one = answer(problem, settings);
    for count in counts {
        let found = on_ranks(*count, |ranks| {
            let part = problem.shared_among(&ranks).unwrap();
            assert!(*count == 1 || part.matrix().rows() < problem.rows());
            answer(&part, settings)
        });
        for (rank, found) in found.iter().enumerate() {
            assert_eq!(*found, one, "rank {rank} of {count}");
        }
    }
    one
}

#[test]
fn softmax_has_the_bits_of_one_process() {
    for sparse in [false, true] {
        let problem = problem(LossKind::Softmax, [40_000, 9], 0.5, sparse);
        let settings = Settings::default();
        let one = agrees(&problem, &settings, &[1, 2, 3, 7]);
        assert!(
            one.contains("outcome: Converged") && one.contains("error_bound: Some("),
            "{one}"
        );
    }
}

/// Enough rows and columns for a Gram matrix in single precision, from a start that is not 0 and from 0, where sums of the rows serve; seven
/// ranks end within its pieces, and most of them within a block.
#[test]
fn a_gram_matrix_in_single_precision_has_the_bits_of_one_process() {
    let problem = problem(LossKind::Softmax, [21_000, 48], 0.5, false);
    let squares: Vec<f64> = problem.squared_weights().iter().copied().collect();
    let single = |problem: &Problem| {
        let part = problem.share().part(&squares);
        let found = problem.operator().gram_in_single(part, None, |_, _| true);
        found.map(|found| format!("{:?}", (found.gram.entries, found.error)))
    };
    let one = single(&problem);
    assert_eq!(one.is_some(), Level::best().has_vectors());
    let rows = |problem: &Problem| {
        let b: Vec<f64> = problem.share().own().map(|i| (i as f64).sin()).collect();
        format!("{:?}", problem.operator().row_sums(&b))
    };
    let sums = rows(&problem);
    for count in [2, 3, 5, 7, 16] {
        let found = on_ranks(count, |ranks| {
            let part = problem.shared_among(&ranks).unwrap();
            (single(&part), rows(&part))
        });
        for (rank, found) in found.iter().enumerate() {
            assert!(
                *found == (one.clone(), sums.clone()),
                "rank {rank} of {count}"
            );
        }
    }
    let whole = agrees(&problem, &Settings::default(), &[2, 7]);
    assert!(whole.contains("error_bound: Some("), "{whole}");
    let from_zero = |problem: &Problem| {
        let start = DVector::zeros(problem.columns());
        format!("{:?}", solve(problem, &start, &Settings::default()))
    };
    let one = from_zero(&problem);
    let found = on_ranks(3, |ranks| from_zero(&problem.shared_among(&ranks).unwrap()));
    assert!(found.iter().all(|found| *found == one));
}

/// 100 of 40,000 rows hold all of the target and stand apart: the Hessian at the start is indefinite, and a sample of the rows is drawn.
#[test]
fn a_sampled_start_has_the_bits_of_one_process() {
    let (n, every) = (40_000, 400);
    let rows = DMatrix::from_fn(n, 2, |i, j| match (i % every, j) {
        (0, 0) => 6.0,
        (_, 0) => (i as f64).sin(),
        _ => (i as f64 * 0.7).cos(),
    });
    let target = DVector::from_fn(n, |i, _| if i % every == 0 { 0.01 } else { 0.0 });
    let matrix = DesignMatrix::Dense(rows.into());
    let weights = DVector::repeat(n, 1e-6);
    let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
    let one = agrees(&problem, &Settings::default(), &[3]);
    assert!(one.contains("sampled-start"), "{one}");
}

#[test]
fn other_losses_have_the_bits_of_one_process() {
    let second_layer = DMatrix::from_fn(3, 19_000, |i, j| ((i * 5 + j * 3) as f64).sin());
    let settings = Settings {
        certify: false,
        ..Settings::default()
    };
    for loss in [
        LossKind::Cosh,
        LossKind::ResidualSoftmax,
        LossKind::TwoLayer {
            second_layer,
            activation: Activation::Tanh,
        },
    ] {
        let name = loss.name();
        let problem = problem(loss, [19_000, 5], 1.0, false);
        let one = agrees(&problem, &settings, &[3]);
        assert!(one.contains("outcome: Converged"), "{name}: {one}");
    }
}

/// More than 300,000 entries and no softmax: the bound is by Gram matrices and needs sums over columns.
#[test]
fn bounds_by_gram_matrices_have_the_bits_of_one_process() {
    for sparse in [false, true] {
        let problem = problem(LossKind::Exp, [76_000, 4], 1.0, sparse);
        let settings = Settings {
            method: Method::Exact,
            ..Settings::default()
        };
        let one = agrees(&problem, &settings, &[3]);
        assert!(one.contains("error_bound: Some("), "{one}");
    }
}

/// Two equal columns: Gram matrices give up, and every rank goes on with all rows.
#[test]
fn what_gram_matrices_cannot_solve_is_solved_by_every_rank() {
    let (n, d) = (40_000, 2);
    let rows = DMatrix::from_fn(n, d, |i, _| (i as f64).sin());
    let matrix = DesignMatrix::Dense(rows.into());
    let target = DVector::from_fn(n, |i, _| 1.0 + (i % 2) as f64);
    let problem = Problem::new(LossKind::Exp, matrix, target, DVector::repeat(n, 1.0)).unwrap();
    let one = agrees(&problem, &Settings::default(), &[2]);
    assert!(one.contains("outcome: Singular"), "{one}");
}

#[test]
fn a_sample_of_all_rows_is_refused_in_parts() {
    let problem = problem(LossKind::Softmax, [40_000, 9], 0.5, false);
    let settings = Settings {
        method: Method::Subsampled,
        ..Settings::default()
    };
    for found in on_ranks(2, |ranks| {
        let part = problem.shared_among(&ranks).unwrap();
        part.solve(&settings)
    }) {
        let expected = SolveError::NotInParts {
            method: "subsampled",
        };
        assert_eq!(found.unwrap_err(), expected);
    }
}

/// Counts what is sent.
#[derive(Debug)]
struct Counted {
    ranks: Arc<dyn Ranks>,
    messages: AtomicUsize,
    /// Numbers of the largest.
    largest: AtomicUsize,
}

impl Ranks for Counted {
    fn rank(&self) -> usize {
        self.ranks.rank()
    }

    fn ranks(&self) -> usize {
        self.ranks.ranks()
    }

    fn send(&self, to: usize, numbers: &[f64]) {
        self.messages.fetch_add(1, SeqCst);
        self.largest.fetch_max(numbers.len(), SeqCst);
        self.ranks.send(to, numbers);
    }

    fn receive(&self, from: usize) -> Vec<f64> {
        self.ranks.receive(from)
    }
}

/// As `docs/distributed.md` says.
#[test]
fn messages_are_as_few_and_as_small_as_the_page_says() {
    let (n, d) = (40_000, 20);
    let problem = problem(LossKind::Softmax, [n, d], 0.5, false);
    for count in [2, 4, 7] {
        let found = on_ranks(count, |ranks| {
            let counted = Arc::new(Counted {
                ranks,
                messages: AtomicUsize::new(0),
                largest: AtomicUsize::new(0),
            });
            let shared: Arc<dyn Ranks> = Arc::<Counted>::clone(&counted);
            let part = problem.shared_among(&shared).unwrap();
            let operator = part.operator();
            let rows = vec![1.0; operator.rows()];
            let since = || {
                let largest = counted.largest.swap(0, SeqCst);
                [counted.messages.swap(0, SeqCst), largest]
            };
            since();
            operator.transpose_multiply(&rows);
            let product = since();
            operator.sum(&rows);
            let sum = since();
            operator.softmax_pass(None, 1.0, &rows, &mut vec![0.0; rows.len()]);
            let pass = since();
            operator.gram(&rows);
            [product, sum, pass, since()]
        });
        let total = |k: usize| {
            let each = found.iter().map(|found| found[k]);
            each.fold([0, 0], |all, [messages, largest]| {
                [all[0] + messages, all[1].max(largest)]
            })
        };
        let pairs = count - 1;
        assert_eq!(total(0), [2 * pairs, d]);
        assert!(total(1)[0] == 2 * pairs && total(1)[1] <= 64);
        assert!(total(2)[0] == 4 * pairs && total(2)[1] <= 4 * 64);
        let [messages, largest] = total(3);
        assert!((4 * pairs..=5 * pairs).contains(&messages), "{messages}");
        // The piece with its order, how many rows wait and how many numbers they have.
        assert!(largest <= d * (d + 1) / 2 + 383 * (d + 1) + 3, "{largest}");
    }
}
