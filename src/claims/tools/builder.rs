//! How a claim is written down: place, statement, cases, check and planted fault, with defaults for what most claims lack.
//!
//! ```text
//! claim("dls23/softmax-normalised")
//!     .printed("thesis Fact 2.2.4")             source and wording: printed, quoted, recalled or derived
//!     .states("||f(x)||_1 = 1")                 the statement
//!     .formula(r"\|f(x)\|_1 = 1")             the same in LaTeX, for pages
//!     .given("b = 0")                           its premise; none without this line
//!     .note("What was found out about it.")     nothing without this line
//!     .on(FAMILY, STRATA)                       the cases: losses of logits,
//!     .about(CASES, STRATA)                     or another system
//!     .attacked(2, search)                      a search with its cold starts; none without this line
//!     .real_rows(24)                            rows of real data; none without this line
//!     .check(check)                             or .inequality(2, inequality!(..)): check and search in one
//!     .fault("what was altered", check_of_that) the claim: on record as true
//!     .refuted("dls23/correction", witness)     on record as false
//!     .proven(proof)                            with a certificate
//! ```
//!
//! A claim without a check or without a planted fault does not compile.

use std::panic::Location;

use crate::claims::claim::{Attack, Check, Claim, Expected, Paper, Subject, Trial, Wording};
use crate::claims::{Family, OtherCases, Proof, Stratum};
use crate::instance::Instance;
use crate::system::Given;

/// The manifest of that name in fixtures/witnesses.
macro_rules! witness {
    ($($name:literal),+) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/witnesses/",
            $($name,)+
            ".json"
        ))
    };
}
pub(crate) use witness;

/// A list of strata: `strata!(Condition: 0 3 6; Gap: 0 1; OneRow; Square)`; of another system
/// `strata!(Decade("values"): 0 4 7; Kind: "n=1" "k=1")`.
macro_rules! strata {
    (@ [$($done:tt)*]) => { &[$($done)*] };
    (@ [$($done:tt)*] $kind:ident: $($level:literal)+; $($rest:tt)*) => {
        $crate::claims::tools::builder::strata!(@ [$($done)* $($crate::claims::Stratum::$kind($level),)+] $($rest)*)
    };
    (@ [$($done:tt)*] $kind:ident; $($rest:tt)*) => {
        $crate::claims::tools::builder::strata!(@ [$($done)* $crate::claims::Stratum::$kind,] $($rest)*)
    };
    (@ [$($done:tt)*] Decade($quantity:literal): $($level:literal)+; $($rest:tt)*) => {
        $crate::claims::tools::builder::strata!(@ [$($done)* $($crate::claims::Stratum::Decade($quantity, $level),)+] $($rest)*)
    };
    ($($given:tt)+) => { $crate::claims::tools::builder::strata!(@ [] $($given)+;) };
}
pub(crate) use strata;

/// A claim whose check is still to be named.
pub struct Draft<C = Family, I = Instance> {
    id: &'static str,
    file: &'static str,
    source: &'static str,
    wording: Wording,
    statement: &'static str,
    formula: &'static str,
    premise: &'static str,
    note: &'static str,
    cases: C,
    strata: &'static [Stratum],
    attack: Option<(Attack<I>, usize)>,
    real_rows: usize,
}

/// Begins the claim of that id; it remembers the file that says so.
#[track_caller]
pub fn claim(id: &'static str) -> Draft {
    Draft {
        id,
        file: within_project(Location::caller().file()),
        source: "",
        wording: Wording::Derived,
        statement: "",
        formula: "",
        premise: "none",
        note: "",
        cases: Family::GENERAL,
        strata: &[],
        attack: None,
        real_rows: 0,
    }
}

/// A source file from the root of the project on; the compiler names it so, or with a directory before it where the library is built
/// for somebody else.
fn within_project(file: &'static str) -> &'static str {
    file.find("src/claims").map_or(file, |start| &file[start..])
}

impl Draft {
    /// The cases, and the strata that must not be empty.
    pub fn on(self, cases: Family, strata: &'static [Stratum]) -> Self {
        Self {
            cases,
            strata,
            ..self
        }
    }

    /// The cases of another system than a loss of logits, and the strata that must not be empty.
    pub fn about(self, cases: OtherCases, strata: &'static [Stratum]) -> Draft<OtherCases, Given> {
        Draft {
            id: self.id,
            file: self.file,
            source: self.source,
            wording: self.wording,
            statement: self.statement,
            formula: self.formula,
            premise: self.premise,
            note: self.note,
            cases,
            strata,
            attack: None,
            real_rows: self.real_rows,
        }
    }
}

impl<C, I> Draft<C, I> {
    /// Printed at that place of a text that was read.
    pub fn printed(self, source: &'static str) -> Self {
        self.worded(Wording::Printed, source)
    }

    /// Printed in another paper that quotes that place.
    pub fn quoted(self, source: &'static str) -> Self {
        self.worded(Wording::Quoted, source)
    }

    /// Attributed to that place from memory.
    pub fn recalled(self, source: &'static str) -> Self {
        self.worded(Wording::Recalled, source)
    }

    /// Derived here from that place.
    pub fn derived(self, source: &'static str) -> Self {
        self.worded(Wording::Derived, source)
    }

    /// The place, and how sure the wording is.
    pub fn worded(self, wording: Wording, source: &'static str) -> Self {
        Self {
            wording,
            source,
            ..self
        }
    }

    /// The statement.
    pub fn states(self, statement: &'static str) -> Self {
        Self { statement, ..self }
    }

    /// The statement in LaTeX, as one formula of a page.
    pub fn formula(self, formula: &'static str) -> Self {
        Self { formula, ..self }
    }

    /// The premise.
    pub fn given(self, premise: &'static str) -> Self {
        Self { premise, ..self }
    }

    /// The note.
    pub fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// A search from so many cold starts.
    pub fn attacked(self, starts: usize, attack: Attack<I>) -> Self {
        Self {
            attack: Some((attack, starts)),
            ..self
        }
    }

    /// Real attention heads, so many rows of each.
    pub fn real_rows(self, real_rows: usize) -> Self {
        Self { real_rows, ..self }
    }

    /// What decides a case and searches from so many cold starts, from one expression.
    pub fn inequality(
        self,
        starts: usize,
        (check, attack): (Check<I>, Attack<I>),
    ) -> Checked<C, I> {
        self.attacked(starts, attack).check(check)
    }

    /// What decides a case.
    pub fn check(self, check: Check<I>) -> Checked<C, I> {
        Checked { draft: self, check }
    }
}

/// A claim whose planted fault is still to be named.
pub struct Checked<C = Family, I = Instance> {
    draft: Draft<C, I>,
    check: Check<I>,
}

impl Checked {
    /// The claim, on record as true: what is altered in the control, and its check.
    pub fn fault(self, fault: &'static str, control: Check) -> Claim {
        self.complete(fault, control, Subject::Logit)
    }
}

impl Checked<OtherCases, Given> {
    /// The claim, on record as true: what is altered in the control, and its check.
    pub fn fault(self, fault: &'static str, control: Check<Given>) -> Claim {
        self.complete(fault, control, Subject::Other)
    }
}

impl<C, I> Checked<C, I> {
    fn complete(
        self,
        fault: &'static str,
        control: Check<I>,
        subject: fn(Trial<C, I>) -> Subject,
    ) -> Claim {
        let Draft {
            id,
            file,
            source,
            wording,
            statement,
            formula,
            premise,
            note,
            cases,
            strata,
            attack,
            real_rows,
        } = self.draft;
        Claim {
            id,
            file,
            paper: paper_of(id),
            source,
            wording,
            statement,
            formula,
            premise,
            expected: Expected::Holds,
            correction: None,
            note,
            subject: subject(Trial {
                cases,
                attack,
                check: self.check,
                control,
            }),
            strata,
            real_rows,
            fault,
            witness: None,
            proof: None,
        }
    }
}

impl Claim {
    /// On record as false: the id of what holds instead, and the manifest of the witness.
    pub(in crate::claims) fn refuted(
        self,
        correction: &'static str,
        witness: &'static str,
    ) -> Self {
        Self {
            expected: Expected::Fails,
            correction: Some(correction),
            witness: Some(witness),
            ..self
        }
    }

    /// With a certificate that covers every instance.
    pub(in crate::claims) fn proven(self, proof: Proof) -> Self {
        Self {
            proof: Some(proof),
            ..self
        }
    }
}

/// The paper that an id names. (An id without one is refused by a test of the catalogue, whatever stands here.)
fn paper_of(id: &str) -> Paper {
    Paper::ALL
        .into_iter()
        .find(|paper| {
            id.strip_prefix(paper.key())
                .is_some_and(|rest| rest.starts_with('/'))
        })
        .unwrap_or(Paper::Dls23)
}
