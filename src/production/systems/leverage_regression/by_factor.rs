//! One triangular factor for all right sides.
//!
//! ```text
//! v = A'b    N y = v by two triangular solves, refined    || y - x* || <= (|| v - A'b || + || v - N y ||) / lambda_min(N)
//! ```
//!
//! with residuals in twice the precision, so that x is right to its last digit where N is definite in f64 at all.

use super::KEY;
use super::by_gram::{self, ByGram};
use super::problem::{Problem, by_rows, columns, right_sides};
use super::{deficient, excess};
use crate::production::Outcome;
use crate::production::double::Double;
use crate::production::error_bound::SLACK;
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::answer::{self, Ending, Values, begin, unknowns};
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::linear::triangular::Triangular;
use crate::production::systems::linear::vector::{Map, ScaledVector};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;

const NOT_ASKED_FOR: &str = "none: not asked for";

/// Triangular solves.
pub(crate) struct ByFactor;

impl Method for ByFactor {
    fn name(&self) -> &'static str {
        "triangular-factor"
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as f64);
        Ok(n * d * d + right_sides(given) as f64 * n * d)
    }

    fn proves(&self) -> bool {
        true
    }

    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let zero = vec![0.0; given.layout().dimension()];
        let by_gram = ByGram::of(given, settings.certify);
        if let Some(by_gram) = &by_gram {
            let start = by_gram.start();
            if begin(watch, self.name(), start.loss.get(), start.start.get()) {
                return Ok(answer::reached(&start, answer::interrupted(zero)));
            }
            if let Some(found) = by_gram.solve(settings.certify) {
                return Ok(reached(found, self.name(), settings, watch));
            }
        }
        let problem = Problem::of(given);
        let map = problem.map();
        if by_gram.is_none() {
            let start = problem.values(&map, &columns(&zero, problem.targets.len()), false);
            if begin(watch, self.name(), start.loss.get(), start.start.get()) {
                return Ok(answer::reached(&start, answer::interrupted(zero)));
            }
        }
        let Some(factor) = problem.factor(settings.seed, settings.certify) else {
            return deficient::solve(&problem, &map);
        };
        let mut found = solve(&problem, &map, &factor, settings.certify)?;
        let mut values = problem.values(&map, &found.columns(), settings.certify);
        if !settings.certify && !values.outcome(settings.tolerance).is_success() {
            found = solve(&problem, &map, &factor, true)?;
            values = problem.values(&map, &found.columns(), true);
        }
        let outcome = values.outcome(settings.tolerance);
        let shown = [values.loss.get(), values.gradient.get(), 0.0];
        watch.sees(answer::entry(self.name(), 1, shown, 2.0));
        let (error_bound, basis) = if settings.certify {
            found.bound(&factor)
        } else {
            (None, NOT_ASKED_FOR.to_owned())
        };
        let mut warnings = warnings(&values, outcome);
        if settings.certify {
            warnings.extend(excess::remark(&problem, &map, &factor, &found.columns()));
        }
        let ending = Ending {
            outcome,
            x: found.x(),
            iterations: 1,
            error_bound,
            basis,
            warnings,
        };
        Ok(answer::reached(&values, ending))
    }
}

/// The end of a run in two passes.
fn reached(
    found: by_gram::Found,
    name: &'static str,
    settings: &Settings,
    watch: &mut Watch<'_>,
) -> Reached {
    let values = found.values;
    let outcome = values.outcome(settings.tolerance);
    let shown = [values.loss.get(), values.gradient.get(), 0.0];
    watch.sees(answer::entry(name, 1, shown, found.passes as f64));
    let basis = if settings.certify {
        by_gram::BASIS
    } else {
        NOT_ASKED_FOR
    };
    let ending = Ending {
        outcome,
        x: found.x,
        iterations: 1,
        error_bound: found.error_bound,
        basis: basis.to_owned(),
        warnings: warnings(&values, outcome),
    };
    answer::reached(&values, ending)
}

fn warnings(values: &Values, outcome: Outcome) -> Vec<String> {
    if outcome == Outcome::LineSearchStalled {
        vec![format!(
            "refinement ended with a gradient of {:.1e} times that at x = 0: the condition number of A is too high",
            values.gradient.over(values.start)
        )]
    } else {
        Vec::new()
    }
}

/// Columns of x in f64, and bounds of what each is off by.
pub(super) struct Found {
    by_columns: Vec<Vec<f64>>,
    errors: Vec<Scaled>,
}

impl Found {
    /// x by rows.
    pub(super) fn x(&self) -> Vec<f64> {
        by_rows(&self.by_columns)
    }

    /// Its columns.
    pub(super) fn columns(&self) -> Vec<ScaledVector> {
        self.by_columns
            .iter()
            .map(|column| ScaledVector::of(column))
            .collect()
    }

    /// A bound of `|| x - x* ||_F`, and what it rests on.
    fn bound(&self, factor: &Triangular) -> (Option<f64>, String) {
        let squares = self.errors.iter().map(|error| error.times(*error));
        let total = squares.fold(Scaled::of(0.0), Scaled::plus).root();
        // Entries of x that became subnormal are off by half of the smallest number.
        let entries: usize = self.by_columns.iter().map(Vec::len).sum();
        let bound = total.get() * SLACK + f64::from_bits(1) * (entries as f64).sqrt();
        if !bound.is_finite() {
            let why =
                "none: no lower bound of the lowest eigenvalue of A'A + lambda I could be proven";
            return (None, why.to_owned());
        }
        let basis = format!(
            "residuals in twice the precision, over a proven lower bound of the lowest eigenvalue of A'A + lambda I, factored by {}",
            factor.made
        );
        (Some(bound), basis)
    }
}

/// Every column, by plain solves or by refined ones; errors are infinite for plain ones.
pub(super) fn solve(
    problem: &Problem,
    map: &Map<'_>,
    factor: &Triangular,
    refined: bool,
) -> Result<Found, Refusal> {
    let mut found = Found {
        by_columns: Vec::new(),
        errors: Vec::new(),
    };
    for c in 0..problem.targets.len() {
        let (v, off) = problem.projected(map, c, refined);
        let (y, left) = problem.with_normal(|normal| normal.solve(factor, &v.vector, refined));
        let tail = y.tail();
        let Double { high, .. } = y;
        let exponent = v.exponent - 2 * problem.exponent;
        found.by_columns.push(unknowns(&high, exponent)?);
        found.errors.push(Scaled {
            value: ((off + left) / factor.lowest + tail) * SLACK,
            exponent,
        });
    }
    Ok(found)
}
