//! How a claim is written down: place, statement, cases, check and planted fault, with defaults for what most claims lack.
//!
//! ```text
//! claim("dls23/softmax-normalised")
//!     .printed("thesis Fact 2.2.4")             source and wording: printed, quoted, recalled or derived
//!     .states("||f(x)||_1 = 1")                 the statement
//!     .given("b = 0")                           its premise; none without this line
//!     .note("What was found out about it.")     nothing without this line
//!     .on(FAMILY, STRATA)                       the cases
//!     .attacked(2, search)                      a search with its cold starts; none without this line
//!     .real_rows(24)                            rows of real data; none without this line
//!     .check(check)                             or .inequality(2, inequality!(..)): check and search in one
//!     .fault("what was altered", check_of_that) the claim: on record as true
//!     .refuted("dls23/correction", witness)     on record as false
//!     .proven(proof)                            with a certificate
//! ```
//!
//! A claim without a check or without a planted fault does not compile.

use crate::claims::claim::{Attack, Check, Claim, Control, Expected, Paper, Wording};
use crate::claims::{Family, Proof, Stratum};

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

/// A list of strata: `strata!(Condition: 0 3 6; Gap: 0 1; OneRow; Square)`.
macro_rules! strata {
    (@ [$($done:tt)*]) => { &[$($done)*] };
    (@ [$($done:tt)*] $kind:ident: $($level:literal)+; $($rest:tt)*) => {
        $crate::claims::tools::builder::strata!(@ [$($done)* $($crate::claims::Stratum::$kind($level),)+] $($rest)*)
    };
    (@ [$($done:tt)*] $kind:ident; $($rest:tt)*) => {
        $crate::claims::tools::builder::strata!(@ [$($done)* $crate::claims::Stratum::$kind,] $($rest)*)
    };
    ($($given:tt)+) => { $crate::claims::tools::builder::strata!(@ [] $($given)+;) };
}
pub(crate) use strata;

/// A claim whose check is still to be named.
pub struct Draft {
    id: &'static str,
    source: &'static str,
    wording: Wording,
    statement: &'static str,
    premise: &'static str,
    note: &'static str,
    family: Family,
    strata: &'static [Stratum],
    attack: Option<(Attack, usize)>,
    real_rows: usize,
}

/// Begins the claim of that id.
pub fn claim(id: &'static str) -> Draft {
    Draft {
        id,
        source: "",
        wording: Wording::Derived,
        statement: "",
        premise: "none",
        note: "",
        family: Family::GENERAL,
        strata: &[],
        attack: None,
        real_rows: 0,
    }
}

impl Draft {
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

    /// The premise.
    pub fn given(self, premise: &'static str) -> Self {
        Self { premise, ..self }
    }

    /// The note.
    pub fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// The cases, and the strata that must not be empty.
    pub fn on(self, family: Family, strata: &'static [Stratum]) -> Self {
        Self {
            family,
            strata,
            ..self
        }
    }

    /// A search from so many cold starts.
    pub fn attacked(self, starts: usize, attack: Attack) -> Self {
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
    pub fn inequality(self, starts: usize, (check, attack): (Check, Attack)) -> Checked {
        self.attacked(starts, attack).check(check)
    }

    /// What decides a case.
    pub fn check(self, check: Check) -> Checked {
        Checked { draft: self, check }
    }
}

/// A claim whose planted fault is still to be named.
pub struct Checked {
    draft: Draft,
    check: Check,
}

impl Checked {
    /// The claim, on record as true: what is altered in the control, and its check.
    pub fn fault(self, fault: &'static str, check: Check) -> Claim {
        let Draft {
            id,
            source,
            wording,
            statement,
            premise,
            note,
            family,
            strata,
            attack,
            real_rows,
        } = self.draft;
        Claim {
            id,
            paper: paper_of(id),
            source,
            wording,
            statement,
            premise,
            expected: Expected::Holds,
            correction: None,
            note,
            family,
            strata,
            attack,
            real_rows,
            check: self.check,
            control: Control { fault, check },
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
