//! One dishonest client, and means that do not follow it.

use nalgebra::DVector;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{FederatedCases, Kind};
use super::model::{Model, mean};

/// What is made of the clients' gradients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Mean,
    Median,
    /// Without so many at both ends.
    Trimmed(usize),
}

impl Aggregate {
    fn of(self, mut entries: Vec<High>) -> High {
        entries.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let each = match self {
            Self::Mean => 0,
            Self::Median => (entries.len() - 1) / 2,
            Self::Trimmed(each) => each,
        };
        let kept = &entries[each..entries.len() - each];
        kept.iter().copied().sum::<High>() / High::int(kept.len() as i64)
    }
}

/// The last `liars` clients send what moves the mean to 2^20 in every entry, or the same with the other sign; the others send their
/// gradients at x. Each entry of the aggregate stays within the honest ones.
fn within(case: &Case<Given>, aggregate: Aggregate, liars: usize) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let count = model.clients.len();
    let kept = match aggregate {
        Aggregate::Trimmed(each) => count > 2 * each,
        Aggregate::Mean | Aggregate::Median => true,
    };
    if count < 3 || liars >= count || !kept {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let gradients = model.gradients()?;
    let honest = &gradients[..count - liars];
    let size = gradients
        .iter()
        .map(|own| own.norm())
        .fold(High::ONE, High::max);
    let sum = mean(honest) * High::int(honest.len() as i64);
    let mut verdict = Verdict::VACUOUS;
    for sign in [1, -1] {
        let target = DVector::repeat(sum.len(), size * High::int(sign << 20));
        let lie = (target * model.count() - &sum) / High::int(liars as i64);
        for j in 0..sum.len() {
            let own: Vec<High> = honest.iter().map(|gradient| gradient[j]).collect();
            let sent = own
                .iter()
                .copied()
                .chain((0..liars).map(|_| lie[j]))
                .collect();
            let found = aggregate.of(sent);
            let granted =
                || Allowance::new(size.shifted(-30), "100 roundings of a mean at 40 digits");
            let [low, high] = [High::min, High::max].map(|of: fn(High, High) -> High| {
                own.iter().copied().reduce(of).unwrap_or(High::ZERO)
            });
            // A value of the range's end is within it.
            let margin = granted().size() + granted().size();
            verdict = verdict
                .and(Verdict::at_most(
                    &format!("entry {j}"),
                    found,
                    high + margin,
                    granted(),
                ))
                .and(Verdict::at_least(
                    &format!("entry {j}"),
                    found,
                    low - margin,
                    granted(),
                ));
        }
    }
    Ok(verdict)
}

/// The largest number of liars that is a minority.
fn minority(case: &Case<Given>) -> usize {
    case.instance.size("N").saturating_sub(1) / 2
}

const CROWDS: OtherCases = &FederatedCases {
    kind: Kind::Any,
    least: 3,
    steps: 1,
    cases: 16,
};
const STRATA: &[Stratum] = strata!(Kind: "several clients" "d=1" "d=2");

/// The claims about dishonest clients.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("federated-softmax/mean-within-the-honest")
            .derived("the abstract's motivation, dishonest units, read as a mean that tolerates few of them")
            .states("one dishonest client cannot move the mean out of the range of the honest ones, entry by entry")
            .formula(r"\min_{c\ \text{honest}} g_{c, j} \le \bar g_j \le \max_{c\ \text{honest}} g_{c, j}")
            .given("N >= 3, one dishonest client")
            .note("It sends N times where it wants the mean to be, less the sum of the others, and the mean is there.")
            .about(CROWDS, STRATA)
            .check(|case| within(case, Aggregate::Mean, 1))
            .fault("the median: federated-softmax/median-within-the-honest", |case| within(case, Aggregate::Median, 1))
            .refuted("federated-softmax/median-within-the-honest", witness!("federated-softmax-mean-within-the-honest")),
        claim("federated-softmax/median-within-the-honest")
            .derived("replaces federated-softmax/mean-within-the-honest")
            .states("the median of each entry is within the range of the honest clients while fewer than half are dishonest")
            .formula(r"2\, |\text{dishonest}| < N \implies \min_{c\ \text{honest}} g_{c, j} \le \operatorname{med}_c g_{c, j} \le \max_{c\ \text{honest}} g_{c, j}")
            .given("N >= 3, as many dishonest clients as are fewer than half")
            .note("`solve --method fedavg-median`. Within the range is not at the mean: of clients that differ the median has a limit of its own.")
            .about(CROWDS, STRATA)
            .check(|case| within(case, Aggregate::Median, minority(case)))
            .fault("a majority is dishonest", |case| within(case, Aggregate::Median, minority(case) + 1)),
        claim("federated-softmax/trimmed-mean-within-the-honest")
            .derived("at most as many are dishonest as are left out at each end")
            .states("the mean of each entry without the largest and the smallest is within the range of the honest clients while one is dishonest")
            .formula(r"|\text{dishonest}| \le t \implies \min_{c\ \text{honest}} g_{c, j} \le \frac{1}{N - 2 t} \sum_{k = t + 1}^{N - t} g_{(k), j} \le \max_{c\ \text{honest}} g_{c, j}")
            .given("N >= 3, t = 1, one dishonest client")
            .about(CROWDS, STRATA)
            .check(|case| within(case, Aggregate::Trimmed(1), 1))
            .fault("two are dishonest", |case| within(case, Aggregate::Trimmed(1), 2)),
    ]
}
