//! Closed forms of the softmax loss of the logits, as printed and as corrected, for any real scalar. They live here,
//! with the claims that test them, and nowhere else; what is true is decided by the oracle, which knows none of them.
//!
//! Letters: `p = softmax(z)`, `c = p - b`, `P = diag(p) - p p'`.

use nalgebra::{DMatrix, DVector, RealField};

/// The printed `B` in LaTeX, over two lines of `aligned`, behind `B &=`.
macro_rules! printed_b {
    () => {
        r"\langle 3f-2b, f\rangle f f^\top + \langle f-b, f\rangle \operatorname{diag}(f) \\
            &\quad {} + \operatorname{diag}((2f-b) \circ f) + (b \circ f) f^\top + f (b \circ f)^\top"
    };
}
pub(crate) use printed_b;

/// `p = exp(z) / <exp(z), 1>` (n), shifted by `max z` so that nothing overflows. Empty for empty `z`.
pub fn softmax<T: RealField + Copy>(z: &DVector<T>) -> DVector<T> {
    let Some(top) = z.iter().copied().reduce(|a, b| if b > a { b } else { a }) else {
        return z.clone();
    };
    let exponentials = z.map(|entry| (entry - top).exp());
    let total = exponentials
        .iter()
        .fold(T::zero(), |sum, entry| sum + *entry);
    exponentials / total
}

/// `l(z) = 0.5 || p - b ||^2`.
pub fn value<T: RealField + Copy>(p: &DVector<T>, b: &DVector<T>) -> T {
    let c = p - b;
    c.dot(&c) / two()
}

/// Which form of the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientForm {
    /// `f <c, f> + diag(f) c`: DLS23 Lemma 5.6 part 5 and Algorithm 1 line 7, as printed.
    Printed,
    /// `p o c - <c, p> p`: what differentiating the definition gives.
    Corrected,
}

/// The gradient of `l` in the logits (n), in the given form.
pub fn gradient<T: RealField + Copy>(
    form: GradientForm,
    p: &DVector<T>,
    b: &DVector<T>,
) -> DVector<T> {
    let c = p - b;
    let along = p * c.dot(p);
    let scaled = p.component_mul(&c);
    match form {
        GradientForm::Printed => scaled + along,
        GradientForm::Corrected => scaled - along,
    }
}

/// Which form of `B`, the Hessian of `l` in the logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HessianForm {
    /// The thesis, section 2.2.1: `<3f-2b,f> ff' + <f-b,f> diag(f) + diag((2f-b) o f) + (b o f)f' + f(b o f)'`.
    Printed,
    /// Printed, with the sign of `<f-b,f> diag(f)` mended only.
    SignMended,
    /// Printed, with the missing `-2 (f o f) f' - 2 f (f o f)'` added only.
    TermsAdded,
    /// Both mended.
    Corrected,
}

/// `B` (n x n), in the given form.
pub fn hessian<T: RealField + Copy>(
    form: HessianForm,
    p: &DVector<T>,
    b: &DVector<T>,
) -> DMatrix<T> {
    let scalar = (p * three::<T>() - b * two::<T>()).dot(p);
    let missing = match form {
        HessianForm::Printed | HessianForm::SignMended => T::zero(),
        HessianForm::TermsAdded | HessianForm::Corrected => two(),
    };
    let cross = b.component_mul(p) - p.component_mul(p) * missing;
    let mut matrix = p * p.transpose() * scalar + &cross * p.transpose() + p * cross.transpose();
    let own = diagonal_part(form, p, b);
    for i in 0..p.len() {
        matrix[(i, i)] += own[i];
    }
    matrix
}

/// `B_diag`, the diagonal that Algorithm 1 keeps: `<f-b,f> f + (2f-b) o f` with the printed sign or the corrected one.
pub fn diagonal_part<T: RealField + Copy>(
    form: HessianForm,
    p: &DVector<T>,
    b: &DVector<T>,
) -> DVector<T> {
    let inner = (p - b).dot(p);
    let trace = match form {
        HessianForm::Printed | HessianForm::TermsAdded => inner,
        HessianForm::SignMended | HessianForm::Corrected => -inner,
    };
    p * trace + (p * two::<T>() - b).component_mul(p)
}

fn two<T: RealField>() -> T {
    T::one() + T::one()
}

fn three<T: RealField>() -> T {
    two::<T>() + T::one()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagonal_part_is_the_one_computed_by_hand() {
        // <p - b, p> = 1/4 * 3/4 + 1/2 * 1/4 = 5/16 and (2p - b) o p = (3/4, 3/16).
        let p = DVector::from_vec(vec![0.75, 0.25]);
        let b = DVector::from_vec(vec![0.5, -0.25]);
        for (form, expected) in [
            (HessianForm::Printed, [63.0, 17.0]),
            (HessianForm::TermsAdded, [63.0, 17.0]),
            (HessianForm::SignMended, [33.0, 7.0]),
            (HessianForm::Corrected, [33.0, 7.0]),
        ] {
            let found = diagonal_part(form, &p, &b) * 64.0;
            assert_eq!(found.as_slice(), expected, "{form:?}");
        }
    }

    #[test]
    fn the_value_is_half_the_squared_distance() {
        // 1/2 (1/16 + 1/4).
        let p = DVector::from_vec(vec![0.75, 0.25]);
        let b = DVector::from_vec(vec![0.5, -0.25]);
        assert_eq!(value(&p, &b), 0.15625);
    }
}
