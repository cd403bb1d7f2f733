//! How rows are cut into blocks and chunks.
//!
//! A block is what a kernel works on at once (it fits the first-level cache, or the second where rows are long); a chunk is
//! what one thread works on at once. Both depend on the shape of the matrix only, and partial results are added in the order
//! of the chunks, so the bits of a result do not depend on the number of threads.

use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::instance::row_major::LINE;

/// Entries of a block: 32 KiB of f64, about the first-level cache, where what a sweep reads twice is found again.
const BLOCK_ENTRIES: usize = 4_096;
/// Rows of a block at least and at most.
const BLOCK_ROWS: (usize, usize) = (32, 1024);
/// Chunks at most.
const CHUNKS: usize = 64;
/// All partial Gram matrices together take at most this many bytes, but there are at least two of them.
const GRAM_BYTES: usize = 32 << 20;
const GRAM_CHUNKS: (usize, usize) = (2, 32);

/// Below this many entries one thread is faster than two.
const PARALLEL_ENTRIES: usize = 150_000;

/// Some rows of a matrix, in ascending order.
#[derive(Clone, Debug)]
pub(crate) enum Rows<'a> {
    /// All of a range.
    Range(Range<usize>),
    /// Those of a list.
    List(&'a [usize]),
}

impl<'a> Rows<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::List(list) => list.len(),
        }
    }

    /// Their indices.
    #[inline(always)]
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let (range, list) = match self {
            Self::Range(range) => (range.clone(), &[][..]),
            Self::List(list) => (0..0, *list),
        };
        range.chain(list.iter().copied())
    }

    /// The first `count` of them, and the others. Panics where there are fewer.
    pub fn split_at(self, count: usize) -> (Self, Self) {
        match self {
            Self::Range(range) => {
                assert!(count <= range.len());
                let middle = range.start + count;
                (
                    Self::Range(range.start..middle),
                    Self::Range(middle..range.end),
                )
            }
            Self::List(list) => {
                let (first, rest) = list.split_at(count);
                (Self::List(first), Self::List(rest))
            }
        }
    }

    /// Groups of `size` rows and a last one that may be smaller.
    pub fn groups(self, size: usize) -> Vec<Self> {
        match self {
            Self::Range(range) => {
                let last = range.end;
                range
                    .step_by(size)
                    .map(|first| Self::Range(first..(first + size).min(last)))
                    .collect()
            }
            Self::List(list) => list.chunks(size).map(Self::List).collect(),
        }
    }
}

/// A fixed cut of n rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition {
    rows: usize,
    /// Rows of a block.
    block: usize,
    /// Rows of a chunk, a multiple of `block`.
    chunk: usize,
    parallel: bool,
}

impl Partition {
    /// The cut of a matrix with so many rows and stored entries, into at most `most_chunks` chunks.
    pub fn new(rows: usize, entries: usize, most_chunks: usize) -> Self {
        let per_row = (entries / rows.max(1)).max(1);
        let block = (BLOCK_ENTRIES / per_row)
            .clamp(BLOCK_ROWS.0, BLOCK_ROWS.1)
            .next_multiple_of(8);
        let parallel = entries >= PARALLEL_ENTRIES;
        let chunks = if parallel {
            most_chunks.clamp(1, CHUNKS)
        } else {
            1
        };
        Self {
            rows,
            block,
            // No rows are no chunks, which still have a length.
            chunk: rows.max(1).div_ceil(chunks).next_multiple_of(block),
            parallel,
        }
    }

    /// The cut of a matrix with so many rows, stored entries and columns into the pieces of a Gram matrix.
    pub fn of_gram(rows: usize, entries: usize, columns: usize) -> Self {
        let stride = columns.next_multiple_of(LINE);
        let square = stride * stride * size_of::<f64>();
        let chunks = (GRAM_BYTES / square.max(1)).clamp(GRAM_CHUNKS.0, GRAM_CHUNKS.1);
        Self::new(rows, entries, chunks)
    }

    /// The cut of some rows that follow each other and begin with a chunk.
    pub fn part(&self, rows: usize) -> Self {
        Self { rows, ..*self }
    }

    /// Rows of a block at most.
    pub fn block_rows(&self) -> usize {
        self.block
    }

    /// Rows of a chunk at most.
    pub fn chunk_rows(&self) -> usize {
        self.chunk
    }

    /// The number of chunks.
    pub fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk)
    }

    /// The blocks of a range of rows.
    pub fn blocks(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (last, block) = (rows.end, self.block);
        rows.step_by(block)
            .map(move |first| first..(first + block).min(last))
    }

    /// Works on every chunk with an item of its own, on several threads where it pays.
    pub fn for_each<T: Send>(
        &self,
        items: impl IntoParallelIterator<Item = T, Iter: IndexedParallelIterator>
        + IntoIterator<Item = T>,
        work: impl Fn(Range<usize>, T) + Sync + Send,
    ) {
        let range = |k: usize| k * self.chunk..((k + 1) * self.chunk).min(self.rows);
        if self.parallel {
            items
                .into_par_iter()
                .enumerate()
                .for_each(|(k, item)| work(range(k), item));
        } else {
            for (k, item) in items.into_iter().enumerate() {
                work(range(k), item);
            }
        }
    }

    /// Works on items in any order, on several threads where it pays, with a tool that each thread makes for itself.
    pub fn for_each_with<T: Send, Tool: Send>(
        &self,
        items: Vec<T>,
        tool: impl Fn() -> Tool + Sync + Send,
        work: impl Fn(&mut Tool, T) + Sync + Send,
    ) {
        if self.parallel {
            items.into_par_iter().for_each_init(&tool, &work);
        } else {
            let mut tool = tool();
            for item in items {
                work(&mut tool, item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_and_blocks_cover_every_row_once_and_in_order() {
        for (rows, entries) in [
            (1, 1),
            (7, 70),
            (100_000, 6_400_000),
            (20_000, 10_000_000),
            (1_000_000, 10_000_000),
        ] {
            let partition = Partition::new(rows, entries, 64);
            let seen = std::sync::Mutex::new(vec![Vec::new(); partition.chunks()]);
            let indices: Vec<usize> = (0..partition.chunks()).collect();
            partition.for_each(indices, |range, k| {
                let blocks: Vec<_> = partition.blocks(range).collect();
                seen.lock().unwrap()[k] = blocks;
            });
            let mut next = 0;
            for block in seen.into_inner().unwrap().into_iter().flatten() {
                assert_eq!(block.start, next);
                assert!(!block.is_empty() && block.len() <= partition.block_rows());
                next = block.end;
            }
            assert_eq!(next, rows);
        }
    }
}
