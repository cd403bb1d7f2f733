//! `A' v` for dense rows by pairwise sums over all rows, as `dot` adds those of one process.
//!
//! A node of the tree whose rows are all on one rank is computed there; where its halves are on two, the second sends its sums to the
//! first. Rows of a leaf that lies on several ranks are sent themselves: there are less than 64.

use std::ops::Range;

use crate::instance::RowMajor;
use crate::production::ranks::{Ranks, Share};
use crate::production::summation::{LEAF, dot, dot_split};

/// `A' v` (d) with `entry(a_ij)` in place of each entry; `rows` are those of A that are here, v has n entries.
pub(crate) fn column_products(
    share: &Share,
    rows: &RowMajor,
    v: &[f64],
    entry: impl Fn(f64) -> f64,
) -> Vec<f64> {
    let own = share.own();
    let mut nodes = Vec::new();
    if !own.is_empty() {
        collect(0..share.all(), &own, &mut nodes);
    }
    let d = rows.columns();
    let mut sums = vec![vec![0.0; d]; nodes.len()];
    rows.for_each_column(|j, column| {
        column.iter_mut().for_each(|value| *value = entry(*value));
        for (node, sums) in nodes.iter().zip(&mut sums) {
            let here = node.start - own.start..node.end - own.start;
            sums[j] = dot(&column[here], &v[node.clone()]);
        }
    });
    let Some(ranks) = share.ranks() else {
        // The only node is the whole.
        return sums.pop().unwrap_or_else(|| vec![0.0; d]);
    };
    let each = share.each();
    let mut walk = Walk {
        ranks,
        each: &each,
        rows,
        v,
        entry,
        done: sums.into_iter(),
    };
    let root = if own.is_empty() {
        None
    } else {
        walk.node(0..share.all())
    };
    let first = each.iter().position(|rows| !rows.is_empty()).unwrap_or(0);
    share.spread(first, root.unwrap_or_default())
}

/// The largest nodes of the tree whose rows are all in `own`, in order.
fn collect(node: Range<usize>, own: &Range<usize>, nodes: &mut Vec<Range<usize>>) {
    if node.start >= own.start && node.end <= own.end {
        nodes.push(node);
    } else if node.len() > LEAF && node.start < own.end && own.start < node.end {
        let (left, right) = halves(node);
        collect(left, own, nodes);
        collect(right, own, nodes);
    }
}

fn halves(node: Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = node.start + dot_split(node.len());
    (node.start..middle, middle..node.end)
}

/// The way through the tree, the same on all ranks.
struct Walk<'a, Entry> {
    ranks: &'a dyn Ranks,
    each: &'a [Range<usize>],
    rows: &'a RowMajor,
    v: &'a [f64],
    entry: Entry,
    /// The sums of the nodes that are wholly here, in order.
    done: std::vec::IntoIter<Vec<f64>>,
}

impl<Entry: Fn(f64) -> f64> Walk<'_, Entry> {
    fn owner(&self, row: usize) -> usize {
        self.each.partition_point(|rows| rows.end <= row)
    }

    fn own(&self) -> Range<usize> {
        self.each[self.ranks.rank()].clone()
    }

    /// The sums of a node, where its first row is here. Other ranks do what they have to do for it.
    fn node(&mut self, node: Range<usize>) -> Option<Vec<f64>> {
        let own = self.own();
        if node.end <= own.start || own.end <= node.start {
            return None;
        }
        if node.start >= own.start && node.end <= own.end {
            return self.done.next();
        }
        if node.len() <= LEAF {
            return self.leaf(node);
        }
        let (left, right) = halves(node);
        let (here, first, second) = (
            self.ranks.rank(),
            self.owner(left.start),
            self.owner(right.start),
        );
        let left = self.node(left);
        let right = self.node(right);
        if here == second && here != first {
            self.ranks.send(first, &right.unwrap_or_default());
            return None;
        }
        if here != first {
            return None;
        }
        let right = if here == second {
            right
        } else {
            Some(self.ranks.receive(second))
        };
        let (mut sums, right) = (left?, right?);
        for (sum, more) in sums.iter_mut().zip(right) {
            *sum += more;
        }
        Some(sums)
    }

    /// A leaf of which only some rows are here: they go to the rank that has the first.
    fn leaf(&self, leaf: Range<usize>) -> Option<Vec<f64>> {
        let (own, d) = (self.own(), self.rows.columns());
        let here = leaf.start.max(own.start)..leaf.end.min(own.end);
        let mut entries: Vec<f64> = here
            .flat_map(|i| self.rows.row(i - own.start).iter().copied())
            .collect();
        let first = self.owner(leaf.start);
        if self.ranks.rank() != first {
            self.ranks.send(first, &entries);
            return None;
        }
        for rank in first + 1..=self.owner(leaf.end - 1) {
            if !self.each[rank].is_empty() {
                entries.extend(self.ranks.receive(rank));
            }
        }
        let product = |j: usize| {
            let column: Vec<f64> = entries[j..]
                .iter()
                .step_by(d)
                .map(|a| (self.entry)(*a))
                .collect();
            dot(&column, &self.v[leaf.clone()])
        };
        Some((0..d).map(product).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::kernels::partition::Partition;
    use crate::production::ranks::threads::on_ranks;

    /// Chunks of 360 rows: leaves of 64 lie across the ranks. Numbers of all sizes, so that every other order has other bits.
    #[test]
    fn columns_on_several_ranks_have_the_bits_of_whole_ones() {
        let (n, d) = (21_500, 9);
        let entry =
            |i: usize, j: usize| ((i * 7 + j * 3) as f64).sin() * 10f64.powi((i % 13) as i32);
        let v: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).cos()).collect();
        let cut = Partition::new(n, n * 100, 64);
        assert!(!cut.chunk_rows().is_multiple_of(LEAF) && cut.chunks() > 8);
        let expected: Vec<f64> = (0..d)
            .map(|j| {
                let column: Vec<f64> = (0..n).map(|i| entry(i, j).abs()).collect();
                dot(&column, &v)
            })
            .collect();
        for count in [1, 2, 3, 7, 70] {
            let found = on_ranks(count, |ranks| {
                let share = Share::of(&cut, n, &ranks);
                let mut rows = RowMajor::zeros(share.own().len(), d);
                for (place, i) in share.own().enumerate() {
                    for j in 0..d {
                        rows.row_mut(place)[j] = entry(i, j);
                    }
                }
                column_products(&share, &rows, &v, f64::abs)
            });
            assert_eq!(found, vec![expected.clone(); count]);
        }
    }
}
