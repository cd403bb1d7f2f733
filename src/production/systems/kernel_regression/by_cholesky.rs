//! The kernel by a Cholesky factorisation of the equilibrated matrix.

use super::KEY;
use super::by_conjugate_gradients::iterate;
use super::equilibrated::{Equilibrated, Scaling};
use super::proof::LARGEST_ORDER;
use super::refined::{self, Correction, Way};
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;

/// How many multiply-adds of a factorisation take the time of one of a product with the stored kernel, which waits for memory.
const FASTER: f64 = 8.0;

/// Cholesky's factorisation for the kernel.
pub(crate) struct ByCholesky;

impl Method for ByCholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        true
    }

    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let scaling = Scaling::of(given)?;
        let order = scaling.order_within(LARGEST_ORDER, "a Cholesky factorisation")?;
        Ok((order as f64).powi(3) / 3.0 / FASTER)
    }

    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let problem = Equilibrated::of(Scaling::of(given)?);
        let factor = Cholesky::new(&problem.matrix);
        let correct = |r: &[f64], products: usize, watch: &mut Watch<'_>| match &factor {
            Some(factor) => Correction {
                step: factor.solve(r),
                products: 1,
                ended: None,
            },
            None => iterate(&problem, None, r, (products, settings), watch),
        };
        let way = Way {
            method: self.name(),
            correct: &correct,
            factor: factor.as_ref(),
            singular: factor.is_none(),
        };
        Ok(refined::run(&problem, &way, settings, watch))
    }
}
