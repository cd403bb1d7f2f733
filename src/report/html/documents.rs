//! The pictures of docs/, drawn as those of the page: files of their own, light and dark.

use maud::{PreEscaped, html};
use serde::{Deserialize, Serialize};

use crate::report::html::chart::{Axis, Chart, Entry, SIZE, Shape};
use crate::report::html::spectrum::{printed, sharp};

const STYLE: &str = include_str!("chart.css");
/// As `cargo bench --bench crossover` wrote it.
const CROSSOVER: &str = include_str!("../../../docs/crossover.json");

/// Times of whole solves by several methods, over the number of columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CrossoverTimes {
    /// Where and how they were measured.
    pub measured: String,
    /// The methods, in the order of the times of a row.
    pub methods: Vec<String>,
    /// From the fewest columns on.
    pub rows: Vec<CrossoverRow>,
}

/// One shape of matrix.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CrossoverRow {
    /// Rows.
    pub n: usize,
    /// Columns.
    pub d: usize,
    /// The best time of each method in seconds; null where it did not converge.
    pub seconds: Vec<Option<f64>>,
    /// Iterations of each method.
    pub iterations: Vec<usize>,
    /// Rows in the first sample.
    pub kept: usize,
}

/// The pictures of docs/ with their names: `docs/spectrum.svg` from its closed form, `docs/crossover.svg` from the measured times in
/// `docs/crossover.json`. An error where that file is not of the form of [`CrossoverTimes`].
pub fn documents() -> Result<Vec<(&'static str, String)>, serde_json::Error> {
    let times: CrossoverTimes = serde_json::from_str(CROSSOVER)?;
    let spectrum = [
        ("Between the printed bounds", printed()),
        ("Between the proven bounds", sharp()),
    ];
    let crossover = [("A solve, dense rows", crossover(&times))];
    Ok(vec![
        ("spectrum.svg", document(&spectrum)),
        ("crossover.svg", document(&crossover)),
    ])
}

fn crossover(times: &CrossoverTimes) -> Chart {
    let curve = |(k, method): (usize, &String)| {
        let points = times
            .rows
            .iter()
            .filter_map(|row| Some((row.d as f64, row.seconds.get(k).copied().flatten()?)));
        Entry {
            name: method.clone(),
            shape: Shape::Curve(points.collect()),
        }
    };
    Chart {
        described: "Seconds of a solve by each method over the number of columns, both logarithmic"
            .to_owned(),
        across: Axis::decades("columns d", (1, 4), 1),
        upright: Axis::decades("seconds", (-2, 2), 1),
        entries: times.methods.iter().enumerate().map(curve).collect(),
    }
}

/// Space around a chart.
const MARGIN: f64 = 12.0;
/// Between its axis and its legend.
const GAP: f64 = 8.0;
/// Height of its title.
const TITLE: f64 = 24.0;

/// Charts side by side, each with its title and its legend below.
fn document(charts: &[(&str, Chart)]) -> String {
    let legends = charts
        .iter()
        .map(|(_, chart)| chart.legend_height())
        .fold(0.0, f64::max);
    let width = (SIZE.0 + MARGIN) * charts.len() as f64 + MARGIN;
    let height = TITLE + SIZE.1 + GAP + legends + 2.0 * MARGIN;
    let described: Vec<&str> = charts
        .iter()
        .map(|(_, chart)| chart.described.as_str())
        .collect();
    let text = html! {
        svg.chart xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
            role="img" aria-label=(described.join(". ")) {
            style { (PreEscaped(STYLE)) }
            rect.paper width=(width) height=(height) {}
            @for (k, (title, chart)) in charts.iter().enumerate() {
                g transform={ "translate(" (MARGIN + (SIZE.0 + MARGIN) * k as f64) " " (MARGIN) ")" } {
                    text.title x="0" y="14" { (title) }
                    g transform={ "translate(0 " (TITLE) ")" } { (chart.drawing()) (chart.legend_below(SIZE.1 + GAP)) }
                }
            }
        }
    };
    text.into_string().replace("><", ">\n<") + "\n"
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What ships is what is drawn today.
    #[test]
    fn the_pictures_of_the_documentation_are_those_that_are_drawn() {
        for (name, text) in documents().unwrap() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("docs")
                .join(name);
            if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
                std::fs::write(&path, text).unwrap();
                continue;
            }
            assert!(
                std::fs::read_to_string(&path).unwrap() == text,
                "docs/{name} is stale: run `INSTA_UPDATE=always cargo test --lib html::documents`"
            );
        }
    }

    /// A method that did not converge leaves a gap, and every time has its place.
    #[test]
    fn times_are_points_of_their_method() {
        let times: CrossoverTimes = serde_json::from_str(CROSSOVER).unwrap();
        let chart = crossover(&times);
        for entry in &chart.entries {
            let Shape::Curve(points) = &entry.shape else {
                panic!("{} is no curve", entry.name);
            };
            assert_eq!(points.len(), times.rows.len());
            assert!(points.iter().all(|point| chart.place(*point).is_some()));
        }
        let mut gap = times;
        gap.rows[0].seconds[1] = None;
        let Shape::Curve(points) = &crossover(&gap).entries[1].shape else {
            panic!("a curve")
        };
        assert_eq!(points.len() + 1, gap.rows.len());
    }
}
