//! Which attentions a claim is tried on.

use std::path::Path;

use crate::claims::tools::attention;
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Origin, Stratum};
use crate::instance::files::npy;
use crate::instance::sample::{self, Stream};
use crate::system::{EXACT_ATTENTION, Given};

/// Small instances with logits and values over decades.
#[derive(Clone, Copy, Debug)]
pub struct AttentionCases {
    /// Queries at least; at most two more.
    pub queries: usize,
    /// Keys at least; at most four more.
    pub keys: usize,
    /// Whether the scale is d, as the thesis prints it.
    pub printed_scale: bool,
    /// Whether d is `ceil(log2 nk)`.
    pub logarithmic_width: bool,
    /// Whether some are causal.
    pub causal: bool,
    /// Random cases in a default run.
    pub cases: usize,
}

/// Binary orders of the entries of Q and of V, far apart from one case to the next.
const QUERIES: [i32; 6] = [0, 3, -3, 9, 1, -8];
const VALUES: [i32; 5] = [0, 10, -7, 20, 3];

impl AttentionCases {
    /// Any attention.
    pub const GENERAL: Self = Self {
        queries: 1,
        keys: 1,
        printed_scale: false,
        logarithmic_width: false,
        causal: true,
        cases: 48,
    };

    fn in_shape(
        &self,
        index: usize,
        [queries, keys, d, m]: [usize; 4],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let d = if self.logarithmic_width {
            (keys as f64).log2().ceil().max(1.0) as usize
        } else {
            d
        };
        let mut draw = |rows: usize, columns: usize, order: i32| -> Vec<f64> {
            (0..rows * columns)
                .map(|_| sample::dyadic(rng, 2) * 2f64.powi(order))
                .collect()
        };
        let mut q = draw(queries, d, QUERIES[index % QUERIES.len()]);
        let k = draw(keys, d, 0);
        let v = draw(keys, m, VALUES[index % VALUES.len()]);
        if queries > 1 && index % 4 == 1 {
            // The second query next to the first, from far to very near.
            let near = draw(1, d, -(3 * (index as i32 / 4) % 30));
            for j in 0..d {
                q[d + j] = q[j] + near[j];
            }
        }
        let scale = match index % 3 {
            _ if self.printed_scale => d as f64,
            0 => d as f64,
            1 => 0.5,
            _ => 4.0,
        };
        let causal = self.causal && index % 7 == 2;
        let given = posed([queries, keys, d, m], [q, k, v], scale, causal)?;
        Ok(Case::random(index, given, rng))
    }
}

/// The instance with these arrays, row by row.
pub fn posed(
    shape: [usize; 4],
    arrays: [Vec<f64>; 3],
    scale: f64,
    causal: bool,
) -> Result<Given, CheckError> {
    let scalars = [("scale", scale), ("causal", f64::from(causal))];
    attention::posed(&EXACT_ATTENTION, shape, arrays, &scalars)
}

impl Cases for AttentionCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == EXACT_ATTENTION.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let mut more = |most: i64| sample::integer(rng, 0, most) as usize;
        let shape = [
            self.queries + more(2),
            self.keys + more(4),
            1 + index % 4,
            1 + more(1),
        ];
        self.in_shape(index, shape, rng)
    }

    /// The smallest shape, one column, more queries than keys, a wide one.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let shapes = [
            [self.queries, self.keys, 1, 1],
            [self.queries + 1, self.keys, 4, 2],
            [self.queries + 3, self.keys + 1, 2, 1],
            [self.queries, self.keys + 12, 1, 1],
        ];
        shapes
            .into_iter()
            .enumerate()
            .map(|(index, shape)| {
                let case = self.in_shape(index, shape, rng)?;
                Ok(case.from_origin(Origin::Edge(index)))
            })
            .collect()
    }

    /// The first tokens of a head of a language model, at its own scale `sqrt(32)` and at the thesis's 32.
    fn real(&self, rows: usize, seed: u64) -> Vec<Result<Case<Given>, CheckError>> {
        if rows == 0 {
            return Vec::new();
        }
        let scales: &[(&str, f64)] = &[
            ("layer0-head5-scale-d", 32.0),
            ("layer0-head5-scale-sqrt-d", 32f64.sqrt()),
        ];
        let scales = &scales[..if self.printed_scale { 1 } else { 2 }];
        scales
            .iter()
            .map(|(name, scale)| {
                let given = head(rows, *scale)?;
                Ok(Case::new(Origin::Real((*name).to_owned()), given, seed))
            })
            .collect()
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let [queries, keys, d] = ["nq", "nk", "d"].map(|side| given.size(side));
        let array = |name, rows| given.matrix(name, rows, "d");
        let logits = array("Q", "nq") * array("K", "nk").transpose() / given.scalar("scale");
        let range = logits
            .row_iter()
            .map(|row| row.max() - row.min())
            .fold(0.0, f64::max);
        let values = given.matrix("V", "nk", "m").amax();
        let mut strata = vec![
            Stratum::Decade("logit range", decade(range)),
            Stratum::Decade("values", decade(values)),
        ];
        for (kind, met) in [
            ("one query", queries == 1),
            ("one key", keys == 1),
            ("d=1", d == 1),
            ("causal", given.scalar("causal") != 0.0),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}

/// The first rows of a head that ships with the program.
fn head(rows: usize, scale: f64) -> Result<Given, CheckError> {
    let read = |bytes: &'static [u8], name: &str| {
        npy::parse_matrix(bytes, bytes.len() as u64, Path::new(name)).map(|whole| {
            whole
                .iter()
                .take(rows)
                .flatten()
                .copied()
                .collect::<Vec<f64>>()
        })
    };
    let q = read(
        include_bytes!("../../../fixtures/systems/layer0-head5-Q.npy"),
        "layer0-head5-Q.npy",
    )?;
    let k = read(
        include_bytes!("../../../fixtures/systems/layer0-head5-K.npy"),
        "layer0-head5-K.npy",
    )?;
    let v = read(
        include_bytes!("../../../fixtures/systems/layer0-head5-V.npy"),
        "layer0-head5-V.npy",
    )?;
    /// Entries of a query, a key and a value of the head.
    const WIDTH: usize = 32;
    let rows = q.len() / WIDTH;
    posed([rows, rows, WIDTH, WIDTH], [q, k, v], scale, false)
}
