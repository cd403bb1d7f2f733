//! Who takes part in a round, and who is not waited for.

use rand::Rng;

use crate::instance::sample::{self, Stream};
use crate::production::systems::error::Refusal;
use crate::system::{Array, Given};

/// Who is drawn and who is late, round by round.
pub(super) struct Schedule {
    clients: usize,
    participants: usize,
    stragglers: usize,
    /// The mean time of each client; 0 is always in time.
    delays: Vec<f64>,
    seed: u64,
}

/// Uniform in `[0, 1)`.
fn uniform(rng: &mut Stream) -> f64 {
    (rng.next_u64() >> 11) as f64 * 2f64.powi(-53)
}

impl Schedule {
    /// Of a given problem. Refuses a round that nobody takes part in, and one for which nobody is waited.
    pub(super) fn of(given: &Given, seed: u64) -> Result<Self, Refusal> {
        let clients = given.size("N");
        let [participants, stragglers] =
            ["participants", "stragglers"].map(|name| given.scalar(name) as usize);
        if !(1..=clients).contains(&participants) {
            return Err(Refusal::Participants {
                participants,
                clients,
            });
        }
        if stragglers >= participants {
            return Err(Refusal::Stragglers {
                stragglers,
                participants,
            });
        }
        let delays = match given.array("delays").map_or(&[][..], Array::values) {
            [all] => vec![*all; clients],
            each => each.to_vec(),
        };
        Ok(Self {
            clients,
            participants,
            stragglers,
            delays,
            seed,
        })
    }

    /// How many differences a round waits for.
    pub(super) fn waited_for(&self) -> usize {
        self.participants - self.stragglers
    }

    /// Whether every round hears every client.
    pub(super) fn is_full(&self) -> bool {
        self.waited_for() == self.clients
    }

    /// The clients that are drawn in a round, and those of them that are in time, each in ascending order.
    pub(super) fn round(&self, round: usize) -> (Vec<usize>, Vec<usize>) {
        let mut rng = sample::stream(self.seed, "federated-softmax", round as u64);
        let mut drawn: Vec<usize> = (0..self.clients).collect();
        if self.participants < self.clients {
            for k in 0..self.participants {
                let other = sample::integer(&mut rng, k as i64, self.clients as i64 - 1);
                drawn.swap(k, other as usize);
            }
            drawn.truncate(self.participants);
            drawn.sort_unstable();
        }
        if self.stragglers == 0 {
            return (drawn.clone(), drawn);
        }
        let mut left = drawn.clone();
        let mut in_time: Vec<usize> = (0..self.waited_for())
            .map(|_| left.remove(self.first(&left, &mut rng)))
            .collect();
        in_time.sort_unstable();
        (drawn, in_time)
    }

    /// Which of these comes first: of exponential times the k-th is the least with probability `r_k / sum r`, r the inverses of their
    /// means, and what is left of the others is exponential again. So no logarithm is needed, whose bits machines differ in.
    fn first(&self, left: &[usize], rng: &mut Stream) -> usize {
        let rates: Vec<f64> = left.iter().map(|c| self.delays[*c].recip()).collect();
        if let Some(at_once) = rates.iter().position(|rate| rate.is_infinite()) {
            return at_once;
        }
        let mut mark = uniform(rng) * rates.iter().sum::<f64>();
        for (k, rate) in rates.iter().enumerate() {
            if mark < *rate {
                return k;
            }
            mark -= rate;
        }
        rates.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(participants: usize, stragglers: usize, delays: &[f64]) -> Schedule {
        Schedule {
            clients: delays.len(),
            participants,
            stragglers,
            delays: delays.to_vec(),
            seed: 3,
        }
    }

    #[test]
    fn everybody_takes_part_unless_somebody_is_drawn_or_late() {
        let all = schedule(3, 0, &[1.0; 3]);
        assert!(all.is_full());
        assert_eq!(all.round(7), (vec![0, 1, 2], vec![0, 1, 2]));
        let some = schedule(2, 0, &[1.0; 3]);
        assert!(!some.is_full() && !schedule(3, 1, &[1.0; 3]).is_full());
        let rounds: Vec<_> = (0..20).map(|t| some.round(t)).collect();
        assert!(
            rounds
                .iter()
                .all(|(drawn, in_time)| drawn.len() == 2 && drawn == in_time)
        );
        assert!(rounds.iter().any(|round| round != &rounds[0]));
        assert_eq!(rounds[4], some.round(4));
    }

    /// Two clients, one four times as fast: it comes first with probability 4/5. Of 2000 rounds 1600 are within 6 deviations of 18.
    #[test]
    fn the_faster_is_first_in_proportion_to_its_rate() {
        let some = schedule(2, 1, &[4.0, 1.0]);
        let fast = (0..2000).filter(|t| some.round(*t).1 == [1]).count();
        assert!((1492..=1708).contains(&fast), "{fast}");
        // Each of three clients is left out of two in a third of the rounds: 667, deviation 21.
        let drawn = schedule(2, 0, &[1.0; 3]);
        for c in 0..3 {
            let out = (0..2000)
                .filter(|t| !drawn.round(*t).0.contains(&c))
                .count();
            assert!((541..=793).contains(&out), "{c}: {out}");
        }
    }

    #[test]
    fn without_a_delay_a_client_is_always_in_time_and_ties_go_in_order() {
        let some = schedule(3, 2, &[1.0, 0.0, 0.0]);
        assert!((0..50).all(|t| some.round(t).1 == [1]));
    }
}
