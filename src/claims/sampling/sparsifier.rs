//! How many entries every sparsifier of the complete graph needs, by counting: no sampling.
//!
//! Let A be the incidence matrix of the complete graph on N vertices with one vertex grounded (d = N - 1 columns,
//! n = m = N (N-1) / 2 rows) and D = I. A band for `A' D~ A` is one for the Laplacian L of the weights `D~`, of any sign:
//! `||L - N P|| <= eps N`, P the projector on the complement of the ones. With sigma the sum of the weights:
//!
//! - the trace, `2 sigma`, lies in `N (N-1) (1 +- eps) = 2 m (1 +- eps)`;
//! - the entries off the diagonal are `1 - D~_e`, each twice, so
//!   `2 sum_e (D~_e - 1)^2 <= ||L - N P||_F^2 <= (N-1) eps^2 N^2`, where the left side with s entries that are not 0 is
//!   at least `2 (sigma^2/s - 2 sigma + m)` (Cauchy-Schwarz).
//!
//! So `s >= sigma^2 / (2 sigma - m + m N eps^2) >= (1-eps)^2 m / (N eps^2 + 1 + 2 eps)`.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError, Claim, Family, Verdict};
use crate::scalar::{Allowance, High};

/// Vertices of the graph for each row of a case.
const VERTICES: i64 = 10_000;
/// `1/eps`.
const INVERSE: i64 = 64;
/// `1/delta`, inside the printed range.
const INVERSE_DELTA: i64 = 16;
/// What `O(.)` hides in the statement that is refuted.
const CONSTANT: i64 = 10;

/// `(1-eps)^2 m / (N eps^2 + 1 + 2 eps)` with `m = N (N-1) / 2`.
fn entries_needed(vertices: i64, epsilon: High) -> High {
    let n = High::int(vertices);
    let edges = n * (n - High::ONE) / High::int(2);
    (High::ONE - epsilon).square() * edges
        / (n * epsilon.square() + High::ONE + High::int(2) * epsilon)
}

/// `entries_needed <= factor 10 d ln(n / delta)`, for the graph on 10^4 vertices times the rows of the case.
fn suffices(case: &Case, factor: i64) -> Verdict {
    let vertices = VERTICES * case.instance.target().len() as i64;
    let n = High::int(vertices) * High::int(vertices - 1) / High::int(2);
    let allowed =
        High::int(factor * CONSTANT * (vertices - 1)) * (n * High::int(INVERSE_DELTA)).ln();
    Verdict::at_most(
        &format!("entries that every D~ for the complete graph on {vertices} vertices needs"),
        entries_needed(vertices, High::ratio(1, INVERSE)),
        allowed,
        Allowance::new(
            High::int(1000) * unit() * allowed,
            "1000 roundings of the count",
        ),
    )
}

/// [`suffices`] as a check.
fn one_constant(case: &Case) -> Result<Verdict, CheckError> {
    Ok(suffices(case, 1))
}

/// With `eps^-2` restored.
fn restored(case: &Case) -> Result<Verdict, CheckError> {
    Ok(suffices(case, INVERSE * INVERSE))
}

/// The claim about a count without eps.
pub fn claims() -> Vec<Claim> {
    vec![claim("sampling/spectral-guarantee-one-constant")
        .derived("thesis Lemma 2.1.16 (from DSW22 and SYYZ22), read with one constant for all eps0")
        .states("there is a D~ with at most C d log(n/delta) entries and (1-eps0) A'DA <= A'D~A <= (1+eps0) A'DA, the same C for all eps0 in (0, 0.1)")
        .formula(r"\begin{aligned} &\exists\, C \ \forall \epsilon_0 \in (0, 0.1) \ \forall A, D \ \exists\, \widetilde D: \quad \operatorname{nnz}(\widetilde D) \le C d \log(n / \delta), \\
            &(1 - \epsilon_0) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon_0) A^\top D A \end{aligned}")
        .given("A has full column rank, D is diagonal and positive; tried with a constant of 10, eps0 = 1/64 and delta = 1/16")
        .note("Erratum E17: the count must carry eps0^-2. For the incidence matrix of the complete graph on N vertices (one grounded) and D = I \
               every D~ in the band, of any sign and by whatever algorithm, has at least (1-eps)^2 m / (N eps^2 + 1 + 2 eps) entries, \
               m = N (N-1) / 2: by the trace, the Frobenius norm and Cauchy-Schwarz, proof in the source of this claim. For N past eps^-2 \
               that is about d / (2 eps^2), against d log(n/delta): whatever the constant, a smaller eps and N = eps^-2 refute it. \
               N = 10^4 times the rows of the case. Where the O may hide the eps0^-2 of a fixed eps0 the lemma is true (sampling/spectral-guarantee-fixed-accuracy).")
        .on(Family { rows: (1, 8), gaps: &[], cases: 14, ..Family::GENERAL }, strata!(OneRow))
        .check(one_constant)
        .fault("the factor eps0^-2 restored", restored)
        .refuted("sampling/spectral-guarantee-fixed-accuracy", witness!("sampling-spectral-guarantee-one-constant"))]
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;
    use rand::Rng;

    use super::*;

    #[test]
    fn no_weighted_graph_has_fewer_entries_than_its_own_accuracy_asks_for() {
        // The accuracy of each graph is measured by eigenvalues, without the proof's trace and Frobenius norm.
        let mut rng = crate::instance::sample::stream(1, "sparsifier", 0);
        let mut close = 0;
        for k in 0..4000 {
            let vertices = 3 + k % 5;
            let mut laplacian = DMatrix::<f64>::zeros(vertices, vertices);
            let mut entries = 0;
            for i in 0..vertices {
                for j in 0..i {
                    if rng.next_u32().is_multiple_of(4) {
                        continue;
                    }
                    // From -1/4 to 7/4, and past 1 on the average, as what is left out asks for.
                    let weight = f64::from(rng.next_u32() % 1024) / 512.0 - 0.25 + 0.5;
                    entries += 1;
                    laplacian[(i, i)] += weight;
                    laplacian[(j, j)] += weight;
                    laplacian[(i, j)] -= weight;
                    laplacian[(j, i)] -= weight;
                }
            }
            let size = vertices as f64;
            let projector = DMatrix::identity(vertices, vertices)
                - DMatrix::from_element(vertices, vertices, 1.0 / size);
            let epsilon = (laplacian / size - projector)
                .symmetric_eigenvalues()
                .amax();
            if epsilon >= 1.0 {
                continue;
            }
            let needed = entries_needed(vertices as i64, High::lift(epsilon).unwrap()).to_f64();
            assert!(
                f64::from(entries) >= needed * (1.0 - 1e-9),
                "{vertices} {epsilon}"
            );
            close += u32::from(needed > 0.2 * f64::from(entries));
        }
        assert!(close > 20, "{close}");
    }

    #[test]
    fn the_bound_is_the_one_computed_by_hand() {
        // N = 3, eps = 1/2: (1/4) 3 / (3/4 + 2) = 3/11; all edges at eps = 0: m.
        let found = entries_needed(3, High::ratio(1, 2)) - High::ratio(3, 11);
        assert!(found.abs() < unit());
        assert_eq!(entries_needed(4, High::ZERO), High::int(6));
        // N = 10^4, eps = 1/64: 63^2 m / (10^4 + 64^2 + 128) = 3969 * 49995000 / 14224 = 13950443.
        let large = entries_needed(10_000, High::ratio(1, 64)).to_f64();
        assert!(
            (large - 3969.0 * 49_995_000.0 / 14_224.0).abs() < 1e-3,
            "{large}"
        );
    }
}
