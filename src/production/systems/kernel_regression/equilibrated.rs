//! The kernel of distinct rows with a diagonal of ones, without ever forming `exp(A A')`.
//!
//! ```text
//! C^(1/2) K C^(1/2) = D G D    D_g = sqrt(c_g) exp(||a_g||^2 / 2)    G_gk = exp(-||a_g - a_k||^2 / 2)
//! M = T (D G D + lambda I) T   T_g = 1 / sqrt(D_g^2 + lambda)        M_gk = S_g G_gk S_k for g != k, M_gg = 1, S = T D
//! M z = f = T C^(1/2) s        x_g = T_g z_g / sqrt(c_g)
//! ```
//!
//! `0 < S <= 1`. T is held as a mantissa and an exponent, so that a row too long for its exponential in f64 is like any other.

use rayon::prelude::*;

use super::groups::Groups;
use crate::instance::row_major::RowMajor;
use crate::production::double::Double;
use crate::production::kernels::gaussian::{Buffers, Transposed, kernel_rows};
use crate::production::kernels::operator::Gram;
use crate::production::kernels::{Level, symmetric};
use crate::production::summation::{norm, two_product, two_sum};
use crate::production::systems::error::Refusal;
use crate::production::systems::linear::scaled::{Scaled, exponent, largest, rows_of, times_power};
use crate::production::systems::linear::vector::ScaledVector;
use crate::system::Given;

/// Rows of the kernel that one thread makes at once.
const BLOCK: usize = 8;
/// Parts of a product that are summed by themselves; a fixed number, so that sums do not depend on the threads.
const PARTS: usize = 16;
/// `||a||^2 / 2` at most: exponents of its exponential are whole numbers that f64 holds.
const LONGEST: f64 = (1_u64 << 40) as f64;

/// A positive number as `mantissa 2^exponent`.
#[derive(Clone, Copy, Debug)]
struct Positive {
    mantissa: f64,
    exponent: i64,
}

/// What the rows and lambda determine, without the kernel itself.
pub(super) struct Scaling {
    pub(super) groups: Groups,
    /// The distinct rows.
    pub(super) rows: RowMajor,
    /// S.
    pub(super) inner: Vec<f64>,
    /// T.
    outer: Vec<Positive>,
    /// lambda.
    pub(super) ridge: f64,
    /// b.
    pub(super) target: Vec<f64>,
    /// s.
    pub(super) means: Vec<f64>,
}

impl Scaling {
    /// Of an instance. Powers are refused, and a row whose square is beyond what exponents hold.
    pub(super) fn of(given: &Given) -> Result<Self, Refusal> {
        let kind = given.word("kind");
        if kind != "kernel" {
            let solves = "the kernel";
            return Err(Refusal::Kind { kind, solves });
        }
        let all = rows_of(given);
        let groups = Groups::of(&all);
        let rows = all.select_rows(&groups.first);
        let ridge = given.scalar("ridge");
        let (mut inner, mut outer) = (Vec::new(), Vec::new());
        for (g, count) in groups.counts.iter().enumerate() {
            let (high, low) = half_square(rows.row(g));
            if high.is_nan() || high > LONGEST {
                return Err(Refusal::Long {
                    row: groups.first[g],
                    square: 2.0 * high,
                });
            }
            let delta = decaying(high, low);
            let mantissa = delta.mantissa / count.sqrt();
            // lambda / D_g^2
            let share = times_power(ridge * mantissa * mantissa, 2 * delta.exponent);
            let s = (1.0 + share).sqrt().recip();
            inner.push(s);
            outer.push(Positive {
                mantissa: mantissa * s,
                exponent: delta.exponent,
            });
        }
        let target = given
            .array("target")
            .map_or_else(Vec::new, |target| target.values().to_vec());
        let means = groups.means(&target);
        Ok(Self {
            groups,
            rows,
            inner,
            outer,
            ridge,
            target,
            means,
        })
    }

    /// The number of distinct rows.
    pub(super) fn order(&self) -> usize {
        self.groups.len()
    }

    /// The same, refused above a limit.
    pub(super) fn order_within(&self, limit: usize, how: &'static str) -> Result<usize, Refusal> {
        let rows = self.order();
        if rows > limit {
            return Err(Refusal::Rows { rows, limit, how });
        }
        Ok(rows)
    }

    /// `C^(1/2) s`.
    fn weighted_means(&self) -> Vec<f64> {
        let counts = self.groups.counts.iter();
        counts.zip(&self.means).map(|(c, s)| c.sqrt() * s).collect()
    }

    /// f.
    pub(super) fn right_hand_side(&self) -> Vec<f64> {
        let means = self.weighted_means();
        let places = self.outer.iter().zip(means);
        places
            .map(|(t, s)| times_power(t.mantissa * s, t.exponent))
            .collect()
    }

    /// The largest T.
    pub(super) fn largest_outer(&self) -> f64 {
        let sizes = self.outer.iter();
        sizes
            .map(|t| times_power(t.mantissa, t.exponent))
            .fold(0.0, f64::max)
    }

    /// x (n entries) for z, and the first of its rows that is not a normal f64 although `z` is not 0, with its binary exponent.
    pub(super) fn unknowns(&self, z: &[f64]) -> (Vec<f64>, Option<(usize, i64)>) {
        let mut lost = None;
        let of_groups: Vec<f64> = self
            .outer
            .iter()
            .zip(z)
            .zip(&self.groups.counts)
            .enumerate()
            .map(|(g, ((t, z), count))| {
                let mantissa = t.mantissa * z / count.sqrt();
                let x = times_power(mantissa, t.exponent);
                // Where f underflowed, z may be 0 although the answer is not.
                let of_mean = t.mantissa * self.means[g];
                let size = if *z != 0.0 {
                    mantissa
                } else if times_power(of_mean, t.exponent) == 0.0 {
                    t.mantissa * of_mean
                } else {
                    0.0
                };
                if size != 0.0 && !x.is_normal() && lost.is_none() {
                    let doubled = if *z == 0.0 { 2 } else { 1 };
                    let place = self.groups.first[g];
                    lost = Some((place, doubled * t.exponent + exponent(size)));
                }
                x
            })
            .collect();
        let rows = self.groups.of.iter().zip(&self.target);
        let x = rows.map(|(g, b)| {
            let scatter = b - self.means[*g];
            if self.ridge > 0.0 && self.groups.counts[*g] > 1.0 {
                of_groups[*g] + scatter / self.ridge
            } else {
                of_groups[*g]
            }
        });
        (x.collect(), lost)
    }

    /// `T^-1 v`, times a power of two.
    fn divided(&self, v: &[f64]) -> ScaledVector {
        let top = self
            .outer
            .iter()
            .zip(v)
            .filter(|(_, v)| **v != 0.0)
            .map(|(t, v)| exponent(*v) - t.exponent)
            .max()
            .unwrap_or(0);
        let entries = self.outer.iter().zip(v);
        let entries = entries.map(|(t, v)| times_power(v / t.mantissa, -t.exponent - top));
        ScaledVector {
            vector: Double::of(entries.collect()),
            exponent: top,
        }
    }

    /// `|| b - s ||^2` over all rows: what equal rows cannot meet.
    fn scatter(&self) -> f64 {
        let rows = self.groups.of.iter().zip(&self.target);
        let off: Vec<f64> = rows.map(|(g, b)| b - self.means[*g]).collect();
        norm(&off)
    }
}

/// `||a||^2 / 2` as a pair.
fn half_square(row: &[f64]) -> (f64, f64) {
    let (mut sum, mut lost) = (0.0, 0.0);
    for entry in row {
        let (product, product_tail) = two_product(*entry, 0.5 * entry);
        let (next, tail) = two_sum(sum, product);
        sum = next;
        lost += product_tail + tail;
    }
    if lost.is_finite() {
        (sum, lost)
    } else {
        (f64::INFINITY, 0.0)
    }
}

/// `exp(-(high + low))`, within 8 roundings, for `0 <= high <= 2^40`.
fn decaying(high: f64, low: f64) -> Positive {
    /// What `ln 2` is beyond its f64.
    const LN_2_TAIL: f64 = 2.319_046_813_846_299_6e-17;
    let exponent = (high / std::f64::consts::LN_2).round();
    let (product, tail) = two_product(exponent, std::f64::consts::LN_2);
    let rest = (product - high) + (tail + exponent * LN_2_TAIL - low);
    Positive {
        mantissa: rest.exp(),
        exponent: -(exponent as i64),
    }
}

/// A problem with its kernel.
pub(super) struct Equilibrated {
    pub(super) scaling: Scaling,
    /// M.
    pub(super) matrix: Gram,
    /// f.
    pub(super) right: Vec<f64>,
}

impl Equilibrated {
    /// Forms M: half of n^2 exponentials.
    pub(super) fn of(scaling: Scaling) -> Self {
        let order = scaling.order();
        let mut matrix = Gram::zeros(order);
        let stride = matrix.stride;
        let columns = Transposed::of(&scaling.rows);
        let (rows, inner) = (&scaling.rows, &scaling.inner);
        matrix
            .entries
            .par_chunks_mut(BLOCK * stride)
            .take(order.div_ceil(BLOCK))
            .enumerate()
            .for_each_init(Buffers::default, |buffers, (block, out)| {
                let first = block * BLOCK;
                let count = BLOCK.min(order - first);
                let out = &mut out[..count * stride];
                kernel_rows(Level::best(), rows, &columns, (first, stride), out, buffers);
                for (k, row) in out.chunks_exact_mut(stride).enumerate() {
                    let j = first + k;
                    let own = inner[j];
                    for (entry, s) in row[j..order].iter_mut().zip(&inner[j..]) {
                        *entry *= own * s;
                    }
                    row[j] = 1.0;
                    row[order..].fill(0.0);
                }
            });
        let right = scaling.right_hand_side();
        Self {
            scaling,
            matrix,
            right,
        }
    }

    /// The order of M.
    pub(super) fn order(&self) -> usize {
        self.matrix.order
    }

    /// `M v`.
    pub(super) fn multiply(&self, v: &[f64]) -> Vec<f64> {
        self.product(&self.matrix.entries, v)
    }

    /// The product with the symmetric matrix whose upper triangle lies in `entries` as that of M does.
    fn product(&self, entries: &[f64], v: &[f64]) -> Vec<f64> {
        let (order, stride) = (self.matrix.order, self.matrix.stride);
        let mut padded = v.to_vec();
        padded.resize(stride, 0.0);
        let parts: Vec<Vec<f64>> = cuts(order)
            .into_par_iter()
            .map(|rows| {
                let mut product = vec![0.0; stride];
                symmetric::add_product(Level::best(), entries, stride, rows, &padded, &mut product);
                product
            })
            .collect();
        let mut product = vec![0.0; order];
        for part in parts {
            for (sum, entry) in product.iter_mut().zip(part) {
                *sum += entry;
            }
        }
        product
    }

    /// The most roundings that a term of a product meets.
    pub(super) fn product_roundings(&self) -> f64 {
        // A row's own chain over half of its entries at least two at a time, a column's chain over the rows of a part, the parts.
        (self.order() as f64) / 2.0 + 16.0 + (PARTS + 8) as f64
    }

    /// `f - M z`.
    pub(super) fn residual(&self, z: &[f64]) -> Vec<f64> {
        let image = self.multiply(z);
        self.right.iter().zip(image).map(|(f, m)| f - m).collect()
    }

    /// A bound in form of what rounding makes of each entry of [`Equilibrated::residual`], but for the units: `|f| + M |z|`.
    pub(super) fn sizes(&self, z: &[f64]) -> Vec<f64> {
        let sizes: Vec<f64> = z.iter().map(|z| z.abs()).collect();
        let image = self.multiply(&sizes);
        self.right
            .iter()
            .zip(image)
            .map(|(f, m)| f.abs() + m)
            .collect()
    }

    /// `|| (K + lambda I) v ||` for `v = T^-1 r` in the unknowns of the groups, `C^(1/2)` taken into account.
    fn image_of(&self, v: &ScaledVector) -> Scaled {
        let inner = self.scaling.divided(&v.vector.high);
        let mut inner = ScaledVector {
            exponent: inner.exponent + v.exponent,
            ..inner
        };
        inner.normalise();
        let image = self.multiply(&inner.vector.high);
        let outer = self.scaling.divided(&image);
        Scaled {
            value: outer.vector.norm(),
            exponent: outer.exponent + inner.exponent,
        }
    }

    /// The norm of the gradient where the residual in M is r.
    pub(super) fn gradient(&self, r: &[f64]) -> Scaled {
        self.image_of(&self.scaling.divided(r))
    }

    /// The loss there.
    pub(super) fn loss(&self, r: &[f64]) -> Scaled {
        let fitted = self.scaling.divided(r).half_square();
        if self.scaling.ridge > 0.0 || !self.scaling.groups.repeated() {
            return fitted;
        }
        let scatter = self.scaling.scatter();
        fitted.plus(Scaled {
            value: 0.5 * scatter * scatter,
            exponent: 0,
        })
    }

    /// Loss and norm of the gradient at x = 0.
    pub(super) fn start(&self) -> (Scaled, Scaled) {
        let size = norm(&self.scaling.target);
        let loss = Scaled {
            value: 0.5 * size * size,
            exponent: 0,
        };
        let means = ScaledVector::of(&self.scaling.weighted_means());
        let fitted = self.image_of(&means);
        let scatter = self.scaling.ridge * self.scaling.scatter();
        let squares = Scaled {
            value: fitted.value * fitted.value,
            exponent: 2 * fitted.exponent,
        }
        .plus(Scaled {
            value: scatter * scatter,
            exponent: 0,
        });
        // Half of an odd exponent is no whole number.
        let (value, exponent) = if squares.exponent % 2 == 0 {
            (squares.value, squares.exponent)
        } else {
            (2.0 * squares.value, squares.exponent - 1)
        };
        let gradient = Scaled {
            value: value.sqrt(),
            exponent: exponent / 2,
        };
        (loss, gradient)
    }

    /// The two nearest of the distinct rows, as rows of A, by the largest entry of G off its diagonal.
    pub(super) fn nearest(&self) -> (usize, usize) {
        let (order, stride) = (self.matrix.order, self.matrix.stride);
        let first = &self.scaling.groups.first;
        let inner = &self.scaling.inner;
        let mut best = (0.0, (0, 0));
        for j in 0..order {
            for i in j + 1..order {
                let entry = self.matrix.entries[j * stride + i] / inner[i] / inner[j];
                if entry > best.0 {
                    best = (entry, (first[j], first[i]));
                }
            }
        }
        best.1
    }

    /// The largest sum over a row of `sqrt(M)` and of M.
    pub(super) fn row_sums(&self) -> (f64, f64) {
        let ones = vec![1.0; self.order()];
        let roots: Vec<f64> = self.matrix.entries.iter().map(|m| m.sqrt()).collect();
        (
            largest(&self.product(&roots, &ones)),
            largest(&self.multiply(&ones)),
        )
    }
}

/// The rows of the upper triangle in parts of about as many entries each.
fn cuts(order: usize) -> Vec<std::ops::Range<usize>> {
    let cut = |part: usize| {
        // The first r rows have `1 - (1 - r / n)^2` of the entries.
        let left = (1.0 - part as f64 / PARTS as f64).sqrt();
        (order as f64 * (1.0 - left)).round() as usize
    };
    (0..PARTS)
        .map(|part| cut(part)..cut(part + 1))
        .filter(|rows| !rows.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from mpmath at 60 digits, as mantissas and powers of two.
    #[test]
    fn an_exponential_far_below_f64_keeps_its_digits() {
        let table: [(f64, f64, i64, f64); 5] = [
            (0.0, 0.0, 0, 1.0),
            (0.5, 0.0, -1, 1.213_061_319_425_266_8),
            (1000.25, 0.0, -1444, 1.924_235_466_442_357_4),
            (
                1000000.0,
                9.094947017729282e-13,
                -1442696,
                1.944_111_598_171_160_5,
            ),
            (
                1099511627776.0,
                9.5367431640625e-07,
                -1586259972793,
                1.756_817_736_284_158_3,
            ),
        ];
        for (high, low, exponent, mantissa) in table {
            let found = decaying(high, low);
            let shift = (found.exponent - exponent) as i32;
            let off = found.mantissa * 2f64.powi(shift) / mantissa - 1.0;
            assert!(off.abs() < 8.0 * f64::EPSILON, "{high}: {off:e}");
        }
    }

    #[test]
    fn parts_cover_all_rows_once() {
        for order in [1, 2, 7, 100, 3000] {
            let cuts = cuts(order);
            assert_eq!(cuts[0].start, 0);
            assert_eq!(cuts[cuts.len() - 1].end, order);
            assert!(cuts.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
