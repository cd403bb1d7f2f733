//! Closed forms of the single-layer attention loss, for any real scalar. The oracle, which decides, knows none of them.
//!
//! Letters: `Z = A1 X A2'`, `f_j` the softmax of row j of Z, `P_j = diag(f_j) - f_j f_j'`, `H = A3 Y` with columns `h_i`,
//! `C = F H - B`, `S_f(v) = diag(f o v) - <f,v> diag(f) - (f o v)f' - f(f o v)' + 2 <f,v> ff'`.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError};
use crate::oracle::{Evaluation, Reference, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given, SINGLE_LAYER_ATTENTION};

/// Which form of the Hessian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As derived.
    Derived,
    /// With `+ <f,v> diag(f)` in `S_f(v)`.
    SignOfMean,
    /// Without `C_ji S_f(h_i)` and `C_ji P_j A3`: the Gauss-Newton matrix.
    GaussNewton,
}

/// Everything about the loss at one point.
#[derive(Clone, Debug)]
pub struct Model<T: RealField> {
    /// `A1` (n x d1).
    pub a1: DMatrix<T>,
    /// `A2` (n x d2).
    pub a2: DMatrix<T>,
    /// `A3` (n x d3).
    pub a3: DMatrix<T>,
    /// `w_jk^2` (n x n).
    pub squares: DMatrix<T>,
    /// `mu`.
    pub ridge: T,
    /// `Z` (n x n).
    pub z: DMatrix<T>,
    /// `F` (n x n).
    pub f: DMatrix<T>,
    /// `H` (n x m).
    pub h: DMatrix<T>,
    /// `C` (n x m).
    pub c: DMatrix<T>,
    /// -1; or 1 in [`Model::sizes`], which add up magnitudes.
    minus: T,
}

/// The softmax of every row.
fn attention<T: RealField + Copy>(z: &DMatrix<T>) -> DMatrix<T> {
    let mut f = z.clone();
    for mut row in f.row_iter_mut() {
        let top = row.max();
        row.apply(|entry| *entry = (*entry - top).exp());
        let total = row.sum();
        row /= total;
    }
    f
}

impl<T: RealField + Copy> Model<T> {
    /// The model of an instance, its numbers lifted by `lift`, at the unknowns X (d1 x d2) and Y (d3 x m).
    pub fn at(given: &Given, lift: &dyn Fn(f64) -> T, x: &DMatrix<T>, y: &DMatrix<T>) -> Self {
        let array = |name, columns| given.matrix(name, "n", columns).map(lift);
        let (a1, a2, a3) = (array("A1", "d1"), array("A2", "d2"), array("A3", "d3"));
        let weights = array("weights", "n");
        let z = &a1 * x * a2.transpose();
        let f = attention(&z);
        let h = &a3 * y;
        Self {
            c: &f * &h - array("B", "m"),
            squares: weights.component_mul(&weights),
            ridge: lift(given.scalar("ridge")),
            a1,
            a2,
            a3,
            z,
            f,
            h,
            minus: -T::one(),
        }
    }

    /// The model in its logits and values: `A1 = A2 = A3 = I`, `C = F H - B`, no ridge yet.
    pub fn of_logits(z: DMatrix<T>, h: DMatrix<T>, b: &DMatrix<T>) -> Self {
        let n = z.nrows();
        let identity = DMatrix::identity(n, n);
        let f = attention(&z);
        Self {
            a1: identity.clone(),
            a2: identity.clone(),
            a3: identity,
            squares: DMatrix::zeros(n, n),
            ridge: T::zero(),
            c: &f * &h - b,
            z,
            f,
            h,
            minus: -T::one(),
        }
    }

    /// `diag(f) - ff'` of a row.
    fn covariance(&self, f: &DVector<T>) -> DMatrix<T> {
        DMatrix::from_diagonal(f) + f * f.transpose() * self.minus
    }

    /// `S_f(v)`.
    fn second_derivative(&self, f: &DVector<T>, v: &DVector<T>, form: Form) -> DMatrix<T> {
        let mean = f.dot(v);
        let product = f.component_mul(v);
        let sign = if form == Form::SignOfMean {
            T::one()
        } else {
            self.minus
        };
        DMatrix::from_diagonal(&(&product + f * (sign * mean)))
            + (&product * f.transpose() + f * product.transpose()) * self.minus
            + f * f.transpose() * ((T::one() + T::one()) * mean)
    }

    /// `A1' (p + w^2 o Z) A2` with `p_j = P_j q_j`, `q = C H'` (d1 x d2).
    pub fn gradient_x(&self) -> DMatrix<T> {
        let q = &self.c * self.h.transpose();
        let mut p = self.squares.component_mul(&self.z);
        for (j, mut row) in p.row_iter_mut().enumerate() {
            let f = self.f.row(j).transpose();
            row += (self.covariance(&f) * q.row(j).transpose()).transpose();
        }
        self.a1.tr_mul(&p) * &self.a2
    }

    /// `(F A3)' C + mu A3' A3 Y` (d3 x m).
    pub fn gradient_y(&self) -> DMatrix<T> {
        (&self.f * &self.a3).tr_mul(&self.c) + self.a3.tr_mul(&self.h) * self.ridge
    }

    /// `B_j + diag(w_j^2)` (n x n), `B_j = sum_i (P_j h_i)(P_j h_i)' + C_ji S_{f_j}(h_i)`.
    pub fn row_block(&self, j: usize, form: Form) -> DMatrix<T> {
        let f = self.f.row(j).transpose();
        let covariance = self.covariance(&f);
        let mut block = DMatrix::from_diagonal(&self.squares.row(j).transpose());
        for (i, h) in self.h.column_iter().enumerate() {
            let slope = &covariance * h;
            block += &slope * slope.transpose();
            if form != Form::GaussNewton {
                block += self.second_derivative(&f, &h.into_owned(), form) * self.c[(j, i)];
            }
        }
        block
    }

    /// The Hessian over the entries of X and of Y, each row by row:
    /// `Hess_XX = sum_j (a_j a_j') (x) A2' (B_j + diag(w_j^2)) A2`, `Hess_X,y_i = sum_j a_j (x) A2' (P_j h_i (A3' f_j)' + C_ji P_j A3)`,
    /// `Hess_y_i,y_k = delta_ik ((F A3)' F A3 + mu A3' A3)`.
    pub fn hessian(&self, form: Form) -> DMatrix<T> {
        let (n, d1, d2) = (self.a1.nrows(), self.a1.ncols(), self.a2.ncols());
        let (d3, m) = (self.a3.ncols(), self.h.ncols());
        let split = d1 * d2;
        let mut hessian = DMatrix::zeros(split + d3 * m, split + d3 * m);
        for j in 0..n {
            let a = self.a1.row(j).transpose();
            let outer = &a * a.transpose();
            let block = self.a2.tr_mul(&(self.row_block(j, form) * &self.a2));
            let mut corner = hessian.view_mut((0, 0), (split, split));
            corner += outer.kronecker(&block);
            let f = self.f.row(j).transpose();
            let covariance = self.covariance(&f);
            let image = self.a3.tr_mul(&f);
            for i in 0..m {
                let mut mixed = &covariance * self.h.column(i) * image.transpose();
                if form != Form::GaussNewton {
                    mixed += &covariance * &self.a3 * self.c[(j, i)];
                }
                let mixed = a.kronecker(&self.a2.tr_mul(&mixed));
                for k in 0..d3 {
                    let column = split + k * m + i;
                    for row in 0..split {
                        hessian[(row, column)] += mixed[(row, k)];
                        hessian[(column, row)] += mixed[(row, k)];
                    }
                }
            }
        }
        let image = &self.f * &self.a3;
        let block = image.tr_mul(&image) + self.a3.tr_mul(&self.a3) * self.ridge;
        for i in 0..m {
            for k in 0..d3 {
                for l in 0..d3 {
                    hessian[(split + k * m + i, split + l * m + i)] += block[(k, l)];
                }
            }
        }
        hessian
    }

    /// `range(h_i) = max h_i - min h_i` (m).
    pub fn ranges(&self) -> DVector<T> {
        DVector::from_iterator(
            self.h.ncols(),
            self.h
                .column_iter()
                .map(|column| column.max() - column.min()),
        )
    }

    /// `max_j sum_i |C_ji| range(h_i)`.
    pub fn curvature(&self) -> T {
        (self.c.abs() * self.ranges()).max()
    }

    /// The least `w_jk^2`.
    pub fn lightest(&self) -> T {
        self.squares.min()
    }
}

impl Model<High> {
    /// The case at its first point.
    pub fn of(case: &Case<Given>) -> Result<Self, CheckError> {
        let given = &case.instance;
        let (x, y) = unknowns(given, &point(case));
        let model = Self::at(given, &lifted, &x, &y);
        if model
            .f
            .iter()
            .chain(model.h.iter())
            .any(|entry| entry.is_poisoned())
        {
            return Err(CheckError::Other(
                "attention left the range of the arithmetic".to_owned(),
            ));
        }
        Ok(model)
    }

    /// Magnitudes of the terms that the closed forms add up: the same formulas of absolute values, every sign positive.
    pub fn sizes(&self, case: &Case<Given>) -> Self {
        let given = &case.instance;
        let (x, y) = unknowns(given, &point(case));
        let (a1, a2, a3) = (self.a1.abs(), self.a2.abs(), self.a3.abs());
        let h = &a3 * y.abs();
        let b = given.matrix("B", "n", "m").map(|b| lifted(b.abs()));
        Self {
            z: &a1 * x.abs() * a2.transpose(),
            c: &self.f * &h + b,
            h,
            a1,
            a2,
            a3,
            squares: self.squares.clone(),
            ridge: self.ridge,
            f: self.f.clone(),
            minus: High::ONE,
        }
    }

    /// How many units of rounding each unit of [`sizes`](Self::sizes) may carry: `64 (n + d1 + d2 + d3 + m) (1 + max |Z|)`,
    /// with the magnitudes of the terms of Z. A logit's error enters F as a relative one, and every entry is a sum of fewer than
    /// `64 (n + d1 + ..)` products of such numbers.
    pub fn roundings(sizes: &Self) -> Allowance<High> {
        let terms = sizes.a1.nrows() + sizes.a1.ncols() + sizes.a2.ncols() + sizes.a3.ncols();
        let terms = 64 * (terms + sizes.h.ncols()) as i64;
        let reach = sizes.z.iter().copied().fold(High::ZERO, High::max);
        Allowance::new(
            High::int(terms) * (High::ONE + reach) * unit(),
            "64 (n + d1 + d2 + d3 + m) (1 + max |A1| |X| |A2|') roundings of the terms",
        )
    }
}

/// The first point at 40 digits.
pub fn point(case: &Case<Given>) -> DVector<High> {
    crate::oracle::lift_vector(&DVector::from_vec(case.instance.start()))
}

/// X and Y out of the vector of all unknowns.
pub fn unknowns<T: RealField + Copy>(
    given: &Given,
    point: &DVector<T>,
) -> (DMatrix<T>, DMatrix<T>) {
    let [d1, d2, d3, m] = ["d1", "d2", "d3", "m"].map(|dimension| given.size(dimension));
    let (x, y) = point.as_slice().split_at(d1 * d2);
    (
        DMatrix::from_row_slice(d1, d2, x),
        DMatrix::from_row_slice(d3, m, y),
    )
}

/// Loss, gradient and Hessian of a case at its first point, from the oracle.
pub fn evaluation(case: &Case<Given>) -> Result<Evaluation, CheckError> {
    Ok(Reference::of(&case.instance)?.evaluate(&point(case))?)
}

/// The loss in the logits and values themselves: `A1 = A2 = A3 = I` and X = Z, Y = H, the oracle's own function of the vector
/// (Z, H), each row by row.
pub fn in_logits(
    given: &Given,
    model: &Model<High>,
) -> Result<(Reference, DVector<High>), CheckError> {
    let n = given.size("n");
    let identity = Array::matrix(&DMatrix::identity(n, n));
    let mut arrays: Vec<(String, Array)> = ["A1", "A2", "A3"]
        .map(|name| (name.to_owned(), identity.clone()))
        .into();
    for name in ["B", "weights", "ridge"] {
        if let Some(array) = given.array(name) {
            arrays.push((name.to_owned(), array.clone()));
        }
    }
    let posed = Given::new(&SINGLE_LAYER_ATTENTION, arrays).map_err(CheckError::Other)?;
    // nalgebra's iterators go column by column.
    let (z, h) = (model.z.transpose(), model.h.transpose());
    let point = DVector::from_iterator(n * n + h.len(), z.iter().chain(h.iter()).copied());
    Ok((Reference::of(&posed)?, point))
}

/// A number at its binary value; one that is not finite is poisoned.
fn lifted(value: f64) -> High {
    High::lift(value).unwrap_or(High::POISONED)
}

/// A matrix with the means of its columns taken off: `(I - 11'/n) A`.
pub fn centred(matrix: &DMatrix<High>) -> DMatrix<High> {
    let rows = High::int(matrix.nrows() as i64);
    let mut out = matrix.clone();
    for mut column in out.column_iter_mut() {
        let mean = column.iter().copied().sum::<High>() / rows;
        column.add_scalar_mut(-mean);
    }
    out
}

/// Rank and least singular value that is not 0. Beyond 30 decades below the largest a singular value counts as 0, and so does what
/// the rounding of a mean can leave of a matrix that had the entries of `before`.
pub fn rank_of(
    matrix: &DMatrix<High>,
    before: &DMatrix<High>,
) -> Result<(usize, High), CheckError> {
    let noise = unit() * High::int(64) * High::int(matrix.len() as i64) * before.amax();
    let values = spectrum::singular_values(matrix)?;
    let floor = values[0].shifted(-30).max(noise);
    let seen: Vec<High> = values.into_iter().filter(|value| *value > floor).collect();
    Ok((seen.len(), seen.last().copied().unwrap_or(High::ZERO)))
}
