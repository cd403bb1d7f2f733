//! Rounds of local gradient steps, and the point where they come to rest, at 40 digits.

use nalgebra::{DMatrix, DVector};

use crate::oracle::{OracleError, Reference};
use crate::scalar::High;
use crate::system::{Given, clients};

/// Newton steps before giving up.
const STEP_LIMIT: usize = 60;

/// Clients that make K steps `x <- x - eta grad L_c(x)` each.
pub struct LocalSteps {
    clients: Vec<Reference>,
    step: High,
    steps: usize,
}

/// Where rounds come to rest.
#[derive(Clone, Debug)]
pub struct RestPoint {
    /// The point (d).
    pub x: DVector<High>,
    /// `|| 1/N sum_c T_c^K(x) - x ||` there.
    pub movement: High,
}

impl LocalSteps {
    /// Of the clients of a federated problem, with a step eta and a number of steps K. An error for another system, or where a client's
    /// graph would be too large.
    pub fn of(given: &Given, step: High, steps: usize) -> Result<Self, OracleError> {
        let instances = clients(given).unwrap_or_default();
        if instances.is_empty() {
            return Err(OracleError::NoDefinition {
                system: given.system().key,
            });
        }
        let clients: Result<Vec<Reference>, OracleError> =
            instances.iter().map(Reference::new).collect();
        Ok(Self {
            clients: clients?,
            step,
            steps,
        })
    }

    /// Each client's loss.
    pub fn clients(&self) -> &[Reference] {
        &self.clients
    }

    /// `T_c^K(x)` (d) for one client.
    pub fn run(&self, client: usize, x: &DVector<High>) -> Result<DVector<High>, OracleError> {
        let mut y = x.clone();
        for _ in 0..self.steps {
            let (_, gradient) = self.clients[client].loss_and_gradient(&y)?;
            y -= gradient * self.step;
        }
        Ok(y)
    }

    /// `1/N sum_c T_c^K(x)` (d), the x of the next round.
    pub fn round(&self, x: &DVector<High>) -> Result<DVector<High>, OracleError> {
        let mut sum = DVector::zeros(x.len());
        for c in 0..self.clients.len() {
            sum += self.run(c, x)? - x;
        }
        Ok(x + sum / self.count())
    }

    /// The fixed point of [`round`](Self::round), by Newton's method on `1/N sum_c (T_c^K(x) - x) = 0` from `start`. The derivative of a
    /// local run is `(I - eta H_K-1) .. (I - eta H_0)`, `H_k` the Hessian at its k-th point. Ends where rounding stops the
    /// progress.
    ///
    /// [`OracleError::NoMinimiser`] where the derivative is singular or the movement does not fall.
    pub fn rest(&self, start: &DVector<High>) -> Result<RestPoint, OracleError> {
        let mut x = start.clone();
        let (mut movement, mut derivative) = self.movement(&x)?;
        for iterations in 0..STEP_LIMIT {
            let size = movement.norm();
            let refused = |reason: &str| OracleError::NoMinimiser {
                reason: reason.to_owned(),
                iterations,
                gradient_norm: size.to_f64(),
            };
            if size.is_zero() {
                return Ok(RestPoint { x, movement: size });
            }
            let step = derivative
                .lu()
                .solve(&movement)
                .ok_or_else(|| refused("the derivative of a round of local steps is singular"))?;
            let next = &x - step;
            let (after, next_derivative) = self.movement(&next)?;
            if after.norm() * High::int(2) > size {
                // At the start a step that helps nothing is no rounding.
                let settled = size <= (High::ONE + x.norm()).shifted(-30);
                return if settled {
                    Ok(RestPoint { x, movement: size })
                } else {
                    Err(refused(
                        "Newton's method does not find where the rounds come to rest",
                    ))
                };
            }
            (x, movement, derivative) = (next, after, next_derivative);
        }
        Err(OracleError::NoMinimiser {
            reason: "Newton's method takes too many steps to where the rounds come to rest"
                .to_owned(),
            iterations: STEP_LIMIT,
            gradient_norm: movement.norm().to_f64(),
        })
    }

    /// `1/N sum_c (T_c^K(x) - x)` and its derivative.
    fn movement(&self, x: &DVector<High>) -> Result<(DVector<High>, DMatrix<High>), OracleError> {
        let d = x.len();
        let mut movement = DVector::zeros(d);
        let mut derivative = DMatrix::zeros(d, d);
        for client in &self.clients {
            let mut y = x.clone();
            let mut own = DMatrix::identity(d, d);
            for _ in 0..self.steps {
                let here = client.evaluate(&y)?;
                own -= here.hessian * &own * self.step;
                y -= here.gradient * self.step;
            }
            movement += y - x;
            derivative += own - DMatrix::identity(d, d);
        }
        Ok((movement / self.count(), derivative / self.count()))
    }

    fn count(&self) -> High {
        High::int(self.clients.len() as i64)
    }
}
