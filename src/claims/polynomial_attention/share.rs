//! How large the share of one large key is.
//!
//! In the paper's data sets the logits are `r r'` with `r = 1 + a` at one place and 1 at the n - 1 others, up to a factor that no
//! weight sees.

use crate::claims::tools::attack;
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{Outputs, outputs};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, PolynomialCases, planted};
use super::weights::unless_cancelled;

/// A planted instance: how many keys, the excess a of the large one, the degree.
struct Planted {
    keys: i64,
    excess: High,
    degree: i64,
    /// The share of the large key for the first query.
    share: High,
    radius: High,
}

impl Planted {
    /// `None` for an instance of another form.
    fn of(case: &Case<Given>) -> Result<Option<Self>, CheckError> {
        let given = &case.instance;
        let (k, v) = (given.matrix("K", "nk", "d"), given.matrix("V", "nk", "m"));
        let q = given.matrix("Q", "nq", "d");
        let large = k.max();
        let fits = k.ncols() == 1
            && v.ncols() == 1
            && k.nrows() >= 2
            && large > 1.0
            && q.iter().all(|q| *q > 0.0)
            && k.iter()
                .zip(&v)
                .all(|(k, v)| (*k == 1.0 && *v == 0.0) || (*k == large && *v == 1.0))
            && v.sum() == 1.0;
        if !fits {
            return Ok(None);
        }
        let Some(Outputs { values, radius }) = unless_cancelled(outputs(given))? else {
            return Ok(None);
        };
        Ok(Some(Self {
            keys: k.nrows() as i64,
            excess: High::lift(large)? - High::ONE,
            degree: given.scalar("degree") as i64,
            share: values[(0, 0)],
            radius,
        }))
    }
}

/// `p = 1 / (1 + (n - 1) (1 + a)^-beta)`; the fault has n.
fn closed_form(case: &Case<Given>, others: i64) -> Result<Verdict, CheckError> {
    let Some(planted) = Planted::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let power = (High::ONE + planted.excess).powi(planted.degree);
    let form = (High::ONE + High::int(planted.keys - 1 + others) / power).recip();
    Ok(Verdict::equal(
        "the share of the large key",
        planted.share,
        form,
        // A power of 1 + a is right to as many roundings as its degree.
        Allowance::new(
            planted.radius + High::int(8 + planted.degree).shifted(-38),
            "the radius of the oracle's enclosure and the rounding of a power",
        ),
    ))
}

/// `p >= 1/2` where `beta >= ln(n - shift) / ln(1 + a) - early`.
fn half(case: &Case<Given>, less: i64, early: i64) -> Result<Verdict, CheckError> {
    let Some(planted) = Planted::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let threshold = High::int(planted.keys - less).ln() / planted.excess.ln_1p();
    if High::int(planted.degree + early) < threshold {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    // Attained where n - 1 is a power of 1 + a.
    Ok(at_most_or_equal(
        "1/2 against the share of the large key",
        High::ratio(1, 2),
        planted.share,
        Allowance::new(
            planted.radius + High::ONE.shifted(-36),
            "the radius of the oracle's enclosure and the rounding of the threshold",
        ),
    ))
}

/// `p >= 1/2` at degree 4 and beyond for `a >= 0.7`; as what holds instead, from the threshold on.
fn fixed(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let Some(planted) = Planted::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if planted.degree < 4 || planted.excess < High::ratio(7, 10) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    Ok(at_most_or_equal(
        "1/2 against the share of the large key",
        High::ratio(1, 2),
        planted.share,
        Allowance::new(planted.radius, "the radius of the oracle's enclosure"),
    ))
}

/// Whether the two queries, the large key and another, have different outputs; as what holds instead, the same.
fn queries(case: &Case<Given>, differ: bool) -> Result<Verdict, CheckError> {
    if Planted::of(case)?.is_none() || case.instance.size("nq") < 2 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(found) = unless_cancelled(outputs(&case.instance))? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let (large, other) = (found.values[(0, 0)], found.values[(1, 0)]);
    let granted = Allowance::new(
        found.radius + found.radius,
        "the radii of the oracle's enclosures",
    );
    Ok(if differ {
        Verdict::at_least(
            "|f_j3 - f_j0|",
            (large - other).abs(),
            High::ONE.shifted(-30),
            granted,
        )
    } else {
        Verdict::equal("f_j3 against f_j0", large, other, granted)
    })
}

/// The share of the first query is that of the second one's key: a fault, for the control.
fn other_share(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let Some(planted) = Planted::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let rest = (High::ONE - planted.share) / High::int(planted.keys - 1);
    Ok(Verdict::equal(
        "f_j3 against f_j0",
        planted.share,
        rest,
        Allowance::new(planted.radius, "the radius of the oracle's enclosure"),
    ))
}

/// A degree just at or above the threshold: the smallest share that the statement covers.
fn search(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let tried = attack::best_of(
        40,
        || {
            let keys = sample::integer(rng, 2, 400) as usize;
            let a = 2f64.powi(-(sample::integer(rng, 0, 5) as i32))
                * (0.25 + sample::dyadic(rng, 3).abs());
            let degree = (((keys - 1) as f64).ln() / a.ln_1p()).ceil().max(0.0);
            (keys, a, degree)
        },
        |(keys, a, degree)| -(degree * a.ln_1p() - ((keys - 1) as f64).ln()),
    );
    let (keys, a, degree) = tried;
    let given = planted(keys, 0, a, degree as u32)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const PLANTED: OtherCases = &PolynomialCases {
    kind: Kind::Planted,
    cases: 60,
};
const LARGE: OtherCases = &PolynomialCases {
    kind: Kind::Large,
    cases: 36,
};
const LARGE_STRATA: &[Stratum] = strata!(Decade("degree"): 1 2; Decade("keys"): 1 2 3);
const STRATA: &[Stratum] =
    strata!(Decade("degree"): 1 2; Decade("keys"): 1 2 3; Kind: "odd degree" "even degree");

/// The claims about shares.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("polynomial-attention/share")
            .derived("n - 1 powers of 1 against one of 1 + a")
            .states("the large key has the share p = 1 / (1 + (n - 1) (1 + a)^-beta), for every query")
            .formula(r"p = \frac{1}{1 + (n - 1) (1 + a)^{-\beta}} \quad \text{for every query}")
            .given("one key 1 + a, the others 1 (up to a common factor), a > 0")
            .about(PLANTED, STRATA)
            .check(|case| closed_form(case, 0))
            .fault("n for n - 1", |case| closed_form(case, 1)),
        claim("polynomial-attention/query-dependence")
            .recalled("arXiv 2310.20051: lemmas for j0 = j3 and for j0 != j3 apart")
            .states("the weights of the query j3 differ from those of another query")
            .formula(r"(D^{-1} U)_{j_3,*} \ne (D^{-1} U)_{j_0,*} \quad \forall j_0 \ne j_3")
            .given("as polynomial-attention/share; a > 0, beta >= 1")
            .note("X = 1 1' makes Q K' = r r', and a row of powers is r_j0^beta times one vector: a bound that tells the two cases apart can be sharp for one of them only. Under softmax they do differ.")
            .about(PLANTED, STRATA)
            .check(|case| queries(case, true))
            .fault("the same: polynomial-attention/query-independence", |case| queries(case, false))
            .refuted("polynomial-attention/query-independence", witness!("polynomial-attention-query-dependence")),
        claim("polynomial-attention/query-independence")
            .derived("replaces polynomial-attention/query-dependence")
            .states("all queries have the same weights where Q K' = r r'")
            .formula(r"Q K^\top = r r^\top \quad \implies \quad (D^{-1} U)_{i,*} = (D^{-1} U)_{j,*} \ \forall i, j")
            .given("as polynomial-attention/share")
            .about(PLANTED, STRATA)
            .check(|case| queries(case, false))
            .fault("the weight of another key for that of the large one", other_share),
        claim("polynomial-attention/fixed-degree")
            .derived("the abstract of arXiv 2310.20051, read as a degree for inputs of any length")
            .states("degree 4 is high enough: the large key has at least half of the weight for beta >= 4 and a >= 0.7")
            .formula(r"\beta \ge 4, \ a \ge 0.7 \quad \implies \quad p = \frac{1}{1 + (n - 1) (1 + a)^{-\beta}} \ge \tfrac{1}{2}")
            .given("as polynomial-attention/share")
            .note("False for every fixed degree: what is needed grows like ln n / ln(1 + a).")
            .about(LARGE, LARGE_STRATA)
            .check(fixed)
            .fault("a degree that grows with n: polynomial-attention/degree-for-half-sharp", |case| half(case, 1, 0))
            .refuted("polynomial-attention/degree-for-half-sharp", witness!("polynomial-attention-fixed-degree")),
        claim("polynomial-attention/degree-for-half")
            .recalled("arXiv 2310.20051: a degree of the order of log n / log(1 + a) is high enough")
            .states("the large key has at least half of the weight for beta >= ln n / ln(1 + a)")
            .formula(r"\beta \ge \frac{\ln n}{\ln(1 + a)} \quad \implies \quad p = \frac{1}{1 + (n - 1) (1 + a)^{-\beta}} \ge \tfrac{1}{2}")
            .given("as polynomial-attention/share")
            .note("ln(n - 1) is enough, and exactly what is needed: polynomial-attention/degree-for-half-sharp. The degree grows with ln n: none is high enough for every length.")
            .about(PLANTED, STRATA)
            .check(|case| half(case, 0, 0))
            .fault("two degrees fewer", |case| half(case, 0, 2)),
        claim("polynomial-attention/degree-for-half-sharp")
            .derived("from polynomial-attention/share: p >= 1/2 if and only if (1 + a)^beta >= n - 1")
            .states("the large key has at least half of the weight if beta >= ln(n - 1) / ln(1 + a)")
            .formula(r"\beta \ge \frac{\ln(n - 1)}{\ln(1 + a)} \quad \implies \quad p = \frac{1}{1 + (n - 1) (1 + a)^{-\beta}} \ge \tfrac{1}{2}")
            .given("as polynomial-attention/share")
            .note("The search takes the first degree at or above the threshold.")
            .about(PLANTED, STRATA)
            .attacked(4, search)
            .check(|case| half(case, 1, 0))
            .fault("one degree fewer", |case| half(case, 1, 1)),
    ]
}
