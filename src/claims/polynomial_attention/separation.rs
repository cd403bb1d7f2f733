//! Whether the network tells the data sets apart, and for which degrees.
//!
//! A sign vector y is random, so that statements are about probabilities: exact sums of binomial tails
//! (`oracle/separation`). Definitions are recalled from arXiv 2310.11685, their wording was not seen in print.

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{ENCLOSED, Outputs, outputs};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::separation::FiringDegree;
use crate::scalar::{Allowance, Ball, High};
use crate::system::Given;

use super::network::{Data, Degrees, LOUD, Network, NetworkCases, SIGNS, refused};
use super::weights::unless_cancelled;

/// Why probabilities are granted so much.
const PROBABILITY: &str = "the radius of the enclosure of a sum of binomial tails";

/// Relative to 1, more than the roundings of a bound.
fn rounding() -> High {
    High::ONE.shifted(-34)
}

fn margin() -> Result<High, CheckError> {
    Ok(High::lift(super::network::MARGIN)?)
}

/// How many tokens of its own class the large one is counted with.
fn closed_outputs(case: &Case<Given>, itself: i64) -> Result<Verdict, CheckError> {
    let Some(network) = Network::of(&case.instance)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let Some(Outputs { values, radius }) = unless_cancelled(outputs(&case.instance))? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let (p, rest) = network
        .exact
        .share(network.excess, network.degree)
        .map_err(refused)?;
    let each = rest / Ball::exact(High::int(network.exact.tokens() as i64 - 1));
    let b = Ball::exact(High::lift(network.class_weight)?);
    let copies = network.copies as i64;
    let count = |copies: i64| Ball::exact(High::int(copies));
    let other = if network.exact.width() == 3 {
        0
    } else {
        copies
    };
    let expected = [
        Ball::exact(High::lift(network.excess)?) * p,
        b * (p + count(copies - itself) * each),
        b * count(other) * each,
        count(1) - b,
    ];
    let mut verdict = Verdict::VACUOUS;
    for (c, form) in expected.into_iter().enumerate() {
        verdict = verdict.and(Verdict::equal(
            &format!("outputs[0, {c}]"),
            values[(0, c)],
            form.midpoint(),
            Allowance::new(radius + form.radius(), ENCLOSED),
        ));
    }
    Ok(verdict)
}

/// `P >= least`, for an enclosed probability.
fn likely(fires: Ball, least: High) -> Verdict {
    Verdict::at_least(
        "P[F > 0]",
        fires.midpoint(),
        least,
        Allowance::new(fires.radius() + rounding(), PROBABILITY),
    )
}

/// `P <= most`, which may be attained.
fn unlikely(fires: Ball, most: High) -> Verdict {
    at_most_or_equal(
        "P[F > 0]",
        fires.midpoint(),
        most,
        Allowance::new(fires.radius() + most * rounding(), PROBABILITY),
    )
}

/// Silent on the small excess, loud on the large one, more likely than not, for every degree that is high enough for `a = 0.7`.
fn high_degree(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let Some(network) = Network::of(&case.instance)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let enough = match network.exact.firing_degree(LOUD).map_err(refused)? {
        FiringDegree::Always => true,
        FiringDegree::Never => false,
        FiringDegree::Above(degree) => High::int(network.degree as i64) > degree,
    };
    let b = network.class_weight;
    if !enough || !(0.1..=0.9).contains(&b) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let half = High::ratio(1, 2);
    Ok(match (network.silent(), network.loud()) {
        (true, _) => unlikely(network.fires()?, half),
        (_, true) => likely(network.fires()?, half),
        (false, false) => Verdict::Outside(Outside::Premise),
    })
}

/// Above the margin `P >= 1 - (1 - share / 16)^m`; `None` where the signal is not above it.
fn loud_above(network: &Network, share: i64) -> Result<Option<Verdict>, CheckError> {
    let (signal, _) = network.signal()?;
    if signal.midpoint() - signal.radius() <= margin()? {
        return Ok(None);
    }
    let missed = High::ratio(16 - share, 16).powi(SIGNS as i64);
    Ok(Some(likely(network.fires()?, High::ONE - missed)))
}

/// Below the margin `P <= m exp(-times (kappa - signal)^2 / (2 (d - 3) (b t v)^2))`; `None` where the signal is not below it.
fn silent_below(network: &Network, times: i64) -> Result<Option<Verdict>, CheckError> {
    let (signal, other) = network.signal()?;
    let gap = margin()? - signal.midpoint() - signal.radius();
    if !gap.is_positive() {
        return Ok(None);
    }
    let classes = network.exact.width() as i64 - 3;
    let most = if classes == 0 {
        High::ZERO
    } else {
        let spread = High::int(2 * classes) * other.largest().square();
        let exponent = High::int(times) * gap.square() / spread;
        High::int(SIGNS as i64) * (-exponent).exp()
    };
    Ok(Some(unlikely(network.fires()?, most)))
}

/// Both data sets inside of the window; the fault has another share.
fn inside(case: &Case<Given>, share: i64) -> Result<Verdict, CheckError> {
    let Some(network) = Network::of(&case.instance)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let found = match (network.silent(), network.loud()) {
        (true, _) => silent_below(&network, 1)?,
        (_, true) => loud_above(&network, share)?,
        (false, false) => None,
    };
    Ok(found.unwrap_or(Verdict::Outside(Outside::Premise)))
}

/// The large excess below its threshold.
fn low_degree(case: &Case<Given>, times: i64) -> Result<Verdict, CheckError> {
    let found = match Network::of(&case.instance)?.filter(Network::loud) {
        Some(network) => silent_below(&network, times)?,
        None => None,
    };
    Ok(found.unwrap_or(Verdict::Outside(Outside::Premise)))
}

/// The first entry of c on the large excess is at most that on `a = 0.1`, below the threshold; as the fault what holds: at
/// least that.
fn first_entry(case: &Case<Given>, at_most: bool) -> Result<Verdict, CheckError> {
    let Some(network) = Network::of(&case.instance)?.filter(Network::loud) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let (signal, _) = network.signal()?;
    if signal.midpoint() + signal.radius() >= margin()? {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let entry = |a: f64| -> Result<Ball, CheckError> {
        let (p, _) = network.exact.share(a, network.degree).map_err(refused)?;
        Ok(Ball::exact(High::lift(a)?) * p)
    };
    let (large, small) = (entry(network.excess)?, entry(super::network::SILENT)?);
    let granted = || Allowance::new(large.radius() + small.radius(), ENCLOSED);
    Ok(if at_most {
        Verdict::at_most("a_1 p_1", large.midpoint(), small.midpoint(), granted())
    } else {
        Verdict::at_least("a_1 p_1", large.midpoint(), small.midpoint(), granted())
    })
}

/// `P = 0` where `a + b <= times kappa`.
fn one_sided(case: &Case<Given>, times: i64) -> Result<Verdict, CheckError> {
    let Some(network) = Network::of(&case.instance)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let sum = High::lift(network.excess)? + High::lift(network.class_weight)?;
    if sum > High::int(times) * margin()? {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    Ok(unlikely(network.fires()?, High::ZERO))
}

/// Which width is enough for silence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    /// `n^0.02` to `n^0.99`, for a failure below 1/2.
    Recalled,
    /// `d - 2 >= 2 b^2 ln(m / failure) / (kappa - signal)^2`, for a failure below 1/100.
    Hoeffding,
    /// A twelfth of that.
    Twelfth,
}

fn wide(case: &Case<Given>, enough: Width) -> Result<Verdict, CheckError> {
    let Some(network) = Network::of(&case.instance)?.filter(Network::silent) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let width = High::int(network.exact.width() as i64);
    let (signal, _) = network.signal()?;
    let gap = margin()? - signal.midpoint() - signal.radius();
    let hundredth = High::ratio(1, 100);
    let needed = || {
        let b = High::lift(network.class_weight)?;
        let vectors = (High::int(SIGNS as i64) / hundredth).ln();
        Ok::<High, CheckError>(High::int(2) * b.square() * vectors / gap.square())
    };
    let (fits, most) = match enough {
        Width::Recalled => {
            let logarithm = High::int(network.exact.tokens() as i64).ln();
            let share = width.ln() / logarithm;
            let fits = share >= High::ratio(2, 100) && share <= High::ratio(99, 100);
            (fits, High::ratio(1, 2))
        }
        Width::Hoeffding => (width - High::int(2) >= needed()?, hundredth),
        Width::Twelfth => (
            High::int(12) * (width - High::int(2)) >= needed()?,
            hundredth,
        ),
    };
    if !(fits && gap.is_positive()) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    Ok(unlikely(network.fires()?, most))
}

const GENERAL: NetworkCases = NetworkCases::GENERAL;
const FEW: OtherCases = &NetworkCases {
    shapes: &[(12, 1), (34, 4), (3, 2), (12, 10), (18, 8)],
    cases: 20,
    ..GENERAL
};
const HIGH: OtherCases = &NetworkCases {
    degrees: Degrees::High,
    ..GENERAL
};
const INSIDE: OtherCases = &NetworkCases {
    degrees: Degrees::Inside,
    shapes: &[(12, 1), (102, 10), (34, 4), (102, 1), (62, 30)],
    ..GENERAL
};
const LOW: OtherCases = &NetworkCases {
    degrees: Degrees::Low,
    data: Data::Loud,
    shapes: &[(12, 1), (102, 10), (34, 4), (102, 1), (62, 30)],
    weights: &[0.25, 0.5, 0.125, 0.1875],
    ..GENERAL
};
const LIGHT: OtherCases = &NetworkCases {
    data: Data::Silent,
    weights: &[0.03125, 0.015625, 0.046875, 0.25],
    excesses: &[0.03125, 0.0078125, 0.046875],
    ..GENERAL
};
const NARROW: OtherCases = &NetworkCases {
    degrees: Degrees::Low,
    data: Data::Silent,
    shapes: &[(12, 10), (34, 4), (22, 20), (202, 4), (12, 30), (302, 3)],
    ..GENERAL
};
const WIDE: OtherCases = &NetworkCases {
    degrees: Degrees::Low,
    data: Data::Silent,
    shapes: &[(202, 2), (402, 1), (102, 10), (302, 3), (102, 1), (26, 8)],
    weights: &[0.125, 0.109375, 0.15625],
    excesses: &[0.03125, 0.0078125, 0.015625],
    ..GENERAL
};
const BOTH_STRATA: &[Stratum] =
    strata!(Decade("keys"): 1 2 3; Kind: "small excess" "large excess" "one copy");
const LARGE_STRATA: &[Stratum] = strata!(Decade("keys"): 1 2 3; Kind: "large excess");
const SMALL_STRATA: &[Stratum] = strata!(Decade("keys"): 2 3; Kind: "small excess");

/// The claims about the network.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("polynomial-attention/network-outputs")
            .derived("polynomial-attention/share for the columns of the data sets, X = 1 1'")
            .states("c_j0 = (a p, b (p + (t - 1) v), b t v, .., b t v, c) up to sqrt(ln n), v = (1 - p) / (n - 1), for every j0")
            .formula(r"\begin{aligned} c_{j_0} &= \sqrt{\ln n}\, \bigl(a p, \ b (p + (t - 1) v), \ b t v, \dots, b t v, \ 1 - b\bigr) \quad \forall j_0, \\
                v &= \frac{1 - p}{n - 1} \end{aligned}")
            .given("tokens with an excess a in the first column, b in the column of their class, c = 1 - b in the last; t tokens a class")
            .note("All other classes have the same mass: <c, y> over random signs is a sum of three signed numbers and of a number times a sum of signs, so that probabilities are binomial tails.")
            .about(FEW, strata!(Decade("keys"): 1 2 3; Decade("degree"): 1 2; Kind: "small excess" "large excess" "one copy"))
            .check(|case| closed_outputs(case, 1))
            .fault("t for t - 1", |case| closed_outputs(case, 0)),
        claim("polynomial-attention/high-degree-separates")
            .recalled("abstract of arXiv 2310.20051: with a sufficiently high degree the network distinguishes the data sets")
            .states("with any degree high enough for a_1 = 0.7 the network fires on D_1 and stays silent on D_0, each more likely than not")
            .formula(r"\beta > \beta_1 \text{ for } a_1 = 0.7 \quad \implies \quad \Pr[F(D_1) > 0] > \tfrac{1}{2}, \quad \Pr[F(D_0) > 0] < \tfrac{1}{2}")
            .given("m = 80, kappa = 0.1; b and c = 1 - b at least 0.1, as recalled; a_0 <= 0.1, a_1 >= 0.7")
            .note("The large entry of D_0 is amplified, too: beyond a second degree the network fires on D_0. Degrees from below are needed as well, polynomial-attention/degree-window. Only with a_0 + b <= kappa, which the recalled b >= 0.1 excludes, is every high degree enough: polynomial-attention/one-sided.")
            .about(HIGH, BOTH_STRATA)
            .check(high_degree)
            .fault("inside of the window only: polynomial-attention/degree-window", |case| inside(case, 1))
            .refuted("polynomial-attention/degree-window", witness!("polynomial-attention-high-degree-separates")),
        claim("polynomial-attention/degree-window")
            .derived("replaces polynomial-attention/high-degree-separates; beta_i = (ln(n - 1) + ln(p_i / (1 - p_i))) / ln(1 + a_i) with p_i = (kappa - b w) / (a_i + b (1 - w)), w = (t - 1) / (n - 1)")
            .states("beta > beta_1 implies P[F(D_1) > 0] >= 1 - (15/16)^m, beta < beta_0 implies P[F(D_0) > 0] <= m exp(-(kappa - signal)^2 / (2 (d - 3) (b t v)^2))")
            .formula(r"\begin{aligned} \beta > \beta_1 \quad &\implies \quad \Pr[F(D_1) > 0] \ge 1 - \bigl(\tfrac{15}{16}\bigr)^m, \\
                \beta < \beta_0 \quad &\implies \quad \Pr[F(D_0) > 0] \le m \exp\Bigl(-\frac{(\kappa - \sigma)^2}{2 (d - 3) (b t v)^2}\Bigr), \\
                \sigma &= a p + b (p + (t - 1) v), \quad \sigma = \kappa \text{ at } \beta_i \text{ for } a = a_i \end{aligned}")
            .given("kappa = 0.1, m = 80; signal = a p + b (p + (t - 1) v), which is kappa at beta_i")
            .note("1/8 for the three signs, 1/2 for the sum of the others; Hoeffding's inequality below. `attreg degree-window` has the exact degrees.")
            .about(INSIDE, BOTH_STRATA)
            .check(|case| inside(case, 1))
            .fault("1 - (2/16)^m", |case| inside(case, 14)),
        claim("polynomial-attention/low-degree-tells-nothing")
            .recalled("abstract of arXiv 2310.20051: with a low degree the network cannot distinguish the data sets; read as a statement on expressibility")
            .states("below the threshold beta_1 the first entry of c on D_1 is at most what D_0 has with a_0 = 0.1")
            .formula(r"\begin{aligned} \beta < \beta_1 \quad \implies \quad a_1 p_1 &\le a_0 p_0, \quad a_0 = 0.1, \\
                p_i &= \frac{1}{1 + (n - 1) (1 + a_i)^{-\beta}} \end{aligned}")
            .given("a_1 >= 0.7, the same n and beta")
            .note("y = e_1 and one threshold between a_0 p_0 and a_1 p_1 separate at every degree, even at 0: what cannot separate is the read-out by random signs with the threshold tau, polynomial-attention/low-degree-silent.")
            .about(LOW, LARGE_STRATA)
            .check(|case| first_entry(case, true))
            .fault("at least that", |case| first_entry(case, false))
            .refuted("polynomial-attention/low-degree-silent", witness!("polynomial-attention-low-degree-tells-nothing")),
        claim("polynomial-attention/low-degree-silent")
            .derived("replaces polynomial-attention/low-degree-tells-nothing: random signs and the threshold tau belong to the statement")
            .states("beta < beta_1 implies P[F(D_1) > 0] <= m exp(-(kappa - signal)^2 / (2 (d - 3) (b t v)^2))")
            .formula(r"\begin{aligned} \beta < \beta_1 \quad &\implies \quad \Pr[F(D_1) > 0] \le m \exp\Bigl(-\frac{(\kappa - \sigma)^2}{2 (d - 3) (b t v)^2}\Bigr), \\
                \sigma &= a_1 p + b (p + (t - 1) v), \quad \sigma = \kappa \text{ at } \beta_1 \end{aligned}")
            .given("as polynomial-attention/degree-window")
            .about(LOW, LARGE_STRATA)
            .check(|case| low_degree(case, 1))
            .fault("twice the exponent", |case| low_degree(case, 2)),
        claim("polynomial-attention/one-sided")
            .derived("all signs plus give a p + b + c at most")
            .states("a + b <= kappa implies P[F > 0] = 0 at every degree")
            .formula(r"a + b \le \kappa \quad \implies \quad \Pr[F > 0] = 0 \quad \forall \beta")
            .given("kappa = 0.1")
            .note("The premise under which a sufficiently high degree is enough. The recalled hypotheses have b >= 0.1 = kappa, which excludes it.")
            .about(LIGHT, strata!(Decade("keys"): 1 2 3; Decade("degree"): 1 2 3; Kind: "small excess" "one copy"))
            .check(|case| one_sided(case, 1))
            .fault("a + b <= 4 kappa", |case| one_sided(case, 4)),
        claim("polynomial-attention/width-premise")
            .recalled("arXiv 2310.20051: d from omega(n^0.02) to n^0.99; read for the sizes at hand")
            .states("n^0.02 <= d <= n^0.99 is wide enough for D_0 to stay silent, more likely than not")
            .formula(r"n^{0.02} \le d \le n^{0.99} \quad \implies \quad \Pr[F(D_0) > 0] < \tfrac{1}{2}")
            .given("m = 80, kappa = 0.1, a_0 <= 0.1, a degree below beta_0")
            .note("The random part has the width b / sqrt(d), against a gap of less than 0.1. What is enough: polynomial-attention/width-for-silence, at least 200 b^2 ln(m / failure). Growth with n is not decided by instances.")
            .about(NARROW, SMALL_STRATA)
            .check(|case| wide(case, Width::Recalled))
            .fault("a width by Hoeffding's inequality: polynomial-attention/width-for-silence", |case| wide(case, Width::Hoeffding))
            .refuted("polynomial-attention/width-for-silence", witness!("polynomial-attention-width-premise")),
        claim("polynomial-attention/width-for-silence")
            .derived("replaces polynomial-attention/width-premise: Hoeffding's inequality, (d - 3) (b t v)^2 <= b^2 / (d - 2)")
            .states("d - 2 >= 2 b^2 ln(m / failure) / (kappa - signal)^2 implies P[F(D_0) > 0] <= failure")
            .formula(r"\begin{aligned} d - 2 &\ge \frac{2 b^2 \ln(m / \text{failure})}{(\kappa - \sigma)^2} \quad \implies \quad \Pr[F(D_0) > 0] \le \text{failure}, \\
                \sigma &= a p + b (p + (t - 1) v) \end{aligned}")
            .given("failure = 1/100, m = 80, kappa = 0.1, signal below kappa")
            .about(WIDE, SMALL_STRATA)
            .check(|case| wide(case, Width::Hoeffding))
            .fault("a twelfth of the width", |case| wide(case, Width::Twelfth)),
    ]
}
