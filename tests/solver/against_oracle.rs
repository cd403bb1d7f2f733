//! Every number that production gives lies within production's own error bound of the oracle's, entry by entry, on every
//! kind of instance; and the comparison catches the usual mistakes.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};

use crate::answers::{Answer, SEED, Truth, UNIT, bounds, direction, faults, produced, truth};
use attention_regression::claims::forms::{self, GradientForm, HessianForm};
use attention_regression::claims::{Case, Family, Origin, Stratum, Targets};
use attention_regression::instance::{DesignMatrix, Instance, LossKind, sample};
use attention_regression::production::Softmax;
use attention_regression::scalar::High;

/// Small instances of every stratum, a few longer ones, and logits so large that nothing works without a shift.
fn cases() -> Vec<Case> {
    let general = Family {
        targets: Targets::Any,
        rank_deficient: true,
        cases: 140,
        ..Family::GENERAL
    };
    let long = Family {
        rows: (100, 140),
        columns: (3, 6),
        cases: 8,
        ..general
    };
    let mut cases = Vec::new();
    for (label, family) in [("general", general), ("long", long)] {
        cases.extend(
            family
                .edges(&mut sample::stream(
                    SEED,
                    &format!("production/{label}/edges"),
                    0,
                ))
                .unwrap(),
        );
        for index in 0..family.cases {
            let mut rng = sample::stream(SEED, &format!("production/{label}"), index as u64);
            cases.push(family.draw(index, &mut rng).unwrap());
        }
    }
    for (index, (matrix, x)) in [
        (vec![vec![1.0], vec![0.0]], 1000.0),
        (vec![vec![1.0], vec![0.5]], 2000.0),
        (vec![vec![-1.0], vec![-0.75]], 1000.0),
    ]
    .into_iter()
    .enumerate()
    {
        let target = DVector::from_vec(vec![0.25, -0.75]);
        let instance = Instance::new(
            LossKind::Softmax,
            DesignMatrix::from_rows(&matrix).unwrap(),
            target,
            DVector::from_element(2, 0.5),
        )
        .unwrap()
        .with_points(vec![DVector::from_element(1, x)])
        .unwrap();
        cases.push(Case::new(Origin::Edge(index), instance, SEED));
    }
    cases
}

#[test]
fn every_number_is_within_its_bound_of_the_oracle() {
    let mut found = Vec::new();
    let mut strata = BTreeSet::new();
    for (case, truth, bounds) in bench() {
        strata.extend(case.strata());
        found.extend(faults(case, &produced(case), truth, bounds));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    let wanted = (0..=6)
        .map(Stratum::Condition)
        .chain((0..=3).map(Stratum::Gap))
        .chain([
            Stratum::OneRow,
            Stratum::OneColumn,
            Stratum::Square,
            Stratum::SignedTarget,
            Stratum::RankDeficient,
        ]);
    for stratum in wanted {
        assert!(strata.contains(&stratum), "no case with {stratum}");
    }
}

/// The closed forms in f64, with one thing altered.
#[derive(Clone, Copy)]
struct Recipe {
    gradient: GradientForm,
    hessian: HessianForm,
    ridge_of_gradient: bool,
    ridge_of_hessian: bool,
    half: bool,
    shifted: bool,
}

const RIGHT: Recipe = Recipe {
    gradient: GradientForm::Corrected,
    hessian: HessianForm::Corrected,
    ridge_of_gradient: true,
    ridge_of_hessian: true,
    half: true,
    shifted: true,
};

fn cooked(case: &Case, recipe: Recipe) -> Answer {
    let instance = &case.instance;
    let (a, b) = (instance.matrix().to_dense(), instance.target());
    let z = &a * case.x();
    let p = if recipe.shifted {
        forms::softmax(&z)
    } else {
        let u = z.map(f64::exp);
        let total = u.sum();
        u / total
    };
    let squares = instance.weights().map(|w| w * w);
    let pull = squares.component_mul(&z);
    let mut in_logits = forms::gradient(recipe.gradient, &p, b);
    if recipe.ridge_of_gradient {
        in_logits += &pull;
    }
    let mut middle = forms::hessian(recipe.hessian, &p, b);
    if recipe.ridge_of_hessian {
        middle += DMatrix::from_diagonal(&squares);
    }
    let hessian = a.tr_mul(&(middle * &a));
    let value = forms::value(&p, b) + 0.5 * pull.dot(&z);
    Answer {
        value: if recipe.half { value } else { 2.0 * value },
        gradient: a.tr_mul(&in_logits),
        product: &hessian * direction(case),
        hessian,
    }
}

/// Every case with its truth and its bounds, computed once for all tests.
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

/// On how many cases of all an answer is caught, and by which quantities.
fn caught(answer: impl Fn(&Case) -> Answer) -> (usize, usize, BTreeSet<String>) {
    let mut count = 0;
    let mut names = BTreeSet::new();
    for (case, truth, bounds) in bench() {
        let found = faults(case, &answer(case), truth, bounds);
        count += usize::from(!found.is_empty());
        names.extend(
            found
                .iter()
                .filter_map(|line| line.split(['[', ':']).next())
                .map(str::to_owned),
        );
    }
    (count, bench().len(), names)
}

#[test]
fn the_printed_sign_of_the_gradient_is_caught() {
    let (count, all, names) = caught(|case| Answer {
        gradient: cooked(
            case,
            Recipe {
                gradient: GradientForm::Printed,
                ..RIGHT
            },
        )
        .gradient,
        ..produced(case)
    });
    assert!(
        count > all / 2 && names.len() == 1 && names.contains("gradient"),
        "{count} of {all}: {names:?}"
    );
}

#[test]
fn the_printed_hessian_is_caught_in_full_and_with_one_fault_mended() {
    for hessian in [
        HessianForm::Printed,
        HessianForm::SignMended,
        HessianForm::TermsAdded,
    ] {
        let (count, all, names) = caught(|case| {
            let wrong = cooked(case, Recipe { hessian, ..RIGHT });
            Answer {
                hessian: wrong.hessian,
                product: wrong.product,
                ..produced(case)
            }
        });
        assert!(
            count > all / 2 && names.contains("hessian") && names.contains("product"),
            "{hessian:?}: {count} of {all}: {names:?}"
        );
    }
}

#[test]
fn a_missing_ridge_is_caught_in_gradient_and_hessian() {
    let (count, all, names) = caught(|case| Answer {
        gradient: cooked(
            case,
            Recipe {
                ridge_of_gradient: false,
                ..RIGHT
            },
        )
        .gradient,
        ..produced(case)
    });
    assert!(
        count > all / 2 && names.contains("gradient"),
        "{count} of {all}: {names:?}"
    );
    let (count, all, names) = caught(|case| Answer {
        hessian: cooked(
            case,
            Recipe {
                ridge_of_hessian: false,
                ..RIGHT
            },
        )
        .hessian,
        ..produced(case)
    });
    assert!(
        count > all / 2 && names.contains("hessian"),
        "{count} of {all}: {names:?}"
    );
}

#[test]
fn a_missing_factor_one_half_is_caught() {
    let (count, all, names) = caught(|case| Answer {
        value: cooked(
            case,
            Recipe {
                half: false,
                ..RIGHT
            },
        )
        .value,
        ..produced(case)
    });
    assert!(
        count > all / 2 && names.contains("value"),
        "{count} of {all}: {names:?}"
    );
}

#[test]
fn a_softmax_without_shift_is_caught() {
    let (count, all, names) = caught(|case| {
        cooked(
            case,
            Recipe {
                shifted: false,
                ..RIGHT
            },
        )
    });
    assert!(count > 0 && names.len() == 4, "{count} of {all}: {names:?}");
}

/// An error bound that is never small would make the comparison vacuous.
#[test]
fn an_error_of_one_part_in_a_billion_is_caught() {
    let nudge = 1.0 + 1e-9;
    let (count, all, names) = caught(|case| {
        let Answer {
            value,
            gradient,
            hessian,
            product,
        } = produced(case);
        Answer {
            value: value * nudge,
            gradient: gradient * nudge,
            hessian: hessian * nudge,
            product: product * nudge,
        }
    });
    assert!(
        10 * count > 9 * all && names.len() == 4,
        "{count} of {all}: {names:?}"
    );
}

/// Fact 2.2.4 in f64: the entries of production's softmax add up to 1 within `4 units + n MIN_POSITIVE`: the compensated
/// sum is off by at most 2 units (and terms of second order), each quotient by one or by an underflow.
fn normalised(p: &DVector<f64>) -> bool {
    let lifted: Result<Vec<High>, _> = p.iter().map(|entry| High::lift(entry.abs())).collect();
    let allowed = High::lift(4.0 * UNIT + p.len() as f64 * f64::MIN_POSITIVE).unwrap();
    lifted.is_ok_and(|entries| (entries.into_iter().sum::<High>() - High::ONE).abs() <= allowed)
}

#[test]
fn the_softmax_of_production_is_normalised() {
    let mut unshifted_fails = 0;
    for case in cases() {
        let z = case.instance.matrix().multiply(&case.x());
        let p = Softmax::new(case.instance.target().clone())
            .probabilities(&z)
            .unwrap();
        assert!(normalised(&p), "{} of seed {SEED}: {p}", case.origin);
        assert!(
            !normalised(&(&p * (1.0 + 1e-15))),
            "{}: a scaled softmax passes",
            case.origin
        );
        let u = z.map(f64::exp);
        let total = u.sum();
        unshifted_fails += usize::from(!normalised(&(u / total)));
    }
    assert!(unshifted_fails > 0, "an unshifted softmax is never caught");
}
