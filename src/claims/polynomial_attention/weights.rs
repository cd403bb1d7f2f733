//! What the weights of a polynomial attention are.

use nalgebra::DMatrix;

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::{OracleError, OutputsReference, lift_matrix};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, PolynomialCases, posed};

/// Why so much is granted.
const ENCLOSED: &str = "the radii of the oracle's enclosures of outputs";

/// Outputs, and the largest of the oracle's error radii; `None` where a row of powers adds up to 0.
pub fn outputs(given: &Given) -> Result<Option<(DMatrix<High>, High)>, CheckError> {
    let balls = match OutputsReference::of(given)?.enclose() {
        Ok(balls) => balls,
        Err(OracleError::Vanishes { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let radius = balls
        .iter()
        .fold(High::ZERO, |most, ball| most.max(ball.radius()));
    let values: Vec<High> = balls.iter().map(|ball| ball.midpoint()).collect();
    let [queries, m] = ["nq", "m"].map(|side| given.size(side));
    Ok(Some((DMatrix::from_row_slice(queries, m, &values), radius)))
}

/// The same instance with other values.
fn with_values(given: &Given, v: &DMatrix<f64>) -> Result<Given, CheckError> {
    let rows = |name, side| {
        let matrix = given.matrix(name, side, "d");
        matrix.transpose().as_slice().to_vec()
    };
    let [queries, keys, d] = ["nq", "nk", "d"].map(|side| given.size(side));
    posed(
        [queries, keys, d, v.ncols()],
        [
            rows("Q", "nq"),
            rows("K", "nk"),
            v.transpose().as_slice().to_vec(),
        ],
        given.scalar("degree") as u32,
    )
}

/// Whether a degree is even, or no product of a query and a key is negative.
fn of_one_sign(given: &Given) -> bool {
    let array = |name, rows| lift_matrix(&given.matrix(name, rows, "d"));
    let products = array("Q", "nq") * array("K", "nk").transpose();
    given.scalar("degree") % 2.0 == 0.0 || products.iter().all(|z| !z.is_negative())
}

/// Every weight is from 0 to 1.
fn probabilities(case: &Case<Given>, premise: bool) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    if premise && !of_one_sign(given) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let keys = given.size("nk");
    let Some((weights, radius)) = outputs(&with_values(given, &DMatrix::identity(keys, keys))?)?
    else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let half = High::ratio(1, 2);
    let farthest = weights
        .iter()
        .map(|p| (*p - half).abs())
        .fold(High::ZERO, High::max);
    // One key, or all others 0: the weight is 1.
    Ok(at_most_or_equal(
        "distance of a weight from 1/2",
        farthest,
        half,
        Allowance::new(radius + High::ONE.shifted(-38), ENCLOSED),
    ))
}

/// How a query is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// `q -> c q`.
    Scaled,
    /// `q -> q + c 1`.
    Shifted,
}

/// `c q` has the outputs of q, for c a power of two.
fn homogeneous(case: &Case<Given>, change: Change) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let [queries, keys, d, m] = ["nq", "nk", "d", "m"].map(|side| given.size(side));
    let factor = 2f64.powi(1 + (case.seed % 20) as i32);
    let rows = |name, side, columns| {
        let matrix = given.matrix(name, side, columns);
        matrix.transpose().as_slice().to_vec()
    };
    let mut q: Vec<f64> = rows("Q", "nq", "d");
    for entry in &mut q {
        *entry = match change {
            Change::Scaled => *entry * factor,
            Change::Shifted => *entry + factor,
        };
    }
    if q.iter().any(|entry| !entry.is_finite()) {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let other = posed(
        [queries, keys, d, m],
        [q, rows("K", "nk", "d"), rows("V", "nk", "m")],
        given.scalar("degree") as u32,
    )?;
    // The scale of the case plays no part: it scales every logit.
    let (Some((left, one)), Some((right, two))) = (outputs(given)?, outputs(&other)?) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut verdict = Verdict::VACUOUS;
    for i in 0..queries {
        for c in 0..m {
            verdict = verdict.and(Verdict::equal(
                &format!("outputs[{i}, {c}]"),
                left[(i, c)],
                right[(i, c)],
                Allowance::new(one + two, ENCLOSED),
            ));
        }
    }
    Ok(verdict)
}

const ANY: OtherCases = &PolynomialCases {
    kind: Kind::Any,
    cases: 64,
};
const STRATA: &[Stratum] = strata!(
    Decade("degree"): 0 1 2;
    Decade("values"): 0 1 4 7;
    Kind: "one key" "degree 0" "odd degree" "even degree"
);

/// The claims about weights.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("polynomial-attention/weights-are-probabilities")
            .derived("the word attention: D^-1 U is read as a matrix of probabilities; the abstract states no premise")
            .states("every weight (q' k)^beta / sum (q' k)^beta is from 0 to 1")
            .given("the row sum is not 0")
            .note("False for an odd degree where products of both signs meet: 2 and -1.9 cubed give 7.01 and -6.01, and 2 and -2 the row sum 0.")
            .about(ANY, STRATA)
            .check(|case| probabilities(case, false))
            .fault("beta even or no product negative: polynomial-attention/weights-of-one-sign", |case| probabilities(case, true))
            .refuted("polynomial-attention/weights-of-one-sign", witness!("polynomial-attention-weights-are-probabilities")),
        claim("polynomial-attention/weights-of-one-sign")
            .derived("replaces polynomial-attention/weights-are-probabilities")
            .states("every weight is from 0 to 1")
            .given("beta even or no q' k negative; the row sum is not 0")
            .about(ANY, STRATA)
            .check(|case| probabilities(case, true))
            .fault("any degree, any signs", |case| probabilities(case, false)),
        claim("polynomial-attention/query-scale")
            .derived("the power of a product is the product of the powers")
            .states("c q has the outputs of q for every c that is not 0: the size of a query does not matter, only its direction")
            .note("Where Q K' = r r' all queries have the same outputs: in the paper's data sets nothing depends on the query. Softmax attention sharpens with the size of its query.")
            .about(ANY, STRATA)
            .check(|case| homogeneous(case, Change::Scaled))
            .fault("q + c 1 for c q", |case| homogeneous(case, Change::Shifted)),
    ]
}
