//! Softmax regression over several clients (GradientCoin, arXiv 2308.10502).

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, Instance, InstanceError, LossKind};
use crate::system::array::Array;
use crate::system::given::Given;
use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// The mean of the losses of N clients, each an instance of softmax regression with d columns:
///
/// ```text
/// f(x) = 1/N sum_c L_c(x),   L_c(x) = 0.5 || softmax(A_c x) - b_c ||^2 + 0.5 || w_c o A_c x ||^2
/// clients: N, the rows of each    matrix: n x d, the A_c one below the other    target, weights: n    x: d
/// ```
///
/// Clients count alike, however many rows they have. In a manifest `clients` is a list of instances. What describes rounds enters
/// neither loss nor minimiser: in each round `participants` of the clients are drawn, each makes `local_steps` steps of length `step`
/// (0: `2 / (mu + L)` by proven constants) from the common x, the last `stragglers` of them are not waited for, their times
/// being exponential with the means `delays`, and the others' x are averaged; `trimmed` values are left out at both
/// ends of each entry where a mean is trimmed.
pub static FEDERATED_SOFTMAX: System = System {
    key: "federated-softmax",
    formula: "1/N sum_c ( 0.5 || softmax(A_c x) - b_c ||^2 + 0.5 || w_c o A_c x ||^2 )",
    given: &[
        Slot::required("clients", &[&["N"]]).with_rule(Rule::Parts("n")),
        Slot::required("matrix", &[&["n", "d"]]),
        Slot::required("target", &[&["n"]]),
        Slot::required("weights", &[&[], &["n"]]).with_default(0.0),
        Slot::required("local_steps", &[&[]])
            .with_rule(Rule::Dimension("K"))
            .with_default(1.0),
        Slot::required("step", &[&[]])
            .with_rule(Rule::NonNegative)
            .with_default(0.0),
        Slot::required("participants", &[&[]])
            .with_rule(Rule::Count)
            .with_default_size("N"),
        Slot::required("stragglers", &[&[]])
            .with_rule(Rule::Count)
            .with_default(0.0),
        Slot::required("delays", &[&[], &["N"]])
            .with_rule(Rule::NonNegative)
            .with_default(1.0),
        Slot::required("trimmed", &[&[]])
            .with_rule(Rule::Count)
            .with_default(0.0),
    ],
    unknowns: &[Slot::required("x", &[&["d"]])],
    asks: Asks::Loss,
    logit: false,
};

/// The clients of a federated problem, in order; the entries of their arrays were checked when it was read, so that an error is a
/// square that overflows.
pub fn clients(given: &Given) -> Result<Vec<Instance>, InstanceError> {
    let values = |name: &str| given.array(name).map_or(&[][..], Array::values);
    let (matrix, target, weights) = (values("matrix"), values("target"), values("weights"));
    let columns = given.size("d");
    let mut first = 0;
    values("clients")
        .iter()
        .map(|rows| {
            let rows = *rows as usize;
            let range = first..first + rows;
            first += rows;
            let own = &matrix[range.start * columns..range.end * columns];
            let weights = match weights {
                [all] => DVector::repeat(rows, *all),
                each => DVector::from_column_slice(&each[range.clone()]),
            };
            Instance::new(
                LossKind::Softmax,
                DesignMatrix::dense(DMatrix::from_row_slice(rows, columns, own))?,
                DVector::from_column_slice(&target[range]),
                weights,
            )
        })
        .collect()
}

/// The arrays of a problem with these clients. A line names the first client that does not fit the others, or is none of softmax
/// regression.
pub fn arrays_of(clients: &[Instance]) -> Result<Vec<(String, Array)>, String> {
    let columns = clients.first().map_or(0, Instance::columns);
    let mut rows = Vec::with_capacity(clients.len());
    let [mut matrix, mut target, mut weights] = [const { Vec::new() }; 3];
    for (k, client) in clients.iter().enumerate() {
        if client.loss() != &LossKind::Softmax {
            return Err(format!(
                "clients[{k}] is \"{}\": every client must be \"softmax\"",
                client.loss().name()
            ));
        }
        if client.columns() != columns {
            return Err(format!(
                "clients[{k}].matrix is {} x {}, but clients[0].matrix has d = {columns}",
                client.rows(),
                client.columns()
            ));
        }
        rows.push(client.rows() as f64);
        for i in 0..client.rows() {
            let mut row = vec![0.0; columns];
            for (j, value) in client.matrix().row_entries(i) {
                row[j] = value;
            }
            matrix.extend(row);
        }
        target.extend(client.target().iter());
        weights.extend(client.weights().iter());
    }
    let count = target.len();
    let array = |shape: Vec<usize>, values| Array::new(shape, values).ok_or("no array");
    Ok(vec![
        ("clients".to_owned(), array(vec![clients.len()], rows)?),
        ("matrix".to_owned(), array(vec![count, columns], matrix)?),
        ("target".to_owned(), array(vec![count], target)?),
        ("weights".to_owned(), array(vec![count], weights)?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(loss: LossKind, rows: &[Vec<f64>], weight: f64) -> Instance {
        let n = rows.len();
        Instance::new(
            loss,
            DesignMatrix::from_rows(rows).unwrap(),
            DVector::from_fn(n, |i, _| i as f64),
            DVector::repeat(n, weight),
        )
        .unwrap()
    }

    #[test]
    fn clients_come_back_as_they_were() {
        let before = [
            client(LossKind::Softmax, &[vec![1.0, 2.0]], 0.5),
            client(LossKind::Softmax, &[vec![3.0, 4.0], vec![0.0, -1.0]], 2.0),
        ];
        let given = Given::new(&FEDERATED_SOFTMAX, arrays_of(&before).unwrap()).unwrap();
        assert_eq!(given.sizes_in_words(), "N = 2, n = 3, d = 2, K = 1");
        assert_eq!(given.scalar("participants"), 2.0);
        let after = clients(&given).unwrap();
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.matrix().to_dense(), after.matrix().to_dense());
            assert_eq!(before.target(), after.target());
            assert_eq!(before.weights(), after.weights());
        }
    }

    #[test]
    fn one_weight_is_that_of_every_row() {
        let given = Given::new(
            &FEDERATED_SOFTMAX,
            vec![
                (
                    "clients".to_owned(),
                    Array::new(vec![2], vec![1.0, 2.0]).unwrap(),
                ),
                (
                    "matrix".to_owned(),
                    Array::new(vec![3, 1], vec![1.0; 3]).unwrap(),
                ),
                (
                    "target".to_owned(),
                    Array::new(vec![3], vec![0.0; 3]).unwrap(),
                ),
                ("weights".to_owned(), Array::scalar(0.25)),
            ],
        )
        .unwrap();
        let weights: Vec<f64> = clients(&given)
            .unwrap()
            .iter()
            .flat_map(|client| client.weights().as_slice().to_vec())
            .collect();
        assert_eq!(weights, [0.25; 3]);
    }

    #[test]
    fn a_client_that_does_not_fit_is_named() {
        let good = client(LossKind::Softmax, &[vec![1.0, 2.0]], 0.0);
        let narrow = client(LossKind::Softmax, &[vec![1.0], vec![2.0]], 0.0);
        let other = client(LossKind::Exp, &[vec![1.0, 2.0]], 0.0);
        assert_eq!(
            arrays_of(&[good.clone(), narrow]).unwrap_err(),
            "clients[1].matrix is 2 x 1, but clients[0].matrix has d = 2"
        );
        assert_eq!(
            arrays_of(&[good, other]).unwrap_err(),
            "clients[1] is \"exp\": every client must be \"softmax\""
        );
    }

    #[test]
    fn rows_of_clients_are_whole_and_add_up() {
        let posed = |clients: &[f64]| {
            let arrays = vec![
                (
                    "clients".to_owned(),
                    Array::new(vec![clients.len()], clients.to_vec()).unwrap(),
                ),
                (
                    "matrix".to_owned(),
                    Array::new(vec![3, 1], vec![1.0; 3]).unwrap(),
                ),
                (
                    "target".to_owned(),
                    Array::new(vec![3], vec![0.0; 3]).unwrap(),
                ),
            ];
            Given::new(&FEDERATED_SOFTMAX, arrays).map(|_| ())
        };
        assert_eq!(posed(&[1.0, 2.0]), Ok(()));
        assert_eq!(posed(&[3.0]), Ok(()));
        for (clients, line) in [
            (&[1.0, 1.0][..], "clients add up to 2, but matrix has n = 3"),
            (
                &[3.0, 0.0],
                "clients[1] is 0: a whole number, at least 1, is needed",
            ),
            (
                &[2.5, 0.5],
                "clients[0] is 2.5: a whole number, at least 1, is needed",
            ),
            (
                &[f64::NAN, 3.0],
                "clients[0] is NaN: every entry must be finite",
            ),
            (&[], "clients add up to 0, but matrix has n = 3"),
        ] {
            assert_eq!(posed(clients).unwrap_err(), line);
        }
    }
}
