//! Numbers that may be written as decimal strings: the oracle reads those exactly, f64 reads the nearest.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// What a number in JSON or a string that holds one is read as.
pub(crate) trait Written: Sized {
    /// Why a text is refused.
    type Refusal: Display;

    /// A JSON number: the f64 nearest to it.
    fn number(value: f64) -> Result<Self, Self::Refusal>;

    /// A string.
    fn text(text: &str) -> Result<Self, Self::Refusal>;

    /// `null`, where that is no mistake of type.
    fn null() -> Option<Self> {
        None
    }
}

/// Reads a number, or a string that holds one.
pub(crate) fn read<'de, T: Written, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(WrittenVisitor(PhantomData))
}

struct WrittenVisitor<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for WrittenVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a decimal string")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        T::number(value).map_err(E::custom)
    }

    // Integers that no f64 is are refused when the whole text has been parsed.
    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::text(text).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        T::null().ok_or_else(|| E::invalid_type(serde::de::Unexpected::Unit, &self))
    }
}

/// A finite number as the nearest f64.
pub(crate) struct Decimal(f64);

/// The numbers as f64.
pub(super) fn plain(decimals: Vec<Decimal>) -> Vec<f64> {
    decimals.into_iter().map(|decimal| decimal.0).collect()
}

impl Written for Decimal {
    type Refusal = String;

    fn number(value: f64) -> Result<Self, String> {
        Ok(Self(value))
    }

    fn text(text: &str) -> Result<Self, String> {
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self(value)),
            _ => Err(format!("{text:?} is not a finite decimal number")),
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}
