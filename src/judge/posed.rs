//! An answer about any system: which reader takes it, and who judges it.

use std::path::Path;

use nalgebra::DVector;

use crate::instance::{Instance, InstanceError};
use crate::judge::{
    Answer, Asked, Judgement, NamedAnswer, Precision, judge, judge_outputs, judge_system,
    parse_answer, parse_named_answer, parse_outputs, read_answer, read_named_answer, read_outputs,
};
use crate::oracle::OracleError;
use crate::scalar::High;
use crate::system::{Asks, Given, Posed};

/// What somebody computed for an instance in some precision, beside the instance as that precision sees it.
#[derive(Debug)]
pub struct PosedAnswer {
    precision: Precision,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Logit(Instance, Box<Answer>),
    Named(Given, Box<NamedAnswer>),
    Outputs(Given, Vec<High>),
}

impl PosedAnswer {
    /// The answer in a file, or on standard input if the path is `-`; whatever does not fit is named with its place. In a lower
    /// precision the data of the instance and the point are rounded first, as the program that computed the answer must have
    /// done.
    pub fn read(path: &Path, posed: &Posed, precision: Precision) -> Result<Self, InstanceError> {
        Self::by(
            posed,
            precision,
            |instance| read_answer(path, instance),
            |given| read_named_answer(path, given),
            |given| read_outputs(path, given),
        )
    }

    /// [`read`](Self::read) from text; `name` is the file that messages mention and that relative paths start from.
    pub fn parse(
        text: &str,
        name: &Path,
        posed: &Posed,
        precision: Precision,
    ) -> Result<Self, InstanceError> {
        Self::by(
            posed,
            precision,
            |instance| parse_answer(text, name, instance),
            |given| parse_named_answer(text, name, given),
            |given| parse_outputs(text, name, given),
        )
    }

    /// By the reader for what the system asks.
    fn by(
        posed: &Posed,
        precision: Precision,
        logit: impl FnOnce(&Instance) -> Result<Answer, InstanceError>,
        named: impl FnOnce(&Given) -> Result<NamedAnswer, InstanceError>,
        outputs: impl FnOnce(&Given) -> Result<Vec<High>, InstanceError>,
    ) -> Result<Self, InstanceError> {
        let kind = match precision.round_posed(posed)? {
            Posed::Logit(instance) => {
                let answer = logit(&instance)?;
                Kind::Logit(instance, answer.into())
            }
            Posed::Other(given) => match given.system().asks {
                Asks::Loss | Asks::Zero => {
                    let answer = named(&given)?;
                    Kind::Named(given, answer.into())
                }
                Asks::Outputs(_) => {
                    let values = outputs(&given)?;
                    Kind::Outputs(given, values)
                }
            },
        };
        Ok(Self { precision, kind }.rounded())
    }

    fn rounded(mut self) -> Self {
        let x = match &mut self.kind {
            Kind::Logit(_, answer) => &mut answer.x,
            Kind::Named(_, answer) => &mut answer.x,
            Kind::Outputs(..) => return self,
        };
        if let Some(x) = x {
            *x = self.precision.round_point(x);
        }
        self
    }

    /// Judges it: [`judge`], [`judge_system`] or [`judge_outputs`], as the system asks. `digits` are those to ask for instead of
    /// as many as the precision can give, `near` is a point near the minimiser of a loss of logits, where one is known.
    pub fn judge(
        &self,
        digits: Option<f64>,
        near: Option<&DVector<High>>,
    ) -> Result<Judgement, OracleError> {
        let asked = Asked {
            digits,
            precision: self.precision,
        };
        match &self.kind {
            Kind::Logit(instance, answer) => judge(instance, answer, asked, near),
            Kind::Named(given, answer) => judge_system(given, answer, asked),
            Kind::Outputs(given, values) => judge_outputs(given, values, asked),
        }
    }
}
