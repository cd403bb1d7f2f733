//! Every knob of the solver, with its meaning, its range and the reason for its default.

use crate::production::{Method, SettingsError};

/// Settings of [`solve`](crate::production::solve): the defaults, and what is set.
///
/// ```
/// use attention_regression::production::Settings;
///
/// let settings = Settings::default().with_tolerance(1e-12).with_seed(7);
/// assert_eq!(settings.validate(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// How the Hessian model is made. Default: auto.
    pub method: Method,
    /// Converged when `||g(x)|| <= tolerance ||g(start)||`; from a start far up an exponential slope, relative to the
    /// gradient at the first point off it, which a warning names. Finite and `> 0`; default 1e-10.
    pub tolerance: f64,
    /// Newton steps at most, each of which may try several step lengths. At least 1; default 500.
    pub max_iterations: usize,
    /// Seed of the sampling; the same seed gives the same bits. Default 0.
    pub seed: u64,
    /// Subsampling: wanted accuracy `eps` of `(1-eps) A'DA <= A'D~A <= (1+eps) A'DA`. In (0, 1); default 0.25:
    /// a step then contracts by `eps / (1 - eps) = 1/3` near the minimiser, below the papers' 0.4, for a sixth of the rows
    /// that 0.1 would take (`docs/numerics.md`, "Sample size").
    pub epsilon: f64,
    /// Subsampling: failure probability of the whole run, of which sample t has the share `1 / ((t + 1) (t + 2))`. In (0, 1);
    /// default 0.01.
    pub delta: f64,
    /// Subsampling: multiple of the probabilities that matrix Chernoff asks for (`docs/numerics.md`, "Sample size"), with which
    /// rows are drawn. Below 1 nothing is guaranteed of a sample. Finite and `> 0`; default 1.
    pub sampling_constant: f64,
    /// Line search: the loss must fall by this fraction of `t |<g, step>|` (Armijo). In (0, 0.5); default 1e-4.
    pub sufficient_decrease: f64,
    /// Line search: trials that are shorter than the one before, until the step is given up; each is at most nine tenths, most are
    /// half of it. Default 40.
    pub max_halvings: usize,
    /// When the predicted change of the loss is below this multiple of `|L|`, the loss cannot judge a step any more and
    /// the norm of the gradient does. In (0, 1); default 1e-9.
    pub loss_resolution: f64,
    /// Extra full Newton steps by the exact Hessian after convergence, each kept only if it at least halves the gradient: they
    /// bring the answer to rounding level. Default `None`: 2 in orthonormal coordinates, where they cost next to nothing, none
    /// through Gram matrices, where each takes one.
    pub polish_steps: Option<usize>,
    /// Diverged when a logit exceeds this size and has grown a thousandfold since the start. Finite and `> 0`;
    /// default 1e6.
    pub logit_limit: f64,
    /// Whether a softmax problem with at least 100 rows for each column, whose Hessian at the start is indefinite, is first
    /// solved roughly on a seeded sample of 20 rows for each column. Saves most passes over A; another minimum may be found.
    /// Methods exact and subsampled refuse `Some(true)`. Default `None`: where it saves something, that is, wherever auto and
    /// reused-gram work with Gram matrices.
    pub sampled_start: Option<bool>,
    /// Whether to compute the error bound of the answer. Through Gram matrices softmax with a ridge that dominates its curvature
    /// needs two more passes over A for it, and most else several more Gram matrices; docs/performance.md says what was measured.
    /// Default true.
    pub certify: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            tolerance: 1e-10,
            max_iterations: 500,
            seed: 0,
            epsilon: 0.25,
            delta: 0.01,
            sampling_constant: 1.0,
            sufficient_decrease: 1e-4,
            max_halvings: 40,
            loss_resolution: 1e-9,
            polish_steps: None,
            logit_limit: 1e6,
            sampled_start: None,
            certify: true,
        }
    }
}

/// One method for each field, the settings with another value in it, and the fields' names.
macro_rules! setters {
    ($($setter:ident $field:ident: $kind:ty;)*) => {
        // Does not compile where a field has no setter.
        const _: fn(&Settings) = |Settings { $($field: _),* }| ();

        impl Settings {
            /// The names of all fields, in order.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            $(
                #[doc = concat!("These settings with another [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    with_method method: Method;
    with_tolerance tolerance: f64;
    with_max_iterations max_iterations: usize;
    with_seed seed: u64;
    with_epsilon epsilon: f64;
    with_delta delta: f64;
    with_sampling_constant sampling_constant: f64;
    with_sufficient_decrease sufficient_decrease: f64;
    with_max_halvings max_halvings: usize;
    with_loss_resolution loss_resolution: f64;
    with_polish_steps polish_steps: Option<usize>;
    with_logit_limit logit_limit: f64;
    with_sampled_start sampled_start: Option<bool>;
    with_certify certify: bool;
}

impl Settings {
    /// Refuses the first field outside its range, and what the method has no use for.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let below = |limit: f64| move |value: f64| value > 0.0 && value < limit;
        let wants_sample = self.sampled_start == Some(true);
        let checks: [(&'static str, f64, bool, &'static str); 9] = [
            (
                "sampled_start",
                f64::from(u8::from(wants_sample)),
                !wants_sample || self.method.row().sampled_start,
                "0 (false) for the methods exact and subsampled",
            ),
            (
                "tolerance",
                self.tolerance,
                positive(self.tolerance),
                "finite and > 0",
            ),
            (
                "max_iterations",
                self.max_iterations as f64,
                self.max_iterations > 0,
                "at least 1",
            ),
            (
                "epsilon",
                self.epsilon,
                below(1.0)(self.epsilon),
                "strictly between 0 and 1",
            ),
            (
                "delta",
                self.delta,
                below(1.0)(self.delta),
                "strictly between 0 and 1",
            ),
            (
                "sampling_constant",
                self.sampling_constant,
                positive(self.sampling_constant),
                "finite and > 0",
            ),
            (
                "sufficient_decrease",
                self.sufficient_decrease,
                below(0.5)(self.sufficient_decrease),
                "strictly between 0 and 0.5",
            ),
            (
                "loss_resolution",
                self.loss_resolution,
                below(1.0)(self.loss_resolution),
                "strictly between 0 and 1",
            ),
            (
                "logit_limit",
                self.logit_limit,
                positive(self.logit_limit),
                "finite and > 0",
            ),
        ];
        for (setting, value, fine, range) in checks {
            if !fine {
                return Err(SettingsError {
                    setting,
                    value,
                    range,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_outside_its_range_is_named() {
        type Change = fn(Settings, f64) -> Settings;
        let fields: [(&str, Change); 7] = [
            ("tolerance", Settings::with_tolerance),
            ("epsilon", Settings::with_epsilon),
            ("delta", Settings::with_delta),
            ("sampling_constant", Settings::with_sampling_constant),
            ("sufficient_decrease", Settings::with_sufficient_decrease),
            ("loss_resolution", Settings::with_loss_resolution),
            ("logit_limit", Settings::with_logit_limit),
        ];
        assert_eq!(Settings::default().validate(), Ok(()));
        for (name, change) in fields {
            for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let error = change(Settings::default(), bad).validate().expect_err(name);
                assert_eq!(error.setting, name);
            }
        }
        for (name, change) in &fields[1..3] {
            let error = change(Settings::default(), 1.0).validate().expect_err(name);
            assert_eq!(error.setting, *name);
        }
        let none = Settings::default().with_max_iterations(0);
        assert_eq!(none.validate().expect_err("zero").setting, "max_iterations");
    }

    /// Every field is set by the method of its name, and by no other.
    #[test]
    fn each_setter_sets_its_own_field() {
        let Settings {
            method,
            tolerance,
            max_iterations,
            seed,
            epsilon,
            delta,
            sampling_constant,
            sufficient_decrease,
            max_halvings,
            loss_resolution,
            polish_steps,
            logit_limit,
            sampled_start,
            certify,
        } = Settings::default()
            .with_method(Method::Exact)
            .with_tolerance(0.5)
            .with_max_iterations(11)
            .with_seed(12)
            .with_epsilon(0.625)
            .with_delta(0.75)
            .with_sampling_constant(2.0)
            .with_sufficient_decrease(0.25)
            .with_max_halvings(13)
            .with_loss_resolution(0.125)
            .with_polish_steps(Some(14))
            .with_logit_limit(3.0)
            .with_sampled_start(Some(false))
            .with_certify(false);
        assert_eq!((method, certify), (Method::Exact, false));
        assert_eq!((max_iterations, seed, max_halvings), (11, 12, 13));
        assert_eq!((polish_steps, sampled_start), (Some(14), Some(false)));
        assert_eq!(
            (tolerance, epsilon, delta, sampling_constant),
            (0.5, 0.625, 0.75, 2.0)
        );
        assert_eq!(
            (sufficient_decrease, loss_resolution, logit_limit),
            (0.25, 0.125, 3.0)
        );
    }
}
