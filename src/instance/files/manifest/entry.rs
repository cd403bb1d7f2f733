//! Values of a manifest that are either inline or the name of a file.
//!
//! Visitors, not `#[serde(untagged)]`: that buffers the value and loses the index of a bad entry.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use nalgebra::DVector;
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::super::npy::Values;

/// An array, inline or in a file.
pub(crate) enum Entry<T> {
    /// Path relative to the manifest.
    File(PathBuf),
    /// The array itself.
    Inline(T),
}

impl<T> Entry<T> {
    /// The file, where there is one, for a manifest in `directory`.
    pub(super) fn file(&self, directory: &Path) -> Option<PathBuf> {
        match self {
            Self::File(file) => Some(directory.join(file)),
            Self::Inline(_) => None,
        }
    }
}

/// Weights: an array, or one number for all rows.
pub(super) enum Weights {
    /// One number for all rows.
    All(f64),
    /// A number for each row.
    Each(Entry<Vec<f64>>),
}

/// One weight a row, where one value may stand for all.
pub(super) fn each_weight(weights: Values, rows: usize) -> DVector<f64> {
    match weights {
        Values::One(value) => DVector::from_element(rows, value),
        Values::Many(weights) => weights,
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WeightsVisitor)
    }
}

struct EntryVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntryVisitor<T> {
    type Value = Entry<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a file name or an array")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Entry::File(PathBuf::from(name)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(sequence)).map(Entry::Inline)
    }
}

struct WeightsVisitor;

impl<'de> Visitor<'de> for WeightsVisitor {
    type Value = Weights;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a file name or an array")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Weights::All(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Weights::All(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Weights::All(value as f64))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        EntryVisitor(PhantomData).visit_str(name).map(Weights::Each)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Self::Value, A::Error> {
        EntryVisitor(PhantomData)
            .visit_seq(sequence)
            .map(Weights::Each)
    }
}
