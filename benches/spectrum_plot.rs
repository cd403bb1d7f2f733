//! Writes docs/spectrum.svg: the one nonzero eigenvalue of B for two coordinates against `t = p_1`, for every target with
//! `|b|_1 <= 1`, between the papers' bounds (left) and between the sharp ones (right).
//!
//! ```text
//! cargo bench --bench spectrum_plot > docs/spectrum.svg
//! ```

/// Points of each curve.
const STEPS: u32 = 200;

/// One panel: where it stands, and the values at its bottom and top.
struct Panel {
    left: f64,
    bottom_value: f64,
    top_value: f64,
}

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 300.0;
const TOP: f64 = 50.0;

impl Panel {
    fn x(&self, t: f64) -> f64 {
        self.left + WIDTH * t
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (self.top_value - value) / (self.top_value - self.bottom_value)
    }

    fn frame(&self, title: &str) {
        let left = self.left;
        println!(
            r#"<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="black"/>"#
        );
        println!(r#"<text x="{left}" y="{}">{title}</text>"#, TOP - 12.0);
        for t in [0.0, 0.5, 1.0] {
            let (x, y) = (self.x(t), TOP + HEIGHT + 18.0);
            println!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{t}</text>"#);
        }
        let (x, y) = (self.x(0.5), TOP + HEIGHT + 36.0);
        println!(r#"<text x="{x}" y="{y}" text-anchor="middle">t</text>"#);
    }

    fn level(&self, value: f64, label: &str, colour: &str) {
        let (from, to, y) = (self.x(0.0), self.x(1.0), self.y(value));
        println!(
            r#"<line x1="{from}" x2="{to}" y1="{y:.2}" y2="{y:.2}" stroke="{colour}" stroke-dasharray="6 3"/>"#
        );
        println!(
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="{colour}">{label}</text>"#,
            to - 4.0,
            y - 4.0
        );
    }

    /// The region between the eigenvalues for `b = e_1` and `b = -e_1`: every other target lies between.
    fn spectrum(&self) {
        let points = |sign: f64| (0..=STEPS).map(move |k| (f64::from(k) / f64::from(STEPS), sign));
        let place =
            |(t, sign): (f64, f64)| format!("{:.2},{:.2}", self.x(t), self.y(eigenvalue(t, sign)));
        let there: Vec<String> = points(1.0).map(place).collect();
        let back: Vec<String> = points(-1.0).rev().map(place).collect();
        println!(
            r##"<polygon points="{} {}" fill="#cfe2f3"/>"##,
            there.join(" "),
            back.join(" ")
        );
        println!(
            r##"<polyline points="{}" fill="none" stroke="#1c4587" stroke-width="1.5"/>"##,
            there.join(" ")
        );
        println!(
            r##"<polyline points="{}" fill="none" stroke="#b45f06" stroke-width="1.5"/>"##,
            back.join(" ")
        );
    }
}

/// `u'Bu` for `u = (1, -1)/sqrt 2`, `p = (t, 1 - t)`, `b = sign e_1`.
fn eigenvalue(t: f64, sign: f64) -> f64 {
    let t = if sign > 0.0 { t } else { 1.0 - t };
    4.0 * t * (1.0 - t).powi(2) * (3.0 * t - 1.0)
}

fn main() {
    let root = 33f64.sqrt();
    let (lower, upper) = ((55.0 * root - 39.0) / 1152.0, (55.0 * root + 39.0) / 1152.0);
    println!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="800" height="420" font-family="sans-serif" font-size="13">"#
    );
    println!(r#"<rect width="800" height="420" fill="white"/>"#);
    let printed = Panel {
        left: 40.0,
        bottom_value: -5.0,
        top_value: 9.0,
    };
    printed.spectrum();
    printed.frame("Eigenvalue of B, printed bounds");
    printed.level(8.0, "printed: 8", "#990000");
    printed.level(-4.0, "printed: -4", "#990000");
    let sharp = Panel {
        left: 430.0,
        bottom_value: -0.3,
        top_value: 0.4,
    };
    sharp.spectrum();
    sharp.frame("The same, proven bounds");
    sharp.level(upper, "proven and attained: 0.3081", "#006600");
    sharp.level(-lower, "proven and attained: -0.2404", "#006600");
    println!(r##"<text x="40" y="408" fill="#1c4587">b = e_1</text>"##);
    println!(r##"<text x="110" y="408" fill="#b45f06">b = -e_1</text>"##);
    println!(r#"<text x="190" y="408">shaded: every |b|_1 &lt;= 1, n = 2</text>"#);
    println!("</svg>");
}
