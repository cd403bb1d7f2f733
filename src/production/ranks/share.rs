//! The rows of each rank, and how results travel in the order of the rows.

use std::ops::Range;
use std::sync::Arc;

use crate::production::kernels::partition::Partition;
use crate::production::ranks::messages::{gather, spread};
use crate::production::ranks::{Numbers, Ranks};

/// Which of n rows are here, and who has the others.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// `None` where all rows are here.
    ranks: Option<Arc<dyn Ranks>>,
    /// Where the rows of each rank begin, then n.
    starts: Arc<[usize]>,
}

impl Share {
    /// All of `rows` rows are here.
    pub fn whole(rows: usize) -> Self {
        Self {
            ranks: None,
            starts: Arc::new([0, rows]),
        }
    }

    /// The chunks of a cut, spread evenly over the ranks; all of them are here where there is one rank or one chunk.
    pub fn of(cut: &Partition, rows: usize, ranks: &Arc<dyn Ranks>) -> Self {
        let (count, chunks) = (ranks.ranks(), cut.chunks());
        if count < 2 || chunks < 2 {
            return Self::whole(rows);
        }
        let starts = (0..=count).map(|r| (r * chunks / count * cut.chunk_rows()).min(rows));
        Self {
            ranks: Some(Arc::clone(ranks)),
            starts: starts.collect(),
        }
    }

    /// Whether all rows are here.
    pub fn is_whole(&self) -> bool {
        self.ranks.is_none()
    }

    /// The rows that are here.
    pub fn own(&self) -> Range<usize> {
        let rank = self.ranks.as_ref().map_or(0, |ranks| ranks.rank());
        self.starts[rank]..self.starts[rank + 1]
    }

    /// The rows of each rank.
    pub fn each(&self) -> Vec<Range<usize>> {
        self.starts
            .windows(2)
            .map(|ends| ends[0]..ends[1])
            .collect()
    }

    /// n.
    pub fn all(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Of an array with n entries those of the rows that are here.
    pub fn part<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        &all[self.own()]
    }

    /// The ranks, where there are several.
    pub fn ranks(&self) -> Option<&dyn Ranks> {
        self.ranks.as_deref()
    }

    /// The numbers of all ranks, those of the first first.
    pub fn gather(&self, own: Vec<f64>) -> Vec<f64> {
        match self.ranks() {
            Some(ranks) => gather(ranks, own),
            None => own,
        }
    }

    /// The numbers of one rank, on all of them.
    pub fn spread(&self, from: usize, numbers: Vec<f64>) -> Vec<f64> {
        match self.ranks() {
            Some(ranks) => spread(ranks, from, numbers),
            None => numbers,
        }
    }

    /// What all ranks found, one after another, in one state: each goes on from where the one before it has ended, and all have the
    /// end. The first begins with `state`.
    pub fn in_turn(&self, mut state: Vec<f64>, work: impl FnOnce(&mut Vec<f64>)) -> Vec<f64> {
        let Some(ranks) = self.ranks() else {
            work(&mut state);
            return state;
        };
        let (rank, last) = (ranks.rank(), ranks.ranks() - 1);
        if rank > 0 {
            state = ranks.receive(rank - 1);
        }
        work(&mut state);
        if rank < last {
            ranks.send(rank + 1, &state);
        }
        self.spread(last, state)
    }

    /// [`in_turn`](Self::in_turn) in a state of another type.
    pub fn in_turn_on<T: Numbers>(&self, mut state: T, work: impl FnOnce(&mut T)) -> T {
        if self.is_whole() {
            work(&mut state);
            return state;
        }
        let mut start = Vec::new();
        state.write(&mut start);
        let end = self.in_turn(start, |numbers| {
            let mut state = T::read(&mut &numbers[..]);
            work(&mut state);
            numbers.clear();
            state.write(numbers);
        });
        T::read(&mut &end[..])
    }

    /// The results of all chunks, from those of the chunks that are here.
    pub fn of_all<T: Numbers>(&self, own: Vec<T>) -> Vec<T> {
        if self.is_whole() {
            return own;
        }
        let mut sent = Vec::new();
        for result in own {
            result.write(&mut sent);
        }
        let all = self.gather(sent);
        let mut left = &all[..];
        let mut results = Vec::new();
        while !left.is_empty() {
            results.push(T::read(&mut left));
        }
        results
    }

    /// Whether something is true on every rank.
    pub fn everywhere(&self, here: bool) -> bool {
        if self.is_whole() {
            return here;
        }
        let all = self.gather(vec![f64::from(u8::from(here))]);
        all.iter().all(|there| *there == 1.0)
    }

    /// A whole number of each rank.
    pub fn counts(&self, here: usize) -> Vec<usize> {
        self.of_all(vec![here])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::ranks::threads::on_ranks;

    const COUNTS: [usize; 6] = [1, 2, 3, 4, 7, 8];

    /// 1,000,000 entries in rows of 10.
    fn cut() -> Partition {
        Partition::new(100_000, 1_000_000, 64)
    }

    #[test]
    fn every_row_is_on_one_rank_and_chunks_are_not_divided() {
        for count in [1, 2, 3, 7, 64, 100] {
            let shares = on_ranks(count, |ranks| Share::of(&cut(), 100_000, &ranks).own());
            let mut next = 0;
            for own in shares {
                assert_eq!(own.start, next);
                assert!(own.end == 100_000 || own.end % cut().chunk_rows() == 0);
                next = own.end;
            }
            assert_eq!(next, 100_000);
        }
    }

    #[test]
    fn one_chunk_is_not_shared() {
        let small = Partition::new(1_000, 1_000, 64);
        assert!(
            on_ranks(3, |ranks| Share::of(&small, 1_000, &ranks).is_whole())
                .iter()
                .all(|whole| *whole)
        );
    }

    #[test]
    fn numbers_are_gathered_in_the_order_of_the_ranks() {
        for count in COUNTS {
            let found = on_ranks(count, |ranks| {
                let share = Share::of(&cut(), 100_000, &ranks);
                // As many numbers as the rank says, none on the first.
                let gathered = share.gather(vec![ranks.rank() as f64; ranks.rank()]);
                let everywhere = (0..count).all(|k| !share.everywhere(ranks.rank() != k));
                let spread: Vec<f64> = (0..count)
                    .flat_map(|from| share.spread(from, vec![ranks.rank() as f64]))
                    .collect();
                (
                    gathered,
                    everywhere,
                    spread,
                    share.everywhere(true),
                    share.counts(ranks.rank() + 5),
                )
            });
            let expected: Vec<f64> = (0..count).flat_map(|k| vec![k as f64; k]).collect();
            let each: Vec<f64> = (0..count).map(|k| k as f64).collect();
            let counts: Vec<usize> = (5..5 + count).collect();
            for found in found {
                assert_eq!(
                    found,
                    (expected.clone(), true, each.clone(), true, counts.clone())
                );
            }
        }
    }

    /// 1, then each rank doubles and adds its number: no other order gives the same.
    #[test]
    fn ranks_take_turns() {
        for count in COUNTS {
            let found = on_ranks(count, |ranks| {
                let share = Share::of(&cut(), 100_000, &ranks);
                share.in_turn(vec![1.0], |state| {
                    state[0] = 2.0 * state[0] + ranks.rank() as f64
                })
            });
            let expected = (0..count).fold(1.0, |state, rank| 2.0 * state + rank as f64);
            assert_eq!(found, vec![vec![expected]; count]);
        }
    }
}
