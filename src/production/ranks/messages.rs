//! Numbers of one rank, or of all, on all ranks.

use crate::production::ranks::{Numbers, Ranks};

/// The numbers of all ranks, those of the first first: by pairs of ranks, of pairs, and so on, and back the same way.
pub(crate) fn gather(ranks: &dyn Ranks, own: Vec<f64>) -> Vec<f64> {
    let (rank, count) = (ranks.rank(), ranks.ranks());
    let mut all = own;
    let mut step = 1;
    while step < count {
        if rank % (2 * step) == step {
            ranks.send(rank - step, &all);
            break;
        }
        if rank + step < count {
            all.extend(ranks.receive(rank + step));
        }
        step *= 2;
    }
    spread(ranks, 0, all)
}

/// The numbers of one rank, on all of them.
pub(crate) fn spread(ranks: &dyn Ranks, from: usize, mut numbers: Vec<f64>) -> Vec<f64> {
    let count = ranks.ranks();
    // Counted from the one that has them.
    let place = (ranks.rank() + count - from) % count;
    let rank_at = |place: usize| (place + from) % count;
    let mut step = count.next_power_of_two() / 2;
    while step > 0 {
        if place % (2 * step) == step {
            numbers = ranks.receive(rank_at(place - step));
        } else if place.is_multiple_of(2 * step) && place + step < count {
            ranks.send(rank_at(place + step), &numbers);
        }
        step /= 2;
    }
    numbers
}

/// What the first rank says that says anything, and which rank it is: the same on all of them.
pub fn first_word(ranks: &dyn Ranks, word: Option<&str>) -> Option<(usize, String)> {
    let letters = word.map(|word| word.bytes().map(f64::from).collect::<Vec<f64>>());
    let mut own = Vec::new();
    letters.write(&mut own);
    let all = gather(ranks, own);
    let mut left = &all[..];
    (0..ranks.ranks()).find_map(|rank| {
        let letters = Option::<Vec<f64>>::read(&mut left)?;
        let bytes: Vec<u8> = letters.iter().map(|letter| *letter as u8).collect();
        Some((rank, String::from_utf8_lossy(&bytes).into_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::ranks::threads::on_ranks;

    #[test]
    fn the_first_that_speaks_is_heard_everywhere() {
        for count in [1, 2, 5] {
            assert_eq!(
                on_ranks(count, |ranks| first_word(ranks.as_ref(), None)),
                vec![None; count]
            );
            let said = on_ranks(count, |ranks| {
                let word = format!("\u{e4}{}", ranks.rank());
                first_word(
                    ranks.as_ref(),
                    (ranks.rank() * 2 >= count - 1).then_some(&word),
                )
            });
            let first = (count - 1).div_ceil(2);
            assert_eq!(said, vec![Some((first, format!("\u{e4}{first}"))); count]);
        }
    }
}
