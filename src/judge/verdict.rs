//! A whole answer judged.

use std::cell::OnceCell;

use nalgebra::DVector;
use serde::Serialize;

use crate::instance::Instance;
use crate::judge::answer::Answer;
use crate::judge::approximation::Approximation;
use crate::judge::diagnosis::{Diagnoses, Diagnosis, Suspects};
use crate::judge::precision::Asked;
use crate::judge::score::{Score, score};
use crate::judge::truth::Truth;
use crate::judge::{diagnosis, minimiser};
use crate::oracle::{OracleError, Reference, lift_vector};
use crate::scalar::High;

/// What is known about an answer. A quantity that was not given has no score.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Judgement {
    /// Whether everything that was given has the digits that are asked for.
    pub passed: bool,
    /// `L(x)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Score>,
    /// `grad L(x)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient: Option<Score>,
    /// `Hess L(x)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hessian: Option<Score>,
    /// `x*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimiser: Option<Score>,
    /// The outputs of a system without unknowns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Score>,
    /// A point whose loss is to be within the system's accuracy of the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximation: Option<Approximation>,
    /// Known mistakes that explain what is wrong; also that a minimiser belongs to another local minimum.
    pub diagnosis: Vec<Diagnosis>,
}

impl Judgement {
    /// The scores that are there, with their names.
    pub fn scores(&self) -> impl Iterator<Item = (&'static str, &Score)> {
        [
            ("loss", &self.loss),
            ("gradient", &self.gradient),
            ("hessian", &self.hessian),
            ("minimiser", &self.minimiser),
            ("outputs", &self.outputs),
        ]
        .into_iter()
        .filter_map(|(name, score)| score.as_ref().map(|score| (name, score)))
    }
}

/// Judges an answer. `asked` says for what: its precision is that of the instance's numbers, too, which
/// [`PosedAnswer`](crate::judge::PosedAnswer) sees to. `near` is a point near the
/// minimiser where one is known, which saves the search from the start.
///
/// A minimiser where none can be proven to be isolated is judged by its gradient and the sign of the curvature.
///
/// An error of the oracle if the loss has no value or no derivative at the answer's point.
pub fn judge(
    instance: &Instance,
    answer: &Answer,
    asked: Asked,
    near: Option<&DVector<High>>,
) -> Result<Judgement, OracleError> {
    let precision = asked.precision;
    let reference = Reference::new(instance)?;
    let start = lift_vector(&instance.start());
    let x = answer.x.as_ref().unwrap_or(&start);
    let mut verdict = Judgement::default();
    let mut named = Diagnoses::default();
    // Mistakes are recomputed only where something is wrong.
    let suspects = OnceCell::new();
    let suspects = || suspects.get_or_init(|| Suspects::at(instance, &reference, x));

    if answer.loss.is_some() || answer.gradient.is_some() || answer.hessian.is_some() {
        let values = reference.enclose(x, High::ZERO)?;
        let place = diagnosis::Place {
            reference: &reference,
            x,
            rows: instance.rows(),
        };
        let mut judged = |truth: Truth, given: &[High]| {
            let score = score(&truth, given, asked.digits);
            if !score.passed {
                named.extend(
                    truth.name,
                    diagnosis::of_value(&truth, given, &score, suspects(), place),
                );
            }
            score
        };
        verdict.loss = answer.loss.map(|loss| {
            judged(
                Truth::loss(instance, &reference, x, &values, precision),
                &[loss],
            )
        });
        verdict.gradient = answer.gradient.as_ref().map(|gradient| {
            judged(
                Truth::gradient(instance, &values, precision),
                gradient.as_slice(),
            )
        });
        verdict.hessian = answer.hessian.as_ref().map(|hessian| {
            // Row by row, as the oracle lists its own.
            judged(
                Truth::hessian(instance, &values, precision),
                hessian.transpose().as_slice(),
            )
        });
    }
    if let Some(given) = &answer.minimiser {
        let judged = minimiser::judge(instance, &reference, near, given, asked)?;
        if let Some(text) = judged.other {
            named.add("minimiser", "another-minimum", text);
        } else if let Some(truth) = &judged.truth
            && !judged.score.passed
        {
            let found = diagnosis::of_minimiser(instance, &reference, truth, given, &judged.score);
            named.extend("minimiser", found);
        }
        verdict.minimiser = Some(judged.score);
    }
    let passed = verdict.scores().all(|(_, score)| score.passed);
    verdict.passed = passed;
    verdict.diagnosis = named.list();
    Ok(verdict)
}
