//! Cases from real data: two attention heads of a language model that ship with the program (fixtures/attention).

use nalgebra::DVector;

use crate::claims::{Case, CheckError, Origin};
use crate::instance::files::npy;
use crate::instance::{DesignMatrix, Instance, InstanceError, LossKind};

/// A head: name, keys (n x d), one row of attention (n), the query behind it (d), and the ridge of its manifest.
struct Head {
    name: &'static str,
    keys: &'static [u8],
    attention: &'static [u8],
    query: &'static [u8],
    ridge: f64,
}

const HEADS: [Head; 2] = [
    Head {
        name: "layer0-head5-row17",
        keys: include_bytes!("../../fixtures/attention/layer0-head5-keys.npy"),
        attention: include_bytes!("../../fixtures/attention/layer0-head5-row17-attention.npy"),
        query: include_bytes!("../../fixtures/attention/layer0-head5-row17-query.npy"),
        ridge: 0.0,
    },
    Head {
        name: "layer2-head11-row450-ridge",
        keys: include_bytes!("../../fixtures/attention/layer2-head11-keys.npy"),
        attention: include_bytes!("../../fixtures/attention/layer2-head11-row450-attention.npy"),
        query: include_bytes!("../../fixtures/attention/layer2-head11-row450-query.npy"),
        ridge: 0.001,
    },
];

/// Every head, cut to `rows` rows (those with the most attention, in their order), with two points: the model's query
/// and half of it. No case for `rows = 0`. The target keeps its entries, so `||b||_1 <= 1` up to rounding.
pub fn real_cases(rows: usize, seed: u64) -> Vec<Result<Case, CheckError>> {
    if rows == 0 {
        return Vec::new();
    }
    HEADS
        .iter()
        .map(|head| {
            Ok(Case::new(
                Origin::Real(head.name.to_owned()),
                cut(head, rows)?,
                seed,
            ))
        })
        .collect()
}

fn cut(head: &Head, rows: usize) -> Result<Instance, InstanceError> {
    let name = head.name.as_ref();
    let keys = DesignMatrix::dense(npy::parse_matrix(head.keys, head.keys.len() as u64, name)?)?;
    let attention = npy::parse_vector(head.attention, head.attention.len() as u64, name)?;
    let query = npy::parse_vector(head.query, head.query.len() as u64, name)?;
    let mut order: Vec<usize> = (0..attention.len()).collect();
    order.sort_by(|a, b| attention[*b].total_cmp(&attention[*a]));
    order.truncate(rows);
    order.sort_unstable();
    let target = DVector::from_iterator(order.len(), order.iter().map(|i| attention[*i]));
    let weights = DVector::from_element(order.len(), head.ridge);
    Instance::new(LossKind::Softmax, keys.select_rows(&order), target, weights)?
        .with_points(vec![query.clone(), query * 0.5])
}
