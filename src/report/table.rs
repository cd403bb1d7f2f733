//! The aligned table of verdicts, grouped by paper.

use std::fmt::Write as _;

use crate::campaign::{ClaimRecord, Tally};
use crate::claims::{Claim, Paper};
use crate::report::Look;

/// A number for people: three significant digits, `-` where nothing was compared.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        "-".to_owned()
    } else if (0.001..10_000.0).contains(&value) {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    }
}

/// One row per claim: recorded verdict, verdict, cases, how many of them outside the premise and undecided, how many of the
/// real attention heads are inside the premise, slack (allowed / observed in the tightest case) and where the tightest case came from. A row that differs from the record
/// is marked with `!`, one that was not finished with `~`.
///
/// Where the terminal is narrower than that, the columns of the record, the counts beside `cases`, and the papers' names before
/// the claims are left out; names that are too long get lines of their own.
pub fn table(claims: &[&Claim], records: &[ClaimRecord], look: Look) -> String {
    let longest = claims.iter().map(|claim| claim.id.len()).max();
    let wide = Columns::Wide(longest.unwrap_or(0).max("claim".len()));
    let rows: Vec<(&Claim, Row)> = claims
        .iter()
        .zip(records)
        .map(|(claim, record)| (*claim, Row::of(claim, record)))
        .collect();
    let longest = rows.iter().map(|(_, row)| wide.line(row).width()).max();
    let columns = match (look.width, longest) {
        (Some(width), Some(longest)) if width < longest => Columns::Narrow,
        _ => wide,
    };
    let mut text = String::new();
    for paper in Paper::ALL {
        let mut of_paper = rows
            .iter()
            .filter(|(claim, _)| claim.paper == paper)
            .map(|(_, row)| row)
            .peekable();
        if of_paper.peek().is_none() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", look.heading(paper.title()));
        let _ = writeln!(text, "{}", columns.line(&Row::heading()).plain());
        for row in of_paper {
            let _ = writeln!(text, "{}", columns.line(row).painted(row, look));
        }
        text.push('\n');
    }
    text
}

/// The cells of a row.
struct Row {
    mark: char,
    id: String,
    recorded: String,
    /// The verdict, and what it is; `None` in a heading.
    verdict: (String, Option<Tally>),
    cases: String,
    outside: String,
    undecided: String,
    real: String,
    slack: String,
    tightest: String,
}

impl Row {
    fn of(claim: &Claim, record: &ClaimRecord) -> Self {
        Self {
            mark: match (record.as_recorded(), record.unfinished) {
                (false, _) => DIFFERS,
                (true, 0) => ' ',
                (true, _) => '~',
            },
            id: claim.id.to_owned(),
            recorded: claim.recorded().to_owned(),
            verdict: (record.verdict().as_str().to_owned(), Some(record.verdict())),
            cases: record.cases.to_string(),
            outside: record.outside_total().to_string(),
            undecided: record.undecided.to_string(),
            real: match record.real {
                (_, 0) => "-".to_owned(),
                (inside, all) => format!("{inside}/{all}"),
            },
            slack: number(record.slack),
            tightest: record
                .tightest
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
        }
    }

    fn heading() -> Self {
        let text = str::to_owned;
        Self {
            mark: ' ',
            id: text("claim"),
            recorded: text("recorded"),
            verdict: (text("verdict"), None),
            cases: text("cases"),
            outside: text("outside"),
            undecided: text("undecided"),
            real: text("real"),
            slack: text("slack"),
            tightest: text("tightest"),
        }
    }
}

/// The mark of a row that differs from the record.
const DIFFERS: char = '!';

/// Which cells a line has, and how wide they are.
#[derive(Clone, Copy)]
enum Columns {
    /// All, the names as wide as this.
    Wide(usize),
    /// Those that fit 80 columns.
    Narrow,
}

/// The width of a name in a narrow table.
const NARROW: usize = 32;

/// A line in three parts, the verdict in the middle.
struct Line {
    before: String,
    verdict: String,
    after: String,
}

impl Columns {
    fn line(self, row: &Row) -> Line {
        let verdict = format!("{:<9}", row.verdict.0);
        let (mark, cases, slack, tightest) = (row.mark, &row.cases, &row.slack, &row.tightest);
        match self {
            Self::Wide(width) => Line {
                before: format!("{mark} {:<width$}  {:<8}  ", row.id, row.recorded),
                verdict,
                after: format!(
                    "  {cases:>5}  {:>7}  {:>9}  {:>5}  {slack:>9}  {tightest}",
                    row.outside, row.undecided, row.real
                ),
            },
            Self::Narrow => {
                let name = row.id.rsplit('/').next().unwrap_or_default();
                Line {
                    before: if name.len() > NARROW {
                        format!("{mark} {name}\n  {:<NARROW$}  ", "")
                    } else {
                        format!("{mark} {name:<NARROW$}  ")
                    },
                    verdict,
                    after: format!("  {cases:>5}  {slack:>9}  {tightest}"),
                }
            }
        }
    }
}

impl Line {
    fn width(&self) -> usize {
        self.before.len() + self.verdict.len() + self.after.len()
    }

    fn plain(&self) -> String {
        format!("{}{}{}", self.before, self.verdict, self.after)
    }

    fn painted(&self, row: &Row, look: Look) -> String {
        match row.verdict.1 {
            _ if row.mark == DIFFERS => look.alarm(&self.plain()),
            Some(tally) => {
                let verdict = look.verdict(tally, &self.verdict);
                format!("{}{verdict}{}", self.before, self.after)
            }
            None => self.plain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims;

    /// Every claim without a single case: the columns matter here.
    fn lines(look: Look) -> Vec<String> {
        let catalogue = claims::all();
        let claims: Vec<&Claim> = catalogue.iter().collect();
        let records: Vec<ClaimRecord> =
            claims.iter().map(|claim| ClaimRecord::new(claim)).collect();
        let text = table(&claims, &records, look);
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_narrow_terminal_gets_rows_of_eighty_columns_and_loses_no_claim() {
        let look = Look {
            colour: false,
            width: Some(80),
        };
        let titles: Vec<&str> = Paper::ALL.iter().map(|paper| paper.title()).collect();
        let narrow = lines(look);
        for line in &narrow {
            assert!(
                line.len() <= 80 || titles.contains(&line.as_str()),
                "{line}"
            );
        }
        for claim in claims::all() {
            let name = claim.id.rsplit('/').next().unwrap();
            let row = |line: &String| line.split_whitespace().nth(1) == Some(name);
            assert!(narrow.iter().any(row), "{name}");
        }
        let wide = Look {
            width: Some(400),
            ..look
        };
        assert_eq!(lines(wide), lines(Look::PLAIN));
    }

    /// Nothing but escape codes is added, and only where colours are asked for.
    #[test]
    fn colours_change_no_letter() {
        let coloured = lines(Look {
            colour: true,
            width: None,
        });
        let mut bare = coloured.join("\n");
        while let Some(begin) = bare.find('\u{1b}') {
            let end = begin + bare[begin..].find('m').unwrap();
            bare.replace_range(begin..=end, "");
        }
        let plain = lines(Look::PLAIN).join("\n");
        assert_eq!(bare, plain);
        assert!(!plain.contains('\u{1b}') && coloured[0].contains('\u{1b}'));
        // Without a case every claim on record as anything differs: its whole row is an alarm.
        assert!(
            coloured[2].starts_with("\u{1b}[1m\u{1b}[31m! "),
            "{:?}",
            coloured[2]
        );
    }
}
