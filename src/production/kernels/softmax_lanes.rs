//! Both sweeps of [`softmax_bounds`](super::softmax_bounds) for several softmax regressions at once, one in each lane: rows of logits, of
//! targets and of exponentials have an entry for each. Nothing of a lane enters another.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::anchored::GROUP;
use crate::production::kernels::doubled::{DoubledSum, merge};
use crate::production::kernels::exponential::exponentials_with;
use crate::production::kernels::softmax_bounds::{
    FirstSums, Masses, Reach, SecondSums, Shared, SharedLanes,
};

/// Rows of numbers, each with an entry for each lane.
#[derive(Clone, Default)]
pub(crate) struct LaneSums(Vec<f64>);

impl LaneSums {
    /// The rows, all zeros where they are new.
    fn rows(&mut self, count: usize, lanes: usize) -> &mut [f64] {
        self.0.resize(count * lanes, 0.0);
        &mut self.0
    }

    /// The numbers of a lane.
    fn lane<const K: usize>(&self, lanes: usize, lane: usize) -> [f64; K] {
        std::array::from_fn(|k| self.0.get(k * lanes + lane).copied().unwrap_or(0.0))
    }
}

/// Loads rows of a vector of lanes.
#[inline(always)]
fn load<S: Simd, const K: usize>(rows: &[S::f64s], vectors: usize, vector: usize) -> [S::f64s; K] {
    std::array::from_fn(|k| rows[k * vectors + vector])
}

/// Stores them.
#[inline(always)]
fn store<S: Simd, const K: usize>(
    rows: &mut [S::f64s],
    vectors: usize,
    vector: usize,
    numbers: [S::f64s; K],
) {
    for (k, number) in numbers.into_iter().enumerate() {
        rows[k * vectors + vector] = number;
    }
}

/// Rows of [`Masses`].
const MASSES: usize = 11;

/// Fills `q = exp(z - top)` for a block of rows and adds their sums. `scratch` has at least as many entries as `z`.
pub(crate) fn add_masses(
    level: Level,
    [z, b]: [&[f64]; 2],
    tops: &[f64],
    q: &mut [f64],
    scratch: &mut [f64],
    sums: &mut LaneSums,
) {
    let sums = sums.rows(MASSES, tops.len());
    level.dispatch(First {
        z,
        b,
        tops,
        q,
        scratch,
        sums,
    });
}

/// What chunks of rows have added up to, in order, for one of so many lanes.
pub(crate) fn masses_of(parts: &[LaneSums], lanes: usize, lane: usize) -> Masses {
    let mut total = Masses::default();
    for part in parts {
        let numbers: [f64; MASSES] = part.lane(lanes, lane);
        for (k, sum) in total.doubled.iter_mut().enumerate() {
            merge(sum, [numbers[2 * k], numbers[2 * k + 1]]);
        }
        for (sum, more) in total.plain.iter_mut().zip(&numbers[6..10]) {
            *sum += more;
        }
        total.largest = total.largest.max(numbers[10]);
    }
    total
}

struct First<'a> {
    z: &'a [f64],
    b: &'a [f64],
    tops: &'a [f64],
    q: &'a mut [f64],
    scratch: &'a mut [f64],
    sums: &'a mut [f64],
}

impl WithSimd for First<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = self.tops.len();
        let vectors = lanes / S::F64_LANES;
        for (q, z) in self
            .q
            .chunks_exact_mut(lanes)
            .zip(self.z.chunks_exact(lanes))
        {
            for ((q, z), top) in q.iter_mut().zip(z).zip(self.tops) {
                *q = z - top;
            }
        }
        exponentials_with(simd, self.q, self.scratch);
        let z = S::as_simd_f64s(self.z).0;
        let b = S::as_simd_f64s(self.b).0;
        let q = S::as_simd_f64s(&*self.q).0;
        let tops = S::as_simd_f64s(self.tops).0;
        let rows = S::as_mut_simd_f64s(self.sums).0;
        for (vector, top) in tops.iter().enumerate() {
            let numbers: [S::f64s; MASSES] = load::<S, MASSES>(rows, vectors, vector);
            let mut sums = FirstSums::<S> {
                doubled: std::array::from_fn(|k| {
                    DoubledSum::of([numbers[2 * k], numbers[2 * k + 1]])
                }),
                plain: std::array::from_fn(|k| numbers[6 + k]),
                largest: numbers[10],
            };
            let rows_of = z
                .chunks_exact(vectors)
                .zip(q.chunks_exact(vectors))
                .zip(b.chunks_exact(vectors));
            for ((z, q), b) in rows_of {
                sums.add(simd, [z[vector], q[vector], b[vector]], *top);
            }
            let doubled = sums.doubled.map(DoubledSum::parts);
            let numbers: [S::f64s; MASSES] = std::array::from_fn(|k| match k {
                0..6 => doubled[k / 2][k % 2],
                6..10 => sums.plain[k - 6],
                _ => sums.largest,
            });
            store::<S, MASSES>(rows, vectors, vector, numbers);
        }
    }
}

/// Rows of [`Reach`], and of `<c, c>` and `<w o z, w o z>` without errors.
const REACHES: usize = 9;

/// [`Shared`] of several lanes.
pub(crate) struct SharedRows {
    lanes: usize,
    rows: Vec<f64>,
}

impl SharedRows {
    /// Of each lane; what is `None` is not looked at, and its lane means nothing.
    pub fn of(each: &[Option<Shared>]) -> Self {
        let lanes = each.len();
        let mut rows = vec![0.0; Shared::NUMBERS * lanes];
        for (lane, shared) in each.iter().enumerate() {
            let numbers = shared.as_ref().map_or([0.0; _], Shared::numbers);
            for (k, number) in numbers.into_iter().enumerate() {
                rows[k * lanes + lane] = number;
            }
        }
        Self { lanes, rows }
    }
}

/// Overwrites q by v for a block of rows and adds their sums. `squared_weights` has an entry for each row, all positive.
pub(crate) fn add_reaches(
    level: Level,
    [z, b]: [&[f64]; 2],
    squared_weights: &[f64],
    shared: &SharedRows,
    q: &mut [f64],
    sums: &mut LaneSums,
) {
    let sums = sums.rows(REACHES, shared.lanes);
    level.dispatch(Second {
        z,
        b,
        squared_weights,
        shared,
        q,
        sums,
    });
}

/// [`Reach`] of what chunks of rows have added up to, in order, for one of so many lanes; and the losses `0.5 ||p - b||^2` and
/// `0.5 ||w o z||^2`.
pub(crate) fn reach_of(parts: &[LaneSums], lanes: usize, lane: usize) -> (Reach, [f64; 2]) {
    let (mut total, mut losses) = (Reach::default(), [0.0; 2]);
    for part in parts {
        let numbers: [f64; REACHES] = part.lane(lanes, lane);
        total.add(&Reach {
            sums: std::array::from_fn(|k| numbers[k]),
            largest: std::array::from_fn(|k| numbers[4 + k]),
        });
        for (loss, more) in losses.iter_mut().zip(&numbers[7..]) {
            *loss += 0.5 * more;
        }
    }
    (total, losses)
}

struct Second<'a> {
    z: &'a [f64],
    b: &'a [f64],
    squared_weights: &'a [f64],
    shared: &'a SharedRows,
    q: &'a mut [f64],
    sums: &'a mut [f64],
}

impl WithSimd for Second<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.shared.lanes / S::F64_LANES;
        let z = S::as_simd_f64s(self.z).0;
        let b = S::as_simd_f64s(self.b).0;
        let q = S::as_mut_simd_f64s(self.q).0;
        let shared = S::as_simd_f64s(&self.shared.rows).0;
        let rows = S::as_mut_simd_f64s(self.sums).0;
        for vector in 0..vectors {
            let shared = SharedLanes::<S>::of(load::<S, _>(shared, vectors, vector));
            let numbers: [S::f64s; REACHES] = load::<S, REACHES>(rows, vectors, vector);
            let mut sums = SecondSums::<S> {
                sums: std::array::from_fn(|k| numbers[k]),
                largest: std::array::from_fn(|k| numbers[4 + k]),
            };
            let [mut residual, mut ridge] = [numbers[7], numbers[8]];
            let rows_of = z
                .chunks_exact(vectors)
                .zip(b.chunks_exact(vectors))
                .zip(q.chunks_exact_mut(vectors))
                .zip(self.squared_weights);
            for (((z, b), q), w2) in rows_of {
                let (z, w2) = (z[vector], simd.splat_f64s(*w2));
                let [v, c] = sums.add(simd, [z, b[vector], w2, q[vector]], &shared);
                q[vector] = v;
                residual = simd.mul_add_e_f64s(c, c, residual);
                ridge = simd.mul_add_e_f64s(simd.mul_f64s(w2, z), z, ridge);
            }
            let numbers: [S::f64s; REACHES] = std::array::from_fn(|k| match k {
                0..4 => sums.sums[k],
                4..7 => sums.largest[k - 4],
                7 => residual,
                _ => ridge,
            });
            store::<S, REACHES>(rows, vectors, vector, numbers);
        }
    }
}

/// What the first sweep finds of the rows of a group of lanes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moves {
    /// The largest logit, and in magnitude.
    pub top: [f64; GROUP],
    pub largest: [f64; GROUP],
    /// Squares of the ways of logits, and of the gradient of the ridge in them.
    pub way: [f64; GROUP],
    pub ridge: [f64; GROUP],
}

impl Moves {
    /// Of no rows.
    pub const NOTHING: Self = Self {
        top: [f64::NEG_INFINITY; GROUP],
        largest: [0.0; GROUP],
        way: [0.0; GROUP],
        ridge: [0.0; GROUP],
    };

    /// Adds a row. A logit that is no number shows in the way.
    #[inline(always)]
    fn add_row(&mut self, old: &[f64; GROUP], new: &[f64; GROUP], squared_weight: f64) {
        let larger = |known: f64, more: f64| if more > known { more } else { known };
        for lane in 0..GROUP {
            let (way, ridge) = (new[lane] - old[lane], squared_weight * new[lane]);
            self.top[lane] = larger(self.top[lane], new[lane]);
            self.largest[lane] = larger(self.largest[lane], new[lane].abs());
            self.way[lane] += way * way;
            self.ridge[lane] += ridge * ridge;
        }
    }

    /// Adds what other rows gave.
    pub fn add(&mut self, other: &Self) {
        for lane in 0..GROUP {
            self.top[lane] = self.top[lane].max(other.top[lane]);
            self.largest[lane] = self.largest[lane].max(other.largest[lane]);
            self.way[lane] += other.way[lane];
            self.ridge[lane] += other.ridge[lane];
        }
    }
}

/// Adds a block of rows of logits, old and new, to the sums of each group of lanes.
pub(crate) fn add_moves(
    level: Level,
    [old, new]: [&[f64]; 2],
    squared_weights: &[f64],
    sums: &mut [Moves],
) {
    level.dispatch(Move {
        old,
        new,
        squared_weights,
        sums,
    });
}

struct Move<'a> {
    old: &'a [f64],
    new: &'a [f64],
    squared_weights: &'a [f64],
    sums: &'a mut [Moves],
}

impl WithSimd for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let groups = self.sums.len();
        let old = self.old.as_chunks::<GROUP>().0.chunks_exact(groups);
        let new = self.new.as_chunks::<GROUP>().0.chunks_exact(groups);
        for ((old, new), w2) in old.zip(new).zip(self.squared_weights) {
            for (sums, (old, new)) in self.sums.iter_mut().zip(old.iter().zip(new)) {
                sums.add_row(old, new, *w2);
            }
        }
    }
}

/// Sums of a group of lanes at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Starts {
    /// `<p, b>`, `||p - b||^2`.
    pub planted: [f64; GROUP],
    pub distance: [f64; GROUP],
    /// The largest `p |2 p - b|`: about the curvature of the loss.
    pub curvature: [f64; GROUP],
}

impl Starts {
    /// Of no rows.
    pub const NOTHING: Self = Self {
        planted: [0.0; GROUP],
        distance: [0.0; GROUP],
        curvature: [0.0; GROUP],
    };

    /// Adds a row and fills in `p b`.
    #[inline(always)]
    fn add_row(&mut self, p: f64, targets: &[f64; GROUP], place: &mut [f64; GROUP]) {
        for lane in 0..GROUP {
            let b = targets[lane];
            place[lane] = p * b;
            let curvature = (p * (2.0 * p - b)).abs();
            self.planted[lane] += place[lane];
            self.distance[lane] += (p - b) * (p - b);
            if curvature > self.curvature[lane] {
                self.curvature[lane] = curvature;
            }
        }
    }

    /// Adds what other rows gave.
    pub fn add(&mut self, other: &Self) {
        for lane in 0..GROUP {
            self.planted[lane] += other.planted[lane];
            self.distance[lane] += other.distance[lane];
            self.curvature[lane] = self.curvature[lane].max(other.curvature[lane]);
        }
    }
}

/// Fills in `p b` for a block of rows of targets b and adds their sums to those of each group of lanes; p has an entry for each row.
pub(crate) fn add_starts(
    level: Level,
    p: &[f64],
    targets: &[f64],
    place: &mut [f64],
    sums: &mut [Starts],
) {
    level.dispatch(Start {
        p,
        targets,
        place,
        sums,
    });
}

struct Start<'a> {
    p: &'a [f64],
    targets: &'a [f64],
    place: &'a mut [f64],
    sums: &'a mut [Starts],
}

impl WithSimd for Start<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let groups = self.sums.len();
        let targets = self.targets.as_chunks::<GROUP>().0.chunks_exact(groups);
        let places = self.place.as_chunks_mut::<GROUP>().0;
        let places = places.chunks_exact_mut(groups);
        for ((places, targets), p) in places.zip(targets).zip(self.p) {
            for (sums, (place, targets)) in self.sums.iter_mut().zip(places.iter_mut().zip(targets))
            {
                sums.add_row(*p, targets, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;
    use crate::production::kernels::softmax_bounds::{masses, reach};

    /// Two groups of lanes, three rows: by hand, in numbers of which every sum is exact.
    #[test]
    fn moves_and_starts_are_those_of_their_definitions() {
        let value = |i: usize, lane: usize| (i * 3 + lane) as f64 - 12.0;
        let all = |scale: f64| -> Vec<f64> {
            (0..3 * 16).map(|k| scale * value(k / 16, k % 16)).collect()
        };
        let (w2, p) = ([1.0, 2.0, 4.0], [0.5, 0.25, 2.0]);
        for level in Level::all() {
            let (old, new) = (all(1.0), all(-2.0));
            let mut moves = [Moves::NOTHING; 2];
            add_moves(level, [&old, &new], &w2, &mut moves);
            let mut place = vec![0.0; 3 * 16];
            let mut starts = [Starts::NOTHING; 2];
            add_starts(level, &p, &old, &mut place, &mut starts);
            for lane in 0..16 {
                let (group, k) = (lane / GROUP, lane % GROUP);
                let z = |i: usize| -2.0 * value(i, lane);
                let over = |f: &dyn Fn(usize) -> f64| (0..3).map(f).sum::<f64>();
                let most = |f: &dyn Fn(usize) -> f64| (0..3).map(f).fold(f64::MIN, f64::max);
                let found = &moves[group];
                assert_eq!(found.top[k], most(&z));
                assert_eq!(found.largest[k], most(&|i| z(i).abs()));
                assert_eq!(found.way[k], over(&|i| (3.0 * value(i, lane)).powi(2)));
                assert_eq!(found.ridge[k], over(&|i| (w2[i] * z(i)).powi(2)));
                let (found, b) = (&starts[group], |i: usize| value(i, lane));
                assert_eq!(found.planted[k], over(&|i| p[i] * b(i)));
                assert_eq!(found.distance[k], over(&|i| (p[i] - b(i)).powi(2)));
                assert_eq!(
                    found.curvature[k],
                    most(&|i| (p[i] * (2.0 * p[i] - b(i))).abs())
                );
                assert!((0..3).all(|i| place[i * 16 + lane] == p[i] * b(i)));
            }
        }
    }

    /// Sixteen cases of 37 rows: sums over rows in any order are the same to their rounding, everything of one row to the bit.
    #[test]
    fn every_lane_has_what_a_sweep_of_its_own_gives() {
        let (n, lanes) = (37, 16);
        let mut rng = sample::stream(3, "softmax-lanes", 0);
        let z: Vec<f64> = (0..n * lanes)
            .map(|k| sample::dyadic(&mut rng, 3) * 2f64.powi((k % lanes) as i32 - 8))
            .collect();
        let b: Vec<f64> = z
            .iter()
            .map(|_| sample::dyadic(&mut rng, 1) / 37.0)
            .collect();
        let w2: Vec<f64> = (0..n).map(|i| 0.5 + (i % 5) as f64).collect();
        let lane_of = |values: &[f64], lane: usize| -> Vec<f64> {
            values.iter().skip(lane).step_by(lanes).copied().collect()
        };
        let tops: Vec<f64> = (0..lanes)
            .map(|lane| lane_of(&z, lane).into_iter().fold(f64::MIN, f64::max))
            .collect();
        for level in Level::all() {
            let (mut q, mut scratch) = (vec![0.0; n * lanes], vec![0.0; n * lanes]);
            let mut first = LaneSums::default();
            // In two blocks.
            for rows in [0..16 * lanes, 16 * lanes..n * lanes] {
                let (z, b) = (&z[rows.clone()], &b[rows.clone()]);
                add_masses(level, [z, b], &tops, &mut q[rows], &mut scratch, &mut first);
            }
            let close = |found: f64, expected: f64, size: f64| {
                let name = level.name();
                assert!(
                    (found - expected).abs() <= 1e-14 * size,
                    "{found} {expected}, {name}"
                );
            };
            let shared: Vec<Shared> = (0..lanes)
                .map(|lane| {
                    let (z, b) = (lane_of(&z, lane), lane_of(&b, lane));
                    let (mut own, mut scratch) = (vec![0.0; n], vec![0.0; n]);
                    let expected = masses(level, &z, &b, tops[lane], &mut own, &mut scratch);
                    assert_eq!(lane_of(&q, lane), own);
                    let found = masses_of(&[first.clone()], lanes, lane);
                    for (found, expected) in found.doubled.iter().zip(expected.doubled) {
                        close(found[0] + found[1], expected[0] + expected[1], 1.0);
                    }
                    for (found, expected) in found.plain.iter().zip(expected.plain) {
                        close(*found, expected, expected);
                    }
                    assert_eq!(found.largest, expected.largest);
                    let total: f64 = own.iter().sum();
                    Shared {
                        scale: total.recip(),
                        top: tops[lane],
                        mean: 0.125 / (lane + 1) as f64,
                        mean_error: 1e-15,
                        relative: 3e-16,
                        slope: 2e-16,
                        logit_error: 1e-17,
                    }
                })
                .collect();
            let before = q.clone();
            let each: Vec<Option<Shared>> = shared.iter().copied().map(Some).collect();
            let each = SharedRows::of(&each);
            let mut second = LaneSums::default();
            for rows in [0..16 * lanes, 16 * lanes..n * lanes] {
                let (z, b) = (&z[rows.clone()], &b[rows.clone()]);
                let w2 = &w2[rows.start / lanes..rows.end / lanes];
                add_reaches(level, [z, b], w2, &each, &mut q[rows], &mut second);
            }
            for (lane, shared) in shared.iter().enumerate() {
                let (z, b) = (lane_of(&z, lane), lane_of(&b, lane));
                let mut own = lane_of(&before, lane);
                let p: Vec<f64> = own.iter().map(|q| q * shared.scale).collect();
                let expected = reach(level, &z, &b, &w2, *shared, &mut own);
                assert_eq!(lane_of(&q, lane), own);
                let (found, [residual, ridge]) = reach_of(&[second.clone()], lanes, lane);
                for (found, expected) in found.sums.iter().zip(expected.sums) {
                    close(*found, expected, expected);
                }
                // The last rows of a sweep of its own are scalars, whose errors round otherwise.
                for (found, expected) in found.largest.iter().zip(expected.largest) {
                    close(*found, expected, expected);
                }
                let losses: [f64; 2] = [
                    (0..n).map(|i| 0.5 * (p[i] - b[i]).powi(2)).sum(),
                    (0..n).map(|i| 0.5 * w2[i] * z[i] * z[i]).sum(),
                ];
                close(residual, losses[0], losses[0]);
                close(ridge, losses[1], losses[1]);
            }
        }
    }
}
