//! Planted mistakes: each is computed here in f64 from its own formula, and exactly that mistake must be named.

use std::path::Path;

use attention_regression::instance::files::parse_instance;
use attention_regression::instance::{Activation, DesignMatrix, Instance, LossKind};
use attention_regression::judge::{Answer, Asked, Judgement, judge};
use attention_regression::oracle::{lift_matrix, lift_vector};
use attention_regression::production::{Problem, Settings, solve};
use attention_regression::scalar::High;
use nalgebra::{DMatrix, DVector, dmatrix, dvector};

/// A small instance of every loss, with nothing in it that float32 holds.
fn instances() -> Vec<Instance> {
    let a = dmatrix![1.0, 0.5; -0.7, 0.9; 0.1, 1.1; 1.3, -0.4];
    let b = dvector![0.3, 0.45, 0.15, 0.1];
    let w = dvector![0.6, -1.1, 0.9, 0.7];
    let second_layer = dmatrix![0.9, -0.3, 0.2, 0.6; -0.1, 0.8, 0.7, -0.5];
    let make = |loss: LossKind, target: DVector<f64>| {
        Instance::new(
            loss,
            DesignMatrix::dense(a.clone()).unwrap(),
            target,
            w.clone(),
        )
        .unwrap()
        .with_points(vec![dvector![0.35, -0.6]])
        .unwrap()
    };
    let mut list: Vec<Instance> = [
        LossKind::Softmax,
        LossKind::Exp,
        LossKind::Cosh,
        LossKind::Sinh,
        LossKind::ResidualSoftmax,
    ]
    .into_iter()
    .map(|loss| make(loss, b.clone()))
    .collect();
    for activation in Activation::ALL {
        let loss = LossKind::TwoLayer {
            second_layer: second_layer.clone(),
            activation,
        };
        list.push(make(loss, dvector![0.8, -0.35]));
    }
    list
}

fn softmax_instance() -> Instance {
    instances().swap_remove(0)
}

/// What f64 makes of an instance at its start.
struct Parts {
    x: DVector<f64>,
    a: DMatrix<f64>,
    z: DVector<f64>,
    w2: DVector<f64>,
    loss: f64,
    gradient: DVector<f64>,
    hessian: DMatrix<f64>,
}

impl Parts {
    fn of(instance: &Instance) -> Self {
        let problem = Problem::from_instance(instance).unwrap();
        let x = instance.start();
        let a = instance.matrix().to_dense();
        Self {
            z: &a * &x,
            w2: instance.weights().map(|w| w * w),
            loss: problem.value(&x).unwrap(),
            gradient: problem.gradient(&x).unwrap(),
            hessian: problem.hessian(&x).unwrap(),
            a,
            x,
        }
    }

    fn ridge_loss(&self) -> f64 {
        0.5 * self.w2.dot(&self.z.component_mul(&self.z))
    }

    fn ridge_gradient(&self) -> DVector<f64> {
        self.a.tr_mul(&self.w2.component_mul(&self.z))
    }

    fn ridge_hessian(&self) -> DMatrix<f64> {
        self.a.tr_mul(&(DMatrix::from_diagonal(&self.w2) * &self.a))
    }
}

fn high(x: f64) -> High {
    High::lift(x).unwrap()
}

fn loss(value: f64) -> Answer {
    Answer {
        loss: Some(high(value)),
        ..Answer::default()
    }
}

fn gradient(value: &DVector<f64>) -> Answer {
    Answer {
        gradient: Some(lift_vector(value)),
        ..Answer::default()
    }
}

fn hessian(value: &DMatrix<f64>) -> Answer {
    Answer {
        hessian: Some(lift_matrix(value)),
        ..Answer::default()
    }
}

fn minimiser(value: &DVector<f64>) -> Answer {
    Answer {
        minimiser: Some(lift_vector(value)),
        ..Answer::default()
    }
}

fn judged(instance: &Instance, answer: &Answer) -> Judgement {
    judge(instance, answer, Asked::default(), None).unwrap()
}

fn ids(verdict: &Judgement) -> Vec<&'static str> {
    verdict.diagnosis.iter().map(|found| found.id).collect()
}

#[track_caller]
fn assert_named(instance: &Instance, answer: &Answer, expected: &[&str]) {
    let verdict = judged(instance, answer);
    assert!(!verdict.passed, "passed: {verdict:?}");
    assert_eq!(
        ids(&verdict),
        expected,
        "{} {verdict:?}",
        instance.loss().name()
    );
}

fn solved(instance: &Instance) -> DVector<f64> {
    let settings = Settings::default().with_tolerance(1e-15);
    let problem = Problem::from_instance(instance).unwrap();
    solve(&problem, &instance.start(), &settings).unwrap().x
}

fn with_weights(instance: &Instance, factor: f64) -> Instance {
    Instance::new(
        instance.loss().clone(),
        instance.matrix().clone(),
        instance.target().clone(),
        instance.weights() * factor,
    )
    .unwrap()
    .with_points(instance.points().to_vec())
    .unwrap()
}

#[test]
fn a_right_answer_gets_no_diagnosis() {
    for instance in instances() {
        let parts = Parts::of(&instance);
        let answer = Answer {
            x: Some(lift_vector(&parts.x)),
            loss: Some(high(parts.loss)),
            gradient: Some(lift_vector(&parts.gradient)),
            hessian: Some(lift_matrix(&parts.hessian)),
            minimiser: Some(lift_vector(&solved(&instance))),
        };
        let verdict = judged(&instance, &answer);
        assert!(verdict.passed, "{verdict:?}");
        assert_eq!(ids(&verdict), [""; 0], "{verdict:?}");
        assert_eq!(verdict.scores().count(), 4);
    }
}

#[test]
fn a_wrong_answer_without_a_known_reason_gets_no_diagnosis() {
    for instance in instances() {
        let parts = Parts::of(&instance);
        for error in [1e-3, 1e-6, 1e-9] {
            let answer = Answer {
                loss: Some(high(parts.loss * (1.0 + error))),
                gradient: Some(lift_vector(&parts.gradient.map(|g| g + error))),
                hessian: Some(lift_matrix(&(&parts.hessian * (1.0 - error)))),
                minimiser: Some(lift_vector(&solved(&instance).map(|x| x + error))),
                ..Answer::default()
            };
            let verdict = judged(&instance, &answer);
            assert!(verdict.scores().all(|(_, score)| !score.passed));
            assert_eq!(ids(&verdict), [""; 0], "{verdict:?}");
        }
    }
}

#[test]
fn the_printed_gradient_is_named() {
    let instance = softmax_instance();
    let parts = Parts::of(&instance);
    let e = parts.z.map(f64::exp);
    let f = &e / e.sum();
    let c = &f - instance.target();
    let printed = parts.a.tr_mul(&(&f * c.dot(&f) + f.component_mul(&c)));
    assert_named(
        &instance,
        &gradient(&(&printed + parts.ridge_gradient())),
        &["E1"],
    );
    assert_named(&instance, &gradient(&printed), &["E1", "E13"]);
}

#[test]
fn the_printed_hessian_and_its_half_mended_forms_are_named() {
    let instance = softmax_instance();
    let parts = Parts::of(&instance);
    let e = parts.z.map(f64::exp);
    let f = &e / e.sum();
    let b = instance.target();
    let n = f.len();
    // Entry by entry, as the thesis prints it: section 2.2.1.
    let printed = |sign: f64, missing: f64| {
        DMatrix::from_fn(n, n, |i, j| {
            let first = (&f * 3.0 - b * 2.0).dot(&f) * f[i] * f[j];
            let outer = b[i] * f[i] * f[j] + f[i] * b[j] * f[j]
                - missing * (f[i] * f[i] * f[j] + f[i] * f[j] * f[j]);
            let diagonal = if i == j {
                sign * (&f - b).dot(&f) * f[i] + (2.0 * f[i] - b[i]) * f[i]
            } else {
                0.0
            };
            first + outer + diagonal
        })
    };
    let whole = |b: DMatrix<f64>| parts.a.tr_mul(&(b * &parts.a)) + parts.ridge_hessian();
    // The corrected form passes, so the planted ones differ by what is printed and nothing else.
    assert!(judged(&instance, &hessian(&whole(printed(-1.0, 2.0)))).passed);
    for (sign, missing) in [(1.0, 0.0), (-1.0, 0.0), (1.0, 2.0)] {
        assert_named(&instance, &hessian(&whole(printed(sign, missing))), &["E2"]);
    }
}

#[test]
fn a_missing_ridge_is_named_for_every_loss() {
    for instance in instances() {
        let parts = Parts::of(&instance);
        let without = &parts.gradient - parts.ridge_gradient();
        assert_named(&instance, &gradient(&without), &["E13"]);
        assert_named(
            &instance,
            &loss(parts.loss - parts.ridge_loss()),
            &["no-ridge"],
        );
        let without = &parts.hessian - parts.ridge_hessian();
        assert_named(&instance, &hessian(&without), &["no-ridge"]);
    }
}

#[test]
fn a_missing_half_is_named_for_every_loss() {
    for instance in instances() {
        let parts = Parts::of(&instance);
        assert_named(&instance, &loss(2.0 * parts.loss), &["factor-half"]);
        assert_named(
            &instance,
            &loss(2.0 * parts.loss - parts.ridge_loss()),
            &["factor-half"],
        );
        assert_named(
            &instance,
            &gradient(&(&parts.gradient * 2.0)),
            &["factor-half"],
        );
        assert_named(
            &instance,
            &gradient(&(&parts.gradient + parts.ridge_gradient())),
            &["factor-half"],
        );
        assert_named(
            &instance,
            &hessian(&(&parts.hessian * 2.0 - parts.ridge_hessian())),
            &["factor-half"],
        );
        // Everything at once is one mistake with three symptoms.
        let all = Answer {
            loss: Some(high(2.0 * parts.loss)),
            gradient: Some(lift_vector(&(&parts.gradient * 2.0))),
            hessian: Some(lift_matrix(&(&parts.hessian * 2.0))),
            ..Answer::default()
        };
        let verdict = judged(&instance, &all);
        assert_eq!(ids(&verdict), ["factor-half"]);
        assert_eq!(
            verdict.diagnosis[0].quantities,
            ["loss", "gradient", "hessian"]
        );
    }
}

#[test]
fn other_slips_with_the_parts_of_the_loss_are_named() {
    for instance in instances() {
        let parts = Parts::of(&instance);
        assert_named(&instance, &gradient(&-&parts.gradient), &["negated"]);
        let n = instance.target().len() as f64;
        let data = &parts.gradient - parts.ridge_gradient();
        let mean = gradient(&(data / n + parts.ridge_gradient()));
        // A mean over two entries of twice the square is the loss itself; a plain mean is not.
        assert_named(&instance, &mean, &["mean"]);
        let w = instance.weights();
        let unsquared = parts.a.tr_mul(&(DMatrix::from_diagonal(w) * &parts.a));
        assert_named(
            &instance,
            &hessian(&(&parts.hessian - parts.ridge_hessian() + unsquared)),
            &["weights-not-squared"],
        );
    }
}

#[test]
fn a_hessian_in_one_order_or_one_triangle_is_named() {
    let instance = softmax_instance();
    let parts = Parts::of(&instance);
    let e = parts.z.map(f64::exp);
    let p = &e / e.sum();
    // q p' + p q' with q = (2p - b) o p, in B with a minus sign: twice the first, none of the second.
    let q = (&p * 2.0 - instance.target()).component_mul(&p);
    let swapped = &q * p.transpose() - &p * q.transpose();
    let wrong = &parts.hessian - parts.a.tr_mul(&(swapped * &parts.a));
    assert_named(&instance, &hessian(&wrong), &["hessian-order"]);
    assert_named(&instance, &hessian(&wrong.transpose()), &["hessian-order"]);
    for instance in instances() {
        let h = Parts::of(&instance).hessian;
        assert_named(&instance, &hessian(&h.lower_triangle()), &["triangle"]);
        assert_named(&instance, &hessian(&h.upper_triangle()), &["triangle"]);
    }
}

#[test]
fn a_matrix_read_in_the_other_order_is_named_for_every_loss() {
    for instance in instances() {
        let a = instance.matrix().to_dense();
        let rows: Vec<f64> = a.transpose().iter().copied().collect();
        let wrong = Instance::new(
            instance.loss().clone(),
            DesignMatrix::dense(DMatrix::from_column_slice(a.nrows(), a.ncols(), &rows)).unwrap(),
            instance.target().clone(),
            instance.weights().clone(),
        )
        .unwrap();
        let problem = Problem::from_instance(&wrong).unwrap();
        let x = instance.start();
        for answer in [
            loss(problem.value(&x).unwrap()),
            gradient(&problem.gradient(&x).unwrap()),
            hessian(&problem.hessian(&x).unwrap()),
        ] {
            assert_named(&instance, &answer, &["matrix-order"]);
        }
    }
}

#[test]
fn the_plus_sign_in_the_update_is_named_for_every_loss() {
    for instance in instances() {
        let problem = Problem::from_instance(&instance).unwrap();
        let mut x = instance.start();
        for step in 1..=3 {
            let newton = problem
                .hessian(&x)
                .unwrap()
                .lu()
                .solve(&problem.gradient(&x).unwrap())
                .unwrap();
            x += newton;
            if step != 2 {
                assert_named(&instance, &minimiser(&x), &["E12"]);
            }
        }
    }
}

#[test]
fn the_minimiser_of_another_weighting_is_named_for_every_loss() {
    for instance in instances() {
        // data + 2 ridge, and 2 data + ridge up to a factor.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for factor in [std::f64::consts::SQRT_2, half] {
            let wrong = solved(&with_weights(&instance, factor));
            // The even loss has its minimum at the origin whatever the weights.
            if wrong.amax() < 1e-8 {
                assert!(matches!(instance.loss(), LossKind::Cosh));
                continue;
            }
            assert_named(&instance, &minimiser(&wrong), &["factor-half"]);
        }
    }
}

#[test]
fn the_minimiser_without_the_ridge_is_named() {
    // Targets that the model reaches, so that there is such a minimiser: at this point.
    let reached = dvector![0.4, 0.25];
    for instance in instances() {
        let z = instance.matrix().to_dense() * &reached;
        let target = match instance.loss() {
            LossKind::Softmax => {
                let e = z.map(f64::exp);
                &e / e.sum()
            }
            LossKind::Exp => z.map(f64::exp),
            LossKind::Sinh => z.map(f64::sinh),
            LossKind::ResidualSoftmax => {
                let u = z.map(|z| z.exp() + z);
                &u / u.sum()
            }
            _ => continue,
        };
        let instance = Instance::new(
            instance.loss().clone(),
            instance.matrix().clone(),
            target,
            instance.weights().clone(),
        )
        .unwrap();
        assert_named(&instance, &minimiser(&reached), &["unregularised"]);
    }
}

#[test]
fn the_root_of_the_printed_gradient_is_named() {
    let instance = softmax_instance();
    let (a, b, w) = (
        instance.matrix().to_dense(),
        instance.target(),
        instance.weights(),
    );
    let printed = |x: &DVector<f64>| {
        let z = &a * x;
        let e = z.map(f64::exp);
        let f = &e / e.sum();
        let c = &f - b;
        a.tr_mul(&(&f * c.dot(&f) + f.component_mul(&c) + w.component_mul(w).component_mul(&z)))
    };
    // Newton's method with the right Hessian and the wrong gradient ends at the wrong point.
    let problem = Problem::from_instance(&instance).unwrap();
    let mut x = instance.start();
    for _ in 0..200 {
        x -= problem
            .hessian(&x)
            .unwrap()
            .lu()
            .solve(&printed(&x))
            .unwrap();
    }
    assert!(printed(&x).norm() < 1e-14);
    assert_named(&instance, &minimiser(&x), &["E1"]);
}

#[test]
fn exponentials_that_overflowed_are_named() {
    let wide = |logit: f64| {
        softmax_instance()
            .with_points(vec![dvector![logit, 20.0]])
            .unwrap()
    };
    let instance = wide(1000.0);
    let parts = Parts::of(&instance);
    let b = instance.target();
    // inf / inf set to zero: a softmax of zeros.
    let of_zeros = loss(0.5 * b.norm_squared() + parts.ridge_loss());
    // The ridge of these logits hides the data term from the digits that f64 has.
    let light = with_weights(&instance, 1e-4);
    let parts_of_light = Parts::of(&light);
    let of_zeros_light = loss(0.5 * b.norm_squared() + parts_of_light.ridge_loss());
    assert_named(&light, &of_zeros_light, &["overflow"]);
    // Logits cut off at 700: two of them are equal now.
    let z = parts_of_light.z.map(|z| z.min(700.0));
    assert_eq!(z.iter().filter(|z| **z == 700.0).count(), 2);
    let p = z.map(|z| if z == 700.0 { 0.5 } else { 0.0 });
    let clipped = loss(0.5 * (p - b).norm_squared() + parts_of_light.ridge_loss());
    assert_named(&light, &clipped, &["overflow"]);
    // Of two layers with the identity behind them nothing is left but the target.
    let deep = with_weights(&instances().swap_remove(8), 1e-4)
        .with_points(instance.points().to_vec())
        .unwrap();
    let nothing = loss(0.5 * deep.target().norm_squared() + Parts::of(&deep).ridge_loss());
    assert_named(&deep, &nothing, &["overflow"]);
    // Where nothing overflows the same mistake is none.
    assert!(ids(&judged(&wide(1.0), &of_zeros)).is_empty());
}

#[test]
fn float32_arithmetic_is_named() {
    let instance = softmax_instance();
    let single = |x: f64| x as f32;
    let (a, b, w, x) = (
        instance.matrix().to_dense().map(single),
        instance.target().map(single),
        instance.weights().map(single),
        instance.start().map(single),
    );
    let z = &a * &x;
    let e = z.map(f32::exp);
    let p = &e / e.sum();
    let c = &p - &b;
    let wz = w.component_mul(&z);
    let value = 0.5 * c.dot(&c) + 0.5 * wz.dot(&wz);
    let slope = a.tr_mul(&(p.component_mul(&c) - &p * c.dot(&p) + w.component_mul(&wz)));
    assert_named(&instance, &loss(f64::from(value)), &["float32"]);
    assert_named(&instance, &gradient(&slope.map(f64::from)), &["float32"]);
    // Printed with the shortest decimals, as most programs do.
    let printed = slope.map(|g| g.to_string().parse::<f64>().unwrap());
    assert_named(&instance, &gradient(&printed), &["float32"]);
    let x = solved(&instance).map(|x| f64::from(x as f32));
    assert_named(&instance, &minimiser(&x), &["float32"]);
}

#[test]
fn data_rounded_to_float32_are_named_for_every_loss() {
    let round = |x: f64| f64::from(x as f32);
    for instance in instances() {
        let loss_kind = match instance.loss() {
            LossKind::TwoLayer {
                second_layer,
                activation,
            } => LossKind::TwoLayer {
                second_layer: second_layer.map(round),
                activation: *activation,
            },
            other => other.clone(),
        };
        let rounded = Instance::new(
            loss_kind,
            DesignMatrix::dense(instance.matrix().to_dense().map(round)).unwrap(),
            instance.target().map(round),
            instance.weights().map(round),
        )
        .unwrap();
        let problem = Problem::from_instance(&rounded).unwrap();
        let x = instance.start().map(round);
        assert_named(
            &instance,
            &gradient(&problem.gradient(&x).unwrap()),
            &["float32"],
        );
        assert_named(
            &instance,
            &hessian(&problem.hessian(&x).unwrap()),
            &["float32"],
        );
    }
}

/// `0.5 (cosh x - 3)^2` has the minimisers `+- acosh 3` and nothing else but a maximum between them.
#[test]
fn the_minimiser_of_another_local_minimum_is_recognised() {
    let text = r#"{"loss": "cosh", "matrix": [[1]], "target": [3], "weights": 0, "start": [1]}"#;
    let instance = parse_instance(text, Path::new("pair.json")).unwrap();
    let found = 3f64.acosh();
    let same = judged(&instance, &minimiser(&dvector![found]));
    assert!(same.passed && same.diagnosis.is_empty(), "{same:?}");
    let other = judged(&instance, &minimiser(&dvector![-found]));
    assert!(other.passed, "{other:?}");
    assert_eq!(ids(&other), ["another-minimum"]);
    // Nine digits of the other one: recognised all the same, and not enough.
    let rough = judged(&instance, &minimiser(&dvector![-found * (1.0 + 1e-9)]));
    assert!(!rough.passed, "{rough:?}");
    assert_eq!(ids(&rough), ["another-minimum"]);
    // The maximum between them is stationary too.
    assert_named(&instance, &minimiser(&dvector![0.0]), &["saddle"]);
}

/// Two minima with different losses, near 0.11 and -2.83 by a scan of the line in another language.
#[test]
fn the_loss_of_another_minimum_is_told() {
    let text = r#"{"loss": "softmax", "matrix": [[0], [1.5], [-0.5]], "target": [0, 0.75, 1], "weights": 0.0625, "start": [0]}"#;
    let instance = parse_instance(text, Path::new("two.json")).unwrap();
    let right = solved(&instance);
    let left = solved(&instance.clone().with_points(vec![dvector![-3.0]]).unwrap());
    assert!((right[0] - 0.114).abs() < 0.01, "{right}");
    assert!((left[0] + 2.826).abs() < 0.01, "{left}");
    assert!(judged(&instance, &minimiser(&right)).diagnosis.is_empty());
    let other = judged(&instance, &minimiser(&left));
    assert!(other.passed);
    assert_eq!(ids(&other), ["another-minimum"]);
    let problem = Problem::from_instance(&instance).unwrap();
    let losses = [&left, &right].map(|x| problem.value(x).unwrap());
    assert!(losses[0] < losses[1] - 5e-3, "{losses:?}");
    let told = high(losses[0]).scientific(10);
    assert!(other.diagnosis[0].text.contains(&told), "{other:?}");
}

/// `b = softmax(A x)` rounded: the loss is a square of roundings, about 1e-33, and no program has a digit of it.
#[test]
fn a_perfect_fit_is_not_asked_for_digits_that_rounding_leaves_none_of() {
    let base = with_weights(&softmax_instance(), 0.0);
    let parts = Parts::of(&base);
    let e = parts.z.map(f64::exp);
    let target = &e / e.sum();
    let instance = Instance::new(
        LossKind::Softmax,
        base.matrix().clone(),
        target,
        base.weights().clone(),
    )
    .unwrap()
    .with_points(base.points().to_vec())
    .unwrap();
    for right in [0.0, 1e-33, Parts::of(&instance).loss] {
        let verdict = judged(&instance, &loss(right));
        assert!(verdict.passed, "{right:e} {verdict:?}");
    }
    assert!(!judged(&instance, &loss(1e-20)).passed);
}

/// `exp(600)^2 / 2` is no f64; as decimals it can be given and is held to the same digits.
#[test]
fn a_loss_beyond_f64_is_judged_too() {
    let text = r#"{"loss": "exp", "matrix": [[1]], "target": [0], "weights": 0, "start": [600]}"#;
    let instance = parse_instance(text, Path::new("far.json")).unwrap();
    let judged = |text: &str| {
        let answer = Answer {
            loss: Some(text.parse().unwrap()),
            ..Answer::default()
        };
        judge(&instance, &answer, Asked::default(), None).unwrap()
    };
    // By mpmath: exp(1200) / 2.
    assert!(judged("7.117841095614726831904408979639038946908e520").passed);
    assert!(!judged("1e300").passed);
}

/// The points and answers were made in NumPy from the closed forms, and are those of `softmax_in_numpy`.
fn softmax_in_numpy() -> Instance {
    let text = r#"{"loss": "softmax", "matrix": [[1.5, -0.25], [0.5, 2.0], [-1.0, 0.75], [0.0, -1.0]],
 "target": [0.4, 0.3, 0.2, 0.1], "weights": 0.5, "start": [0.7, -0.3]}"#;
    parse_instance(text, Path::new("numpy.json")).unwrap()
}

#[test]
fn answers_of_other_methods_made_in_numpy_are_named() {
    let instance = softmax_in_numpy();
    for (slopes, expected) in [
        (
            [0.6734848900791235, -0.5458164031857393],
            "finite-differences",
        ),
        ([0.3367424424486209, -0.2729082062273749], "halved"),
        ([0.8948649343946519, -1.0410102344088321], "cross-entropy"),
    ] {
        assert_named(
            &instance,
            &gradient(&DVector::from_row_slice(&slopes)),
            &[expected],
        );
    }
    let matrix =
        dmatrix![1.0713233642042406, -0.047262913089109; -0.04726291308910893, 1.5553884610108855];
    assert_named(&instance, &hessian(&matrix), &["gauss-newton"]);
}

#[test]
fn half_of_everything_is_named_for_every_loss() {
    for instance in instances() {
        let parts = Parts::of(&instance);
        // Of two entries the mean, with the ridge, is half the sum.
        let expected = if instance.target().len() == 2 {
            "mean"
        } else {
            "halved"
        };
        assert_named(&instance, &gradient(&(&parts.gradient / 2.0)), &[expected]);
        assert_named(&instance, &hessian(&(&parts.hessian / 2.0)), &[expected]);
    }
}

#[test]
fn differences_of_the_loss_are_named_whatever_the_step() {
    let mut named = 0;
    for instance in instances() {
        let problem = Problem::from_instance(&instance).unwrap();
        let x = instance.start();
        let value = |j: usize, h: f64| {
            let mut moved = x.clone();
            moved[j] += h;
            problem.value(&moved).unwrap()
        };
        for step in [1e-3, 1e-5, 1e-6, 1e-8, 1.490_116_119_384_765_6e-8, 1e-10] {
            let of = |forth: f64, back: f64| {
                DVector::from_fn(x.len(), |j, _| {
                    (value(j, forth) - value(j, back)) / (forth - back)
                })
            };
            for (scheme, found) in [
                ("forward", of(step, 0.0)),
                ("backward", of(0.0, -step)),
                ("central", of(step, -step)),
            ] {
                let verdict = judged(&instance, &gradient(&found));
                assert!(!verdict.passed, "{scheme} {step:e}");
                assert_eq!(
                    ids(&verdict),
                    ["finite-differences"],
                    "{scheme} {step:e} {verdict:?}"
                );
                let text = &verdict.diagnosis[0].text;
                if let Some(rest) = text.strip_prefix("differences of the loss with a step near ") {
                    let near: f64 = rest.split(',').next().unwrap().parse().unwrap();
                    assert!(
                        near <= 20.0 * step && step <= 20.0 * near,
                        "{step:e}: {text}"
                    );
                    // With the step 1e-3 truncation is far above the rounding of these losses.
                    assert!(step < 1e-4, "{scheme} {step:e}: {text}");
                } else {
                    let exact =
                        format!("{scheme} differences of the loss with the step {step:e}: ");
                    assert!(text.starts_with(&exact), "{exact}{text}");
                    named += 1;
                }
            }
        }
    }
    // With their scheme and step, where these can be told.
    assert!(named >= 40, "{named}");
}

/// Noise of every size, from a fixed sequence, is not explained by any step.
#[test]
fn noise_is_no_difference() {
    let mut state = 2304_u64;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    for instance in instances() {
        let slope = Parts::of(&instance).gradient;
        for decade in 1..=12 {
            let wrong = slope.map(|g| g + noise() * 10f64.powi(-decade));
            let verdict = judged(&instance, &gradient(&wrong));
            assert_eq!(ids(&verdict), [""; 0], "{decade} {verdict:?}");
        }
    }
}

/// `--digits 8` and a symmetric error: nothing stands in one order only.
#[test]
fn a_symmetric_error_of_a_hessian_is_no_wrong_order() {
    let instance = softmax_instance();
    let matrix = Parts::of(&instance).hessian * (1.0 + 3e-8);
    let eight = Asked {
        digits: Some(8.0),
        ..Asked::default()
    };
    let verdict = judge(&instance, &hessian(&matrix), eight, None).unwrap();
    assert!(!verdict.passed);
    assert_eq!(ids(&verdict), [""; 0], "{verdict:?}");
}
