//! What claims about attentions, exact or polynomial, are made with.

use nalgebra::DMatrix;

use crate::claims::{CheckError, Verdict};
use crate::oracle::OutputsReference;
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given, System};

/// Outputs (nq x m), and the largest of the oracle's error radii.
pub struct Outputs {
    /// The values.
    pub values: DMatrix<High>,
    /// How far off any of them is at most.
    pub radius: High,
}

/// Why that much is granted.
pub const ENCLOSED: &str = "the radii of the oracle's enclosures of outputs";

/// The outputs of an instance, from the oracle.
pub fn outputs(given: &Given) -> Result<Outputs, CheckError> {
    let balls = OutputsReference::of(given)?.enclose()?;
    let radius = balls
        .iter()
        .fold(High::ZERO, |most, ball| most.max(ball.radius()));
    let values: Vec<High> = balls.iter().map(|ball| ball.midpoint()).collect();
    let [queries, m] = ["nq", "m"].map(|side| given.size(side));
    Ok(Outputs {
        values: DMatrix::from_row_slice(queries, m, &values),
        radius,
    })
}

/// The weights of every query (nq x nk): the outputs for V the identity.
pub fn weights(given: &Given) -> Result<Outputs, CheckError> {
    let keys = given.size("nk");
    let identity = Array::matrix(&DMatrix::identity(keys, keys));
    outputs(&given.with_array("V", identity).map_err(CheckError::Other)?)
}

/// The verdict on two instances having the same outputs.
pub fn equal_outputs(left: &Outputs, right: &Outputs) -> Verdict {
    let mut verdict = Verdict::VACUOUS;
    for i in 0..left.values.nrows() {
        for c in 0..left.values.ncols() {
            verdict = verdict.and(Verdict::equal(
                &format!("outputs[{i}, {c}]"),
                left.values[(i, c)],
                right.values[(i, c)],
                Allowance::new(left.radius + right.radius, ENCLOSED),
            ));
        }
    }
    verdict
}

/// The instance with these arrays, row by row, and these scalars.
pub fn posed(
    system: &'static System,
    [queries, keys, d, m]: [usize; 4],
    [q, k, v]: [Vec<f64>; 3],
    scalars: &[(&str, f64)],
) -> Result<Given, CheckError> {
    let array = |rows, columns, entries| {
        Array::new(vec![rows, columns], entries)
            .ok_or_else(|| CheckError::Other("an array of another shape".to_owned()))
    };
    let mut arrays = vec![
        ("Q".to_owned(), array(queries, d, q)?),
        ("K".to_owned(), array(keys, d, k)?),
        ("V".to_owned(), array(keys, m, v)?),
    ];
    let scalars = scalars.iter();
    arrays.extend(scalars.map(|(name, value)| ((*name).to_owned(), Array::scalar(*value))));
    Given::new(system, arrays).map_err(CheckError::Other)
}
