//! A claim is data: what is printed and where, its premise, its check, the recorded verdict, its correction, and the
//! planted fault that its checker must catch.

use crate::claims::{
    AnyCase, Case, Cases, CheckError, Family, OtherCases, Outside, Proof, Stratum, Verdict,
};
use crate::instance::Instance;
use crate::instance::sample::Stream;
use crate::system::{Given, Posed};

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
    /// Gao, Song, Wang, Yin: A Fast Optimization View, Reformulating Single Layer Attention (arXiv 2309.07418).
    SingleLayerAttention,
    /// Song, Ye, Yin, Zhang: Efficient Alternating Minimization (arXiv 2306.04169).
    WeightedLowRank,
    /// The thesis's definition of attention, and Alman, Song: Fast Attention Requires Bounded Entries (arXiv 2302.13214).
    ExactAttention,
    /// Song, Xu, Yin: The Expressibility of Polynomial based Attention Scheme (arXiv 2310.20051).
    PolynomialAttention,
    /// Song, Yin, Zhang: Solving Attention Kernel Regression Problem via Pre-conditioner (arXiv 2308.14304).
    AttentionKernelRegression,
    /// Deng, Song, Yin: Faster Robust Tensor Power Method for Arbitrary Order (arXiv 2306.00406).
    TensorPower,
    /// Revisiting Quantum Algorithms for Linear Regressions: Quadratic Speedups without Data-Dependent Parameters (arXiv 2311.14823).
    LeverageRegression,
    /// GradientCoin: A Peer-to-Peer Decentralized Large Language Models (arXiv 2308.10502).
    FederatedSoftmax,
    /// Chen, Song, Sun, Yin, Zhuo: Query Complexity of Active Learning for Function Family With Nearly Orthogonal Basis (arXiv 2306.03356).
    ActiveLearning,
    /// The sampling lemmas that the papers use as tools (Deng, Song, Weinstein, arXiv 2210.12468, and followers).
    Sampling,
}

impl Paper {
    /// Every paper, in the order of reports.
    pub const ALL: [Self; 14] = [
        Self::Dls23,
        Self::Lsz23,
        Self::ResidualSoftmax,
        Self::TwoLayer,
        Self::SingleLayerAttention,
        Self::WeightedLowRank,
        Self::ExactAttention,
        Self::PolynomialAttention,
        Self::AttentionKernelRegression,
        Self::TensorPower,
        Self::LeverageRegression,
        Self::FederatedSoftmax,
        Self::ActiveLearning,
        Self::Sampling,
    ];

    /// Short name: the part of a claim's id before the slash.
    pub fn key(self) -> &'static str {
        match self {
            Self::Dls23 => "dls23",
            Self::Lsz23 => "lsz23",
            Self::ResidualSoftmax => "residual-softmax",
            Self::TwoLayer => "two-layer",
            Self::SingleLayerAttention => "single-layer-attention",
            Self::WeightedLowRank => "weighted-low-rank",
            Self::ExactAttention => "exact-attention",
            Self::PolynomialAttention => "polynomial-attention",
            Self::AttentionKernelRegression => "attention-kernel-regression",
            Self::TensorPower => "tensor-power",
            Self::LeverageRegression => "leverage-regression",
            Self::FederatedSoftmax => "federated-softmax",
            Self::ActiveLearning => "active-learning",
            Self::Sampling => "sampling",
        }
    }

    /// The keys of the systems that it is about; none where it is about tools.
    pub fn systems(self) -> &'static [&'static str] {
        match self {
            Self::Dls23 => &["softmax"],
            Self::Lsz23 => &["exp", "cosh", "sinh"],
            Self::ResidualSoftmax => &["residual-softmax"],
            Self::TwoLayer => &["two-layer"],
            Self::SingleLayerAttention => &["single-layer-attention"],
            Self::WeightedLowRank => &["weighted-low-rank"],
            Self::ExactAttention => &["exact-attention"],
            Self::PolynomialAttention => &["polynomial-attention"],
            Self::AttentionKernelRegression => &["attention-kernel-regression"],
            Self::TensorPower => &["tensor-power"],
            Self::LeverageRegression => &["leverage-regression"],
            Self::FederatedSoftmax => &["federated-softmax"],
            Self::ActiveLearning => &["active-learning"],
            Self::Sampling => &[],
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
            Self::SingleLayerAttention => {
                "A Fast Optimization View: Reformulating Single Layer Attention in LLM Based on Tensor and SVM Trick, and Solving It in Matrix Multiplication Time (arXiv 2309.07418)"
            }
            Self::WeightedLowRank => {
                "Efficient Alternating Minimization with Applications to Weighted Low Rank Approximation (arXiv 2306.04169)"
            }
            Self::ExactAttention => {
                "Attention itself: the thesis's Definitions 1.0.1 and 1.0.2, and Fast Attention Requires Bounded Entries (arXiv 2302.13214)"
            }
            Self::PolynomialAttention => {
                "The Expressibility of Polynomial based Attention Scheme (arXiv 2310.20051)"
            }
            Self::AttentionKernelRegression => {
                "Solving Attention Kernel Regression Problem via Pre-conditioner (arXiv 2308.14304)"
            }
            Self::TensorPower => {
                "Faster Robust Tensor Power Method for Arbitrary Order (arXiv 2306.00406)"
            }
            Self::LeverageRegression => {
                "Revisiting Quantum Algorithms for Linear Regressions: Quadratic Speedups without Data-Dependent Parameters (arXiv 2311.14823)"
            }
            Self::FederatedSoftmax => {
                "GradientCoin: A Peer-to-Peer Decentralized Large Language Models (arXiv 2308.10502)"
            }
            Self::ActiveLearning => {
                "Query Complexity of Active Learning for Function Family With Nearly Orthogonal Basis (arXiv 2306.03356)"
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

    /// Whether the statement is about the system of this instance (and its activation): one of those that its cases are drawn
    /// for. The sampling lemmas are about the matrix alone, whatever the loss of its logits.
    pub fn speaks_of(&self, posed: &Posed) -> bool {
        match (&self.subject, posed) {
            (Subject::Logit(trial), Posed::Logit(instance)) => self.covers(trial, instance),
            (Subject::Other(trial), Posed::Other(given)) => trial.cases.speak_of(given),
            (Subject::Logit(_), Posed::Other(_)) | (Subject::Other(_), Posed::Logit(_)) => false,
        }
    }

    fn covers(&self, trial: &Trial<Family, Instance>, instance: &Instance) -> bool {
        self.paper == Paper::Sampling || trial.cases.speak_of(instance)
    }

    /// Decides one case. The system is a part of every premise, and comes first: a check may take its own for granted.
    /// A check that could not be carried out leaves the case undecided.
    pub fn decide(&self, case: &AnyCase) -> Verdict {
        let said = match (&self.subject, case) {
            (Subject::Logit(trial), AnyCase::Logit(case)) if self.covers(trial, &case.instance) => {
                (trial.check)(case)
            }
            (Subject::Other(trial), AnyCase::Other(case))
                if trial.cases.speak_of(&case.instance) =>
            {
                (trial.check)(case)
            }
            (Subject::Logit(_) | Subject::Other(_), AnyCase::Logit(_) | AnyCase::Other(_)) => {
                Ok(Verdict::Outside(Outside::Loss))
            }
        };
        said.unwrap_or_else(|error| Verdict::Undecided(error.to_string()))
    }

    /// What the check says of a case that the claim speaks of.
    pub fn check(&self, case: &AnyCase) -> Result<Verdict, CheckError> {
        self.subject
            .apply(case, |trial| trial.check, |trial| trial.check)
    }

    /// The same with the planted fault.
    pub fn control(&self, case: &AnyCase) -> Result<Verdict, CheckError> {
        self.subject
            .apply(case, |trial| trial.control, |trial| trial.control)
    }

    /// Random cases in a default run.
    pub fn cases(&self) -> usize {
        match &self.subject {
            Subject::Logit(trial) => trial.cases.count(),
            Subject::Other(trial) => trial.cases.count(),
        }
    }

    /// Random case number `index`.
    pub fn draw(&self, index: usize, rng: &mut Stream) -> Result<AnyCase, CheckError> {
        match &self.subject {
            Subject::Logit(trial) => trial.cases.draw(index, rng).map(AnyCase::from),
            Subject::Other(trial) => trial.cases.draw(index, rng).map(AnyCase::from),
        }
    }

    /// The hand list of edge cases.
    pub fn edges(&self, rng: &mut Stream) -> Result<Vec<AnyCase>, CheckError> {
        Ok(match &self.subject {
            Subject::Logit(trial) => any(trial.cases.edges(rng)?),
            Subject::Other(trial) => any(trial.cases.edges(rng)?),
        })
    }

    /// The cases from real data, cut to what the check can afford.
    pub fn real(&self, seed: u64) -> Vec<Result<AnyCase, CheckError>> {
        match &self.subject {
            Subject::Logit(trial) => each(trial.cases.real(self.real_rows, seed)),
            Subject::Other(trial) => each(trial.cases.real(self.real_rows, seed)),
        }
    }

    /// How many cold starts the search has in a default run; 0 where there is no search.
    pub fn starts(&self) -> usize {
        match &self.subject {
            Subject::Logit(trial) => trial.attack.map_or(0, |(_, starts)| starts),
            Subject::Other(trial) => trial.attack.map_or(0, |(_, starts)| starts),
        }
    }

    /// What the search finds from one cold start; `None` where there is no search.
    pub fn search(&self, rng: &mut Stream) -> Option<Result<AnyCase, CheckError>> {
        match &self.subject {
            Subject::Logit(trial) => trial
                .attack
                .map(|(attack, _)| attack(rng).map(AnyCase::from)),
            Subject::Other(trial) => trial
                .attack
                .map(|(attack, _)| attack(rng).map(AnyCase::from)),
        }
    }

    /// The strata that a case belongs to; none for a case of another system.
    pub fn strata_of(&self, case: &AnyCase) -> Vec<Stratum> {
        match (&self.subject, case) {
            (Subject::Logit(trial), AnyCase::Logit(case)) => trial.cases.strata(case),
            (Subject::Other(trial), AnyCase::Other(case))
                if trial.cases.speak_of(&case.instance) =>
            {
                trial.cases.strata(case)
            }
            (Subject::Logit(_), AnyCase::Other(_)) | (Subject::Other(_), _) => Vec::new(),
        }
    }
}

fn any<I>(cases: Vec<Case<I>>) -> Vec<AnyCase>
where
    AnyCase: From<Case<I>>,
{
    cases.into_iter().map(AnyCase::from).collect()
}

fn each<I>(cases: Vec<Result<Case<I>, CheckError>>) -> Vec<Result<AnyCase, CheckError>>
where
    AnyCase: From<Case<I>>,
{
    cases
        .into_iter()
        .map(|case| case.map(AnyCase::from))
        .collect()
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
pub type Check<I = Instance> = fn(&Case<I>) -> Result<Verdict, CheckError>;

/// Searches for the hardest case from one cold start, in f64; the case found is then decided by the claim's check.
pub type Attack<I = Instance> = fn(&mut Stream) -> Result<Case<I>, CheckError>;

/// What a claim is checked on and by, for one kind of instance.
pub struct Trial<C, I> {
    /// Which cases.
    pub cases: C,
    /// The adversarial search and its number of cold starts in a default run.
    pub attack: Option<(Attack<I>, usize)>,
    /// Decides one case.
    pub check: Check<I>,
    /// The same check with the planted fault, which must turn the verdict over: for a claim on record as true a stricter or
    /// wrong statement that must fail, for one on record as false the corrected statement, which must hold.
    pub control: Check<I>,
}

// By hand: derived, they would ask the same of the instances.
impl<C: Copy, I> Clone for Trial<C, I> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C: Copy, I> Copy for Trial<C, I> {}

/// What a claim is about.
#[derive(Clone, Copy)]
pub enum Subject {
    /// Losses of logits.
    Logit(Trial<Family, Instance>),
    /// Another system.
    Other(Trial<OtherCases, Given>),
}

impl Subject {
    fn apply(
        &self,
        case: &AnyCase,
        logit: impl Fn(&Trial<Family, Instance>) -> Check,
        other: impl Fn(&Trial<OtherCases, Given>) -> Check<Given>,
    ) -> Result<Verdict, CheckError> {
        match (self, case) {
            (Self::Logit(trial), AnyCase::Logit(case)) => logit(trial)(case),
            (Self::Other(trial), AnyCase::Other(case)) => other(trial)(case),
            (Self::Logit(_), AnyCase::Other(_)) | (Self::Other(_), AnyCase::Logit(_)) => {
                Ok(Verdict::Outside(Outside::Loss))
            }
        }
    }
}

/// A statement of a paper with everything needed to decide it.
pub struct Claim {
    /// `paper/kebab-case`, the same in code, documents, command line and snapshots.
    pub id: &'static str,
    /// The source file that it is written down in, from the root of the project.
    pub file: &'static str,
    /// The paper.
    pub paper: Paper,
    /// Place in the paper: lemma, equation, algorithm line.
    pub source: &'static str,
    /// How sure the wording is.
    pub wording: Wording,
    /// The statement, with the paper's letters.
    pub statement: &'static str,
    /// The statement in LaTeX, as one formula without delimiters; empty where it is still only text.
    pub formula: &'static str,
    /// Under which conditions it is stated.
    pub premise: &'static str,
    /// The verdict on record.
    pub expected: Expected,
    /// Id of the claim that holds instead; every claim on record as false has one.
    pub correction: Option<&'static str>,
    /// What was found out about it: errata, how tight it is, where the number comes from. One paragraph.
    pub note: &'static str,
    /// Which cases it is checked on, and what decides them.
    pub subject: Subject,
    /// Strata that must not be empty in a default run.
    pub strata: &'static [Stratum],
    /// How many rows of each real attention head the check can afford; 0 where real data say nothing about it.
    pub real_rows: usize,
    /// What the planted fault of its control alters.
    pub fault: &'static str,
    /// The manifest of the recorded witness, for a claim on record as false.
    pub witness: Option<&'static str>,
    /// The certificate that proves a claim on record as true for every instance.
    pub proof: Option<Proof>,
}
