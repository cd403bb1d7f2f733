//! Single-layer attention regression in whitened unknowns.
//!
//! ```text
//! A1 = U1 S1 V1'    A2 - 1 mean' = U2 S2 V2'    A3 = U3 S3 V3'        X = V1 S1^-1 W S2^-1 V2'    Y = V3 S3^-1 V
//! Z = U1 W U2' up to a constant in each row, which no softmax sees        A3 Y = U3 V
//! ```
//!
//! A change of W by D moves the logits by exactly `||D||_F`: the condition numbers of A1, A2 and A3 are gone. What W and V
//! leave out is invisible to the loss; X and Y are those of least norm. Ranks are decided here, once. With weights the
//! logits themselves count, and A2 is not centred.

use nalgebra::{DMatrix, DVector};

use crate::production::EvaluationError;
use crate::production::systems::error::Refusal;
use crate::system::Given;

/// One array's orthonormal range with what leads back.
pub(super) struct Factor {
    /// U (n x rank).
    pub(super) range: DMatrix<f64>,
    /// S.
    pub(super) sizes: DVector<f64>,
    /// V (columns x rank).
    pub(super) back: DMatrix<f64>,
}

/// A problem in whitened unknowns.
pub(super) struct Coordinates {
    pub(super) first: Factor,
    pub(super) second: Factor,
    pub(super) third: Factor,
    /// B (n x m).
    pub(super) target: DMatrix<f64>,
    /// `w o w` (n x n) where any weight is not 0.
    pub(super) weights: Option<DMatrix<f64>>,
    /// mu.
    pub(super) ridge: f64,
    /// Directions of X that the loss does not see.
    pub(super) invisible: usize,
    /// Directions of Y that the loss does not see.
    pub(super) invisible_values: usize,
}

/// Tokens beyond which the n x n arrays of a point are not made.
const MOST_TOKENS: usize = 8192;

/// A singular value decomposition `U diag(sizes) V'`.
pub(super) struct Decomposition {
    pub(super) sizes: DVector<f64>,
    pub(super) u: DMatrix<f64>,
    pub(super) v_t: DMatrix<f64>,
}

impl Decomposition {
    /// `None` if the iteration does not end, or where squares of entries overflow.
    pub(super) fn of(matrix: DMatrix<f64>) -> Option<Self> {
        const ITERATIONS: usize = 10_000;
        if matrix.is_empty() {
            return Some(Self {
                sizes: DVector::zeros(0),
                u: DMatrix::zeros(matrix.nrows(), 0),
                v_t: DMatrix::zeros(0, matrix.ncols()),
            });
        }
        let svd = nalgebra::SVD::try_new(matrix, true, true, f64::EPSILON, ITERATIONS)?;
        let finite = svd.singular_values.iter().all(|size| size.is_finite());
        finite.then_some(())?;
        Some(Self {
            sizes: svd.singular_values,
            u: svd.u?,
            v_t: svd.v_t?,
        })
    }

    /// Those directions whose singular values do not count as zero, of a matrix whose longer side is this.
    pub(super) fn visible(&self, side: usize) -> Vec<usize> {
        /// So many roundings of the largest one.
        const TOLERANCE: f64 = 8.0;
        let largest = self.sizes.iter().copied().fold(0.0, f64::max);
        let least = TOLERANCE * side as f64 * f64::EPSILON * largest;
        let all = 0..self.sizes.len();
        all.filter(|k| self.sizes[*k] > least).collect()
    }
}

impl Factor {
    fn new(matrix: DMatrix<f64>) -> Option<Self> {
        let (rows, columns) = matrix.shape();
        // The triangle first: its SVD is small.
        let (q, square) = if rows > columns {
            let qr = matrix.qr();
            (Some(qr.q()), qr.r())
        } else {
            (None, matrix)
        };
        let svd = Decomposition::of(square)?;
        let kept = svd.visible(rows.max(columns));
        let u = svd.u.select_columns(&kept);
        Some(Self {
            range: match q {
                Some(q) => q * u,
                None => u,
            },
            sizes: DVector::from_iterator(kept.len(), kept.iter().map(|k| svd.sizes[*k])),
            back: svd.v_t.select_rows(&kept).transpose(),
        })
    }

    /// The number of directions.
    pub(super) fn rank(&self) -> usize {
        self.sizes.len()
    }

    /// `V S^-1`, which leads from whitened unknowns back.
    pub(super) fn unwhitening(&self) -> DMatrix<f64> {
        let mut back = self.back.clone();
        for (mut column, size) in back.column_iter_mut().zip(self.sizes.iter()) {
            column /= *size;
        }
        back
    }

    /// `V S^-1 M`.
    fn undone(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let mut scaled = matrix.clone();
        for (mut row, size) in scaled.row_iter_mut().zip(self.sizes.iter()) {
            row /= *size;
        }
        &self.back * scaled
    }

    /// `S V' M`.
    fn done(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let mut seen = self.back.transpose() * matrix;
        for (mut row, size) in seen.row_iter_mut().zip(self.sizes.iter()) {
            row *= *size;
        }
        seen
    }
}

impl Coordinates {
    /// The arrays of a manifest, whitened.
    pub(super) fn new(given: &Given) -> Result<Self, Refusal> {
        let n = given.size("n");
        Self::affordable(given)?;
        let weights = given.matrix("weights", "n", "n");
        let squares = weights.map(|w| w * w);
        if let Some(value) = squares.iter().find(|value| !value.is_finite()) {
            return Err(Refusal::Arrays(EvaluationError::Overflow {
                quantity: "weights^2",
                index: 0,
                value: *value,
            }));
        }
        let weights = squares.iter().any(|w| *w > 0.0).then_some(squares);
        let array = |name: &str, columns: &str| given.matrix(name, "n", columns);
        let mut keys = array("A2", "d2");
        if weights.is_none() {
            let mean = keys.row_mean();
            for mut row in keys.row_iter_mut() {
                row -= &mean;
            }
        }
        let factor = |matrix: DMatrix<f64>, name: &'static str| {
            Factor::new(matrix).ok_or(Refusal::Factorisation { name })
        };
        let (first, second, third) = (
            factor(array("A1", "d1"), "A1")?,
            factor(keys, "A2")?,
            factor(array("A3", "d3"), "A3")?,
        );
        debug_assert_eq!(first.range.nrows(), n);
        let visible = first.rank() * second.rank();
        Ok(Self {
            invisible: given.size("d1") * given.size("d2") - visible,
            invisible_values: given.size("m") * (given.size("d3") - third.rank()),
            first,
            second,
            third,
            target: array("B", "m"),
            weights,
            ridge: given.scalar("ridge"),
        })
    }

    /// Refuses sizes whose dense arrays would not fit, before any is made.
    pub(super) fn affordable(given: &Given) -> Result<(), Refusal> {
        let tokens = given.size("n");
        if tokens > MOST_TOKENS {
            return Err(Refusal::Order {
                what: "the number of tokens n",
                order: tokens,
                limit: MOST_TOKENS,
            });
        }
        Ok(())
    }

    /// W of an X: `S1 V1' X V2 S2`.
    pub(super) fn whitened(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        let left = self.first.done(x);
        self.second.done(&left.transpose()).transpose()
    }

    /// The X of least norm with this W.
    pub(super) fn x(&self, w: &DMatrix<f64>) -> DMatrix<f64> {
        let left = self.first.undone(w);
        self.second.undone(&left.transpose()).transpose()
    }

    /// The Y of least norm with this V.
    pub(super) fn y(&self, v: &DMatrix<f64>) -> DMatrix<f64> {
        self.third.undone(v)
    }

    /// The norm of a gradient in X whose whitened form is this: `|| S1 G S2 ||`.
    pub(super) fn norm_in_x(&self, gradient: &DMatrix<f64>) -> f64 {
        DMatrix::from_fn(gradient.nrows(), gradient.ncols(), |p, q| {
            self.first.sizes[p] * gradient[(p, q)] * self.second.sizes[q]
        })
        .norm()
    }

    /// The norm of a gradient in Y whose whitened form is this.
    pub(super) fn norm_in_y(&self, gradient: &DMatrix<f64>) -> f64 {
        DMatrix::from_fn(gradient.nrows(), gradient.ncols(), |s, i| {
            self.third.sizes[s] * gradient[(s, i)]
        })
        .norm()
    }
}
