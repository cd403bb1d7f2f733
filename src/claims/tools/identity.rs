//! Claims that two ways to compute a quantity agree on every case: their cases, and the entrywise comparison.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::builder::strata;
use crate::claims::tools::exact::{Exact, of_singular_values};
use crate::claims::{CheckError, Family, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};

/// Every stratum that a statement without a premise must not be silent about.
pub const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6; RankDeficient; Gap: 0 1 2 3; OneRow; OneColumn; Square; SignedTarget);

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
    let name = |i, j| format!("{quantity}[{i}, {j}]");
    equal_entries(name, [stated, truth, scale], exact.error(High::ONE))
}

/// Whether the first matrix equals the second, entry by entry; each entry is allowed so many times the same entry of the third,
/// the magnitudes of its terms. The entry that uses most of its allowance is reported by its name.
pub fn equal_entries(
    name: impl Fn(usize, usize) -> String,
    [stated, truth, scale]: [&DMatrix<High>; 3],
    roundings: Allowance<High>,
) -> Verdict {
    let mut verdict = Verdict::VACUOUS;
    for j in 0..truth.ncols() {
        for i in 0..truth.nrows() {
            verdict = verdict.and(Verdict::equal(
                &name(i, j),
                stated[(i, j)],
                truth[(i, j)],
                &roundings * scale[(i, j)],
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
            let allowed = &roundings * scale[i];
            Verdict::equal(&format!("{quantity}[{i}]"), stated[i], truth[i], allowed)
        })
        .fold(Verdict::VACUOUS, Verdict::and)
}

/// Whether `B - B_diag` (n x n), whose entries are sums of terms of magnitude `scale`, has rank at most `rank`: the singular
/// value after that one is zero.
pub fn has_rank(
    rest: &DMatrix<High>,
    rank: usize,
    scale: &DMatrix<High>,
    exact: &Exact,
) -> Result<Verdict, CheckError> {
    let values = spectrum::singular_values(rest)?;
    let Some(value) = values.get(rank) else {
        return Ok(Verdict::VACUOUS);
    };
    // Singular values move by no more than the norm of the rounding errors (Weyl); the decomposition adds its own.
    let rounding = exact.error(scale.norm());
    let decomposition = of_singular_values(values.len(), rest.norm());
    let name = format!("singular value {} of B - B_diag", rank + 1);
    Ok(Verdict::equal(
        &name,
        *value,
        High::ZERO,
        rounding + decomposition,
    ))
}
