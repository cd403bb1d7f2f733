//! Families of random and edge cases: which shapes, condition numbers, logit gaps, targets and weights a claim is tried on.

use nalgebra::{DMatrix, DVector};

use crate::claims::{Case, CheckError, Origin};
use crate::instance::sample::{self, Stream};
use crate::instance::{Activation, DesignMatrix, Instance, LossKind};

/// Which targets `b` a family draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Non-negative, adding up to exactly 1.
    Probability,
    /// `||b||_1 <= 1` exactly: probabilities, signed vectors, signed unit vectors, zero, in turn.
    UnitBall,
    /// As `UnitBall`, and every third one scaled by a factor that runs log-uniformly over the decades from 10^-8 to 10^8,
    /// twice as often above 1 as below.
    Any,
    /// As `Any`, with no entry above 0.
    Nonpositive,
    /// As `UnitBall` times the family's radius: `||b||_2 <= R`.
    WithinRadius,
}

/// Which weights `w` a family draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weights {
    /// All zero.
    Zero,
    /// Dyadic in [-2, 2].
    Moderate,
    /// `w_i^2 > base`, by a margin that ranges from 2^-9 to about 2 relative; the sign of `w_i` is random.
    Above {
        /// The bound on `w_i^2` that the premise names.
        base: f64,
    },
    /// As `Above` with `base kappa(A)^2` in place of `base`: the minimiser stays short however ill-conditioned A is, so
    /// that a premise with `exp(30 R^2)`, `R >= ||x*||`, stays within reach of 40 digits.
    AboveSquaredCondition {
        /// The bound on `w_i^2` that the premise names.
        base: f64,
    },
    /// As `Above` with the bound `(base + share b_i^2) kappa(A)^power` of each row's own.
    AboveSquaredTarget {
        /// The part of the bound that does not depend on the target.
        base: f64,
        /// The factor of `b_i^2`.
        share: f64,
        /// 0, or 2 to keep the minimiser short as `AboveSquaredCondition` does.
        power: i32,
    },
    /// As `Above` with the bound `(base + linear ||b||_1 + square ||b||_1^2) kappa(A)^power`: for thresholds that grow with
    /// the length of the whole target.
    AboveTargetNorm {
        /// The part of the bound that does not depend on the target.
        base: f64,
        /// The factor of `||b||_1`.
        linear: f64,
        /// The factor of `||b||_1^2`.
        square: f64,
        /// 0, or 2 to keep the minimiser short as `AboveSquaredCondition` does.
        power: i32,
    },
}

/// Numbers of rows of the tall cases of a family whose check is cheap enough for them.
pub const TALL: (usize, usize) = (20, 24);

/// Which loss a family draws its instances for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Softmax regression.
    Softmax,
    /// Exponential regression.
    Exp,
    /// Hyperbolic cosine regression.
    Cosh,
    /// Hyperbolic sine regression.
    Sinh,
    /// Residual softmax regression.
    ResidualSoftmax,
    /// Two-layer regression with this activation and a second layer of 1 to 4 rows, dyadic in [-1, 1].
    TwoLayer(Activation),
}

impl Drawn {
    /// Whether this loss is the one, whatever the second layer.
    pub fn is(self, loss: &LossKind) -> bool {
        match self {
            Self::Softmax => *loss == LossKind::Softmax,
            Self::Exp => *loss == LossKind::Exp,
            Self::Cosh => *loss == LossKind::Cosh,
            Self::Sinh => *loss == LossKind::Sinh,
            Self::ResidualSoftmax => *loss == LossKind::ResidualSoftmax,
            Self::TwoLayer(drawn) => {
                matches!(loss, LossKind::TwoLayer { activation, .. } if *activation == drawn)
            }
        }
    }

    /// The loss for a matrix with `rows` rows; draws only what the loss itself needs.
    fn kind(self, rows: usize, rng: &mut Stream) -> LossKind {
        match self {
            Self::Softmax => LossKind::Softmax,
            Self::Exp => LossKind::Exp,
            Self::Cosh => LossKind::Cosh,
            Self::Sinh => LossKind::Sinh,
            Self::ResidualSoftmax => LossKind::ResidualSoftmax,
            Self::TwoLayer(activation) => {
                let outputs = sample::integer(rng, 1, 4) as usize;
                LossKind::TwoLayer {
                    second_layer: DMatrix::from_fn(outputs, rows, |_, _| sample::dyadic(rng, 1)),
                    activation,
                }
            }
        }
    }
}

/// How the random and edge cases of a claim are drawn. Case number `i` has a condition number and a logit gap from the
/// listed decades in turn, so that no decade stays empty.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Losses, in turn.
    pub losses: &'static [Drawn],
    /// Smallest and largest number of rows.
    pub rows: (usize, usize),
    /// The same of every twelfth random case; (0, 0): none.
    pub tall: (usize, usize),
    /// Smallest and largest number of columns (never more than the rows).
    pub columns: (usize, usize),
    /// Decades of the condition number of A, each at most 6.
    pub conditions: &'static [u32],
    /// Decades of the logit gap at the first point, each at most 3. Empty: points are short and the gap is what it is.
    pub gaps: &'static [u32],
    /// Largest singular value of A is drawn in (0, `norm`].
    pub norm: f64,
    /// Bounds R of `||A||` and of the length of every point, in turn; they replace `norm` and `gaps`. Empty: none.
    pub radii: &'static [f64],
    /// Targets.
    pub targets: Targets,
    /// Weights. In every fourth case those that are not tied to a condition number are each times a power of two up to 2^20.
    pub weights: Weights,
    /// How many points a case has. In every third case with two or more the second one is drawn towards the first, to a
    /// distance of 2^-1 to 2^-43 of what it was, or onto it.
    pub points: usize,
    /// Whether every eighth matrix has a repeated column (d >= 2).
    pub rank_deficient: bool,
    /// Random cases in a default run.
    pub cases: usize,
}

impl Family {
    /// Small dense instances with every decade, targets in the unit ball, moderate weights, one point.
    pub const GENERAL: Self = Self {
        losses: &[Drawn::Softmax],
        rows: (1, 8),
        tall: TALL,
        columns: (1, 4),
        conditions: &[0, 1, 2, 3, 4, 5, 6],
        gaps: &[0, 1, 2, 3],
        norm: 4.0,
        radii: &[],
        targets: Targets::UnitBall,
        weights: Weights::Moderate,
        points: 1,
        rank_deficient: false,
        cases: 84,
    };

    /// Random case number `index`.
    pub fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case, CheckError> {
        let tall = self.tall.1 > 0 && index % TURNS_OF_TALL == TURNS_OF_TALL - 1;
        let rows = pick(rng, if tall { self.tall } else { self.rows });
        let columns = pick(rng, self.columns).min(rows);
        self.shaped(index, rows, columns, rng)
    }

    /// The hand list: n = 1, d = 1, n = d, with each kind of target the family knows.
    pub fn edges(&self, rng: &mut Stream) -> Result<Vec<Case>, CheckError> {
        let (low, high) = (self.rows.0, self.rows.1);
        let side = self.columns.1.min(high).max(low.min(self.columns.1)).max(1);
        let shapes = [
            (1, 1),
            (high, 1),
            (2, 2),
            (side, side),
            (high, self.columns.1.min(high)),
        ];
        let mut cases = Vec::new();
        for (rows, columns) in shapes {
            if rows < low
                || rows > high
                || columns < self.columns.0
                || columns > self.columns.1
                || rows < columns
            {
                continue;
            }
            for turn in 0..4 {
                let case = self.shaped(cases.len() * 5 + turn, rows, columns, rng)?;
                cases.push(case.from_origin(Origin::Edge(cases.len())));
            }
        }
        Ok(cases)
    }

    fn shaped(
        &self,
        index: usize,
        rows: usize,
        columns: usize,
        rng: &mut Stream,
    ) -> Result<Case, CheckError> {
        let decade = turn(self.conditions, index).unwrap_or(0);
        let condition = if columns == 1 {
            1.0
        } else {
            within_decade(rng, decade)
        };
        let later = index / self.conditions.len().max(1);
        let radius = turn(self.radii, later);
        let largest = radius.unwrap_or(self.norm) * sample::integer(rng, 1, 1024) as f64 / 1024.0;
        let mut a = sample::conditioned_matrix(rng, rows, columns, largest, condition);
        if self.rank_deficient && columns >= 2 && index % 8 == 7 {
            let first = a.column(0).clone_owned();
            a.set_column(1, &first);
        }
        let loss = turn(self.losses, index)
            .unwrap_or(Drawn::Softmax)
            .kind(rows, rng);
        let target = self.target(index, radius, loss.target_length(rows), rng);
        let weights = self.weights(rows, condition, &target, rng);
        let gap = turn(self.gaps, later);
        let mut points = (0..self.points)
            .map(|_| match radius {
                // Entries in [-1, 1]: the length is at most sqrt(d).
                Some(radius) => {
                    sample::dyadic_vector(rng, columns, 1) * (radius / (columns as f64).sqrt())
                }
                None => point(&a, gap, rng),
            })
            .collect::<Vec<_>>();
        if index % TURNS == TURNS - 1
            && let [first, second, ..] = points.as_mut_slice()
        {
            *second = &*first + (&*second - &*first) * closeness(index / TURNS);
        }
        let seed = sample::integer(rng, 0, i64::MAX) as u64;
        let weights = if index % TURNS_OF_HEAVY == TURNS_OF_HEAVY - 1 {
            self.with_heavy_rows(weights, seed)
        } else {
            weights
        };
        let instance =
            Instance::new(loss, DesignMatrix::dense(a)?, target, weights)?.with_points(points)?;
        Ok(Case::new(Origin::Random(index), instance, seed))
    }

    fn target(
        &self,
        index: usize,
        radius: Option<f64>,
        rows: usize,
        rng: &mut Stream,
    ) -> DVector<f64> {
        let kind = sample::integer(rng, 0, 3);
        let unit = match (self.targets, kind) {
            (Targets::Probability, _) | (_, 0) => sample::probability(rng, rows),
            (_, 1) => sample::signed_unit_target(rng, rows),
            (_, 2) => {
                let mut corner = DVector::zeros(rows);
                corner[sample::integer(rng, 0, rows as i64 - 1) as usize] =
                    if sample::integer(rng, 0, 1) == 0 {
                        1.0
                    } else {
                        -1.0
                    };
                corner
            }
            _ => sample::signed_unit_target(rng, rows) * 0.5,
        };
        let scaled = index % TURNS == TURNS - 1;
        match self.targets {
            Targets::Any if scaled => unit * target_size(index / TURNS),
            Targets::Nonpositive if scaled => {
                (unit * target_size(index / TURNS)).map(|entry| -entry.abs())
            }
            Targets::Nonpositive => unit.map(|entry| -entry.abs()),
            Targets::WithinRadius => unit * radius.unwrap_or(1.0),
            Targets::Any | Targets::UnitBall | Targets::Probability => unit,
        }
    }

    /// The weights with each row's times a power of two of its own, up to 2^20: every premise on weights here bounds them from
    /// below. Those that keep the minimiser short of a radius stay: a heavy row would spoil the condition of the Hessian, and
    /// with it what 40 digits tell of a Newton step.
    fn with_heavy_rows(&self, weights: DVector<f64>, seed: u64) -> DVector<f64> {
        let short = match self.weights {
            Weights::Zero | Weights::AboveSquaredCondition { .. } => true,
            Weights::AboveSquaredTarget { power, .. } | Weights::AboveTargetNorm { power, .. } => {
                power != 0
            }
            Weights::Moderate | Weights::Above { .. } => false,
        };
        if short {
            return weights;
        }
        // A stream of its own: nothing else of the case moves.
        let mut rng = sample::stream(seed, "heavy rows", 0);
        weights.map(|weight| weight * 2f64.powi(sample::integer(&mut rng, 0, 20) as i32))
    }

    fn weights(
        &self,
        rows: usize,
        condition: f64,
        target: &DVector<f64>,
        rng: &mut Stream,
    ) -> DVector<f64> {
        match self.weights {
            Weights::Zero => DVector::zeros(rows),
            Weights::Moderate => sample::dyadic_vector(rng, rows, 2),
            Weights::Above { base } => above(base.sqrt(), rows, rng),
            Weights::AboveSquaredCondition { base } => above(base.sqrt() * condition, rows, rng),
            Weights::AboveSquaredTarget { base, share, power } => DVector::from_fn(rows, |i, _| {
                // A loss with another number of outputs than rows has no target of its own for each row.
                let entry = target.get(i).copied().unwrap_or(0.0);
                let bound = (base + share * entry * entry) * condition.powi(power);
                above(bound.sqrt(), 1, rng)[0]
            }),
            Weights::AboveTargetNorm {
                base,
                linear,
                square,
                power,
            } => {
                let size = target.lp_norm(1);
                let bound = (base + linear * size + square * size * size) * condition.powi(power);
                above(bound.sqrt(), rows, rng)
            }
        }
    }
}

/// Of this many cases the last has a scaled target and a second point near the first. No common factor with the numbers of decades,
/// so that every decade gets its share.
const TURNS: usize = 3;
/// Of this many cases the last has heavy rows.
const TURNS_OF_HEAVY: usize = 4;
/// Of this many random cases the last is a tall one.
const TURNS_OF_TALL: usize = 12;

/// Size of scaled target number `turn`, dyadic: `(1 + k/8) 2^j` with `8j + k` running through 8..216 in steps of 83, so that
/// few targets already spread over the decades up to 2^27; every third one is small instead, `(1 + k/8) 2^-j`.
fn target_size(turn: usize) -> f64 {
    let step = 8 + (83 * turn) % 208;
    let octaves = (step / 8) as i32;
    let octaves = if turn % 3 == 1 { -octaves } else { octaves };
    (8 + step % 8) as f64 / 8.0 * 2f64.powi(octaves)
}

/// How much of its distance from the first point near point number `turn` keeps: 0, and `2^-1` to `2^-43` in steps that spread
/// few points over the decades already.
fn closeness(turn: usize) -> f64 {
    match (17 * turn) % 44 {
        0 => 0.0,
        halvings => 2f64.powi(-(halvings as i32)),
    }
}

/// `w = least (1 + k / 1024)`, k >= 1, which rounds to more than `least`, with random signs.
fn above(least: f64, rows: usize, rng: &mut Stream) -> DVector<f64> {
    DVector::from_fn(rows, |_, _| {
        let factor = 1.0 + sample::integer(rng, 1, 1024) as f64 / 1024.0;
        let sign = if sample::integer(rng, 0, 1) == 0 {
            1.0
        } else {
            -1.0
        };
        sign * least.max(1.0 / 1024.0) * factor
    })
}

/// A point whose logits span a gap from the wanted decade; a short dyadic point where no gap is asked for or A x is
/// constant.
fn point(a: &DMatrix<f64>, gap: Option<u32>, rng: &mut Stream) -> DVector<f64> {
    let direction = sample::dyadic_vector(rng, a.ncols(), 1);
    let Some(decade) = gap else { return direction };
    let wanted = within_decade(rng, decade);
    let logits = a * &direction;
    let spread = logits.max() - logits.min();
    if spread > 0.0 {
        direction * (wanted / spread)
    } else {
        direction
    }
}

/// A number in `(10^(k-1), 10^k]`, or in (0, 1] for decade 0 when used as a gap; exactly 1 for a condition number of
/// decade 0 is what `max(1)` gives there.
fn within_decade(rng: &mut Stream, decade: u32) -> f64 {
    let top = 10f64.powi(decade as i32);
    if decade == 0 {
        return 1.0;
    }
    top * sample::integer(rng, 110, 1000) as f64 / 1000.0
}

fn pick(rng: &mut Stream, (low, high): (usize, usize)) -> usize {
    sample::integer(rng, low as i64, high as i64) as usize
}

fn turn<T: Copy>(list: &[T], index: usize) -> Option<T> {
    (!list.is_empty()).then(|| list[index % list.len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Stratum;

    #[test]
    fn the_hand_list_has_the_shapes_inside_the_ranges() {
        for (rows, columns, expected) in [
            ((1, 5), (1, 3), vec![(1, 1), (5, 1), (2, 2), (3, 3), (5, 3)]),
            // One shape only: neither one row, nor one column, nor a square.
            ((3, 3), (2, 2), vec![(3, 2)]),
            // At least four rows: no square of three.
            ((4, 6), (1, 3), vec![(6, 1), (6, 3)]),
            // At least two columns.
            ((2, 4), (2, 3), vec![(2, 2), (3, 3), (4, 3)]),
            // A single row: the widest square is the number itself.
            ((1, 1), (1, 4), vec![(1, 1), (1, 1), (1, 1), (1, 1)]),
            ((1, 4), (1, 1), vec![(1, 1), (4, 1), (1, 1), (4, 1)]),
        ] {
            let family = Family {
                rows,
                columns,
                ..Family::GENERAL
            };
            let cases = family.edges(&mut sample::stream(1, "edges", 0)).unwrap();
            // Four of each shape.
            let shapes: Vec<(usize, usize)> =
                expected.into_iter().flat_map(|shape| [shape; 4]).collect();
            let found: Vec<(usize, usize)> = cases
                .iter()
                .map(|case| (case.instance.rows(), case.instance.columns()))
                .collect();
            assert_eq!(found, shapes, "{rows:?} rows, {columns:?} columns");
            for (index, case) in cases.iter().enumerate() {
                assert_eq!(case.origin, Origin::Edge(index));
            }
        }
    }

    #[test]
    fn the_hand_list_goes_on_by_five_and_one_through_the_decades_and_losses() {
        let family = Family {
            losses: &[Drawn::Exp, Drawn::Cosh, Drawn::Sinh],
            rows: (3, 3),
            columns: (2, 2),
            ..Family::GENERAL
        };
        let cases = family.edges(&mut sample::stream(1, "edges", 0)).unwrap();
        // Case c of four has the number 5c + c: 0, 6, 12, 18, modulo seven decades and modulo three losses.
        let expected = [
            (0, LossKind::Exp),
            (6, LossKind::Exp),
            (5, LossKind::Exp),
            (4, LossKind::Exp),
        ];
        assert_eq!(cases.len(), expected.len());
        for (case, (decade, loss)) in cases.iter().zip(expected) {
            assert_eq!(*case.instance.loss(), loss);
            let strata = case.strata();
            assert!(strata.contains(&Stratum::Condition(decade)), "{strata:?}");
        }
    }
}
