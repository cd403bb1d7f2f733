//! `attreg generate`: instances that meet a theorem's premises, as manifests for the other commands.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::{CliError, Exit, output};
use crate::instance::files::{write_instance, write_whole};
use crate::instance::kinds::{Kind, Shape};
use crate::instance::models::Model;
use crate::instance::{Activation, LossKind};
use crate::judge::kit;

/// Arguments of `attreg generate`.
#[derive(Debug, Args)]
#[command(after_help = "Kinds:
  theory           ||A|| <= R, ||b||_1 <= 1 and w_i^2 >= 100 + l / sigma_min(A)^2, all exactly
  practice         sizes of attention heads: ||A|| from 8 to 24, condition 16, a ridge of 2^-10
  weak             weights so small that the loss is not convex, target on a corner
  edge             n = 1, d = 1, n = d, logits 900 apart, signed target, in turn
  ill-conditioned  condition number 1e6
  conformance      the conformance kit: small instances over all losses with their expected values; no other option

Example:
  attreg generate theory --seed 7 --n 64 --d 8 --out instances
  attreg generate theory --loss two-layer --activation relu --outputs 2 --out instances")]
pub struct GenerateArgs {
    /// What the instances are examples of
    #[arg(value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name).into_iter().chain([CONFORMANCE])))]
    kind: String,
    /// Loss of the instances
    #[arg(long, default_value = "softmax", value_parser = PossibleValuesParser::new(LossKind::NAMES))]
    loss: String,
    /// Activation of the two-layer loss (default: tanh)
    #[arg(long, value_parser = PossibleValuesParser::new(Activation::ALL.map(Activation::name)))]
    activation: Option<String>,
    /// Rows of the second layer of the two-layer loss (default: 3)
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    outputs: Option<u64>,
    /// Seed; the same seed gives the same bytes
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Directory for the manifests, made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Rows of A
    #[arg(long, value_name = "ROWS", default_value_t = Shape::default().rows)]
    n: usize,
    /// Columns of A, at most as many as rows
    #[arg(long, value_name = "COLUMNS", default_value_t = Shape::default().columns)]
    d: usize,
    /// How many instances (default: as many as show everything the kind has to show)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// R of the theory: bound on ||A|| and on the points
    #[arg(long, value_name = "R", allow_hyphen_values = true, default_value_t = Shape::default().norm)]
    norm: f64,
    /// l of the theory: what the smallest eigenvalue of every Hessian is to reach
    #[arg(long, value_name = "L", allow_hyphen_values = true, default_value_t = Shape::default().convexity)]
    convexity: f64,
}

/// The kind that is not drawn but listed.
const CONFORMANCE: &str = "conformance";

/// Writes the manifests and lists them.
pub fn run(arguments: &GenerateArgs) -> Result<Exit, CliError> {
    if arguments.kind == CONFORMANCE {
        return conformance(arguments);
    }
    let Some(kind) = Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == arguments.kind)
    else {
        return Err(CliError::Usage(format!("unknown kind {}", arguments.kind)));
    };
    let shape = Shape {
        rows: arguments.n,
        columns: arguments.d,
        norm: arguments.norm,
        convexity: arguments.convexity,
    };
    // The first instance before the directory: what cannot be drawn leaves nothing behind.
    let model = model(arguments)?;
    let mut next = model.draw(kind, &shape, arguments.seed, 0)?;
    fs::create_dir_all(&arguments.out).map_err(|source| CliError::io(&arguments.out, source))?;
    output::print(&format!("kind {}, seed {}\n", kind.name(), arguments.seed))?;
    let name = match model {
        Model::Plain(LossKind::Softmax) => kind.name().to_owned(),
        _ => format!("{}-{}", kind.name(), arguments.loss),
    };
    let count = arguments.count.unwrap_or(kind.variants());
    for index in 0..count {
        if index > 0 {
            next = model.draw(kind, &shape, arguments.seed, index)?;
        }
        let path = arguments.out.join(format!("{name}-{index}.json"));
        write_instance(&next, &path)?;
        let (n, d) = (next.rows(), next.columns());
        output::print(&format!("{}  n = {n}, d = {d}\n", path.display()))?;
    }
    Ok(Exit::Success)
}

/// Writes the conformance kit, its table of contents last.
fn conformance(arguments: &GenerateArgs) -> Result<Exit, CliError> {
    let out = &arguments.out;
    let specimens = kit::specimens()?;
    let made = kit::make(&specimens).map_err(|source| CliError::Oracle {
        path: out.clone(),
        source,
    })?;
    fs::create_dir_all(out).map_err(|source| CliError::io(out, source))?;
    for (specimen, entry) in specimens.iter().zip(&made.instances) {
        write_instance(&specimen.instance, &out.join(&entry.instance))?;
    }
    let manifest = out.join(kit::MANIFEST);
    write_whole(&manifest, kit::render(&made).as_bytes())?;
    output::print(&format!(
        "{}  {} instances\n",
        manifest.display(),
        specimens.len()
    ))?;
    Ok(Exit::Success)
}

/// The activation and the rows of a second layer that was asked for without either.
const DEFAULT_ACTIVATION: Activation = Activation::Tanh;
const DEFAULT_OUTPUTS: usize = 3;

/// The loss with what belongs to it; options without use are refused.
fn model(arguments: &GenerateArgs) -> Result<Model, CliError> {
    if let Some(loss) = LossKind::parse_plain(&arguments.loss) {
        let superfluous = [
            ("--activation", arguments.activation.is_some()),
            ("--outputs", arguments.outputs.is_some()),
        ];
        return match superfluous.into_iter().find(|(_, present)| *present) {
            Some((option, _)) => Err(CliError::Usage(format!(
                "{option} has no use for the loss {}",
                arguments.loss
            ))),
            None => Ok(Model::Plain(loss)),
        };
    }
    let activation = match &arguments.activation {
        None => DEFAULT_ACTIVATION,
        Some(name) => Activation::parse(name)
            .ok_or_else(|| CliError::Usage(format!("unknown activation {name}")))?,
    };
    let outputs = match arguments.outputs {
        None => DEFAULT_OUTPUTS,
        // Sizes beyond what memory holds are refused when the instance is drawn.
        Some(outputs) => usize::try_from(outputs).unwrap_or(usize::MAX),
    };
    Ok(Model::TwoLayer {
        activation,
        outputs,
    })
}
