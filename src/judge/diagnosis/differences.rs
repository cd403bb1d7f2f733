//! Gradients by finite differences of the loss: `(L(x + h e_j) - L(x)) / h` and its kin, each recomputed at 40 digits.
//!
//! In f64 such a gradient is off by two things: the truncation, which the recomputed difference has too, and the rounding of
//! the losses over h. The first tells a method where it is much the larger. Where it is not, the second does: losses are
//! multiples of a unit in their last place, so `h g_j` is one too. A scheme is named if chance would hardly do both; of several
//! the one that chance would do least (what is a multiple for one step is one for twenty, too). Rounding alone tells the step
//! roughly and the scheme not at all.

use nalgebra::DVector;

use crate::judge::diagnosis::float32;
use crate::judge::diagnosis::mistake::Mistake;
use crate::judge::digits::{digits, largest_difference};
use crate::judge::truth::{Truth, rounding};
use crate::oracle::Reference;
use crate::scalar::High;

/// A difference of losses at `x + forth h e_j` and `x + back h e_j`.
struct Scheme {
    name: &'static str,
    forth: i64,
    back: i64,
}

const SCHEMES: [Scheme; 3] = [
    Scheme {
        name: "forward",
        forth: 1,
        back: 0,
    },
    Scheme {
        name: "backward",
        forth: 0,
        back: -1,
    },
    Scheme {
        name: "central",
        forth: 1,
        back: -1,
    },
];

/// Steps in use: decades, and the square and the cube root of the unit of f64.
const STEPS: [f64; 14] = [
    1e-1,
    1e-2,
    1e-3,
    1e-4,
    1e-5,
    1e-6,
    1e-7,
    1e-8,
    1e-9,
    1e-10,
    1e-11,
    1e-12,
    1.490_116_119_384_765_6e-8,
    6.055_454_452_393_343e-6,
];
/// Chance that is accepted, over all schemes and steps.
const CHANCE: f64 = 1e-4;
/// The rounding of two losses, and of the point that was moved.
const ROUNDINGS: i64 = 4;

/// Names the scheme that made the wrong gradient `given` (d), if one did.
pub(super) fn recognise(
    reference: &Reference,
    x: &DVector<High>,
    truth: &Truth,
    given: &[High],
) -> Option<Mistake> {
    let loss = reference.enclose_loss(x).ok()?;
    let rounding = rounding(loss.radius(), truth.precision) * High::int(ROUNDINGS);
    let (error, _) = largest_difference(given, &truth.values);
    let singles = given.iter().all(|g| float32::is_float32(g.to_f64()));
    let schemes = STEPS
        .iter()
        .flat_map(|step| SCHEMES.iter().map(move |scheme| (*step, scheme)));
    let found = schemes.filter_map(|(step, scheme)| {
        let h = High::lift(step).ok()?;
        let noise = rounding / h;
        let values = differences(reference, x, scheme, h)?;
        let (left, _) = largest_difference(given, &values);
        if left > noise {
            return None;
        }
        // Chance leaves as little of the error in one entry as in another.
        let explained = (left / error).to_f64().min(1.0).powi(given.len() as i32);
        let width = High::int(scheme.forth - scheme.back) * h;
        let chance = if singles {
            1.0
        } else {
            chance_of_the_lattice(loss.midpoint(), width, given)
        };
        let tried = (STEPS.len() * SCHEMES.len()) as f64;
        let by_truncation = tried * explained;
        let words = if by_truncation <= CHANCE {
            format!(
                "{} differences of the loss with the step {step:e}",
                scheme.name
            )
        } else {
            format!("differences of the loss with a step near {step:e}, where rounding prevails")
        };
        let chance = by_truncation * chance;
        (chance <= CHANCE).then_some((chance, words))
    });
    let (_, words) = found.min_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let right = digits(error, truth.scale);
    Some(Mistake::new(
        "finite-differences",
        &format!("{words}: right to {right:.1} digits only"),
    ))
}

/// The gradient of a scheme, as it would be without rounding.
fn differences(
    reference: &Reference,
    x: &DVector<High>,
    scheme: &Scheme,
    h: High,
) -> Option<Vec<High>> {
    let width = High::int(scheme.forth - scheme.back) * h;
    (0..x.len())
        .map(|j| {
            let loss = |steps: i64| {
                let mut moved = x.clone();
                moved[j] += High::int(steps) * h;
                reference.loss(&moved).ok()
            };
            Some((loss(scheme.forth)? - loss(scheme.back)?) / width)
        })
        .collect()
}

/// The chance that every `width * g_j` is as nearly a multiple of half a unit in the last place of the loss as rounding
/// leaves it; 1 if one of them is none.
fn chance_of_the_lattice(loss: High, width: High, given: &[High]) -> f64 {
    let size = loss.abs().to_f64();
    if !size.is_normal() {
        return 1.0;
    }
    // Half a unit: a loss nearby may lie in the binade below.
    let Ok(spacing) = High::lift((size.next_up() - size) / 2.0) else {
        return 1.0;
    };
    let mut chance = 1.0;
    for g in given {
        let multiple = (*g * width / spacing).abs();
        let near = multiple.to_f64().round();
        // The quotient was rounded to f64, and so was the width.
        let tolerance = near * f64::EPSILON * 2.0;
        let Ok(whole) = High::lift(near) else {
            return 1.0;
        };
        if near == 0.0 || tolerance > 0.25 || (multiple - whole).abs().to_f64() > tolerance {
            return 1.0;
        }
        chance *= (2.0 * tolerance).min(1.0);
    }
    chance
}
