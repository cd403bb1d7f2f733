//! The variant with a sparsity term, `L_exp + L_sparse + L_reg` with `L_sparse = <exp(Ax), 1_n>`, as a later paper states
//! it after DLS23.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::just_above;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms::{self, HessianForm};
use crate::claims::{Case, CheckError, Claim, Family, Outside, Verdict, Weights};
use crate::instance::sample::Stream;
use crate::instance::{DesignMatrix, Instance};
use crate::oracle::{Graph, Node, Reference, loss_graph};
use crate::scalar::High;

use super::definiteness::{Premise, Rank, at_least_l, eigenvalue_error};
use super::hardest::{self, End};
use super::range::entry_scale;
use super::surrogate::within_a_tenth;

/// The instance's loss plus `sum_i exp((Ax)_i)`, from the definition.
fn with_sparsity(instance: &Instance) -> Result<Reference, CheckError> {
    let mut graph = Graph::new();
    let mut terms = vec![loss_graph(&mut graph, instance)?];
    for i in 0..instance.rows() {
        let entries: Result<Vec<(High, Node)>, CheckError> = instance
            .matrix()
            .row_entries(i)
            .into_iter()
            .map(|(j, value)| Ok((High::lift(value)?, graph.variable(j))))
            .collect();
        let logit = graph.weighted_sum(&entries?);
        terms.push(graph.exp(logit));
    }
    let loss = graph.sum(&terms);
    Ok(Reference::from_graph(graph, loss, instance.columns()))
}

/// `max exp(Ax)`.
fn largest_exponential(exact: &Exact) -> High {
    exact
        .z
        .iter()
        .fold(High::ZERO, |top, logit| top.max(logit.exp()))
}

/// Part 1: `w_i^2 >= threshold + l / sigma_min(A)^2` implies that the Hessian is at least `l I`.
fn definite(case: &Case, threshold: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let premise = match Premise::of(&exact, threshold, Rank::Full)? {
        Ok(premise) => premise,
        Err(reason) => return Ok(Verdict::Outside(reason)),
    };
    let hessian = with_sparsity(&exact.instance)?.evaluate(&exact.x)?.hessian;
    let diagonal = exact.squared_weights().max() + largest_exponential(&exact);
    at_least_l(
        &hessian,
        &premise,
        threshold,
        eigenvalue_error(&exact, diagonal),
    )
}

/// Part 2: `w_i^2 >= multiple exp(R^2) + l / sigma_min(A)^2` implies the two-sided bound, R the smallest number with
/// `||A|| <= R` and `||x|| <= R`.
fn dominated(case: &Case, multiple: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let r = exact.singular_range()?.0.max(exact.x.norm());
    let premise = match Premise::of(&exact, multiple * r.square().exp(), Rank::Full)? {
        Ok(premise) => premise,
        Err(reason) => return Ok(Verdict::Outside(reason)),
    };
    two_sided(&exact, &premise)
}

/// The two-sided bound with the case's weights scaled to `min w_i^2 = multiple exp(R^2)`.
fn dominated_after_scaling(case: &Case, multiple: High) -> Result<Verdict, CheckError> {
    let mut exact = Exact::of(case)?;
    let r = exact.singular_range()?.0.max(exact.x.norm());
    let premise = match Premise::of(&exact, High::ZERO, Rank::Full)? {
        Ok(premise) => premise,
        Err(reason) => return Ok(Verdict::Outside(reason)),
    };
    let smallest_weight = multiple * r.square().exp();
    exact.w *= (smallest_weight / premise.smallest_weight).sqrt();
    let premise = Premise {
        smallest_weight,
        ..premise
    };
    two_sided(&exact, &premise)
}

fn two_sided(exact: &Exact, premise: &Premise) -> Result<Verdict, CheckError> {
    let hessian = with_sparsity(&exact.instance.in_logits())?
        .evaluate(&exact.z)?
        .hessian;
    let scale = entry_scale(exact) + largest_exponential(exact);
    within_a_tenth(&hessian, exact, premise, exact.error(scale))
}

/// The lowest eigenvalue of `B`, with all logits so low that `exp(Ax)` adds nothing.
fn attack_definite(rng: &mut Stream) -> Result<Case, CheckError> {
    let mut found = hardest::spectrum(rng, HessianForm::Corrected, End::Lowest, 1.0);
    let top = found.logits.max();
    // exp(-20) = 2e-9.
    found.logits.add_scalar_mut(-20.0 - top);
    found.as_identity(20.0)
}

/// The largest share of `exp(R^2)`: `z = A x` with `A = R I` and `||x|| = R`, so that `R^2 = ||z||`.
fn attack_dominated(rng: &mut Stream) -> Result<Case, CheckError> {
    // The search knows p only. Logits that add up to 0 are the shortest with that p.
    let centred = |p: &DVector<f64>| {
        let z = p.map(|entry| entry.max(f64::MIN_POSITIVE).ln());
        z.add_scalar(-z.mean())
    };
    let found = hardest::search(rng, 1.0, |p, b| {
        let z = centred(p);
        let with_sparsity =
            forms::hessian(HessianForm::Corrected, p, b) + DMatrix::from_diagonal(&z.map(f64::exp));
        End::Highest.reach(with_sparsity) / z.norm().exp()
    });
    let n = found.logits.len();
    let z = centred(&forms::softmax(&found.logits));
    // R is kept from 0, where A would not have full rank.
    let r = z.norm().sqrt().max(1.0 / 1024.0);
    let matrix = DesignMatrix::dense(DMatrix::identity(n, n) * r)?;
    let x = z / r;
    // ||A|| and ||x|| round; a 2^-20th covers that.
    let base = 200.0 * (r.max(x.norm()).powi(2) + 1.0 / f64::from(1u32 << 20)).exp();
    let weights = DVector::from_element(n, just_above(base));
    let instance = Instance::new(
        crate::instance::LossKind::Softmax,
        matrix,
        found.target,
        weights,
    )?
    .with_points(vec![x])?;
    Ok(Case::new(crate::claims::Origin::Attack(0), instance, 0))
}

/// `200 exp(4)`, rounded up: enough for every case with `||A|| <= 1` and `||x|| <= 2`.
const BASE_AT_TWO: f64 = 10_920.0;

/// The claims about the variant with a sparsity term.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("dls23/sparse-positive-definite")
            .quoted("H2O Lemma D.47 part 1, after DLS23")
            .states("w_i^2 >= 20 + l / sigma_min(A)^2 for all i implies that the Hessian of L_exp + L_sparse + L_reg is at least l I, L_sparse = <exp(Ax), 1_n>")
            .formula(r"\begin{aligned} &w_i^2 \ge 20 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \\
                &\nabla^2 (L_{\exp} + L_{\text{sparse}} + L_{\text{reg}})(x) \succeq l I_d, \quad L_{\text{sparse}}(x) = \langle \exp(Ax), \mathbf{1}_n\rangle \end{aligned}")
            .given("l > 0, rank(A) = d, ||b||_1 <= 1")
            .note("L_sparse adds A' diag(exp(Ax)) A, which is positive semidefinite, so the threshold without it (0.2404..) suffices here too; the worst case has very low logits.")
            .on(Family {
                rows: (1, 6),
                columns: (1, 3),
                // With larger gaps exp(Ax) leaves l without a digit among 40.
                gaps: &[0, 1],
                weights: Weights::Above { base: 20.0 },
                cases: 56,
                ..Family::GENERAL
            }, strata!(Condition: 0 6; Gap: 0 1; OneRow; OneColumn; Square; SignedTarget))
            .attacked(4, attack_definite)
            .check(|case| definite(case, High::int(20)))
            .fault("0.24 in the place of the 20, l accordingly larger", |case| definite(case, High::ratio(24, 100))),
        claim("dls23/sparse-weights-dominate")
            .quoted("H2O Lemma D.47 part 2, after DLS23")
            .states("w_i^2 >= 200 exp(R^2) + l / sigma_min(A)^2 for all i implies (1 - 1/10)(B + W^2) <= W^2 <= (1 + 1/10)(B + W^2), A' B A the Hessian of L_exp + L_sparse")
            .formula(r"\begin{aligned} &w_i^2 \ge 200 \exp(R^2) + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \\
                &\bigl(1 - \tfrac{1}{10}\bigr)(B + W^2) \preceq W^2 \preceq \bigl(1 + \tfrac{1}{10}\bigr)(B + W^2), \\
                &A^\top B A = \nabla^2 (L_{\exp} + L_{\text{sparse}}), \quad L_{\text{sparse}}(x) = \langle \exp(Ax), \mathbf{1}_n\rangle \end{aligned}")
            .given("||A|| <= R, ||x||_2 <= R, l > 0, rank(A) = d, ||b||_1 <= 1")
            .note("B gains diag(exp(Ax)) <= exp(R^2) I, so 9 (1.25 + exp(R^2)) <= 20.25 exp(R^2) is enough, and not sharp.")
            .on(Family {
                rows: (1, 6),
                columns: (1, 3),
                gaps: &[],
                norm: 1.0,
                weights: Weights::Above { base: BASE_AT_TWO },
                cases: 56,
                ..Family::GENERAL
            }, strata!(Condition: 0 6; Gap: 0; OneRow; OneColumn; Square; SignedTarget))
            .attacked(8, attack_dominated)
            .check(|case| dominated(case, High::int(200)))
            .fault("the weights scaled to min w_i^2 = 9 exp(R^2)", |case| dominated_after_scaling(case, High::int(9))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_that_dominate_are_a_multiple_of_the_exponential() {
        let said = |x: f64, weight: f64| {
            let text = format!(
                r#"{{"loss": "softmax", "matrix": [[1, 0], [0, 1]], "target": [0.5, 0.5], "weights": {weight},
                    "points": [[{x}, 0]]}}"#
            );
            dominated(&Case::of_text(&text, 0), High::int(20)).unwrap()
        };
        // 20 e = 54.37 with R = ||A|| = 1, and 20 e^4 = 1091.96 with R = ||x|| = 2.
        for (x, below, above) in [(0.5, 54.0f64, 55.0f64), (2.0, 1091.0, 1093.0)] {
            let outside = Verdict::Outside(Outside::Weights);
            assert_eq!(said(x, below.sqrt()), outside, "{x}");
            assert!(
                matches!(said(x, above.sqrt()), Verdict::Holds { .. }),
                "{x}"
            );
        }
    }
}
