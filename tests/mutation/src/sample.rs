//! A seeded sample of mutants, uniform and without replacement.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use crate::list::Mutant;

/// `size` of `mutants` (all, if there are no more), in their order. The same seed gives the same sample.
pub fn sample(mutants: &[Mutant], size: Option<usize>, seed: u64) -> Vec<Mutant> {
    let Some(size) = size.filter(|size| *size < mutants.len()) else {
        return mutants.to_vec();
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = index::sample(&mut rng, mutants.len(), size).into_vec();
    chosen.sort_unstable();
    chosen
        .into_iter()
        .map(|index| mutants[index].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::{Genre, Position, Span};

    fn mutants(count: usize) -> Vec<Mutant> {
        let at = |line| Position { line, column: 1 };
        (1..=count)
            .map(|line| Mutant {
                name: format!("{line:04}"),
                package: "p".to_owned(),
                file: "src/a.rs".to_owned(),
                span: Span {
                    start: at(line),
                    end: at(line),
                },
                replacement: String::new(),
                genre: Genre::UnaryOperator,
            })
            .collect()
    }

    #[test]
    fn a_sample_has_its_size_no_repetitions_and_the_order_of_the_list() {
        let drawn = sample(&mutants(100), Some(30), 7);
        assert_eq!(drawn.len(), 30);
        assert!(drawn.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn the_seed_decides() {
        let all = mutants(100);
        assert_eq!(sample(&all, Some(30), 7), sample(&all, Some(30), 7));
        assert_ne!(sample(&all, Some(30), 7), sample(&all, Some(30), 8));
    }

    #[test]
    fn a_sample_larger_than_the_list_is_the_list() {
        assert_eq!(sample(&mutants(5), Some(9), 1), mutants(5));
        assert_eq!(sample(&mutants(5), None, 1), mutants(5));
    }
}
