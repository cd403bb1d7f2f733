//! The same data sets under exact attention: what the sister paper (arXiv 2310.11685) says of softmax.

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{self, outputs};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::decade::decade;
use crate::claims::{
    Case, Cases, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict,
};
use crate::instance::sample::{self, Stream};
use crate::scalar::{Allowance, High};
use crate::system::{EXACT_ATTENTION, Given};

/// One key `1 + a`, the others 1; the query is `s^2 (1 + a)` with `s^2` just above `ln n`.
struct SisterCases;

const KEYS: [usize; 6] = [2, 10, 40, 160, 700, 5];
/// From 0.7, from the golden ratio less 1 (0.618034), and just below.
const EXCESSES: [f64; 6] = [0.75, 0.703125, 0.625, 0.6181640625, 1.0, 0.61328125];

fn drawn(
    index: usize,
    keys: usize,
    excess: f64,
    origin: Origin,
) -> Result<Case<Given>, CheckError> {
    let square = (keys as f64).ln() * (1.0 + 8.0 * f64::EPSILON);
    let large = index % keys;
    let marked = |other: f64, here: f64| -> Vec<f64> {
        (0..keys)
            .map(|k| if k == large { here } else { other })
            .collect()
    };
    let arrays = [
        vec![square * (1.0 + excess)],
        marked(1.0, 1.0 + excess),
        marked(0.0, 1.0),
    ];
    let given = attention::posed(&EXACT_ATTENTION, [1, keys, 1, 1], arrays, &[("scale", 1.0)])?;
    Ok(Case::new(origin, given, 0))
}

impl Cases for SisterCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == EXACT_ATTENTION.key
    }

    fn count(&self) -> usize {
        36
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let keys = KEYS[index % KEYS.len()] + sample::integer(rng, 0, 3) as usize;
        let excess = EXCESSES[(index / KEYS.len()) % EXCESSES.len()];
        drawn(index, keys, excess, Origin::Random(index))
    }

    /// Many keys, where the threshold is sharp.
    fn edges(&self, _rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        EXCESSES
            .into_iter()
            .enumerate()
            .map(|(index, excess)| drawn(index, 1000, excess, Origin::Edge(index)))
            .collect()
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let mut strata = vec![Stratum::Decade("keys", decade(given.size("nk") as f64))];
        if given.matrix("K", "nk", "d").max() < 1.7 {
            strata.push(Stratum::Kind("below 0.7"));
        }
        strata
    }
}

/// `p >= 1/2` for the query of the large key where `a >= least`.
fn half(case: &Case<Given>, least: High) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let (q, k) = (given.matrix("Q", "nq", "d"), given.matrix("K", "nk", "d"));
    let v = given.matrix("V", "nk", "m");
    let fits = q.len() == 1 && k.ncols() == 1 && v.ncols() == 1 && given.scalar("scale") == 1.0;
    let large = k.max();
    let planted = fits
        && large > 1.0
        && v.sum() == 1.0
        && k.iter()
            .zip(&v)
            .all(|(k, v)| (*k == 1.0 && *v == 0.0) || (*k == large && *v == 1.0));
    if !planted {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let one_more = High::lift(large)?;
    let square = High::lift(q[0])? / one_more;
    let keys = High::int(k.len() as i64);
    if square < keys.ln() || one_more - High::ONE < least {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let found = outputs(given)?;
    Ok(at_most_or_equal(
        "1/2 against the share of the large key",
        High::ratio(1, 2),
        found.values[(0, 0)],
        Allowance::new(found.radius, "the radius of the oracle's enclosure"),
    ))
}

/// `(sqrt(5) - 1) / 2`.
fn golden() -> High {
    (High::int(5).sqrt() - High::ONE) / High::int(2)
}

const PLANTED: OtherCases = &SisterCases;
const STRATA: &[Stratum] = strata!(Decade("keys"): 1 2 3);

/// The claims about softmax on the data sets.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("polynomial-attention/softmax-half")
            .recalled("arXiv 2310.11685: softmax attention finds the large entry for a_1 >= 0.7")
            .states("with softmax the large key has at least half of the weight of its own query for a >= 0.7")
            .formula(r"a \ge 0.7 \quad \implies \quad p = \frac{1}{1 + (n - 1) \exp(-s^2 a (1 + a))} \ge \tfrac{1}{2}")
            .given("logits r r' with r = s (1 + a) at the large key and s elsewhere, s^2 >= ln n")
            .note("0.618034 is enough, and for large n what is needed: polynomial-attention/softmax-half-sharp. For the other queries, whose logits are s^2 (1 + a) and s^2, it takes a = 1.")
            .about(PLANTED, STRATA)
            .check(|case| half(case, High::ratio(7, 10)))
            .fault("a >= 0.61", |case| half(case, High::ratio(61, 100))),
        claim("polynomial-attention/softmax-half-sharp")
            .derived("p >= 1/2 if and only if s^2 a (1 + a) >= ln(n - 1)")
            .states("with softmax the large key has at least half of the weight of its own query for a >= (sqrt(5) - 1) / 2 = 0.618034")
            .formula(r"a \ge \tfrac{\sqrt{5} - 1}{2} \quad \implies \quad p = \frac{1}{1 + (n - 1) \exp(-s^2 a (1 + a))} \ge \tfrac{1}{2}")
            .given("as polynomial-attention/softmax-half")
            .note("a (1 + a) = 1 there. For s^2 = ln n the exact threshold tends to it from below: 0.617058 at n = 100.")
            .about(PLANTED, strata!(Decade("keys"): 1 2 3; Kind: "below 0.7"))
            .check(|case| half(case, golden()))
            .fault("a >= 0.61", |case| half(case, High::ratio(61, 100))),
    ]
}
