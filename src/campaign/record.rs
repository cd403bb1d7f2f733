//! What a campaign found out about one claim.

use std::collections::BTreeMap;

use crate::claims::{
    AnyCase, Claim, Expected, Finding, Origin, Outside, Stratum, Verdict, Wording,
};
use crate::system::Posed;

/// The verdict on a claim after all its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// No case failed, and a certificate that the program checked covers every instance.
    Proven,
    /// At least one case met the premise, and none failed.
    Holds,
    /// At least one case failed.
    Fails,
    /// No case met the premise.
    Outside,
    /// No case was decided.
    Undecided,
}

impl Tally {
    /// How reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Outside => "outside",
            Self::Undecided => "undecided",
        }
    }
}

/// A case on which a claim fails.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where the case came from.
    pub origin: Origin,
    /// What was found.
    pub finding: Finding,
    /// The instance, with its points.
    pub instance: Posed,
    /// The seed of the check's own draws.
    pub seed: u64,
}

/// A case inside the premise that was decided, as a plot shows it.
#[derive(Clone, Debug)]
pub struct DecidedCase {
    /// Where the case came from.
    pub origin: Origin,
    /// allowed / observed: below 1 where the statement fails, infinite where nothing was observed.
    pub slack: f64,
    /// Where the case lies, by quantity and decade.
    pub levels: Vec<(&'static str, i32)>,
}

/// What a campaign found out about one claim.
#[derive(Clone, Debug)]
pub struct ClaimRecord {
    /// The claim's id.
    pub id: &'static str,
    /// How sure the claim's wording is.
    pub wording: Wording,
    /// The verdict on record.
    pub expected: Expected,
    /// Whether the cases were chosen by somebody (`Plan::only`) rather than drawn.
    pub chosen: bool,
    /// What the claim's certificate proves, or why it was refused; `None` where there is none.
    pub proof: Option<Result<String, String>>,
    /// Cases tried.
    pub cases: usize,
    /// Cases whose premise was not met, by reason.
    pub outside: BTreeMap<Outside, usize>,
    /// Cases from real data: those inside the premise, and all.
    pub real: (usize, usize),
    /// Cases left undecided.
    pub undecided: usize,
    /// The reason given for the first of them.
    pub undecided_reason: Option<String>,
    /// Cases on which the statement fails.
    pub failed: usize,
    /// Smallest allowed / observed over the decided cases; infinite where nothing was compared.
    pub slack: f64,
    /// Where the smallest slack was seen.
    pub tightest: Option<Origin>,
    /// The decided cases inside the premise, in their order.
    pub points: Vec<DecidedCase>,
    /// Cases inside the premise, by stratum.
    pub strata: BTreeMap<Stratum, usize>,
    /// The failure with the fewest rows and columns; a recorded witness goes first.
    pub failure: Option<Failure>,
    /// Whether the recorded witness was tried, and failed as it should.
    pub witness_fails: Option<bool>,
    /// Cases, and the certificate, that were not begun because the campaign was stopped.
    pub unfinished: usize,
}

impl ClaimRecord {
    /// An empty record.
    pub fn new(claim: &Claim) -> Self {
        Self {
            id: claim.id,
            wording: claim.wording,
            expected: claim.expected,
            chosen: false,
            proof: None,
            cases: 0,
            outside: BTreeMap::new(),
            real: (0, 0),
            undecided: 0,
            undecided_reason: None,
            failed: 0,
            slack: f64::INFINITY,
            tightest: None,
            points: Vec::new(),
            strata: BTreeMap::new(),
            failure: None,
            witness_fails: None,
            unfinished: 0,
        }
    }

    /// Adds one decided case of this claim. Call in the order of the cases.
    pub fn add(&mut self, claim: &Claim, case: &AnyCase, verdict: Verdict) {
        self.cases += 1;
        if *case.origin() == Origin::Witness {
            self.witness_fails = Some(matches!(verdict, Verdict::Fails(_)));
        }
        if matches!(case.origin(), Origin::Real(_)) {
            self.real.0 += usize::from(!matches!(verdict, Verdict::Outside(_)));
            self.real.1 += 1;
        }
        if verdict.slack() < self.slack {
            self.slack = verdict.slack();
            self.tightest = Some(case.origin().clone());
        }
        let slack = verdict.slack();
        let decided = matches!(verdict, Verdict::Holds { .. } | Verdict::Fails(_));
        match verdict {
            Verdict::Outside(reason) => {
                *self.outside.entry(reason).or_default() += 1;
                return;
            }
            Verdict::Undecided(reason) => {
                self.undecided += 1;
                self.undecided_reason.get_or_insert(reason);
            }
            Verdict::Fails(finding) => {
                self.failed += 1;
                let posed = case.posed();
                let better = self.failure.as_ref().is_none_or(|known| {
                    known.origin != Origin::Witness && posed.size() < known.instance.size()
                });
                if better {
                    self.failure = Some(Failure {
                        origin: case.origin().clone(),
                        finding,
                        instance: posed,
                        seed: case.seed(),
                    });
                }
            }
            Verdict::Holds { .. } => {}
        }
        let strata = claim.strata_of(case);
        if decided {
            self.points.push(DecidedCase {
                origin: case.origin().clone(),
                slack,
                levels: strata.iter().filter_map(Stratum::level).collect(),
            });
        }
        for stratum in strata {
            *self.strata.entry(stratum).or_default() += 1;
        }
    }

    /// Adds a case that could not even be made.
    pub fn add_unmade(&mut self, reason: String) {
        self.cases += 1;
        self.undecided += 1;
        self.undecided_reason.get_or_insert(reason);
    }

    /// Cases outside the premise.
    pub fn outside_total(&self) -> usize {
        self.outside.values().sum()
    }

    /// The verdict on the claim.
    pub fn verdict(&self) -> Tally {
        let decided = self.cases - self.outside_total() - self.undecided;
        if self.failed > 0 {
            Tally::Fails
        } else if matches!(self.proof, Some(Ok(_))) {
            Tally::Proven
        } else if decided > 0 {
            Tally::Holds
        } else if self.undecided > 0 || self.unfinished > 0 {
            Tally::Undecided
        } else {
            Tally::Outside
        }
    }

    /// Whether the campaign says what is on record: the same verdict, a recorded witness that still fails, and a
    /// certificate that was not refused. On instances of somebody's own choice only a failure contradicts a claim on
    /// record as true: a premise that is not met there says nothing.
    /// What a stopped campaign has not looked at contradicts nothing either.
    pub fn as_recorded(&self) -> bool {
        let refused = matches!(self.proof, Some(Err(_)));
        if self.unfinished > 0 {
            let contradicted = self.expected == Expected::Holds && self.failed > 0;
            return !contradicted && !refused && self.witness_fails != Some(false);
        }
        if self.chosen && self.expected == Expected::Holds {
            return self.verdict() != Tally::Fails;
        }
        let verdict = matches!(
            (self.expected, self.verdict()),
            (Expected::Holds, Tally::Holds | Tally::Proven) | (Expected::Fails, Tally::Fails)
        );
        verdict && !refused && self.witness_fails != Some(false)
    }
}
