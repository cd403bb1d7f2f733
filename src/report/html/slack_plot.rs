//! The slack of all cases of one claim as a picture: logarithm of allowed / observed over the decade of a quantity.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::report::html::shared::Shared;
use crate::report::number;
use crate::report::{ClaimReport, PointReport};

/// The frame of the points: its left and upper edge.
const LEFT: f64 = 64.0;
const TOP: f64 = 12.0;
/// What stands right of the frame, and below it.
const MARGINS: (f64, f64) = (12.0, 46.0);

/// How large a picture is.
#[derive(Clone, Copy)]
pub(super) enum Size {
    /// As wide as the text of a claim.
    Wide,
    /// For a card.
    Small,
}

impl Size {
    /// The right and the lower edge of the frame.
    fn frame(self) -> (f64, f64) {
        match self {
            Self::Wide => (608.0, 166.0),
            Self::Small => (338.0, 136.0),
        }
    }

    /// Decades of slack between two labels, and labels below the frame at most.
    fn labels(self, decades: f64) -> (i32, usize) {
        match self {
            Self::Wide => (1, 12),
            Self::Small => (if decades > 5.0 { 3 } else { 1 }, 6),
        }
    }
}

/// Decades of slack that are drawn one by one; what lies beyond, 0 among it, stands at the edge.
const DECADES: (f64, f64) = (-3.0, 6.0);

/// The picture, or `None` where no case compared two numbers.
pub(super) fn slack_plot(claim: &ClaimReport, size: Size, shared: &mut Shared) -> Option<Markup> {
    let (right, bottom) = size.frame();
    let compared: Vec<(&PointReport, f64)> = claim
        .points
        .iter()
        .filter_map(|point| Some((point, point.slack.filter(|slack| *slack >= 0.0)?.log10())))
        .collect();
    let tightest = compared
        .iter()
        .min_by(|one, other| one.1.total_cmp(&other.1))?;
    let (low, high) = range(compared.iter().map(|(_, slack)| *slack));
    let (every, labels) = size.labels(high - low);
    let columns = Columns::of(&compared, right);
    let y = |slack: f64| {
        let inside = slack.clamp(low, high);
        bottom - (bottom - TOP) * (inside - low) / (high - low)
    };
    let mut dots: Vec<(i64, i64)> = compared
        .iter()
        .enumerate()
        .map(|(k, (point, slack))| (dot(columns.x(point, k)), dot(y(*slack))))
        .collect();
    // What falls on one place is drawn once.
    dots.sort_unstable();
    dots.dedup();
    let place = compared
        .iter()
        .position(|(point, _)| std::ptr::eq(*point, tightest.0))
        .unwrap_or_default();
    let (tight_x, tight_y) = (columns.x(tightest.0, place), y(tightest.1));
    let axis = claim.axis.as_deref();
    let described = format!(
        "Slack of {} cases{}: at least {}",
        compared.len(),
        axis.map_or_else(String::new, |axis| format!(" by {axis}")),
        number(10f64.powf(tightest.1)),
    );
    let lines: Vec<(i32, f64)> = (low as i32..=high as i32)
        .map(|decade| (decade, y(f64::from(decade))))
        .collect();
    let heights = shared.part(html! {
        path.grid d=(grid(&lines, right)) {}
        line.bound x1=(LEFT) x2=(right) y1=(one(y(0.0))) y2=(one(y(0.0))) {}
        g text-anchor="end" {
            @for (decade, height) in lines.iter().filter(|(decade, _)| decade % every == 0) {
                text x=(LEFT - 8.0) y=(one(height + 4.0)) { (power(*decade, low, high)) }
            }
        }
    });
    let widths = shared.part(html! {
        g text-anchor="middle" {
            @for (x, label) in columns.labels(labels) {
                text x=(one(x)) y=(bottom + 18.0) { (label) }
            }
            text x=(f64::midpoint(LEFT, right)) y=(bottom + 38.0) {
                (axis.map_or("cases in their order".to_owned(), |axis| format!("decade of: {axis}")))
            }
        }
    });
    Some(html! {
        svg.plot viewBox={ "0 0 " (right + MARGINS.0) " " (bottom + MARGINS.1) } role="img" aria-label=(described) {
            (heights) (widths)
            path.dots d=(marks(&dots)) {}
            circle.tightest cx=(PLACE * dot(tight_x) as f64) cy=(PLACE * dot(tight_y) as f64) r="5" {}
        }
    })
}

/// Level lines but for the bound.
fn grid(lines: &[(i32, f64)], right: f64) -> String {
    lines
        .iter()
        .filter(|(decade, _)| *decade != 0)
        .map(|(_, height)| format!("M{LEFT} {}H{right}", one(*height)))
        .collect()
}

/// Pixels from one place of dots to the next, as the style has it: dots are wider.
const PLACE: f64 = 2.0;

/// The place of a dot, in these.
fn dot(pixels: f64) -> i64 {
    (pixels / PLACE).round() as i64
}

/// A dot at each of these, the first by its place and the others by the way from the one before: half as many bytes.
fn marks(dots: &[(i64, i64)]) -> String {
    let mut text = String::new();
    let mut before = None;
    for (x, y) in dots.iter().copied() {
        // Writing to a String cannot fail.
        let _ = match before.replace((x, y)) {
            None => write!(text, "M{x} {y}h0"),
            // A sign separates as well as a space.
            Some((left, up)) if y < up => write!(text, "m{}{}h0", x - left, y - up),
            Some((left, up)) => write!(text, "m{} {}h0", x - left, y - up),
        };
    }
    text
}

/// Whole decades around all of these, 0 (the bound) among them.
fn range(slacks: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = slacks.clone().fold(0.0, f64::min).floor();
    let largest = slacks.fold(1.0, f64::max).ceil();
    (least.max(DECADES.0), largest.min(DECADES.1))
}

/// What stands at the line of a decade; the outermost say that more may lie beyond.
fn power(decade: i32, low: f64, high: f64) -> String {
    let value = match decade {
        -3..=3 => format!("{}", 10f64.powi(decade)),
        _ => format!("1e{decade}"),
    };
    let decade = f64::from(decade);
    if decade == DECADES.1 && decade == high {
        format!("\u{2265} {value}")
    } else if decade == DECADES.0 && decade == low {
        format!("\u{2264} {value}")
    } else {
        value
    }
}

/// To a tenth of a pixel.
fn one(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}

/// Where the points stand from left to right.
struct Columns {
    levels: Vec<i32>,
    points: usize,
    right: f64,
}

impl Columns {
    fn of(compared: &[(&PointReport, f64)], right: f64) -> Self {
        let mut levels: Vec<i32> = compared
            .iter()
            .filter_map(|(point, _)| point.level)
            .collect();
        levels.sort_unstable();
        levels.dedup();
        Self {
            levels,
            points: compared.len(),
            right,
        }
    }

    /// The middle of a column and its width.
    fn column(&self, index: usize) -> (f64, f64) {
        let width = (self.right - LEFT) / self.levels.len() as f64;
        (LEFT + width * (index as f64 + 0.5), width)
    }

    /// Points of one decade are spread over their column in their order; a point of none stands at the left edge.
    fn x(&self, point: &PointReport, k: usize) -> f64 {
        let share = (k as f64 + 0.5) / self.points as f64;
        if self.levels.is_empty() {
            return LEFT + (self.right - LEFT) * share;
        }
        let index = point
            .level
            .and_then(|level| self.levels.binary_search(&level).ok());
        match index {
            Some(index) => {
                let (middle, width) = self.column(index);
                middle + 0.8 * width * (share - 0.5)
            }
            None => LEFT,
        }
    }

    /// At most so many labels.
    fn labels(&self, most: usize) -> Vec<(f64, String)> {
        let every = self.levels.len().div_ceil(most).max(1);
        self.levels
            .iter()
            .enumerate()
            .step_by(every)
            .map(|(index, level)| (self.column(index).0, format!("1e{level}")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(slack: f64, level: Option<i32>) -> PointReport {
        PointReport {
            origin: "random 3".to_owned(),
            slack: Some(slack),
            level,
        }
    }

    #[test]
    fn the_range_takes_in_the_bound_and_stops_at_the_edges() {
        assert_eq!(range([0.5, 0.2].into_iter()), (0.0, 1.0));
        assert_eq!(range([-0.5, 2.2].into_iter()), (-1.0, 3.0));
        assert_eq!(range([-40.0, 300.0].into_iter()), DECADES);
        assert_eq!(range([f64::NEG_INFINITY].into_iter()), (DECADES.0, 1.0));
        assert_eq!(power(6, -3.0, 6.0), "\u{2265} 1e6");
        assert_eq!(power(-3, -3.0, 6.0), "\u{2264} 0.001");
        assert_eq!(power(0, -3.0, 6.0), "1");
        assert_eq!(power(4, -3.0, 4.0), "1e4");
    }

    #[test]
    fn dots_are_joined_by_their_distances() {
        assert_eq!(
            marks(&[(72, 146), (73, 157), (73, 20)]),
            "M72 146h0m1 11h0m0-137h0"
        );
        assert_eq!(marks(&[]), "");
    }

    /// Two decades share the width: 544 / 2 each, their middles at 200 and 472.
    #[test]
    fn points_stand_in_the_column_of_their_decade() {
        let points = [point(2.0, Some(0)), point(3.0, Some(7)), point(3.0, None)];
        let compared: Vec<(&PointReport, f64)> = points.iter().map(|point| (point, 0.3)).collect();
        let columns = Columns::of(&compared, 608.0);
        assert_eq!(
            columns.labels(12),
            [(200.0, "1e0".to_owned()), (472.0, "1e7".to_owned())]
        );
        assert!((columns.x(&points[0], 0) - (200.0 - 0.8 * 272.0 / 3.0)).abs() < 1e-9);
        assert_eq!(columns.x(&points[1], 1), 472.0);
        assert_eq!(columns.x(&points[2], 2), LEFT);
    }
}
