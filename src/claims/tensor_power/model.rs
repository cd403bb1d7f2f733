//! A tensor and one vector at 40 digits, contracted axis by axis. The oracle, which decides about the loss, knows none of this.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError};
use crate::oracle::{Evaluation, Reference, lift_vector};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

/// An instance and its point.
#[derive(Clone, Debug)]
pub struct Model {
    /// p.
    pub order: usize,
    /// n.
    pub side: usize,
    /// T, all entries.
    entries: Vec<High>,
    /// lambda.
    pub value: High,
    /// u.
    pub u: DVector<High>,
}

fn lifted(value: f64) -> High {
    High::lift(value).unwrap_or(High::POISONED)
}

impl Model {
    /// Of a case.
    pub fn of(case: &Case<Given>) -> Self {
        let given = &case.instance;
        let tensor = given.array("T");
        let start = given.start();
        let k = given.size("k");
        // The first pair: its value, and every k-th entry of the vectors.
        let u: Vec<High> = start[k..].iter().step_by(k).map(|t| lifted(*t)).collect();
        Self {
            order: tensor.map_or(0, |tensor| tensor.shape().len()),
            side: given.size("n"),
            entries: tensor
                .map_or(&[][..], Array::values)
                .iter()
                .map(|t| lifted(*t))
                .collect(),
            value: lifted(start[0]),
            u: DVector::from_vec(u),
        }
    }

    fn contracted(&self, v: &DVector<High>, times: usize, sizes: bool) -> Vec<High> {
        let absolute = |t: &High| if sizes { t.abs() } else { *t };
        let mut entries: Vec<High> = self.entries.iter().map(absolute).collect();
        let v: Vec<High> = v.iter().map(absolute).collect();
        for _ in 0..times {
            entries = entries
                .chunks(v.len())
                .map(|row| row.iter().zip(&v).map(|(t, v)| *t * *v).sum())
                .collect();
        }
        entries
    }

    /// `T(v, .., v, .)`.
    pub fn image(&self, v: &DVector<High>) -> DVector<High> {
        DVector::from_vec(self.contracted(v, self.order - 1, false))
    }

    /// Magnitudes of its terms.
    pub fn image_sizes(&self, v: &DVector<High>) -> DVector<High> {
        DVector::from_vec(self.contracted(v, self.order - 1, true))
    }

    /// `T(v, .., v, ., .)`.
    pub fn matrix(&self, v: &DVector<High>) -> DMatrix<High> {
        DMatrix::from_vec(
            self.side,
            self.side,
            self.contracted(v, self.order - 2, false),
        )
    }

    /// Magnitudes of its terms.
    pub fn matrix_sizes(&self, v: &DVector<High>) -> DMatrix<High> {
        DMatrix::from_vec(
            self.side,
            self.side,
            self.contracted(v, self.order - 2, true),
        )
    }

    /// `u / || u ||`.
    pub fn direction(&self) -> DVector<High> {
        &self.u / self.u.norm()
    }

    /// A step of the power method from v; `None` where the image is 0.
    pub fn step(&self, v: &DVector<High>) -> Option<DVector<High>> {
        let image = self.image(v);
        let length = image.norm();
        length.is_positive().then(|| image / length)
    }

    /// `T - value v (x) .. (x) v`.
    pub fn less(&self, value: High, v: &DVector<High>) -> Self {
        let mut power = vec![value];
        for _ in 0..self.order {
            power = power
                .iter()
                .flat_map(|product| v.iter().map(move |v| *product * *v))
                .collect();
        }
        let pairs = self.entries.iter().zip(power);
        Self {
            entries: pairs.map(|(entry, power)| *entry - power).collect(),
            ..self.clone()
        }
    }

    /// The largest size of an entry.
    pub fn largest(&self) -> High {
        let sizes = self.entries.iter().map(|entry| entry.abs());
        sizes.reduce(High::max).unwrap_or(High::ZERO)
    }

    /// The values of a tensor that is diagonal; `None` for another.
    pub fn values(&self) -> Option<Vec<High>> {
        let step = (0..self.order).fold(0, |step, _| step * self.side + 1);
        let off = self
            .entries
            .iter()
            .enumerate()
            .any(|(k, t)| k % step != 0 && !t.is_zero());
        (!off).then(|| (0..self.side).map(|i| self.entries[i * step]).collect())
    }

    /// `q_j = lambda_j |v_j|^(p-2)`.
    pub fn ratios(&self, values: &[High], v: &DVector<High>) -> Vec<High> {
        let power = self.order as i64 - 2;
        let pairs = values.iter().zip(v.iter());
        pairs
            .map(|(value, v)| *value * v.abs().powi(power))
            .collect()
    }

    /// One rounding for each of the `64 (n + p)` operations behind an entry, at most.
    pub fn roundings(&self) -> Allowance<High> {
        let terms = 64 * (self.side + self.order) as i64;
        Allowance::new(
            High::int(terms) * unit(),
            "64 (n + p) roundings of the terms",
        )
    }

    /// `scale` times the unit `10^-30`, for what follows from one another in a few steps.
    pub fn steps(scale: High) -> Allowance<High> {
        Allowance::new(scale.abs().shifted(-30), "a few steps at 40 digits")
    }
}

/// Loss, gradient and Hessian at the point `(lambda, v)`, from the oracle.
pub fn evaluated(
    case: &Case<Given>,
    value: High,
    v: &DVector<High>,
) -> Result<Evaluation, CheckError> {
    let point: Vec<High> = std::iter::once(value).chain(v.iter().copied()).collect();
    Ok(Reference::of(&case.instance)?.evaluate(&DVector::from_vec(point))?)
}

/// The case's own point at 40 digits.
pub fn point(case: &Case<Given>) -> DVector<High> {
    lift_vector(&DVector::from_vec(case.instance.start()))
}
