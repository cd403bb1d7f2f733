//! Instances, starts and settings from bytes.

use attention_regression::instance::{
    Activation, CompressedRows, DesignMatrix, Instance, LossKind,
};
use attention_regression::production::{Method, Settings};
use nalgebra::{DMatrix, DVector};

use super::super::bytes::Bytes;

/// Most rows and columns of a small case.
const ROWS: usize = 12;
const COLUMNS: usize = 5;
/// Rows of a tall case: enough for Gram matrices to be chosen where `n d` decides, which is above 20000.
const TALL: usize = 4_001;
/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 10;

/// What one run solves, and how.
pub struct Case {
    pub instance: Instance,
    pub start: DVector<f64>,
    pub settings: Settings,
    /// Ends the run after so many steps.
    pub stop_after: Option<usize>,
    /// Whether the run is made twice and compared.
    pub twice: bool,
    /// Whether the error bound is held against the minimiser at 40 digits.
    pub at_40_digits: bool,
}

impl Case {
    /// The case of these bytes; none if there are more than any case reads.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let mut bytes = Bytes::of(bytes);
        let kind = bytes.below(9);
        let rows = 1 + bytes.below(ROWS);
        let shape = bytes.byte();
        let flags = bytes.byte();
        let settings = settings(&mut bytes);
        let tall = shape >= 0xf0;
        let columns = if tall {
            COLUMNS
        } else {
            1 + usize::from(shape) % COLUMNS
        };
        let mut a = DMatrix::from_fn(rows, columns, |_, _| bytes.number());
        if flags & 1 != 0 {
            let column = a.column(0).clone_owned();
            a.set_column(columns - 1, &column);
        }
        if flags & 2 != 0 {
            a.row_mut(rows - 1).fill(0.0);
        }
        let target = vector(&mut bytes, rows);
        let weights = vector(&mut bytes, rows);
        let start = match flags & 4 {
            0 => DVector::zeros(columns),
            _ => vector(&mut bytes, columns),
        };
        let stop_after = (flags & 8 != 0).then(|| 1 + bytes.below(8));
        let (a, target, weights) = match tall {
            true => (
                repeated(&a),
                repeated_vector(&target),
                repeated_vector(&weights),
            ),
            false => (a, target, weights),
        };
        // A second layer is small also where the matrix is tall.
        let (loss, target) = match kind {
            0 => (LossKind::Softmax, target),
            1 => (LossKind::Exp, target),
            2 => (LossKind::Cosh, target),
            3 => (LossKind::Sinh, target),
            4 => (LossKind::ResidualSoftmax, target),
            other => {
                let outputs = 1 + bytes.below(3);
                let head = DMatrix::from_fn(outputs, rows, |_, _| bytes.number());
                let second_layer = DMatrix::from_fn(outputs, a.nrows(), |i, j| head[(i, j % rows)]);
                let activation = Activation::ALL[other - 5];
                let loss = LossKind::TwoLayer {
                    second_layer,
                    activation,
                };
                (loss, DVector::from_fn(outputs, |k, _| target[k % rows]))
            }
        };
        let matrix = match flags & 16 {
            0 => DesignMatrix::dense(a).ok()?,
            _ => sparse(&a)?,
        };
        Some(Self {
            instance: Instance::new(loss, matrix, target, weights).ok()?,
            start,
            settings,
            stop_after,
            twice: flags & 32 != 0,
            at_40_digits: flags & 64 != 0,
        })
    }
}

fn vector(bytes: &mut Bytes<'_>, length: usize) -> DVector<f64> {
    DVector::from_vec(bytes.numbers(length))
}

/// `TALL` rows instead of a few: the few over and over, each round of them a little smaller than the last.
fn repeated(block: &DMatrix<f64>) -> DMatrix<f64> {
    let rows = block.nrows();
    DMatrix::from_fn(TALL, block.ncols(), |i, j| {
        block[(i % rows, j)] / (1 + i / rows) as f64
    })
}

fn repeated_vector(block: &DVector<f64>) -> DVector<f64> {
    DVector::from_fn(TALL, |i, _| block[i % block.len()])
}

fn sparse(a: &DMatrix<f64>) -> Option<DesignMatrix> {
    let mut rows = CompressedRows {
        shape: [a.nrows(), a.ncols()],
        indptr: vec![0],
        indices: Vec::new(),
        data: Vec::new(),
    };
    for row in a.row_iter() {
        // A zero with a minus sign is stored, so that stored zeros are met too.
        let stored = row.iter().enumerate().filter(|(_, v)| v.to_bits() != 0);
        for (j, value) in stored {
            rows.indices.push(j);
            rows.data.push(*value);
        }
        rows.indptr.push(rows.indices.len());
    }
    rows.into_matrix().ok()
}

fn settings(bytes: &mut Bytes<'_>) -> Settings {
    let method = Method::parse(Method::NAMES[bytes.below(4)]).expect("a known name");
    let choice = bytes.byte();
    Settings::default()
        .with_method(method)
        .with_tolerance([1e-10, 1e-6, 1e-15, 0.5][usize::from(choice) % 4])
        .with_max_iterations(1 + bytes.below(60))
        .with_polish_steps(Some(usize::from(choice >> 2) % 4))
        .with_max_halvings([40, 0, 3, 200][usize::from(choice >> 4) % 4])
        .with_certify(choice & 64 == 0)
        .with_seed(u64::from(choice >> 7))
}
