//! Whole runs on a function of two unknowns whose steps are known.

use std::ops::ControlFlow;

use nalgebra::DMatrix;

use super::*;

/// `f = x^4 / 4 + x^3 / 10 - x^2 / 2 + cosh y`: a saddle at the origin, minima where `x^2 + 0.3 x = 1`. The model of second derivatives
/// takes those in x by their size.
struct Saddle;

struct Point {
    loss: f64,
    gradient: DVector<f64>,
    second: [f64; 2],
}

impl Reduced for Saddle {
    type Point = Point;

    fn name(&self) -> &'static str {
        "saddle"
    }

    fn at(&self, u: &DVector<f64>) -> Result<Point, EvaluationError> {
        let (x, y) = (u[0], u[1]);
        Ok(Point {
            loss: 0.25 * x.powi(4) + 0.1 * x.powi(3) - 0.5 * x * x + y.cosh(),
            gradient: DVector::from_column_slice(&[x.powi(3) + 0.3 * x * x - x, y.sinh()]),
            second: [3.0 * x * x + 0.6 * x - 1.0, y.cosh()],
        })
    }

    fn loss(&self, point: &Point) -> f64 {
        point.loss
    }

    fn gradient<'a>(&self, point: &'a Point) -> &'a DVector<f64> {
        &point.gradient
    }

    fn gradient_norm(&self, point: &Point) -> f64 {
        point.gradient.norm()
    }

    fn rounding(&self, point: &Point) -> f64 {
        1e-15 * point.gradient.norm()
    }

    fn curvature<'a>(&'a self, point: &'a Point, which: Curvature) -> Second<'a> {
        let [x, y] = point.second;
        let x = if which == Curvature::Exact {
            x
        } else {
            x.abs()
        };
        Second::Matrix(DMatrix::from_row_slice(2, 2, &[x, 0.0, 0.0, y]))
    }

    fn diverged(&self, _point: &Point) -> Option<String> {
        None
    }
}

/// Down the valley of `x = 0` the shift falls from step to step; beyond the saddle nothing is known of the model, and it is what it was at
/// the start.
#[test]
fn beyond_a_saddle_the_shift_begins_anew() {
    let mut go_on = |_: &TraceEntry| ControlFlow::Continue(());
    let mut watch = Watch::new(&mut go_on);
    let start = DVector::from_column_slice(&[0.0, 2.0]);
    let end = minimise(&Saddle, start, &Settings::default(), &mut watch).unwrap();
    assert_eq!(end.outcome, Outcome::Converged);
    // x^2 + 0.3 x = 1 on either side.
    let root = |sign: f64| -0.15 + sign * (0.0225f64 + 1.0).sqrt();
    let off = (end.u[0] - root(1.0))
        .abs()
        .min((end.u[0] - root(-1.0)).abs());
    assert!(off < 1e-8 && end.u[1].abs() < 1e-8, "{}", end.u);
    let trace = watch.trace();
    let shifts: Vec<f64> = trace[1..].iter().map(|entry| entry.shift).collect();
    let left = shifts.iter().position(|shift| *shift == 0.0).unwrap();
    assert!(left >= 3, "{shifts:?}");
    for (k, shift) in shifts[..left].iter().enumerate() {
        let expected = FIRST_SHIFT * 0.1f64.powi(k as i32);
        assert!((shift / expected - 1.0).abs() < 1e-12, "{shifts:?}");
    }
    assert_eq!(shifts[left + 1], FIRST_SHIFT, "{shifts:?}");
}
