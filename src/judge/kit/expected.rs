//! The kit's manifest: expected values with certified digits, and the digits that f64 can be asked for.

use std::path::Path;

use nalgebra::DVector;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::instance::files::{FORMAT_VERSION, json, read_text};
use crate::instance::{Instance, InstanceError};
use crate::judge::kit::MANIFEST;
use crate::judge::kit::listed::Listed;
use crate::judge::kit::specimen::Specimen;
use crate::judge::outputs::outputs_truth;
use crate::judge::precision::{Asked, Precision};
use crate::judge::system::{is_zero_where_asked, stationary, truths};
use crate::judge::truth::Truth;
use crate::oracle::{Minimiser, OracleError, Reference, lift_vector, minimise};
use crate::scalar::{High, certified_to};
use crate::system::{Asks, Given, Layout, Posed};

/// A kit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kit {
    /// The version of the format, [`FORMAT_VERSION`]; the first kits did not say it.
    #[serde(default = "first_version")]
    pub format_version: u32,
    /// What the numbers mean.
    pub about: String,
    /// The instances.
    pub instances: Vec<Entry>,
}

const fn first_version() -> u32 {
    1
}

/// One instance with what is expected of an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name; an answer is the file `<id>.json`.
    pub id: String,
    /// The instance's manifest, beside this file.
    pub instance: String,
    /// What the instance is there for.
    pub about: String,
    /// Where loss, gradient and Hessian are taken and a search starts: the instance's first point; none where there are no
    /// unknowns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Listed<f64>>,
    /// Decimal strings: every digit is certified, at most 36.
    pub expected: ExpectedValues<String>,
    /// The nearest f64s.
    pub nearest: ExpectedValues<f64>,
    /// Correct digits that f64 can give here.
    pub required: Required,
}

/// ExpectedValues values.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ExpectedValues<T> {
    /// Of a loss.
    Loss(ExpectedLoss<T>),
    /// Of a system without unknowns.
    Outputs(ExpectedOutputs<Vec<Vec<T>>>),
}

/// ExpectedValues outputs, or the digits that f64 can give of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedOutputs<T> {
    /// Row by row.
    pub outputs: T,
}

impl<T> ExpectedValues<T> {
    /// The values of a loss; `None` for a system without unknowns.
    pub fn loss(&self) -> Option<&ExpectedLoss<T>> {
        match self {
            Self::Loss(loss) => Some(loss),
            Self::Outputs(_) => None,
        }
    }
}

/// What is expected of a loss.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedLoss<T> {
    /// `L(x)`.
    pub loss: T,
    /// `grad L(x)`.
    pub gradient: Listed<T>,
    /// `Hess L(x)`, over all entries of the unknowns in their order.
    pub hessian: Vec<Vec<T>>,
    /// The strict local minimiser that Newton's method finds from x; null if none can be proven.
    pub minimiser: Option<Listed<T>>,
}

/// Correct digits, normwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Required {
    /// Of a loss.
    Loss(RequiredLoss),
    /// Of a system without unknowns.
    Outputs(ExpectedOutputs<f64>),
}

/// Correct digits of a loss.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredLoss {
    /// Of the loss.
    pub loss: f64,
    /// Of the gradient.
    pub gradient: f64,
    /// Of the Hessian.
    pub hessian: f64,
    /// Of the minimiser.
    pub minimiser: Option<f64>,
}

/// Decimal strings and nearest f64s of the same values.
struct Numbers {
    decimals: Vec<String>,
    nearest: Vec<f64>,
}

/// The precision that the kit asks for.
const F64: Precision = Precision::Float64;

/// Digits printed at most.
const DIGITS: usize = 36;

const ABOUT: &str = "expected: decimal strings, every digit certified by enclosing all rounding errors at 40 digits; nearest: \
     the nearest f64; required: correct digits, -log10(max error / max value), that f64 can give. Answers are <id>.json \
     with any of x, loss, gradient, hessian, minimiser, or with outputs. Made by: attreg generate conformance";

/// Computes the whole manifest.
pub fn make(specimens: &[Specimen]) -> Result<Kit, OracleError> {
    let instances = specimens.par_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Kit {
        format_version: FORMAT_VERSION,
        about: ABOUT.to_owned(),
        instances,
    })
}

fn entry(specimen: &Specimen) -> Result<Entry, OracleError> {
    match &specimen.instance {
        Posed::Logit(instance) => of_logits(specimen, instance),
        Posed::Other(given) => match given.system().asks {
            Asks::Loss | Asks::Zero => of_system(specimen, given),
            Asks::Outputs(_) => of_outputs(specimen, given),
        },
    }
}

fn of_logits(specimen: &Specimen, instance: &Instance) -> Result<Entry, OracleError> {
    let reference = Reference::new(instance)?;
    let start = lift_vector(&instance.start());
    let values = reference.enclose(&start, High::ZERO)?;
    let truths = [
        Truth::loss(instance, &reference, &start, &values, F64),
        Truth::gradient(instance, &values, F64),
        Truth::hessian(instance, &values, F64),
    ];
    let minimiser = match strict_minimiser(&reference, &start)? {
        Some(found) => {
            let here = reference.evaluate(&found.x)?;
            let values = reference.enclose(&found.x, High::ZERO)?;
            let truth = Truth::minimiser(instance, &found, &here, &values, &start, F64);
            Some((numbers(&truth), truth.required))
        }
        None => None,
    };
    Ok(assemble(
        specimen,
        instance.start().as_slice(),
        None,
        &truths,
        minimiser,
    ))
}

fn of_system(specimen: &Specimen, given: &Given) -> Result<Entry, OracleError> {
    let reference = Reference::of(given)?;
    let start = given.start();
    let point = lift_vector(&DVector::from_column_slice(&start));
    let values = reference.enclose(&point, High::ZERO)?;
    let truths = truths(given, &reference, &point, &values, F64);
    let minimiser = match strict_minimiser(&reference, &point)? {
        // A minimiser that is no zero answers no question of a system that asks for one.
        Some(found) if !is_zero_where_asked(given, &reference, &found.x, Asked::of(F64)) => None,
        Some(found) => {
            // It is judged by its gradient, as every minimiser of such a system.
            let here = reference.evaluate(&found.x)?;
            let values = reference.enclose(&found.x, High::ZERO)?;
            let required = stationary(given, &found.x, &values, &here, F64).required;
            let radii = found.entry_bounds.as_slice();
            Some((certified(found.x.as_slice(), radii), required))
        }
        None => None,
    };
    let layout = given.layout();
    Ok(assemble(
        specimen,
        &start,
        Some(&layout),
        &truths,
        minimiser,
    ))
}

fn of_outputs(specimen: &Specimen, given: &Given) -> Result<Entry, OracleError> {
    let truth = outputs_truth(given, F64)?;
    let found = numbers(&truth);
    let columns = given.size("m").max(1);
    Ok(Entry {
        id: specimen.id.clone(),
        instance: format!("{}.json", specimen.id),
        about: specimen.about.to_owned(),
        x: None,
        expected: ExpectedValues::Outputs(ExpectedOutputs {
            outputs: found.decimals.chunks(columns).map(<[_]>::to_vec).collect(),
        }),
        nearest: ExpectedValues::Outputs(ExpectedOutputs {
            outputs: found.nearest.chunks(columns).map(<[_]>::to_vec).collect(),
        }),
        required: Required::Outputs(ExpectedOutputs {
            outputs: truth.required,
        }),
    })
}

fn assemble(
    specimen: &Specimen,
    x: &[f64],
    layout: Option<&Layout>,
    truths: &[Truth; 3],
    minimiser: Option<(Numbers, f64)>,
) -> Entry {
    let [loss, gradient, hessian] = truths.each_ref().map(numbers);
    let found = minimiser.as_ref().map(|(found, _)| found);
    let d = x.len();
    Entry {
        id: specimen.id.clone(),
        instance: format!("{}.json", specimen.id),
        about: specimen.about.to_owned(),
        x: Some(Listed::new(x, layout)),
        expected: expected(
            d,
            layout,
            [&loss, &gradient, &hessian].map(|numbers| &numbers.decimals[..]),
            found.map(|found| &found.decimals[..]),
        ),
        nearest: expected(
            d,
            layout,
            [&loss, &gradient, &hessian].map(|numbers| &numbers.nearest[..]),
            found.map(|found| &found.nearest[..]),
        ),
        required: Required::Loss(RequiredLoss {
            loss: truths[0].required,
            gradient: truths[1].required,
            hessian: truths[2].required,
            minimiser: minimiser.map(|(_, required)| required),
        }),
    }
}

/// The minimiser from the start, if one can be proven.
fn strict_minimiser(
    reference: &Reference,
    start: &DVector<High>,
) -> Result<Option<Minimiser>, OracleError> {
    match minimise(reference, start) {
        Ok(found) => Ok(Some(found)),
        Err(OracleError::NoMinimiser { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn numbers(truth: &Truth) -> Numbers {
    certified(&truth.values, &truth.radii)
}

fn certified(values: &[High], radii: &[High]) -> Numbers {
    Numbers {
        decimals: values
            .iter()
            .zip(radii)
            .map(|(value, radius)| certified_to(DIGITS, *value, *radius))
            .collect(),
        nearest: values.iter().map(|value| value.to_f64()).collect(),
    }
}

fn expected<T: Clone + Into<serde_json::Value>>(
    d: usize,
    layout: Option<&Layout>,
    [loss, gradient, hessian]: [&[T]; 3],
    minimiser: Option<&[T]>,
) -> ExpectedValues<T> {
    ExpectedValues::Loss(ExpectedLoss {
        // A loss is one number.
        loss: loss[0].clone(),
        gradient: Listed::new(gradient, layout),
        hessian: hessian.chunks(d).map(<[T]>::to_vec).collect(),
        minimiser: minimiser.map(|entries| Listed::new(entries, layout)),
    })
}

/// The manifest as text, one line for each part of an instance. The same kit gives the same bytes.
pub fn render(kit: &Kit) -> String {
    // Structs of strings, numbers and lists: none of them can fail to serialise.
    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap_or_default()
    }
    let entries: Vec<String> = kit
        .instances
        .iter()
        .map(|entry| {
            let x = entry.x.as_ref();
            let x = x.map(|x| format!("\n   \"x\": {},", json(x)));
            format!(
                "  {{\"id\": {}, \"instance\": {}, \"about\": {},{}\n   \"expected\": {},\n   \"nearest\": {},\n   \"required\": {}}}",
                json(&entry.id),
                json(&entry.instance),
                json(&entry.about),
                x.unwrap_or_default(),
                json(&entry.expected),
                json(&entry.nearest),
                json(&entry.required),
            )
        })
        .collect();
    format!(
        "{{\n \"format_version\": {},\n \"about\": {},\n \"instances\": [\n{}\n ]\n}}\n",
        kit.format_version,
        json(&kit.about),
        entries.join(",\n")
    )
}

/// Reads the manifest of the kit in a directory; refuses one of another version.
pub fn read_kit(directory: &Path) -> Result<Kit, InstanceError> {
    let path = directory.join(MANIFEST);
    let kit: Kit = json::parse(&read_text(&path)?, &path)?;
    json::check_version(kit.format_version, &path)?;
    Ok(kit)
}
