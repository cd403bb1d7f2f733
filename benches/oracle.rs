//! The oracle's own timings; `oracle_vs_mpmath.py` compares them with mpmath.

use attention_regression::instance::{DesignMatrix, Instance, LossKind, sample};
use attention_regression::oracle::{Reference, lift_vector};
use attention_regression::scalar::High;
use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::DMatrix;

fn oracle(criterion: &mut Criterion) {
    let (n, d) = (64, 8);
    let mut rng = sample::stream(1, "oracle-timing", 0);
    let matrix = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1));
    let target = sample::probability(&mut rng, n);
    let weights = sample::dyadic_vector(&mut rng, n, 2);
    let x = lift_vector(&sample::dyadic_vector(&mut rng, d, 1));
    let instance = DesignMatrix::dense(matrix)
        .and_then(|matrix| Instance::new(LossKind::Softmax, matrix, target, weights))
        .expect("the generators make finite arrays of these shapes");
    let reference = Reference::new(&instance).expect("64 x 8 is far below the size limit");
    let mut group = criterion.benchmark_group("oracle 64x8");
    group.bench_function("build", |b| b.iter(|| Reference::new(&instance)));
    group.bench_function("evaluate", |b| b.iter(|| reference.evaluate(&x)));
    group.bench_function("enclose", |b| b.iter(|| reference.enclose(&x, High::ZERO)));
    group.bench_function("loss and gradient", |b| {
        b.iter(|| reference.loss_and_gradient(&x));
    });
    group.finish();
}

criterion_group!(benches, oracle);
criterion_main!(benches);
