//! The methods for linear regression on small instances, and the proof about any point, built from bytes.

use attention_regression::production::{AUTO, Settings, bound_excess};
use attention_regression::system::{Array, Given, LEVERAGE_REGRESSION};

use super::bytes::Bytes;
use super::regress::within_the_bound;
use super::solved::solved;

/// Most rows, columns and right sides.
const ROWS: usize = 12;
const COLUMNS: usize = 4;
const RIGHT: usize = 3;
/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 7;
const ACCURACIES: [f64; 4] = [0.1, 0.5, 0.999, 1e-9];
const METHODS: [&str; 4] = [
    AUTO,
    "triangular-factor",
    "conjugate-gradients",
    "sampled-rows",
];

/// Flags: 1 no bound, 2 the first column again at the end, 4 held against the oracle, 8 a target without a second axis. `None` where
/// there are more bytes than a case reads, or what they say is refused.
fn case_of(bytes: &[u8]) -> Option<(Given, &'static str, u8, Vec<f64>)> {
    if bytes.len() > LONGEST {
        return None;
    }
    let mut bytes = Bytes::of(bytes);
    let flags = bytes.byte();
    let method = METHODS[bytes.below(METHODS.len())];
    let accuracy = ACCURACIES[bytes.below(ACCURACIES.len())];
    let (n, d) = (1 + bytes.below(ROWS), 1 + bytes.below(COLUMNS));
    let right = if flags & 8 == 0 {
        1 + bytes.below(RIGHT)
    } else {
        1
    };
    let ridge = bytes.number();
    let mut matrix = bytes.numbers(n * d);
    if flags & 2 != 0 {
        for row in matrix.chunks_mut(d) {
            row[d - 1] = row[0];
        }
    }
    let shape = if flags & 8 == 0 {
        vec![n, right]
    } else {
        vec![n]
    };
    let arrays = vec![
        ("matrix".to_owned(), Array::new(vec![n, d], matrix)?),
        (
            "target".to_owned(),
            Array::new(shape, bytes.numbers(n * right))?,
        ),
        ("ridge".to_owned(), Array::scalar(ridge)),
        ("accuracy".to_owned(), Array::scalar(accuracy)),
    ];
    let given = Given::new(&LEVERAGE_REGRESSION, arrays).ok()?;
    let point = bytes.numbers(d * right);
    Some((given, method, flags, point))
}

/// Any bytes: the run ends with an answer that keeps its promises, or refuses with one line; the proof about a point is in order.
pub fn run(bytes: &[u8]) {
    let Some((given, method, flags, point)) = case_of(bytes) else {
        return;
    };
    if let Ok(excess) = bound_excess(&given, &point) {
        for [low, high] in [
            excess.relative,
            excess.worst_column.1,
            excess.squared_distance,
        ] {
            assert!(low >= 0.0 && low <= high, "{excess:?}");
        }
    }
    let settings = Settings::default().with_certify(flags & 1 == 0);
    if let Some((solution, bound)) = solved(&given, method, &settings)
        && flags & 4 != 0
    {
        within_the_bound(&given, &solution, bound);
    }
}
