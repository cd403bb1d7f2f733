//! Explicit constants for the two-layer loss: how far below zero its Hessian in the logits can reach, and how fast that
//! Hessian can change.
//!
//! Let `R = ||A2||`, `H >= ||phi(y)||_2`, `B = ||b||_2`, `|phi'| <= L1`, `|phi''| <= L2`, `|phi'''| <= L3`. Since `||p||_2 <= 1`,
//! `||y|| <= R`.
//!
//! *Definiteness.* `u'Bu = sum_k (phi'^2 + phi'' (phi - b))_k (A2 P u)_k^2 + E_p[(v - <p,v>)(u - E_p u)^2]`. The first sum is at
//! least `-L2 (H + B) ||A2 P u||^2 >= -L2 (H + B) R^2 / 4`, as `||P|| <= 1/2`. The second is minus what a target -v
//! adds to the softmax loss: at most `(sqrt 3 / 9)(max v - min v) <= (sqrt 6 / 9) ||v|| <= (sqrt 6 / 9) R L1 (H + B)` in size
//! (docs/sharp-constants.md, "Any b"; two entries of v differ by at most `sqrt 2 ||v||`). With `L1 = 1`:
//! `B >= -R (H + B)(sqrt 6 / 9 + L2 R / 4) I`.
//!
//! *Lipschitz.* Along a unit vector u of logits, with `c = u - E_p u`, `V = E_p c^2 <= 1/2`, `|c_i| <= sqrt 2`: `||p'|| <= 1/2`,
//! `p'' = p o (c^2 - V)` has `||p''||_1 <= 2V <= 1`, and `p''' = p o (c^3 - 3 V c - E_p c^3)` has `||p'''||_1 <= 2 sqrt 2 V + 3
//! V^1.5 <= 5/2`. So `||y'|| <= R/2`, `||y''|| <= R`, `||y'''|| <= 5R/2`, and for `h = phi(y)`:
//!
//! ```text
//! ||h'||   <= F1 = L1 R/2
//! ||h''||  <= F2 = L2 R^2/4 + L1 R
//! ||h'''|| <= F3 = L3 R^3/8 + 3 L2 R^2/2 + 5 L1 R/2
//! ```
//!
//! `|D^3 l[u,u,u]| = |3 <h', h''> + <h - b, h'''>| <= 3 F1 F2 + (H + B) F3`, which bounds the symmetric trilinear form in all
//! its arguments (Banach), everywhere.

use nalgebra::RealField;

use crate::instance::Activation;

/// `R`, `B` and `m` of an instance, and its `phi`.
#[derive(Clone, Copy, Debug)]
pub struct Layer<T> {
    /// `||A2||`.
    pub norm: T,
    /// `||b||_2`.
    pub target: T,
    /// `m`.
    pub outputs: usize,
    /// `phi`.
    pub activation: Activation,
}

fn number<T: RealField>(value: f64) -> T {
    nalgebra::convert(value)
}

impl<T: RealField + Copy> Layer<T> {
    /// `H + B >= || phi(y) - b ||_2`: `|tanh y| <= |y|`, `softplus(y) <= ln 2 + |y|`.
    fn residual(&self) -> T {
        let at_zero = match self.activation {
            Activation::Softplus => number::<T>(2.0).ln() * number::<T>(self.outputs as f64).sqrt(),
            Activation::Tanh | Activation::Identity | Activation::Relu => T::zero(),
        };
        self.norm + at_zero + self.target
    }

    /// `L2`: `4 / (3 sqrt 3)` for tanh, `1/4` for softplus, 0 for the linear pieces of relu.
    fn bend(&self) -> T {
        match self.activation {
            Activation::Tanh => number::<T>(4.0) / (number::<T>(3.0) * number::<T>(3.0).sqrt()),
            Activation::Softplus => number(0.25),
            Activation::Identity | Activation::Relu => T::zero(),
        }
    }

    /// `L3`: 2 for tanh, `1 / (6 sqrt 3)` for softplus.
    fn twist(&self) -> T {
        match self.activation {
            Activation::Tanh => number(2.0),
            Activation::Softplus => T::one() / (number::<T>(6.0) * number::<T>(3.0).sqrt()),
            Activation::Identity | Activation::Relu => T::zero(),
        }
    }

    /// `R (H + B)(sqrt 6 / 9 + L2 R / 4)`: the Hessian in the logits is at least minus this.
    pub fn threshold(&self) -> T {
        let factor = number::<T>(6.0).sqrt() / number(9.0) + self.bend() * self.norm * number(0.25);
        self.norm * self.residual() * factor
    }

    /// `R (H + B) / 2`: the diagonal part `P v` of the Hessian in the logits is at least minus this, as `||P|| <= 1/2`.
    pub fn diagonal_threshold(&self) -> T {
        self.norm * self.residual() * number(0.5)
    }

    /// `3 F1 F2 + (H + B) F3`, a Lipschitz constant of the Hessian in the logits (for relu: of each of its pieces).
    pub fn lipschitz(&self) -> T {
        let (r, l2, l3) = (self.norm, self.bend(), self.twist());
        let f1 = r * number(0.5);
        let f2 = l2 * r * r * number(0.25) + r;
        let f3 = l3 * r * r * r * number(0.125) + l2 * r * r * number(1.5) + r * number(2.5);
        number::<T>(3.0) * f1 * f2 + self.residual() * f3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_activations_keep_to_their_constants() {
        // Differences of phi'' and phi''' on a grid: tanh'' = -2 t (1 - t^2), softplus'' = s (1 - s).
        for k in -400..=400 {
            let y = f64::from(k) / 50.0;
            let t = y.tanh();
            let s = 1.0 / (1.0 + (-y).exp());
            let of = |activation| Layer {
                norm: 1.0,
                target: 0.0,
                outputs: 1,
                activation,
            };
            let (tanh, softplus) = (of(Activation::Tanh), of(Activation::Softplus));
            assert!((2.0 * t * (1.0 - t * t)).abs() <= tanh.bend());
            assert!((s * (1.0 - s)) <= softplus.bend());
            let tanh_third: f64 = -2.0 * (1.0 - t * t) * (1.0 - 3.0 * t * t);
            assert!(tanh_third.abs() <= tanh.twist());
            assert!((s * (1.0 - s) * (1.0 - 2.0 * s)).abs() <= softplus.twist());
        }
    }
}
