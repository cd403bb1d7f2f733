//! An answer about any system: which reader takes it, and who judges it.

use std::path::Path;

use nalgebra::DVector;

use crate::instance::InstanceError;
use crate::judge::{
    Answer, Judgement, NamedAnswer, judge, judge_outputs, judge_system, parse_answer,
    parse_named_answer, parse_outputs, read_answer, read_named_answer, read_outputs,
};
use crate::oracle::OracleError;
use crate::scalar::High;
use crate::system::{Asks, Posed};

/// What somebody computed for an instance, read as its system wants it, beside the instance.
#[derive(Debug)]
pub struct PosedAnswer<'a>(Kind<'a>);

#[derive(Debug)]
enum Kind<'a> {
    Logit(&'a crate::instance::Instance, Box<Answer>),
    Named(&'a crate::system::Given, Box<NamedAnswer>),
    Outputs(&'a crate::system::Given, Vec<High>),
}

impl<'a> PosedAnswer<'a> {
    /// The answer in a file, or on standard input if the path is `-`; whatever does not fit is named with its place.
    pub fn read(path: &Path, posed: &'a Posed) -> Result<Self, InstanceError> {
        Ok(Self(match posed {
            Posed::Logit(instance) => Kind::Logit(instance, read_answer(path, instance)?.into()),
            Posed::Other(given) => match given.system().asks {
                Asks::Loss => Kind::Named(given, read_named_answer(path, given)?.into()),
                Asks::Outputs(_) => Kind::Outputs(given, read_outputs(path, given)?),
            },
        }))
    }

    /// [`read`](Self::read) from text; `name` is the file that messages mention and that relative paths start from.
    pub fn parse(text: &str, name: &Path, posed: &'a Posed) -> Result<Self, InstanceError> {
        Ok(Self(match posed {
            Posed::Logit(instance) => {
                Kind::Logit(instance, parse_answer(text, name, instance)?.into())
            }
            Posed::Other(given) => match given.system().asks {
                Asks::Loss => Kind::Named(given, parse_named_answer(text, name, given)?.into()),
                Asks::Outputs(_) => Kind::Outputs(given, parse_outputs(text, name, given)?),
            },
        }))
    }

    /// Judges it: [`judge`], [`judge_system`] or [`judge_outputs`], as the system asks. `near` is a point near the
    /// minimiser of a loss of logits, where one is known.
    pub fn judge(
        &self,
        asked: Option<f64>,
        near: Option<&DVector<High>>,
    ) -> Result<Judgement, OracleError> {
        match &self.0 {
            Kind::Logit(instance, answer) => judge(instance, answer, asked, near),
            Kind::Named(given, answer) => judge_system(given, answer, asked),
            Kind::Outputs(given, values) => judge_outputs(given, values, asked),
        }
    }
}
