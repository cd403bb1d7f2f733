//! Numbers in the kit's manifest as answers have them: a list, or an object with an array for each unknown.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::system::{Layout, as_json};

/// One number for each entry of the unknowns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Listed<T> {
    /// Of a loss of logits: `x[0], x[1], ..`.
    Plain(Vec<T>),
    /// Of another system: `{"X": [[..], ..], "Y": ..}`.
    Named(Value),
}

impl<T: Clone + Into<Value>> Listed<T> {
    /// The entries under the names that the layout gives them; a list where there is none.
    pub(super) fn new(entries: &[T], layout: Option<&Layout>) -> Self {
        match layout {
            Some(layout) => Self::Named(as_json(layout, entries)),
            None => Self::Plain(entries.to_vec()),
        }
    }
}

impl<T> Listed<T> {
    /// The entries of a list; `None` for an object.
    pub fn plain(&self) -> Option<&[T]> {
        match self {
            Self::Plain(entries) => Some(entries),
            Self::Named(_) => None,
        }
    }
}
