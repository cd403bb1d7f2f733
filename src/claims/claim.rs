//! A claim is data: what is printed and where, its premise, its check, the recorded verdict, its correction, and the
//! planted fault that its checker must catch.

use crate::claims::{Case, CheckError, Family, Outside, Proof, Stratum, Verdict};
use crate::instance::LossKind;
use crate::instance::sample::Stream;

/// A paper whose claims are in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Paper {
    /// Deng, Li, Song: Attention Scheme Inspired Softmax Regression (arXiv 2304.10411), with the thesis that restates it.
    Dls23,
    /// Li, Song, Zhou: Solving Regularized Exp, Cosh and Sinh Regression Problems (arXiv 2303.15725).
    Lsz23,
    /// A Unified Scheme of ResNet and Softmax (arXiv 2309.13482).
    ResidualSoftmax,
    /// Local Convergence of Approximate Newton Method for Two Layer Nonlinear Regression (arXiv 2311.15390).
    TwoLayer,
    /// The sampling lemmas that the papers use as tools (Deng, Song, Weinstein, arXiv 2210.12468, and followers).
    Sampling,
}

impl Paper {
    /// Every paper, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::Dls23,
        Self::Lsz23,
        Self::ResidualSoftmax,
        Self::TwoLayer,
        Self::Sampling,
    ];

    /// Short name: the part of a claim's id before the slash.
    pub fn key(self) -> &'static str {
        match self {
            Self::Dls23 => "dls23",
            Self::Lsz23 => "lsz23",
            Self::ResidualSoftmax => "residual-softmax",
            Self::TwoLayer => "two-layer",
            Self::Sampling => "sampling",
        }
    }

    /// Title and number.
    pub fn title(self) -> &'static str {
        match self {
            Self::Dls23 => {
                "Attention Scheme Inspired Softmax Regression (arXiv 2304.10411) and its thesis restatement"
            }
            Self::Lsz23 => {
                "Solving Regularized Exp, Cosh and Sinh Regression Problems (arXiv 2303.15725)"
            }
            Self::ResidualSoftmax => "A Unified Scheme of ResNet and Softmax (arXiv 2309.13482)",
            Self::TwoLayer => {
                "Local Convergence of Approximate Newton Method for Two Layer Nonlinear Regression (arXiv 2311.15390)"
            }
            Self::Sampling => "Sampling lemmas used as tools (arXiv 2210.12468 and followers)",
        }
    }
}

/// How sure the wording of a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wording {
    /// Printed in a text that was read.
    Printed,
    /// Printed in another paper that quotes this one.
    Quoted,
    /// Attributed to the paper from memory: wording unverified.
    Recalled,
    /// Derived for this project.
    Derived,
}

impl Wording {
    /// How reports say it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Printed => "printed",
            Self::Quoted => "quoted in a later paper",
            Self::Recalled => "attributed, wording unverified",
            Self::Derived => "derived here",
        }
    }
}

/// The verdict that is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No counterexample is known, and the checks must find none.
    Holds,
    /// A witness is recorded, and it must fail every time.
    Fails,
}

impl Claim {
    /// The verdict on record as reports say it: `proven` where a certificate stands behind a claim that holds.
    pub fn recorded(&self) -> &'static str {
        match (self.expected, self.proof) {
            (Expected::Holds, Some(_)) => "proven",
            (expected, _) => expected.as_str(),
        }
    }

    /// Whether the statement is about this loss (and activation): one of those that its cases are drawn for. The sampling
    /// lemmas are about the matrix alone, whatever the loss.
    pub fn speaks_of(&self, loss: &LossKind) -> bool {
        self.paper == Paper::Sampling || self.family.losses.iter().any(|drawn| drawn.is(loss))
    }

    /// Decides one case. The loss is a part of every premise, and comes first: a check may take its own loss for granted.
    /// A check that could not be carried out leaves the case undecided.
    pub fn decide(&self, case: &Case) -> Verdict {
        if !self.speaks_of(case.instance.loss()) {
            return Verdict::Outside(Outside::Loss);
        }
        (self.check)(case).unwrap_or_else(|error| Verdict::Undecided(error.to_string()))
    }
}

impl Expected {
    /// How reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
        }
    }
}

/// Decides one case.
pub type Check = fn(&Case) -> Result<Verdict, CheckError>;

/// Searches for the hardest case from one cold start, in f64; the case found is then decided by the claim's check.
pub type Attack = fn(&mut Stream) -> Result<Case, CheckError>;

/// A fault planted in the statement, which must turn the verdict over: for a claim on record as true a stricter or
/// wrong statement that must fail, for one on record as false the corrected statement, which must hold.
pub struct Control {
    /// What was altered.
    pub fault: &'static str,
    /// The same check with the alteration.
    pub check: Check,
}

/// A statement of a paper with everything needed to decide it.
pub struct Claim {
    /// `paper/kebab-case`, the same in code, documents, command line and snapshots.
    pub id: &'static str,
    /// The paper.
    pub paper: Paper,
    /// Place in the paper: lemma, equation, algorithm line.
    pub source: &'static str,
    /// How sure the wording is.
    pub wording: Wording,
    /// The statement, with the paper's letters.
    pub statement: &'static str,
    /// Under which conditions it is stated.
    pub premise: &'static str,
    /// The verdict on record.
    pub expected: Expected,
    /// Id of the claim that holds instead; every claim on record as false has one.
    pub correction: Option<&'static str>,
    /// What was found out about it: errata, how tight it is, where the number comes from. One paragraph.
    pub note: &'static str,
    /// Which cases it is checked on.
    pub family: Family,
    /// Strata that must not be empty in a default run.
    pub strata: &'static [Stratum],
    /// The adversarial search and its number of cold starts in a default run.
    pub attack: Option<(Attack, usize)>,
    /// How many rows of each real attention head the check can afford; 0 where real data say nothing about it.
    pub real_rows: usize,
    /// Decides one case.
    pub check: Check,
    /// The planted fault.
    pub control: Control,
    /// The manifest of the recorded witness, for a claim on record as false.
    pub witness: Option<&'static str>,
    /// The certificate that proves a claim on record as true for every instance.
    pub proof: Option<Proof>,
}
