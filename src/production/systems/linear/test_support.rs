//! What the tests of the linear systems share.

use std::ops::ControlFlow;
use std::path::Path;

use crate::instance::sample;
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

/// Whole numbers a and b, one column and its right side, whose product is `left`, from 1 to 9, while its terms are 2^100 times as large:
/// more than two f64 hold. And the digits of `a'b / a'a`.
pub(in crate::production::systems) fn cancelling(seed: u64) -> (Vec<i64>, Vec<i64>, String) {
    let mut rng = sample::stream(seed, "cancelling", 0);
    let mut a: Vec<i64> = (0..7)
        .map(|_| sample::integer(&mut rng, 1 << 52, (1 << 53) - 16))
        .collect();
    let product = |a: &[i64], b: &[i64]| -> i128 {
        a.iter()
            .zip(b)
            .map(|(a, b)| i128::from(*a) * i128::from(*b))
            .sum()
    };
    // Of 53 digits each, so that the tails of products have to be rounded, too.
    let mut b = loop {
        let mut b: Vec<i64> = (0..6)
            .map(|_| sample::integer(&mut rng, -(1 << 53), 1 << 53))
            .collect();
        let last = -(product(&a, &b) / i128::from(a[6]));
        if last.abs() <= 1 << 53 {
            b.push(last as i64);
            break b;
        }
    };
    let left = sample::integer(&mut rng, 1, 9);
    a.push(1);
    let rest = product(&a, &b);
    b.push(left - rest as i64);
    assert_eq!(product(&a, &b), i128::from(left));
    let square = High::parse(&product(&a, &a).to_string()).unwrap();
    (a, b, (High::int(left) / square).to_string())
}
