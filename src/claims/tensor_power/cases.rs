//! Which tensors a claim is tried on.

use crate::claims::cases::{edges_of_shapes, posed_at};
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Stratum};
use crate::instance::sample::{self, Stream};
use crate::system::{Array, Given, TENSOR_POWER};

/// Which tensors are drawn; each has one vector u as its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every entry by itself.
    Any,
    /// Diagonal: `v_j = e_j` up to a rotation of everything. Values positive, every fourth with equal ones.
    Orthogonal,
    /// The same with a negative value.
    Negative,
    /// The same with all values equal.
    Tied,
    /// Two by two: `lambda (e_1 (x) .. (x) e_1)` and noise of at most about 2^-20 lambda; the point is `(lambda, e_1)`.
    Noisy,
    /// Two by two: the same with noise up to lambda and any u beside lambda.
    Loud,
    /// Two by two: the powers of `e_1` and of `(1, 64)`, whose cosine is about 1/64.
    Oblique,
}

/// Small tensors of the orders 3 to 6.
#[derive(Clone, Copy, Debug)]
pub struct TensorCases {
    /// Which.
    pub kind: Kind,
    /// Random cases in a default run.
    pub cases: usize,
}

/// Binary orders of all of T, and from one value to the next.
const SCALES: [i32; 5] = [0, 20, -10, 3, -24];
const SPREADS: [i32; 4] = [0, -1, -4, -9];

impl TensorCases {
    /// Case number `index` with n entries a side and this order.
    fn in_shape(
        &self,
        index: usize,
        [n, order]: [usize; 2],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let scale = 2f64.powi(SCALES[index % SCALES.len()]);
        let spread = SPREADS[(index / 2) % SPREADS.len()];
        let tied = self.kind == Kind::Tied || (self.kind == Kind::Orthogonal && index % 4 == 3);
        let first = 0.125 + sample::dyadic(rng, 1).abs();
        let mut values: Vec<f64> = (0..n)
            .map(|j| {
                let own = 0.125 + sample::dyadic(rng, 1).abs();
                let value = if tied {
                    first
                } else {
                    own * 2f64.powi(spread * j as i32)
                };
                scale * value
            })
            .collect();
        if self.kind == Kind::Negative {
            let j = index % n;
            values[j] = -values[j];
        }
        let noise = match self.kind {
            Kind::Noisy => 2f64.powi(-20 - (index % 3) as i32 * 8),
            // From 2^-1 to 2^-12: some of it is too much for the start.
            Kind::Loud => 2f64.powi(-1 - (index % 12) as i32),
            Kind::Any | Kind::Orthogonal | Kind::Negative | Kind::Tied | Kind::Oblique => 0.0,
        };
        let tensor = Array::symmetric(order, n, |entry| {
            let equal = entry.iter().all(|i| *i == entry[0]);
            match self.kind {
                Kind::Any => scale * sample::dyadic(rng, 2),
                Kind::Orthogonal | Kind::Negative | Kind::Tied => {
                    if equal {
                        values[entry[0]]
                    } else {
                        0.0
                    }
                }
                Kind::Noisy | Kind::Loud => {
                    let own = if equal && entry[0] == 0 {
                        values[0]
                    } else {
                        0.0
                    };
                    // Off the diagonal an entry counts for at most 20.
                    own + noise * values[0].abs() / 32.0 * sample::dyadic(rng, 1)
                }
                Kind::Oblique => {
                    let ones = entry.iter().filter(|i| **i == 1).count() as i32;
                    let own = if equal && entry[0] == 0 {
                        values[0]
                    } else {
                        0.0
                    };
                    // (1, 64) at length 64: powers of two.
                    own + values[1] * 64f64.powi(ones - order as i32)
                }
            }
        });
        let mut u: Vec<f64> = (0..n).map(|_| sample::dyadic(rng, 1)).collect();
        if u.iter().all(|entry| *entry == 0.0) || matches!(self.kind, Kind::Noisy | Kind::Oblique) {
            u.fill(0.0);
            u[0] = 1.0;
        }
        let tensor = tensor.ok_or_else(|| CheckError::Other("too many entries".to_owned()))?;
        let value = match self.kind {
            Kind::Noisy | Kind::Loud => values[0],
            Kind::Any | Kind::Orthogonal | Kind::Negative | Kind::Tied | Kind::Oblique => {
                sample::dyadic(rng, 1) * scale
            }
        };
        let point = [vec![value], u].concat();
        let given = posed(tensor, point)?;
        Ok(Case::random(index, given, rng))
    }
}

/// The instance of one pair with this point: a value and a vector.
pub fn posed(tensor: Array, point: Vec<f64>) -> Result<Given, CheckError> {
    let arrays = vec![
        ("T".to_owned(), tensor),
        ("components".to_owned(), Array::scalar(1.0)),
    ];
    posed_at(&TENSOR_POWER, arrays, point)
}

impl Cases for TensorCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == TENSOR_POWER.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let order = 3 + index % 4;
        let n = match self.kind {
            Kind::Noisy | Kind::Loud | Kind::Oblique => 2,
            Kind::Any | Kind::Orthogonal | Kind::Negative | Kind::Tied => {
                sample::integer(rng, 1, if order > 4 { 3 } else { 5 }) as usize
            }
        };
        self.in_shape(index, [n, order], rng)
    }

    /// One entry, two, three of every order.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let sides = match self.kind {
            Kind::Noisy | Kind::Loud | Kind::Oblique => 2..=2,
            Kind::Any | Kind::Orthogonal | Kind::Negative | Kind::Tied => 1..=3,
        };
        let shapes: Vec<[usize; 2]> = sides
            .flat_map(|n| (3..=6).map(move |order| [n, order]))
            .collect();
        edges_of_shapes(&shapes, 1, |index, shape| self.in_shape(index, shape, rng))
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let values = given.array("T").map_or(&[][..], Array::values);
        let order = given.array("T").map_or(0, |tensor| tensor.shape().len());
        let n = given.size("n");
        let largest = values.iter().fold(0.0_f64, |most, t| most.max(t.abs()));
        // e_i (x) .. (x) e_i stands at i times 1 + n + .. + n^(p - 1).
        let step = (0..order).fold(0, |step, _| step * n + 1);
        let own: Vec<f64> = (0..n).map(|i| values[i * step]).collect();
        let off = values
            .iter()
            .enumerate()
            .any(|(k, t)| k % step.max(1) != 0 && *t != 0.0);
        let mut strata = vec![Stratum::Decade("T", decade(largest))];
        let least = own
            .iter()
            .fold(f64::INFINITY, |least, t| least.min(t.abs()));
        if !off && least > 0.0 {
            strata.push(Stratum::Decade("spread of values", decade(largest / least)));
        }
        for (kind, met) in [
            ("order 3", order == 3),
            ("order 4", order == 4),
            ("order 5", order == 5),
            ("order 6", order == 6),
            ("n=1", n == 1),
            ("n=2", n == 2),
            ("orthogonal", !off),
            ("negative value", !off && own.iter().any(|t| *t < 0.0)),
            (
                "equal values",
                !off && n > 1 && own.iter().all(|t| *t == own[0]),
            ),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}
