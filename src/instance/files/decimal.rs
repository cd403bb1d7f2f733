//! Numbers of points, which may be written as decimal strings: the oracle reads those exactly, f64 reads the nearest.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A finite number: a JSON number, or a string that holds one.
pub(crate) struct Decimal(f64);

/// The numbers as f64.
pub(super) fn plain(decimals: Vec<Decimal>) -> Vec<f64> {
    decimals.into_iter().map(|decimal| decimal.0).collect()
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a decimal string")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Decimal, E> {
        Ok(Decimal(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Decimal, E> {
        Ok(Decimal(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Decimal, E> {
        Ok(Decimal(value as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Decimal(value)),
            _ => Err(E::custom(format_args!(
                "{text:?} is not a finite decimal number"
            ))),
        }
    }
}
