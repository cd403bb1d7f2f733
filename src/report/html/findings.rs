//! What matters most, in one sentence each. Only the sentence is written here: the verdict beside it is the run's.

/// A finding: the claim that decides it, and what it means.
pub(super) struct Finding {
    pub claim: &'static str,
    pub sentence: &'static str,
}

const fn finding(claim: &'static str, sentence: &'static str) -> Finding {
    Finding { claim, sentence }
}

/// In the order of the page.
pub(super) const FINDINGS: [Finding; 12] = [
    finding(
        "dls23/gradient-printed",
        "The printed gradient of softmax regression loses a minus sign; no loss at all has it as its gradient.",
    ),
    finding(
        "dls23/hessian-printed",
        "The printed Hessian has one term with the wrong sign, and two terms are missing.",
    ),
    finding(
        "dls23/spectrum-sharp",
        "The Hessian's middle matrix lies between -0.2405 and 0.3082, proven for any number of rows and attained by two; printed are -4 and 8.",
    ),
    finding(
        "dls23/positive-definite-sharp-threshold",
        "Weights of 0.2405 make the loss convex where the text asks for 4 and its theorem for 100.",
    ),
    finding(
        "dls23/hessian-lipschitz-explicit",
        "Three fifths of the cube of the norm of A replaces n^1.5 exp(30 R^2), proven, with no bound on x.",
    ),
    finding(
        "dls23/induction-constant",
        "The factor 0.4 does not follow from the shrinking lemma with its own constants.",
    ),
    finding(
        "dls23/theorem-main",
        "The algorithm as printed, its signs included, misses the promised accuracy.",
    ),
    finding(
        "sampling/spectral-guarantee-one-constant",
        "No single constant makes the count of the sampling lemma enough for every accuracy: it has to grow like 1/eps^2, by exact counting on the complete graph.",
    ),
    finding(
        "lsz23/exp-convex-any-weights",
        "Regularised exponential regression is not convex for every weight; the sharp threshold is an eighth of the squared target.",
    ),
    finding(
        "residual-softmax/hessian-psd",
        "The Hessian of the residual softmax loss is not positive semidefinite, although the abstract says so.",
    ),
    finding(
        "exact-attention/definition-as-program",
        "The definition of attention, run as it is printed, overflows where its shifted form gives every digit.",
    ),
    finding(
        "federated-softmax/limit-is-the-minimiser",
        "Federated averaging with several local steps converges, to a point of its own and not to the minimiser.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_names_a_claim_of_the_catalogue() {
        let catalogue = crate::claims::all();
        for finding in &FINDINGS {
            let known = catalogue.iter().any(|claim| claim.id == finding.claim);
            assert!(known, "{}", finding.claim);
        }
    }
}
