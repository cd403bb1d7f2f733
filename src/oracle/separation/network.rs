//! The network and its data sets.

use super::error::SeparationError;
use super::sign_sums::SignSums;
use crate::scalar::{Ball, High};

/// More tokens, degrees or sign vectors than any question needs, and few enough for exact whole numbers.
const MOST: u64 = 1 << 40;

/// What a network is given beside an excess and a degree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkSizes {
    /// d, at least 3: one column for the large token, d - 2 classes, one common column.
    pub width: u64,
    /// t, at least 1: how many tokens a class has; there are `n = (d - 2) t`, at least 2.
    pub copies: u64,
    /// b, above 0 and below 1: the weight of a token's class; that of the common column is `c = 1 - b`.
    pub class_weight: f64,
    /// kappa, above 0: the threshold is `tau = (c + kappa) sqrt(ln n)`. The paper has 0.1.
    pub margin: f64,
    /// m, at least 1: how many random sign vectors read the output.
    pub signs: u64,
}

/// The network of arXiv 2310.20051 on its data sets, as far as they are recalled from arXiv 2310.11685 (wording not seen in print).
///
/// ```text
/// A1 = A2 = A3 = s [ a e_j3 | b (I; ..; I) | c 1 ],  s = sqrt(ln n)     n x d, t copies of the identity
/// Z = A1 X A2' with X = 1 1'                                            = r r', r = s (1 + a e_j3)
/// f = Z_j0^beta / <Z_j0^beta, 1>                                        p at j3, v = (1 - p) / (n - 1) elsewhere, for every j0
/// c_j0 = A3' f                                                          fires where <c_j0, y> > tau for one of m sign vectors y
/// ```
#[derive(Clone, Debug)]
pub struct SignNetwork {
    tokens: i64,
    width: i64,
    copies: i64,
    class_weight: Ball,
    margin: Ball,
    signs: i64,
    classes: SignSums,
}

/// From which degree on the output passes the threshold when all signs agree with it and the random part is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FiringDegree {
    /// At every degree.
    Always,
    /// At none.
    Never,
    /// Above this one: `(ln(n - 1) + ln(p* / (1 - p*))) / ln(1 + a)`.
    Above(High),
}

impl SignNetwork {
    /// Of these sizes.
    pub fn new(sizes: &NetworkSizes) -> Result<Self, SeparationError> {
        let width = SeparationError::counted("the width", sizes.width, 3, MOST)?;
        let copies = SeparationError::counted("the number of copies", sizes.copies, 1, MOST)?;
        let tokens = (width - 2).saturating_mul(copies);
        let tokens = SeparationError::counted("the number of tokens", tokens, 2, MOST)?;
        let signs = SeparationError::counted("the number of sign vectors", sizes.signs, 1, MOST)?;
        let b = sizes.class_weight;
        let fits = b > 0.0 && b < 1.0;
        let b = SeparationError::checked("the class weight", b, fits, "above 0 and below 1")?;
        let margin = sizes.margin;
        let margin = SeparationError::checked("the margin", margin, margin > 0.0, "above 0")?;
        Ok(Self {
            tokens: tokens as i64,
            width: width as i64,
            copies: copies as i64,
            class_weight: lifted(b),
            margin: lifted(margin),
            signs: signs as i64,
            classes: SignSums::of(width - 3)?,
        })
    }

    /// `n = (d - 2) t`.
    pub fn tokens(&self) -> u64 {
        self.tokens as u64
    }

    /// `(p, 1 - p)`: the share of the large token, `1 / (1 + (n - 1) (1 + a)^-beta)`, and that of all others.
    pub fn share(&self, excess: f64, degree: u64) -> Result<(Ball, Ball), SeparationError> {
        let degree = SeparationError::counted("the degree", degree, 0, MOST)?;
        let excess = checked_excess(excess)?;
        let power = powered(int(1) + excess, degree);
        let others = int(self.tokens - 1);
        let total = power + others;
        Ok((power / total, others / total))
    }

    /// `(a p + b (p + (t - 1) v), b t v)`: what the output has when its first signs are plus, beyond `c`, and what each of the
    /// other classes adds to it.
    pub fn signal(&self, excess: f64, degree: u64) -> Result<(Ball, Ball), SeparationError> {
        let (large, class, other) = self.parts(excess, degree)?;
        Ok((large + class, other))
    }

    /// `a p`, `b (p + (t - 1) v)`, `b t v`.
    fn parts(&self, excess: f64, degree: u64) -> Result<(Ball, Ball, Ball), SeparationError> {
        let (p, rest) = self.share(excess, degree)?;
        let each = rest / int(self.tokens - 1);
        Ok((
            lifted(excess) * p,
            self.class_weight * (p + int(self.copies - 1) * each),
            self.class_weight * int(self.copies) * each,
        ))
    }

    /// `P[<c_j0, y> > tau]` over one random sign vector, enclosed: the mean of eight binomial tails.
    ///
    /// A negative excess or one that is no number, and a degree beyond 2^40, are refused.
    pub fn fires(&self, excess: f64, degree: u64) -> Result<Ball, SeparationError> {
        let (large, class, other) = self.parts(excess, degree)?;
        let common = int(1) - self.class_weight;
        let mut mean = Ball::exact(High::ZERO);
        let signed = |ball: Ball, minus: usize| if minus == 0 { ball } else { -ball };
        for turn in 0..8 {
            let heard = signed(large, turn & 1) + signed(class, turn & 2);
            // With a plus the common column is equal to its part of the threshold.
            let missing = if turn & 4 == 0 {
                self.margin - heard
            } else {
                self.margin + common + common - heard
            };
            mean = mean + self.classes.beyond(missing / other);
        }
        Ok(mean * Ball::exact(High::ratio(1, 8)))
    }

    /// `P[F > 0] = 1 - (1 - P[<c_j0, y> > tau])^m`: every token gives the same output, so that no more than m vectors count.
    pub fn any_fires(&self, excess: f64, degree: u64) -> Result<Ball, SeparationError> {
        let one = self.fires(excess, degree)?;
        // Increasing: the ends of the ball, each to within ten units of itself.
        let at = |probability: High| {
            if probability >= High::ONE {
                return High::ONE;
            }
            let none = High::int(self.signs) * (-probability.max(High::ZERO)).ln_1p();
            -none.exp_m1()
        };
        let low = at(one.midpoint() - one.radius());
        let high = at(one.midpoint() + one.radius());
        let middle = (low + high) / High::int(2);
        Ok(Ball::new(middle, (high - low).abs() + high.shifted(-37)))
    }

    /// From which degree on `a p + b (p + (t - 1) v) > kappa`: `p > p* = (kappa - b w) / (a + b (1 - w))`, `w = (t - 1) / (n - 1)`.
    pub fn firing_degree(&self, excess: f64) -> Result<FiringDegree, SeparationError> {
        let a = checked_excess(excess)?.midpoint();
        let (b, kappa) = (self.class_weight.midpoint(), self.margin.midpoint());
        let others = High::int(self.tokens - 1);
        let w = High::int(self.copies - 1) / others;
        let numerator = kappa - b * w;
        let rest = a + b * (High::ONE - w) - numerator;
        if !numerator.is_positive() {
            return Ok(FiringDegree::Always);
        }
        if !rest.is_positive() {
            return Ok(FiringDegree::Never);
        }
        let wanted = others.ln() + (numerator / rest).ln();
        Ok(match (wanted.is_negative(), a.is_zero()) {
            (true, _) => FiringDegree::Always,
            (false, true) => FiringDegree::Never,
            (false, false) => FiringDegree::Above(wanted / a.ln_1p()),
        })
    }

    /// The least m with `1 - (1 - pi)^m >= 1 - failure` for the probability pi that one sign vector fires; `None` where that
    /// cannot be told from 0, or more than 2^40 would be needed.
    pub fn least_signs(
        &self,
        excess: f64,
        degree: u64,
        failure: f64,
    ) -> Result<Option<u64>, SeparationError> {
        let failure = lifted(checked_failure(failure)?).midpoint();
        let one = self.fires(excess, degree)?;
        let least = one.midpoint() - one.radius();
        if !least.is_positive() {
            return Ok(None);
        }
        let needed = failure.ln() / (-least).ln_1p();
        let more = needed.to_f64().ceil().max(1.0);
        Ok((more <= MOST as f64).then_some(more as u64))
    }

    /// A width from which on all m vectors stay silent up to a probability `failure`, by Hoeffding's inequality:
    /// `d - 2 >= 2 b^2 ln(m / failure) / (kappa - signal)^2` with the signal of this network at this degree; `None` where the
    /// signal reaches kappa, or a width beyond 2^40 would be needed.
    pub fn silent_width(
        &self,
        excess: f64,
        degree: u64,
        failure: f64,
    ) -> Result<Option<u64>, SeparationError> {
        let failure = lifted(checked_failure(failure)?).midpoint();
        let (signal, _) = self.signal(excess, degree)?;
        let gap = self.margin - signal;
        let gap = gap.midpoint() - gap.radius();
        if !gap.is_positive() {
            return Ok(None);
        }
        let ratio = High::int(self.signs) / failure;
        let b = self.class_weight.midpoint();
        let needed = High::int(2) * b.square() * ratio.ln() / gap.square();
        let more = needed.to_f64().ceil() + 2.0;
        Ok((more <= MOST as f64).then_some(more as u64))
    }

    /// d.
    pub fn width(&self) -> u64 {
        self.width as u64
    }
}

/// A probability of failure strictly between 0 and 1.
pub(super) fn checked_failure(failure: f64) -> Result<f64, SeparationError> {
    let fits = failure > 0.0 && failure < 1.0;
    SeparationError::checked(
        "the failure probability",
        failure,
        fits,
        "above 0 and below 1",
    )
}

fn checked_excess(excess: f64) -> Result<Ball, SeparationError> {
    SeparationError::checked("the excess", excess, excess >= 0.0, "at least 0").map(lifted)
}

fn lifted(value: f64) -> Ball {
    Ball::exact(High::lift(value).unwrap_or(High::POISONED))
}

fn int(value: i64) -> Ball {
    Ball::exact(High::int(value))
}

/// By repeated squaring.
fn powered(base: Ball, degree: u64) -> Ball {
    let (mut rest, mut square, mut power) = (degree, base, int(1));
    while rest > 0 {
        if rest % 2 == 1 {
            power = power * square;
        }
        rest /= 2;
        if rest > 0 {
            square = square * square;
        }
    }
    power
}
