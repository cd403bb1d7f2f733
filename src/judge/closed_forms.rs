//! Every loss of the logits with its derivatives in closed form, for any real scalar: what float32 makes of it, and what
//! probabilities that overflowed make of it. The truth never comes from here.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::forms::{self, GradientForm, HessianForm};
use crate::claims::lsz23::forms::Phi;
use crate::claims::residual_softmax::model::Model as Residual;
use crate::claims::two_layer::model::{Form, Model as TwoLayer};
use crate::instance::{Activation, Instance, LossKind};

/// Loss, gradient and Hessian.
#[derive(Clone, Debug)]
pub(super) struct Values<T: RealField> {
    /// The loss.
    pub(super) loss: T,
    /// The gradient.
    pub(super) gradient: DVector<T>,
    /// The Hessian.
    pub(super) hessian: DMatrix<T>,
}

/// `l`, `grad l` and `Hess l` at the logits `z` (n); `lift` takes the instance's numbers to the scalar.
pub(super) fn in_logits<T: RealField + Copy>(
    instance: &Instance,
    z: &DVector<T>,
    lift: impl Fn(f64) -> T + Copy,
) -> Values<T> {
    in_logits_towards(instance, z, &instance.target().map(lift), lift)
}

/// [`in_logits`] with the target `b` in place of the instance's.
fn in_logits_towards<T: RealField + Copy>(
    instance: &Instance,
    z: &DVector<T>,
    b: &DVector<T>,
    lift: impl Fn(f64) -> T + Copy,
) -> Values<T> {
    let entrywise = |phi: Phi| {
        let residual = z.zip_map(b, |z, b| phi.value(z) - b);
        Values {
            loss: half_square(&residual),
            gradient: z.zip_map(&residual, |z, r| phi.slope(z) * r),
            hessian: DMatrix::from_diagonal(&z.zip_map(b, |z, b| phi.curvature(z, b))),
        }
    };
    match instance.loss() {
        LossKind::Exp => entrywise(Phi::Exp),
        LossKind::Cosh => entrywise(Phi::Cosh),
        LossKind::Sinh => entrywise(Phi::Sinh),
        LossKind::ResidualSoftmax => {
            let model = Residual::at(z);
            Values {
                loss: half_square(&(&model.f - b)),
                gradient: model.k.component_mul(&model.residual(b)),
                hessian: model.hessian(b),
            }
        }
        LossKind::Softmax => softmax_towards(&forms::softmax(z), b),
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => two_layer_towards(second_layer.map(lift), *activation, forms::softmax(z), b),
    }
}

/// The same for a loss of probabilities `p` (n), whatever logits they came from; `None` for a loss that is not one.
pub(super) fn of_probabilities<T: RealField + Copy>(
    instance: &Instance,
    p: DVector<T>,
    lift: impl Fn(f64) -> T + Copy,
) -> Option<Values<T>> {
    let b = instance.target().map(lift);
    match instance.loss() {
        LossKind::Softmax => Some(softmax_towards(&p, &b)),
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => Some(two_layer_towards(
            second_layer.map(lift),
            *activation,
            p,
            &b,
        )),
        LossKind::Exp | LossKind::Cosh | LossKind::Sinh | LossKind::ResidualSoftmax => None,
    }
}

/// The Gauss-Newton matrix `J' J` of the residual, in the logits: the Hessian for the target that the model predicts, where
/// the residual and with it everything else in the Hessian vanishes.
pub(super) fn gauss_newton<T: RealField + Copy>(
    instance: &Instance,
    z: &DVector<T>,
    lift: impl Fn(f64) -> T + Copy,
) -> DMatrix<T> {
    let predicted = match instance.loss() {
        LossKind::Exp => z.map(|z| Phi::Exp.value(z)),
        LossKind::Cosh => z.map(|z| Phi::Cosh.value(z)),
        LossKind::Sinh => z.map(|z| Phi::Sinh.value(z)),
        LossKind::ResidualSoftmax => Residual::at(z).f,
        LossKind::Softmax => forms::softmax(z),
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => {
            let nothing = DVector::from_element(instance.target().len(), T::zero());
            let layer = second_layer.map(lift);
            TwoLayer::of_probabilities(layer, *activation, forms::softmax(z), &nothing).residual
        }
    };
    in_logits_towards(instance, z, &predicted, lift).hessian
}

/// The softmax loss of probabilities `p` for the target `b`.
fn softmax_towards<T: RealField + Copy>(p: &DVector<T>, b: &DVector<T>) -> Values<T> {
    Values {
        loss: forms::value(p, b),
        gradient: forms::gradient(GradientForm::Corrected, p, b),
        hessian: forms::hessian(HessianForm::Corrected, p, b),
    }
}

/// The two-layer loss of probabilities `p` for the target `b`.
fn two_layer_towards<T: RealField + Copy>(
    layer: DMatrix<T>,
    activation: Activation,
    p: DVector<T>,
    b: &DVector<T>,
) -> Values<T> {
    let model = TwoLayer::of_probabilities(layer, activation, p, b);
    Values {
        loss: half_square(&model.residual),
        gradient: model.gradient(),
        hessian: model.hessian(Form::Derived),
    }
}

/// `l + 0.5 || diag(w) z ||^2` in the unknowns: `A' (grad l + w^2 o z)`, `A' (Hess l + diag(w^2)) A`.
pub(super) fn in_unknowns<T: RealField + Copy>(
    values: Values<T>,
    a: &DMatrix<T>,
    w: &DVector<T>,
    z: &DVector<T>,
) -> Values<T> {
    let mut middle = values.hessian;
    for (i, w) in w.iter().enumerate() {
        middle[(i, i)] += *w * *w;
    }
    Values {
        loss: values.loss + half_square(&w.component_mul(z)),
        gradient: a.tr_mul(&(values.gradient + w.component_mul(w).component_mul(z))),
        hessian: a.tr_mul(&(middle * a)),
    }
}

fn half_square<T: RealField + Copy>(v: &DVector<T>) -> T {
    v.dot(v) / (T::one() + T::one())
}
