//! Which polynomial attentions a claim is tried on.

use crate::claims::tools::attention;
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Origin, Stratum};
use crate::instance::sample::{self, Stream};
use crate::system::{Given, POLYNOMIAL_ATTENTION};

/// Which instances are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any.
    Any,
    /// The paper's data sets as the attention sees them: one key `1 + a`, all others 1, queries among them, and as values the
    /// indicator of that key.
    Planted,
    /// The same with `a >= 0.7`, degrees from 4 on and up to a thousand keys.
    Large,
    /// One query, logits above 0, and as values a target of 1-norm at most 1.
    Positive,
}

/// Small instances with degrees and values over decades.
#[derive(Clone, Copy, Debug)]
pub struct PolynomialCases {
    /// Which instances.
    pub kind: Kind,
    /// Random cases in a default run.
    pub cases: usize,
}

const DEGREES: [u32; 8] = [2, 1, 4, 3, 0, 12, 7, 60];
const VALUES: [i32; 5] = [0, 10, -7, 20, 3];
/// Keys of planted instances.
const KEYS: [usize; 6] = [2, 3, 9, 40, 160, 5];

impl PolynomialCases {
    fn numbered(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let degree = DEGREES[index % DEGREES.len()];
        let given = match self.kind {
            Kind::Any => {
                let mut side = |most: i64| sample::integer(rng, 1, most) as usize;
                let (queries, keys, m) = (side(3), side(6), side(2));
                let d = 1 + index % 3;
                let mut draw = |rows: usize, columns: usize, order: i32| -> Vec<f64> {
                    (0..rows * columns)
                        .map(|_| sample::dyadic(rng, 2) * 2f64.powi(order))
                        .collect()
                };
                let q = draw(queries, d, VALUES[(index + 2) % VALUES.len()]);
                let k = draw(keys, d, 0);
                let v = draw(keys, m, VALUES[index % VALUES.len()]);
                posed([queries, keys, d, m], [q, k, v], degree)?
            }
            Kind::Positive => {
                let keys = sample::integer(rng, 1, 5) as usize;
                let order = 2f64.powi(VALUES[index % VALUES.len()]);
                let logits = (0..keys)
                    .map(|_| order * (0.25 + sample::dyadic(rng, 2).abs()))
                    .collect();
                let target = sample::signed_unit_target(rng, keys).as_slice().to_vec();
                posed([1, keys, 1, 1], [vec![1.0], logits, target], degree)?
            }
            Kind::Large => {
                let keys = KEYS[index % KEYS.len()] * (1 + 5 * (index % 2));
                let a = 0.71875 + sample::dyadic(rng, 1).abs();
                planted(keys, index % keys, a, 4 + degree)?
            }
            Kind::Planted => {
                let keys = KEYS[index % KEYS.len()];
                let large = sample::integer(rng, 0, keys as i64 - 1) as usize;
                // a from 2^-10 to 4, over decades.
                let scale = 2f64.powi(-(sample::integer(rng, 0, 8) as i32));
                let a = scale * (0.25 + sample::dyadic(rng, 3).abs());
                // Two of three around the degree from which the large key has half of the weight.
                let half = ((keys as f64).ln() / a.ln_1p()).ceil() as u32;
                let more = sample::integer(rng, 0, 12) as u32;
                let degree = match index % 3 {
                    0 => degree + more,
                    1 => half + more,
                    _ => (half + more % 3).saturating_sub(1),
                };
                planted(keys, large, a, degree)?
            }
        };
        Ok(Case::random(index, given, rng))
    }
}

/// The instance with these arrays, row by row.
pub fn posed(shape: [usize; 4], arrays: [Vec<f64>; 3], degree: u32) -> Result<Given, CheckError> {
    let scalars = [("degree", f64::from(degree))];
    attention::posed(&POLYNOMIAL_ATTENTION, shape, arrays, &scalars)
}

/// Key number `large` is `1 + a`, the others are 1; the queries are that key and one of the others.
pub fn planted(keys: usize, large: usize, a: f64, degree: u32) -> Result<Given, CheckError> {
    let marked = |other: f64, here: f64| -> Vec<f64> {
        (0..keys)
            .map(|k| if k == large { here } else { other })
            .collect()
    };
    posed(
        [2, keys, 1, 1],
        [vec![1.0 + a, 1.0], marked(1.0, 1.0 + a), marked(0.0, 1.0)],
        degree,
    )
}

impl Cases for PolynomialCases {
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

    /// One query and one key; keys of both signs; two keys that differ little.
    fn edges(&self, _rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let given = match self.kind {
            Kind::Any => vec![
                posed([1, 1, 1, 1], [vec![2.0], vec![3.0], vec![-1.0]], 5)?,
                posed(
                    [1, 2, 1, 1],
                    [vec![1.0], vec![2.0, -1.0], vec![1.0, 0.0]],
                    2,
                )?,
                posed([1, 2, 1, 1], [vec![1.0], vec![2.0, 1.0], vec![1.0, 0.0]], 3)?,
            ],
            Kind::Positive => vec![
                posed([1, 1, 1, 1], [vec![1.0], vec![3.0], vec![-1.0]], 5)?,
                posed([1, 2, 1, 1], [vec![1.0], vec![2.0, 2.0], vec![1.0, 0.0]], 1)?,
                posed(
                    [1, 2, 1, 1],
                    [vec![1.0], vec![1.0, 1.0 + 2f64.powi(-20)], vec![0.5, -0.5]],
                    300,
                )?,
            ],
            Kind::Large => vec![
                planted(2, 0, 0.75, 4)?,
                planted(9, 7, 0.703125, 4)?,
                planted(1000, 7, 1.0, 10)?,
            ],
            Kind::Planted => vec![
                planted(2, 0, 2f64.powi(-20), 1)?,
                planted(2, 1, 1.0, 0)?,
                planted(100, 7, 0.7, 9)?,
                planted(100, 7, 0.7, 8)?,
            ],
        };
        let cases = given.into_iter().enumerate();
        Ok(cases
            .map(|(index, given)| Case::new(Origin::Edge(index), given, 0))
            .collect())
    }

    // Nothing real: products of real queries and keys have both signs.

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let degree = given.scalar("degree");
        let values = given.matrix("V", "nk", "m").amax();
        let mut strata = vec![
            Stratum::Decade("degree", decade(degree)),
            Stratum::Decade("values", decade(values)),
            Stratum::Decade("keys", decade(given.size("nk") as f64)),
        ];
        for (kind, met) in [
            ("one key", given.size("nk") == 1),
            ("degree 0", degree == 0.0),
            ("odd degree", degree % 2.0 == 1.0),
            ("even degree", degree % 2.0 == 0.0),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}
