//! An instance of any system, and what can be asked about it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use attention_regression::instance::{Activation, DesignMatrix, Instance, LossKind};
use attention_regression::judge::{PosedAnswer, Precision};
use attention_regression::oracle::{
    OracleError, OutputsReference, Reference, lift_vector, minimise,
};
use attention_regression::production::{
    Method, OutputsError, Problem, Settings, evaluate_interruptible, solve_interruptible,
    solve_observed, solve_system,
};
use attention_regression::report::{ReferenceNames, ReferenceOutputs, ReferenceReport};
use attention_regression::scalar::High;
use attention_regression::system::{
    Array, Asks, Given, Posed as Asked, as_json, parse, parse_unknowns, read, system,
};
use nalgebra::{DMatrix, DVector};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyReadonlyArrayDyn, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{compressed, lent, vector, with_length};
use crate::attended::{Shower, abandonable, attended};
use crate::{errors, solved};

/// An instance of any system: what a manifest holds.
#[pyclass(frozen)]
pub(crate) struct Posed {
    posed: Asked,
    /// What solves and evaluates a loss of logits in f64.
    problem: Option<Problem>,
}

/// How a solve is made.
struct Orders {
    settings: Settings,
    method: String,
}

impl Posed {
    fn new(posed: Asked) -> Self {
        Self {
            posed,
            problem: None,
        }
    }

    fn of_logits(
        loss: &str,
        matrix: impl Into<Arc<DesignMatrix>>,
        target: &PyReadonlyArray1<'_, f64>,
        weights: &PyReadonlyArray1<'_, f64>,
        second: Option<(PyReadonlyArray2<'_, f64>, String)>,
    ) -> PyResult<Self> {
        let loss = kind(loss, second)?;
        Self::of_instance(
            Instance::new(loss, matrix, vector(target), vector(weights))
                .map_err(errors::instance)?,
        )
    }

    fn of_instance(instance: Instance) -> PyResult<Self> {
        let problem = Problem::from_instance(&instance).map_err(errors::value)?;
        Ok(Self {
            posed: Asked::Logit(instance),
            problem: Some(problem),
        })
    }

    /// What was posed.
    pub(crate) fn posed(&self) -> &Asked {
        &self.posed
    }

    fn instance(&self) -> PyResult<&Instance> {
        match &self.posed {
            Asked::Logit(instance) => Ok(instance),
            _ => Err(self.refused("is no loss of logits")),
        }
    }

    /// What a system with named arrays is given.
    pub(crate) fn given(&self) -> PyResult<&Given> {
        match &self.posed {
            Asked::Other(given) => Ok(given),
            _ => Err(self.refused("is a loss of logits")),
        }
    }

    fn refused(&self, why: &str) -> PyErr {
        PyValueError::new_err(format!("system \"{}\" {why}", self.posed.key()))
    }

    fn with_problem<T>(&self, use_it: impl FnOnce(&Problem) -> PyResult<T>) -> PyResult<T> {
        match &self.problem {
            Some(problem) => use_it(problem),
            // Instances of files: made when somebody asks.
            None => use_it(&Problem::from_instance(self.instance()?).map_err(errors::value)?),
        }
    }
}

#[pymethods]
impl Posed {
    /// A loss of logits with a dense A, which is not copied.
    #[staticmethod]
    #[pyo3(signature = (loss, matrix, target, weights, second=None))]
    fn dense(
        loss: &str,
        matrix: PyReadonlyArray2<'_, f64>,
        target: PyReadonlyArray1<'_, f64>,
        weights: PyReadonlyArray1<'_, f64>,
        second: Option<(PyReadonlyArray2<'_, f64>, String)>,
    ) -> PyResult<Self> {
        Self::of_logits(loss, lent(&matrix)?, &target, &weights, second)
    }

    /// A loss of logits with a sparse A.
    #[staticmethod]
    #[pyo3(signature = (loss, shape, indptr, indices, data, target, weights, second=None))]
    #[allow(clippy::too_many_arguments)] // The arrays of one sparse matrix.
    fn sparse(
        loss: &str,
        shape: [usize; 2],
        indptr: PyReadonlyArray1<'_, i64>,
        indices: PyReadonlyArray1<'_, i64>,
        data: PyReadonlyArray1<'_, f64>,
        target: PyReadonlyArray1<'_, f64>,
        weights: PyReadonlyArray1<'_, f64>,
        second: Option<(PyReadonlyArray2<'_, f64>, String)>,
    ) -> PyResult<Self> {
        let matrix = compressed(shape, &indptr, &indices, &data)?;
        Self::of_logits(loss, matrix, &target, &weights, second)
    }

    /// Another system, its arrays by name.
    #[staticmethod]
    fn named(key: &str, arrays: Vec<(String, PyReadonlyArrayDyn<'_, f64>)>) -> PyResult<Self> {
        let system = system(key).filter(|system| !system.logit).ok_or_else(|| {
            errors::value(format!("no system with named arrays is called \"{key}\""))
        })?;
        let arrays: Option<Vec<(String, Array)>> = arrays
            .into_iter()
            .map(|(name, array)| {
                let entries = array.as_array().iter().copied().collect();
                Some((name, Array::new(array.shape().to_vec(), entries)?))
            })
            .collect();
        let arrays = arrays.ok_or_else(|| errors::value("an array is larger than its shape"))?;
        let given = Given::new(system, arrays).map_err(errors::value)?;
        Ok(Self::new(Asked::Other(given)))
    }

    /// The instance of a manifest; `name` is the file that messages mention and that relative paths start from.
    #[staticmethod]
    fn parse(text: &str, name: PathBuf) -> PyResult<Self> {
        Ok(Self::new(parse(text, &name).map_err(errors::instance)?))
    }

    /// The instance in a file.
    #[staticmethod]
    fn read(path: PathBuf) -> PyResult<Self> {
        Ok(Self::new(read(&path).map_err(errors::instance)?))
    }

    /// The same matrix and loss with another target, or other weights.
    #[pyo3(signature = (target=None, weights=None))]
    fn with_data(
        &self,
        target: Option<PyReadonlyArray1<'_, f64>>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
    ) -> PyResult<Self> {
        let old = self.instance()?;
        let target = target.map_or_else(|| old.target().clone(), |target| vector(&target));
        let other_weights = weights.map(|weights| vector(&weights));
        let weights = other_weights.as_ref().unwrap_or(old.weights()).clone();
        let posed = Instance::new(old.loss().clone(), old.shared_matrix(), target, weights)
            .map_err(errors::instance)?;
        let problem = self.with_problem(|problem| {
            // What is known of A, and of the weights where they are the same, serves again.
            match &other_weights {
                None => problem.with_target(posed.target().clone()),
                Some(weights) => problem
                    .with_weights(weights)
                    .and_then(|problem| problem.with_target(posed.target().clone())),
            }
            .map_err(errors::value)
        })?;
        Ok(Self {
            posed: Asked::Logit(posed),
            problem: Some(problem),
        })
    }

    /// The key of the system.
    #[getter]
    fn key(&self) -> &'static str {
        self.posed.key()
    }

    /// Rows and columns of A.
    #[getter]
    fn shape(&self) -> PyResult<(usize, usize)> {
        let instance = self.instance()?;
        Ok((instance.rows(), instance.columns()))
    }

    /// Whether outputs are asked for, and not the least value of a loss.
    #[getter]
    fn asks_outputs(&self) -> bool {
        match &self.posed {
            Asked::Other(given) => matches!(given.system().asks, Asks::Outputs(_)),
            _ => false,
        }
    }

    /// The manifest, all arrays inline.
    fn render(&self) -> String {
        self.posed.render()
    }

    /// The point that the instance starts from, as JSON.
    fn start(&self) -> String {
        match &self.posed {
            Asked::Logit(instance) => serde_json::json!(instance.start().as_slice()).to_string(),
            Asked::Other(given) => as_json(&given.layout(), &given.start()).to_string(),
            _ => String::new(),
        }
    }

    /// Minimises a loss: what was found, and the exception that ended the search early, if one did.
    #[pyo3(signature = (start, method, tolerance, max_iterations, seed, bound, callback))]
    #[allow(clippy::too_many_arguments)] // The settings of one solve.
    fn solve<'py>(
        &self,
        py: Python<'py>,
        start: Option<Start<'py>>,
        method: &str,
        tolerance: f64,
        max_iterations: usize,
        seed: u64,
        bound: bool,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyDict>, Option<PyErr>)> {
        let mut settings = Settings::default()
            .with_tolerance(tolerance)
            .with_max_iterations(max_iterations)
            .with_seed(seed)
            .with_certify(bound);
        if let Asked::Logit(_) = self.posed {
            let method = Method::parse(method).ok_or_else(|| {
                errors::value(format!(
                    "method {method} is unknown: a loss of logits is solved by {}",
                    Method::NAMES.join(", ")
                ))
            })?;
            settings = settings.with_method(method);
        }
        let orders = Orders {
            settings,
            method: method.to_owned(),
        };
        match &self.posed {
            Asked::Logit(instance) => {
                let start = match start {
                    Some(Start::Vector(start)) => {
                        with_length("x0", vector(&start), instance.columns())?
                    }
                    Some(Start::Text(_)) => {
                        return Err(errors::value("x0: a vector is needed"));
                    }
                    None => instance.start(),
                };
                self.with_problem(|problem| solve_logit(py, problem, &start, &orders, callback))
            }
            Asked::Other(given) => {
                let start = match start {
                    Some(Start::Text(text)) => Some(
                        parse_unknowns(&text, Path::new("x0"), given).map_err(errors::instance)?,
                    ),
                    Some(Start::Vector(start)) => Some(vector(&start).data.into()),
                    None => given.points().first().cloned(),
                };
                solve_named(py, given, start.as_deref(), &orders, callback)
            }
            _ => Err(self.refused("cannot be solved")),
        }
    }

    /// The outputs of a system without unknowns.
    fn evaluate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let given = self.given()?;
        let stop = AtomicBool::new(false);
        let (outputs, raised) = attended(py, &stop, None, false, |_| {
            evaluate_interruptible(given, &stop)
        });
        match (outputs, raised) {
            (_, Some(error)) => Err(error),
            (Ok(outputs), None) => solved::outputs(py, outputs),
            (Err(OutputsError::Interrupted), None) => Err(PyKeyboardInterrupt::new_err(())),
            (Err(error), None) => Err(errors::value(error)),
        }
    }

    /// The loss in f64.
    fn value(&self, x: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
        let x = vector(&x);
        self.with_problem(|problem| problem.value(&x).map_err(errors::value))
    }

    /// Its gradient in f64.
    fn gradient<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let x = vector(&x);
        let gradient = self.with_problem(|problem| problem.gradient(&x).map_err(errors::value))?;
        Ok(Vec::from(gradient.data).into_pyarray(py))
    }

    /// Its Hessian in f64.
    fn hessian<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let x = vector(&x);
        let hessian = self.with_problem(|problem| problem.hessian(&x).map_err(errors::value))?;
        let d = hessian.nrows();
        // Symmetric to the bit: its columns are its rows.
        Vec::from(hessian.data).into_pyarray(py).reshape([d, d])
    }

    /// Its Hessian times a vector in f64.
    fn hvp<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray1<'_, f64>,
        v: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (x, v) = (vector(&x), vector(&v));
        let product =
            self.with_problem(|problem| problem.hessian_vector(&x, &v).map_err(errors::value))?;
        Ok(Vec::from(product.data).into_pyarray(py))
    }

    /// The instance with its numbers rounded to a precision.
    fn rounded(&self, precision: &str) -> PyResult<Self> {
        let rounded = precision_of(precision)?.round_posed(&self.posed);
        Ok(Self::new(rounded.map_err(errors::instance)?))
    }

    /// What `attreg reference --json` prints, at a point in JSON or at the start.
    fn reference(&self, py: Python<'_>, x: Option<&str>, minimiser: bool) -> PyResult<String> {
        match &self.posed {
            Asked::Logit(instance) => {
                let x = match x {
                    Some(text) => {
                        let found: Vec<f64> = serde_json::from_str(text)
                            .map_err(|error| errors::value(format!("x: {error}")))?;
                        with_length("x", DVector::from_vec(found), instance.columns())?
                    }
                    None => instance.start(),
                };
                let (x, instance) = (lift_vector(&x), instance.clone());
                let ask = move || {
                    let reference = Reference::new(&instance)?;
                    referred(&reference, &x, minimiser, ReferenceNames::Numbers)
                };
                abandonable(py, ask)?.map_err(errors::oracle)
            }
            Asked::Other(given) if self.asks_outputs() => {
                if x.is_some() || minimiser {
                    return Err(self.refused("has no unknowns"));
                }
                let asked = given.clone();
                let ask = move || ReferenceOutputs::of(&OutputsReference::of(&asked)?);
                let found = abandonable(py, ask)?.map_err(errors::oracle)?;
                serde_json::to_string(&found.report(&given.outputs_layout())).map_err(errors::value)
            }
            Asked::Other(given) => {
                let x = match x {
                    Some(text) => {
                        parse_unknowns(text, Path::new("x"), given).map_err(errors::instance)?
                    }
                    None => given.start(),
                };
                let x = lift_vector(&DVector::from_vec(x));
                let given = given.clone();
                let ask = move || {
                    let (reference, layout) = (Reference::of(&given)?, given.layout());
                    referred(&reference, &x, minimiser, ReferenceNames::Unknowns(&layout))
                };
                abandonable(py, ask)?.map_err(errors::oracle)
            }
            _ => Err(self.refused("has no reference")),
        }
    }

    /// What `attreg check --json` prints about an answer in JSON.
    fn check(
        &self,
        py: Python<'_>,
        answer: &str,
        digits: Option<f64>,
        precision: &str,
    ) -> PyResult<String> {
        let precision = precision_of(precision)?;
        let (answer, posed) = (answer.to_owned(), self.posed.clone());
        let judge = move || {
            PosedAnswer::parse(&answer, Path::new("answer"), &posed, precision)
                .map_err(errors::instance)?
                .judge(digits, None)
                .map_err(errors::oracle)
        };
        let verdict = abandonable(py, judge)??;
        serde_json::to_string(&verdict).map_err(errors::value)
    }
}

/// The nearest number of a precision.
#[pyfunction]
pub(crate) fn round_to(value: f64, precision: &str) -> PyResult<f64> {
    Ok(precision_of(precision)?.round(value))
}

fn precision_of(name: &str) -> PyResult<Precision> {
    Precision::parse(name).ok_or_else(|| {
        let known = Precision::NAMES.join(", ");
        errors::value(format!(
            "unknown precision \"{name}\": known precisions are {known}"
        ))
    })
}

/// Where a search starts: one vector, or JSON with one array for each unknown.
#[derive(FromPyObject)]
enum Start<'py> {
    Text(String),
    Vector(PyReadonlyArray1<'py, f64>),
}

/// A loss by its name, with the data that it needs.
fn kind(loss: &str, second: Option<(PyReadonlyArray2<'_, f64>, String)>) -> PyResult<LossKind> {
    if let Some(kind) = LossKind::parse_plain(loss) {
        return match second {
            None => Ok(kind),
            Some(_) => Err(errors::value(format!(
                "second_layer: loss \"{loss}\" has no use for it"
            ))),
        };
    }
    if !LossKind::NAMES.contains(&loss) {
        let known = LossKind::NAMES.join(", ");
        return Err(errors::value(format!(
            "unknown loss \"{loss}\": known losses are {known}"
        )));
    }
    let (layer, activation) = second.ok_or_else(|| {
        errors::value(format!("loss \"{loss}\" needs second_layer and activation"))
    })?;
    let (rows, columns) = (layer.shape()[0], layer.shape()[1]);
    let entries = layer.as_array();
    Ok(LossKind::TwoLayer {
        second_layer: DMatrix::from_row_iterator(rows, columns, entries.iter().copied()),
        activation: Activation::parse(&activation).ok_or_else(|| {
            let known = Activation::ALL.map(Activation::name).join(", ");
            errors::value(format!(
                "activation: unknown \"{activation}\": known activations are {known}"
            ))
        })?,
    })
}

fn solve_logit<'py>(
    py: Python<'py>,
    problem: &Problem,
    start: &DVector<f64>,
    orders: &Orders,
    callback: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyDict>, Option<PyErr>)> {
    let settings = &orders.settings;
    let stop = AtomicBool::new(false);
    let see = shower(callback);
    let short = is_short(problem);
    let (found, raised) = attended(py, &stop, see, short, |sees| {
        if short {
            // The bound is proven on this thread, too.
            solve_observed(problem, start, settings, sees)
        } else {
            solve_interruptible(problem, start, settings, sees, &stop)
        }
    });
    let (method, seed) = (settings.method.as_str(), settings.seed);
    match (found, raised) {
        (Ok(found), raised) => Ok((solved::solution(py, found, None, method, seed)?, raised)),
        (Err(_), Some(raised)) => Err(raised),
        (Err(error), None) => Err(errors::value(error)),
    }
}

fn solve_named<'py>(
    py: Python<'py>,
    given: &Given,
    start: Option<&[f64]>,
    orders: &Orders,
    callback: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyDict>, Option<PyErr>)> {
    let settings = &orders.settings;
    let stop = AtomicBool::new(false);
    let see = shower(callback);
    let (found, raised) = attended(py, &stop, see, false, |sees| {
        solve_system(given, start, &orders.method, settings, sees)
    });
    match (found, raised) {
        (Ok((found, method)), raised) => {
            let layout = given.layout();
            let found = solved::solution(py, found, Some(&layout), method, settings.seed)?;
            Ok((found, raised))
        }
        (Err(_), Some(raised)) => Err(raised),
        (Err(error), None) => Err(errors::value(error)),
    }
}

/// Whether an iteration takes milliseconds at most: the Gram matrix of the rows, or the factors of a matrix of its size.
fn is_short(problem: &Problem) -> bool {
    const OPERATIONS: usize = 1 << 22;
    let (rows, columns) = (problem.rows(), problem.columns());
    rows.max(columns)
        .saturating_mul(columns)
        .saturating_mul(columns)
        <= OPERATIONS
}

/// What hands every iteration to a callable.
fn shower(callback: Option<Py<PyAny>>) -> Option<Shower> {
    let callback = callback?;
    Some(Box::new(move |py, entry| {
        callback.call1(py, (solved::iteration(py, entry)?,))?;
        Ok(())
    }))
}

/// The oracle's report at a point.
fn referred(
    reference: &Reference,
    x: &DVector<High>,
    minimiser: bool,
    names: ReferenceNames<'_>,
) -> Result<String, OracleError> {
    let values = reference.enclose(x, High::ZERO)?;
    let minimiser = match minimiser.then(|| minimise(reference, x)) {
        Some(Err(error)) if !matches!(error, OracleError::NoMinimiser { .. }) => return Err(error),
        found => found,
    };
    let report = ReferenceReport::new(&values, &minimiser, names);
    // Strings and lists of them.
    Ok(serde_json::to_string(&report).unwrap_or_default())
}
