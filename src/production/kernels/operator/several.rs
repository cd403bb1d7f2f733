//! Sweeps over A for several vectors at once, one in each lane: an array for n rows has a row of as many entries as there are lanes.
//!
//! Products are [`anchored`] sums: each lane has an anchor for its bound. Chunks and the order in which they are added are those of sweeps
//! for one vector.

use std::ops::Range;

use crate::instance::DesignMatrix;
use crate::production::kernels::anchored;
use crate::production::kernels::anchored::{Precision, Sums};
use crate::production::kernels::operator::Operator;
use crate::production::kernels::sparse::SparseRows;

/// What a sweep works on in one block of rows.
pub(crate) struct Block<'a> {
    /// Which rows.
    pub rows: Range<usize>,
    /// Their place in the array that is filled.
    pub place: &'a mut [f64],
    /// As much again.
    pub scratch: &'a mut [f64],
}

impl Operator {
    /// Makes `A X` block by block and hands each to `work`, which finds it in the scratch; X has d rows. What each chunk gave, in order. The
    /// partial sums of a row of A with a lane are at most the bound of its anchor.
    pub fn multiply_several<T: Send + Default>(
        &self,
        x: &[f64],
        anchors: &[f64],
        values: &mut [f64],
        work: impl Fn(Block<'_>, &mut T) + Sync + Send,
    ) -> Vec<T> {
        self.count(self.all_rows());
        let lanes = anchors.len();
        self.sweep_several(lanes, values, |block, low, result: &mut T| {
            let Block {
                rows,
                place,
                scratch,
            } = block;
            fill_rows(scratch, anchors);
            low.fill(0.0);
            let sums = Sums { high: scratch, low };
            match self.matrix.as_ref() {
                DesignMatrix::Dense(matrix) => {
                    let mut room = Vec::new();
                    let entries = matrix.padded(rows.start, rows.end, &mut room);
                    let shape = (self.stride, self.columns(), lanes);
                    anchored::multiply(self.level, entries, shape, x, sums);
                }
                DesignMatrix::Sparse(sparse) => {
                    let matrix = SparseRows::of(sparse);
                    anchored::multiply_sparse(self.level, matrix, rows.start, lanes, x, sums);
                }
            }
            for (high, low) in scratch.chunks_exact_mut(lanes).zip(low.chunks_exact(lanes)) {
                for ((high, low), anchor) in high.iter_mut().zip(low).zip(anchors) {
                    *high = (*high - anchor) + low;
                }
            }
            let block = Block {
                rows,
                place,
                scratch,
            };
            work(block, result);
        })
    }

    /// Works on an array block by block. What each chunk gave, in order.
    pub fn fill_several<T: Send + Default>(
        &self,
        lanes: usize,
        values: &mut [f64],
        work: impl Fn(Block<'_>, &mut T) + Sync + Send,
    ) -> Vec<T> {
        self.sweep_several(lanes, values, |block, _, result| work(block, result))
    }

    /// Fills an array V by `work` and makes `A' V` of it: what each chunk gave, in order, and d rows of sums. The partial sums of a column of A
    /// with a lane are at most the bound of its anchor.
    pub fn fill_and_project<T: Send + Default>(
        &self,
        anchors: &[f64],
        values: &mut [f64],
        work: impl Fn(Block<'_>, &mut T) + Sync + Send,
    ) -> (Vec<T>, Vec<f64>) {
        self.project_several(anchors, Precision::Anchored, values, work)
    }

    /// [`fill_and_project`](Self::fill_and_project) by sums in f64, for this number of lanes.
    pub fn fill_and_project_plainly<T: Send + Default>(
        &self,
        lanes: usize,
        values: &mut [f64],
        work: impl Fn(Block<'_>, &mut T) + Sync + Send,
    ) -> (Vec<T>, Vec<f64>) {
        self.project_several(&vec![0.0; lanes], Precision::Plain, values, work)
    }

    fn project_several<T: Send + Default>(
        &self,
        anchors: &[f64],
        precision: Precision,
        values: &mut [f64],
        work: impl Fn(Block<'_>, &mut T) + Sync + Send,
    ) -> (Vec<T>, Vec<f64>) {
        self.count(self.all_rows());
        let (lanes, d) = (anchors.len(), self.columns());
        struct Part<T> {
            result: T,
            high: Vec<f64>,
            low: Vec<f64>,
        }
        impl<T: Default> Default for Part<T> {
            fn default() -> Self {
                Self {
                    result: T::default(),
                    high: Vec::new(),
                    low: Vec::new(),
                }
            }
        }
        let parts = self.sweep_several(lanes, values, |block, _, part: &mut Part<T>| {
            if part.high.is_empty() {
                part.high = self.pool.take(d * lanes);
                part.low = self.pool.take_zeros(d * lanes);
                fill_rows(&mut part.high, anchors);
            }
            let Block {
                rows,
                place,
                scratch,
            } = block;
            let whole = Block {
                rows: rows.clone(),
                place: &mut *place,
                scratch,
            };
            work(whole, &mut part.result);
            let sums = Sums {
                high: &mut part.high,
                low: &mut part.low,
            };
            match self.matrix.as_ref() {
                DesignMatrix::Dense(matrix) => {
                    let mut room = Vec::new();
                    let entries = matrix.padded(rows.start, rows.end, &mut room);
                    let shape = (self.stride, d, lanes);
                    anchored::accumulate(self.level, entries, shape, place, sums, precision);
                }
                DesignMatrix::Sparse(sparse) => {
                    let matrix = SparseRows::of(sparse);
                    let first = rows.start;
                    anchored::accumulate_sparse(
                        self.level, matrix, first, lanes, place, sums, precision,
                    );
                }
            }
        });
        let mut high = vec![0.0; d * lanes];
        let mut low = vec![0.0; d * lanes];
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            let sums = high
                .chunks_exact_mut(lanes)
                .zip(low.chunks_exact_mut(lanes));
            let more = part
                .high
                .chunks_exact(lanes)
                .zip(part.low.chunks_exact(lanes));
            for ((high, low), (more_high, more_low)) in sums.zip(more) {
                for l in 0..lanes {
                    // Multiples of the anchor's last place, below it: exact.
                    high[l] += more_high[l] - anchors[l];
                    low[l] += more_low[l];
                }
            }
            self.pool.give(part.high);
            self.pool.give(part.low);
            results.push(part.result);
        }
        for (high, low) in high.iter_mut().zip(&low) {
            *high += low;
        }
        (results, high)
    }

    /// Works on blocks of rows with an array as large as their place in another one.
    fn sweep_several<T: Send + Default>(
        &self,
        lanes: usize,
        values: &mut [f64],
        work: impl Fn(Block<'_>, &mut [f64], &mut T) + Sync + Send,
    ) -> Vec<T> {
        let mut results: Vec<T> = (0..self.pass.chunks()).map(|_| T::default()).collect();
        let chunks = values.chunks_mut(self.pass.chunk_rows() * lanes);
        let items: Vec<(&mut [f64], &mut T)> = chunks.zip(&mut results).collect();
        self.pass.for_each(items, |rows, (values, result)| {
            let size = self.pass.block_rows() * lanes;
            let mut buffers = vec![0.0; 2 * size];
            let (first, second) = buffers.split_at_mut(size);
            for block in self.pass.blocks(rows.clone()) {
                let count = block.len() * lanes;
                let from = (block.start - rows.start) * lanes;
                let work_on = Block {
                    rows: block,
                    place: &mut values[from..from + count],
                    scratch: &mut first[..count],
                };
                work(work_on, &mut second[..count], result);
            }
        });
        results
    }

    /// Additions that what is left of a term of [`fill_and_project`](Self::fill_and_project) passes at most.
    pub fn anchored_additions(&self) -> usize {
        self.all.chunk_rows() + self.all.chunks()
    }
}

/// Every row of an array the same.
fn fill_rows(values: &mut [f64], row: &[f64]) {
    for place in values.chunks_exact_mut(row.len()) {
        place.copy_from_slice(row);
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::production::kernels::anchored::{anchor, lost};
    use crate::production::kernels::operator::test_support::operators;
    use crate::scalar::High;
    use crate::scalar::rounding::UNIT;

    /// Two numbers that cancel to all but 2^-40 of them, and small ones.
    fn cancelling(n: usize, d: usize) -> DMatrix<f64> {
        DMatrix::from_fn(n, d, |i, j| match (i + j) % 3 {
            0 => 1.0 + ((i * 31 + j * 17) as f64).sin() * 2f64.powi(-40),
            1 => -1.0 + ((i * 13 + j * 29) as f64).cos() * 2f64.powi(-40),
            _ => ((i * 7 + j * 3) as f64).sin() / 1024.0,
        })
    }

    fn norm(values: impl Iterator<Item = f64>) -> f64 {
        values.map(|x| x * x).sum::<f64>().sqrt()
    }

    fn high(x: f64) -> High {
        High::lift(x).unwrap()
    }

    /// `A X` by lanes.
    fn product(operator: &Operator, x: &[f64], anchors: &[f64]) -> Vec<f64> {
        let mut z = vec![f64::NAN; operator.rows() * anchors.len()];
        operator.multiply_several(x, anchors, &mut z, |block, (): &mut ()| {
            block.place.copy_from_slice(block.scratch);
        });
        z
    }

    /// Against 40 digits, for lanes of very different sizes. One of them is all zeros.
    #[test]
    fn every_entry_is_within_its_error_of_40_digits_at_every_level() {
        let lanes = 16;
        for (n, d) in [(1, 1), (7, 2), (70, 13)] {
            let matrix = cancelling(n, d);
            let frobenius = norm(matrix.iter().copied()) * 1.000_001;
            let size = |l: usize| {
                if l == 3 {
                    0.0
                } else {
                    10f64.powi(3 * l as i32 - 20)
                }
            };
            let fill = |rows: usize| -> Vec<f64> {
                (0..rows * lanes)
                    .map(|k| (1.0 + (k as f64).sin() / 4.0) * size(k % lanes))
                    .collect()
            };
            let anchors_of = |values: &[f64]| -> Vec<f64> {
                (0..lanes)
                    .map(|l| {
                        let lane = values.iter().skip(l).step_by(lanes).copied();
                        anchor(frobenius * norm(lane) * 1.000_001).unwrap()
                    })
                    .collect()
            };
            let (x, v) = (fill(d), fill(n));
            let (x_anchors, v_anchors) = (anchors_of(&x), anchors_of(&v));
            let places = |rows: usize| (0..rows).flat_map(|i| (0..lanes).map(move |l| (i, l)));
            let exact_z: Vec<High> = places(n)
                .map(|(i, l)| {
                    let terms = (0..d).map(|j| high(matrix[(i, j)]) * high(x[j * lanes + l]));
                    terms.sum()
                })
                .collect();
            let exact_g: Vec<High> = places(d)
                .map(|(j, l)| {
                    let terms = (0..n).map(|i| high(matrix[(i, j)]) * high(v[i * lanes + l]));
                    terms.sum()
                })
                .collect();
            for (name, operator) in operators(&matrix) {
                let z = product(&operator, &x, &x_anchors);
                let mut values = v.clone();
                let (_, g) =
                    operator.fill_and_project(&v_anchors, &mut values, |_, (): &mut ()| ());
                let additions = operator.anchored_additions();
                let within = |found: &[f64], exact: &[High], allowed: &dyn Fn(usize) -> f64| {
                    for (k, (found, exact)) in found.iter().zip(exact).enumerate() {
                        let off = (high(*found) - *exact).abs().to_f64();
                        let allowed = (UNIT * found.abs() + allowed(k % lanes)) * 1.000_001;
                        assert!(off <= allowed, "{name}, {k}: {off:e} > {allowed:e}");
                    }
                };
                within(&z, &exact_z, &|l| lost(d, d, x_anchors[l]));
                within(&g, &exact_g, &|l| lost(n, additions, v_anchors[l]));
                let (_, g) =
                    operator.fill_and_project_plainly(lanes, &mut values, |_, (): &mut ()| ());
                // n products and sums, each off by a unit of what there is at most.
                within(&g, &exact_g, &|l| (n + 1) as f64 * UNIT * v_anchors[l]);
            }
        }
    }

    /// Eight lanes beside eight others, and alone; one thread and three.
    #[test]
    fn the_bits_of_a_lane_depend_neither_on_its_neighbours_nor_on_threads() {
        let (n, d) = (40_000, 9);
        let matrix = cancelling(n, d);
        let value = |i: usize, l: usize| ((i * 37 + l * 11) as f64).sin();
        let run = |lanes: usize, threads: usize| {
            let fill = |rows: usize| -> Vec<f64> {
                (0..rows * lanes)
                    .map(|k| value(k / lanes, k % lanes))
                    .collect()
            };
            let (x, v) = (fill(d), fill(n));
            let anchors = vec![anchor(1e6).unwrap(); lanes];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let all = operators(&matrix).into_iter();
                all.map(|(_, operator)| {
                    let z = product(&operator, &x, &anchors);
                    let mut values = v.clone();
                    let (_, g) =
                        operator.fill_and_project(&anchors, &mut values, |_, (): &mut ()| ());
                    let first = |rows: &[f64]| -> Vec<f64> {
                        let rows = rows.chunks_exact(lanes);
                        rows.flat_map(|row| row[..8].to_vec()).collect()
                    };
                    (first(&z), first(&g))
                })
                .collect::<Vec<_>>()
            })
        };
        let expected = run(8, 1);
        assert!(run(16, 1) == expected && run(16, 3) == expected && run(24, 1) == expected);
    }

    #[test]
    fn an_anchor_leaves_room_for_its_bound_on_either_side() {
        for bound in [0.0, 1e-300, 1.0, 1.999_999, 2.0, 3.7e9, 1e249] {
            let found = anchor(bound).unwrap();
            let power = found / 1.5;
            assert_eq!(power.to_bits() << 12, 0, "{bound}");
            assert!(found - bound > power && found + bound < 2.0 * power);
            assert!(bound < 1e-250 || power <= 4.1 * bound, "{bound}");
        }
        for bound in [f64::NAN, -1.0, 1e251, f64::INFINITY] {
            assert_eq!(anchor(bound), None);
        }
    }
}
