//! Mistakes told by few digits: where a precision, or a bad condition, leaves fewer than three, one agreement proves nothing.
//!
//! A mistake is named if all of this holds:
//!
//! - The answer is further from the truth than rounding can take it, by the enclosure that the requirement rests on: whatever is
//!   within the rounding of the precision gets no name.
//! - It agrees with the mistake to as many digits as are required.
//! - Chance would hardly do it. Where an entry is off by a number of any size, evenly spread around the truth, it is within a share r
//!   of that error of a given other number with a probability below r. So m entries that the mistake moves visibly all are so for one
//!   of k mistakes with a probability below `k r^m`, r the largest of their shares.
//! - Every other mistake that agrees to the digits required has the same name, or chance would as hardly make of it what was found.
//!   Two that these digits cannot tell apart are not told.

use crate::judge::diagnosis::Mistake;
use crate::judge::digits::{digits, largest, largest_difference};
use crate::judge::score::Score;
use crate::judge::truth::Truth;
use crate::scalar::High;

/// With fewer required digits than this the rules above decide.
pub(super) const FEWEST: f64 = 3.0;
/// Chance that is accepted, over all mistakes.
const CHANCE: f64 = 1e-3;

/// A wrong quantity of which few digits are required.
pub(in crate::judge) struct FewDigits<'a> {
    truth: &'a Truth,
    given: &'a [High],
    required: f64,
    /// Whether the answer is beyond what rounding can do.
    beyond_rounding: bool,
}

impl<'a> FewDigits<'a> {
    /// None where enough digits are required.
    pub(in crate::judge) fn of(truth: &'a Truth, given: &'a [High], score: &Score) -> Option<Self> {
        let required = score.required.min(truth.required);
        (required < FEWEST).then_some(Self {
            truth,
            given,
            required,
            beyond_rounding: required > 0.0 && score.digits < required,
        })
    }

    /// Whether one of `tried` mistakes, which makes `wrong` of the values, explains the answer. The errors of the entries are
    /// functions of `free` numbers.
    pub(in crate::judge) fn tell(&self, wrong: &[High], tried: usize, free: usize) -> bool {
        self.beyond_rounding
            && self.agrees(wrong)
            && self.is_no_chance(&self.truth.values, wrong, tried, free)
    }

    /// The mistake that agrees best, so far as these digits tell it from the others; `rows` logits stand behind the values.
    pub(super) fn common(&self, suspects: &[(&[Mistake], &[High])], rows: usize) -> Vec<Mistake> {
        // Of a Hessian both sides of a product pass through the logits.
        let free = match self.truth.name {
            "hessian" => rows * (rows + 1) / 2,
            _ => rows,
        };
        let tried = suspects.len();
        let agreeing = suspects.iter().filter(|(_, values)| self.agrees(values));
        let agreeing: Vec<_> = agreeing.copied().collect();
        let best = agreeing
            .iter()
            .max_by(|(_, one), (_, other)| self.agreement(one).total_cmp(&self.agreement(other)));
        let Some((named, best)) = best.filter(|(_, best)| self.tell(best, tried, free)) else {
            return Vec::new();
        };
        let rivals: Vec<&[Mistake]> = agreeing
            .iter()
            .filter(|(_, rival)| !self.is_no_chance(rival, best, tried, free))
            .map(|(mistakes, _)| *mistakes)
            .collect();
        named
            .iter()
            .filter_map(|mistake| with_all_texts(mistake.id, &rivals))
            .collect()
    }

    fn agreement(&self, wrong: &[High]) -> f64 {
        let scale = largest(wrong).max(self.truth.scale);
        let (error, _) = largest_difference(self.given, wrong);
        digits(error, scale)
    }

    fn agrees(&self, wrong: &[High]) -> bool {
        self.agreement(wrong) >= self.required
    }

    /// Whether errors of `right` would hardly come as near to `wrong` as the answer is.
    fn is_no_chance(&self, right: &[High], wrong: &[High], tried: usize, free: usize) -> bool {
        let unit = self.truth.precision.unit();
        let (mut visible, mut share) = (Vec::new(), 0.0_f64);
        for (k, (right, wrong)) in right.iter().zip(wrong).enumerate() {
            let step = unit * right.abs().max(wrong.abs());
            let moved = (*wrong - *right).abs();
            // Chosen without the answer, which must not choose what speaks for it.
            if moved <= self.truth.allowed[k].max(step * High::int(2)) {
                continue;
            }
            let given = self.given[k];
            // No nearer than half the distance of two numbers of the precision.
            let left = (given - *wrong).abs().max(step);
            let error = (given - *right).abs();
            share = share.max(if error > left {
                (left / error).to_f64()
            } else {
                1.0
            });
            let mut place = self.truth.place(k);
            // The two halves of a Hessian are rounded alike.
            place.sort_unstable();
            if !visible.contains(&place) {
                visible.push(place);
            }
        }
        let entries = visible.len().min(free);
        tried as f64 * share.powi(i32::try_from(entries).unwrap_or(i32::MAX)) <= CHANCE
    }
}

/// The mistake of this name with all that is said of it, if every list has one.
fn with_all_texts(id: &'static str, lists: &[&[Mistake]]) -> Option<Mistake> {
    let mut texts: Vec<&str> = Vec::new();
    for list in lists {
        let text = list.iter().find(|mistake| mistake.id == id)?.text.as_str();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Some(Mistake::new(id, &texts.join("; or ")))
}

#[cfg(test)]
mod tests;
