//! What a solve takes, beside other solvers and the machine's own limit: measured by `benches/compare.py --page`, drawn as bars.

use maud::{Markup, html};
use serde::Deserialize;

/// As `benches/compare.py --page docs/solver-times.json` wrote it.
const MEASURED: &str = include_str!("../../../docs/solver-times.json");

/// A run of the comparison.
#[derive(Deserialize)]
struct SolverTimes {
    machine: Machine,
    command: String,
    date: String,
    tolerance: f64,
    instances: Vec<Timed>,
}

#[derive(Deserialize)]
struct Machine {
    processor: String,
    commit: Option<String>,
    numpy: String,
    scipy: String,
}

/// All solvers on one instance; times in seconds.
#[derive(Deserialize)]
struct Timed {
    instance: String,
    threads: usize,
    rows: u64,
    columns: u64,
    entries: u64,
    without_bound: Option<f64>,
    with_bound: Option<f64>,
    error_bound: Option<f64>,
    limit: f64,
    peers: Vec<Peer>,
    /// Cores that other work used meanwhile.
    load: f64,
}

#[derive(Deserialize)]
struct Peer {
    solver: String,
    /// None where the solver did not reach the tolerance.
    seconds: Option<f64>,
}

/// The section; an error where the file is not of this form.
pub(super) fn section() -> Result<Markup, serde_json::Error> {
    serde_json::from_str(MEASURED).map(|times| drawn(&times))
}

fn drawn(times: &SolverTimes) -> Markup {
    let load = times.instances.iter().map(|timed| timed.load);
    let (least, most) = load.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), load| {
        (least.min(load), most.max(load))
    });
    html! {
        h2 #solver { "The solver" }
        p.quiet #measured {
            "What one solve of softmax regression takes until \u{2016}g\u{2016} \u{2264} " (format!("{:e}", times.tolerance)) " \u{2016}g" sub { "0" } "\u{2016}. "
            "`attreg` runs twice: for the answer alone, as the others, and for the answer with a proven bound on its error, which is what a user gets and no other gives. "
            "The others have the same loss, gradient and Hessian by hand in NumPy. The line is the limit of the machine: one Gram matrix at the rate of dgemm, or A read once at the "
            "rate of a dot product, whichever takes longer, both measured in the same run. Bars of one instance share a scale, which starts at 0."
        }
        div.scroll tabindex="0" role="region" aria-label="times of solvers" {
            table.times aria-describedby="measured" {
                thead { tr { th scope="col" { "solver" } th scope="col" { "bar" } th.n scope="col" { "time" } th.n scope="col" { "times ours" } } }
                @for timed in &times.instances { (instance(timed)) }
            }
        }
        p.quiet {
            (times.date) ", " (times.machine.processor) ", NumPy " (times.machine.numpy) ", SciPy " (times.machine.scipy)
            @if let Some(commit) = &times.machine.commit { ", commit " code { (commit) } }
            ". Medians of alternating processes; other work used " (format!("{least:.1} to {most:.1}")) " cores meanwhile, so that ratios say more than times. Made by "
            code { (times.command) } "."
        }
    }
}

fn instance(timed: &Timed) -> Markup {
    let ours = [
        ("attreg, answer alone".to_owned(), timed.without_bound, "b0"),
        (
            "attreg, with proven bound".to_owned(),
            timed.with_bound,
            "b2",
        ),
    ];
    let peers = timed
        .peers
        .iter()
        .map(|peer| (name(&peer.solver), peer.seconds, "b3"));
    let all: Vec<(String, Option<f64>, &str)> = ours.into_iter().chain(peers).collect();
    let longest = all
        .iter()
        .filter_map(|(_, seconds, _)| *seconds)
        .fold(timed.limit, f64::max);
    let share = |seconds: f64| format!("{:.2}%", 100.0 * seconds / longest);
    html! {
        tbody {
            tr { th.instance colspan="4" scope="rowgroup" {
                (timed.instance.replace('_', " ")) span.title {
                    ": " (timed.rows) " x " (timed.columns)
                    @if timed.entries < timed.rows * timed.columns { ", " (timed.entries) " entries" }
                    ", " (timed.threads) @if timed.threads == 1 { " thread" } @else { " threads" }
                    "; limit " (shown(timed.limit))
                    @match timed.error_bound {
                        Some(bound) => { ", bound " (format!("{bound:.0e}")) }
                        None => { ", no bound could be proven" }
                    }
                }
            } }
            @for (name, seconds, look) in &all {
                tr {
                    th scope="row" { (name) }
                    td { @if let Some(seconds) = seconds {
                        div.track aria-hidden="true" {
                            div.fill.(look) style={ "width:" (share(*seconds)) } {}
                            div.limit style={ "left:" (share(timed.limit)) } {}
                        }
                    } }
                    td.n { @if let Some(seconds) = seconds { (shown(*seconds)) } @else { "no answer" } }
                    td.n { @if let (Some(seconds), Some(own)) = (seconds, timed.without_bound) { (format!("{:.1}", seconds / own)) } }
                }
            }
        }
    }
}

/// How people know a solver.
fn name(solver: &str) -> String {
    match solver {
        "trust-exact" => "SciPy, trust-exact",
        "trust-ncg" => "SciPy, trust-ncg",
        "ipopt" => "Ipopt",
        "numpy-newton" => "NumPy script, Newton",
        "numpy-gram" => "NumPy script, one Gram matrix",
        other => other,
    }
    .to_owned()
}

/// Three digits with a unit.
fn shown(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.3} ms", 1e3 * seconds)
    } else if seconds < 1.0 {
        let milliseconds = 1e3 * seconds;
        let digits = if milliseconds < 10.0 {
            2
        } else {
            usize::from(milliseconds < 100.0)
        };
        format!("{milliseconds:.digits$} ms")
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shipped file is one that the comparison wrote: every instance has our times, some peer's, and a limit below both.
    #[test]
    fn the_measured_file_is_whole() {
        let times: SolverTimes = serde_json::from_str(MEASURED).unwrap();
        assert!(times.command.contains("compare.py") && times.instances.len() > 2);
        for timed in &times.instances {
            let ours = timed.without_bound.unwrap();
            assert!(timed.with_bound.is_some(), "{}", timed.instance);
            assert!(timed.peers.iter().any(|peer| peer.seconds.is_some()));
            assert!(
                timed.limit > 0.0 && timed.limit < ours,
                "{}",
                timed.instance
            );
        }
    }

    /// The longest bar fills its track; the others, and the limit, are shares of it.
    #[test]
    fn bars_are_shares_of_the_longest() {
        let timed = Timed {
            instance: "small_theory".to_owned(),
            threads: 1,
            rows: 10,
            columns: 2,
            entries: 20,
            without_bound: Some(0.025),
            with_bound: Some(0.05),
            error_bound: Some(1.5e-14),
            limit: 0.0125,
            peers: vec![
                Peer {
                    solver: "trust-exact".to_owned(),
                    seconds: Some(0.1),
                },
                Peer {
                    solver: "<new>".to_owned(),
                    seconds: None,
                },
            ],
            load: 0.0,
        };
        let text = instance(&timed).into_string();
        for part in [
            "width:25.00%",
            "width:50.00%",
            "width:100.00%",
            "left:12.50%",
            "<td class=\"n\">4.0</td>",
            "no answer",
            "&lt;new&gt;",
            "25.0 ms",
            "limit 12.5 ms",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("entries"));
        assert_eq!(shown(0.000_123_4), "0.123 ms");
        assert_eq!(shown(1.2345), "1.23 s");
    }
}
