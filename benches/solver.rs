//! The solver's kernels and one Newton step. `cargo bench --bench solver`
//!
//! The first group is the machine itself: a triad `a = b + t c` and a sum over an array, both far larger than the caches,
//! on one thread and on all. Rates of the kernels mean something only against these, from the same run.

use std::hint::black_box;

use attention_regression::instance::{DesignMatrix, Instance, LossKind, sample};
use attention_regression::memory;
use attention_regression::production::kernels::Kernels;
use attention_regression::production::leverage::{leverage_scores, sketched_scores};
use attention_regression::production::{Method, Problem, Settings};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::CsrMatrix;
use rayon::prelude::*;

const MACHINE_ENTRIES: usize = 8_000_000;

fn triad(a: &mut [f64], b: &[f64], c: &[f64]) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = b + 3.0 * c;
    }
}

fn read(b: &[f64]) -> [f64; 64] {
    let mut lanes = [0.0; 64];
    for chunk in b.chunks_exact(64) {
        for (lane, entry) in lanes.iter_mut().zip(chunk) {
            *lane += entry;
        }
    }
    lanes
}

fn machine(criterion: &mut Criterion) {
    let b = vec![1.0; MACHINE_ENTRIES];
    let c = vec![2.0; MACHINE_ENTRIES];
    let mut a = vec![0.0; MACHINE_ENTRIES];
    let mut group = criterion.benchmark_group("machine");
    let share = MACHINE_ENTRIES.div_ceil(rayon::current_num_threads());
    group.throughput(Throughput::Bytes(24 * MACHINE_ENTRIES as u64));
    group.bench_function("triad, one thread", |bench| {
        bench.iter(|| {
            triad(&mut a, &b, &c);
            black_box(&a);
        });
    });
    group.bench_function("triad, all threads", |bench| {
        bench.iter(|| {
            a.par_chunks_mut(share)
                .zip(b.par_chunks(share))
                .zip(c.par_chunks(share))
                .for_each(|((a, b), c)| triad(a, b, c));
            black_box(&a);
        });
    });
    group.throughput(Throughput::Bytes(8 * MACHINE_ENTRIES as u64));
    group.bench_function("read, one thread", |bench| {
        bench.iter(|| black_box(read(&b)));
    });
    group.bench_function("read, all threads", |bench| {
        bench.iter(|| {
            b.par_chunks(share).for_each(|b| {
                black_box(read(b));
            });
        });
    });
    group.finish();
}

fn matrix(n: usize, d: usize) -> DMatrix<f64> {
    let mut rng = sample::stream(1, "bench", d as u64);
    DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1))
}

/// `k` entries a row, evenly spread, on large pages as if read from a file.
fn sparse(n: usize, d: usize, k: usize) -> CsrMatrix<f64> {
    let offsets = (0..=n).map(|i| i * k).collect();
    let mut indices = memory::with_capacity(n * k);
    indices
        .extend((0..n).flat_map(|i| (0..k).map(move |j| j * (d / k) + (i * 7 + j * 13) % (d / k))));
    let mut values = memory::with_capacity(n * k);
    values.extend((0..n * k).map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0));
    CsrMatrix::try_from_csr_data(n, d, offsets, indices, values)
        .expect("indices ascend inside their own thirds of the columns")
}

fn instance(matrix: DesignMatrix) -> Instance {
    let n = matrix.rows();
    // Not uniform: at the origin a uniform target would be the answer.
    let sum = (n * (n + 1) / 2) as f64;
    let target = DVector::from_fn(n, |i, _| (i + 1) as f64 / sum);
    Instance::new(LossKind::Softmax, matrix, target, DVector::repeat(n, 10.0))
        .expect("the parts have the same length and are finite")
}

fn kernels(criterion: &mut Criterion) {
    let shapes = [
        ("dense 100000x64", DesignMatrix::dense(matrix(100_000, 64))),
        ("dense 20000x500", DesignMatrix::dense(matrix(20_000, 500))),
        (
            "sparse 1000000x200x10",
            DesignMatrix::sparse(sparse(1_000_000, 200, 10)),
        ),
    ];
    for (name, matrix) in shapes {
        let instance = instance(matrix.expect("the entries are finite"));
        let problem = Problem::from_instance(&instance).expect("the weights are small");
        let kernels = Kernels::of(&problem);
        let (n, d) = (problem.rows(), problem.columns());
        let x = vec![1e-3; d];
        let u = vec![1e-3; n];
        let mut z = vec![0.0; n];
        let stored = instance.matrix().stored() as u64;
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.throughput(Throughput::Elements(stored));
        group.bench_function("A x", |bench| bench.iter(|| kernels.multiply(&x, &mut z)));
        group.bench_function("A'v", |bench| bench.iter(|| kernels.transpose_multiply(&u)));
        group.bench_function("fused softmax pass", |bench| {
            bench.iter(|| kernels.softmax_pass(&x, &mut z));
        });
        group.bench_function("Gram", |bench| bench.iter(|| kernels.gram(&u)));
        group.bench_function("one Newton step", |bench| {
            let settings = Settings::default()
                .with_method(Method::Exact)
                .with_max_iterations(1)
                .with_polish_steps(Some(0))
                .with_certify(false);
            // Each makes its own Gram matrix.
            bench.iter(|| {
                let problem = problem.with_weights(instance.weights());
                problem.expect("the weights are small").solve(&settings)
            });
        });
        group.finish();
    }
}

fn leverage(criterion: &mut Criterion) {
    let (n, d) = (20_000, 20);
    let dense = matrix(n, d);
    let design = DesignMatrix::dense(dense.clone()).expect("the entries are finite");
    let mut group = criterion.benchmark_group("leverage scores 20000x20");
    group.sample_size(10);
    group.bench_function("exact", |bench| bench.iter(|| leverage_scores(&dense)));
    group.bench_function("sketched", |bench| {
        bench.iter(|| sketched_scores(&design, &vec![1.0; n], 1));
    });
    group.finish();
}

criterion_group!(benches, machine, kernels, leverage);
criterion_main!(benches);
