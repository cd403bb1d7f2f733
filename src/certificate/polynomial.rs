//! Sparse polynomials in the variables of the proof, with coefficients in Q(sqrt 33).

use super::surd::Surd;
use std::collections::BTreeMap;
use std::ops::{Add, Mul, Neg, Sub};

/// The variables of the proof; docs/sharp-constants.md introduces each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `t = p_k`, the mass of the target's coordinate.
    T,
    /// `q = p_i / (1 - t)`, the share of another coordinate in the rest.
    Q,
    /// `a(t)`, kept as a symbol because its sign is known exactly.
    A,
    /// The first multiplier.
    Beta1,
    /// The second multiplier.
    Beta2,
    /// `d = u_i - mu`, an entry's distance from the mean of the rest.
    D,
    /// `y = (u_k + mu) / 2`.
    Y,
    /// `delta = u_k - mu`.
    Delta,
    /// `w`, the variance of the rest.
    W,
    /// `K`, the third central moment of the rest.
    K,
    /// `w_S`, the variance within a set of coordinates that takes the place of the target's one.
    Within,
    /// The length of a direction in `(delta, d, sqrt w)`.
    Scale,
}

/// How many variables there are.
const VARIABLES: usize = Variable::Scale as usize + 1;

/// Exponents, one for each variable.
type Monomial = [u8; VARIABLES];

/// A polynomial; no stored coefficient is zero, so equal polynomials have equal terms.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Polynomial {
    terms: BTreeMap<Monomial, Surd>,
}

impl Polynomial {
    /// The constant `value`.
    pub fn constant(value: Surd) -> Self {
        let mut polynomial = Self::default();
        polynomial.add_term([0; VARIABLES], value);
        polynomial
    }

    /// The integer constant `value`.
    pub fn integer(value: i64) -> Self {
        Self::constant(Surd::integer(value))
    }

    /// The rational constant `numerator / denominator`.
    ///
    /// # Panics
    /// If the denominator is zero.
    pub fn fraction(numerator: i64, denominator: i64) -> Self {
        Self::constant(Surd::rational(num_rational::BigRational::new(
            numerator.into(),
            denominator.into(),
        )))
    }

    /// The variable itself.
    pub fn variable(variable: Variable) -> Self {
        let mut monomial = [0; VARIABLES];
        monomial[variable as usize] = 1;
        let mut polynomial = Self::default();
        polynomial.add_term(monomial, Surd::integer(1));
        polynomial
    }

    /// Whether every coefficient is zero.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The highest exponent of `variable`, 0 for the zero polynomial.
    pub fn degree(&self, variable: Variable) -> u8 {
        self.terms
            .keys()
            .map(|monomial| monomial[variable as usize])
            .max()
            .unwrap_or(0)
    }

    /// Whether no variable but those listed occurs.
    pub fn only_in(&self, allowed: &[Variable]) -> bool {
        self.terms.keys().all(|monomial| {
            let mut rest = *monomial;
            for &variable in allowed {
                rest[variable as usize] = 0;
            }
            rest == [0; VARIABLES]
        })
    }

    /// The exponents of the listed variables and the coefficient, for every term. Exponents of other variables are
    /// dropped: see [`Polynomial::only_in`].
    pub fn terms_over<'a, const N: usize>(
        &'a self,
        variables: &'a [Variable; N],
    ) -> impl Iterator<Item = ([u8; N], &'a Surd)> {
        self.terms.iter().map(|(monomial, value)| {
            (
                variables
                    .each_ref()
                    .map(|&variable| monomial[variable as usize]),
                value,
            )
        })
    }

    /// The factor of `variable^exponent`, a polynomial in the other variables.
    pub fn coefficient(&self, variable: Variable, exponent: u8) -> Self {
        let mut part = Self::default();
        for (monomial, value) in &self.terms {
            if monomial[variable as usize] == exponent {
                let mut rest = *monomial;
                rest[variable as usize] = 0;
                part.add_term(rest, value.clone());
            }
        }
        part
    }

    /// `self^exponent`.
    pub fn power(&self, exponent: u8) -> Self {
        (0..exponent).fold(Self::integer(1), |product, _| &product * self)
    }

    /// The polynomial with `value` in the place of `variable`.
    pub fn substitute(&self, variable: Variable, value: &Self) -> Self {
        // Horner's rule over the coefficients of the variable.
        (0..=self.degree(variable))
            .rev()
            .fold(Self::default(), |sum, exponent| {
                &(&sum * value) + &self.coefficient(variable, exponent)
            })
    }

    /// The polynomial with a number in the place of `variable`.
    pub fn evaluate(&self, variable: Variable, value: &Surd) -> Self {
        let powers: Vec<Surd> = (0..=self.degree(variable))
            .map(|exponent| value.power(exponent))
            .collect();
        let mut result = Self::default();
        for (monomial, coefficient) in &self.terms {
            let mut rest = *monomial;
            rest[variable as usize] = 0;
            result.add_term(
                rest,
                coefficient * &powers[usize::from(monomial[variable as usize])],
            );
        }
        result
    }

    /// The constant term: the whole value once every variable has been replaced by a number.
    pub fn constant_term(&self) -> Surd {
        self.terms
            .get(&[0; VARIABLES])
            .cloned()
            .unwrap_or_else(|| Surd::integer(0))
    }

    /// Quotient and remainder of the division by `variable - root`: `self = (variable - root) quotient + remainder`.
    /// The division is exact if and only if the remainder is zero.
    pub fn divide_by_linear(&self, variable: Variable, root: &Surd) -> (Self, Self) {
        let symbol = Self::variable(variable);
        let root = Self::constant(root.clone());
        let mut quotient = Self::default();
        // Synthetic division: each partial sum is a coefficient of the quotient, the last one is the remainder.
        let mut carried = self.coefficient(variable, self.degree(variable));
        for exponent in (0..self.degree(variable)).rev() {
            quotient = &quotient + &(&carried * &symbol.power(exponent));
            carried = &(&carried * &root) + &self.coefficient(variable, exponent);
        }
        (quotient, carried)
    }

    /// Every polynomial that differs from this one in the sign of one coefficient.
    #[cfg(test)]
    pub fn with_one_sign_flipped(&self) -> impl Iterator<Item = Self> + '_ {
        self.terms.keys().map(|monomial| {
            let mut flipped = self.clone();
            if let Some(value) = flipped.terms.get_mut(monomial) {
                *value = -&*value;
            }
            flipped
        })
    }

    fn add_term(&mut self, monomial: Monomial, value: Surd) {
        if value.is_zero() {
            return;
        }
        let sum = match self.terms.remove(&monomial) {
            Some(present) => &present + &value,
            None => value,
        };
        if !sum.is_zero() {
            self.terms.insert(monomial, sum);
        }
    }
}

impl Add for &Polynomial {
    type Output = Polynomial;
    fn add(self, other: &Polynomial) -> Polynomial {
        let mut sum = self.clone();
        for (monomial, value) in &other.terms {
            sum.add_term(*monomial, value.clone());
        }
        sum
    }
}

impl Neg for &Polynomial {
    type Output = Polynomial;
    fn neg(self) -> Polynomial {
        Polynomial {
            terms: self
                .terms
                .iter()
                .map(|(monomial, value)| (*monomial, -value))
                .collect(),
        }
    }
}

impl Sub for &Polynomial {
    type Output = Polynomial;
    fn sub(self, other: &Polynomial) -> Polynomial {
        self + &-other
    }
}

impl Mul for &Polynomial {
    type Output = Polynomial;
    fn mul(self, other: &Polynomial) -> Polynomial {
        let mut product = Polynomial::default();
        for (left, factor) in &self.terms {
            for (right, cofactor) in &other.terms {
                let mut monomial = *left;
                for (exponent, more) in monomial.iter_mut().zip(right) {
                    *exponent += more;
                }
                product.add_term(monomial, factor * cofactor);
            }
        }
        product
    }
}

/// The same operators for owned operands, so that formulas read like formulas.
macro_rules! owned_operands {
    ($($operation:ident $method:ident),*) => {$(
        impl $operation for Polynomial {
            type Output = Polynomial;
            fn $method(self, other: Polynomial) -> Polynomial { (&self).$method(&other) }
        }
        impl $operation<&Polynomial> for Polynomial {
            type Output = Polynomial;
            fn $method(self, other: &Polynomial) -> Polynomial { (&self).$method(other) }
        }
        impl $operation<Polynomial> for &Polynomial {
            type Output = Polynomial;
            fn $method(self, other: Polynomial) -> Polynomial { self.$method(&other) }
        }
    )*};
}
owned_operands!(Add add, Sub sub, Mul mul);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_a_linear_factor_multiplies_back() {
        let (t, q) = (
            Polynomial::variable(Variable::T),
            Polynomial::variable(Variable::Q),
        );
        let dividend = t.power(3) * &q + &t * &q + q.power(2) + Polynomial::integer(5);
        let (quotient, remainder) = dividend.divide_by_linear(Variable::T, &Surd::integer(2));
        assert_eq!(
            (&t - Polynomial::integer(2)) * quotient + remainder,
            dividend
        );
    }

    #[test]
    fn substitution_is_composition() {
        let (t, q) = (
            Polynomial::variable(Variable::T),
            Polynomial::variable(Variable::Q),
        );
        let square = t.power(2);
        let composed = square.substitute(Variable::T, &(&t + &q));
        assert_eq!(
            composed,
            t.power(2) + Polynomial::integer(2) * &t * &q + q.power(2)
        );
        assert_eq!(
            composed
                .evaluate(Variable::Q, &Surd::integer(1))
                .evaluate(Variable::T, &Surd::integer(2))
                .constant_term(),
            Surd::integer(9)
        );
    }
}
