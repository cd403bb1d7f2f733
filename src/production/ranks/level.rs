//! The vector instructions that all ranks have: others have other bits.

use crate::production::ProblemError;
use crate::production::kernels::Level;
use crate::production::ranks::{Numbers, Share};

/// The best level that every rank has.
pub(crate) fn common_level(share: &Share) -> Result<Level, ProblemError> {
    let names: Vec<Name> = Level::all()
        .into_iter()
        .map(|level| Name(level.name().to_owned()))
        .collect();
    let each = share.of_all(vec![names]);
    let best = common(&each);
    Level::all()
        .into_iter()
        .find(|level| Some(level.name()) == best)
        .ok_or_else(|| {
            let best = each.iter().filter_map(|names| names.last());
            let best: Vec<&str> = best.map(|Name(name)| name.as_str()).collect();
            ProblemError::Processors {
                levels: best.join(", "),
            }
        })
}

/// The last name of the first list that is in all of them.
fn common(each: &[Vec<Name>]) -> Option<&str> {
    let in_all = |name: &&Name| each.iter().all(|names| names.contains(name));
    let first = each.first()?;
    first
        .iter()
        .rev()
        .find(in_all)
        .map(|Name(name)| name.as_str())
}

/// The name of a level, letter by letter.
#[derive(Debug, PartialEq)]
struct Name(String);

impl Numbers for Name {
    fn write(&self, to: &mut Vec<f64>) {
        let letters: Vec<f64> = self.0.bytes().map(f64::from).collect();
        letters.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        let letters = Vec::<f64>::read(from);
        Self(
            letters
                .iter()
                .map(|letter| char::from(*letter as u8))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::kernels::partition::Partition;
    use crate::production::ranks::threads::on_ranks;

    fn names(list: &[&str]) -> Vec<Name> {
        list.iter().map(|name| Name((*name).to_owned())).collect()
    }

    #[test]
    fn the_best_level_that_all_have_is_taken() {
        let wide = ["baseline", "avx2", "avx512"];
        let narrow = ["baseline", "avx2"];
        for (each, best) in [
            (vec![&wide[..], &wide], "avx512"),
            (vec![&wide, &narrow], "avx2"),
            (vec![&narrow, &wide, &wide[..1]], "baseline"),
        ] {
            let each: Vec<Vec<Name>> = each.into_iter().map(names).collect();
            assert_eq!(common(&each), Some(best));
        }
        assert_eq!(common(&[names(&narrow), names(&["neon"])]), None);
    }

    #[test]
    fn ranks_of_one_machine_have_its_best_level() {
        let cut = Partition::new(100_000, 1_000_000, 64);
        let found = on_ranks(3, |ranks| {
            let share = Share::of(&cut, 100_000, &ranks);
            common_level(&share).unwrap().name()
        });
        assert_eq!(found, [Level::best().name(); 3]);
    }
}
