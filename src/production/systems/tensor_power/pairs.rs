//! Values and vectors, their equations, order and signs.

use nalgebra::{DMatrix, DVector};

use super::packed::Packed;
use crate::production::summation::{dot, norm};

/// Vectors whose distance, up to the sign, is below this belong to the same pair.
const SAME: f64 = 1e-3;

/// Vectors (n x m) of length 1 with what T makes of them, everything over `2^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    pub(super) vectors: DMatrix<f64>,
    pub(super) images: DMatrix<f64>,
    /// `v' T(v, .., v, .)`.
    pub(super) values: Vec<f64>,
}

/// What the equations of a pair leave: `T(v, .., v, .) - lambda v` and `(1 - v'v) / 2`.
pub(super) fn equations(lambda: f64, v: &[f64], image: &[f64]) -> (DVector<f64>, f64) {
    let left = image
        .iter()
        .zip(v)
        .map(|(image, v)| image - lambda * v)
        .collect::<Vec<f64>>();
    (DVector::from_vec(left), 0.5 * (1.0 - dot(v, v)))
}

impl Pairs {
    /// One reading of T.
    pub(super) fn of(tensor: &Packed, vectors: DMatrix<f64>) -> Self {
        let images = tensor.images(&vectors);
        let values = (0..vectors.ncols())
            .map(|j| dot(vectors.column(j).as_slice(), images.column(j).as_slice()))
            .collect();
        Self {
            vectors,
            images,
            values,
        }
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// Column j of the vectors.
    pub(super) fn vector(&self, j: usize) -> &[f64] {
        let n = self.vectors.nrows();
        &self.vectors.as_slice()[j * n..][..n]
    }

    /// The equations of pair j.
    pub(super) fn left(&self, j: usize) -> (DVector<f64>, f64) {
        equations(
            self.values[j],
            self.vector(j),
            self.images.column(j).as_slice(),
        )
    }

    /// The norm of all equations; those of the images times `scale`.
    pub(super) fn norm(&self, scale: f64) -> f64 {
        let each: Vec<f64> = (0..self.count())
            .map(|j| {
                let (image, length) = self.left(j);
                (scale * norm(image.as_slice())).hypot(length)
            })
            .collect();
        norm(&each)
    }

    /// Those of these places, in their order.
    pub(super) fn only(&self, places: &[usize]) -> Self {
        Self {
            vectors: self.vectors.select_columns(places),
            images: self.images.select_columns(places),
            values: places.iter().map(|j| self.values[*j]).collect(),
        }
    }

    /// These and others.
    pub(super) fn and(&self, other: &Self) -> Self {
        let columns = |one: &DMatrix<f64>, two: &DMatrix<f64>| {
            let all: Vec<f64> = one.iter().chain(two).copied().collect();
            DMatrix::from_vec(one.nrows(), one.ncols() + two.ncols(), all)
        };
        Self {
            vectors: columns(&self.vectors, &other.vectors),
            images: columns(&self.images, &other.images),
            values: [&self.values[..], &other.values].concat(),
        }
    }

    /// Whether two vectors are the same up to the sign.
    pub(super) fn same(&self, i: usize, j: usize) -> bool {
        let (a, b) = (self.vector(i), self.vector(j));
        let distance = |sign: f64| {
            let apart: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - sign * b).collect();
            norm(&apart)
        };
        distance(1.0).min(distance(-1.0)) < SAME
    }

    /// Places by the size of the value, largest first, one of each pair; what is left out are repetitions.
    pub(super) fn distinct(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.count()).collect();
        places.sort_by(|a, b| self.values[*b].abs().total_cmp(&self.values[*a].abs()));
        let mut kept: Vec<usize> = Vec::new();
        for place in places {
            if kept.iter().all(|other| !self.same(*other, place)) {
                kept.push(place);
            }
        }
        kept
    }

    /// The sign of each vector: for an odd order that which makes its value positive, for an even one that which makes its
    /// largest entry positive.
    pub(super) fn with_signs(mut self, order: usize) -> Self {
        for j in 0..self.count() {
            let column = self.vectors.column(j);
            let flipped = if order % 2 == 1 {
                self.values[j] < 0.0
            } else {
                column[column.iamax()] < 0.0
            };
            if flipped {
                self.vectors.column_mut(j).neg_mut();
                if order % 2 == 1 {
                    self.values[j] = -self.values[j];
                } else {
                    self.images.column_mut(j).neg_mut();
                }
            }
        }
        self
    }
}
