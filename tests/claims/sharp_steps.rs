//! Each numbered step of docs/sharp-constants.md on random data in f64. The oracle here is a Taylor series: the loss along
//! a line, expanded to third order from its definition, with no derivative formula of anybody's in it.

use attention_regression::instance::sample::{Stream, dyadic_vector, integer, stream};
use std::ops::{Add, Mul, Sub};

const LOWER: f64 = 0.240_408_806_909_367_7;
const UPPER: f64 = 0.308_117_140_242_701;

/// Rounding of a few dozen operations on numbers of size 1 to 10.
const ROUNDING: f64 = 1e-12;

/// `c0 + c1 e + c2 e^2 + c3 e^3`, higher powers dropped.
#[derive(Clone, Copy)]
struct Series([f64; 4]);

impl Add for Series {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k] + other.0[k]))
    }
}

impl Sub for Series {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k] - other.0[k]))
    }
}

impl Mul for Series {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|k| {
            (0..=k).map(|i| self.0[i] * other.0[k - i]).sum()
        }))
    }
}

impl Series {
    /// `exp(z + u e)`.
    fn exp(z: f64, u: f64) -> Self {
        let value = z.exp();
        Self([
            value,
            value * u,
            value * u * u / 2.0,
            value * u * u * u / 6.0,
        ])
    }

    fn reciprocal(self) -> Self {
        let mut result = [0.0; 4];
        result[0] = 1.0 / self.0[0];
        for k in 1..4 {
            let sum: f64 = (1..=k).map(|i| self.0[i] * result[k - i]).sum();
            result[k] = -sum * result[0];
        }
        Self(result)
    }
}

/// `l(z + e u)` to third order.
fn loss_along(z: &[f64], u: &[f64], b: &[f64]) -> Series {
    let zero = Series([0.0; 4]);
    let exponentials: Vec<Series> = z.iter().zip(u).map(|(&z, &u)| Series::exp(z, u)).collect();
    let inverse = exponentials
        .iter()
        .fold(zero, |sum, &e| sum + e)
        .reciprocal();
    let half = Series([0.5, 0.0, 0.0, 0.0]);
    exponentials.iter().zip(b).fold(zero, |sum, (&e, &b)| {
        let residual = e * inverse - Series([b, 0.0, 0.0, 0.0]);
        sum + half * residual * residual
    })
}

/// A point, a direction and the index of the target.
struct Draw {
    z: Vec<f64>,
    p: Vec<f64>,
    u: Vec<f64>,
    k: usize,
}

fn draw(rng: &mut Stream) -> Draw {
    let n = integer(rng, 2, 7) as usize;
    let spread = integer(rng, 1, 6);
    let z: Vec<f64> = dyadic_vector(rng, n, spread).iter().copied().collect();
    let mut u: Vec<f64> = dyadic_vector(rng, n, 2).iter().copied().collect();
    u[0] += 1.0 / 1024.0;
    let total: f64 = z.iter().map(|z| z.exp()).sum();
    let p = z.iter().map(|z| z.exp() / total).collect();
    let k = integer(rng, 0, n as i64 - 1) as usize;
    Draw { z, p, u, k }
}

fn for_each_draw(label: &str, check: impl Fn(&Draw)) {
    for index in 0..3000 {
        check(&draw(&mut stream(7, label, index)));
    }
}

fn square_norm(u: &[f64]) -> f64 {
    u.iter().map(|u| u * u).sum()
}

/// `(m, v, k3)` of u under p.
fn moments(p: &[f64], u: &[f64]) -> (f64, f64, f64) {
    let mean: f64 = p.iter().zip(u).map(|(p, u)| p * u).sum();
    let central = |order: i32| {
        p.iter()
            .zip(u)
            .map(|(p, u)| p * (u - mean).powi(order))
            .sum()
    };
    (mean, central(2), central(3))
}

fn phi(p: &[f64], u: &[f64], b: &[f64]) -> f64 {
    let (m, v, _) = moments(p, u);
    (0..p.len())
        .map(|i| {
            let square = (u[i] - m).powi(2);
            p[i] * p[i] * (2.0 * square - v) - b[i] * p[i] * (square - v)
        })
        .sum()
}

fn tau(p: &[f64], u: &[f64], b: &[f64]) -> f64 {
    let (m, v, k3) = moments(p, u);
    (0..p.len())
        .map(|i| {
            let c = u[i] - m;
            p[i] * p[i] * (4.0 * c.powi(3) - 6.0 * v * c - k3)
                - b[i] * p[i] * (c.powi(3) - 3.0 * v * c - k3)
        })
        .sum()
}

fn target(n: usize, k: usize, sign: f64) -> Vec<f64> {
    (0..n).map(|i| if i == k { sign } else { 0.0 }).collect()
}

/// What step 2 introduces, for coordinate k.
struct View {
    t: f64,
    mu: f64,
    delta: f64,
    y: f64,
    w: f64,
    third: f64,
    /// `(q_i, d_i, u_i)` of the others.
    others: Vec<(f64, f64, f64)>,
}

fn view(draw: &Draw) -> View {
    let t = draw.p[draw.k];
    let rest: f64 = (0..draw.p.len())
        .filter(|&i| i != draw.k)
        .map(|i| draw.p[i])
        .sum();
    let shares: Vec<(f64, f64)> = (0..draw.p.len())
        .filter(|&i| i != draw.k)
        .map(|i| (draw.p[i] / rest, draw.u[i]))
        .collect();
    let mu: f64 = shares.iter().map(|(q, u)| q * u).sum();
    let others: Vec<(f64, f64, f64)> = shares.iter().map(|&(q, u)| (q, u - mu, u)).collect();
    View {
        t,
        mu,
        delta: draw.u[draw.k] - mu,
        y: (draw.u[draw.k] + mu) / 2.0,
        w: others.iter().map(|(q, d, _)| q * d * d).sum(),
        third: others.iter().map(|(q, d, _)| q * d.powi(3)).sum(),
        others,
    }
}

#[test]
fn step_1_the_form_is_the_second_derivative() {
    for_each_draw("step 1", |draw| {
        for sign in [1.0, -1.0] {
            let b = target(draw.p.len(), draw.k, sign);
            let exact = 2.0 * loss_along(&draw.z, &draw.u, &b).0[2];
            let size = 1.0 + square_norm(&draw.u);
            assert!((phi(&draw.p, &draw.u, &b) - exact).abs() < ROUNDING * size);
        }
    });
}

#[test]
fn step_1_the_form_is_affine_in_the_target() {
    for_each_draw("affine", |draw| {
        let n = draw.p.len();
        let (plus, minus) = (target(n, draw.k, 1.0), target(n, draw.k, -1.0));
        let between = target(n, draw.k, 0.25);
        let expected = 0.625 * phi(&draw.p, &draw.u, &plus) + 0.375 * phi(&draw.p, &draw.u, &minus);
        let size = 1.0 + square_norm(&draw.u);
        assert!((phi(&draw.p, &draw.u, &between) - expected).abs() < ROUNDING * size);
    });
}

#[test]
fn step_2_the_coordinates_are_as_stated() {
    for_each_draw("step 2", |draw| {
        let View {
            t,
            mu,
            delta,
            y,
            w,
            third,
            others,
        } = view(draw);
        let (m, v, k3) = moments(&draw.p, &draw.u);
        let close = |x: f64, expected: f64| assert!((x - expected).abs() < 1e-10, "{x} {expected}");
        close(draw.u[draw.k] - m, (1.0 - t) * delta);
        close(v, t * (1.0 - t) * delta * delta + (1.0 - t) * w);
        let rest =
            t * (1.0 - t) * (1.0 - 2.0 * t) * delta.powi(3) - 3.0 * t * (1.0 - t) * delta * w;
        close(k3, rest + (1.0 - t) * third);
        close(
            draw.u[draw.k].powi(2) + mu * mu,
            2.0 * y * y + delta * delta / 2.0,
        );
        for (_, d, u) in others {
            close(u - m, d - t * delta);
            close(u, y - delta / 2.0 + d);
        }
    });
}

/// Phi of the item `(q, d)` without multipliers, X kept or not.
fn item(view: &View, q: f64, d: f64, lower: bool, s: f64, keep: bool) -> f64 {
    let (constant, eps) = if lower { (LOWER, 1.0) } else { (UPPER, -1.0) };
    let &View { t, y, delta, .. } = view;
    let r = 1.0 - t;
    let f = if s > 0.0 {
        2.0 * t * r * r * (3.0 * t - 1.0)
    } else {
        2.0 * t * t * r * (2.0 - 3.0 * t)
    };
    let a = constant / 2.0 + eps * f;
    let k0 = constant + eps * ((s * t - t * t) * r + r * r * (1.0 + t));
    let kappa = if lower { k0 } else { k0 - r * r * r };
    let x = if keep && !lower {
        q.powi(3) * r.powi(3) / (1.0 - q)
    } else {
        0.0
    };
    (1.0 - q)
        * (constant * (y - delta / 2.0 + d).powi(2)
            - eps * q * r * r * (2.0 * (d - t * delta).powi(2) - t * r * delta * delta))
        + q * (kappa * d * d + a * delta * delta + 2.0 * constant * y * y)
        + x * d * d
}

#[test]
fn steps_5_to_7_the_items_bound_the_form_from_below() {
    for_each_draw("steps 5-7", |draw| {
        let view = view(draw);
        let size = 1.0 + square_norm(&draw.u);
        for (lower, s) in [(true, 1.0), (true, -1.0), (false, 1.0), (false, -1.0)] {
            let (constant, eps) = if lower { (LOWER, 1.0) } else { (UPPER, -1.0) };
            let b = target(draw.p.len(), draw.k, s);
            let whole = constant * square_norm(&draw.u) + eps * phi(&draw.p, &draw.u, &b);
            let excess: f64 = view
                .others
                .iter()
                .map(|(q, _, _)| {
                    let factor = if lower { (1.0 - q) * q } else { q * q };
                    factor * (1.0 - view.t).powi(3) * view.w
                })
                .sum();
            let items = |keep: bool| -> f64 {
                view.others
                    .iter()
                    .map(|&(q, d, _)| item(&view, q, d, lower, s, keep))
                    .sum()
            };
            // The multipliers' terms average to zero, so they may be left out of the sum.
            assert!((items(false) + excess - whole).abs() < ROUNDING * size);
            if view.others.len() > 1 {
                assert!(items(true) <= whole + ROUNDING * size);
            }
            assert!(whole >= -ROUNDING * size, "the theorem itself");
        }
    });
}

#[test]
fn step_6_variance_dominates_each_share() {
    for_each_draw("step 6", |draw| {
        let view = view(draw);
        for &(q, d, _) in view.others.iter().filter(|(q, _, _)| *q < 1.0) {
            assert!(q * d * d <= (1.0 - q) * view.w + ROUNDING * (1.0 + d * d));
        }
    });
}

#[test]
fn step_4_two_coordinates_attain_both_constants() {
    let root = 33f64.sqrt();
    let direction = [0.5f64.sqrt(), -0.5f64.sqrt()];
    for sign in [1.0, -1.0] {
        for (numerator, expected) in [(9.0 - root, -LOWER), (9.0 + root, UPPER)] {
            let mass = numerator / 24.0;
            let t = if sign > 0.0 { mass } else { 1.0 - mass };
            let value = phi(&[t, 1.0 - t], &direction, &[sign, 0.0]);
            assert!(
                (value - expected).abs() < 4.0 * f64::EPSILON,
                "{value} {expected}"
            );
        }
    }
}

#[test]
fn any_target_scales_in_its_own_part() {
    // |D_b phi| = |sum b_i p_i (c_i^2 - v)| <= sqrt(3)/9 |b|_1 |u|^2, attained at t = (3 - sqrt 3)/6.
    let slope = 3f64.sqrt() / 9.0;
    for_each_draw("target part", |draw| {
        let n = draw.p.len();
        let (plus, none) = (target(n, draw.k, 1.0), target(n, draw.k, 0.0));
        let part = phi(&draw.p, &draw.u, &plus) - phi(&draw.p, &draw.u, &none);
        assert!(part.abs() <= slope * square_norm(&draw.u) + ROUNDING);
    });
    let t = (3.0 - 3f64.sqrt()) / 6.0;
    let direction = [0.5f64.sqrt(), -0.5f64.sqrt()];
    let part =
        phi(&[t, 1.0 - t], &direction, &[1.0, 0.0]) - phi(&[t, 1.0 - t], &direction, &[0.0, 0.0]);
    assert!((part.abs() - slope).abs() < 4.0 * f64::EPSILON);
}

#[test]
fn third_derivative_formula_is_the_third_derivative() {
    for_each_draw("third", |draw| {
        for sign in [1.0, -1.0] {
            let b = target(draw.p.len(), draw.k, sign);
            let exact = 6.0 * loss_along(&draw.z, &draw.u, &b).0[3];
            let size = 1.0 + square_norm(&draw.u).powf(1.5);
            assert!((tau(&draw.p, &draw.u, &b) - exact).abs() < 10.0 * ROUNDING * size);
        }
    });
}

#[test]
fn the_constraints_of_unit_vectors_hold() {
    for_each_draw("constraints", |draw| {
        let view = view(draw);
        let square = square_norm(&draw.u);
        let slack = ROUNDING * (1.0 + square);
        assert!(view.delta.powi(2) / 2.0 + 2.0 * view.w <= square + slack);
        let inner = (2.0 * square - 4.0 * view.w).max(0.0).sqrt();
        assert!(view.third.abs() <= view.w * inner + slack * (1.0 + square));
        for &(q, d, _) in &view.others {
            let (delta, rest) = (view.delta, 1.0 - q);
            let three = (rest * (delta - d)).powi(2) + (rest * delta + q * d).powi(2) + d * d;
            if view.others.len() > 1 {
                assert!(three <= 3.0 * rest * rest * square + slack);
            }
        }
    });
}

#[test]
fn third_derivative_stays_below_the_proven_bound() {
    let bound = attention_regression::certificate::third_derivative_bound()
        .unwrap()
        .bound_above();
    for_each_draw("tau", |draw| {
        for sign in [1.0, -1.0] {
            let b = target(draw.p.len(), draw.k, sign);
            let value = tau(&draw.p, &draw.u, &b).abs();
            assert!(value <= bound * square_norm(&draw.u).powf(1.5) + ROUNDING);
        }
    });
    // The largest value known: two coordinates.
    let t = 0.363_736;
    let direction = [0.5f64.sqrt(), -0.5f64.sqrt()];
    let largest = [1.0, -1.0]
        .into_iter()
        .flat_map(|sign| [t, 1.0 - t].map(|t| tau(&[t, 1.0 - t], &direction, &[sign, 0.0]).abs()))
        .fold(0.0, f64::max);
    assert!(largest > 0.571_407 && largest < bound, "{largest}");
}
