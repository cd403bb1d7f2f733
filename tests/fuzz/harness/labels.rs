//! The methods for active learning on small pools, built from bytes.

use attention_regression::production::{AUTO, Settings, choose_points};
use attention_regression::system::{ACTIVE_LEARNING, Array, Given};

use super::bytes::Bytes;
use super::regress::within_the_bound;
use super::solved::solved;

/// Most points and functions.
const POINTS: usize = 12;
const FUNCTIONS: usize = 4;
/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 7;
const METHODS: [&str; 4] = [AUTO, "greedy-d-optimal", "leverage-draws", "randomised-bss"];

/// Flags: 1 no bound, 2 the first function again at the end, 4 held against the oracle, 8 a measure for each point. `None` where there
/// are more bytes than a case reads, or what they say is refused.
fn case_of(bytes: &[u8]) -> Option<(Given, &'static str, u8)> {
    if bytes.len() > LONGEST {
        return None;
    }
    let mut bytes = Bytes::of(bytes);
    let flags = bytes.byte();
    let method = METHODS[bytes.below(METHODS.len())];
    let (n, d) = (1 + bytes.below(POINTS), 1 + bytes.below(FUNCTIONS));
    let budget = 1 + bytes.below(POINTS);
    let measure = if flags & 8 == 0 {
        Array::scalar(bytes.number().abs())
    } else {
        let measure = bytes.numbers(n).into_iter().map(f64::abs);
        Array::new(vec![n], measure.collect())?
    };
    let mut pool = bytes.numbers(n * d);
    if flags & 2 != 0 {
        for row in pool.chunks_mut(d) {
            row[d - 1] = row[0];
        }
    }
    let arrays = vec![
        ("pool".to_owned(), Array::new(vec![n, d], pool)?),
        ("labels".to_owned(), Array::new(vec![n], bytes.numbers(n))?),
        ("budget".to_owned(), Array::scalar(budget as f64)),
        ("measure".to_owned(), measure),
    ];
    let given = Given::new(&ACTIVE_LEARNING, arrays).ok()?;
    Some((given, method, flags))
}

/// Any bytes: the run ends with an answer that keeps its promises, or refuses with one line; it reads the labels of its points and no
/// others.
pub fn run(bytes: &[u8]) {
    let Some((given, method, flags)) = case_of(bytes) else {
        return;
    };
    let settings = Settings::default().with_certify(flags & 1 == 0);
    if let Ok(design) = choose_points(&given, method, settings.seed) {
        assert!(design.points.len() <= given.size("budget"), "{design:?}");
        assert!(design.points.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            design
                .weights
                .iter()
                .all(|weight| (0.0..=1.0).contains(weight)),
            "{design:?}"
        );
    }
    if let Some((solution, bound)) = solved(&given, method, &settings)
        && flags & 4 != 0
    {
        within_the_bound(&given, &solution, bound);
    }
}
