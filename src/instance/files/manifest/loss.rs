//! The loss of a manifest with the fields that belong to it.

use std::path::Path;

use nalgebra::DMatrix;

use super::entry::Entry;
use super::matrix::read_design_matrix;
use crate::instance::kinds::MOST_ENTRIES;
use crate::instance::{Activation, DesignMatrix, InstanceError, LossKind};

/// The loss called `name`; the second layer is read only where it is needed. A field that it needs and that is missing, and one that is there without use, are errors.
pub(super) fn loss_kind(
    name: &str,
    second_layer: Option<impl FnOnce() -> Result<DMatrix<f64>, InstanceError>>,
    activation: Option<String>,
) -> Result<LossKind, InstanceError> {
    if let Some(loss) = LossKind::parse_plain(name) {
        let superfluous = [
            ("second_layer", second_layer.is_some()),
            ("activation", activation.is_some()),
        ];
        return match superfluous.into_iter().find(|(_, present)| *present) {
            Some((field, _)) => Err(InstanceError::SuperfluousField {
                field,
                loss: loss.name(),
            }),
            None => Ok(loss),
        };
    }
    if name != TWO_LAYER {
        return Err(InstanceError::UnknownLoss {
            name: name.to_owned(),
            known: LossKind::NAMES.join(", "),
        });
    }
    let missing = |field| InstanceError::MissingField {
        field,
        loss: TWO_LAYER,
    };
    let second_layer = second_layer.ok_or_else(|| missing("second_layer"))?;
    let activation = activation.ok_or_else(|| missing("activation"))?;
    let Some(activation) = Activation::parse(&activation) else {
        return Err(InstanceError::UnknownActivation {
            name: activation,
            known: Activation::ALL.map(Activation::name).join(", "),
        });
    };
    Ok(LossKind::TwoLayer {
        second_layer: second_layer()?,
        activation,
    })
}

/// The second layer of a manifest in `directory`.
pub(super) fn second_layer(
    entry: Entry<Vec<Vec<f64>>>,
    directory: &Path,
) -> Result<DMatrix<f64>, InstanceError> {
    match entry {
        Entry::Inline(rows) => from_rows(&rows),
        Entry::File(file) => read_second_layer(&directory.join(file)),
    }
}

/// The one loss with fields of its own.
const TWO_LAYER: &str = "two-layer";

/// A second layer is stored with all its entries: a sparse file may not announce more than memory holds.
fn read_second_layer(path: &Path) -> Result<DMatrix<f64>, InstanceError> {
    match read_design_matrix(path)? {
        DesignMatrix::Dense(matrix) => Ok(matrix.to_matrix()),
        sparse => {
            let (rows, columns) = (sparse.rows(), sparse.columns());
            if rows.saturating_mul(columns) > MOST_ENTRIES {
                return Err(InstanceError::Shape {
                    part: "second_layer",
                    found: format!("shape {rows} x {columns}"),
                    expected: format!("at most {MOST_ENTRIES} entries, stored or not"),
                }
                .in_file(path));
            }
            Ok(sparse.to_dense())
        }
    }
}

fn from_rows(rows: &[Vec<f64>]) -> Result<DMatrix<f64>, InstanceError> {
    let columns = rows.first().map_or(0, Vec::len);
    for (i, row) in rows.iter().enumerate() {
        if row.len() != columns {
            return Err(InstanceError::Shape {
                part: "second_layer",
                found: format!("{} entries in row {i}", row.len()),
                expected: format!("{columns} as in row 0"),
            });
        }
    }
    Ok(DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j]))
}
