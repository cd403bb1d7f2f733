//! The sister losses: every number that production gives lies within production's own bound of the oracle's, and the
//! comparison catches the usual mistakes.

use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};

use crate::answers::{Answer, SEED, Truth, bounds, direction, faults, produced, truth};
use attention_regression::claims::{Case, Family, Targets};
use attention_regression::instance::{Activation, Instance, LossKind, sample};
use attention_regression::production::Problem;

/// Every loss but softmax, with a second layer of 1 to 5 rows.
fn kind(index: usize, n: usize) -> LossKind {
    let mut rng = sample::stream(SEED, "losses/second-layer", index as u64);
    let plain = [
        LossKind::Exp,
        LossKind::Cosh,
        LossKind::Sinh,
        LossKind::ResidualSoftmax,
    ];
    let turn = index % (plain.len() + Activation::ALL.len());
    if let Some(kind) = plain.get(turn) {
        return kind.clone();
    }
    let m = sample::integer(&mut rng, 1, 5) as usize;
    let size = [0.125, 1.0, 16.0][sample::integer(&mut rng, 0, 2) as usize];
    LossKind::TwoLayer {
        second_layer: DMatrix::from_fn(m, n, |_, _| sample::dyadic(&mut rng, 2) * size),
        activation: Activation::ALL[turn - plain.len()],
    }
}

/// The general family with another loss; where a logit is beyond what the entrywise losses hold, a shorter point.
fn cases() -> Vec<Case> {
    let family = Family {
        targets: Targets::Any,
        rank_deficient: true,
        ..Family::GENERAL
    };
    let mut drawn = family
        .edges(&mut sample::stream(SEED, "losses/edges", 0))
        .unwrap();
    for index in 0..400 {
        let mut rng = sample::stream(SEED, "losses", index as u64);
        // Of each loss its own decades of condition and gap.
        drawn.push(family.draw(index / 8, &mut rng).unwrap());
    }
    drawn
        .into_iter()
        .enumerate()
        .map(|(index, case)| with_loss(index, &case))
        .collect()
}

fn with_loss(index: usize, case: &Case) -> Case {
    let instance = &case.instance;
    let kind = kind(index, instance.rows());
    let mut rng = sample::stream(SEED, "losses/target", index as u64);
    let target = match kind {
        LossKind::TwoLayer { .. } => {
            sample::dyadic_vector(&mut rng, kind.target_length(instance.rows()), 2)
        }
        _ => instance.target().clone(),
    };
    let mut x = case.x();
    let largest = instance.matrix().multiply(&x).amax();
    let entrywise = matches!(kind, LossKind::Exp | LossKind::Cosh | LossKind::Sinh);
    if entrywise && largest > 300.0 {
        x *= 300.0 / largest;
    }
    let changed = Instance::new(
        kind,
        instance.matrix().clone(),
        target,
        instance.weights().clone(),
    )
    .unwrap()
    .with_points(vec![x])
    .unwrap();
    Case::new(case.origin.clone(), changed, case.seed)
}

fn bench() -> &'static [(Case, Truth, Answer)] {
    static BENCH: OnceLock<Vec<(Case, Truth, Answer)>> = OnceLock::new();
    BENCH.get_or_init(|| {
        cases()
            .into_iter()
            .map(|case| {
                let (truth, bounds) = (truth(&case), bounds(&case));
                (case, truth, bounds)
            })
            .collect()
    })
}

#[test]
fn every_number_of_every_loss_is_within_its_bound_of_the_oracle() {
    let mut found = Vec::new();
    for (case, truth, bounds) in bench() {
        for line in faults(case, &produced(case), truth, bounds) {
            found.push(format!("{:?}: {line}", case.instance.loss()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// On how many cases of the losses selected an altered answer is caught.
fn caught(
    selected: impl Fn(&LossKind) -> bool,
    alter: impl Fn(&Case, Answer) -> Answer,
) -> (usize, usize) {
    let chosen = bench()
        .iter()
        .filter(|(case, ..)| selected(case.instance.loss()));
    let mut count = 0;
    let mut all = 0;
    for (case, truth, bounds) in chosen {
        all += 1;
        count += usize::from(!faults(case, &alter(case, produced(case)), truth, bounds).is_empty());
    }
    (count, all)
}

/// An error bound that is never small would make the comparison vacuous.
#[test]
fn an_error_of_one_part_in_a_million_is_caught_for_every_loss() {
    let nudge = 1.0 + 1e-6;
    for name in LossKind::NAMES.into_iter().skip(1) {
        let (count, all) = caught(
            |kind| kind.name() == name,
            |_, mut answer| {
                answer.value *= nudge;
                answer
            },
        );
        assert!(10 * count > 8 * all, "{name}, value: {count} of {all}");
        let (count, all) = caught(
            |kind| kind.name() == name,
            |_, mut answer| {
                answer.gradient *= nudge;
                answer
            },
        );
        assert!(10 * count > 7 * all, "{name}, gradient: {count} of {all}");
        let (count, all) = caught(
            |kind| kind.name() == name,
            |_, mut answer| {
                answer.hessian *= nudge;
                answer
            },
        );
        assert!(10 * count > 7 * all, "{name}, hessian: {count} of {all}");
    }
}

/// The Hessian with another middle: `A' (middle + diag(w^2)) A`.
fn with_middle(case: &Case, answer: Answer, middle: &DMatrix<f64>) -> Answer {
    let a = case.instance.matrix().to_dense();
    let squares = DMatrix::from_diagonal(&case.instance.weights().map(|w| w * w));
    let hessian = a.tr_mul(&((middle + squares) * &a));
    Answer {
        product: &hessian * direction(case),
        hessian,
        ..answer
    }
}

/// Production's structured Hessian with one of its parts altered.
fn altered(
    case: &Case,
    answer: Answer,
    change: impl Fn(&mut DVector<f64>, &mut DMatrix<f64>, &mut DMatrix<f64>),
) -> Answer {
    let problem = Problem::from_instance(&case.instance).unwrap();
    let mut parts = problem
        .loss()
        .hessian(&problem.logits(&case.x()).unwrap())
        .unwrap();
    change(&mut parts.diagonal, &mut parts.basis, &mut parts.core);
    with_middle(case, answer, &parts.to_dense())
}

#[test]
fn a_lost_second_derivative_of_the_entrywise_losses_is_caught() {
    // Gauss-Newton: D = phi'^2 alone.
    let (count, all) = caught(
        |kind| matches!(kind, LossKind::Exp | LossKind::Cosh | LossKind::Sinh),
        |case, answer| {
            let z = case.instance.matrix().multiply(&case.x());
            let slope = z.map(|z| match case.instance.loss() {
                LossKind::Exp => z.exp(),
                LossKind::Cosh => z.sinh(),
                _ => z.cosh(),
            });
            let middle = DMatrix::from_diagonal(&slope.map(|slope| slope * slope));
            with_middle(case, answer, &middle)
        },
    );
    assert!(10 * count > 8 * all, "{count} of {all}");
}

#[test]
fn a_lost_low_rank_part_is_caught() {
    for name in ["residual-softmax", "two-layer"] {
        let (count, all) = caught(
            |kind| kind.name() == name,
            |case, answer| altered(case, answer, |_, _, core| core.fill(0.0)),
        );
        assert!(10 * count > 6 * all, "{name}: {count} of {all}");
    }
}

#[test]
fn a_wrong_sign_in_the_low_rank_part_is_caught() {
    for name in ["residual-softmax", "two-layer"] {
        let (count, all) = caught(
            |kind| kind.name() == name,
            |case, answer| {
                altered(case, answer, |_, _, core| {
                    core[(0, 1)] *= -1.0;
                    core[(1, 0)] *= -1.0;
                })
            },
        );
        assert!(10 * count > 6 * all, "{name}: {count} of {all}");
    }
}

#[test]
fn a_softmax_without_its_skip_connection_is_caught() {
    // e / alpha in place of (e + 1) / alpha in the Hessian's basis.
    let (count, all) = caught(
        |kind| matches!(kind, LossKind::ResidualSoftmax),
        |case, answer| {
            let z = case.instance.matrix().multiply(&case.x());
            let alpha: f64 = z.iter().map(|z| z.exp() + z).sum();
            altered(case, answer, |_, basis, _| {
                for i in 0..z.len() {
                    basis[(i, 0)] = z[i].exp() / alpha;
                }
            })
        },
    );
    assert!(2 * count > all, "{count} of {all}");
}

#[test]
fn a_second_layer_without_the_slope_of_its_activation_is_caught() {
    // g'' of the identity in place of that of softplus, tanh and relu.
    let (count, all) = caught(
        |kind| matches!(kind, LossKind::TwoLayer { activation, .. } if *activation != Activation::Identity),
        |case, answer| {
            altered(case, answer, |_, _, core| {
                for k in 2..core.nrows() {
                    core[(k, k)] = 1.0;
                }
            })
        },
    );
    assert!(2 * count > all, "{count} of {all}");
}
