//! Loss and gradient from the definition, in plain f64, with the size of what was added up.

use attention_regression::instance::{Activation, Instance, LossKind};
use nalgebra::DVector;

/// Relative error that is granted to the sums below, which have at most some thousand terms.
const UNITS: f64 = 1e-11;

/// Values with the error that plain arithmetic may have made of them.
pub struct Naive {
    pub loss: f64,
    pub loss_error: f64,
    pub gradient: DVector<f64>,
    pub gradient_error: DVector<f64>,
}

/// Loss of the logits, its gradient, and the sum of the magnitudes of the terms of each.
struct Logits {
    loss: (f64, f64),
    gradient: Vec<(f64, f64)>,
}

/// `L` and `grad L` at x; nothing where plain arithmetic overflows or where it cannot tell a kink or a pole.
pub fn evaluate(instance: &Instance, x: &DVector<f64>) -> Option<Naive> {
    let a = instance.matrix().to_dense();
    let z = &a * x;
    // What rounding does to a logit, relative to its unit, and so to every exponential of it.
    let felt = a.abs() * x.abs();
    let amplification = 1.0 + felt.amax();
    let b = instance.target().as_slice();
    let logits = match instance.loss() {
        LossKind::Softmax => softmax(z.as_slice(), b),
        LossKind::Exp => entrywise(z.as_slice(), b, f64::exp, f64::exp),
        LossKind::Cosh => entrywise(z.as_slice(), b, f64::cosh, f64::sinh),
        LossKind::Sinh => entrywise(z.as_slice(), b, f64::sinh, f64::cosh),
        LossKind::ResidualSoftmax => residual(z.as_slice(), b)?,
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => two_layer(z.as_slice(), b, second_layer, *activation)?,
        other => panic!("a loss that this harness does not know: {other:?}"),
    };
    let w = instance.weights();
    let mut loss = logits.loss;
    let mut gradient = DVector::zeros(x.len());
    let mut gradient_error = DVector::zeros(x.len());
    for i in 0..z.len() {
        let w2 = w[i] * w[i];
        loss.0 += 0.5 * w2 * z[i] * z[i];
        loss.1 += 0.5 * w2 * felt[i] * felt[i];
        let (value, size) = logits.gradient[i];
        for j in 0..x.len() {
            gradient[j] += a[(i, j)] * (value + w2 * z[i]);
            gradient_error[j] += a[(i, j)].abs() * (size + w2 * felt[i]);
        }
    }
    let grant = UNITS * amplification;
    let naive = Naive {
        loss: loss.0,
        loss_error: loss.1 * grant + f64::MIN_POSITIVE,
        gradient,
        // The squares in a norm underflow below the last term.
        gradient_error: gradient_error.map(|size: f64| size * grant + 1e-150),
    };
    let finite = naive.loss_error.is_finite()
        && naive.loss.is_finite()
        && naive.gradient_error.sum().is_finite()
        && naive.gradient.norm().is_finite();
    finite.then_some(naive)
}

/// Probabilities of the logits, shifted by the largest.
fn probabilities(z: &[f64]) -> Vec<f64> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = z.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// `0.5 || p - b ||^2`: the gradient is `p_i (c_i - <p, c>)` with `c = p - b`.
fn softmax(z: &[f64], b: &[f64]) -> Logits {
    let p = probabilities(z);
    let c: Vec<f64> = p.iter().zip(b).map(|(p, b)| p - b).collect();
    let inner = sum(p.iter().zip(&c).map(|(p, c)| p * c));
    Logits {
        loss: half_square(&c, b),
        gradient: p
            .iter()
            .zip(c.iter().zip(b))
            .map(|(p, (c, b))| (p * (c - inner.0), p * (1.0 + b.abs() + inner.1)))
            .collect(),
    }
}

/// `0.5 || f(z) - b ||^2`: the gradient is `(f(z_i) - b_i) f'(z_i)`.
fn entrywise(z: &[f64], b: &[f64], f: fn(f64) -> f64, slope: fn(f64) -> f64) -> Logits {
    // Where z is off by its rounding, f is off by f' and f' by |f''| = |f| of that, also where f or f' itself vanishes.
    let sizes = z.iter().zip(b).map(|(z, b)| {
        let both = f(*z).abs() + slope(*z).abs();
        (both + b.abs(), both)
    });
    Logits {
        loss: (
            z.iter()
                .zip(b)
                .map(|(z, b)| 0.5 * (f(*z) - b).powi(2))
                .sum(),
            sizes.clone().map(|(residual, _)| residual.powi(2)).sum(),
        ),
        gradient: z
            .iter()
            .zip(b)
            .zip(sizes)
            .map(|((z, b), (residual, slope_size))| {
                ((f(*z) - b) * slope(*z), residual * slope_size)
            })
            .collect(),
    }
}

/// `0.5 || f - b ||^2` with `f = g / <g, 1>`, `g = exp(z) + z`: the gradient is `g'_i (c_i - <f, c>) / <g, 1>`.
fn residual(z: &[f64], b: &[f64]) -> Option<Logits> {
    let g: Vec<f64> = z.iter().map(|z| z.exp() + z).collect();
    let (normaliser, size) = sum(g.iter().copied());
    let condition = size / normaliser.abs();
    // Near the pole plain arithmetic says nothing.
    if condition.is_nan() || condition > 1e4 {
        return None;
    }
    let f: Vec<f64> = g.iter().map(|g| g / normaliser).collect();
    let c: Vec<f64> = f.iter().zip(b).map(|(f, b)| f - b).collect();
    let inner = sum(f.iter().zip(&c).map(|(f, c)| f * c));
    let (loss, loss_size) = half_square(&c, b);
    let worse = condition.powi(3);
    let largest = f.iter().fold(1.0, |size: f64, f| size.max(f.abs()));
    Some(Logits {
        loss: (
            loss,
            (loss_size + largest * largest * f.len() as f64) * worse,
        ),
        gradient: z
            .iter()
            .zip(c.iter().zip(b))
            .map(|(z, (c, b))| {
                let slope = (z.exp() + 1.0) / normaliser;
                let size = slope.abs() * (largest + b.abs() + inner.1) * worse;
                (slope * (c - inner.0), size)
            })
            .collect(),
    })
}

type Scalar = fn(f64) -> f64;

/// `0.5 || phi(y) - b ||^2` with `y = A2 p`: with `u = A2' (phi'(y) o c)` the gradient is `p_i (u_i - <p, u>)`.
fn two_layer(
    z: &[f64],
    b: &[f64],
    second_layer: &nalgebra::DMatrix<f64>,
    activation: Activation,
) -> Option<Logits> {
    let p = DVector::from_vec(probabilities(z));
    let y = second_layer * &p;
    let size = second_layer.abs() * &p;
    let kinked = activation == Activation::Relu;
    if kinked && y.iter().zip(&size).any(|(y, size)| y.abs() <= 1e-6 * size) {
        return None;
    }
    let (phi, slope): (Scalar, Scalar) = match activation {
        Activation::Relu => (|y| y.max(0.0), |y| f64::from(y > 0.0)),
        Activation::Softplus => (
            |y| y.max(0.0) + (-y.abs()).exp().ln_1p(),
            |y| 1.0 / (1.0 + (-y).exp()),
        ),
        Activation::Tanh => (f64::tanh, |y| 1.0 / y.cosh().powi(2)),
        Activation::Identity => (|y| y, |_| 1.0),
        other => panic!("an activation that this harness does not know: {other:?}"),
    };
    // What y is off by moves phi and its slope, both with derivatives of at most 1.
    let c = DVector::from_fn(y.len(), |k, _| phi(y[k]) - b[k]);
    let c_size = DVector::from_fn(y.len(), |k, _| phi(y[k]).abs() + b[k].abs() + size[k]);
    let felt = DVector::from_fn(y.len(), |k, _| slope(y[k]) * c[k]);
    let felt_size = DVector::from_fn(y.len(), |k, _| c_size[k] * (1.0 + size[k]));
    let u = second_layer.tr_mul(&felt);
    let u_size = second_layer.abs().tr_mul(&felt_size);
    let (inner, inner_size) = (p.dot(&u), p.dot(&u_size));
    Some(Logits {
        loss: (0.5 * c.norm_squared(), c_size.norm_squared()),
        gradient: (0..z.len())
            .map(|i| (p[i] * (u[i] - inner), p[i] * (u_size[i] + inner_size)))
            .collect(),
    })
}

/// `0.5 || c ||^2` for `c` that is at most 1 away from `-b`, and the size of what it is made of.
fn half_square(c: &[f64], b: &[f64]) -> (f64, f64) {
    (
        c.iter().map(|c| 0.5 * c * c).sum(),
        b.iter().map(|b| (1.0 + b.abs()).powi(2)).sum(),
    )
}

/// A sum and the sum of magnitudes.
fn sum(terms: impl Iterator<Item = f64>) -> (f64, f64) {
    terms.fold((0.0, 0.0), |(sum, size), term| {
        (sum + term, size + term.abs())
    })
}
