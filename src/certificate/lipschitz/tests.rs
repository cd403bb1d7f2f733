//! The geometry of the cover against what it must cover: every unit vector, its corners and extremal directions first.

use super::*;
use crate::instance::sample;

/// What a unit vector gives, seen from coordinate 0: q, delta, d, w of entry 1, and K.
struct Seen {
    q: f64,
    delta: f64,
    d: f64,
    w: f64,
    third: f64,
}

/// From the definition: `q_j` are the probabilities of the others, `mu = <q, u>`, `d_j = u_j - mu`, `delta = u_0 - mu`.
fn seen(masses: &[f64], entries: &[f64]) -> Seen {
    let total: f64 = masses.iter().sum();
    let length = entries.iter().map(|u| u * u).sum::<f64>().sqrt();
    let q: Vec<f64> = masses.iter().map(|mass| mass / total).collect();
    let u: Vec<f64> = entries.iter().map(|entry| entry / length).collect();
    let mu: f64 = q.iter().zip(&u[1..]).map(|(q, u)| q * u).sum();
    let moment = |power: i32| -> f64 {
        q.iter()
            .zip(&u[1..])
            .map(|(q, u)| q * (u - mu).powi(power))
            .sum()
    };
    Seen {
        q: q[0],
        delta: u[0] - mu,
        d: u[1] - mu,
        w: moment(2),
        third: moment(3),
    }
}

/// Unit vectors: those that attain a constraint, or nearly, and random ones of two to five others.
fn all() -> Vec<Seen> {
    let mut found = Vec::new();
    let tiny = 1e-9;
    // delta = root 2: everything else in one entry. d = root 2: entry 1 without mass. w = 1/2: two halves, and K there.
    found.push(seen(&[1.0, tiny], &[1.0, -1.0, 0.0]));
    found.push(seen(&[1.0, tiny], &[-1.0, 1.0, 0.0]));
    found.push(seen(&[tiny, 1.0], &[0.0, 1.0, -1.0]));
    found.push(seen(&[tiny, 1.0], &[0.0, -1.0, 1.0]));
    found.push(seen(&[1.0, 1.0], &[0.0, 1.0, -1.0]));
    found.push(seen(&[tiny, 1.0, 1.0], &[0.0, 0.0, 1.0, -1.0]));
    for share in [0.05, 0.15, 0.2, 0.25, 0.3, 0.45] {
        found.push(seen(&[share, 1.0 - share], &[0.0, 1.0, -1.0]));
        found.push(seen(&[share, 1.0 - share], &[0.0, -1.0, 1.0]));
        // delta^2 / 2 + 2 w = 1 between the two.
        found.push(seen(&[0.5, 0.5], &[share, 0.5, -0.5]));
        found.push(seen(&[0.5, 0.5], &[1.0, share - 1.0, -share - 1.0]));
    }
    let mut rng = sample::stream(4, "unit-vectors", 0);
    for index in 0..3_000 {
        let others = 2 + index % 4;
        let entries: Vec<f64> = sample::dyadic_vector(&mut rng, others + 1, 1).data.into();
        let masses = sample::dyadic_vector(&mut rng, others, 1).map(|x| x.abs().powi(3) + tiny);
        if entries.iter().any(|entry| *entry != 0.0) {
            found.push(seen(masses.as_slice(), &entries));
        }
    }
    found
}

/// The place on the rays: r, and `(delta, d, w)` over `(r, r, r^2)`.
fn on_its_ray(seen: &Seen) -> [f64; 4] {
    let r = seen.delta.abs().max(seen.d.abs()).max(seen.w.sqrt());
    [r, seen.delta / r, seen.d / r, seen.w / (r * r)]
}

/// The cell of a grid of `2^-bits` that a number lies in, a little wider, so that rounding puts it on no other side.
fn cell(value: f64, bits: i32) -> Interval {
    let size = 2f64.powi(-bits);
    let low = (value / size).floor() * size;
    let margin = 1e-12;
    Interval {
        low: low - margin,
        high: low + size + margin,
    }
}

#[test]
fn every_unit_vector_lies_within_the_reach_of_its_face() {
    // Exact: both are dyadic with few bits. delta, d <= root 2; w <= 1/2.
    assert!(Face::DeltaPlus.reach().powi(2) >= 2.0 && Face::W.reach().powi(2) >= 0.5);
    let mut longest = [0.0_f64; 2];
    for seen in all() {
        let [r, delta, d, w] = on_its_ray(&seen);
        let (face, kind) = if delta.abs() == 1.0 {
            (
                if delta > 0.0 {
                    Face::DeltaPlus
                } else {
                    Face::DeltaMinus
                },
                0,
            )
        } else if d.abs() == 1.0 {
            (if d > 0.0 { Face::DPlus } else { Face::DMinus }, 0)
        } else {
            // sqrt w is the largest, up to the rounding of its square.
            assert!((w - 1.0).abs() < 1e-12, "{delta} {d} {w}");
            (Face::W, 1)
        };
        assert!(r <= face.reach(), "{face:?}: {r}");
        longest[kind] = longest[kind].max(r);
    }
    // The extremes are among them, so that no smaller reach would do.
    assert!(longest[0] > 1.414 && longest[1] > 0.707, "{longest:?}");
}

#[test]
fn no_unit_vector_lies_in_a_box_that_is_thrown_away() {
    let mut kept = 0;
    for seen in all() {
        let [r, delta, d, w] = on_its_ray(&seen);
        for bits in 0..=8 {
            let boxed = [
                Interval::point(0.5),
                cell(seen.q, bits),
                cell(r, bits),
                cell(delta, bits),
                cell(d, bits),
                cell(w, bits),
            ];
            let clipped = boxed.map(|range| Interval {
                low: range.low.max(-1.0),
                high: range.high.min(1.5),
            });
            let unit = |range: Interval| Interval {
                low: range.low.max(0.0),
                high: range.high.min(1.0),
            };
            let [t, q, scale, delta, d, w] = clipped;
            let inside = [
                t,
                unit(q),
                Interval {
                    low: scale.low.max(0.0),
                    ..scale
                },
                delta,
                d,
                unit(w),
            ];
            assert!(!is_impossible(&inside), "{inside:?}");
            kept += 1;
        }
    }
    assert!(kept > 20_000);
    // And some boxes are thrown away: too long by a part in 10^3 in each of the three ways.
    let point = Interval::point;
    let far = |q: f64, r: f64, delta: f64, d: f64, w: f64| {
        is_impossible(&[
            point(0.5),
            point(q),
            point(r),
            point(delta),
            point(d),
            point(w),
        ])
    };
    assert!(far(0.5, 1.416, 1.0, 0.0, 0.0));
    assert!(far(0.5, 0.1, 0.0, 1.0, 0.999));
    assert!(far(0.0, 1.25, 0.0, 1.0, 0.0) && !far(0.0, 1.2, 0.0, 1.0, 0.0));
}

/// `|K| <= C w (1 - w)` for all unit vectors, by the C of the cubes, which is at least root 2.
#[test]
fn the_third_moment_is_bounded_by_the_constant_of_the_rays() {
    let third = on_a_ray(&(Polynomial::variable(Variable::K)), 1);
    // C w (1 - r^2 w): C at w = 1 and r = 0.
    let constant = third
        .evaluate(Variable::Scale, &Surd::integer(0))
        .evaluate(Variable::W, &Surd::integer(1))
        .constant_term();
    let square = constant.power(2);
    assert!(square.root().is_zero());
    let two = BigRational::from_integer(2.into());
    assert!(*square.plain() >= two, "{}", square.plain());
    let c = constant.plain().to_f64().unwrap();
    let mut nearest = 0.0_f64;
    for seen in all() {
        let bound = c * seen.w * (1.0 - seen.w);
        assert!(seen.third.abs() <= bound * (1.0 + 1e-12));
        if seen.w > 1e-6 {
            nearest = nearest.max(seen.third.abs() / bound);
        }
    }
    assert!(nearest > 0.9, "{nearest}");
}
