//! Claims that two ways to compute a quantity agree on every case: their common form, and the entrywise comparison.

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::Check;
use crate::claims::exact::Exact;
use crate::claims::{Claim, Control, Expected, Family, Paper, Stratum, Verdict, Wording};
use crate::scalar::High;

/// A claim without a premise that says that two quantities are equal. What every such claim has in common is filled in
/// by [`claim`](Self::claim).
pub struct Identity {
    /// As in [`Claim`].
    pub id: &'static str,
    /// As in [`Claim`].
    pub source: &'static str,
    /// As in [`Claim`].
    pub wording: Wording,
    /// As in [`Claim`].
    pub statement: &'static str,
    /// As in [`Claim`].
    pub note: &'static str,
    /// As in [`Claim`].
    pub family: Family,
    /// As in [`Claim`].
    pub real_rows: usize,
    /// As in [`Claim`].
    pub check: Check,
    /// What was altered in the control, and the check with the alteration.
    pub control: (&'static str, Check),
    /// For a statement on record as false: what holds instead, and the manifest of the witness.
    pub refuted: Option<(&'static str, &'static str)>,
}

impl Identity {
    /// The paper that the id names. (An id without one is refused by a test of the catalogue, whatever stands here.)
    fn paper(&self) -> Paper {
        Paper::ALL
            .into_iter()
            .find(|paper| {
                self.id
                    .strip_prefix(paper.key())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
            .unwrap_or(Paper::Dls23)
    }

    /// The claim.
    pub fn claim(self) -> Claim {
        Claim {
            id: self.id,
            paper: self.paper(),
            source: self.source,
            wording: self.wording,
            statement: self.statement,
            premise: "none",
            expected: if self.refuted.is_some() {
                Expected::Fails
            } else {
                Expected::Holds
            },
            correction: self.refuted.map(|(correction, _)| correction),
            note: self.note,
            family: self.family,
            strata: STRATA,
            attack: None,
            real_rows: self.real_rows,
            check: self.check,
            control: Control {
                fault: self.control.0,
                check: self.control.1,
            },
            witness: self.refuted.map(|(_, witness)| witness),
        }
    }
}

/// Every stratum that a statement without a premise must not be silent about.
pub const STRATA: &[Stratum] = &[
    Stratum::Condition(0),
    Stratum::Condition(1),
    Stratum::Condition(2),
    Stratum::Condition(3),
    Stratum::Condition(4),
    Stratum::Condition(5),
    Stratum::Condition(6),
    Stratum::RankDeficient,
    Stratum::Gap(0),
    Stratum::Gap(1),
    Stratum::Gap(2),
    Stratum::Gap(3),
    Stratum::OneRow,
    Stratum::OneColumn,
    Stratum::Square,
    Stratum::SignedTarget,
];

/// Small instances of every kind, rank-deficient ones and targets of any size included, four to each pair of decades.
pub const EVERYWHERE: Family = Family {
    targets: crate::claims::Targets::Any,
    rank_deficient: true,
    cases: 56,
    ..Family::GENERAL
};

/// Whether `stated` equals `truth`, entry by entry; each entry is allowed the rounding of terms that add up to the same
/// entry of `scale` in magnitude. The entry that uses most of its allowance is reported.
pub fn equal_matrices(
    quantity: &str,
    stated: &DMatrix<High>,
    truth: &DMatrix<High>,
    scale: &DMatrix<High>,
    exact: &Exact,
) -> Verdict {
    let roundings = exact.error(High::ONE);
    let mut verdict = Verdict::Holds {
        slack: f64::INFINITY,
    };
    for j in 0..truth.ncols() {
        for i in 0..truth.nrows() {
            verdict = verdict.and(Verdict::equal(
                &format!("{quantity}[{i}, {j}]"),
                stated[(i, j)],
                truth[(i, j)],
                roundings * scale[(i, j)],
            ));
        }
    }
    verdict
}

/// As [`equal_matrices`], for vectors.
pub fn equal_vectors(
    quantity: &str,
    stated: &DVector<High>,
    truth: &DVector<High>,
    scale: &DVector<High>,
    exact: &Exact,
) -> Verdict {
    let roundings = exact.error(High::ONE);
    (0..truth.len())
        .map(|i| {
            let allowed = roundings * scale[i];
            Verdict::equal(&format!("{quantity}[{i}]"), stated[i], truth[i], allowed)
        })
        .fold(
            Verdict::Holds {
                slack: f64::INFINITY,
            },
            Verdict::and,
        )
}
