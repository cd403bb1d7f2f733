//! What nalgebra asks of a real scalar, so that its factorisations run at 40 digits.
//!
//! A function that no factorisation calls and no loss needs answers with the poisoned value, never with an
//! approximation: the trigonometric functions, roundings to integers, and remainders.
//!
//! nalgebra iterates its eigen and singular value decompositions until they converge, without limit unless the caller
//! gives one, and comparisons with poison are false: check a matrix with [`High::checked`] before factorising it.

use approx::{AbsDiffEq, RelativeEq, UlpsEq};
use nalgebra::{ComplexField, Field, RealField, SimdValue};
use num_traits::{FromPrimitive, Num, One, Signed, Zero};
use simba::scalar::SubsetOf;
use std::ops::{Rem, RemAssign};

use super::functions::constant;
use super::{High, ScalarError};

impl Zero for High {
    fn zero() -> High {
        High::ZERO
    }

    fn is_zero(&self) -> bool {
        High::is_zero(*self)
    }
}

impl One for High {
    fn one() -> High {
        High::ONE
    }
}

/// Required by `Num`; always poisoned, no computation here takes remainders.
impl Rem for High {
    type Output = High;

    fn rem(self, _: High) -> High {
        High::POISONED
    }
}

/// Required by `NumAssign`; always poisoned.
impl RemAssign for High {
    fn rem_assign(&mut self, _: High) {
        *self = High::POISONED;
    }
}

impl Num for High {
    type FromStrRadixErr = ScalarError;

    /// [`High::parse`] for radix 10; any other radix is refused as `NotANumber`.
    fn from_str_radix(text: &str, radix: u32) -> Result<High, ScalarError> {
        if radix == 10 {
            High::parse(text)
        } else {
            Err(ScalarError::NotANumber(text.to_owned()))
        }
    }
}

impl Signed for High {
    fn abs(&self) -> High {
        High::abs(*self)
    }

    /// `max(x - y, 0)`.
    fn abs_sub(&self, other: &High) -> High {
        High::max(*self - *other, High::ZERO)
    }

    fn signum(&self) -> High {
        self.sign()
    }

    fn is_positive(&self) -> bool {
        High::is_positive(*self)
    }

    fn is_negative(&self) -> bool {
        High::is_negative(*self)
    }
}

impl FromPrimitive for High {
    fn from_i64(k: i64) -> Option<High> {
        Some(High::int(k))
    }

    fn from_u64(k: u64) -> Option<High> {
        High::parse(&k.to_string()).ok()
    }

    /// [`High::lift`]; `None` for NaN and infinities.
    fn from_f64(x: f64) -> Option<High> {
        High::lift(x).ok()
    }
}

impl SubsetOf<High> for High {
    fn to_superset(&self) -> High {
        *self
    }

    fn from_superset_unchecked(element: &High) -> High {
        *element
    }

    fn is_in_subset(_: &High) -> bool {
        true
    }
}

macro_rules! subset {
    ($float:ty, $narrow:expr) => {
        /// In: the exact binary value, poisoned for NaN and infinities. Out: rounded, with infinities beyond the range.
        impl SubsetOf<High> for $float {
            fn to_superset(&self) -> High {
                High::lift(f64::from(*self)).unwrap_or(High::POISONED)
            }

            fn from_superset_unchecked(element: &High) -> $float {
                $narrow(element.to_f64())
            }

            fn is_in_subset(element: &High) -> bool {
                !element.is_poisoned()
            }
        }
    };
}

subset!(f64, |x: f64| x);
subset!(f32, |x: f64| x as f32);

impl Field for High {}

/// One lane: the value itself.
impl SimdValue for High {
    const LANES: usize = 1;
    type Element = High;
    type SimdBool = bool;

    fn splat(value: High) -> High {
        value
    }

    fn extract(&self, _: usize) -> High {
        *self
    }

    // The trait declares these unsafe; with a single lane nothing unsafe happens.
    #[allow(unsafe_code)]
    unsafe fn extract_unchecked(&self, _: usize) -> High {
        *self
    }

    fn replace(&mut self, _: usize, value: High) {
        *self = value;
    }

    #[allow(unsafe_code)]
    unsafe fn replace_unchecked(&mut self, _: usize, value: High) {
        *self = value;
    }

    fn select(self, condition: bool, other: High) -> High {
        if condition { self } else { other }
    }
}

impl AbsDiffEq for High {
    type Epsilon = High;

    /// [`High::UNIT`]: where nalgebra's iterations stop.
    fn default_epsilon() -> High {
        High::ONE.shifted(-39)
    }

    fn abs_diff_eq(&self, other: &High, epsilon: High) -> bool {
        (*self - *other).abs() <= epsilon
    }
}

impl RelativeEq for High {
    fn default_max_relative() -> High {
        High::default_epsilon()
    }

    fn relative_eq(&self, other: &High, epsilon: High, max_relative: High) -> bool {
        let difference = (*self - *other).abs();
        difference <= epsilon
            || difference <= max_relative * High::max(High::abs(*self), High::abs(*other))
    }
}

impl UlpsEq for High {
    fn default_max_ulps() -> u32 {
        4
    }

    /// Equal within `epsilon`, or within `max_ulps` units of `10^-39` relative to the larger magnitude.
    fn ulps_eq(&self, other: &High, epsilon: High, max_ulps: u32) -> bool {
        let allowed = High::int(i64::from(max_ulps)) * High::default_epsilon();
        self.relative_eq(other, epsilon, allowed)
    }
}

/// Defines trait methods that nothing here calls: poisoned, never an approximation.
macro_rules! unsupported {
    ($($method:ident($($argument:ident: $kind:ty),*);)*) => {
        $(
            /// Not needed by any loss or factorisation: always poisoned.
            fn $method(self $(, $argument: $kind)*) -> High {
                $(let _ = $argument;)*
                High::POISONED
            }
        )*
    };
}

impl ComplexField for High {
    type RealField = High;

    unsupported! {
        floor();
        ceil();
        round();
        trunc();
        fract();
        sin();
        cos();
        tan();
        asin();
        acos();
        atan();
        asinh();
        acosh();
        atanh();
        cbrt();
    }

    /// Not needed by any loss or factorisation: always poisoned.
    fn sin_cos(self) -> (High, High) {
        (High::POISONED, High::POISONED)
    }

    fn from_real(re: High) -> High {
        re
    }

    fn real(self) -> High {
        self
    }

    /// Zero; poisoned for the poisoned value.
    fn imaginary(self) -> High {
        self * High::ZERO
    }

    fn modulus(self) -> High {
        High::abs(self)
    }

    fn modulus_squared(self) -> High {
        self.square()
    }

    /// 0 for `x >= 0`, pi for `x < 0`.
    fn argument(self) -> High {
        if High::is_negative(self) {
            High::pi()
        } else {
            self.imaginary()
        }
    }

    /// `(|x|, sign x)`, where zero has the sign 1.
    fn to_exp(self) -> (High, High) {
        if High::is_negative(self) {
            (-self, -High::ONE)
        } else if self.is_poisoned() {
            (self, self)
        } else {
            (self, High::ONE)
        }
    }

    fn norm1(self) -> High {
        High::abs(self)
    }

    fn scale(self, factor: High) -> High {
        self * factor
    }

    fn unscale(self, factor: High) -> High {
        self / factor
    }

    /// 1 for zero, as for f64: nalgebra's factorisations rely on it. Wilkinson's shift divides by `d + signum(d) ...`,
    /// which is poisoned with a 0 wherever two diagonal entries are equal; and the rows of a Householder product are
    /// multiplied by signs, so a 0 would wipe out an eigenvector.
    fn signum(self) -> High {
        self.to_exp().1
    }

    /// `x a + b`, rounded twice.
    fn mul_add(self, a: High, b: High) -> High {
        self * a + b
    }

    fn abs(self) -> High {
        High::abs(self)
    }

    /// `sqrt(x^2 + y^2)`; the exponent has room for the squares.
    fn hypot(self, other: High) -> High {
        High::sqrt(self.square() + other.square())
    }

    fn recip(self) -> High {
        High::recip(self)
    }

    fn conjugate(self) -> High {
        self
    }

    fn sinh(self) -> High {
        High::sinh(self)
    }

    fn cosh(self) -> High {
        High::cosh(self)
    }

    fn tanh(self) -> High {
        High::tanh(self)
    }

    fn log(self, base: High) -> High {
        High::ln(self) / High::ln(base)
    }

    fn log2(self) -> High {
        High::ln(self) / High::ln_2()
    }

    fn log10(self) -> High {
        High::ln(self) / High::ln_10()
    }

    fn ln(self) -> High {
        High::ln(self)
    }

    fn ln_1p(self) -> High {
        High::ln_1p(self)
    }

    fn sqrt(self) -> High {
        High::sqrt(self)
    }

    fn exp(self) -> High {
        High::exp(self)
    }

    /// `exp(x ln 2)`: `|x|` units of error.
    fn exp2(self) -> High {
        High::exp(self * High::ln_2())
    }

    fn exp_m1(self) -> High {
        High::exp_m1(self)
    }

    fn powi(self, n: i32) -> High {
        High::powi(self, i64::from(n))
    }

    /// `exp(n ln x)`, poisoned unless `x > 0`: `|n ln x|` units of error.
    fn powf(self, n: High) -> High {
        High::exp(n * High::ln(self))
    }

    /// The same as `powf`.
    fn powc(self, n: High) -> High {
        ComplexField::powf(self, n)
    }

    /// Is this a number? Only the poisoned value is not.
    fn is_finite(&self) -> bool {
        !self.is_poisoned()
    }

    /// The square root, `None` for negative numbers and for the poisoned value.
    fn try_sqrt(self) -> Option<High> {
        High::sqrt(self).checked().ok()
    }
}

/// Defines the mathematical constants.
macro_rules! constants {
    ($($name:ident = $text:literal;)*) => {
        $(
            fn $name() -> High {
                constant($text)
            }
        )*
    };
}

impl RealField for High {
    unsupported! {
        atan2(_other: High);
    }

    /// Zero counts as positive; the poisoned value as neither.
    fn is_sign_positive(&self) -> bool {
        High::is_zero(*self) || High::is_positive(*self)
    }

    fn is_sign_negative(&self) -> bool {
        High::is_negative(*self)
    }

    /// `|x|` with the sign of `sign`, where zero has the sign 1.
    fn copysign(self, sign: High) -> High {
        ComplexField::to_exp(sign).1 * High::abs(self)
    }

    fn max(self, other: High) -> High {
        High::max(self, other)
    }

    fn min(self, other: High) -> High {
        High::min(self, other)
    }

    fn clamp(self, low: High, high: High) -> High {
        High::min(High::max(self, low), high)
    }

    /// The bounds are not numbers that anyone should compute with: `None`.
    fn min_value() -> Option<High> {
        None
    }

    /// The bounds are not numbers that anyone should compute with: `None`.
    fn max_value() -> Option<High> {
        None
    }

    constants! {
        pi = "3.141592653589793238462643383279502884197";
        two_pi = "6.283185307179586476925286766559005768394";
        frac_pi_2 = "1.570796326794896619231321691639751442099";
        frac_pi_3 = "1.047197551196597746154214461093167628066";
        frac_pi_4 = "0.7853981633974483096156608458198757210493";
        frac_pi_6 = "0.5235987755982988730771072305465838140329";
        frac_pi_8 = "0.3926990816987241548078304229099378605246";
        frac_1_pi = "0.3183098861837906715377675267450287240689";
        frac_2_pi = "0.6366197723675813430755350534900574481378";
        frac_2_sqrt_pi = "1.128379167095512573896158903121545171688";
        e = "2.718281828459045235360287471352662497757";
        log2_e = "1.442695040888963407359924681001892137427";
        log10_e = "0.4342944819032518276511289189166050822944";
        ln_2 = "0.6931471805599453094172321214581765680755";
        ln_10 = "2.302585092994045684017991454684364207601";
    }
}
