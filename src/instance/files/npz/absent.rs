//! What stands for archives in a build without the feature `npz`: opening one is refused, so nothing else is ever asked.

use std::convert::Infallible;
use std::io::{Read, Seek};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use crate::instance::InstanceError;

/// An archive that cannot exist.
pub(crate) struct Archive<'a, R> {
    never: Infallible,
    source: PhantomData<(&'a Path, R)>,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    /// Refused, with the feature that is missing.
    pub(crate) fn open(_: R, _: u64, name: &'a Path) -> Result<Self, InstanceError> {
        Err(InstanceError::format(
            name,
            "npz archives are read by builds with the feature `npz`",
        ))
    }

    /// The names of the arrays, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>, InstanceError> {
        match self.never {}
    }

    /// Whether there is an array of this name.
    pub(crate) fn has(&self, _: &str) -> bool {
        match self.never {}
    }

    /// How messages name an array.
    pub(crate) fn place(&self, _: &str) -> PathBuf {
        match self.never {}
    }

    /// Reads one array with a parser of npy bytes.
    pub(crate) fn read<T>(
        &mut self,
        _: &str,
        _: impl FnOnce(&mut dyn Read, u64, &Path) -> Result<T, InstanceError>,
    ) -> Result<T, InstanceError> {
        match self.never {}
    }
}
