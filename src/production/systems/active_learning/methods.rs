//! The methods: choose points, read their labels, fit.

use super::design::Design;
use super::fit::Labelled;
use super::labels::Labels;
use super::pool::Pool;
use super::{KEY, by_barriers, by_determinant, by_leverage};
use crate::production::Outcome;
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{AUTO, Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::{Array, Given};

/// How points are chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Determinant,
    Leverage,
    Barriers,
}

impl Way {
    /// The first is the one that is meant by `auto`.
    pub(super) const ALL: [Self; 3] = [Self::Determinant, Self::Leverage, Self::Barriers];

    /// The name of its method.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Determinant => "greedy-d-optimal",
            Self::Leverage => "leverage-draws",
            Self::Barriers => "randomised-bss",
        }
    }
}

/// The way of that name.
pub(super) fn way(name: &str) -> Option<Way> {
    let named = |way: &Way| way.name() == name;
    if name == AUTO {
        Some(Way::Determinant)
    } else {
        Way::ALL.into_iter().find(named)
    }
}

/// Refuses a budget below the rank, and chooses.
pub(super) fn choose(way: Way, pool: &Pool, budget: usize, seed: u64) -> Result<Design, Refusal> {
    let rank = pool.rank();
    if budget < rank {
        return Err(Refusal::Budget { budget, rank });
    }
    if budget >= pool.support().count() {
        return Ok(Design::whole(pool));
    }
    if rank == 0 {
        return Ok(Design {
            points: Vec::new(),
            weights: Vec::new(),
            how: "every function of the pool is 0: no label is read".to_owned(),
        });
    }
    match way {
        Way::Determinant => by_determinant::choose(pool, budget),
        Way::Leverage => by_leverage::choose(pool, budget, seed),
        Way::Barriers => by_barriers::choose(pool, budget, seed),
    }
}

/// What a pass over all scores for every label costs.
fn work(given: &Given) -> f64 {
    let [n, d, budget] = ["n", "d", "budget"].map(|dimension| given.size(dimension) as f64);
    n * d * d * budget.min(n)
}

/// Refuses more work than randomised BSS is for.
pub(super) fn refuse_work(given: &Given, way: Way) -> Result<(), Refusal> {
    let (work, limit) = (work(given), by_barriers::MOST_WORK);
    if way == Way::Barriers && work > limit {
        return Err(Refusal::Work { work, limit });
    }
    Ok(())
}

/// A way to choose points, with the fit.
pub(crate) struct ByDesign(Way);

/// Greedy D-optimality.
pub(crate) static BY_DETERMINANT: ByDesign = ByDesign(Way::Determinant);
/// Draws by leverage scores.
pub(crate) static BY_LEVERAGE: ByDesign = ByDesign(Way::Leverage);
/// Randomised BSS.
pub(crate) static BY_BARRIERS: ByDesign = ByDesign(Way::Barriers);

impl Method for ByDesign {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    /// Labels are what is dear: of equal budgets the greedy choice has the least excess where noise is equal, so the others run only
    /// where they are asked for.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        refuse_work(given, self.0)?;
        let [n, d, budget] = ["n", "d", "budget"].map(|dimension| given.size(dimension) as f64);
        let greedy = n * d * (d + budget.min(n));
        Ok(match self.0 {
            Way::Determinant => greedy,
            Way::Leverage => 2.0 * greedy,
            Way::Barriers => 2.0 * greedy + work(given),
        })
    }

    /// Where the budget reaches every point.
    fn proves(&self) -> bool {
        true
    }

    /// It draws points.
    fn ignores_seed(&self, _given: &Given, _has_start: bool) -> Option<&'static str> {
        None
    }

    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let pool = Pool::of(given, settings.seed)?;
        let design = choose(self.0, &pool, given.size("budget"), settings.seed)?;
        let whole = design.points.len() == pool.support().count();
        let excess = design.mean_excess(&pool);
        let array = |name: &str| given.array(name).map_or(&[][..], Array::values);
        let (values, d) = (array("pool"), given.size("d"));
        let mut labels = Labels::new(array("labels"));
        let labelled = Labelled {
            width: d,
            rows: design
                .points
                .iter()
                .flat_map(|i| values[i * d..(i + 1) * d].iter().copied())
                .collect(),
            labels: design.points.iter().map(|i| labels.read(*i)).collect(),
            weights: design.weights,
            unit: pool.unit,
        };
        let mut reached = labelled.fit(self.name(), settings, watch)?;
        reached.labels_read = Some(labels.count());
        let mut warnings = vec![format!(
            "{} of {} labels were read: {}",
            labels.count(),
            pool.roots.len(),
            design.how
        )];
        if !whole {
            warnings.push(format!(
                "loss and gradient are those of the labels that were read, weighted to stand for all; noise of equal variance makes an \
                 excess of {excess:.3} times that of the noise on average"
            ));
            reached.error_bound = (
                None,
                "none: the labels that were not read may be anything".to_owned(),
            );
            if reached.outcome.is_success() {
                reached.outcome = Outcome::BudgetSpent;
            }
        } else if !pool.is_uniform() && reached.error_bound.0.is_some() {
            reached.error_bound = (
                None,
                "none: the roots of the measure are rounded".to_owned(),
            );
        }
        warnings.append(&mut reached.warnings);
        reached.warnings = warnings;
        Ok(reached)
    }
}
