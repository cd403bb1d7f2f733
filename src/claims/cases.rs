//! Which cases a claim is checked on: how they are drawn, and which strata they belong to.

use crate::claims::real::real_cases;
use crate::claims::{Case, CheckError, Family, Origin, Stratum};
use crate::instance::Instance;
use crate::instance::sample::Stream;
use crate::system::{Array, Given, System};

/// How the cases of a claim are drawn, for one kind of instance.
pub trait Cases: Sync {
    /// What is drawn: the loss of logits, or the arrays of another system.
    type Instance: Clone;

    /// Whether a statement about these cases is about this instance: a question of its system (and activation), not of its
    /// numbers.
    fn speak_of(&self, instance: &Self::Instance) -> bool;

    /// Random cases in a default run.
    fn count(&self) -> usize;

    /// Random case number `index`.
    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Self::Instance>, CheckError>;

    /// The hand list of edge cases.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Self::Instance>>, CheckError>;

    /// Real data, so many rows of each; none unless an implementation has some.
    fn real(&self, _rows: usize, _seed: u64) -> Vec<Result<Case<Self::Instance>, CheckError>> {
        Vec::new()
    }

    /// The strata that a case belongs to, measured on the instance itself.
    fn strata(&self, case: &Case<Self::Instance>) -> Vec<Stratum>;
}

/// Edge cases: each shape in so many turns, drawn by number and shape.
pub(in crate::claims) fn edges_of_shapes<I, S: Copy>(
    shapes: &[S],
    turns: usize,
    mut draw: impl FnMut(usize, S) -> Result<Case<I>, CheckError>,
) -> Result<Vec<Case<I>>, CheckError> {
    let mut cases = Vec::with_capacity(shapes.len() * turns);
    for shape in shapes {
        for turn in 0..turns {
            let case = draw(cases.len() * 3 + turn, *shape)?;
            cases.push(case.from_origin(Origin::Edge(cases.len())));
        }
    }
    Ok(cases)
}

/// The instance of a system with these arrays, at this point.
pub(in crate::claims) fn posed_at(
    system: &'static System,
    arrays: Vec<(String, Array)>,
    point: Vec<f64>,
) -> Result<Given, CheckError> {
    Given::new(system, arrays)
        .and_then(|given| given.with_points(vec![point]))
        .map_err(CheckError::Other)
}

/// How the cases of a claim about another system than a loss of logits are drawn.
pub type OtherCases = &'static dyn Cases<Instance = Given>;

impl Cases for Family {
    type Instance = Instance;

    fn speak_of(&self, instance: &Instance) -> bool {
        self.losses.iter().any(|drawn| drawn.is(instance.loss()))
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case, CheckError> {
        Family::draw(self, index, rng)
    }

    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case>, CheckError> {
        Family::edges(self, rng)
    }

    fn real(&self, rows: usize, seed: u64) -> Vec<Result<Case, CheckError>> {
        real_cases(rows, seed)
    }

    fn strata(&self, case: &Case) -> Vec<Stratum> {
        case.strata()
    }
}
