//! The methods for federated softmax regression on small instances, built from bytes.

use attention_regression::oracle::{Reference, lift_vector, minimise};
use attention_regression::production::{AUTO, Settings, Solution};
use attention_regression::scalar::High;
use attention_regression::system::{Array, FEDERATED_SOFTMAX, Given};

use super::bytes::Bytes;
use super::solved::solved;

/// Most clients, rows of each, and columns.
const CLIENTS: usize = 4;
const ROWS: usize = 3;
const COLUMNS: usize = 3;
/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 7;
const METHODS: [&str; 6] = [
    AUTO,
    "federated-newton",
    "fedavg",
    "drift-corrected",
    "fedavg-median",
    "fedavg-trimmed-mean",
];
const STEPS: [f64; 6] = [0.0, 0.125, 1.0, 1e-9, 1e6, 1e300];

/// Flags: 1 no bound, 2 the first client again at the end, 4 held against the oracle. `None` where there are more bytes than a case
/// reads, or what they say is refused.
fn case_of(bytes: &[u8]) -> Option<(Given, &'static str, u8)> {
    if bytes.len() > LONGEST {
        return None;
    }
    let mut bytes = Bytes::of(bytes);
    let flags = bytes.byte();
    let method = METHODS[bytes.below(METHODS.len())];
    let step = STEPS[bytes.below(STEPS.len())];
    let (count, d) = (1 + bytes.below(CLIENTS), 1 + bytes.below(COLUMNS));
    let steps = 1 + bytes.below(4);
    let [participants, stragglers, trimmed] = [0; 3].map(|_: usize| bytes.below(CLIENTS + 1));
    let mut rows: Vec<usize> = (0..count).map(|_| 1 + bytes.below(ROWS)).collect();
    if flags & 2 != 0 {
        rows[count - 1] = rows[0];
    }
    let n: usize = rows.iter().sum();
    let weight = bytes.number();
    let mut matrix = bytes.numbers(n * d);
    if flags & 2 != 0 {
        matrix.copy_within(0..rows[0] * d, (n - rows[0]) * d);
    }
    let target = bytes.numbers(n);
    let rows: Vec<f64> = rows.into_iter().map(|rows| rows as f64).collect();
    let mut arrays = vec![
        ("clients".to_owned(), Array::new(vec![count], rows)?),
        ("matrix".to_owned(), Array::new(vec![n, d], matrix)?),
        ("target".to_owned(), Array::new(vec![n], target)?),
    ];
    for (name, value) in [
        ("weights", weight),
        ("step", step),
        ("local_steps", steps as f64),
        ("participants", participants as f64),
        ("stragglers", stragglers as f64),
        ("trimmed", trimmed as f64),
    ] {
        arrays.push((name.to_owned(), Array::scalar(value)));
    }
    let given = Given::new(&FEDERATED_SOFTMAX, arrays).ok()?;
    Some((given, method, flags))
}

/// Any bytes: the run ends with an answer that keeps its promises, or refuses with one line.
pub fn run(bytes: &[u8]) {
    let Some((given, method, flags)) = case_of(bytes) else {
        return;
    };
    let settings = Settings::default()
        .with_certify(flags & 1 == 0)
        .with_max_iterations(60);
    if let Some((solution, bound)) = solved(&given, method, &settings)
        && flags & 4 != 0
    {
        within_the_bound(&given, &solution, bound);
    }
}

/// Where the bound says that there is one minimiser only, it is within it.
fn within_the_bound(given: &Given, solution: &Solution, bound: f64) {
    if !solution
        .error_bound_basis
        .ends_with("this is the only minimiser")
    {
        return;
    }
    let reference = Reference::of(given).expect("a system with a loss");
    // Numbers may leave even the range of 40 digits.
    let Ok(minimiser) = minimise(&reference, &lift_vector(&solution.x)) else {
        return;
    };
    let distance = (lift_vector(&solution.x) - &minimiser.x).norm();
    let allowed = High::lift(bound).expect("a finite number") + minimiser.error_bound;
    assert!(
        distance <= allowed,
        "{} from the minimiser, bound {bound:e}: {solution:?}",
        distance.scientific(10)
    );
}
