//! What the tests of the linear systems share.

use std::ops::ControlFlow;
use std::path::Path;

use crate::production::{Settings, Solution, SystemError, solve_system};
use crate::scalar::High;
use crate::system::{Given, Posed, parse};

/// The instance of this manifest.
pub(in crate::production::systems) fn given(manifest: &str) -> Given {
    match parse(manifest, Path::new("test.json")) {
        Ok(Posed::Other(given)) => given,
        other => panic!("{other:?}"),
    }
}

/// Its answer by this method, watched by nobody.
pub(in crate::production::systems) fn solved(
    given: &Given,
    method: &str,
    settings: &Settings,
) -> Result<Solution, SystemError> {
    solve_system(given, None, method, settings, &mut |_| {
        ControlFlow::Continue(())
    })
    .map(|(solution, _)| solution)
}

/// `|| x - x* ||` for the decimal digits of x*, and `|| x* ||`.
pub(in crate::production::systems) fn distance(x: &[f64], exact: &[String]) -> (f64, f64) {
    let (mut off, mut size) = (High::ZERO, High::ZERO);
    for (found, text) in x.iter().zip(exact) {
        let value = High::parse(text).unwrap();
        off += (High::lift(*found).unwrap() - value).square();
        size += value.square();
    }
    (off.sqrt().to_f64(), size.sqrt().to_f64())
}
