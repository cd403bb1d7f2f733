//! How many statements hold and fail, by where the wording comes from: what is only ours is no fault of a paper. Every
//! figure about the catalogue in a document is printed from here.

use serde::{Deserialize, Serialize};

use crate::claims::{Claim, Expected, Paper, Wording};
use crate::production::{Method, method_names_of};
use crate::system::{Asks, system};

/// Statements that hold (proven or not) and that fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallied {
    /// Those that hold.
    pub hold: usize,
    /// Those that fail.
    pub fail: usize,
}

/// The statements of a list by where their wording comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Printed in a text that was read, or in another paper that quotes it.
    pub printed: Tallied,
    /// Attributed to a paper, wording unverified.
    pub recalled: Tallied,
    /// Derived here: corrections, suspects, tests of sharpness.
    pub derived: Tallied,
}

impl Counts {
    /// The counts of what is on record.
    pub fn recorded<'a>(claims: impl IntoIterator<Item = &'a Claim>) -> Self {
        Self::of(
            claims
                .into_iter()
                .map(|claim| (claim.wording, claim.expected)),
        )
    }

    /// The counts of these verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = (Wording, Expected)>) -> Self {
        let mut counts = Self::default();
        for (wording, verdict) in verdicts {
            let tallied = match wording {
                Wording::Printed | Wording::Quoted => &mut counts.printed,
                Wording::Recalled => &mut counts.recalled,
                Wording::Derived => &mut counts.derived,
            };
            match verdict {
                Expected::Holds => tallied.hold += 1,
                Expected::Fails => tallied.fail += 1,
            }
        }
        counts
    }

    /// One sentence: `of 3 printed or quoted statements 1 holds, 2 fail; ...`; kinds that do not occur are left out.
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = [
            ("printed or quoted", self.printed),
            ("recalled (wording unverified)", self.recalled),
            ("derived here", self.derived),
        ]
        .into_iter()
        .filter(|(_, tallied)| tallied.hold + tallied.fail > 0)
        .map(|(kind, Tallied { hold, fail })| {
            let total = hold + fail;
            let plural = |count: usize| if count == 1 { "s" } else { "" };
            let statements = if total == 1 {
                "statement"
            } else {
                "statements"
            };
            format!(
                "of {total} {kind} {statements} {hold} hold{}, {fail} fail{}",
                plural(hold),
                plural(fail)
            )
        })
        .collect();
        parts.join("; ")
    }
}

/// The table of systems in README.md, one row a paper: how its systems are solved, and how many of its statements hold and fail. A
/// test fails where it is stale.
pub fn figures(claims: &[&Claim]) -> String {
    let mut text = String::from(
        "| claims | systems | `solve` | printed or quoted: hold, fail | recalled: hold, fail | derived here: hold, fail |\n|---|---|---|---|---|---|\n",
    );
    let row = |name: &str, systems: &str, solved: &str, counts: Counts| {
        let cells: Vec<String> = [counts.printed, counts.recalled, counts.derived]
            .iter()
            .map(|tallied| format!("{}, {}", tallied.hold, tallied.fail))
            .collect();
        format!(
            "| {name} | {systems} | {solved} | {} |\n",
            cells.join(" | ")
        )
    };
    for paper in Paper::ALL {
        let of_paper = claims.iter().copied().filter(|claim| claim.paper == paper);
        let key = paper.key();
        let systems = match paper.systems() {
            // Its key says it.
            [only] if *only == key => String::new(),
            several => several.join(", "),
        };
        text.push_str(&row(
            &format!("`{key}`"),
            &systems,
            &solved(paper.systems()),
            Counts::recorded(of_paper),
        ));
    }
    text.push_str(&row(
        "all",
        "",
        "",
        Counts::recorded(claims.iter().copied()),
    ));
    text
}

/// How these systems, alike in this, are solved.
fn solved(keys: &[&'static str]) -> String {
    let Some(system) = keys.first().and_then(|key| system(key)) else {
        return String::new();
    };
    if system.logit {
        return Method::NAMES.join(", ");
    }
    match system.asks {
        Asks::Loss | Asks::Zero => method_names_of(system.key).join(", "),
        Asks::Outputs(_) => "evaluated".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_stands_in_the_table_once() {
        let mut listed: Vec<&str> = Paper::ALL
            .iter()
            .flat_map(|paper| paper.systems())
            .copied()
            .collect();
        let mut known: Vec<&str> = crate::system::SYSTEMS
            .iter()
            .map(|system| system.key)
            .collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
        let table = figures(&[]);
        let unsolved = Paper::ALL
            .iter()
            .filter(|paper| !paper.systems().is_empty() && solved(paper.systems()).is_empty());
        assert_eq!(unsolved.count(), 0, "{table}");
    }

    #[test]
    fn what_is_only_ours_is_counted_apart() {
        use Expected::{Fails, Holds};
        let counts = Counts::of([
            (Wording::Printed, Fails),
            (Wording::Quoted, Fails),
            (Wording::Quoted, Holds),
            (Wording::Recalled, Fails),
            (Wording::Derived, Holds),
            (Wording::Derived, Holds),
        ]);
        assert_eq!(
            counts.sentence(),
            "of 3 printed or quoted statements 1 holds, 2 fail; \
             of 1 recalled (wording unverified) statement 0 hold, 1 fails; \
             of 2 derived here statements 2 hold, 0 fail"
        );
        assert_eq!(Counts::default().sentence(), "");
        assert_eq!(
            Counts::of([(Wording::Derived, Fails)]).sentence(),
            "of 1 derived here statement 0 hold, 1 fails"
        );
    }
}
