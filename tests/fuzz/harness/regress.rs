//! The methods for attention kernel regression on small instances, built from bytes.

use attention_regression::oracle::{Reference, lift_vector};
use attention_regression::production::{AUTO, Settings, Solution};
use attention_regression::scalar::High;
use attention_regression::system::{ATTENTION_KERNEL_REGRESSION, Array, Given};
use nalgebra::{Cholesky, DMatrix, DVector};

use super::bytes::Bytes;
use super::solved::solved;

/// Most rows and columns of A.
const ROWS: usize = 6;
const COLUMNS: usize = 4;
/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 7;
const POWERS: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 8.0, 40.0, 70_000.0, 4_294_967_295.0];
const METHODS: [&str; 4] = [AUTO, "triangular-factor", "cholesky", "conjugate-gradients"];

/// Flags: 1 no bound, 2 the first row again at the end, 4 held against the oracle. `None` where there are more bytes than a case
/// reads, or what they say is refused.
fn case_of(bytes: &[u8]) -> Option<(Given, &'static str, bool, bool)> {
    if bytes.len() > LONGEST {
        return None;
    }
    let mut bytes = Bytes::of(bytes);
    let flags = bytes.byte();
    let kind = bytes.below(3);
    let power = POWERS[bytes.below(POWERS.len())];
    let method = METHODS[bytes.below(METHODS.len())];
    let (n, d) = (1 + bytes.below(ROWS), 1 + bytes.below(COLUMNS));
    let ridge = bytes.number();
    let mut matrix = bytes.numbers(n * d);
    if flags & 2 != 0 {
        matrix.copy_within(0..d, (n - 1) * d);
    }
    let target = bytes.numbers([d, n, n][kind]);
    let scalar = if kind == 2 {
        ("ridge".to_owned(), Array::scalar(ridge))
    } else {
        ("power".to_owned(), Array::scalar(power))
    };
    let arrays = vec![
        ("matrix".to_owned(), Array::new(vec![n, d], matrix)?),
        ("kind".to_owned(), Array::scalar(kind as f64)),
        ("target".to_owned(), Array::new(vec![target.len()], target)?),
        scalar,
    ];
    let given = Given::new(&ATTENTION_KERNEL_REGRESSION, arrays).ok()?;
    Some((given, method, flags & 1 != 0, flags & 4 != 0))
}

/// Any bytes: the run ends with an answer that keeps its promises, or refuses with one line.
pub fn run(bytes: &[u8]) {
    let Some((given, method, plain, judged)) = case_of(bytes) else {
        return;
    };
    let settings = Settings::default().with_certify(!plain);
    if let Some((solution, bound)) = solved(&given, method, &settings)
        && judged
        && given.scalar("power") <= 8.0
    {
        within_the_bound(&given, &solution, bound);
    }
}

/// The loss is quadratic: `x - x* = Hess^-1 grad`, at 40 digits where these are enough for the condition of the Hessian.
pub(super) fn within_the_bound(given: &Given, solution: &Solution, bound: f64) {
    let reference = Reference::of(given).expect("a system with a loss");
    // Numbers may leave even the range of 40 digits.
    let Ok(here) = reference.evaluate(&lift_vector(&solution.x)) else {
        return;
    };
    let d = here.gradient.len();
    let roots: Vec<High> = (0..d).map(|j| here.hessian[(j, j)].sqrt()).collect();
    if roots
        .iter()
        .any(|root| root.is_zero() || root.is_poisoned())
    {
        return;
    }
    let scaled = DMatrix::from_fn(d, d, |i, j| here.hessian[(i, j)] / roots[i] / roots[j]);
    let Some(factor) = Cholesky::new(scaled) else {
        return;
    };
    let pivots = factor.l_dirty().diagonal();
    if pivots.iter().any(|pivot| *pivot < High::ONE.shifted(-5)) {
        return;
    }
    let right = DVector::from_fn(d, |j, _| here.gradient[j] / roots[j]);
    let step = factor.solve(&right);
    let distance = (0..d)
        .map(|j| (step[j] / roots[j]).square())
        .sum::<High>()
        .sqrt();
    let size = lift_vector(&solution.x).norm();
    let allowed = High::lift(bound).expect("a finite number") + size.shifted(-22);
    assert!(
        distance <= allowed,
        "{} from the answer, bound {bound:e}: {solution:?}",
        distance.scientific(10)
    );
}
