//! The name of a known mistake and what it is.

/// A mistake by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) id: &'static str,
    pub(crate) text: String,
}

impl Mistake {
    pub(super) fn new(id: &'static str, text: &str) -> Self {
        Self {
            id,
            text: text.to_owned(),
        }
    }

    pub(super) fn printed_gradient() -> Self {
        Self::new(
            "E1",
            "the gradient as printed, A'(f <c, f> + diag(f) c); right is A'(diag(f) c - f <c, f>)",
        )
    }

    pub(super) fn no_ridge_gradient() -> Self {
        Self::new(
            "E13",
            "the ridge's gradient A' W^2 A x is missing, as in the printed Algorithm 1",
        )
    }

    pub(super) fn half(what: &str) -> Self {
        Self::new(
            "factor-half",
            &format!("the factor 1/2 is missing: {what} is doubled"),
        )
    }

    pub(super) fn weights() -> Self {
        Self::new(
            "weights-not-squared",
            "the ridge was taken with w instead of w^2",
        )
    }
}
