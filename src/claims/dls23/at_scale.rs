//! What the main theorem says of cost and of iterations, on instances with many rows: multiply-adds counted by the
//! code, and passes counted until the accuracy is reached.

use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::{CooMatrix, CsrMatrix};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::tall;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Verdict};
use crate::instance::DesignMatrix;
use crate::instance::sample;
use crate::production::Settings;
use crate::production::leverage::{self, LeverageError};
use crate::scalar::{Allowance, High};

/// Unknowns of the instances whose operations are counted.
const UNKNOWNS: usize = 20;
/// Rows: a decade in four equal ratios.
const ROWS: [usize; 5] = [8_000, 14_200, 25_300, 45_000, 80_000];
/// Stored entries of each row: a decade.
const ENTRIES: [usize; 5] = [2, 4, 7, 12, 20];
/// Rows where the entries vary, and entries where the rows vary.
const FIXED_ROWS: usize = 16_000;
const FIXED_ENTRIES: usize = 4;
/// How far from 1 a slope may be: a summand in n alone is up to an eighth of the work where rows have 2 entries.
const SLOPE: f64 = 0.125;

/// Which work is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// One iteration as the papers have it: scores, draw, sampled Gram matrix, gradient, solution.
    Sampled,
    /// The Gram matrix of all rows, pair by pair.
    AllPairs,
}

fn failed(error: LeverageError) -> CheckError {
    CheckError::Other(error.to_string())
}

/// n rows with so many stored entries each, consecutive columns from a random one on.
fn banded(case: &Case, n: usize, entries: usize) -> Result<CsrMatrix<f64>, CheckError> {
    let mut rng = sample::stream(case.seed, "banded", (n * UNKNOWNS + entries) as u64);
    let mut triplets = CooMatrix::new(n, UNKNOWNS);
    for i in 0..n {
        let first = sample::integer(&mut rng, 0, UNKNOWNS as i64 - 1) as usize;
        for k in 0..entries {
            // Odd 1024ths: never zero.
            let value = (2 * sample::integer(&mut rng, -512, 511) + 1) as f64 / 1024.0;
            triplets.push(i, (first + k) % UNKNOWNS, value);
        }
    }
    Ok(CsrMatrix::from(&triplets))
}

/// Multiply-adds, counted where they are done: the sketch reports its own, the rest follows from the rows that were kept.
fn multiply_adds(case: &Case, n: usize, entries: usize, work: Work) -> Result<u64, CheckError> {
    let a = banded(case, n, entries)?;
    let pairs = |i: usize| (a.row(i).nnz() * (a.row(i).nnz() + 1) / 2) as u64;
    if work == Work::AllPairs {
        return Ok((0..n).map(pairs).sum());
    }
    let stored = a.nnz() as u64;
    let diagonal = tall::diagonal(&mut case.stream("diagonal"), n, 100.0);
    let roots: Vec<f64> = diagonal.iter().map(|entry| entry.sqrt()).collect();
    let matrix = DesignMatrix::sparse(a.clone())?;
    let found = leverage::sketch(&matrix, &roots, case.seed).map_err(failed)?;
    let settings = Settings::default();
    let drawn = leverage::draw(
        &found.scores,
        &diagonal,
        settings.epsilon,
        settings.delta,
        case.seed,
        0,
        UNKNOWNS,
    )
    .map_err(failed)?;
    let sampled: u64 = drawn.rows.iter().map(|i| pairs(*i)).sum();
    let d = UNKNOWNS as u64;
    // Gradient: A x, the softmax and its weights (four for each row), A'v. Solution: Cholesky and two substitutions.
    let gradient = 2 * stored + 4 * n as u64;
    Ok(found.multiply_adds + n as u64 + sampled + gradient + d.pow(3) / 6 + d * d)
}

/// `|slope - 1| <= 1/8` for both decades. The case gives the seed.
fn cost(case: &Case, work: Work) -> Result<Verdict, CheckError> {
    let mut verdict = Verdict::VACUOUS;
    let by_rows = ROWS.map(|n| (n, FIXED_ENTRIES));
    let by_entries = ENTRIES.map(|entries| (FIXED_ROWS, entries));
    for (name, sizes) in [("rows", by_rows), ("entries of a row", by_entries)] {
        let mut points = Vec::with_capacity(sizes.len());
        for (n, entries) in sizes {
            let count = multiply_adds(case, n, entries, work)?;
            points.push(((n * entries) as f64, count as f64));
        }
        let slope = tall::logarithmic_slope(&points);
        verdict = verdict.and(Verdict::at_most(
            &format!("|slope - 1| over a decade of {name}"),
            High::lift((slope - 1.0).abs())?,
            High::lift(SLOPE)?,
            Allowance::new(
                High::lift(1e-12)?,
                "a few dozen roundings of f64 in a slope of five counts",
            ),
        ));
    }
    Ok(verdict)
}

/// Rows of the instances whose iterations are counted: a power of two above 1e5, so that `b_i = 1/n` is exact and
/// `||b||_1 = 1`.
const MANY: usize = 1 << 17;
/// `w_i^2` is at least 128, above the premise's 100.
const WEIGHT: f64 = 128.0;
/// `eps0` of each sample: near the end of the printed interval (0, 0.1), for which fewest rows are drawn.
const ACCURACY: f64 = 0.09;
/// `delta` of the theorem.
const FAILURE: f64 = 0.05;
/// `r_0 / eps`.
const REDUCTION: f64 = 2.0;
/// Passes after which counting stops.
const PATIENCE: usize = 64;

/// How many passes are allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allowed {
    /// `t = 0, ..., T` with `T = log(r_0/eps)` rounded up.
    Printed,
    /// `T = ceil(ln(sqrt(kappa(H(x*))) r_0/eps) / ln 5)`.
    Corrected,
}

/// An instance with `x* = 0`: `b = 1/n` makes the uniform softmax exact. Everything is taken in the coordinates `y = S x`,
/// in which `A = G S` becomes the well-conditioned G; Newton's iteration does not depend on coordinates, the Euclidean
/// norm of x does.
struct Scene {
    g: DMatrix<f64>,
    s: DMatrix<f64>,
    squared_weights: Vec<f64>,
    scores: Vec<f64>,
    /// `sqrt(kappa(H(x*)))`.
    root_condition: f64,
    /// `x_0` at the edge of the premise along the stiffest direction of H(x*), inwards by a millionth.
    start: DVector<f64>,
}

impl Scene {
    fn of(case: &Case, allowed: Allowed) -> Result<Option<Self>, CheckError> {
        let Some(s) = tall::shape(case) else {
            return Ok(None);
        };
        let d = s.nrows();
        // Without the kind that gives a column a row of its own: a sample keeps that row as it is, and so the part of the
        // Hessian that would show the loss of accuracy.
        let g = tall::rows(case, MANY, d, tall::KINDS - 1);
        let squared_weights = tall::diagonal(&mut case.stream("weights"), MANY, WEIGHT);
        let ones = vec![1.0; MANY];
        // Halvings of S until ||A|| < 1; they change no direction and no condition number.
        let plain = tall::factor(tall::gram(&g, &ones))?.l();
        let norm = (plain.transpose() * &s).singular_values().max();
        let s = s * 2f64.powi(-(norm.log2().floor() as i32) - 1);
        let smallest = (plain.transpose() * &s).singular_values().min();
        // H(x*) = A' (W^2 + (I - 11'/n) / n^2) A: the second part is 1e-12 of the first.
        let weighted = tall::factor(tall::gram(&g, &squared_weights))?.l();
        let svd = nalgebra::SVD::new(weighted.transpose() * &s, false, true);
        let root_condition = svd.singular_values.max() / svd.singular_values.min();
        let stiffest = svd
            .v_t
            .ok_or_else(|| CheckError::Other("no singular vectors".to_owned()))?
            .row(svd.singular_values.imax())
            .transpose();
        // l from the weight premise, M = n^1.5 exp(30 R^2) with R = 1 >= ||A||, ||x*||. 1e-6 covers all roundings.
        let l = (WEIGHT - 100.0) * smallest * smallest;
        let m = (MANY as f64).powf(1.5) * 30f64.exp();
        let closer = match allowed {
            Allowed::Printed => 1.0,
            Allowed::Corrected => root_condition,
        };
        let radius = 0.1 * l / (m * closer) * (1.0 - 1e-6);
        let roots: Vec<f64> = squared_weights.iter().map(|w2| w2.sqrt()).collect();
        let matrix = DesignMatrix::dense(g.clone())?;
        let scores = leverage::sketched_scores(&matrix, &roots, case.seed).map_err(failed)?;
        Ok(Some(Self {
            start: stiffest * radius,
            g,
            s,
            squared_weights,
            scores,
            root_condition,
        }))
    }

    fn allowed(&self, allowed: Allowed) -> usize {
        match allowed {
            Allowed::Printed => REDUCTION.ln().ceil() as usize + 1,
            Allowed::Corrected => {
                ((self.root_condition * REDUCTION).ln() / 5f64.ln()).ceil() as usize
            }
        }
    }

    /// `y - (G' D~ G)^-1 G' (grad l(z) + w^2 o z)`, `D = B_diag + w^2`, with the solver's own sample number `pass`.
    fn step(&self, case: &Case, y: &DVector<f64>, pass: usize) -> Result<DVector<f64>, CheckError> {
        let z = &self.g * y;
        let largest = z.max();
        let mut p = z.map(|logit| (logit - largest).exp());
        p /= p.sum();
        let b = 1.0 / MANY as f64;
        let inner: f64 = p.iter().map(|p| p * (p - b)).sum();
        let v = DVector::from_fn(MANY, |i, _| {
            p[i] * (p[i] - b) - inner * p[i] + self.squared_weights[i] * z[i]
        });
        let diagonal: Vec<f64> = p
            .iter()
            .zip(&self.squared_weights)
            .map(|(p, w2)| (2.0 * p - b) * p - inner * p + w2)
            .collect();
        let scores = leverage::corrected_scores(&self.scores, &self.squared_weights, &diagonal)
            .map_err(failed)?;
        let d = y.len();
        let drawn = leverage::draw(&scores, &diagonal, ACCURACY, FAILURE, case.seed, pass, d)
            .map_err(failed)?;
        let sampled = tall::factor(tall::sampled_gram(&self.g, &drawn))?;
        Ok(y - sampled.solve(&self.g.tr_mul(&v)))
    }
}

/// The verdict on "passes until `||x_t - x*|| <= eps` are at most those allowed".
fn iterations(case: &Case, allowed: Allowed) -> Result<Verdict, CheckError> {
    let Some(scene) = Scene::of(case, allowed)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let epsilon = scene.start.norm() / REDUCTION;
    let mut y = &scene.s * &scene.start;
    let mut passes = 0;
    while passes < PATIENCE && tall::solve_upper(&scene.s, &y)?.norm() > epsilon {
        y = scene.step(case, &y, passes)?;
        passes += 1;
    }
    Ok(Verdict::at_most(
        "passes until ||x_t - x*|| <= eps",
        High::int(passes as i64),
        High::int(scene.allowed(allowed) as i64),
        Allowance::NOTHING,
    ))
}

const COUNTED: Family = Family {
    // One shape, so that the hand list has four cases, not twenty.
    rows: (3, 3),
    tall: (0, 0),
    columns: (2, 2),
    conditions: &[0],
    gaps: &[],
    cases: 2,
    ..Family::GENERAL
};

const ITERATED: Family = Family {
    rows: (5, 5),
    tall: (0, 0),
    columns: (4, 4),
    gaps: &[],
    cases: 14,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6);

const PREMISE: &str = "Theorem 2.3.1, met by n = 131072 rows from the case's matrix and seed, b = 1/n, w_i^2 >= 128, ||A|| < 1, x* = 0; r_0/eps = 2";

/// The claims about the theorem at scale.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("dls23/cost-per-iteration")
            .printed("thesis Theorem 2.3.1; Lemma 2.1.16")
            .states("an iteration costs O((nnz(A) + d^omega) poly log(n/delta))")
            .formula(r"\text{cost of an iteration} = O\bigl((\operatorname{nnz}(A) + d^\omega) \operatorname{poly} \log(n / \delta)\bigr)")
            .given("d = 20; read as: multiply-adds grow like nnz(A), slope 1 within 1/8 in a log-log fit over a decade of rows (8000 to 80000) and over a decade of entries a row (2 to 20)")
            .note("Counted by the code that does them, never timed: sketch, factor, certificate, scores, draw, Gram matrix of the rows kept, \
                   gradient, solution, all anew in each iteration as the papers have it. eps and delta as the solver's defaults. The \
                   slope is below 1 by what grows with n alone or not at all.")
            .on(COUNTED, strata!(Condition: 0))
            .check(|case| cost(case, Work::Sampled))
            .fault("the Gram matrix of all rows, pair by pair", |case| cost(case, Work::AllPairs)),
        claim("dls23/iterations-at-scale-printed")
            .derived("the count of thesis Theorem 2.3.1 for Algorithm 1 with its other faults mended")
            .states("the approximate Newton iteration (minus sign, true gradient, leverage-score samples at eps0 < 0.1) is within eps of x* after t = 0, ..., T, T = log(r_0/eps)")
            .formula(r"\begin{aligned} x_{t+1} &= x_t - (A^\top \widetilde D A)^{-1} \nabla L(x_t), \quad t = 0, \dots, T = \log(r_0 / \epsilon) \\
                &\implies \quad \|x_{T+1} - x^*\|_2 \le \epsilon \end{aligned}")
            .given(PREMISE)
            .note("Erratum E3 at n = 131072: genuine samples of the solver, everything else of Algorithm 1 mended. An ill-conditioned A first throws \
                   the iterate away from x*, and log(r_0/eps) knows nothing of that; at a condition number of 1e6 3 or 4 passes are needed \
                   where 2 are promised. The witness has one of 1e9, so that no lucky sample saves it.")
            .on(ITERATED, STRATA)
            .check(|case| iterations(case, Allowed::Printed))
            .fault("T = ceil(ln(sqrt(kappa(H(x*))) r_0/eps) / ln 5) and a start closer by sqrt(kappa)", |case| iterations(case, Allowed::Corrected))
            .refuted("dls23/iterations-at-scale", witness!("dls23-iterations-at-scale-printed")),
        claim("dls23/iterations-at-scale")
            .derived("correction of thesis Theorem 2.3.1")
            .states("the same iteration is within eps of x* after T = ceil(ln(sqrt(kappa(H(x*))) r_0/eps) / ln 5) passes")
            .formula(r"\begin{aligned} x_{t+1} &= x_t - (A^\top \widetilde D A)^{-1} \nabla L(x_t), \quad T = \Bigl\lceil \frac{\ln\bigl(\sqrt{\kappa(H(x^*))}\, r_0 / \epsilon\bigr)}{\ln 5} \Bigr\rceil \\
                &\implies \quad \|x_T - x^*\|_2 \le \epsilon \end{aligned}")
            .given("as dls23/iterations-at-scale-printed, and M sqrt(kappa(H(x*))) r_0 <= 0.1 l")
            .note("Follows from dls23/contraction-hessian-norm. Genuine samples contract by a few hundredths, not by 0.2, so half of the passes and \
                   more are spare where A is ill-conditioned; at condition number 1 the single pass allowed is needed.")
            .on(ITERATED, STRATA)
            .check(|case| iterations(case, Allowed::Corrected))
            .fault("T = log(r_0/eps) as printed", |case| iterations(case, Allowed::Printed)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_starts_at_the_edge_of_the_premise_in_the_stiffest_direction() {
        let text = r#"{"loss": "softmax", "matrix": [[3, 1], [0, 1], [0, 0]], "target": [0, 0, 0], "weights": 0}"#;
        // An even seed: rows alike (of three kinds it would be the one with a column in a single row).
        let case = Case::of_text(text, 2);
        let mut scene = Scene::of(&case, Allowed::Printed).unwrap().unwrap();
        let column = scene.g.column(0);
        assert!(column.iter().filter(|entry| **entry == 0.0).count() < MANY / 100);
        // Everything anew from the Gram matrices of A and W A, A = G S with its 131072 rows.
        let a = &scene.g * &scene.s;
        let squares = a.tr_mul(&a).symmetric_eigenvalues();
        assert!(squares.max() < 1.0 && squares.max() >= 0.25, "{squares}");
        let mut weighted = a.clone();
        for (mut row, w2) in weighted.row_iter_mut().zip(&scene.squared_weights) {
            assert!(*w2 >= 128.0);
            row *= *w2;
        }
        let hessian = a.tr_mul(&weighted);
        let values = hessian.clone().symmetric_eigenvalues();
        let condition = values.max() / values.min();
        assert!((scene.root_condition.powi(2) / condition - 1.0).abs() < 1e-9);
        // 0.1 l / M, l = (128 - 100) sigma_min(A)^2, M = n^1.5 exp(30), a millionth inwards.
        let n = 131_072f64;
        let edge = 2.8 * squares.min() / (n * n.sqrt() * 30f64.exp());
        let length = scene.start.norm();
        assert!(
            (length / edge - (1.0 - 1e-6)).abs() < 1e-9,
            "{length}, {edge}"
        );
        let stretched = (&hessian * &scene.start).norm() / length;
        assert!((stretched / values.max() - 1.0).abs() < 1e-9);
        // The corrected start is closer by sqrt(kappa).
        let closer = Scene::of(&case, Allowed::Corrected).unwrap().unwrap();
        let ratio = length / closer.start.norm();
        assert!((ratio / condition.sqrt() - 1.0).abs() < 1e-9, "{ratio}");
        // ln 2 rounded up, and the pass t = 0; ln(20) / ln(5) = 1.86 and ln(120) / ln(5) = 2.97, rounded up.
        assert_eq!(scene.allowed(Allowed::Printed), 2);
        scene.root_condition = 10.0;
        assert_eq!(scene.allowed(Allowed::Corrected), 2);
        scene.root_condition = 60.0;
        assert_eq!(scene.allowed(Allowed::Corrected), 3);
    }
}
