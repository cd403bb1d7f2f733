//! What the weights of a polynomial attention are.

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{ENCLOSED, Outputs, equal_outputs, outputs, weights};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::{OracleError, lift_matrix};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::{Kind, PolynomialCases};

/// `None` where a row of powers adds up to 0.
pub fn unless_cancelled(found: Result<Outputs, CheckError>) -> Result<Option<Outputs>, CheckError> {
    match found {
        Err(CheckError::Oracle(OracleError::Vanishes { .. })) => Ok(None),
        other => other.map(Some),
    }
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
    let Some(weights) = unless_cancelled(weights(given))? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let half = High::ratio(1, 2);
    let farthest = weights
        .values
        .iter()
        .map(|p| (*p - half).abs())
        .fold(High::ZERO, High::max);
    // One key, or all others 0: the weight is 1.
    Ok(at_most_or_equal(
        "distance of a weight from 1/2",
        farthest,
        half,
        Allowance::new(weights.radius + High::ONE.shifted(-38), ENCLOSED),
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
    let factor = 2f64.powi(1 + (case.seed % 20) as i32);
    let queries = given.matrix("Q", "nq", "d").map(|entry| match change {
        Change::Scaled => entry * factor,
        Change::Shifted => entry + factor,
    });
    if queries.iter().any(|entry| !entry.is_finite()) {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let other = given
        .with_array("Q", Array::matrix(&queries))
        .map_err(CheckError::Other)?;
    let pair = (
        unless_cancelled(outputs(given))?,
        unless_cancelled(outputs(&other))?,
    );
    Ok(match pair {
        (Some(left), Some(right)) => equal_outputs(&left, &right),
        (None, _) | (_, None) => Verdict::Outside(Outside::Premise),
    })
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
            .formula(r"0 \le \frac{(q^\top k_i)^\beta}{\sum_j (q^\top k_j)^\beta} \le 1 \quad \forall i")
            .given("the row sum is not 0")
            .note("False for an odd degree where products of both signs meet: 2 and -1.9 cubed give 7.01 and -6.01, and 2 and -2 the row sum 0.")
            .about(ANY, STRATA)
            .check(|case| probabilities(case, false))
            .fault("beta even or no product negative: polynomial-attention/weights-of-one-sign", |case| probabilities(case, true))
            .refuted("polynomial-attention/weights-of-one-sign", witness!("polynomial-attention-weights-are-probabilities")),
        claim("polynomial-attention/weights-of-one-sign")
            .derived("replaces polynomial-attention/weights-are-probabilities")
            .states("every weight is from 0 to 1")
            .formula(r"0 \le \frac{(q^\top k_i)^\beta}{\sum_j (q^\top k_j)^\beta} \le 1 \quad \forall i")
            .given("beta even or no q' k negative; the row sum is not 0")
            .about(ANY, STRATA)
            .check(|case| probabilities(case, true))
            .fault("any degree, any signs", |case| probabilities(case, false)),
        claim("polynomial-attention/query-scale")
            .derived("the power of a product is the product of the powers")
            .states("c q has the outputs of q for every c that is not 0: the size of a query does not matter, only its direction")
            .formula(r"\frac{\sum_i (c\, q^\top k_i)^\beta v_i}{\sum_i (c\, q^\top k_i)^\beta} = \frac{\sum_i (q^\top k_i)^\beta v_i}{\sum_i (q^\top k_i)^\beta} \quad \forall c \ne 0")
            .note("Where Q K' = r r' all queries have the same outputs: in the paper's data sets nothing depends on the query. Softmax attention sharpens with the size of its query.")
            .about(ANY, STRATA)
            .check(|case| homogeneous(case, Change::Scaled))
            .fault("q + c 1 for c q", |case| homogeneous(case, Change::Shifted)),
    ]
}
