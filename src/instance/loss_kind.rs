//! Which loss of the logits, with the data that belongs to the loss itself.

use nalgebra::DMatrix;

use crate::instance::InstanceError;

/// A loss of the n logits `z`. The target `b` belongs to the [`Instance`](crate::instance::Instance).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LossKind {
    /// `l(z) = 0.5 || softmax(z) - b ||^2` (DLS23).
    Softmax,
    /// `l(z) = 0.5 || exp(z) - b ||^2`, entrywise (LSZ23).
    Exp,
    /// `l(z) = 0.5 || cosh(z) - b ||^2`, entrywise (LSZ23).
    Cosh,
    /// `l(z) = 0.5 || sinh(z) - b ||^2`, entrywise (LSZ23).
    Sinh,
    /// `l(z) = 0.5 || (exp(z) + z) / <exp(z) + z, 1> - b ||^2` (2309.13482). Undefined where the normaliser is zero.
    ResidualSoftmax,
    /// `l(z) = 0.5 || phi(A2 softmax(z)) - b ||^2` (2311.15390).
    TwoLayer {
        /// `A2`, m x n with m >= 1 and finite entries.
        second_layer: DMatrix<f64>,
        /// `phi`, entrywise.
        activation: Activation,
    },
}

/// The function `phi` of the two-layer loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// `max(y, 0)`. Its derivative does not exist at 0.
    Relu,
    /// `ln(1 + exp(y))`.
    Softplus,
    /// `tanh(y)`.
    Tanh,
    /// `y`.
    Identity,
}

impl LossKind {
    /// The names that a manifest may use, in the order of the papers.
    pub const NAMES: [&'static str; 6] = [
        "softmax",
        "exp",
        "cosh",
        "sinh",
        "residual-softmax",
        "two-layer",
    ];

    /// The name in manifests and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Exp => "exp",
            Self::Cosh => "cosh",
            Self::Sinh => "sinh",
            Self::ResidualSoftmax => "residual-softmax",
            Self::TwoLayer { .. } => "two-layer",
        }
    }

    /// The loss of that name, if the name is all that it takes.
    pub fn parse_plain(name: &str) -> Option<Self> {
        [
            Self::Softmax,
            Self::Exp,
            Self::Cosh,
            Self::Sinh,
            Self::ResidualSoftmax,
        ]
        .into_iter()
        .find(|loss| loss.name() == name)
    }

    /// Every loss whose name is all that it takes.
    #[cfg(test)]
    pub(crate) fn plain() -> Vec<Self> {
        Self::NAMES
            .iter()
            .filter_map(|name| Self::parse_plain(name))
            .collect()
    }

    /// How many entries the target must have for a matrix with `rows` rows: the number of outputs of the model.
    pub fn target_length(&self, rows: usize) -> usize {
        match self {
            Self::Softmax | Self::Exp | Self::Cosh | Self::Sinh | Self::ResidualSoftmax => rows,
            Self::TwoLayer { second_layer, .. } => second_layer.nrows(),
        }
    }

    /// Checks that the loss's own data fits `rows` logits and is finite; names array, place and value of what does not.
    pub(super) fn validate(&self, rows: usize) -> Result<(), InstanceError> {
        let Self::TwoLayer { second_layer, .. } = self else {
            return Ok(());
        };
        let part = "second_layer";
        if second_layer.nrows() == 0 || second_layer.ncols() != rows {
            return Err(InstanceError::Shape {
                part,
                found: format!("shape {} x {}", second_layer.nrows(), second_layer.ncols()),
                expected: format!("m x {rows} with m >= 1"),
            });
        }
        for i in 0..second_layer.nrows() {
            for j in 0..second_layer.ncols() {
                let value = second_layer[(i, j)];
                if !value.is_finite() {
                    return Err(InstanceError::NotFinite {
                        part,
                        place: format!("{i}, {j}"),
                        value,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Activation {
    /// All activations.
    pub const ALL: [Self; 4] = [Self::Relu, Self::Softplus, Self::Tanh, Self::Identity];

    /// The name in manifests and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Softplus => "softplus",
            Self::Tanh => "tanh",
            Self::Identity => "identity",
        }
    }

    /// The activation of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|activation| activation.name() == name)
    }
}
