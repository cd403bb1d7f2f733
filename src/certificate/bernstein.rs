//! Positivity of a polynomial in (t, q) on boxes, by exact Bernstein coefficients.
//!
//! On a box a polynomial is a convex combination of its Bernstein coefficients, so it is positive where they are, and
//! the coefficients at the corners are its values there. Only signs are needed, so every coefficient is kept as an
//! integer pair `(plain, root)` for `plain + root sqrt(33)`, times a positive number that nobody asks about: no fraction
//! is ever reduced.

use super::polynomial::{Polynomial, Variable};
use super::refusal::Point;
use super::surd;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::cmp::Ordering;

/// The variables of the boxes.
const PLANE: [Variable; 2] = [Variable::T, Variable::Q];

/// A closed interval with rational ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The left end.
    pub from: BigRational,
    /// The right end.
    pub to: BigRational,
}

impl Range {
    /// The interval from 0 to 1.
    pub fn unit() -> Self {
        Self {
            from: BigRational::zero(),
            to: BigRational::one(),
        }
    }

    /// The midpoint.
    pub fn middle(&self) -> BigRational {
        (&self.from + &self.to) / BigRational::from_integer(2.into())
    }

    /// The length.
    pub fn width(&self) -> BigRational {
        &self.to - &self.from
    }

    /// The left and the right half.
    pub fn halves(&self) -> (Self, Self) {
        let middle = self.middle();
        (
            Self {
                from: self.from.clone(),
                to: middle.clone(),
            },
            Self {
                from: middle,
                to: self.to.clone(),
            },
        )
    }
}

/// A box in the plane of t and q.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The range of t.
    pub t: Range,
    /// The range of q.
    pub q: Range,
}

impl Cell {
    /// The two halves, cut across the longer side (across q if they are equal).
    pub fn halves(&self) -> [Self; 2] {
        if self.t.width() > self.q.width() {
            let (left, right) = self.t.halves();
            [left, right].map(|t| Self {
                t,
                q: self.q.clone(),
            })
        } else {
            let (left, right) = self.q.halves();
            [left, right].map(|q| Self {
                t: self.t.clone(),
                q,
            })
        }
    }
}

/// What the Bernstein coefficients say about a polynomial on a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All are positive: so is the polynomial, on the whole box.
    Positive,
    /// None is negative: the polynomial is at least 0.
    NotNegative,
    /// The polynomial is negative at this corner of the box.
    NegativeAt(Box<Point>),
    /// Some coefficient inside is negative: the box is too large to tell.
    Unknown,
}

/// A polynomial in t and q with its denominators cleared.
pub struct Dense {
    /// `plain + root sqrt(33)` for the exponents `(i, j)` of t and q at `i * (degree_q + 1) + j`.
    coefficients: Vec<[BigInt; 2]>,
    degree_t: usize,
    degree_q: usize,
}

impl Dense {
    /// A positive multiple of `polynomial`; `None` if another variable than t and q occurs.
    pub fn new(polynomial: &Polynomial) -> Option<Self> {
        if !polynomial.only_in(&PLANE) {
            return None;
        }
        let degree_t = usize::from(polynomial.degree(Variable::T));
        let degree_q = usize::from(polynomial.degree(Variable::Q));
        let common = polynomial
            .terms_over(&PLANE)
            .fold(BigInt::one(), |common, (_, value)| {
                common.lcm(value.plain().denom()).lcm(value.root().denom())
            });
        let cleared = |part: &BigRational| part.numer() * (&common / part.denom());
        let mut coefficients =
            vec![[BigInt::zero(), BigInt::zero()]; (degree_t + 1) * (degree_q + 1)];
        for ([i, j], value) in polynomial.terms_over(&PLANE) {
            coefficients[usize::from(i) * (degree_q + 1) + usize::from(j)] =
                [cleared(value.plain()), cleared(value.root())];
        }
        Some(Self {
            coefficients,
            degree_t,
            degree_q,
        })
    }

    /// The signs of the Bernstein coefficients over a box, summed up.
    pub fn on(&self, cell: &Cell) -> Finding {
        let along_t = basis_change(self.degree_t, &cell.t);
        let along_q = basis_change(self.degree_q, &cell.q);
        let width = self.degree_q + 1;
        let zero = || [BigInt::zero(), BigInt::zero()];
        // Along t first: half[m][j] = sum_i along_t[m][i] c[i][j]; then along q.
        let mut half = vec![zero(); self.coefficients.len()];
        for (m, row) in along_t.iter().enumerate() {
            for (i, factor) in row
                .iter()
                .enumerate()
                .filter(|(_, factor)| !factor.is_zero())
            {
                for j in 0..width {
                    let [plain, root] = &self.coefficients[i * width + j];
                    let sum = &mut half[m * width + j];
                    sum[0] += factor * plain;
                    sum[1] += factor * root;
                }
            }
        }
        let mut finding = Finding::Positive;
        for m in 0..=self.degree_t {
            for (k, row) in along_q.iter().enumerate() {
                let mut value = zero();
                for (j, factor) in row
                    .iter()
                    .enumerate()
                    .filter(|(_, factor)| !factor.is_zero())
                {
                    let [plain, root] = &half[m * width + j];
                    value[0] += factor * plain;
                    value[1] += factor * root;
                }
                match surd::sign(&value[0], &value[1]) {
                    Ordering::Greater => {}
                    Ordering::Equal => {
                        if finding == Finding::Positive {
                            finding = Finding::NotNegative;
                        }
                    }
                    Ordering::Less => match (
                        end(&cell.t, m, self.degree_t),
                        end(&cell.q, k, self.degree_q),
                    ) {
                        (Some(t), Some(q)) => {
                            return Finding::NegativeAt(Box::new(Point {
                                t: t.clone(),
                                q: q.clone(),
                            }));
                        }
                        _ => finding = Finding::Unknown,
                    },
                }
            }
        }
        finding
    }
}

/// The end of the range that the coefficient `index` belongs to: its first and last coefficients are values there.
fn end(range: &Range, index: usize, degree: usize) -> Option<&BigRational> {
    if index == 0 {
        Some(&range.from)
    } else if index == degree {
        Some(&range.to)
    } else {
        None
    }
}

/// The matrix from power coefficients to positive multiples of Bernstein coefficients of degree n over a range.
///
/// With `x = (start + step s) / denominator`, s in [0, 1], `denominator^n sum_i c_i x^i = sum_k b_k s^k` has the Bernstein
/// coefficients `sum_k b_k C(m,k)/C(n,k) = (1/C(n,m)) sum_k b_k C(n-k, m-k)`; the factor `1/C(n,m) > 0` is left out.
fn basis_change(degree: usize, range: &Range) -> Vec<Vec<BigInt>> {
    let denominator = range.from.denom().lcm(range.to.denom());
    let start = range.from.numer() * (&denominator / range.from.denom());
    let step = range.to.numer() * (&denominator / range.to.denom()) - &start;
    let power = |base: &BigInt, exponent: usize| base.pow(exponent as u32);
    (0..=degree)
        .map(|m| {
            (0..=degree)
                .map(|i| {
                    (0..=m.min(i)).fold(BigInt::zero(), |sum, k| {
                        sum + binomial(degree - k, m - k)
                            * binomial(i, k)
                            * power(&start, i - k)
                            * power(&step, k)
                            * power(&denominator, degree - i)
                    })
                })
                .collect()
        })
        .collect()
}

/// `n` choose `k`.
fn binomial(n: usize, k: usize) -> BigInt {
    num_integer::binomial(BigInt::from(n), BigInt::from(k))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::surd::Surd;

    fn ratio(numerator: i64, denominator: i64) -> BigRational {
        BigRational::new(numerator.into(), denominator.into())
    }

    /// `(t - 1/3)^2 + offset`, times `1 + q`.
    fn bowl(offset: BigRational) -> Dense {
        let t = Polynomial::variable(Variable::T);
        let q = Polynomial::variable(Variable::Q);
        let square = (t - Polynomial::fraction(1, 3)).power(2);
        let polynomial =
            (square + Polynomial::constant(Surd::rational(offset))) * (Polynomial::integer(1) + q);
        Dense::new(&polynomial).unwrap()
    }

    #[test]
    fn positive_means_positive_on_the_box() {
        let unit = Cell {
            t: Range::unit(),
            q: Range::unit(),
        };
        // Coefficients of the square alone over [0, 1]: 1/9, -2/9, 4/9.
        assert_eq!(bowl(ratio(1, 4)).on(&unit), Finding::Positive);
        assert_eq!(bowl(ratio(2, 9)).on(&unit), Finding::NotNegative);
        assert_eq!(bowl(ratio(1, 9)).on(&unit), Finding::Unknown);
    }

    #[test]
    fn negative_corners_are_found_and_named() {
        let corner = Cell {
            t: Range {
                from: ratio(1, 3),
                to: ratio(1, 2),
            },
            q: Range::unit(),
        };
        assert_eq!(
            bowl(ratio(-1, 100)).on(&corner),
            Finding::NegativeAt(Box::new(Point {
                t: ratio(1, 3),
                q: ratio(0, 1)
            }))
        );
    }

    #[test]
    fn other_variables_are_refused() {
        assert!(Dense::new(&Polynomial::variable(Variable::A)).is_none());
    }
}
