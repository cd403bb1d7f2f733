//! A chart: curves over an axis, with levels and bands. The same drawing serves the page and, with its style, files of its own.

use maud::{Markup, html};

/// The frame of the curves in a chart of this size. What is written stands outside of it, so that no label lies on a curve.
pub(super) const SIZE: (f64, f64) = (492.0, 304.0);
pub(super) const FRAME: Frame = Frame {
    left: 58.0,
    right: 466.0,
    top: 34.0,
    bottom: 254.0,
};

/// Edges of a frame.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// What an axis shows.
pub(super) struct Axis {
    label: String,
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Where lines and numbers stand.
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From `low` to `high`, with these ticks.
    pub fn linear(label: &str, (low, high): (f64, f64), ticks: &[f64]) -> Self {
        Self {
            label: label.to_owned(),
            low,
            high,
            logarithmic: false,
            ticks: ticks
                .iter()
                .map(|tick| (*tick, ((1e6 * tick).round() / 1e6).to_string()))
                .collect(),
        }
    }

    /// Logarithmic from `10^low` to `10^high`, every so many decades with a tick.
    pub fn decades(label: &str, (low, high): (i32, i32), every: usize) -> Self {
        let number = |decade: i32| match decade {
            -2..=3 => format!("{}", 10f64.powi(decade)),
            _ => format!("1e{decade}"),
        };
        Self {
            label: label.to_owned(),
            low: 10f64.powi(low),
            high: 10f64.powi(high),
            logarithmic: true,
            ticks: (low..=high)
                .step_by(every)
                .map(|decade| (10f64.powi(decade), number(decade)))
                .collect(),
        }
    }

    /// The place of a value, 0 at the low end and 1 at the high one; `None` beyond either.
    fn share(&self, value: f64) -> Option<f64> {
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        // A hair beyond an end is rounding. NaN is nowhere.
        (-1e-9..=1.0 + 1e-9).contains(&share).then_some(share)
    }
}

/// What is drawn, beside its name in the legend.
pub(super) enum Shape {
    /// Points joined from left to right; those beyond the axes are left out.
    Curve(Vec<(f64, f64)>),
    /// Values of the upright axis.
    Levels(Vec<f64>),
    /// A value of the axis below.
    Upright(f64),
    /// Rings around points.
    Rings(Vec<(f64, f64)>),
    /// Everything between two values of the axis below.
    Band(f64, f64),
}

/// One entry of a chart.
pub(super) struct Entry {
    pub name: String,
    pub shape: Shape,
}

/// Curves with their axes.
pub(super) struct Chart {
    /// What somebody who does not see it should know.
    pub described: String,
    pub across: Axis,
    pub upright: Axis,
    pub entries: Vec<Entry>,
}

impl Chart {
    /// Horizontal and vertical place of a point.
    pub fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let across = self.across.share(x)?;
        let upright = self.upright.share(y)?;
        Some((
            FRAME.left + (FRAME.right - FRAME.left) * across,
            FRAME.bottom - (FRAME.bottom - FRAME.top) * upright,
        ))
    }

    /// As a picture of its own.
    pub fn picture(&self) -> Markup {
        html! {
            svg.chart viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-label=(self.described) { (self.drawing()) }
        }
    }

    /// Everything in the frame and the labels of the axes.
    pub fn drawing(&self) -> Markup {
        let Frame {
            left,
            right,
            top,
            bottom,
        } = FRAME;
        let (low_x, low_y) = (self.across.low, self.upright.low);
        let columns: Vec<(f64, &str)> = self
            .across
            .ticks
            .iter()
            .filter_map(|(value, label)| Some((self.place((*value, low_y))?.0, label.as_str())))
            .collect();
        let rows: Vec<(f64, &str)> = self
            .upright
            .ticks
            .iter()
            .filter_map(|(value, label)| Some((self.place((low_x, *value))?.1, label.as_str())))
            .collect();
        let lines: String = columns
            .iter()
            .map(|(x, _)| format!("M{} {top}V{bottom}", one(*x)))
            .chain(
                rows.iter()
                    .map(|(y, _)| format!("M{left} {}H{right}", one(*y))),
            )
            .collect();
        let looks = self.looks();
        html! {
            @for (entry, look) in self.entries.iter().zip(&looks) {
                @if let Shape::Band(..) = entry.shape { (self.drawn(entry, look)) }
            }
            path.grid d=(lines) {}
            rect.frame x=(left) y=(top) width=(right - left) height=(bottom - top) {}
            g text-anchor="end" {
                @for (y, label) in &rows { text x=(left - 7.0) y=(one(y + 5.0)) { (label) } }
            }
            g text-anchor="middle" {
                @for (x, label) in &columns { text x=(one(*x)) y=(bottom + 20.0) { (label) } }
                text x=(f64::midpoint(left, right)) y=(bottom + 44.0) { (self.across.label) }
            }
            text x=(left) y=(top - 14.0) { (self.upright.label) }
            @for (entry, look) in self.entries.iter().zip(&looks) {
                @if !matches!(entry.shape, Shape::Band(..)) { (self.drawn(entry, look)) }
            }
        }
    }

    /// A class for each entry: curves have looks of their own, in their order.
    fn looks(&self) -> Vec<String> {
        let mut curves = 0;
        let look = |entry: &Entry| match entry.shape {
            Shape::Curve(_) => {
                curves += 1;
                format!("l{}", curves - 1)
            }
            Shape::Levels(_) | Shape::Upright(_) => "level".to_owned(),
            Shape::Rings(_) => "ring".to_owned(),
            Shape::Band(..) => "band".to_owned(),
        };
        self.entries.iter().map(look).collect()
    }

    fn drawn(&self, entry: &Entry, look: &str) -> Markup {
        let Frame {
            left,
            right,
            top,
            bottom,
        } = FRAME;
        let (low_x, low_y) = (self.across.low, self.upright.low);
        match &entry.shape {
            Shape::Curve(points) => html! {
                path class=(look) d=(joined(points.iter().filter_map(|point| self.place(*point)))) {}
            },
            Shape::Levels(values) => html! {
                @for (_, y) in values.iter().filter_map(|value| self.place((low_x, *value))) {
                    path class=(look) d=(format!("M{left} {}H{right}", one(y))) {}
                }
            },
            Shape::Upright(value) => html! {
                @if let Some((x, _)) = self.place((*value, low_y)) {
                    path class=(look) d=(format!("M{} {top}V{bottom}", one(x))) {}
                }
            },
            Shape::Rings(points) => html! {
                @for (x, y) in points.iter().filter_map(|point| self.place(*point)) {
                    circle class=(look) cx=(one(x)) cy=(one(y)) r="5" {}
                }
            },
            Shape::Band(from, to) => html! {
                @if let (Some((from, _)), Some((to, _))) = (self.place((*from, low_y)), self.place((*to, low_y))) {
                    rect class=(look) x=(one(from)) y=(top) width=(one(to - from)) height=(bottom - top) {}
                }
            },
        }
    }

    /// The names of the entries, each with a sample of how it is drawn.
    pub fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for (entry, look) in self.entries.iter().zip(self.looks()) {
                    li { svg.chart viewBox="0 0 32 12" aria-hidden="true" { (sample(entry, &look)) } (entry.name) }
                }
            }
        }
    }

    /// The same in a picture, a line for each entry from this height on.
    pub fn legend_below(&self, height: f64) -> Markup {
        html! {
            @for (k, (entry, look)) in self.entries.iter().zip(self.looks()).enumerate() {
                @let y = height + LINE * k as f64;
                g transform={ "translate(" (FRAME.left) " " (y) ")" } {
                    (sample(entry, &look))
                    text x="42" y="11" { (entry.name) }
                }
            }
        }
    }

    /// How high that is.
    pub fn legend_height(&self) -> f64 {
        LINE * self.entries.len() as f64
    }
}

/// Height of a line of a legend.
const LINE: f64 = 21.0;

/// How an entry is drawn, in 32 by 12.
fn sample(entry: &Entry, look: &str) -> Markup {
    match entry.shape {
        Shape::Curve(_) | Shape::Levels(_) | Shape::Upright(_) => {
            html! { path class=(look) d="M0 6H32" {} }
        }
        Shape::Rings(_) => html! { circle class=(look) cx="16" cy="6" r="5" {} },
        Shape::Band(..) => html! { rect class=(look) x="0" y="0" width="32" height="12" {} },
    }
}

/// Points joined by lines, the first by its place and the others by the way from the one before.
fn joined(points: impl Iterator<Item = (f64, f64)>) -> String {
    let tenths = |value: f64| (10.0 * value).round() as i64;
    let mut text = String::new();
    let mut before = None;
    for (x, y) in points.map(|(x, y)| (tenths(x), tenths(y))) {
        match before.replace((x, y)) {
            None => text.push_str(&format!("M{} {}l", x as f64 / 10.0, y as f64 / 10.0)),
            Some((left, up)) => {
                text.push_str(&format!(
                    "{} {} ",
                    (x - left) as f64 / 10.0,
                    (y - up) as f64 / 10.0
                ));
            }
        }
    }
    text.truncate(text.trim_end_matches([' ', 'l']).len());
    text
}

/// To a tenth of a pixel.
fn one(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        Chart {
            described: "a \"chart\"".to_owned(),
            across: Axis::decades("x", (0, 4), 2),
            upright: Axis::linear("y", (0.0, 2.0), &[0.0, 1.0, 2.0]),
            entries: vec![
                Entry {
                    name: "<curve>".to_owned(),
                    shape: Shape::Curve(vec![(1.0, 0.0), (100.0, 1.0), (1e4, 2.0), (1e5, 1.0)]),
                },
                Entry {
                    name: "level".to_owned(),
                    shape: Shape::Levels(vec![1.0]),
                },
                Entry {
                    name: "band".to_owned(),
                    shape: Shape::Band(1.0, 100.0),
                },
            ],
        }
    }

    /// Two of four decades are half of the width: (58 + 466) / 2; 1 of 2 half of the height: (34 + 254) / 2.
    #[test]
    fn a_point_stands_where_its_axes_say() {
        let chart = chart();
        assert_eq!(chart.place((100.0, 1.0)), Some((262.0, 144.0)));
        assert_eq!(chart.place((1.0, 0.0)), Some((58.0, 254.0)));
        for beyond in [(0.5, 1.0), (100.0, 2.1), (0.0, 1.0), (1.0, f64::NAN)] {
            assert_eq!(chart.place(beyond), None);
        }
    }

    #[test]
    fn what_lies_beyond_the_axes_is_not_drawn_and_names_are_text() {
        let chart = chart();
        let text = chart.picture().into_string();
        assert!(
            text.contains("class=\"l0\" d=\"M58 254l204 -110 204 -110\""),
            "{text}"
        );
        assert!(
            text.contains("d=\"M58 144H466\"") && text.contains(">1e4<"),
            "{text}"
        );
        // A band lies below the grid.
        assert!(text.find("class=\"band\"").unwrap() < text.find("class=\"grid\"").unwrap());
        let legend = chart.legend().into_string();
        assert!(
            legend.contains("&lt;curve&gt;") && !text.contains("curve"),
            "{legend}"
        );
        assert_eq!(legend.matches("<li>").count(), 3);
        assert_eq!(joined(std::iter::empty()), "");
    }
}
