//! Softmax regression at given logits with bounds on every rounding, for a block of rows: what a proof needs of them.
//!
//! The first sweep makes `q = exp(z - top)` and the sums that normalise it; the second makes the gradient in the logits and its
//! error. Derivations stand where the sums are put together, in `error_bound/softmax_rows`.

use pulp::{Scalar, Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::doubled::{DoubledSum, Pair, merge};
use crate::production::kernels::exponential::exponentials_with;
use crate::production::ranks::Numbers;
use crate::scalar::rounding::UNIT;

/// Added to every error: more than what underflows can take away.
const TINY: f64 = 1e-300;
/// Covers products of errors, each below 1e-3 of the other, and the roundings made in adding errors up.
const MARGIN: f64 = 1.01;

/// Sums over rows of `q = exp(z - top)`, with `m = |z| + |z - top|`: the logit and its difference are off by units of these.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Masses {
    /// `<q, 1>`, `<q, q>`, `<q, b>`: head and tail.
    pub doubled: [Pair; 3],
    /// `<q, m>`, `<q o q, m>`, `<q o |b|, m>`, `<q, |b|>`.
    pub plain: [f64; 4],
    /// The largest m.
    pub largest: f64,
}

impl Masses {
    /// Adds the sums over other rows.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.doubled.iter_mut().zip(other.doubled) {
            merge(sum, more);
        }
        for (sum, more) in self.plain.iter_mut().zip(other.plain) {
            *sum += more;
        }
        self.largest = self.largest.max(other.largest);
    }
}

impl Numbers for Masses {
    fn write(&self, to: &mut Vec<f64>) {
        self.doubled.write(to);
        self.plain.write(to);
        self.largest.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        Self {
            doubled: Numbers::read(from),
            plain: Numbers::read(from),
            largest: Numbers::read(from),
        }
    }
}

/// Fills `q = exp(z - top)` and returns its sums. `scratch` has at least as many entries as `z`.
pub(crate) fn masses(
    level: Level,
    z: &[f64],
    b: &[f64],
    top: f64,
    q: &mut [f64],
    scratch: &mut [f64],
) -> Masses {
    level.dispatch(First {
        z,
        b,
        top,
        q,
        scratch,
    })
}

struct First<'a> {
    z: &'a [f64],
    b: &'a [f64],
    top: f64,
    q: &'a mut [f64],
    scratch: &'a mut [f64],
}

/// Sums of the first sweep in every lane of a vector.
#[derive(Clone, Copy)]
pub(super) struct FirstSums<S: Simd> {
    pub doubled: [DoubledSum<S>; 3],
    pub plain: [S::f64s; 4],
    pub largest: S::f64s,
}

impl<S: Simd> FirstSums<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        Self {
            doubled: [DoubledSum::zero(simd); 3],
            plain: [simd.splat_f64s(0.0); 4],
            largest: simd.splat_f64s(0.0),
        }
    }

    /// Adds rows with these logits, exponentials and targets.
    #[inline(always)]
    pub fn add(&mut self, simd: S, [z, q, b]: [S::f64s; 3], top: S::f64s) {
        let off = simd.abs_f64s(simd.sub_f64s(z, top));
        let m = simd.add_f64s(simd.abs_f64s(z), off);
        let square = simd.mul_f64s(q, q);
        let target = simd.mul_f64s(q, b);
        let size = simd.abs_f64s(target);
        for (sum, term) in self.doubled.iter_mut().zip([q, square, target]) {
            sum.add(simd, term);
        }
        for (sum, term) in self.plain.iter_mut().zip([q, square, size]) {
            *sum = simd.mul_add_e_f64s(term, m, *sum);
        }
        self.plain[3] = simd.add_f64s(self.plain[3], size);
        self.largest = simd.max_f64s(self.largest, m);
    }

    #[inline(always)]
    fn reduce(self, simd: S) -> Masses {
        Masses {
            doubled: self.doubled.map(|sum| sum.reduce(simd)),
            plain: self.plain.map(|sum| simd.reduce_sum_f64s(sum)),
            largest: simd.reduce_max_f64s(self.largest),
        }
    }
}

impl WithSimd for First<'_> {
    type Output = Masses;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Masses {
        let q = self.q;
        for (q, z) in q.iter_mut().zip(self.z) {
            *q = z - self.top;
        }
        exponentials_with(simd, q, self.scratch);
        let (z, z_rest) = S::as_simd_f64s(self.z);
        let (q, q_rest) = S::as_simd_f64s(q);
        let (b, b_rest) = S::as_simd_f64s(self.b);
        let mut sums = FirstSums::<S>::new(simd);
        let top = simd.splat_f64s(self.top);
        for ((z, q), b) in z.iter().zip(q).zip(b) {
            sums.add(simd, [*z, *q, *b], top);
        }
        let mut rest = FirstSums::<Scalar>::new(Scalar);
        for ((z, q), b) in z_rest.iter().zip(q_rest).zip(b_rest) {
            rest.add(Scalar, [*z, *q, *b], self.top);
        }
        let mut found = sums.reduce(simd);
        found.add(&rest.reduce(Scalar));
        found
    }
}

/// What every row shares in the second sweep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    /// `exp(top - ln sum exp(z))`: `p = scale q`.
    pub scale: f64,
    /// `top`.
    pub top: f64,
    /// `s = <p, p - b>`.
    pub mean: f64,
    /// How far s can be off.
    pub mean_error: f64,
    /// `p_i` is off by at most `p_i (relative + slope m_i)`.
    pub relative: f64,
    pub slope: f64,
    /// A logit is off by at most `1.01 u |z_i| + logit_error`.
    pub logit_error: f64,
}

/// [`Shared`] in every lane of a vector.
#[derive(Clone, Copy)]
pub(super) struct SharedLanes<S: Simd> {
    scale: S::f64s,
    top: S::f64s,
    mean: S::f64s,
    mean_error: S::f64s,
    relative: S::f64s,
    slope: S::f64s,
    logit_error: S::f64s,
}

impl Shared {
    /// How many numbers it consists of.
    pub(super) const NUMBERS: usize = 7;

    /// All of them.
    pub(super) fn numbers(&self) -> [f64; Self::NUMBERS] {
        [
            self.scale,
            self.top,
            self.mean,
            self.mean_error,
            self.relative,
            self.slope,
            self.logit_error,
        ]
    }
}

impl<S: Simd> SharedLanes<S> {
    /// From [`Shared::numbers`] by lanes.
    #[inline(always)]
    pub fn of(numbers: [S::f64s; Shared::NUMBERS]) -> Self {
        let [scale, top, mean, mean_error, relative, slope, logit_error] = numbers;
        Self {
            scale,
            top,
            mean,
            mean_error,
            relative,
            slope,
            logit_error,
        }
    }

    /// The same in all lanes.
    #[inline(always)]
    fn splat(simd: S, shared: &Shared) -> Self {
        let numbers = shared.numbers();
        Self::of(std::array::from_fn(|k| simd.splat_f64s(numbers[k])))
    }
}

/// Sums and maxima over rows of the second sweep: with `c = p - b`, `t = c - s`, `v = p t + w^2 z` and
/// `delta = p (p + t)`, errors included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reach {
    /// `sum (e_i / w_i)^2` with e the error of v; `<v, v>`; `<delta, delta>`; `<c, c>`.
    pub sums: [f64; 4],
    /// The largest `-delta`, `delta` and `|t|`, none below 0.
    pub largest: [f64; 3],
}

impl Reach {
    /// Adds what other rows gave.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum += more;
        }
        for (size, more) in self.largest.iter_mut().zip(other.largest) {
            *size = size.max(more);
        }
    }
}

impl Numbers for Reach {
    fn write(&self, to: &mut Vec<f64>) {
        self.sums.write(to);
        self.largest.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        Self {
            sums: Numbers::read(from),
            largest: Numbers::read(from),
        }
    }
}

/// Overwrites q by v and returns the sums. `squared_weights` are positive.
pub(crate) fn reach(
    level: Level,
    z: &[f64],
    b: &[f64],
    squared_weights: &[f64],
    shared: Shared,
    q: &mut [f64],
) -> Reach {
    level.dispatch(Second {
        z,
        b,
        squared_weights,
        shared,
        q,
    })
}

struct Second<'a> {
    z: &'a [f64],
    b: &'a [f64],
    squared_weights: &'a [f64],
    shared: Shared,
    q: &'a mut [f64],
}

/// Probabilities and what follows from them, with errors, for a vector of rows.
struct Probable<S: Simd> {
    p: S::f64s,
    p_error: S::f64s,
    c: S::f64s,
    /// `|c|` and `|t|`, errors included.
    c_size: S::f64s,
    t_size: S::f64s,
    /// `p t`.
    product: S::f64s,
    product_error: S::f64s,
    delta: S::f64s,
    delta_error: S::f64s,
}

impl<S: Simd> Probable<S> {
    /// The errors of p, c, t, `p t`, `p + t` and delta, in this order, are those of sums and products.
    #[inline(always)]
    fn of(simd: S, [z, b, q]: [S::f64s; 3], shared: &SharedLanes<S>) -> Self {
        let unit = simd.splat_f64s(UNIT);
        let p = simd.mul_f64s(q, shared.scale);
        let c = simd.sub_f64s(p, b);
        let t = simd.sub_f64s(c, shared.mean);
        let product = simd.mul_f64s(p, t);
        let sum = simd.add_f64s(p, t);
        let delta = simd.mul_f64s(p, sum);

        let off = simd.abs_f64s(simd.sub_f64s(z, shared.top));
        let m = simd.add_f64s(simd.abs_f64s(z), off);
        let p_error = simd.mul_f64s(p, simd.mul_add_e_f64s(m, shared.slope, shared.relative));
        let c_error = simd.mul_add_e_f64s(unit, simd.abs_f64s(c), p_error);
        let t_error = simd.add_f64s(
            c_error,
            simd.mul_add_e_f64s(unit, simd.abs_f64s(t), shared.mean_error),
        );
        let t_size = simd.add_f64s(simd.abs_f64s(t), t_error);
        let rounded = simd.mul_f64s(unit, simd.abs_f64s(product));
        let product_error =
            simd.mul_add_e_f64s(p_error, t_size, simd.mul_add_e_f64s(p, t_error, rounded));
        let sum_error = simd.add_f64s(
            p_error,
            simd.mul_add_e_f64s(unit, simd.abs_f64s(sum), t_error),
        );
        let rounded = simd.mul_f64s(unit, simd.abs_f64s(delta));
        let delta_error = simd.mul_add_e_f64s(
            p_error,
            simd.add_f64s(simd.add_f64s(p, p_error), t_size),
            simd.mul_add_e_f64s(p, sum_error, rounded),
        );
        Self {
            p,
            p_error,
            c,
            c_size: simd.add_f64s(simd.abs_f64s(c), c_error),
            t_size,
            product,
            product_error,
            delta,
            delta_error: inflated(simd, delta_error),
        }
    }

    /// `v = p t + w^2 z` and its error: the logit, the square of the weight and their product round once each.
    #[inline(always)]
    fn with_ridge(
        &self,
        simd: S,
        z: S::f64s,
        w2: S::f64s,
        shared: &SharedLanes<S>,
    ) -> [S::f64s; 2] {
        let v = simd.add_f64s(self.product, simd.mul_f64s(w2, z));
        let logit_error = simd.mul_add_e_f64s(
            simd.splat_f64s(3.1 * UNIT),
            simd.abs_f64s(z),
            shared.logit_error,
        );
        let error = simd.mul_add_e_f64s(w2, logit_error, self.product_error);
        let rounded = simd.mul_f64s(simd.splat_f64s(UNIT), simd.abs_f64s(v));
        [v, inflated(simd, simd.add_f64s(error, rounded))]
    }
}

/// An error with what second-order terms, underflows and its own roundings may add.
#[inline(always)]
fn inflated<S: Simd>(simd: S, error: S::f64s) -> S::f64s {
    simd.mul_add_e_f64s(simd.splat_f64s(MARGIN), error, simd.splat_f64s(TINY))
}

/// p, delta and v of one row, each with its error, as the second sweep has them.
pub(crate) fn row([z, b, w2, q]: [f64; 4], shared: &Shared) -> [[f64; 2]; 3] {
    let shared = &SharedLanes::splat(Scalar, shared);
    let row = Probable::<Scalar>::of(Scalar, [z, b, q], shared);
    [
        [row.p, inflated(Scalar, row.p_error)],
        [row.delta, row.delta_error],
        row.with_ridge(Scalar, z, w2, shared),
    ]
}

/// Sums and maxima of the second sweep in every lane of a vector.
#[derive(Clone, Copy)]
pub(super) struct SecondSums<S: Simd> {
    pub sums: [S::f64s; 4],
    pub largest: [S::f64s; 3],
}

impl<S: Simd> SecondSums<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        Self {
            sums: [simd.splat_f64s(0.0); 4],
            largest: [simd.splat_f64s(0.0); 3],
        }
    }

    /// v and c of some rows.
    #[inline(always)]
    pub fn add(
        &mut self,
        simd: S,
        [z, b, w2, q]: [S::f64s; 4],
        shared: &SharedLanes<S>,
    ) -> [S::f64s; 2] {
        let row = Probable::of(simd, [z, b, q], shared);
        let [v, error] = row.with_ridge(simd, z, w2, shared);
        let in_weights = simd.div_f64s(error, w2);
        let delta_size = simd.add_f64s(simd.abs_f64s(row.delta), row.delta_error);
        self.sums[0] = simd.mul_add_e_f64s(in_weights, error, self.sums[0]);
        self.sums[1] = simd.mul_add_e_f64s(v, v, self.sums[1]);
        self.sums[2] = simd.mul_add_e_f64s(delta_size, delta_size, self.sums[2]);
        self.sums[3] = simd.mul_add_e_f64s(row.c_size, row.c_size, self.sums[3]);
        let reached = [
            simd.sub_f64s(row.delta_error, row.delta),
            simd.add_f64s(row.delta, row.delta_error),
            row.t_size,
        ];
        for (size, more) in self.largest.iter_mut().zip(reached) {
            *size = simd.max_f64s(*size, more);
        }
        [v, row.c]
    }

    #[inline(always)]
    fn reduce(self, simd: S) -> Reach {
        Reach {
            sums: self.sums.map(|sum| simd.reduce_sum_f64s(sum)),
            largest: self.largest.map(|size| simd.reduce_max_f64s(size)),
        }
    }
}

impl WithSimd for Second<'_> {
    type Output = Reach;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Reach {
        let (z, z_rest) = S::as_simd_f64s(self.z);
        let (b, b_rest) = S::as_simd_f64s(self.b);
        let (w2, w2_rest) = S::as_simd_f64s(self.squared_weights);
        let (q, q_rest) = S::as_mut_simd_f64s(self.q);
        let mut sums = SecondSums::<S>::new(simd);
        let shared = SharedLanes::splat(simd, &self.shared);
        for (((z, b), w2), q) in z.iter().zip(b).zip(w2).zip(q) {
            [*q, _] = sums.add(simd, [*z, *b, *w2, *q], &shared);
        }
        let mut rest = SecondSums::<Scalar>::new(Scalar);
        let shared = SharedLanes::splat(Scalar, &self.shared);
        for (((z, b), w2), q) in z_rest.iter().zip(b_rest).zip(w2_rest).zip(q_rest) {
            [*q, _] = rest.add(Scalar, [*z, *b, *w2, *q], &shared);
        }
        let mut found = sums.reduce(simd);
        found.add(&rest.reduce(Scalar));
        found
    }
}
