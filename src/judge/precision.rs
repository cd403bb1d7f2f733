//! The precision that an answer was computed in: what it can be asked for, and the data as it sees them.

use nalgebra::DVector;

use crate::instance::{DesignMatrix, Instance, InstanceError, LossKind};
use crate::scalar::High;
use crate::system::{Array, Given, Posed};

/// A binary floating-point format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// binary64: 53 bits.
    #[default]
    Float64,
    /// binary32: 24 bits.
    Float32,
    /// The upper half of binary32: 8 bits, the same exponents.
    Bfloat16,
}

/// What is asked of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Digits, instead of as many as the precision can give.
    pub digits: Option<f64>,
    /// The precision that the answer was computed in.
    pub precision: Precision,
}

impl Asked {
    /// As many digits as this precision can give.
    pub fn of(precision: Precision) -> Self {
        Self {
            digits: None,
            precision,
        }
    }
}

impl Precision {
    /// The names that [`parse`](Self::parse) takes: those of numpy and its extensions.
    pub const NAMES: [&'static str; 3] = ["float64", "float32", "bfloat16"];

    /// The precision of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Float64, Self::Float32, Self::Bfloat16]
            .into_iter()
            .find(|precision| precision.as_str() == name)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float64 => "float64",
            Self::Float32 => "float32",
            Self::Bfloat16 => "bfloat16",
        }
    }

    /// Bits of a significand, the hidden one included.
    fn bits(self) -> u32 {
        match self {
            Self::Float64 => f64::MANTISSA_DIGITS,
            Self::Float32 => f32::MANTISSA_DIGITS,
            Self::Bfloat16 => 8,
        }
    }

    /// Unit roundoff, `2^-bits`.
    pub(super) fn unit(self) -> High {
        High::ratio(1, 1 << self.bits())
    }

    /// The smallest normal number.
    pub(super) fn smallest(self) -> High {
        let smallest = match self {
            Self::Float64 => f64::MIN_POSITIVE,
            Self::Float32 | Self::Bfloat16 => f64::from(f32::MIN_POSITIVE),
        };
        High::lift(smallest).unwrap_or(High::ZERO)
    }

    /// The nearest number of this precision, to even on a tie; infinite beyond its range.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Self::Float64 => value,
            Self::Float32 => f64::from(value as f32),
            Self::Bfloat16 => to_bfloat16(value),
        }
    }

    /// The instance with its numbers rounded, as a program of this precision holds them. An error names the entry that is
    /// beyond its range.
    pub fn round_posed(self, posed: &Posed) -> Result<Posed, InstanceError> {
        if self == Self::Float64 {
            return Ok(posed.clone());
        }
        Ok(match posed {
            Posed::Logit(instance) => Posed::Logit(self.round_instance(instance)?),
            Posed::Other(given) => Posed::Other(self.round_given(given).map_err(|message| {
                InstanceError::format(
                    std::path::Path::new(self.as_str()),
                    format!("rounded to this precision, {message}"),
                )
            })?),
        })
    }

    fn round_instance(self, instance: &Instance) -> Result<Instance, InstanceError> {
        let round = |vector: &DVector<f64>| vector.map(|value| self.round(value));
        let matrix = DesignMatrix::dense(instance.matrix().to_dense().map(|a| self.round(a)))?;
        let loss = match instance.loss() {
            LossKind::TwoLayer {
                second_layer,
                activation,
            } => LossKind::TwoLayer {
                second_layer: second_layer.map(|a| self.round(a)),
                activation: *activation,
            },
            LossKind::Softmax
            | LossKind::Exp
            | LossKind::Cosh
            | LossKind::Sinh
            | LossKind::ResidualSoftmax => instance.loss().clone(),
        };
        let (target, weights) = (round(instance.target()), round(instance.weights()));
        let points = instance.points().iter().map(round).collect();
        Instance::new(loss, matrix, target, weights)?.with_points(points)
    }

    fn round_given(self, given: &Given) -> Result<Given, String> {
        let system = given.system();
        let mut arrays = Vec::with_capacity(system.given.len());
        for slot in system.given {
            let Some(array) = given.array(slot.name) else {
                continue;
            };
            let exact = slot.rule.is_exact();
            let round = |value: &f64| if exact { *value } else { self.round(*value) };
            let values = array.values().iter().map(round).collect();
            if let Some(rounded) = Array::new(array.shape().to_vec(), values) {
                arrays.push((slot.name.to_owned(), rounded));
            }
        }
        let points = given.points().iter();
        let points = points.map(|point| point.iter().map(|x| self.round(*x)).collect());
        Given::new(system, arrays)?.with_points(points.collect())
    }

    /// A point with its entries rounded.
    pub(super) fn round_point(self, point: &DVector<High>) -> DVector<High> {
        if self == Self::Float64 {
            // What came as a decimal string stays one.
            return point.clone();
        }
        point.map(|x| High::lift(self.round(x.to_f64())).unwrap_or(High::POISONED))
    }
}

/// Of binary32 the upper 16 bits, rounded once: through binary32 it would be twice.
fn to_bfloat16(value: f64) -> f64 {
    const DROPPED: u32 = f64::MANTISSA_DIGITS - 8;
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let smallest = f64::from(f32::MIN_POSITIVE);
    if value.abs() < smallest {
        // Subnormal: multiples of 2^-133.
        let step = smallest / 128.0;
        return (value / step).round_ties_even() * step;
    }
    let bits = value.to_bits();
    let half = (1_u64 << (DROPPED - 1)) - 1;
    let even = bits >> DROPPED & 1;
    let rounded = f64::from_bits((bits + half + even) >> DROPPED << DROPPED);
    // The largest is (2 - 2^-7) 2^127.
    if rounded.abs() > f64::from(f32::MAX) {
        f64::INFINITY.copysign(value)
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: bfloat16 has 8 bits, so around 1 it has steps of 2^-7 upwards and 2^-8 downwards.
    #[test]
    fn numbers_are_rounded_to_nearest_even() {
        let step = 1.0 / 128.0;
        for (value, expected) in [
            (1.0, 1.0),
            (1.0 + step * 0.5, 1.0),
            (1.0 + step * 0.5 + 1e-12, 1.0 + step),
            (1.0 + step * 1.5, 1.0 + 2.0 * step),
            (-1.0 - step * 0.49, -1.0),
            (1.0 - step * 0.25, 1.0),
            (1.0 - step * 0.25 - 1e-12, 1.0 - step * 0.5),
            (0.0, 0.0),
            (
                3e38,
                255.0 / 256.0 * 2.0_f64.powi(128) - 2.0_f64.powi(120) * 29.0,
            ),
            (4e38, f64::INFINITY),
            (
                1e-40,
                (1e-40 / 2.0_f64.powi(-133)).round() * 2.0_f64.powi(-133),
            ),
        ] {
            assert_eq!(Precision::Bfloat16.round(value), expected, "{value}");
        }
        assert_eq!(Precision::Float32.round(0.1), f64::from(0.1_f32));
        assert_eq!(Precision::Float32.round(1e39), f64::INFINITY);
        assert_eq!(Precision::Float64.round(0.1), 0.1);
        for name in Precision::NAMES {
            assert_eq!(Precision::parse(name).map(Precision::as_str), Some(name));
        }
        assert_eq!(Precision::Bfloat16.unit().to_f64(), 2.0_f64.powi(-8));
        assert_eq!(
            Precision::Float32.unit().to_f64(),
            f64::from(f32::EPSILON) / 2.0
        );
    }
}
