//! The claims about approximate Newton steps that every Newton paper makes, or that carry over to its loss: one place for
//! their statements, checks and planted faults. What a paper adds is its premise, its cases and its texts.

use crate::claims::tools::builder::{Draft, strata};
use crate::claims::tools::newton_steps::{
    Conclusion, Count, Factor, Norm, ends_in_time, exact_step, induction, iteration, shrinking,
    shrinking_in_hessian_norm,
};
use crate::claims::tools::newton_support::{Sign, Theorem};
use crate::claims::{Claim, Family, Stratum};

/// An `eps0`-approximate Newton step in LaTeX: the last two lines of `aligned`.
macro_rules! approximate_step {
    () => {
        r"x_{t+1} &= x_t - \widetilde H^{-1} \nabla L(x_t), \quad \epsilon_0 \in (0, 0.1), \\
            (1 - \epsilon_0) H(x_t) &\preceq \widetilde H \preceq (1 + \epsilon_0) H(x_t)"
    };
}
pub(crate) use approximate_step;

/// What a paper's main theorem asks for, and the cases inside its premise.
pub trait Premise {
    /// The theorem.
    const THEOREM: &'static Theorem;
    /// Instances that meet it.
    const FAMILY: Family;
    /// Strata that must not be empty.
    const STRATA: &'static [Stratum];
}

/// Id, place, premise and note of each lemma and of what replaces it, with the manifests of the witnesses of the lemmas.
pub struct Lemmas {
    /// Iterative shrinking (thesis Lemma 2.1.18), in the Euclidean norm.
    pub shrinking: Draft,
    /// The induction on it (thesis Lemma 2.1.19).
    pub contraction: Draft,
    /// Shrinking in the norm of `H(x_t)`.
    pub shrinking_in_hessian_norm: Draft,
    /// The induction in the norm of `H(x*)`.
    pub contraction_in_hessian_norm: Draft,
    /// The witnesses against the first two.
    pub witnesses: [&'static str; 2],
}

/// The two lemmas, false in the Euclidean norm, and their replacements, in the order of the fields.
pub fn lemmas<P: Premise>(texts: Lemmas) -> [Claim; 4] {
    let [against_shrinking, against_contraction] = texts.witnesses;
    let shrinking_in_norm = shrinking_in_hessian_norm_of::<P>(texts.shrinking_in_hessian_norm);
    let contraction_in_norm = texts
        .contraction_in_hessian_norm
        .states("||x_{t+1}-x*||_{H(x*)} <= 0.2 ||x_t-x*||_{H(x*)} for all t and every eps0 in (0, 0.1), hence r_t <= sqrt(kappa(H(x*))) 0.2^t r_0")
        .formula(concat!(r"\begin{aligned} \|x_{t+1} - x^*\|_{H(x^*)} &\le 0.2\, \|x_t - x^*\|_{H(x^*)} \quad \forall t, \\
            r_t &\le \sqrt{\kappa(H(x^*))}\ 0.2^t\, r_0, \quad r_t = \|x_t - x^*\|_2, \\
            ", approximate_step!(), r" \end{aligned}"))
        .on(P::FAMILY, P::STRATA)
        .check(|case| iteration(P::THEOREM, case, Norm::Hessian))
        .fault("the Euclidean norm", |case| iteration(P::THEOREM, case, Norm::Euclidean));
    [
        texts
            .shrinking
            .states("r_{t+1} <= 2 (eps0 + rbar_t / (l - rbar_t)) r_t, r_t = ||x_t - x*||_2, rbar_t = M r_t, eps0 in (0, 0.1)")
            .formula(concat!(r"\begin{aligned} r_{t+1} &\le 2 \Bigl(\epsilon_0 + \frac{\bar r_t}{l - \bar r_t}\Bigr) r_t, \quad r_t = \|x_t - x^*\|_2, \ \bar r_t = M r_t, \\
                ", approximate_step!(), r" \end{aligned}"))
            .on(P::FAMILY, P::STRATA)
            .check(|case| shrinking(P::THEOREM, case, Norm::Euclidean, Factor::Printed))
            .fault("the norm of H(x_t) and its own factor", |case| shrinking(P::THEOREM, case, Norm::Hessian, Factor::Derived))
            .refuted(shrinking_in_norm.id, against_shrinking),
        texts
            .contraction
            .states("r_{t+1} <= 0.4 r_t for every eps0-approximate Newton step, eps0 in (0, 0.1)")
            .formula(concat!(r"\begin{aligned} r_{t+1} &\le 0.4\, r_t, \quad r_t = \|x_t - x^*\|_2, \\
                ", approximate_step!(), r" \end{aligned}"))
            .on(P::FAMILY, P::STRATA)
            .check(|case| induction(P::THEOREM, case, Conclusion::Contraction))
            .fault("the norm of H(x*), rate 0.2, start within 0.1 l / (M sqrt(kappa))", |case| iteration(P::THEOREM, case, Norm::Hessian))
            .refuted(contraction_in_norm.id, against_contraction),
        shrinking_in_norm,
        contraction_in_norm,
    ]
}

fn shrinking_in_hessian_norm_of<P: Premise>(text: Draft) -> Claim {
    text.states("||x_{t+1}-x*||_{H(x_t)} <= ( eps0/(1-eps0) + rbar_t/(2(1-eps0)(l-rbar_t)) ) ||x_t-x*||_{H(x_t)}")
        .formula(concat!(r"\begin{aligned} \|x_{t+1} - x^*\|_{H(x_t)} &\le \Bigl(\frac{\epsilon_0}{1 - \epsilon_0} + \frac{\bar r_t}{2 (1 - \epsilon_0)(l - \bar r_t)}\Bigr) \|x_t - x^*\|_{H(x_t)}, \\
            \bar r_t &= M \|x_t - x^*\|_2, \\
            ", approximate_step!(), r" \end{aligned}"))
        .on(P::FAMILY, P::STRATA)
        .check(|case| shrinking_in_hessian_norm(P::THEOREM, case, Factor::Derived))
        .fault("eps0 in place of eps0/(1-eps0)", |case| shrinking_in_hessian_norm(P::THEOREM, case, Factor::TooSmall))
}

/// Both lemmas at `eps0 = 0`; the fault goes uphill.
pub fn exact_newton<P: Premise>(text: Draft, fault: &'static str) -> Claim {
    text.states("with H~ = H: r_{t+1} <= rbar_t/(2(l - rbar_t)) r_t <= 0.4 r_t")
        .formula(r"\begin{aligned} r_{t+1} &\le \frac{\bar r_t}{2 (l - \bar r_t)} r_t \le 0.4\, r_t, \quad r_t = \|x_t - x^*\|_2, \ \bar r_t = M r_t, \\
            x_{t+1} &= x_t - H(x_t)^{-1} \nabla L(x_t) \end{aligned}")
        .on(P::FAMILY, P::STRATA)
        .check(|case| exact_step(P::THEOREM, case, Sign::Minus))
        .fault(fault, |case| exact_step(P::THEOREM, case, Sign::Plus))
}

/// The number of steps that follows from the replacement of the second lemma.
pub fn iteration_count<P: Premise>(text: Draft) -> Claim {
    let family = Family {
        cases: 21,
        ..P::FAMILY
    };
    text.states("T = ceil( ln( sqrt(kappa(H(x*))) r_0 / eps ) / ln 5 ) steps with eps0 in (0, 0.1) end within eps: ||x_T - x*||_2 <= eps")
        .formula(concat!(r"\begin{aligned} \|x_T - x^*\|_2 &\le \epsilon, \quad T = \Bigl\lceil \frac{\ln\bigl(\sqrt{\kappa(H(x^*))}\, r_0 / \epsilon\bigr)}{\ln 5} \Bigr\rceil, \\
            ", approximate_step!(), r" \end{aligned}"))
        .on(family, strata!(Condition: 0 3; OneColumn; Square))
        .check(|case| ends_in_time(P::THEOREM, case, Count::WithCondition))
        .fault("without sqrt(kappa)", |case| ends_in_time(P::THEOREM, case, Count::WithoutCondition))
}

/// The claims of a paper to whose loss the lemmas are carried over here: its key, its premise, and what its witness against the
/// first lemma and its iteration count are.
macro_rules! carried_over {
    ($premise_of:ty, $key:literal, $premise:expr, $witness:literal, $count:literal) => {{
        use $crate::claims::tools::builder::{claim, witness};
        use $crate::claims::tools::newton_claims::{Lemmas, iteration_count, lemmas};
        let lemmas = lemmas::<$premise_of>(Lemmas {
            shrinking: claim(concat!($key, "/shrinking-euclidean"))
                .derived("the lemma of the Newton papers (thesis Lemma 2.1.18) carried over to this loss")
                .given($premise)
                .note(concat!("As dls23/shrinking-euclidean (E3), one step at eps0 = 1/20 with the worst H~ of the band. ", $witness)),
            contraction: claim(concat!($key, "/contraction-04"))
                .derived("the lemma of the Newton papers (thesis Lemma 2.1.19) carried over to this loss")
                .given(concat!("as ", $key, "/shrinking-euclidean, and r_i <= 0.4 r_{i-1}, M r_i <= 0.1 l for i in [t]"))
                .note("Checked with t = 1: a real first step that meets the induction hypothesis, then the worst H~ in the band, both bands verified at 40 digits."),
            shrinking_in_hessian_norm: claim(concat!($key, "/shrinking-hessian-norm"))
                .derived(concat!("replaces ", $key, "/shrinking-euclidean"))
                .given($premise)
                .note("As dls23/shrinking-hessian-norm, and attained by H~ = (1-eps0)H as rbar_t tends to 0. Tried on reflections, (1-eps0)H, (1+eps0)H and, where it is in the band, a leverage-score sample of the diagonal part, from two directions."),
            contraction_in_hessian_norm: claim(concat!($key, "/contraction-hessian-norm"))
                .derived(concat!("replaces ", $key, "/contraction-04"))
                .given(concat!("as ", $key, "/shrinking-euclidean, with M sqrt(kappa(H(x*))) r_0 <= 0.1 l for M r_t <= 0.1 l"))
                .note("As dls23/contraction-hessian-norm: factor at most 0.1911. Followed over four steps at eps0 = 0.099, reflections and (1-eps0)H in turn."),
            witnesses: [witness!($key, "-shrinking-euclidean"), witness!($key, "-contraction-04")],
        });
        let count = claim(concat!($key, "/iteration-count"))
            .derived($count)
            .given(concat!("as ", $key, "/contraction-hessian-norm"))
            .note($crate::claims::tools::newton_claims::note_on_the_count!($key));
        lemmas.into_iter().chain([iteration_count::<$premise_of>(count)]).collect()
    }};
}
pub(crate) use carried_over;

/// What is said of an iteration count.
macro_rules! note_on_the_count {
    ($key:literal) => {
        concat!(
            "What the O of a logarithmic count hides: the condition number, since a step may lengthen the error in the Euclidean norm. Follows from ",
            $key,
            "/contraction-hessian-norm. Followed over all T steps at eps0 = 0.099, r_0 / eps from 10 to 10^4, reflections and (1-eps0)H in turn."
        )
    };
}
pub(crate) use note_on_the_count;
