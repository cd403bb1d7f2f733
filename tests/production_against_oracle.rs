//! Every number that production gives lies within production's own error bound of the oracle's, entry by entry, on every
//! kind of instance; and the comparison catches the usual mistakes.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};

use attention_regression::claims::forms::{self, GradientForm, HessianForm};
use attention_regression::claims::{Case, Family, Origin, Stratum, Targets};
use attention_regression::instance::{DesignMatrix, Instance, LossKind, sample};
use attention_regression::oracle::{Reference, lift_vector};
use attention_regression::production::{Problem, Softmax};
use attention_regression::scalar::High;

/// The gate's seed; it appears in every failure.
const SEED: u64 = 2304;

/// One rounding of f64.
const UNIT: f64 = f64::EPSILON / 2.0;

/// What somebody computed in f64 at the case's point; `product` is the Hessian times [`direction`].
#[derive(Clone)]
struct Answer {
    value: f64,
    gradient: DVector<f64>,
    hessian: DMatrix<f64>,
    product: DVector<f64>,
}

/// The same at 40 digits.
struct Truth {
    value: High,
    gradient: DVector<High>,
    hessian: DMatrix<High>,
    product: DVector<High>,
}

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

/// The vector that the Hessian is multiplied with (d).
fn direction(case: &Case) -> DVector<f64> {
    sample::dyadic_vector(&mut case.stream("direction"), case.instance.columns(), 2)
}

fn truth(case: &Case) -> Truth {
    let evaluation = Reference::new(&case.instance)
        .unwrap()
        .evaluate(&lift_vector(&case.x()))
        .unwrap();
    Truth {
        value: evaluation.loss,
        product: &evaluation.hessian * lift_vector(&direction(case)),
        gradient: evaluation.gradient,
        hessian: evaluation.hessian,
    }
}

fn produced(case: &Case) -> Answer {
    let problem = Problem::new(&case.instance).unwrap();
    let x = case.x();
    Answer {
        value: problem.value(&x).unwrap(),
        gradient: problem.gradient(&x).unwrap(),
        hessian: problem.hessian(&x).unwrap(),
        product: problem.hessian_vector(&x, &direction(case)).unwrap(),
    }
}

/// Production's stated bounds. It states none for the Hessian-vector product: there the parts of the Hessian carry the
/// same errors as in the Hessian, at most `hessian_error_bound |v|` together, and the products `A v`, `U' (A v)`,
/// `K (..)`, `U (..)` and `A' (..)` add at most `2 (n + d + r + 4)` roundings of
/// `|A|' (|D| + diag(w^2) + |U| |K| |U|') |A| |v|`, r = 2.
fn bounds(case: &Case) -> Answer {
    let problem = Problem::new(&case.instance).unwrap();
    let x = case.x();
    let hessian = problem.hessian_error_bound(&x).unwrap();
    let v = direction(case).abs();
    let parts = problem
        .loss()
        .hessian(&problem.logits(&x).unwrap())
        .unwrap();
    let a = case.instance.matrix().to_dense().abs();
    let image = &a * &v;
    let middle = parts.diagonal.abs().component_mul(&image)
        + problem.squared_weights().component_mul(&image)
        + parts.basis.abs() * (parts.core.abs() * parts.basis.abs().tr_mul(&image));
    let roundings = 2.0 * (a.nrows() + a.ncols() + 6) as f64 * UNIT;
    let product = &hessian * &v + a.tr_mul(&middle) * roundings;
    Answer {
        value: problem.loss_error_bound(&x).unwrap(),
        gradient: problem.gradient_error_bound(&x).unwrap(),
        product: product.map(|bound| bound + f64::MIN_POSITIVE),
        hessian,
    }
}

/// Every entry that is farther from the truth than its bound, described.
fn faults(case: &Case, answer: &Answer, truth: &Truth, bounds: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |name: String, ours: f64, truth: High, bound: f64| {
        // A number that is not finite cannot be lifted and is a fault whatever the bound.
        let off = High::lift(ours).ok().map(|ours| (ours - truth).abs());
        let bound = High::lift(bound).unwrap_or(High::ZERO);
        if !off.is_some_and(|off| off <= bound) {
            found.push(format!(
                "{name}: ours {ours:e} oracle {} off {} > {}   {} of seed {SEED}, {} x {}",
                truth.scientific(17),
                off.map_or_else(|| "NaN".to_owned(), |off| off.scientific(3)),
                bound.scientific(3),
                case.origin,
                case.instance.rows(),
                case.instance.columns(),
            ));
        }
    };
    compare("value".to_owned(), answer.value, truth.value, bounds.value);
    for i in 0..truth.gradient.len() {
        compare(
            format!("gradient[{i}]"),
            answer.gradient[i],
            truth.gradient[i],
            bounds.gradient[i],
        );
        compare(
            format!("product[{i}]"),
            answer.product[i],
            truth.product[i],
            bounds.product[i],
        );
        for j in 0..truth.gradient.len() {
            compare(
                format!("hessian[{i}, {j}]"),
                answer.hessian[(i, j)],
                truth.hessian[(i, j)],
                bounds.hessian[(i, j)],
            );
        }
    }
    found
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
