//! The reader of Matrix Market files, beside a slow one.

use std::collections::BTreeMap;
use std::path::Path;

use attention_regression::instance::DesignMatrix;
use attention_regression::instance::files::matrix_market;

use super::{assert_clear, assert_sound};

/// Longest side that is read here: a row costs memory that no byte of the input pays for, up to the reader's own limit.
const LONGEST_SIDE: usize = 1 << 16;
/// The reader takes lines up to 65536 bytes; the slow one knows no limit.
const LONGEST_INPUT: usize = 60_000;

/// Any bytes: the slow reader and the fast one agree, on the entries bit for bit or in refusing.
pub fn run(bytes: &[u8]) {
    if bytes.len() > LONGEST_INPUT || has_long_side(bytes) {
        return;
    }
    let name = Path::new("input.mtx");
    let found = matrix_market::parse_matrix(bytes, name);
    let expected = slow(&String::from_utf8_lossy(bytes));
    match found {
        Err(error) => {
            assert_clear(&error, name);
            assert!(expected.is_none(), "refused: {error}");
        }
        Ok(matrix) => {
            assert_sound(&matrix);
            let expected = expected.expect("read, but the slow reader refuses it");
            compare(&matrix, &expected);
        }
    }
}

fn has_long_side(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = data_lines(&text);
    lines.next().is_some_and(|line| {
        line.split_ascii_whitespace().take(2).any(|word| {
            word.parse::<usize>()
                .is_ok_and(|side| side > LONGEST_SIDE && side <= 1 << 27)
        })
    })
}

/// All lines, without a byte order mark. They end in CR alone if the first one does.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let end = match text
        .find(['\r', '\n'])
        .map(|place| &text.as_bytes()[place..])
    {
        Some([b'\r', next, ..]) if *next != b'\n' => '\r',
        _ => '\n',
    };
    text.split(end)
}

/// Lines behind the first that are neither blank nor a comment.
fn data_lines(text: &str) -> impl Iterator<Item = &str> {
    lines(text).skip(1).filter(|line| {
        let first = line.bytes().find(|byte| !byte.is_ascii_whitespace());
        !matches!(first, None | Some(b'%'))
    })
}

struct Slow {
    rows: usize,
    columns: usize,
    coordinate: bool,
    entries: BTreeMap<(usize, usize), f64>,
}

/// The format as NIST describes it, without complex numbers and without hermitian matrices; entries that occur twice are
/// added.
fn slow(text: &str) -> Option<Slow> {
    let banner = lines(text).next()?.to_ascii_lowercase();
    let words: Vec<&str> = banner.split_ascii_whitespace().collect();
    let ["%%matrixmarket", "matrix", layout, field, symmetry] = words[..] else {
        return None;
    };
    let coordinate = match layout {
        "coordinate" => true,
        "array" if field != "pattern" => false,
        _ => return None,
    };
    let number = |word: &str| -> Option<f64> {
        let value = word.parse::<f64>().ok().filter(|value| value.is_finite())?;
        let digits = word.trim_start_matches(['+', '-']);
        let is_integer = !digits.is_empty()
            && digits.len() + 1 >= word.len()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        // Printed without digits behind the point an integer is exact.
        let is_exact =
            format!("{:.0}", value.abs()).trim_start_matches('0') == digits.trim_start_matches('0');
        let fits = match field {
            "real" => true,
            "integer" => is_integer && is_exact,
            "unsigned-integer" => is_integer && is_exact && !word.starts_with('-'),
            _ => false,
        };
        fits.then_some(value)
    };
    if !["real", "integer", "unsigned-integer", "pattern"].contains(&field) {
        return None;
    }
    // The sign of the mirrored entry, and the first row below the diagonal that is stored.
    let (sign, below) = match symmetry {
        "general" => (None, 0),
        "symmetric" => (Some(1.0), 0),
        "skew-symmetric" => (Some(-1.0), 1),
        _ => return None,
    };
    let mut lines = data_lines(text).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let sizes: Vec<usize> = lines
        .next()?
        .iter()
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    let (rows, columns) = (*sizes.first()?, *sizes.get(1)?);
    if sizes.len() != if coordinate { 3 } else { 2 }
        || rows.max(columns) > 1 << 27
        || rows.min(columns) == 0
        || (sign.is_some() && rows != columns)
    {
        return None;
    }
    let mut listed: Vec<(usize, usize, f64)> = Vec::new();
    if coordinate {
        for line in lines {
            let value = match line[..] {
                [_, _] if field == "pattern" => 1.0,
                [_, _, value] if field != "pattern" => number(value)?,
                _ => return None,
            };
            let i: usize = line[0].parse().ok()?;
            let j: usize = line[1].parse().ok()?;
            let inside = (1..=rows).contains(&i) && (1..=columns).contains(&j);
            if !inside || (sign.is_some() && i < j + below) {
                return None;
            }
            listed.push((i - 1, j - 1, value));
        }
        if listed.len() != sizes[2] {
            return None;
        }
    } else {
        let mut lines = lines;
        for j in 0..columns {
            for i in if sign.is_some() { j + below } else { 0 }..rows {
                let line = lines.next()?;
                let [value] = line[..] else { return None };
                listed.push((i, j, number(value)?));
            }
        }
        if lines.next().is_some() {
            return None;
        }
    }
    let mut entries = BTreeMap::new();
    let mut add = |i, j, value: f64| {
        entries
            .entry((i, j))
            .and_modify(|sum| *sum += value)
            .or_insert(value);
    };
    for (i, j, value) in listed {
        add(i, j, value);
        if let Some(sign) = sign
            && i != j
        {
            add(j, i, sign * value);
        }
    }
    entries
        .values()
        .all(|value| value.is_finite())
        .then_some(Slow {
            rows,
            columns,
            coordinate,
            entries,
        })
}

fn compare(found: &DesignMatrix, expected: &Slow) {
    assert_eq!(
        (found.rows(), found.columns()),
        (expected.rows, expected.columns)
    );
    match found {
        DesignMatrix::Sparse(found) => {
            assert!(expected.coordinate);
            let found: Vec<_> = found
                .triplet_iter()
                .map(|(i, j, value)| ((i, j), value.to_bits()))
                .collect();
            let expected: Vec<_> = expected
                .entries
                .iter()
                .map(|(place, value)| (*place, value.to_bits()))
                .collect();
            assert_eq!(found, expected);
        }
        DesignMatrix::Dense(found) => {
            assert!(!expected.coordinate);
            for i in 0..expected.rows {
                for j in 0..expected.columns {
                    let value = expected.entries.get(&(i, j)).copied().unwrap_or(0.0);
                    assert_eq!(found.row(i)[j].to_bits(), value.to_bits(), "({i}, {j})");
                }
            }
        }
    }
}
