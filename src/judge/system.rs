//! Answers about systems whose unknowns have names.
//!
//! ```text
//! { "x": {"X": [[..]], "Y": [[..]]}, "loss": 0.25, "gradient": {"X": .., "Y": ..}, "hessian": [[..]], "minimiser": {"X": .., "Y": ..} }
//! ```
//!
//! A system that names an accuracy also takes an `"approximation"`: a point whose loss is to be within it.
//!
//! The rows and columns of the Hessian are the entries of all unknowns, one unknown after the other, row by row. A point may
//! be the name of a `.npz` beside the answer, with one array for each unknown; an answer that is such a file, or a `.npy` of
//! the only unknown, is a minimiser. Numbers are read as in other answers: an f64, or a decimal string to 40 digits.

use std::path::Path;

use nalgebra::{DMatrix, DVector};

use crate::instance::InstanceError;
use crate::instance::files::{has_suffix, read_text, shown};
use crate::judge::approximation;
use crate::judge::diagnosis::{Diagnosis, FewDigits};
use crate::judge::digits::largest;
use crate::judge::minimiser::at_rest;
use crate::judge::precision::{Asked, Precision};
use crate::judge::reader::Reader;
use crate::judge::score::{Score, score};
use crate::judge::truth::{Shape, Truth};
use crate::judge::verdict::Judgement;
use crate::oracle::{Enclosure, Evaluation, OracleError, Reference, lift_vector};
use crate::scalar::High;
use crate::system::{Asks, Given, Layout, read_unknowns};

/// What somebody computed for one system. Shapes fit, every number is finite.
#[derive(Clone, Debug, Default)]
pub struct NamedAnswer {
    /// Where loss, gradient and Hessian were taken; the start if absent.
    pub x: Option<DVector<High>>,
    /// The loss.
    pub loss: Option<High>,
    /// Its gradient.
    pub gradient: Option<DVector<High>>,
    /// Its Hessian.
    pub hessian: Option<DMatrix<High>>,
    /// A minimiser.
    pub minimiser: Option<DVector<High>>,
    /// A point whose loss is to be within the system's accuracy of the least.
    pub approximation: Option<DVector<High>>,
}

const KEYS: [&str; 6] = [
    "x",
    "loss",
    "gradient",
    "hessian",
    "minimiser",
    "approximation",
];

impl NamedAnswer {
    /// Whether it has anything that takes derivatives at 40 digits.
    fn asks_the_oracle(&self) -> bool {
        self.loss.is_some()
            || self.gradient.is_some()
            || self.hessian.is_some()
            || self.minimiser.is_some()
    }
}

/// Reads an answer about this system, from standard input if the path is `-`; whatever does not fit is named with its place.
pub fn read_named_answer(path: &Path, given: &Given) -> Result<NamedAnswer, InstanceError> {
    if has_suffix(path, "npy") && given.layout().parts().count() == 1 {
        let x = read_unknowns(path, given)?;
        return Ok(NamedAnswer {
            minimiser: Some(lift_vector(&DVector::from_vec(x))),
            ..NamedAnswer::default()
        });
    }
    if has_suffix(path, "npz") {
        let reader = Reader {
            path,
            layout: given.layout(),
        };
        return Ok(NamedAnswer {
            minimiser: Some(reader.archive(path)?),
            ..NamedAnswer::default()
        });
    }
    parse_named_answer(&read_text(path)?, shown(path), given)
}

/// [`read_named_answer`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse_named_answer(
    text: &str,
    name: &Path,
    given: &Given,
) -> Result<NamedAnswer, InstanceError> {
    let reader = Reader {
        path: name,
        layout: given.layout(),
    };
    let fields = reader.fields(text, &KEYS)?;
    let point = |key: &str| {
        fields
            .get(key)
            .map(|value| reader.point(key, value))
            .transpose()
    };
    let answer = NamedAnswer {
        x: point("x")?,
        loss: fields
            .get("loss")
            .map(|value| reader.number("loss", value))
            .transpose()?,
        gradient: point("gradient")?,
        hessian: fields
            .get("hessian")
            .map(|value| reader.hessian(value))
            .transpose()?,
        minimiser: point("minimiser")?,
        approximation: point("approximation")?,
    };
    if answer.approximation.is_some() && given.array("accuracy").is_none() {
        return Err(reader.refusal(format!(
            "approximation: system \"{}\" names no accuracy",
            given.system().key
        )));
    }
    if !KEYS[1..].iter().any(|key| fields.contains_key(*key)) {
        return Err(reader.refusal(
            "nothing to check: at least one of loss, gradient, hessian, minimiser is needed"
                .to_owned(),
        ));
    }
    Ok(answer)
}

/// Judges an answer. `asked` says for what: its precision is that of the numbers given, too.
///
/// A minimiser is judged by its gradient and the sign of the curvature: that of these systems need not be unique. Where a zero is asked
/// for, its loss must be 0, too, as far as rounding the point allows.
///
/// An error of the oracle if the loss has no value or no derivative at the answer's point, or its graph would not fit.
pub fn judge_system(
    given: &Given,
    answer: &NamedAnswer,
    asked: Asked,
) -> Result<Judgement, OracleError> {
    let mut verdict = Judgement {
        approximation: answer
            .approximation
            .as_ref()
            .map(|point| approximation::judge(given, point)),
        ..Judgement::default()
    };
    if !answer.asks_the_oracle() {
        verdict.passed = verdict.approximation.iter().all(|found| found.passed);
        return Ok(verdict);
    }
    let reference = Reference::of(given)?;
    let layout = given.layout();
    let start = lift_vector(&DVector::from_vec(given.start()));
    let x = answer.x.as_ref().unwrap_or(&start);
    let mut halved: Vec<&'static str> = Vec::new();
    if answer.loss.is_some() || answer.gradient.is_some() || answer.hessian.is_some() {
        let values = reference.enclose(x, High::ZERO)?;
        let [loss, gradient, hessian] = truths(given, &reference, x, &values, asked.precision);
        let mut judged = |truth: &Truth, found: &[High]| {
            let given = score(truth, found, asked.digits);
            let two = High::int(2);
            let twice = match FewDigits::of(truth, found, &given) {
                Some(few) => {
                    let doubled: Vec<High> = truth.values.iter().map(|v| *v * two).collect();
                    few.tell(&doubled, 1, truth.values.len())
                }
                None => {
                    let half: Vec<High> = found.iter().map(|value| *value / two).collect();
                    score(truth, &half, asked.digits).passed
                }
            };
            if !given.passed && twice {
                halved.push(truth.name);
            }
            with_names(given, &layout)
        };
        verdict.loss = answer.loss.map(|found| judged(&loss, &[found]));
        verdict.gradient = answer
            .gradient
            .as_ref()
            .map(|found| judged(&gradient, found.as_slice()));
        verdict.hessian = answer.hessian.as_ref().map(|found| {
            // Row by row, as the oracle lists its own.
            let rows = found.transpose();
            judged(&hessian, rows.as_slice())
        });
    }
    if let Some(found) = &answer.minimiser {
        let values = reference.enclose(found, High::ZERO)?;
        let here = reference.evaluate(found)?;
        let none = stationary(given, found, &values, &here, asked.precision);
        let why = "that of this system need not be unique";
        let mut score = at_rest(&none, &values, &here, found, asked.digits, why)?;
        if !is_zero_where_asked(given, &reference, found, asked) {
            score.passed = false;
            score.reason = format!(
                "the system asks for a zero of its loss, which is {} here; {}",
                here.loss.scientific(3),
                score.reason
            );
        }
        verdict.minimiser = Some(with_names(score, &layout));
    }
    if !halved.is_empty() {
        verdict.diagnosis.push(Diagnosis {
            id: "factor-half",
            text:
                "twice the right value: the loss without its factor 1/2, as the abstracts print it"
                    .to_owned(),
            quantities: halved,
        });
    }
    let scored = verdict.scores().all(|(_, score)| score.passed);
    verdict.passed = scored && verdict.approximation.iter().all(|found| found.passed);
    Ok(verdict)
}

/// Whether the loss at `x` is 0 where the system asks for that: whether its enclosure over the points that are as far from x as rounding,
/// or the digits that are asked for, may take it reaches 0.
pub(super) fn is_zero_where_asked(
    given: &Given,
    reference: &Reference,
    x: &DVector<High>,
    asked: Asked,
) -> bool {
    match given.system().asks {
        Asks::Loss | Asks::Outputs(_) => return true,
        Asks::Zero => {}
    }
    let digits = asked.digits.map_or(High::ZERO, |digits| {
        High::lift(10f64.powf(-digits)).unwrap_or(High::ZERO)
    });
    // Each of the operations behind an entry of the equations is rounded as well.
    let count = High::int(given.layout().dimension() as i64 + 8);
    let width = largest(x.as_slice()).max(High::ONE) * asked.precision.unit().max(digits) * count;
    reference
        .enclose(x, width)
        .is_ok_and(|values| values.loss.midpoint() <= values.loss.radius())
}

/// Loss, gradient and Hessian at `x`, which `values` enclose, with what f64 can be asked for.
pub(super) fn truths(
    given: &Given,
    reference: &Reference,
    x: &DVector<High>,
    values: &Enclosure,
    precision: Precision,
) -> [Truth; 3] {
    let (d, underflow) = (x.len(), underflow(given, precision));
    let more = of_a_perfect_fit(given, reference, x, values.loss.midpoint(), precision);
    let enclosed = |name, dimensions, balls: &[_], more: &[High]| {
        let shape = Shape {
            name,
            dimensions,
            d,
            precision,
        };
        Truth::enclosed(shape, balls, more, underflow)
    };
    [
        enclosed("loss", 0, &[values.loss], &[more]),
        enclosed("gradient", 1, &values.gradient, &[]),
        enclosed("hessian", 2, &values.hessian, &[]),
    ]
}

/// The zero gradient at a minimiser that was rounded to f64, where the oracle's values are these.
pub(super) fn stationary(
    given: &Given,
    x: &DVector<High>,
    values: &Enclosure,
    here: &Evaluation,
    precision: Precision,
) -> Truth {
    let shape = Shape {
        name: "minimiser",
        dimensions: 1,
        d: x.len(),
        precision,
    };
    Truth::stationary(shape, x, values, here, underflow(given, precision))
}

/// The worst entry by its name: `X[2, 1]`, or `X[2, 1], Y[0, 0]` in a Hessian.
fn with_names(mut score: Score, layout: &Layout) -> Score {
    let names: Option<Vec<String>> = score
        .worst
        .entry
        .iter()
        .map(|index| layout.entry(*index))
        .collect();
    score.worst.name = names
        .filter(|names| !names.is_empty())
        .map(|names| format!(" {}", names.join(", ")));
    score
}

/// What flushing to zero can do: each of the products that make an entry loses less than the smallest normal number,
/// which enters with at most four others.
fn underflow(given: &Given, precision: Precision) -> High {
    let arrays = given.system().given.iter();
    let sizes = arrays.filter_map(|slot| given.array(slot.name));
    let largest = sizes
        .flat_map(|array| array.values().iter())
        .filter(|value| value.is_finite())
        .fold(1.0_f64, |most, value| most.max(value.abs()));
    let entries = High::int(1 + given.layout().dimension() as i64);
    precision.smallest() * entries * High::lift(largest).unwrap_or(High::ONE).square().square()
}

/// A loss that is nearly zero is a square of what rounding leaves of a residual: of second order in the unit. Where that
/// may matter, the loss is enclosed over a box of points as wide as f64 rounds the unknowns and sums of them.
fn of_a_perfect_fit(
    given: &Given,
    reference: &Reference,
    x: &DVector<High>,
    loss: High,
    precision: Precision,
) -> High {
    /// The second order counts where the residual is below some 10^8 roundings.
    const PERFECT_EXPONENT: i64 = -16;
    if loss.abs() > High::ONE.shifted(PERFECT_EXPONENT) {
        return High::ZERO;
    }
    let width = largest(x.as_slice()).max(High::ONE)
        * precision.unit()
        * High::int(given.layout().dimension() as i64 + 1);
    // Where the box holds a pole, no loss is nearly zero.
    reference
        .enclose(x, width)
        .map_or(High::ZERO, |values| values.loss.radius())
}
