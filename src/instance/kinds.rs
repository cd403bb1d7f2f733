//! Kinds of instances that can be generated: each meets the premises that its name promises, by construction.
//!
//! Targets, weights and points are dyadic, so that `||b||_1 <= 1` and the bounds on the weights hold exactly and not up
//! to rounding. The same seed and index give the same bits.

use nalgebra::DVector;

use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, InstanceError, LossKind};

/// What an instance is to be an example of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The premises of the papers' convergence theorem: `||A|| <= R`, `||b||_1 <= 1`, `w_i^2 >= 100 + l / sigma_min(A)^2`.
    Theory,
    /// What attention heads look like: `||A||` from 8 to 24, condition number 16, a probability target, a tiny ridge.
    Practice,
    /// Weights so small that the loss is not convex, and a target on a corner of the simplex.
    Weak,
    /// In turn: n = 1, d = 1, n = d, logits 900 apart at the start, a target with entries of both signs.
    Edge,
    /// Condition number 1e6.
    IllConditioned,
}

/// Sizes and constants of generated instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Rows `n`.
    pub rows: usize,
    /// Columns `d`, at most `n`.
    pub columns: usize,
    /// The theory's `R`, a bound on `||A||` and on the points; finite and `> 0`.
    pub norm: f64,
    /// The theory's `l`, which the smallest eigenvalue of every Hessian is to reach; finite and `>= 0`.
    pub convexity: f64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            rows: 16,
            columns: 4,
            norm: 1.0,
            convexity: 1.0,
        }
    }
}

/// Entries of a matrix at most (1 GiB), so that a slip of the finger is a message and not a full memory.
pub(super) const MOST_ENTRIES: usize = 1 << 27;
const CONDITION_OF_PRACTICE: f64 = 16.0;
const CONDITION_OF_THEORY: f64 = 4.0;

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Theory,
        Self::Practice,
        Self::Weak,
        Self::Edge,
        Self::IllConditioned,
    ];

    /// The name in file names and command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Theory => "theory",
            Self::Practice => "practice",
            Self::Weak => "weak",
            Self::Edge => "edge",
            Self::IllConditioned => "ill-conditioned",
        }
    }

    /// How many instances show everything that the kind has to show.
    pub fn variants(self) -> u64 {
        match self {
            Self::Edge => 5,
            _ => 1,
        }
    }

    /// Instance number `index` of this kind, with two points.
    ///
    /// Refuses `columns` outside `1..=rows`, constants outside their range, and sizes that would fill the memory.
    pub fn draw(self, shape: &Shape, seed: u64, index: u64) -> Result<Instance, InstanceError> {
        shape.validate()?;
        let mut rng = sample::stream(seed, self.name(), index);
        match self {
            Self::Theory => theory(shape, &mut rng),
            Self::Practice => {
                let norm = 8.0 + sample::integer(&mut rng, 0, 1024) as f64 / 64.0;
                Parts::new(shape, norm, CONDITION_OF_PRACTICE, &mut rng).build(shape, &mut rng)
            }
            Self::Weak => weak(shape, &mut rng),
            Self::Edge => edge(shape, index, &mut rng),
            Self::IllConditioned => {
                let mut parts = Parts::new(shape, 4.0, 1e6, &mut rng);
                parts.weights = sample::dyadic_vector(&mut rng, shape.rows, 2);
                parts.build(shape, &mut rng)
            }
        }
    }
}

impl Shape {
    fn validate(&self) -> Result<(), InstanceError> {
        let wrong = |part, found: String, expected: &str| InstanceError::Shape {
            part,
            found,
            expected: expected.to_owned(),
        };
        let (n, d) = (self.rows, self.columns);
        if d == 0 || n < d {
            let found = format!("n = {n}, d = {d}");
            return Err(wrong("generated matrix", found, "1 <= d <= n"));
        }
        if n.checked_mul(d)
            .is_none_or(|entries| entries > MOST_ENTRIES)
        {
            let found = format!("n = {n}, d = {d}");
            return Err(wrong("generated matrix", found, "n d <= 2^27"));
        }
        if !(self.norm.is_finite() && self.norm > 0.0) {
            let found = format!("R = {}", self.norm);
            return Err(wrong("generated matrix", found, "R finite and > 0"));
        }
        if !(self.convexity.is_finite() && self.convexity >= 0.0) {
            let found = format!("l = {}", self.convexity);
            return Err(wrong("generated instance", found, "l finite and >= 0"));
        }
        Ok(())
    }
}

/// The parts that a kind sets; everything else is drawn alike for all.
struct Parts {
    matrix: nalgebra::DMatrix<f64>,
    target: DVector<f64>,
    weights: DVector<f64>,
}

impl Parts {
    /// A matrix with this norm and condition number, a probability target, a ridge of 2^-10.
    fn new(shape: &Shape, norm: f64, condition: f64, rng: &mut Stream) -> Self {
        let (n, d) = (shape.rows, shape.columns);
        let condition = if d == 1 { 1.0 } else { condition };
        Self {
            matrix: sample::conditioned_matrix(rng, n, d, norm, condition),
            target: sample::probability(rng, n),
            weights: DVector::from_element(n, 1.0 / 1024.0),
        }
    }

    /// The instance, with two points of norm at most R.
    fn build(self, shape: &Shape, rng: &mut Stream) -> Result<Instance, InstanceError> {
        // Entries at most R / d in size give a norm of at most R / sqrt(d).
        let reach = shape.norm / shape.columns as f64;
        let points = (0..2)
            .map(|_| sample::dyadic_vector(rng, shape.columns, 1) * reach)
            .collect();
        self.build_at(points)
    }

    fn build_at(self, points: Vec<DVector<f64>>) -> Result<Instance, InstanceError> {
        Instance::new(
            LossKind::Softmax,
            DesignMatrix::dense(self.matrix)?,
            self.target,
            self.weights,
        )?
        .with_points(points)
    }
}

fn theory(shape: &Shape, rng: &mut Stream) -> Result<Instance, InstanceError> {
    // At most 1 - 2^-10 of R: the rounding of the reflections cannot lift the norm above R.
    let norm = shape.norm * sample::integer(rng, 512, 1023) as f64 / 1024.0;
    let mut parts = Parts::new(shape, norm, CONDITION_OF_THEORY, rng);
    if sample::integer(rng, 0, 1) == 1 {
        parts.target = sample::signed_unit_target(rng, shape.rows);
    }
    let condition = if shape.columns == 1 {
        1.0
    } else {
        CONDITION_OF_THEORY
    };
    // The smallest singular value is known by construction; 2^-20 covers the rounding of the reflections.
    let smallest = norm / condition * (1.0 - f64::from(2f32.powi(-20)));
    let needed = (100.0 + shape.convexity / (smallest * smallest)).sqrt();
    parts.weights = DVector::from_fn(shape.rows, |_, _| {
        let size = ((needed * 1024.0).ceil() + sample::integer(rng, 1, 1024) as f64) / 1024.0;
        if sample::integer(rng, 0, 1) == 0 {
            size
        } else {
            -size
        }
    });
    parts.build(shape, rng)
}

fn weak(shape: &Shape, rng: &mut Stream) -> Result<Instance, InstanceError> {
    let mut parts = Parts::new(shape, 4.0, 4.0, rng);
    parts.weights = DVector::from_fn(shape.rows, |_, _| {
        sample::integer(rng, -64, 64) as f64 / 1024.0
    });
    let corner = sample::integer(rng, 0, shape.rows as i64 - 1) as usize;
    parts.target = DVector::zeros(shape.rows);
    parts.target[corner] = 1.0;
    parts.build(shape, rng)
}

fn edge(shape: &Shape, index: u64, rng: &mut Stream) -> Result<Instance, InstanceError> {
    let with = |rows, columns| Shape {
        rows,
        columns,
        ..*shape
    };
    let moderate = |shape: Shape, rng: &mut Stream| {
        let mut parts = Parts::new(&shape, 4.0, 4.0, rng);
        parts.weights = sample::dyadic_vector(rng, shape.rows, 2);
        parts
    };
    match index % Kind::Edge.variants() {
        0 => moderate(with(1, 1), rng).build(&with(1, 1), rng),
        1 => moderate(with(shape.rows, 1), rng).build(&with(shape.rows, 1), rng),
        2 => {
            let square = with(shape.columns, shape.columns);
            moderate(square, rng).build(&square, rng)
        }
        3 => {
            let parts = moderate(*shape, rng);
            let points = (0..2)
                .map(|_| {
                    let mut direction = sample::dyadic_vector(rng, shape.columns, 1);
                    // Never the zero vector.
                    direction[0] += 2.0;
                    let logits = &parts.matrix * &direction;
                    let spread = logits.max() - logits.min();
                    if spread > 0.0 {
                        direction * (900.0 / spread)
                    } else {
                        direction
                    }
                })
                .collect();
            parts.build_at(points)
        }
        _ => {
            let mut parts = moderate(*shape, rng);
            parts.target = sample::signed_unit_target(rng, shape.rows);
            parts.build(shape, rng)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(kind: Kind, shape: &Shape) -> Vec<Instance> {
        (0..20)
            .map(|index| kind.draw(shape, 7, index).unwrap())
            .collect()
    }

    fn singular_values(instance: &Instance) -> (f64, f64) {
        let values = instance.matrix().to_dense().singular_values();
        (values.max(), values.min())
    }

    #[test]
    fn theory_meets_the_premises_of_the_theorem() {
        for (rows, columns, norm, convexity) in
            [(16, 4, 1.0, 1.0), (3, 3, 8.0, 0.0), (5, 1, 0.25, 100.0)]
        {
            let shape = Shape {
                rows,
                columns,
                norm,
                convexity,
            };
            for instance in drawn(Kind::Theory, &shape) {
                let (largest, smallest) = singular_values(&instance);
                assert!(largest <= norm);
                assert!(instance.target().lp_norm(1) <= 1.0);
                let needed = 100.0 + convexity / (smallest * smallest);
                assert!(
                    instance
                        .weights()
                        .iter()
                        .all(|weight| weight * weight >= needed)
                );
                assert!(instance.points().iter().all(|point| point.norm() <= norm));
            }
        }
    }

    #[test]
    fn ill_conditioned_has_condition_number_a_million() {
        for instance in drawn(Kind::IllConditioned, &Shape::default()) {
            let (largest, smallest) = singular_values(&instance);
            assert!((largest / smallest / 1e6 - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn edge_shows_every_edge_in_turn() {
        let shape = Shape::default();
        let list = drawn(Kind::Edge, &shape);
        assert_eq!(list[0].rows(), 1);
        assert_eq!((list[1].rows(), list[1].columns()), (16, 1));
        assert_eq!((list[2].rows(), list[2].columns()), (4, 4));
        let logits = list[3].matrix().multiply(&list[3].start());
        assert!((logits.max() - logits.min() - 900.0).abs() < 1e-9);
        assert!(list[4].target().min() < 0.0);
    }

    #[test]
    fn impossible_sizes_and_constants_are_refused() {
        let baseline = Shape::default();
        assert!(Kind::Theory.draw(&baseline, 0, 0).is_ok());
        for shape in [
            Shape {
                rows: 0,
                ..baseline
            },
            Shape {
                columns: 0,
                ..baseline
            },
            Shape {
                columns: 17,
                ..baseline
            },
            Shape {
                rows: usize::MAX,
                ..baseline
            },
            Shape {
                norm: f64::NAN,
                ..baseline
            },
            Shape {
                norm: 0.0,
                ..baseline
            },
            Shape {
                convexity: -1.0,
                ..baseline
            },
            Shape {
                convexity: f64::INFINITY,
                ..baseline
            },
        ] {
            assert!(Kind::Theory.draw(&shape, 0, 0).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn constants_that_overflow_give_an_error_and_not_a_panic() {
        for (norm, convexity) in [(1e-300, 1.0), (f64::MAX, 1.0), (5e-324, f64::MAX)] {
            let shape = Shape {
                norm,
                convexity,
                ..Shape::default()
            };
            for kind in Kind::ALL {
                let _ = kind.draw(&shape, 0, 0);
            }
        }
    }

    /// A table of instances of 3 x 2 with seed 7: kind, index, target in units of 2^-20, weights in units of 2^-10, the
    /// two points in units of 2^-11 (of the start with logits 900 apart: directions).
    type Drawn = (
        Kind,
        u64,
        &'static [i64],
        &'static [i64],
        [&'static [i64]; 2],
    );

    /// Worked out by `fixtures/instances/second_implementation.py`, in exact integers.
    #[rustfmt::skip]
    const DRAWN: [Drawn; 11] = [
        (Kind::Theory, 0, &[-627_861, -77_295, 343_420], &[-11_686, 11_925, 12_320], [&[331, -679], &[781, 309]]),
        (Kind::Theory, 1, &[-478_675, 288_791, 281_110], &[-11_923, -11_236, 11_530], [&[336, 590], &[-673, 119]]),
        (Kind::Theory, 2, &[506_227, 118_704, 423_645], &[-12_614, 12_562, 12_716], [&[-413, -169], &[-642, -704]]),
        (Kind::Practice, 0, &[205_645, 758_687, 84_244], &[1, 1, 1], [&[-974, 646], &[758, 664]]),
        (Kind::Weak, 0, &[0, 0, 1_048_576], &[-19, -7, -39], [&[737, 537], &[-230, 470]]),
        (Kind::Edge, 0, &[1_048_576], &[726], [&[-1086], &[114]]),
        (Kind::Edge, 1, &[504_405, 126_859, 417_312], &[-132, -1741, 927], [&[-1962], &[-2034]]),
        (Kind::Edge, 2, &[380_967, 667_609], &[451, 103], [&[267, 4], &[376, -933]]),
        (Kind::Edge, 3, &[117_339, 283_787, 647_450], &[-1725, -825, -259], [&[1596, 810], &[2441, -742]]),
        (Kind::Edge, 4, &[-540_477, -188_339, -319_760], &[-1662, -1291, 873], [&[3, 549], &[1010, -959]]),
        (Kind::IllConditioned, 0, &[247_517, 193_807, 607_252], &[-343, -59, -594], [&[376, -102], &[-118, -194]]),
    ];

    /// An instance is named by kind, seed and index in reports and corpora; these must give the same one for ever.
    #[test]
    fn the_same_seed_gives_the_instances_of_an_independent_implementation() {
        let shape = Shape {
            rows: 3,
            columns: 2,
            ..Shape::default()
        };
        let of = |units: &[i64], scale: f64| {
            DVector::from_iterator(units.len(), units.iter().map(|k| *k as f64 / scale))
        };
        for (kind, index, target, weights, points) in DRAWN {
            let instance = kind.draw(&shape, 7, index).unwrap();
            assert_eq!(
                *instance.target(),
                of(target, 1_048_576.0),
                "{kind:?} {index}"
            );
            assert_eq!(*instance.weights(), of(weights, 1024.0), "{kind:?} {index}");
            for (found, expected) in instance.points().iter().zip(points) {
                let expected = of(expected, 2048.0);
                if (kind, index) == (Kind::Edge, 3) {
                    let scale = found[0] / expected[0];
                    assert!(scale > 0.0 && (found[1] / scale - expected[1]).abs() < 1e-12);
                } else {
                    assert_eq!(*found, expected, "{kind:?} {index}");
                }
            }
            assert_eq!(instance.points().len(), 2);
        }
    }

    /// The names stand in file names and command lines, and each is part of the seed of its kind.
    #[test]
    fn kinds_have_their_published_names_and_numbers_of_variants() {
        let names = Kind::ALL.map(Kind::name);
        let expected = ["theory", "practice", "weak", "edge", "ill-conditioned"];
        assert_eq!(names, expected);
        assert_eq!(Kind::ALL.map(Kind::variants), [1, 1, 1, 5, 1]);
    }

    /// `||A||` from R / 2 to R, condition number 4; no weight exceeds what the premise needs by more than one unit and
    /// its rounding, so that these instances stand at the edge of the theorem's premises.
    #[test]
    fn theory_stays_near_the_edge_of_its_premises() {
        for (norm, convexity) in [(1.0, 1.0), (8.0, 0.0), (0.25, 100.0)] {
            let shape = Shape {
                norm,
                convexity,
                ..Shape::default()
            };
            for instance in drawn(Kind::Theory, &shape) {
                let (largest, smallest) = singular_values(&instance);
                assert!(largest > norm * 0.499_999 && largest < norm * 0.999_1);
                assert!((largest / smallest - 4.0).abs() < 1e-9);
                let needed = (100.0 + convexity / (smallest * smallest)).sqrt();
                let most = needed * (1.0 + 1e-6) + 1.0 + 2.0 / 1024.0;
                assert!(instance.weights().iter().all(|w| w.abs() <= most));
                assert!(instance.weights().max() > 0.0 && instance.weights().min() < 0.0);
            }
        }
        let targets = drawn(Kind::Theory, &Shape::default());
        let with_both_signs = targets
            .iter()
            .filter(|instance| instance.target().min() < 0.0)
            .count();
        assert!((1..20).contains(&with_both_signs));
    }

    /// Weights so large that a whole unit of 2^-10 is below their rounding: the premise then rests on the allowance that
    /// is made for the rounding of the smallest singular value.
    #[test]
    fn theory_meets_its_premise_where_weights_are_too_large_for_units() {
        let shape = Shape {
            norm: 1e-13,
            ..Shape::default()
        };
        for instance in drawn(Kind::Theory, &shape) {
            let (_, smallest) = singular_values(&instance);
            let needed = 100.0 + 1.0 / (smallest * smallest);
            assert!(instance.weights().iter().all(|w| w * w >= needed));
        }
    }

    #[test]
    fn practice_looks_like_an_attention_head() {
        let list = drawn(Kind::Practice, &Shape::default());
        let mut norms = Vec::new();
        for instance in &list {
            let (largest, smallest) = singular_values(instance);
            assert!((largest / smallest - 16.0).abs() < 1e-9);
            assert!(instance.target().min() >= 0.0);
            assert_eq!(instance.target().sum(), 1.0);
            assert!(instance.weights().iter().all(|w| *w == 0.000_976_562_5));
            assert!(instance.points().iter().all(|point| point.norm() <= 1.0));
            norms.push(largest);
        }
        assert!(
            norms
                .iter()
                .all(|norm| (7.999_999..24.000_001).contains(norm))
        );
        // Twenty draws from 8 to 24: some in the lowest and some in the highest quarter.
        assert!(norms.iter().any(|norm| *norm < 12.0) && norms.iter().any(|norm| *norm > 20.0));
    }

    /// The ridge `w^2 <= 2^-8` is far below what would make the loss convex, and every corner of the simplex has its turn.
    #[test]
    fn weak_has_weights_of_at_most_a_sixteenth_and_a_corner_as_target() {
        let shape = Shape {
            rows: 3,
            columns: 2,
            ..Shape::default()
        };
        let mut corners = [0; 3];
        let mut sizes = Vec::new();
        for index in 0..60 {
            let instance = Kind::Weak.draw(&shape, 7, index).unwrap();
            let (largest, smallest) = singular_values(&instance);
            assert!((largest - 4.0).abs() < 1e-12 && (smallest - 1.0).abs() < 1e-12);
            let corner = instance.target().imax();
            assert_eq!(instance.target()[corner], 1.0);
            assert_eq!(instance.target().lp_norm(1), 1.0);
            corners[corner] += 1;
            sizes.extend(instance.weights().iter().copied());
        }
        assert!(corners.iter().all(|count| *count > 5), "{corners:?}");
        assert!(
            sizes
                .iter()
                .all(|w| w.abs() <= 0.0625 && (w * 1024.0).fract() == 0.0)
        );
        assert!(sizes.iter().any(|w| *w > 0.05) && sizes.iter().any(|w| *w < -0.05));
        assert!(sizes.iter().any(|w| w.abs() < 0.02));
    }

    /// The names promise the condition number; the norm of the matrix is 4, and points stay within R.
    #[test]
    fn ill_conditioned_and_edge_matrices_have_norm_four_and_points_within_the_radius() {
        let shape = Shape {
            norm: 0.75,
            ..Shape::default()
        };
        for kind in [Kind::IllConditioned, Kind::Edge] {
            for (index, instance) in drawn(kind, &shape).iter().enumerate() {
                let (largest, smallest) = singular_values(instance);
                assert!((largest - 4.0).abs() < 1e-12);
                if kind == Kind::Edge {
                    let condition = if instance.columns() == 1 { 1.0 } else { 4.0 };
                    assert!((largest / smallest - condition).abs() < 1e-12);
                }
                if kind == Kind::IllConditioned || index % 5 != 3 {
                    assert!(instance.points().iter().all(|point| point.norm() <= 0.75));
                }
                assert!(instance.weights().amax() <= 2.0);
            }
        }
    }

    /// Both points of the far start, not only the first; and a single row, whose logits cannot be apart.
    #[test]
    fn logits_are_900_apart_wherever_there_are_two() {
        for index in [3, 8, 13] {
            let instance = Kind::Edge.draw(&Shape::default(), 7, index).unwrap();
            for point in instance.points() {
                let logits = instance.matrix().multiply(point);
                assert!((logits.max() - logits.min() - 900.0).abs() < 1e-9);
            }
        }
        let single = Shape {
            rows: 1,
            columns: 1,
            ..Shape::default()
        };
        for seed in 0..20 {
            let instance = Kind::Edge.draw(&single, seed, 3).unwrap();
            for point in instance.points() {
                assert!((1.0..=3.0).contains(&point[0]));
            }
        }
    }

    /// Exactly as large as is allowed, and one more; nothing is drawn.
    #[test]
    fn sizes_are_refused_from_the_first_that_is_too_large_and_named() {
        let shape = |rows, columns| Shape {
            rows,
            columns,
            ..Shape::default()
        };
        assert!(shape(1 << 27, 1).validate().is_ok());
        assert!(shape(1 << 14, 1 << 13).validate().is_ok());
        assert!(shape(3, 3).validate().is_ok());
        for (shape, expected) in [
            (
                shape((1 << 27) + 1, 1),
                "generated matrix has n = 134217729, d = 1, expected n d <= 2^27",
            ),
            (
                shape(1 << 40, 1 << 40),
                "generated matrix has n = 1099511627776, d = 1099511627776, expected n d <= 2^27",
            ),
            (
                shape(3, 4),
                "generated matrix has n = 3, d = 4, expected 1 <= d <= n",
            ),
            (
                shape(3, 0),
                "generated matrix has n = 3, d = 0, expected 1 <= d <= n",
            ),
            (
                Shape {
                    norm: 0.0,
                    ..Shape::default()
                },
                "generated matrix has R = 0, expected R finite and > 0",
            ),
            (
                Shape {
                    norm: -0.5,
                    ..Shape::default()
                },
                "generated matrix has R = -0.5, expected R finite and > 0",
            ),
            (
                Shape {
                    norm: f64::INFINITY,
                    ..Shape::default()
                },
                "generated matrix has R = inf, expected R finite and > 0",
            ),
            (
                Shape {
                    convexity: -0.5,
                    ..Shape::default()
                },
                "generated instance has l = -0.5, expected l finite and >= 0",
            ),
        ] {
            assert_eq!(shape.validate().unwrap_err().to_string(), expected);
        }
    }
}
