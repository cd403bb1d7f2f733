//! How a command ends, and its exit status.

/// How a command that was understood ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As expected: status 0.
    Success,
    /// A verdict or an answer differs from what is recorded or required: status 1.
    Differs,
    /// Ctrl-C came first; what was finished came out: status 130, as shells report it.
    Interrupted,
}

impl Exit {
    /// Success if everything passed.
    pub(super) fn of(passed: bool) -> Self {
        if passed { Self::Success } else { Self::Differs }
    }

    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Differs => 1,
            Self::Interrupted => 130,
        }
    }
}
