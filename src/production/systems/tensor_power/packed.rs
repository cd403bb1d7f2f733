//! A symmetric tensor by its entries of non-decreasing index.
//!
//! ```text
//! T(u, .., u) = sum over prefixes i1 <= .. <= i(p-2) = l of  c u_i1 .. u_i(p-2) u_l+' M u_l+ / 2
//! c = p! / (product of the factorials of how often each index occurs in the prefix),  u_l+ = (u_l, .., u_(n-1))
//! M_ab = T[prefix, a, b] for a, b > l,  M_lb = T[prefix, l, b] / (r + 1),  M_ll = 2 T[prefix, l, l] / ((r + 1) (r + 2))
//! r = how often l occurs in the prefix
//! ```
//!
//! A term with `m_i` factors `u_i` stands `p! / (product of m_i!)` times in the whole tensor; c counts that for two different last
//! indices beyond l, the divisors make up for the others, and the half for equal ones.

use crate::production::systems::error::Refusal;
use crate::system::Given;

/// Entries that one chunk holds, about: what a thread takes at once.
const CHUNK: usize = 1 << 16;
/// Binary exponents of the largest entry whose square is a normal f64, and so the loss.
const EXPONENTS: std::ops::RangeInclusive<i64> = -500..=500;

/// Consecutive prefixes.
#[derive(Clone, Debug)]
struct Chunk {
    /// The first of them.
    prefix: Vec<usize>,
    /// How many.
    count: usize,
    /// Where its entries begin.
    offset: usize,
}

/// `T / 2^exponent`, whose largest entry is in [1, 2).
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) order: usize,
    pub(super) side: usize,
    pub(super) exponent: i64,
    entries: Vec<f64>,
    chunks: Vec<Chunk>,
    /// An upper bound of the Frobenius norm of all entries.
    pub(super) norm: f64,
}

/// A prefix with its entries: the upper triangle of `T[prefix, a, b]`, l <= a <= b, row by row.
pub(super) struct Block<'a> {
    pub(super) prefix: &'a [usize],
    pub(super) entries: &'a [f64],
    /// The last index of the prefix.
    pub(super) first: usize,
    /// How often that occurs in it.
    pub(super) run: usize,
    /// `(p - 2)!` over the factorials of how often each index occurs: a whole number.
    pub(super) arrangements: f64,
}

/// The next non-decreasing index of entries below `side`; whether there is one.
fn advance(index: &mut [usize], side: usize) -> bool {
    let Some(place) = index.iter().rposition(|entry| entry + 1 < side) else {
        return false;
    };
    let next = index[place] + 1;
    index[place..].fill(next);
    true
}

fn factorial(k: usize) -> f64 {
    (1..=k).map(|k| k as f64).product()
}

/// Each index of a prefix once, with how often it occurs.
pub(super) fn runs(prefix: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    prefix
        .chunk_by(|a, b| a == b)
        .map(|run| (run[0], run.len()))
}

impl Packed {
    /// The tensor of a problem. Refuses one whose squares leave the range of f64, and more components than n.
    pub(super) fn of(given: &Given) -> Result<Self, Refusal> {
        let (side, components) = (given.size("n"), given.size("k"));
        if components > side {
            return Err(Refusal::Components { components, side });
        }
        let tensor = given.array("T");
        let (order, values) = tensor.map_or((0, &[][..]), |tensor| {
            (tensor.shape().len(), tensor.values())
        });
        let largest = values.iter().fold(0.0_f64, |most, t| most.max(t.abs()));
        let exponent = if largest > 0.0 {
            exponent_of(largest)
        } else {
            0
        };
        if !EXPONENTS.contains(&exponent) {
            return Err(Refusal::Range {
                what: "the square of the largest entry of T",
                exponent: 2 * exponent,
            });
        }
        let scale = 2f64.powi(-exponent as i32);
        let mut index = vec![0; order];
        let mut entries = Vec::new();
        loop {
            let place = index.iter().fold(0, |place, axis| place * side + axis);
            entries.push(values[place] * scale);
            if !advance(&mut index, side) {
                break;
            }
        }
        let mut packed = Self {
            order,
            side,
            exponent,
            entries,
            chunks: Vec::new(),
            norm: 0.0,
        };
        packed.cut();
        packed.measure();
        Ok(packed)
    }

    fn cut(&mut self) {
        let mut prefix = vec![0; self.order - 2];
        let (mut offset, mut held) = (0, CHUNK);
        loop {
            if held >= CHUNK {
                self.chunks.push(Chunk {
                    prefix: prefix.clone(),
                    count: 0,
                    offset,
                });
                held = 0;
            }
            if let Some(chunk) = self.chunks.last_mut() {
                chunk.count += 1;
            }
            let side = self.side - prefix[self.order - 3];
            held += side * (side + 1) / 2;
            offset += side * (side + 1) / 2;
            if !advance(&mut prefix, self.side) {
                return;
            }
        }
    }

    /// Squares with their multiplicities, chunk by chunk.
    fn measure(&mut self) {
        /// Covers the rounding of sums over a chunk and over chunks: fewer than 2^20 additions of positive numbers each.
        const SLACK: f64 = 1.0 + 1e-9;
        let pairs = (self.order * (self.order - 1)) as f64;
        let mut total = 0.0;
        for chunk in 0..self.chunks() {
            let mut sum = 0.0;
            self.each(chunk, |block| {
                let m = block.scaled();
                let side = self.side - block.first;
                for a in 0..side {
                    for b in 0..side {
                        let t = m.raw(a, b);
                        let counted = m.weight(a, b) * t * t;
                        sum += block.arrangements * pairs * 0.5 * counted;
                    }
                }
            });
            total += sum;
        }
        self.norm = total.sqrt() * SLACK;
    }

    /// How many chunks there are; they depend on the order and the side alone.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// How many prefixes the longest chunk has, and how many there are.
    pub(super) fn prefixes(&self) -> (usize, usize) {
        let counts = self.chunks.iter().map(|chunk| chunk.count);
        (counts.clone().max().unwrap_or(0), counts.sum())
    }

    /// Every prefix of a chunk in its order.
    pub(super) fn each(&self, chunk: usize, mut visit: impl FnMut(&Block<'_>)) {
        let Chunk {
            prefix,
            count,
            mut offset,
        } = self.chunks[chunk].clone();
        let mut prefix = prefix;
        for _ in 0..count {
            let first = prefix[self.order - 3];
            let side = self.side - first;
            let length = side * (side + 1) / 2;
            let repeated: f64 = runs(&prefix).map(|(_, count)| factorial(count)).product();
            let run = runs(&prefix).last().map_or(1, |(_, count)| count);
            visit(&Block {
                prefix: &prefix,
                entries: &self.entries[offset..offset + length],
                first,
                run,
                arrangements: factorial(self.order - 2) / repeated,
            });
            offset += length;
            advance(&mut prefix, self.side);
        }
    }

    /// `T - lambda v (x) .. (x) v`.
    pub(super) fn less(&mut self, lambda: f64, v: &[f64]) {
        let mut index = vec![0; self.order];
        for entry in &mut self.entries {
            *entry -= index.iter().fold(lambda, |product, i| product * v[*i]);
            advance(&mut index, self.side);
        }
    }
}

/// The M of a block.
pub(super) struct Scaled<'a> {
    entries: &'a [f64],
    side: usize,
    /// What divides the entries of row and column l, and twice the reciprocal of what multiplies the first.
    cross: f64,
    corner: f64,
}

impl Block<'_> {
    /// M of this prefix, by entries counted from l.
    pub(super) fn scaled(&self) -> Scaled<'_> {
        let run = self.run as f64;
        Scaled {
            entries: self.entries,
            // side (side + 1) / 2 entries.
            side: ((2.0 * self.entries.len() as f64).sqrt() as usize).max(1),
            cross: 1.0 / (run + 1.0),
            corner: 2.0 / ((run + 1.0) * (run + 2.0)),
        }
    }
}

impl Scaled<'_> {
    /// The factor of an entry.
    fn weight(&self, a: usize, b: usize) -> f64 {
        match (a, b) {
            (0, 0) => self.corner,
            (0, _) | (_, 0) => self.cross,
            _ => 1.0,
        }
    }

    fn raw(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (a.min(b), a.max(b));
        self.entries[a * self.side - a * (a + 1) / 2 + b]
    }

    /// All of M, row by row, `stride` from one row to the next.
    pub(super) fn fill(&self, matrix: &mut [f64]) {
        let side = self.side;
        let mut rest = self.entries;
        for a in 0..side {
            let (row, after) = rest.split_at(side - a);
            rest = after;
            matrix[a * side + a..(a + 1) * side].copy_from_slice(row);
            for (b, entry) in row.iter().enumerate() {
                matrix[(a + b) * side + a] = *entry;
            }
        }
        for b in 1..side {
            matrix[b] *= self.cross;
            matrix[b * side] *= self.cross;
        }
        matrix[0] *= self.corner;
    }
}

/// The e with `2^e <= value < 2^(e + 1)`, value positive.
fn exponent_of(value: f64) -> i64 {
    let guess = value.log2().floor() as i64;
    let above = |e: i64| 2f64.powi(e as i32) <= value;
    // log2 may be off by a rounding at a power of two.
    (guess - 1..=guess + 1)
        .rev()
        .find(|e| above(*e))
        .unwrap_or(guess)
}
