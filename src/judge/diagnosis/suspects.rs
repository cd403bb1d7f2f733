//! The values that known mistakes would give, at 40 digits.

use nalgebra::{DMatrix, DVector};

use crate::claims::forms::{self, GradientForm, HessianForm};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::judge::answer::{EXP_OVERFLOWS, largest_logit};
use crate::judge::closed_forms::{Values, gauss_newton, in_logits, in_unknowns, of_probabilities};
use crate::judge::diagnosis::float32;
use crate::judge::diagnosis::mistake::Mistake;
use crate::oracle::{Evaluation, Reference, lift_matrix, lift_vector};
use crate::scalar::High;

/// What a mistake makes of each quantity; empty where it does not touch it.
struct Suspect {
    mistakes: Vec<Mistake>,
    loss: Vec<High>,
    gradient: Vec<High>,
    hessian: Vec<High>,
}

/// All that may explain a wrong loss, gradient or Hessian at one point.
pub(crate) struct Suspects {
    list: Vec<Suspect>,
    float32: Option<Values<f32>>,
}

impl Suspects {
    /// The suspects at `x` (d). None where the oracle has no value there.
    pub(crate) fn at(instance: &Instance, reference: &Reference, x: &DVector<High>) -> Self {
        let Ok(truth) = reference.evaluate(x) else {
            return Self {
                list: Vec::new(),
                float32: None,
            };
        };
        let scene = Scene::new(instance, x, truth);
        let mut list = scene.parts();
        list.extend(scene.printed());
        list.extend(scene.approximations());
        list.extend(scene.triangles());
        list.extend(scene.overflowed());
        list.extend(scene.other_data());
        Self {
            list,
            float32: Some(float32::values(instance, x)),
        }
    }

    /// The suspects that touch a quantity, matrices row by row.
    pub(super) fn about(&self, quantity: &str) -> impl Iterator<Item = (&[Mistake], &[High])> {
        self.list.iter().filter_map(move |suspect| {
            let values = match quantity {
                "loss" => &suspect.loss,
                "gradient" => &suspect.gradient,
                _ => &suspect.hessian,
            };
            (!values.is_empty()).then_some((&suspect.mistakes[..], &values[..]))
        })
    }

    /// A quantity as float32 has it, lifted, if it is finite there.
    pub(super) fn in_float32(&self, quantity: &str) -> Option<Vec<High>> {
        let values = self.float32.as_ref()?;
        let found: Vec<f32> = match quantity {
            "loss" => vec![values.loss],
            "gradient" => values.gradient.iter().copied().collect(),
            _ => values.hessian.transpose().iter().copied().collect(),
        };
        found
            .into_iter()
            .map(|value| High::lift(f64::from(value)).ok())
            .collect()
    }
}

/// An instance at a point, with the parts of its loss.
pub(super) struct Scene<'a> {
    instance: &'a Instance,
    x: DVector<High>,
    a: DMatrix<High>,
    z: DVector<High>,
    b: DVector<High>,
    w: DVector<High>,
    truth: Evaluation,
}

impl<'a> Scene<'a> {
    pub(super) fn new(instance: &'a Instance, x: &DVector<High>, truth: Evaluation) -> Self {
        let a = lift_matrix(&instance.matrix().to_dense());
        Self {
            z: &a * x,
            b: lift_vector(instance.target()),
            w: lift_vector(instance.weights()),
            x: x.clone(),
            a,
            instance,
            truth,
        }
    }

    /// `0.5 <s, z o z>` and its derivatives: the ridge for `s = w^2`.
    fn ridge(&self, s: &DVector<High>) -> Evaluation {
        let slope = s.component_mul(&self.z);
        Evaluation {
            loss: slope.dot(&self.z) / High::int(2),
            gradient: self.a.tr_mul(&slope),
            hessian: self.a.tr_mul(&(DMatrix::from_diagonal(s) * &self.a)),
        }
    }

    pub(super) fn squared_weights(&self) -> DVector<High> {
        self.w.map(High::square)
    }

    /// The gradient of `data * l + ridge * r`, of which the true loss has one each.
    pub(super) fn gradient_of_parts(&self, data: High, ridge: High) -> DVector<High> {
        let r = self.ridge(&self.squared_weights()).gradient;
        (&self.truth.gradient - &r) * data + r * ridge
    }

    /// The true gradient with `w` in place of `w^2`.
    pub(super) fn gradient_with_unsquared_weights(&self) -> DVector<High> {
        &self.truth.gradient - self.ridge(&self.squared_weights()).gradient
            + self.ridge(&self.w).gradient
    }

    /// Whether the loss without its ridge has any curvature here. Of a single row softmax makes a constant, which every
    /// point minimises.
    pub(super) fn data_matter(&self) -> bool {
        let ridge = self.ridge(&self.squared_weights()).hessian;
        let data = (&self.truth.hessian - &ridge).norm();
        data > ridge.norm().shifted(CONSTANT_EXPONENT)
    }

    /// The printed gradient of softmax, without the ridge.
    pub(super) fn printed_gradient(&self) -> Option<DVector<High>> {
        (*self.instance.loss() == LossKind::Softmax).then(|| {
            let p = forms::softmax(&self.z);
            self.a
                .tr_mul(&forms::gradient(GradientForm::Printed, &p, &self.b))
        })
    }

    /// The true gradient.
    pub(super) fn gradient(&self) -> &DVector<High> {
        &self.truth.gradient
    }

    /// Parts of the loss left out or counted twice.
    fn parts(&self) -> Vec<Suspect> {
        let ridge = self.ridge(&self.squared_weights());
        let data = Evaluation {
            loss: self.truth.loss - ridge.loss,
            gradient: &self.truth.gradient - &ridge.gradient,
            hessian: &self.truth.hessian - &ridge.hessian,
        };
        let sum = |mistake: Mistake, d: High, r: High, ridge: &Evaluation| Suspect {
            mistakes: vec![mistake],
            loss: vec![data.loss * d + ridge.loss * r],
            gradient: list(&(&data.gradient * d + &ridge.gradient * r)),
            hessian: row_by_row(&(&data.hessian * d + &ridge.hessian * r)),
        };
        let (one, two) = (High::ONE, High::int(2));
        let halved = Suspect {
            loss: Vec::new(),
            ..sum(
                Mistake::new(
                    "halved",
                    "half of it: the factor 1/2 of the loss was kept when the square was differentiated",
                ),
                High::ratio(1, 2),
                High::ratio(1, 2),
                &ridge,
            )
        };
        let mean = High::ratio(1, self.instance.target().len() as i64);
        let half = |what| Mistake::half(what);
        let averaged = |what: &str| {
            Mistake::new(
                "mean",
                &format!("a mean over the target's entries instead of a sum{what}"),
            )
        };
        let without = Suspect {
            gradient: Vec::new(),
            ..sum(
                Mistake::new("no-ridge", "the ridge 0.5 ||diag(w) A x||^2 is missing"),
                one,
                High::ZERO,
                &ridge,
            )
        };
        let without_gradient = Suspect {
            loss: Vec::new(),
            hessian: Vec::new(),
            ..sum(Mistake::no_ridge_gradient(), one, High::ZERO, &ridge)
        };
        let negated = Suspect {
            loss: Vec::new(),
            hessian: Vec::new(),
            ..sum(
                Mistake::new("negated", "the gradient with the opposite sign"),
                -one,
                -one,
                &ridge,
            )
        };
        let mut found = vec![
            without,
            without_gradient,
            negated,
            sum(half("everything"), two, two, &ridge),
            sum(half("the data term"), two, one, &ridge),
            sum(half("the ridge"), one, two, &ridge),
            sum(Mistake::weights(), one, one, &self.ridge(&self.w)),
        ];
        // The mean of one entry is its sum, the doubled mean of two entries too.
        if self.instance.target().len() > 1 {
            found.push(sum(averaged(""), mean, one, &ridge));
            found.push(sum(averaged(", the ridge included"), mean, mean, &ridge));
            let doubled = ", and without the factor 1/2";
            found.push(sum(averaged(doubled), mean * two, one, &ridge));
        }
        found.push(halved);
        found
    }

    /// Formulas as the paper prints them.
    fn printed(&self) -> Vec<Suspect> {
        let Some(printed) = self.printed_gradient() else {
            return Vec::new();
        };
        let ridge = self.ridge(&self.squared_weights());
        let gradient = |mistakes, values: &DVector<High>| Suspect {
            mistakes,
            loss: Vec::new(),
            gradient: list(values),
            hessian: Vec::new(),
        };
        let mut found = vec![
            gradient(
                vec![Mistake::printed_gradient()],
                &(&printed + &ridge.gradient),
            ),
            gradient(
                vec![Mistake::printed_gradient(), Mistake::no_ridge_gradient()],
                &printed,
            ),
        ];
        let p = forms::softmax(&self.z);
        let pulled_back = |form| {
            let b = forms::hessian(form, &p, &self.b);
            self.a.tr_mul(&(b * &self.a))
        };
        let mut hessian = |text: &str, values: &DMatrix<High>| {
            found.push(Suspect {
                mistakes: vec![Mistake::new("E2", text)],
                loss: Vec::new(),
                gradient: Vec::new(),
                hessian: row_by_row(values),
            });
        };
        let whole = pulled_back(HessianForm::Printed);
        hessian(
            "B as printed: <f-b, f> diag(f) has the wrong sign and -2 (f o f) f' - 2 f (f o f)' is missing",
            &(&whole + &ridge.hessian),
        );
        hessian(
            "B as printed except for the sign of <f-b, f> diag(f): -2 (f o f) f' - 2 f (f o f)' is missing",
            &(pulled_back(HessianForm::SignMended) + &ridge.hessian),
        );
        hessian(
            "B as printed with the missing terms added: <f-b, f> diag(f) still has the wrong sign",
            &(pulled_back(HessianForm::TermsAdded) + &ridge.hessian),
        );
        hessian("B as printed, and without the ridge", &whole);
        found
    }

    /// Another method's matrix or another loss's gradient in place of the right one.
    fn approximations(&self) -> Vec<Suspect> {
        let w2 = DMatrix::from_diagonal(&self.squared_weights());
        let in_unknowns = |middle: DMatrix<High>| self.a.tr_mul(&((middle + &w2) * &self.a));
        let mut found = vec![Suspect {
            mistakes: vec![Mistake::new(
                "gauss-newton",
                "the Gauss-Newton matrix J'J + A' W^2 A: the residual's own curvature is missing from the Hessian",
            )],
            loss: Vec::new(),
            gradient: Vec::new(),
            hessian: row_by_row(&in_unknowns(gauss_newton(self.instance, &self.z, lifted))),
        }];
        if *self.instance.loss() == LossKind::Softmax {
            let p = forms::softmax(&self.z);
            let slope = &p - &self.b + &w2 * &self.z;
            let bend = DMatrix::from_diagonal(&p) - &p * p.transpose();
            found.push(Suspect {
                mistakes: vec![Mistake::new(
                    "cross-entropy",
                    "the cross entropy's, A'((p - b) + w^2 o z) and A'(diag(p) - pp' + W^2) A: the Jacobian of the softmax \
                     is missing",
                )],
                loss: Vec::new(),
                gradient: list(&self.a.tr_mul(&slope)),
                hessian: row_by_row(&in_unknowns(bend)),
            });
        }
        found
    }

    /// One triangle of the Hessian only.
    fn triangles(&self) -> Vec<Suspect> {
        let h = &self.truth.hessian;
        [h.lower_triangle(), h.upper_triangle()]
            .iter()
            .map(|half| Suspect {
                mistakes: vec![Mistake::new(
                    "triangle",
                    "one triangle of the Hessian only, the other is zero",
                )],
                loss: Vec::new(),
                gradient: Vec::new(),
                hessian: row_by_row(half),
            })
            .collect()
    }

    /// Finite numbers out of exponentials that overflowed or all vanished.
    fn overflowed(&self) -> Vec<Suspect> {
        let instance = self.instance;
        let limit = High::int(EXP_OVERFLOWS);
        let high = largest_logit(instance, &self.x) > limit;
        let low = self.z.iter().all(|z| *z < High::int(EXP_VANISHES));
        if !(high || low) {
            return Vec::new();
        }
        let suspect = |text: &str, values: Values<High>| {
            let values = in_unknowns(values, &self.a, &self.w, &self.z);
            Suspect {
                mistakes: vec![Mistake::new("overflow", text)],
                loss: vec![values.loss],
                gradient: list(&values.gradient),
                hessian: row_by_row(&values.hessian),
            }
        };
        let mut found = Vec::new();
        let nothing = DVector::from_element(self.z.len(), High::ZERO);
        let of_nothing = of_probabilities(instance, nothing, lifted);
        let normalised = of_nothing.is_some() || *instance.loss() == LossKind::ResidualSoftmax;
        if let Some(values) = of_nothing {
            found.push(suspect(
                "exp overflows (or vanishes) unless the softmax is shifted by the largest logit, and inf/inf was set to \
                 zero: these are the values of a softmax of zeros",
                values,
            ));
        }
        if high && normalised {
            for clip in [EXP_OVERFLOWS, 700] {
                let clipped = self.z.map(|z| z.min(High::int(clip)));
                found.push(suspect(
                    "exp overflows unless the softmax is shifted by the largest logit: these are the values for logits cut \
                     off where exp is still finite",
                    in_logits(instance, &clipped, lifted),
                ));
            }
        }
        found
    }

    /// The right formulas on other data.
    fn other_data(&self) -> Vec<Suspect> {
        let a = self.instance.matrix().to_dense();
        let refilled = DMatrix::from_column_slice(a.nrows(), a.ncols(), a.transpose().as_slice());
        let mut found = Vec::new();
        let mut add = |id, text: &str, instance: Option<Instance>, x: &DVector<High>| {
            let values = instance
                .and_then(|instance| Reference::new(&instance).ok())
                .and_then(|reference| reference.evaluate(x).ok());
            if let Some(values) = values {
                found.push(Suspect {
                    mistakes: vec![Mistake::new(id, text)],
                    loss: vec![values.loss],
                    gradient: list(&values.gradient),
                    hessian: row_by_row(&values.hessian),
                });
            }
        };
        if refilled != a {
            let instance = DesignMatrix::dense(refilled).and_then(|matrix| {
                Instance::new(
                    self.instance.loss().clone(),
                    matrix,
                    self.instance.target().clone(),
                    self.instance.weights().clone(),
                )
            });
            add(
                "matrix-order",
                "the entries of A were taken in the other order, rows for columns",
                instance.ok(),
                &self.x,
            );
        }
        if let Some(instance) = float32::rounded(self.instance) {
            add(
                "float32",
                "the data were rounded to float32 before the computation",
                Some(instance),
                &float32::rounded_point(&self.x),
            );
        }
        found
    }
}

/// Curvature below this share of the ridge's is none.
const CONSTANT_EXPONENT: i64 = -20;
/// Below this every exponential is zero in f64.
const EXP_VANISHES: i64 = -745;

/// The instance's numbers are finite; poison would be refused by whoever compares it.
fn lifted(x: f64) -> High {
    High::lift(x).unwrap_or(High::ZERO)
}

fn list(v: &DVector<High>) -> Vec<High> {
    v.iter().copied().collect()
}

fn row_by_row(m: &DMatrix<High>) -> Vec<High> {
    m.transpose().iter().copied().collect()
}
