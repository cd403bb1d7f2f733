//! `attreg generate`: instances that meet a theorem's premises, as manifests for the other commands.

mod named;

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
use crate::system::{GENERATORS, Sizes, generator};

/// Arguments of `attreg generate`.
#[derive(Debug, Args)]
#[command(after_help = "Kinds:
  theory           ||A|| <= R, ||b||_1 <= 1 and w_i^2 >= 100 + l / sigma_min(A)^2, all exactly
  practice         sizes of attention heads: ||A|| from 8 to 24, condition 16, a ridge of 2^-10
  weak             weights so small that the loss is not convex, target on a corner
  edge             n = 1, d = 1, n = d, logits 900 apart, signed target, in turn
  ill-conditioned  condition number 1e6
  conformance      the conformance kit: small instances over all losses with their expected values; no other option

Kinds of systems with named arrays, of which --n, --d (width, or rank) and --outputs (columns of B, M or V) are read:
  attention        single-layer attention: targets in the hull of the values, no ridge
  attention-ridge  the same with weights on the logits and a ridge
  low-rank         weighted low rank: rank d and noise, every entry weighted
  masked-low-rank  the same with a fifth of the entries hidden

Example:
  attreg generate theory --seed 7 --n 64 --d 8 --out instances
  attreg generate theory --loss two-layer --activation relu --outputs 2 --out instances")]
pub struct GenerateArgs {
    /// What the instances are examples of
    #[arg(value_parser = PossibleValuesParser::new(kinds()))]
    kind: String,
    /// Loss of the instances (default: softmax)
    #[arg(long, value_parser = PossibleValuesParser::new(LossKind::NAMES))]
    loss: Option<String>,
    /// Activation of the two-layer loss (default: tanh)
    #[arg(long, value_parser = PossibleValuesParser::new(Activation::ALL.map(Activation::name)))]
    activation: Option<String>,
    /// Rows of the second layer of the two-layer loss (default: 3)
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    outputs: Option<u64>,
    /// Seed; the same seed gives the same bytes (default: 0)
    #[arg(long)]
    seed: Option<u64>,
    /// Directory for the manifests, made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[arg(long, value_name = "ROWS", help = format!("Rows of A (default: {})", Shape::default().rows))]
    n: Option<usize>,
    #[arg(long, value_name = "COLUMNS", help = format!("Columns of A, at most as many as rows (default: {})", Shape::default().columns))]
    d: Option<usize>,
    /// How many instances (default: as many as show everything the kind has to show)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[arg(long, value_name = "R", allow_hyphen_values = true, help = format!("Bound on the points, and on ||A|| in theory (default: {})", Shape::default().norm))]
    norm: Option<f64>,
    #[arg(long, value_name = "L", allow_hyphen_values = true, help = format!("l of the theory: what the smallest eigenvalue of every Hessian is to reach (default: {})", Shape::default().convexity))]
    convexity: Option<f64>,
}

/// The names of all kinds.
fn kinds() -> Vec<&'static str> {
    let logit = Kind::ALL.map(Kind::name).into_iter();
    let systems = GENERATORS.iter().map(|generator| generator.kind);
    logit.chain(systems).chain([CONFORMANCE]).collect()
}

/// The sizes of a system's instance, and what was asked for without use.
fn of_system(arguments: &GenerateArgs) -> named::Asked<'_> {
    let superfluous = [
        ("--loss", arguments.loss.is_some()),
        ("--activation", arguments.activation.is_some()),
        ("--norm", arguments.norm.is_some()),
        ("--convexity", arguments.convexity.is_some()),
    ];
    let default = Shape::default();
    named::Asked {
        seed: arguments.seed.unwrap_or(0),
        count: arguments.count.unwrap_or(1),
        sizes: Sizes {
            rows: arguments.n.unwrap_or(default.rows),
            width: arguments.d.unwrap_or(default.columns),
            // Sizes beyond what memory holds are refused when the instance is drawn.
            columns: arguments
                .outputs
                .map(|outputs| usize::try_from(outputs).unwrap_or(usize::MAX)),
        },
        out: &arguments.out,
        superfluous: superfluous
            .into_iter()
            .find(|(_, set)| *set)
            .map(|(option, _)| option),
    }
}

/// The kind that is not drawn but listed.
const CONFORMANCE: &str = "conformance";

/// Writes the manifests and lists them.
pub fn run(arguments: &GenerateArgs) -> Result<Exit, CliError> {
    if arguments.kind == CONFORMANCE {
        refuse_options_of_drawn_kinds(arguments)?;
        return conformance(arguments);
    }
    if let Some(generator) = generator(&arguments.kind) {
        return named::run(generator, &of_system(arguments));
    }
    let Some(kind) = Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == arguments.kind)
    else {
        return Err(CliError::Usage(format!("unknown kind {}", arguments.kind)));
    };
    let count = arguments.count.unwrap_or(kind.variants());
    refuse_options_without_effect(arguments, kind, count)?;
    let default = Shape::default();
    let shape = Shape {
        rows: arguments.n.unwrap_or(default.rows),
        columns: arguments.d.unwrap_or(default.columns),
        norm: arguments.norm.unwrap_or(default.norm),
        convexity: arguments.convexity.unwrap_or(default.convexity),
    };
    let seed = arguments.seed.unwrap_or(0);
    // The first instance before the directory: what cannot be drawn leaves nothing behind.
    let model = model(arguments)?;
    let mut next = model.draw(kind, &shape, seed, 0)?;
    fs::create_dir_all(&arguments.out).map_err(|source| CliError::io(&arguments.out, source))?;
    output::print(&format!("kind {}, seed {seed}\n", kind.name()))?;
    let name = if model == Model::Plain(LossKind::Softmax) {
        kind.name().to_owned()
    } else {
        format!("{}-{}", kind.name(), loss_name(arguments))
    };
    for index in 0..count {
        if index > 0 {
            next = model.draw(kind, &shape, seed, index)?;
        }
        let path = arguments.out.join(format!("{name}-{index}.json"));
        write_instance(&next, &path)?;
        let (n, d) = (next.rows(), next.columns());
        output::print(&format!("{}  n = {n}, d = {d}\n", path.display()))?;
    }
    Ok(Exit::Success)
}

/// The kit is the same for everybody.
fn refuse_options_of_drawn_kinds(arguments: &GenerateArgs) -> Result<(), CliError> {
    let superfluous = [
        ("--loss", arguments.loss.is_some()),
        ("--activation", arguments.activation.is_some()),
        ("--outputs", arguments.outputs.is_some()),
        ("--seed", arguments.seed.is_some()),
        ("--n", arguments.n.is_some()),
        ("--d", arguments.d.is_some()),
        ("--count", arguments.count.is_some()),
        ("--norm", arguments.norm.is_some()),
        ("--convexity", arguments.convexity.is_some()),
    ];
    match superfluous.into_iter().find(|(_, present)| *present) {
        Some((option, _)) => Err(CliError::without_effect(
            option,
            "the conformance kit is always the same",
        )),
        None => Ok(()),
    }
}

/// Sizes and constants that no instance of this kind and number follows.
fn refuse_options_without_effect(
    arguments: &GenerateArgs,
    kind: Kind,
    count: u64,
) -> Result<(), CliError> {
    let edge = kind == Kind::Edge;
    let superfluous = [
        (
            "--convexity",
            arguments.convexity.is_some() && kind != Kind::Theory,
            "only instances of the theory have an l",
        ),
        (
            "--n",
            arguments.n.is_some() && edge && count < 2,
            "the first instance of the edges has n = 1",
        ),
        (
            "--d",
            arguments.d.is_some() && edge && count < 3,
            "the first two instances of the edges have d = 1",
        ),
    ];
    match superfluous.into_iter().find(|(_, present, _)| *present) {
        Some((option, _, reason)) => Err(CliError::without_effect(option, reason)),
        None => Ok(()),
    }
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
        let manifest = specimen.instance.render();
        write_whole(&out.join(&entry.instance), manifest.as_bytes())?;
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

fn loss_name(arguments: &GenerateArgs) -> &str {
    let softmax = LossKind::Softmax.name();
    arguments.loss.as_deref().unwrap_or(softmax)
}

/// The loss with what belongs to it; options without use are refused.
fn model(arguments: &GenerateArgs) -> Result<Model, CliError> {
    let name = loss_name(arguments);
    if let Some(loss) = LossKind::parse_plain(name) {
        let superfluous = [
            ("--activation", arguments.activation.is_some()),
            ("--outputs", arguments.outputs.is_some()),
        ];
        return match superfluous.into_iter().find(|(_, present)| *present) {
            Some((option, _)) => Err(CliError::without_effect(
                option,
                &format!("the loss {name} has no second layer"),
            )),
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
