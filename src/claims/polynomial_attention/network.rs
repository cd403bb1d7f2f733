//! The paper's network as instances: one query, one key for each token, and as values the columns of the tokens that differ.

use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Origin, Stratum};
use crate::instance::sample::{self, Stream};
use crate::oracle::separation::{NetworkSizes, SeparationError, SignNetwork};
use crate::scalar::Ball;
use crate::system::{Given, POLYNOMIAL_ATTENTION};

use super::cases::posed;

/// The paper's kappa, as far as recalled.
pub const MARGIN: f64 = 0.1;
/// Sign vectors of the networks here.
pub const SIGNS: u64 = 80;
/// The largest excess of the silent data set, and the least of the other one, as far as recalled.
pub const SILENT: f64 = 0.1;
/// See [`SILENT`].
pub const LOUD: f64 = 0.7;

/// Which data set is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// `D_0`, which is to stay silent: `a <= 0.1`.
    Silent,
    /// `D_1`, which is to fire: `a >= 0.7`.
    Loud,
    /// In turn.
    Both,
}

/// Which degrees are drawn. A threshold is the degree above which the part without random signs passes the margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degrees {
    /// From 0 to 1000.
    Any,
    /// From the threshold of `a = 0.7` on.
    High,
    /// Below the threshold.
    Low,
    /// Below the threshold of the silent data set, above that of the other.
    Inside,
}

/// Networks of several shapes.
#[derive(Clone, Copy, Debug)]
pub struct NetworkCases {
    /// Which data set.
    pub data: Data,
    /// Which degrees.
    pub degrees: Degrees,
    /// Widths d and copies t.
    pub shapes: &'static [(u64, u64)],
    /// Class weights b.
    pub weights: &'static [f64],
    /// Excesses of the silent data set.
    pub excesses: &'static [f64],
    /// Random cases in a default run.
    pub cases: usize,
}

impl NetworkCases {
    /// Any of them.
    pub const GENERAL: Self = Self {
        data: Data::Both,
        degrees: Degrees::Any,
        shapes: &[
            (12, 1),
            (102, 10),
            (34, 4),
            (102, 1),
            (12, 10),
            (3, 2),
            (62, 30),
        ],
        weights: &[0.25, 0.5, 0.125, 0.75, 0.1875],
        excesses: &[0.0625, 0.09375, 0.03125, 0.0078125],
        cases: 40,
    };

    fn numbered(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let (width, copies) = self.shapes[index % self.shapes.len()];
        let b = self.weights[(index + index / self.shapes.len()) % self.weights.len()];
        let silent = match self.data {
            Data::Silent => true,
            Data::Loud => false,
            Data::Both => index.is_multiple_of(2),
        };
        let mut pick = |from: &[f64]| from[sample::integer(rng, 0, from.len() as i64 - 1) as usize];
        let a = if silent {
            pick(self.excesses)
        } else {
            pick(&[0.75, 1.0, 0.703125, 2.0])
        };
        let mut below = |most: f64| sample::integer(rng, 0, most as i64) as u32;
        let threshold = |a| threshold(width, copies, b, a);
        let degree = match (self.degrees, silent) {
            (Degrees::Any, _) => below(10f64.powi(1 + index as i32 % 3)),
            (Degrees::High, _) => {
                threshold(LOUD).ceil() as u32 + below(10f64.powi(index as i32 % 5))
            }
            (Degrees::Low, _) | (Degrees::Inside, true) => below(threshold(a).floor().min(2000.0)),
            (Degrees::Inside, false) => threshold(a).ceil() as u32 + below(12.0),
        };
        let given = network(width, copies, b, a, degree)?;
        Ok(Case::new(Origin::Random(index), given, 0))
    }
}

/// The threshold in f64, between 0 and a large number: it only says where to look.
fn threshold(width: u64, copies: u64, b: f64, a: f64) -> f64 {
    let others = ((width - 2) * copies - 1) as f64;
    let w = (copies - 1) as f64 / others;
    let numerator = MARGIN - b * w;
    let share = numerator / (a + b * (1.0 - w));
    if share >= 1.0 {
        return 2000.0;
    }
    let degree = (others.ln() + (share / (1.0 - share)).ln()) / a.ln_1p();
    // NaN where every degree passes.
    degree.max(0.0)
}

/// The network's attention: token 0 has the excess, the tokens of its class stand apart by `d - 2`.
pub fn network(width: u64, copies: u64, b: f64, a: f64, degree: u32) -> Result<Given, CheckError> {
    let classes = (width - 2) as usize;
    let tokens = classes * copies as usize;
    let keys: Vec<f64> = (0..tokens)
        .map(|k| if k == 0 { 1.0 + a } else { 1.0 })
        .collect();
    let values = (0..tokens).flat_map(|k| {
        let marked = |here: bool, value: f64| if here { value } else { 0.0 };
        let class = k % classes;
        [
            marked(k == 0, a),
            marked(class == 0, b),
            marked(class == 1, b),
            1.0 - b,
        ]
    });
    posed(
        [1, tokens, 1, 4],
        [vec![1.0], keys, values.collect()],
        degree,
    )
}

/// An instance of that form.
pub struct Network {
    /// The network, with [`SIGNS`] sign vectors and [`MARGIN`].
    pub exact: SignNetwork,
    /// a.
    pub excess: f64,
    /// b.
    pub class_weight: f64,
    /// t.
    pub copies: u64,
    /// beta.
    pub degree: u64,
}

impl Network {
    /// `None` for an instance of another form.
    pub fn of(given: &Given) -> Result<Option<Self>, CheckError> {
        let (k, v) = (given.matrix("K", "nk", "d"), given.matrix("V", "nk", "m"));
        let q = given.matrix("Q", "nq", "d");
        if q.len() != 1 || q[0] <= 0.0 || k.ncols() != 1 || v.ncols() != 4 || k.len() < 2 {
            return Ok(None);
        }
        let large = (0..k.len()).fold(0, |best, at| if k[at] > k[best] { at } else { best });
        let b = v.column(1).max();
        let excess = k[large] - 1.0;
        let marked = |column: usize, value: f64| -> Option<u64> {
            let column = v.column(column);
            let fits = column.iter().all(|entry| *entry == 0.0 || *entry == value);
            let count = column.iter().filter(|entry| **entry == value).count();
            fits.then_some(count as u64)
        };
        let others = (0..k.len()).filter(|token| *token != large);
        let fits = excess > 0.0
            && b > 0.0
            && b < 1.0
            && others.into_iter().all(|token| k[token] == 1.0)
            && marked(0, excess) == Some(1)
            && v[(large, 0)] == excess
            && v[(large, 1)] == b
            && v.column(3).iter().all(|c| *c == 1.0 - b);
        let tokens = k.len() as u64;
        let Some(copies) = marked(1, b).filter(|copies| fits && tokens.is_multiple_of(*copies))
        else {
            return Ok(None);
        };
        // Three columns: there is no other class.
        let other = if copies == tokens { 0 } else { copies };
        let apart = (0..k.len()).all(|token| v[(token, 1)] == 0.0 || v[(token, 2)] == 0.0);
        if marked(2, b) != Some(other) || !apart {
            return Ok(None);
        }
        let exact = SignNetwork::new(&NetworkSizes {
            width: tokens / copies + 2,
            copies,
            class_weight: b,
            margin: MARGIN,
            signs: SIGNS,
        })
        .map_err(refused)?;
        Ok(Some(Self {
            exact,
            excess,
            class_weight: b,
            copies,
            degree: given.scalar("degree") as u64,
        }))
    }

    /// Whether the excess is one of the silent data set.
    pub fn silent(&self) -> bool {
        self.excess <= SILENT
    }

    /// Whether the excess is one of the loud data set.
    pub fn loud(&self) -> bool {
        self.excess >= LOUD
    }

    /// The probability that some vector fires.
    pub fn fires(&self) -> Result<Ball, CheckError> {
        self.exact
            .any_fires(self.excess, self.degree)
            .map_err(refused)
    }

    /// What the output has beyond `c` with the first signs plus, and what each other class adds.
    pub fn signal(&self) -> Result<(Ball, Ball), CheckError> {
        self.exact.signal(self.excess, self.degree).map_err(refused)
    }
}

/// In words.
pub fn refused(error: SeparationError) -> CheckError {
    CheckError::Other(error.to_string())
}

impl Cases for NetworkCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == POLYNOMIAL_ATTENTION.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        self.numbered(index, rng)
    }

    /// The shapes once more, each with the next degree.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        (0..self.shapes.len())
            .map(|index| {
                let case = self.numbered(index + 1, rng)?;
                Ok(case.from_origin(Origin::Edge(index)))
            })
            .collect()
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let mut strata = vec![
            Stratum::Decade("degree", decade(given.scalar("degree"))),
            Stratum::Decade("keys", decade(given.size("nk") as f64)),
        ];
        if let Ok(Some(network)) = Network::of(given) {
            if network.silent() {
                strata.push(Stratum::Kind("small excess"));
            }
            if network.loud() {
                strata.push(Stratum::Kind("large excess"));
            }
            if network.copies == 1 {
                strata.push(Stratum::Kind("one copy"));
            }
        }
        strata
    }
}
