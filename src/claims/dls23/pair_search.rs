//! The adversarial searches for two hard points of one instance: a few free rows inside a ball, and groups of equal rows.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::{Case, CheckError, Origin};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};

use super::pair::{Number, Pair, Statement, Target};

/// Where a search looks for its R: `||A|| = R`, `||x||_2, ||y||_2 <= R`, R within a factor of 2 of one of these.
const RADII: [f64; 6] = [1.0 / 64.0, 0.25, 0.5, 1.0, 2.0, 4.0];

/// Relative distance of `x` and `y` below which an f64 difference says too little.
const CLOSEST: f64 = 1e-5;

/// Cancellation at which f64 has about four digits left: such a point is not counted as found.
const CANCELLATION: f64 = 1e-12;

/// Octaves of the size of a target where the statement asks nothing of b: 10^-3 to 10^7.
const TARGET_OCTAVES: (i64, i64) = (-10, 24);

/// The longest target with `||b||_1 <= 1` that rounding cannot lead out of the ball.
const INSIDE: f64 = 1.0 - 1.0 / 1024.0;

/// Which targets one search tries.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A signed unit vector times this; a convex function of b is largest at such a corner.
    Corner(f64),
    /// Any direction, of this length in the 1-norm.
    Free(f64),
}

/// Searches for the hardest two points, R, A and b, from one cold start: the case with the largest observed / allowed.
/// Shapes from `smallest` to 4 rows, 1 to 2 columns.
pub fn search(
    rng: &mut Stream,
    smallest: i64,
    target: Target,
    statement: Statement<'_, f64>,
) -> Result<Case, CheckError> {
    let n = sample::integer(rng, smallest, 4) as usize;
    let d = sample::integer(rng, 1, 2.min(n as i64)) as usize;
    let middle = RADII[sample::integer(rng, 0, RADII.len() as i64 - 1) as usize];
    let corner = sample::integer(rng, 0, n as i64 - 1) as usize;
    let size = match target {
        Target::Any => 2f64.powi(sample::integer(rng, TARGET_OCTAVES.0, TARGET_OCTAVES.1) as i32),
        Target::UnitBall => INSIDE,
    };
    let kind = match sample::integer(rng, 0, 5) {
        0 => Kind::Corner(0.0),
        1 | 2 => Kind::Corner(1.0),
        3 => Kind::Corner(-1.0),
        4 => Kind::Free(INSIDE),
        _ => Kind::Free(size),
    };
    let build = |unknowns: &[f64]| -> Result<Case, CheckError> {
        let (unknowns, rest) = unknowns.split_at(n * d + 2 * d);
        let radius = middle * rest[n].clamp(-1.0, 1.0).exp2();
        let a = DMatrix::from_column_slice(n, d, &unknowns[..n * d]);
        let norm = f64::spectral_norm(&a)?;
        let a = a * (radius / norm);
        let inside = |part: &[f64]| {
            let point = DVector::from_column_slice(part);
            let length = point.norm();
            point * (radius / length.max(1.0))
        };
        let x = inside(&unknowns[n * d..n * d + d]);
        let y = inside(&unknowns[n * d + d..n * d + 2 * d]);
        let target = match kind {
            Kind::Corner(entry) => {
                DVector::from_fn(n, |i, _| if i == corner { entry } else { 0.0 })
            }
            Kind::Free(length) => {
                let direction = DVector::from_column_slice(&rest[..n]);
                let sum = direction.lp_norm(1);
                direction * (length / sum)
            }
        };
        let instance = Instance::new(
            LossKind::Softmax,
            DesignMatrix::dense(a)?,
            target,
            DVector::zeros(n),
        )?
        .with_points(vec![x, y])?;
        Ok(Case::new(Origin::Attack(0), instance, 0))
    };
    let hardness = |unknowns: &[f64]| -> Option<f64> {
        let pair = Pair::<f64>::of(&build(unknowns).ok()?).ok()?;
        let bound = statement(&pair).ok()?;
        let telling =
            pair.distance > CLOSEST * middle && bound.observed > CANCELLATION * bound.terms;
        telling.then(|| bound.observed / bound.allowed)
    };
    let start = attack::cold_start(rng, n * d + 2 * d + n + 1, 1);
    let (best, _) = attack::maximise(
        &|unknowns| hardness(unknowns).unwrap_or(f64::NAN),
        start,
        EFFORT,
    );
    build(&best)
}

/// Up to seventeen unknowns, and a cheap objective.
const EFFORT: Effort = Effort {
    evaluations: 600,
    restarts: 4,
    edge: 1.0,
};

/// Numbers of equal light rows that a search in groups tries.
const LIGHT_ROWS: [usize; 8] = [1, 2, 3, 4, 6, 9, 13, 19];

/// Points drawn before a search in groups climbs from the best of them.
const DRAWN_IN_GROUPS: usize = 150;

/// At most thirteen unknowns.
const EFFORT_IN_GROUPS: Effort = Effort {
    evaluations: 250,
    restarts: 3,
    edge: 0.5,
};

/// Three or four groups of equal rows: one row that loses mass, one that gains it, light ones, and sometimes one more. The other
/// rows keep theirs. Logits are logarithms of masses, A = I.
struct Groups {
    /// Rows of each group.
    rows: Vec<usize>,
    /// Whether b is confined to the unit ball.
    target: Target,
}

/// A point of a search in groups: one entry of b for each group before anything else is done to it, and the unknowns.
struct Grouped {
    pattern: Vec<f64>,
    unknowns: Vec<f64>,
}

impl Groups {
    fn drawn(rng: &mut Stream, target: Target) -> Self {
        let light = LIGHT_ROWS[sample::integer(rng, 0, LIGHT_ROWS.len() as i64 - 1) as usize];
        let mut rows = vec![1, 1, light];
        if sample::integer(rng, 0, 2) == 0 {
            rows.push(1);
        }
        Self { rows, target }
    }

    /// A start: b is 1 or -1 on one group, or on none, in every second one with something on all groups.
    fn start(&self, rng: &mut Stream) -> Grouped {
        let groups = self.rows.len();
        let mut pattern = vec![0.0; groups];
        if let Some(entry) = pattern.get_mut(sample::integer(rng, 0, groups as i64) as usize) {
            *entry = if sample::integer(rng, 0, 1) == 0 {
                1.0
            } else {
                -1.0
            };
        }
        let mut unknowns = attack::cold_start(rng, 2 * groups + 1, 1);
        // 10^-7 to 10^7.
        unknowns[groups] *= 2.3;
        if sample::integer(rng, 0, 1) == 0 {
            unknowns[groups + 1..].fill(0.0);
        }
        Grouped { pattern, unknowns }
    }

    /// The case: the unknowns are, in this order, the logarithm of the moved share, those of the masses of the other groups
    /// relative to the first, that of the size of b, and what b has on each group beyond the pattern.
    fn case(&self, pattern: &[f64], unknowns: &[f64]) -> Result<Case, CheckError> {
        let groups = self.rows.len();
        let mut masses: Vec<f64> = (0..groups)
            .map(|group| match group {
                0 => 1.0,
                _ => (6.0 * (unknowns[group] - 1.0)).clamp(-40.0, 40.0).exp(),
            })
            .collect();
        let total: f64 = masses.iter().sum();
        masses.iter_mut().for_each(|mass| *mass /= total);
        let moved = 0.5 * masses[0] * (-5.0 * unknowns[0].abs().min(3.0)).exp();
        let mut after = masses.clone();
        after[0] -= moved;
        after[1] += moved;
        let mut entries: Vec<f64> = (0..groups)
            .map(|group| (pattern[group] + 0.25 * unknowns[groups + 1 + group]).clamp(-1.0, 1.0))
            .collect();
        let sum: f64 = self
            .rows
            .iter()
            .zip(&entries)
            .map(|(n, b)| *n as f64 * b.abs())
            .sum();
        let size = match self.target {
            Target::Any => attack::size(unknowns[groups]),
            Target::UnitBall => INSIDE / sum.max(1.0),
        };
        entries.iter_mut().for_each(|entry| *entry *= size);
        let spread = |values: Vec<f64>| {
            let rows = self.rows.iter().zip(values);
            DVector::from_vec(
                rows.flat_map(|(count, value)| std::iter::repeat_n(value, *count))
                    .collect(),
            )
        };
        let logits = |masses: Vec<f64>| {
            let rows = self.rows.iter().zip(masses);
            spread(
                rows.map(|(count, mass)| (mass / *count as f64).ln())
                    .collect(),
            )
        };
        let n = self.rows.iter().sum();
        let instance = Instance::new(
            LossKind::Softmax,
            DesignMatrix::dense(DMatrix::identity(n, n))?,
            spread(entries),
            DVector::zeros(n),
        )?
        .with_points(vec![logits(masses), logits(after)])?;
        Ok(Case::new(Origin::Attack(0), instance, 0))
    }
}

/// Searches groups of equal rows, 3 to 22 rows in all, for the largest observed / allowed: mass moves from one row to another
/// while light rows, whose entries of b may be large, keep theirs.
pub fn search_in_groups(
    rng: &mut Stream,
    target: Target,
    statement: Statement<'_, f64>,
) -> Result<Case, CheckError> {
    let groups = Groups::drawn(rng, target);
    let hardness = |pattern: &[f64], unknowns: &[f64]| -> f64 {
        groups
            .case(pattern, unknowns)
            .and_then(|case| Pair::<f64>::of(&case))
            .and_then(|pair| statement(&pair))
            .map_or(f64::NAN, |bound| {
                if bound.observed > CANCELLATION * bound.terms {
                    bound.observed / bound.allowed
                } else {
                    f64::NAN
                }
            })
    };
    let Grouped { pattern, unknowns } = attack::best_of(
        DRAWN_IN_GROUPS,
        || groups.start(rng),
        |start| hardness(&start.pattern, &start.unknowns),
    );
    let (unknowns, _) = attack::maximise(
        &|unknowns| hardness(&pattern, unknowns),
        unknowns,
        EFFORT_IN_GROUPS,
    );
    groups.case(&pattern, &unknowns)
}

/// [`search`] or [`search_in_groups`], as the stream decides: for statements that ask for no R.
pub fn search_both(
    rng: &mut Stream,
    smallest: i64,
    target: Target,
    statement: Statement<'_, f64>,
) -> Result<Case, CheckError> {
    if sample::integer(rng, 0, 1) == 0 {
        search(rng, smallest, target, statement)
    } else {
        search_in_groups(rng, target, statement)
    }
}

/// Check and search of one inequality, which is written once: `inequality!(search, target, smallest number of rows, |pair| bound)`.
macro_rules! inequality {
    ($search:path, $target:expr, $smallest:literal, |$pair:ident| $bound:expr) => {
        (
            |case| $crate::claims::dls23::pair::decide(case, $target, &|$pair| $bound),
            |rng| $search(rng, $smallest, $target, &|$pair| $bound),
        )
    };
    ($search:path, $target:expr, $smallest:literal, $bound:path) => {
        inequality!($search, $target, $smallest, |pair| $bound(pair))
    };
}
pub(crate) use inequality;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::dls23::pair::Bound;

    #[test]
    fn a_search_builds_every_shape_and_kind_of_target_inside_its_premise() {
        for target in [Target::UnitBall, Target::Any] {
            let mut sizes = Vec::new();
            let mut shapes = Vec::new();
            let mut corners = Vec::new();
            for index in 0..48 {
                let mut rng = sample::stream(1, "built", index);
                // A statement that decides nothing: the cold start is what is built.
                let case = search(&mut rng, 1, target, &|_| {
                    Err(CheckError::Other("nothing".to_owned()))
                })
                .unwrap();
                assert_eq!(case.origin, Origin::Attack(0));
                let pair = Pair::<f64>::of(&case).unwrap();
                assert!(pair.norm > 1.0 / 130.0 && pair.norm < 8.1, "{}", pair.norm);
                let longest = pair.at_x.point.norm().max(pair.at_y.point.norm());
                assert!(longest <= pair.norm * (1.0 + 1e-12));
                shapes.push(pair.a.shape());
                sizes.push(pair.target_sum());
                corners.extend(pair.b.iter().filter(|entry| entry.abs() == 1.0));
            }
            shapes.sort_unstable();
            shapes.dedup();
            let all = [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)];
            assert_eq!(shapes, all);
            // Corners of both signs.
            assert!(corners.contains(&1.0) && corners.contains(&-1.0));
            // A corner, the origin, or a free direction: just inside the ball, or of a size from all decades.
            let is = |size: f64, kind: f64| (size - kind).abs() < 1e-12;
            for kind in [0.0, 1.0, INSIDE] {
                assert!(sizes.iter().any(|size| is(*size, kind)), "{kind}");
            }
            sizes.retain(|size| ![0.0, 1.0, INSIDE].iter().any(|kind| is(*size, *kind)));
            match target {
                Target::UnitBall => assert_eq!(sizes, [0.0; 0]),
                Target::Any => {
                    assert!(sizes.iter().any(|size| *size > 1e5), "{sizes:?}");
                    assert!(sizes.iter().any(|size| *size < 0.1), "{sizes:?}");
                    for size in sizes {
                        let octave = size.log2();
                        assert!((octave - octave.round()).abs() < 1e-9, "{size}");
                        assert!((-10.0..=24.0).contains(&octave.round()), "{size}");
                    }
                }
            }
        }
    }

    /// What the search makes of a statement about the distance in units of R: distance over `||A||` and `||A||` of each case.
    fn nearest(least: f64) -> Vec<(f64, f64)> {
        (0..32)
            .map(|index| {
                let mut rng = sample::stream(1, "nearest", index);
                let case = search(&mut rng, 2, Target::UnitBall, &|pair| {
                    // The closer the harder; below `least` the terms cancel all digits.
                    Ok(Bound {
                        quantity: "q",
                        observed: 1.0,
                        allowed: pair.distance / pair.norm,
                        terms: 1e12 * least * pair.norm / pair.distance,
                    })
                })
                .unwrap();
                let pair = Pair::<f64>::of(&case).unwrap();
                (pair.distance / pair.norm, pair.norm)
            })
            .collect()
    }

    #[test]
    fn a_search_comes_close_but_not_closer_than_a_difference_tells() {
        let found = nearest(0.0);
        // R is within a factor of 2 of the number that the closest distance is in proportion to.
        let (low, high) = (CLOSEST / 2.0, 0.05);
        for (distance, norm) in &found {
            assert!(
                *distance > low * (1.0 - 1e-12) && *distance < high,
                "{distance} at ||A|| = {norm}"
            );
        }
        // From the smallest to the largest radius.
        let norms: Vec<f64> = found.iter().map(|(_, norm)| *norm).collect();
        assert!(norms.iter().any(|norm| *norm < 1.0 / 31.0));
        assert!(norms.iter().any(|norm| *norm > 3.0));
    }

    #[test]
    fn a_search_counts_no_point_at_which_the_terms_cancel() {
        for (distance, norm) in nearest(0.0625) {
            assert!(
                distance > 0.0625 * (1.0 - 1e-12) && distance < 0.125,
                "{distance} at ||A|| = {norm}"
            );
        }
    }

    #[test]
    fn groups_move_mass_between_two_rows_and_leave_the_others_alone() {
        for (target, largest) in [(Target::UnitBall, 1.0), (Target::Any, f64::INFINITY)] {
            let mut rows = Vec::new();
            let mut sizes = Vec::new();
            for index in 0..64 {
                let mut rng = sample::stream(1, "groups", index);
                let groups = Groups::drawn(&mut rng, target);
                let Grouped { pattern, unknowns } = groups.start(&mut rng);
                let pair = Pair::<f64>::of(&groups.case(&pattern, &unknowns).unwrap()).unwrap();
                let change = &pair.at_y.p - &pair.at_x.p;
                assert!(change[0] < 0.0 && change[1] > 0.0, "{change}");
                // The other masses: the rounding of a logarithm of up to 40.
                assert!(change.iter().skip(2).all(|entry| entry.abs() < 1e-14));
                assert!((pair.at_x.p.sum() - 1.0).abs() < 1e-14);
                assert!(pair.target_sum() <= largest);
                // Equal rows are equal.
                let light = groups.rows[2];
                let of_group = pair.b.rows(2, light);
                assert!(of_group.iter().all(|entry| *entry == of_group[0]));
                rows.push(pair.b.len());
                sizes.push(pair.target_sum());
            }
            assert!(rows.iter().any(|n| *n >= 21), "{rows:?}");
            assert!(rows.iter().any(|n| *n <= 4));
            if target == Target::Any {
                assert!(sizes.iter().any(|size| *size > 1e6), "{sizes:?}");
                assert!(sizes.iter().any(|size| *size > 0.0 && *size < 0.1));
            }
        }
    }
}
