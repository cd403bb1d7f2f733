//! Components of a symmetric tensor.

use nalgebra::DMatrix;

use super::kind::{Generator, Sizes, flat};
use crate::instance::sample::{self, Stream};
use crate::system::array::Array;
use crate::system::given::Given;
use crate::system::tensor_power::TENSOR_POWER;

/// Order 3, orthonormal components.
pub(super) static ODD: Generator = Generator {
    kind: "tensor-power",
    about: "components of a tensor of order 3: n entries a side, d orthonormal components with values from 1 to 2, noise",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, &Plan::of(3, Values::Spread)),
};

/// Order 4: every second value is negative.
pub(super) static EVEN: Generator = Generator {
    kind: "even-tensor-power",
    about: "the same of order 4, every second value negative",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, &Plan::of(4, Values::Alternating)),
};

/// Order 3: all values 1, no noise.
pub(super) static TIED: Generator = Generator {
    kind: "tied-tensor-power",
    about: "the same of order 3, all values 1, without noise but rounding",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, &Plan::of(3, Values::Tied)),
};

/// Order 3: neighbouring components with the cosine 7/25.
pub(super) static OBLIQUE: Generator = Generator {
    kind: "oblique-tensor-power",
    about: "the same of order 3, components not orthogonal: the cosine of two neighbours is at least 7/25",
    has_columns: false,
    draw: |sizes, rng| {
        let plan = Plan::of(3, Values::Spread);
        drawn(
            sizes,
            rng,
            &Plan {
                oblique: true,
                ..plan
            },
        )
    },
};

/// What the planted values are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    Spread,
    Alternating,
    Tied,
}

/// What is planted.
struct Plan {
    order: usize,
    values: Values,
    oblique: bool,
}

impl Plan {
    fn of(order: usize, values: Values) -> Self {
        Self {
            order,
            values,
            oblique: false,
        }
    }
}

/// The columns of two rational reflections, one after the other: orthonormal up to rounding.
fn orthonormal(rng: &mut Stream, n: usize, k: usize) -> DMatrix<f64> {
    let mut columns = DMatrix::identity(n, k);
    for _ in 0..2 {
        let mut normal: Vec<f64> = (0..n).map(|_| sample::integer(rng, -8, 8) as f64).collect();
        if normal.iter().all(|entry| *entry == 0.0) {
            normal[0] = 1.0;
        }
        let square: f64 = normal.iter().map(|entry| entry * entry).sum();
        for mut column in columns.column_iter_mut() {
            let along: f64 = normal.iter().zip(column.iter()).map(|(a, b)| a * b).sum();
            let factor = 2.0 * along / square;
            for (entry, normal) in column.iter_mut().zip(&normal) {
                *entry -= factor * normal;
            }
        }
    }
    columns
}

fn drawn(sizes: &Sizes, rng: &mut Stream, plan: &Plan) -> Result<Given, String> {
    /// Entries at most.
    const MOST: usize = 1 << 24;
    let (n, k) = (sizes.rows, sizes.width);
    if k > n {
        return Err(format!("the number of components d is {k}, but n is {n}"));
    }
    let entries = (0..plan.order).try_fold(1_usize, |count, _| count.checked_mul(n));
    if entries.is_none_or(|entries| entries > MOST) {
        return Err(format!(
            "n is {n}: a tensor of order {} has more than {MOST} entries",
            plan.order
        ));
    }
    let mut vectors = orthonormal(rng, n, k);
    if plan.oblique {
        for j in (1..k).rev() {
            let mixed = vectors.column(j) * 0.96 + vectors.column(j - 1) * 0.28;
            vectors.set_column(j, &mixed);
        }
    }
    let values: Vec<f64> = (0..k)
        .map(|j| match plan.values {
            Values::Spread => 1.5 + sample::dyadic(rng, 1) / 2.0,
            Values::Alternating => {
                let size = 1.5 + sample::dyadic(rng, 1) / 2.0;
                if j % 2 == 1 { -size } else { size }
            }
            Values::Tied => 1.0,
        })
        .collect();
    let noise = match plan.values {
        Values::Spread | Values::Alternating => 1.0 / (64.0 * n as f64),
        Values::Tied => 0.0,
    };
    let tensor = Array::symmetric(plan.order, n, |index| {
        let planted: f64 = (0..k)
            .map(|j| {
                index
                    .iter()
                    .fold(values[j], |product, i| product * vectors[(*i, j)])
            })
            .sum();
        planted + noise * sample::dyadic(rng, 1)
    });
    let arrays = vec![
        (
            "T".to_owned(),
            tensor.ok_or_else(|| format!("n is {n}: too large"))?,
        ),
        ("components".to_owned(), Array::scalar(k as f64)),
    ];
    // Near the planted pairs, as short dyadic numbers.
    let near = vectors.map(|entry| (entry * 1024.0).round() / 1024.0);
    let start = [values, flat(&[&near])].concat();
    Given::new(&TENSOR_POWER, arrays)?.with_points(vec![start])
}
