//! Softmax regression over several clients.

use nalgebra::DVector;

use super::kind::{Generator, Sizes, dyadic, flat};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::system::array::Array;
use crate::system::federated_softmax::{FEDERATED_SOFTMAX, arrays_of};
use crate::system::given::Given;

/// Clients that differ.
pub(super) static HETEROGENEOUS: Generator = Generator {
    kind: "federated-softmax",
    about: "softmax regression over several clients, 3 unless --outputs says otherwise: client c has n + c rows of d columns, entries up to \
        (c + 1) / 2, a target of length 1, weights of 1; 3 local steps",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, Kind::Heterogeneous),
};

/// Clients that are alike.
pub(super) static ALIKE: Generator = Generator {
    kind: "alike-federated-softmax",
    about: "softmax regression over clients that all have the same n rows, target and weights; 3 local steps",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, Kind::Alike),
};

/// One client lies about its target.
pub(super) static DISHONEST: Generator = Generator {
    kind: "dishonest-federated-softmax",
    about: "softmax regression over several clients of which the last has a target 256 times as long; 3 local steps, one trimmed where \
        there are three clients",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, Kind::Dishonest),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Heterogeneous,
    Alike,
    Dishonest,
}

fn drawn(sizes: &Sizes, rng: &mut Stream, kind: Kind) -> Result<Given, String> {
    let count = sizes.columns.unwrap_or(3);
    let mut clients: Vec<Instance> = Vec::with_capacity(count);
    for c in 0..count {
        if let (Kind::Alike, Some(first)) = (kind, clients.first()) {
            clients.push(first.clone());
            continue;
        }
        let (rows, scale) = match kind {
            Kind::Heterogeneous => (sizes.rows + c, (c + 1) as f64 / 2.0),
            Kind::Alike | Kind::Dishonest => (sizes.rows, 1.0),
        };
        let matrix = dyadic(rng, rows, sizes.width, 1) * scale;
        let mut target = sample::signed_unit_target(rng, rows);
        if kind == Kind::Dishonest && c + 1 == count {
            target *= 256.0;
        }
        let matrix = DesignMatrix::dense(matrix).map_err(|error| error.to_string())?;
        let weights = DVector::repeat(rows, 1.0);
        let client = Instance::new(LossKind::Softmax, matrix, target, weights);
        clients.push(client.map_err(|error| error.to_string())?);
    }
    let mut arrays = arrays_of(&clients)?;
    arrays.push(("local_steps".to_owned(), Array::scalar(3.0)));
    if kind == Kind::Dishonest && count > 2 {
        arrays.push(("trimmed".to_owned(), Array::scalar(1.0)));
    }
    let start = flat(&[&dyadic(rng, sizes.width, 1, 1)]);
    Given::new(&FEDERATED_SOFTMAX, arrays)?.with_points(vec![start])
}
