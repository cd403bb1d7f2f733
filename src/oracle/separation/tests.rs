//! Against exact counts of mpmath, by hand, at the edges.

use serde::Deserialize;

use super::*;
use crate::scalar::{Ball, High};

/// What `fixtures/oracle/separation_mpmath.py` writes.
#[derive(Deserialize)]
struct Table {
    probabilities: Vec<Entry>,
    windows: Vec<Window>,
}

#[derive(Deserialize)]
struct Entry {
    width: u64,
    copies: u64,
    class_weight: f64,
    margin: f64,
    signs: u64,
    excess: f64,
    degree: u64,
    share: String,
    fires: String,
    any_fires: String,
}

#[derive(Deserialize)]
struct Window {
    width: u64,
    copies: u64,
    class_weight: f64,
    signs: u64,
    small: f64,
    large: f64,
    failure: f64,
    first: u64,
    last: u64,
}

fn table() -> Table {
    let text = include_str!("../../../fixtures/oracle/separation_mpmath.json");
    serde_json::from_str(text).unwrap()
}

const BASE: NetworkSizes = NetworkSizes {
    width: 102,
    copies: 10,
    class_weight: 0.125,
    margin: 0.1,
    signs: 40,
};

/// Encloses the independent value, and to 30 digits of itself.
fn assert_encloses(ball: Ball, text: &str, what: &str) {
    let expected = High::parse(text).unwrap();
    let off = (ball.midpoint() - expected).abs();
    // The table has 50 digits, High 40.
    assert!(off <= ball.radius() + expected.abs().shifted(-38), "{what}");
    assert!(ball.radius() <= expected.abs().shifted(-30), "{what}");
}

#[test]
fn probabilities_are_enclosed_to_thirty_digits() {
    let entries = table().probabilities;
    assert!(entries.len() >= 17);
    for entry in entries {
        let network = SignNetwork::new(&NetworkSizes {
            width: entry.width,
            copies: entry.copies,
            class_weight: entry.class_weight,
            margin: entry.margin,
            signs: entry.signs,
        })
        .unwrap();
        let name = format!(
            "d = {}, a = {}, beta = {}",
            entry.width, entry.excess, entry.degree
        );
        let (a, beta) = (entry.excess, entry.degree);
        assert_encloses(network.share(a, beta).unwrap().0, &entry.share, &name);
        assert_encloses(network.fires(a, beta).unwrap(), &entry.fires, &name);
        assert_encloses(network.any_fires(a, beta).unwrap(), &entry.any_fires, &name);
    }
}

#[test]
fn windows_are_those_of_a_search_through_all_degrees() {
    for entry in table().windows {
        let network = SignNetwork::new(&NetworkSizes {
            width: entry.width,
            copies: entry.copies,
            class_weight: entry.class_weight,
            margin: 0.1,
            signs: entry.signs,
        })
        .unwrap();
        let found = network.window(entry.small, entry.large, entry.failure);
        let window = found.unwrap().unwrap();
        assert_eq!(window.first.degree, entry.first);
        assert_eq!(window.last.unwrap().degree, entry.last);
        assert!(window.every_degree);
        // Between the degrees at which the parts without random signs pass the threshold, or next to them.
        let near = |excess| match network.firing_degree(excess).unwrap() {
            FiringDegree::Above(degree) => degree.to_f64(),
            other => panic!("{other:?}"),
        };
        assert!((window.first.degree as f64 - near(entry.large)).abs() < 8.0);
        let last = window.last.unwrap().degree as f64;
        assert!(last < near(entry.small) && last > 0.5 * near(entry.small));
    }
}

/// By hand: of 8 outcomes of three signs one has the sum 3, three the sum 1.
#[test]
fn sums_of_few_signs_are_counted() {
    let sums = SignSums::of(3).unwrap();
    let at = |x: High| sums.beyond(Ball::exact(x)).midpoint();
    for (x, eighths) in [(-4, 8), (-2, 7), (0, 4), (2, 1), (4, 0), (9, 0)] {
        let off = (at(High::int(x)) - High::ratio(eighths, 8)).abs();
        assert!(off <= High::ONE.shifted(-36), "{x}");
    }
    let none = SignSums::of(0).unwrap();
    let before = none.beyond(Ball::exact(High::int(-1)));
    assert_eq!(before.midpoint(), High::ONE);
    assert!(none.beyond(Ball::exact(High::ZERO)).midpoint().is_zero());
    // Two signs: the sum 0 lies within the ball, so that 3/4 and 1/4 are both possible.
    let two = SignSums::of(2).unwrap();
    let both = two.beyond(Ball::new(High::ZERO, High::ratio(1, 2)));
    assert!(both.midpoint() + both.radius() >= High::ratio(3, 4));
    assert!(both.midpoint() - both.radius() <= High::ratio(1, 4));
    assert!(two.beyond(Ball::unknown(High::ZERO)).is_poisoned());
}

/// Without other classes (d = 3) the probability is a count of three signs: `a p + own > kappa` and no minus but one.
#[test]
fn the_narrowest_network_is_counted_by_hand() {
    let network = SignNetwork::new(&NetworkSizes {
        width: 3,
        copies: 2,
        class_weight: 0.5,
        margin: 0.25,
        signs: 2,
    })
    .unwrap();
    // n = 2, beta = 0: p = v = 1/2, a p = 1/2, own = 1/2: fires where the common sign is + and the other two are +: of the
    // others 1/2 - 1/2 = 0 and -1 stay below 1/4.
    let one = network.fires(1.0, 0).unwrap();
    assert!((one.midpoint() - High::ratio(1, 8)).abs() <= High::ONE.shifted(-36));
    let any = network.any_fires(1.0, 0).unwrap();
    assert!((any.midpoint() - High::ratio(15, 64)).abs() <= High::ONE.shifted(-36));
    // ln(0.01) / ln(7/8) = 34.49.
    assert_eq!(network.least_signs(1.0, 0, 0.01).unwrap(), Some(35));
}

#[test]
fn thresholds_at_the_edges() {
    let of = |sizes: NetworkSizes| SignNetwork::new(&sizes).unwrap();
    let base = of(BASE);
    // One copy: kappa above a + b is never reached, kappa of 0.0001 always.
    let one_copy = NetworkSizes { copies: 1, ..BASE };
    let strict = of(NetworkSizes {
        margin: 0.5,
        ..one_copy
    });
    assert_eq!(strict.firing_degree(0.25).unwrap(), FiringDegree::Never);
    assert_eq!(strict.window(0.0, 0.25, 0.01).unwrap().map(|_| ()), None);
    let lax = of(NetworkSizes {
        margin: 1e-4,
        ..BASE
    });
    assert_eq!(lax.firing_degree(0.25).unwrap(), FiringDegree::Always);
    // The share does not move where a = 0.
    assert_eq!(base.firing_degree(0.0).unwrap(), FiringDegree::Never);
    // a_0 + b below kappa: silent at every degree, so that no degree is the last.
    let narrow = of(NetworkSizes {
        width: 402,
        class_weight: 0.03125,
        ..BASE
    });
    let window = narrow.window(0.03125, 1.0, 0.01).unwrap().unwrap();
    assert!(window.last.is_none() && !window.every_degree);
    // A width that Hoeffding's inequality asks for is enough; none where the signal is beyond.
    let enough = base.silent_width(0.0625, 4, 0.01).unwrap().unwrap();
    let wide = of(NetworkSizes {
        width: enough,
        ..BASE
    });
    let fires = wide.any_fires(0.0625, 4).unwrap();
    assert!(fires.midpoint() <= High::ratio(1, 100));
    assert_eq!(base.silent_width(1.0, 1000, 0.01).unwrap(), None);
}

#[test]
fn what_is_no_network_is_refused_by_name() {
    let refused = |sizes: NetworkSizes| SignNetwork::new(&sizes).unwrap_err().to_string();
    assert_eq!(
        refused(NetworkSizes { width: 2, ..BASE }),
        "the width is 2: must be from 3 to 1099511627776"
    );
    assert_eq!(
        refused(NetworkSizes { copies: 0, ..BASE }),
        "the number of copies is 0: must be from 1 to 1099511627776"
    );
    assert_eq!(
        refused(NetworkSizes {
            width: 3,
            copies: 1,
            ..BASE
        }),
        "the number of tokens is 1: must be from 2 to 1099511627776"
    );
    assert_eq!(
        refused(NetworkSizes {
            class_weight: 1.0,
            ..BASE
        }),
        "the class weight is 1: must be above 0 and below 1"
    );
    assert_eq!(
        refused(NetworkSizes {
            margin: f64::NAN,
            ..BASE
        }),
        "the margin is NaN: must be above 0"
    );
    assert_eq!(
        refused(NetworkSizes {
            width: 2_000_000,
            ..BASE
        }),
        "the number of signs is 1999997: must be from 0 to 1000000"
    );
    let network = SignNetwork::new(&BASE).unwrap();
    assert_eq!(
        network.fires(-0.5, 3).unwrap_err().to_string(),
        "the excess is -0.5: must be at least 0"
    );
    assert_eq!(
        network.window(0.5, 0.5, 0.01).unwrap_err().to_string(),
        "the large excess is 0.5: must be above the small one"
    );
    assert_eq!(
        network.window(0.1, 0.5, 1.0).unwrap_err().to_string(),
        "the failure probability is 1: must be above 0 and below 1"
    );
}

/// Neither probability grows steadily with the degree where few signs are summed: windows that end at a degree which is noisy by itself,
/// or that follow noisy ones. Every degree of a window does, and the next one does not, by the probabilities themselves.
#[test]
fn a_window_ends_before_its_first_degree_that_will_not_do() {
    for (width, copies, class_weight, margin, signs, [small, large, failure], first, last) in [
        (
            24,
            10,
            0.8125,
            0.15,
            5,
            [0.1875, 0.875, 0.431_640_625],
            7,
            8,
        ),
        (20, 10, 0.5625, 0.11, 5, [0.406_25, 1.375, 0.484_375], 3, 6),
        (27, 12, 0.875, 0.13, 5, [0.25, 1.156_25, 0.484_375], 4, 9),
        (
            12,
            11,
            0.6875,
            0.25,
            3,
            [0.468_75, 1.125, 0.363_281_25],
            7,
            10,
        ),
        // Silent from 14 to 18 only, and near 29, where the small excess would fire by itself, noisy as below 14.
        (
            23,
            4,
            0.5625,
            0.11,
            5,
            [0.093_75, 0.375, 0.365_234_375],
            15,
            18,
        ),
    ] {
        let sizes = NetworkSizes {
            width,
            copies,
            class_weight,
            margin,
            signs,
        };
        let network = SignNetwork::new(&sizes).unwrap();
        let window = network.window(small, large, failure).unwrap().unwrap();
        let failure = High::lift(failure).unwrap();
        let will_do = |degree: u64| {
            let [silent, loud] =
                [small, large].map(|excess| network.any_fires(excess, degree).unwrap());
            silent.midpoint() + silent.radius() <= failure
                && loud.midpoint() - loud.radius() >= High::ONE - failure
        };
        assert!(window.every_degree);
        let found = (window.first.degree, window.last.unwrap().degree);
        assert_eq!(found, (first, last), "{sizes:?}");
        assert!(
            (first..=last).all(will_do) && !will_do(last + 1),
            "{sizes:?}"
        );
    }
}
