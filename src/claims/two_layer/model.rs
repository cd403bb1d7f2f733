//! Closed forms of the two-layer loss of the logits, for any real scalar. The oracle, which decides, knows none of them.
//!
//! Letters: `p = softmax(z)`, `P = diag(p) - pp'`, `y = A2 p`, `h = phi(y)`, `r = phi'(y) o (h - b)`, `v = A2' r`.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::CheckError;
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms;
use crate::instance::{Activation, Instance, LossKind};
use crate::scalar::High;

/// `A2` and `phi` of a two-layer instance.
pub fn layer(instance: &Instance) -> Result<(&DMatrix<f64>, Activation), CheckError> {
    let LossKind::TwoLayer {
        second_layer,
        activation,
    } = instance.loss()
    else {
        let name = instance.loss().name();
        let message = format!("a two-layer instance is needed, not {name}");
        return Err(CheckError::Other(message));
    };
    Ok((second_layer, *activation))
}

/// Which form of the Hessian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `P A2' diag(phi'^2 + phi'' o (h - b)) A2 P + S`, `S = diag(p o v) - <p,v> diag(p) - (p o v)p' - p(p o v)' +
    /// 2 <p,v> pp'`.
    Derived,
    /// With `+ <p,v> diag(p)`.
    SignOfMean,
    /// Without `+ 2 <p,v> pp'`.
    WithoutMeanSquare,
    /// With `P A2' diag(..) A2`, the P on the right missing.
    OneSided,
    /// Without `phi'' o (h - b)`.
    WithoutCurvature,
}

/// Everything about the model at some logits.
#[derive(Clone, Debug)]
pub struct Model<T: RealField> {
    /// `A2` (m x n).
    pub layer: DMatrix<T>,
    /// `p` (n).
    pub p: DVector<T>,
    /// `y` (m).
    pub y: DVector<T>,
    /// `h - b` (m).
    pub residual: DVector<T>,
    /// `phi'(y)` (m).
    pub slope: DVector<T>,
    /// `phi''(y)` (m).
    pub bend: DVector<T>,
    /// `v` (n).
    pub v: DVector<T>,
}

/// `phi`, `phi'`, `phi''` at `y`; for relu off its kink.
fn activated<T: RealField + Copy>(activation: Activation, y: T) -> (T, T, T) {
    let (zero, one) = (T::zero(), T::one());
    match activation {
        Activation::Identity => (y, one, zero),
        Activation::Relu if y > zero => (y, one, zero),
        Activation::Relu => (zero, zero, zero),
        Activation::Tanh => {
            let h = y.tanh();
            let slope = one - h * h;
            (h, slope, -(one + one) * h * slope)
        }
        Activation::Softplus => {
            let slope = one / (one + (-y).exp());
            (y.exp().ln_1p(), slope, slope * (one - slope))
        }
    }
}

impl<T: RealField + Copy> Model<T> {
    /// The model at `z` (n).
    pub fn at(layer: DMatrix<T>, activation: Activation, z: &DVector<T>, b: &DVector<T>) -> Self {
        Self::of_probabilities(layer, activation, forms::softmax(z), b)
    }

    /// The model with these probabilities `p` (n), whatever logits they came from.
    pub fn of_probabilities(
        layer: DMatrix<T>,
        activation: Activation,
        p: DVector<T>,
        b: &DVector<T>,
    ) -> Self {
        let y = &layer * &p;
        let values: Vec<(T, T, T)> = y.iter().map(|y| activated(activation, *y)).collect();
        let m = y.len();
        let residual = DVector::from_fn(m, |k, _| values[k].0 - b[k]);
        let slope = DVector::from_fn(m, |k, _| values[k].1);
        Self {
            v: layer.tr_mul(&slope.component_mul(&residual)),
            bend: DVector::from_fn(m, |k, _| values[k].2),
            layer,
            p,
            y,
            residual,
            slope,
        }
    }

    /// `P v`, the gradient of the loss in the logits (n).
    pub fn gradient(&self) -> DVector<T> {
        self.p.component_mul(&self.v) - &self.p * self.p.dot(&self.v)
    }

    /// `diag(p o v) - <p,v> diag(p)`, the diagonal of the Hessian's splitting (n).
    pub fn diagonal(&self) -> DVector<T> {
        self.gradient()
    }

    /// `B`, the Hessian of the loss in the logits (n x n), in the given form.
    pub fn hessian(&self, form: Form) -> DMatrix<T> {
        let p = &self.p;
        let covariance = DMatrix::from_diagonal(p) - p * p.transpose();
        let mut middle = self.slope.component_mul(&self.slope);
        if form != Form::WithoutCurvature {
            middle += self.bend.component_mul(&self.residual);
        }
        let image = if form == Form::OneSided {
            self.layer.clone()
        } else {
            &self.layer * &covariance
        };
        let gauss =
            (&self.layer * &covariance).transpose() * DMatrix::from_diagonal(&middle) * image;
        gauss + second_derivative(p, &self.v, form)
    }
}

/// `S_p(v)`, the Hessian of `z -> <softmax(z), v>`, in the given form.
pub fn second_derivative<T: RealField + Copy>(
    p: &DVector<T>,
    v: &DVector<T>,
    form: Form,
) -> DMatrix<T> {
    let mean = p.dot(v);
    let product = p.component_mul(v);
    let sign = if form == Form::SignOfMean {
        T::one()
    } else {
        -T::one()
    };
    let square = if form == Form::WithoutMeanSquare {
        T::zero()
    } else {
        (T::one() + T::one()) * mean
    };
    DMatrix::from_diagonal(&(&product + p * (sign * mean)))
        - &product * p.transpose()
        - p * product.transpose()
        + p * p.transpose() * square
}

/// Magnitudes of the terms that the closed forms add up. For `|phi(y)| <= ln 2 + |y|`, `phi' <= 1`, `|phi''| <= 1` and an
/// error of y in proportion to `|A2| p`.
pub struct Sizes {
    layer: DMatrix<High>,
    p: DVector<High>,
    middle: DVector<High>,
    v: DVector<High>,
}

impl Sizes {
    /// The sizes at a case's point.
    pub fn of(exact: &Exact, model: &Model<High>) -> Self {
        let layer = model.layer.map(High::abs);
        let reach = &layer * &model.p;
        let one = High::ONE;
        // Sums over the m outputs carry up to m roundings more than `Exact::error` counts.
        let outputs = High::int(layer.nrows() as i64) + one;
        let residual = reach.map(|y| one + y) + exact.b.map(High::abs);
        let slope = reach.map(|y| (one + y) * outputs);
        Self {
            v: layer.tr_mul(&slope.component_mul(&residual)),
            middle: slope.component_mul(&slope.map(|s| s + one)) + slope.component_mul(&residual),
            p: model.p.clone(),
            layer,
        }
    }

    /// Of `P v` (n).
    pub fn gradient(&self) -> DVector<High> {
        self.p.component_mul(&self.v) + &self.p * self.p.dot(&self.v)
    }

    /// Of the entries of `B` (n x n).
    pub fn hessian(&self) -> DMatrix<High> {
        let p = &self.p;
        let covariance = DMatrix::from_diagonal(p) + p * p.transpose();
        let image = &self.layer * &covariance;
        let product = p.component_mul(&self.v);
        let mean = p.dot(&self.v);
        image.transpose() * DMatrix::from_diagonal(&self.middle) * &image
            + DMatrix::from_diagonal(&(&product + p * mean))
            + &product * p.transpose()
            + p * product.transpose()
            + p * p.transpose() * (High::int(2) * mean)
    }
}
