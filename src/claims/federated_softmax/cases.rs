//! Which federated problems a claim is tried on.

use nalgebra::{DMatrix, DVector};

use crate::claims::cases::{edges_of_shapes, posed_at};
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Stratum};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::system::{Array, FEDERATED_SOFTMAX, Given, arrays_of, clients};

/// What the clients are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Weights from 0 up, targets of length 1, more rows than columns.
    Any,
    /// The same with `w^2` of at least 1/4: strongly convex where A_c has full rank.
    Convex,
    /// The same, all clients alike.
    Alike,
    /// One client with `A = s I_2`, `b = e_1`, and x where the curvature is least or largest, to rounding.
    Pair,
    /// Ten clients of one row, of which 0 to 4 are the stragglers: for races, which ask for nothing else.
    Race,
}

/// Small federated problems; eta is at most `1 / L`.
#[derive(Clone, Copy, Debug)]
pub struct FederatedCases {
    /// What the clients are like.
    pub kind: Kind,
    /// Clients, at least.
    pub least: usize,
    /// Local steps, at least.
    pub steps: usize,
    /// Random cases in a default run.
    pub cases: usize,
}

const WEIGHTS: [f64; 5] = [1.0, 0.5, 2.0, 0.75, 8.0];
const LIGHT: [f64; 5] = [0.0, 0.25, 0.5, 1.0, 0.125];
/// What eta is of the power of two below `1 / L`, as a binary order.
const STEPS: [i32; 4] = [0, -1, -3, -10];
/// `sqrt(33)`, for points near the extremes of the curvature.
const ROOT: f64 = 5.744_562_646_538_029;

impl FederatedCases {
    /// Any clients.
    pub const ANY: Self = Self {
        kind: Kind::Any,
        least: 1,
        steps: 1,
        cases: 32,
    };
    /// Clients of whom some come late, at times without randomness.
    pub const RACE: Self = Self {
        kind: Kind::Race,
        cases: 15,
        ..Self::ANY
    };
    /// Strongly convex ones.
    pub const CONVEX: Self = Self {
        kind: Kind::Convex,
        ..Self::ANY
    };
    /// Strongly convex ones that differ and make more than one step.
    pub const DRIFTING: Self = Self {
        kind: Kind::Convex,
        least: 2,
        steps: 2,
        cases: 10,
    };

    fn client(
        &self,
        [n, d]: [usize; 2],
        weight: f64,
        scale: f64,
        rng: &mut Stream,
    ) -> Result<Instance, CheckError> {
        let (matrix, target) = match self.kind {
            Kind::Pair => (DMatrix::identity(2, 2), DVector::from_vec(vec![1.0, 0.0])),
            Kind::Any | Kind::Convex | Kind::Alike | Kind::Race => {
                let matrix = DMatrix::from_fn(n, d, |_, _| sample::dyadic(rng, 1));
                (matrix, sample::signed_unit_target(rng, n))
            }
        };
        let rows = matrix.nrows();
        Instance::new(
            LossKind::Softmax,
            DesignMatrix::dense(matrix * scale)?,
            target,
            DVector::repeat(rows, weight),
        )
        .map_err(CheckError::from)
    }

    fn in_shape(
        &self,
        index: usize,
        [count, d]: [usize; 2],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let weights = if self.kind == Kind::Any {
            LIGHT
        } else {
            WEIGHTS
        };
        let mut own: Vec<Instance> = Vec::with_capacity(count);
        let mut largest = 0.0_f64;
        for c in 0..count {
            let rows = match self.kind {
                Kind::Race => 1,
                Kind::Any | Kind::Convex | Kind::Alike | Kind::Pair => d + (index + c) % 3,
            };
            let weight = weights[(index + c / 2) % weights.len()];
            let scale = 2f64.powi((index + c) as i32 % 3 - 1);
            let client = match own.first() {
                Some(first) if self.kind == Kind::Alike => first.clone(),
                _ => self.client([rows, d], weight, scale, rng)?,
            };
            let size = client.matrix().to_dense().norm();
            largest = largest.max((client.weights().amax().powi(2) + 0.309) * size * size);
            own.push(client);
        }
        let step = if largest > 0.0 {
            2f64.powi(-(largest.log2().ceil() as i32) + STEPS[(index / 2) % STEPS.len()])
        } else {
            0.5
        };
        let mut pick =
            |low: usize, high: usize| sample::integer(rng, low as i64, high as i64) as usize;
        let participants = pick(1, count);
        let stragglers = match self.kind {
            Kind::Race => index % 5,
            Kind::Any | Kind::Convex | Kind::Alike | Kind::Pair => pick(0, participants - 1),
        };
        let steps = match self.kind {
            Kind::Pair => 1,
            Kind::Race => 1 + (index * 5) % 12,
            Kind::Any | Kind::Convex | Kind::Alike => self.steps + index % 3,
        };
        let delays: Vec<f64> = (0..count)
            .map(|_| 0.0625 + sample::dyadic(rng, 1).abs())
            .collect();
        let x = match self.kind {
            Kind::Pair => {
                let share = (9.0 + if index.is_multiple_of(2) { -ROOT } else { ROOT }) / 24.0;
                let scale = own
                    .first()
                    .map_or(1.0, |client| client.matrix().to_dense()[(0, 0)]);
                vec![(share / (1.0 - share)).ln() / scale, 0.0]
            }
            Kind::Any | Kind::Convex | Kind::Alike | Kind::Race => {
                (0..d).map(|_| sample::dyadic(rng, 1)).collect()
            }
        };
        let mut arrays = arrays_of(&own).map_err(CheckError::Other)?;
        for (name, value) in [
            ("local_steps", steps as f64),
            ("step", step),
            ("participants", participants as f64),
            ("stragglers", stragglers as f64),
            ("trimmed", f64::from(u8::from(count > 2))),
        ] {
            arrays.push((name.to_owned(), Array::scalar(value)));
        }
        let delays = Array::vector(&DVector::from_vec(delays));
        arrays.push(("delays".to_owned(), delays));
        let given = posed_at(&FEDERATED_SOFTMAX, arrays, x)?;
        Ok(Case::random(index, given, rng))
    }
}

impl Cases for FederatedCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == FEDERATED_SOFTMAX.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let shape = match self.kind {
            Kind::Pair => [1, 2],
            Kind::Race => [10, 1],
            Kind::Any | Kind::Convex | Kind::Alike => {
                let count = sample::integer(rng, self.least as i64, self.least as i64 + 2);
                [count as usize, sample::integer(rng, 1, 2) as usize]
            }
        };
        self.in_shape(index, shape, rng)
    }

    /// The fewest clients, with one and with two columns.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let shapes: &[[usize; 2]] = match self.kind {
            Kind::Pair => &[[1, 2]],
            Kind::Race => &[[10, 1]],
            Kind::Any | Kind::Convex | Kind::Alike => &[[self.least, 1], [self.least, 2]],
        };
        edges_of_shapes(shapes, 2, |index, shape| self.in_shape(index, shape, rng))
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let [count, d, steps] = ["N", "d", "K"].map(|side| given.size(side));
        let mut strata = Vec::new();
        let lightest = clients(given)
            .unwrap_or_default()
            .iter()
            .map(|client| client.weights().map(|w| w * w).min())
            .reduce(f64::min)
            .unwrap_or(0.0);
        if lightest > 0.0 {
            strata.push(Stratum::Decade("w^2", decade(lightest)));
        }
        for (kind, met) in [
            ("no weight", lightest == 0.0),
            ("one client", count == 1),
            ("several clients", count > 1),
            ("d=1", d == 1),
            ("d=2", d == 2),
            ("one local step", steps == 1),
            ("several local steps", steps > 1),
            ("stragglers", given.scalar("stragglers") > 0.0),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}
