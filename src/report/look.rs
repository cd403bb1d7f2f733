//! How a table looks where it is printed: in colours or not, and how wide.

use anstyle::{AnsiColor, Style};

use crate::campaign::Tally;

/// What a terminal, or whoever asked, can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Verdicts in colours, by ANSI escape codes.
    pub colour: bool,
    /// Columns of the terminal; `None` where a line may have any length, as in a file.
    pub width: Option<usize>,
}

impl Look {
    /// As in a file: no colours, lines of any length.
    pub const PLAIN: Self = Self {
        colour: false,
        width: None,
    };

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.painted(Style::new().bold(), text)
    }

    /// What differs from the record.
    pub fn alarm(self, text: &str) -> String {
        self.painted(AnsiColor::Red.on_default().bold(), text)
    }

    /// A verdict that is as recorded.
    pub(super) fn verdict(self, tally: Tally, text: &str) -> String {
        let style = match tally {
            Tally::Proven => AnsiColor::Green.on_default().bold(),
            Tally::Holds => AnsiColor::Green.on_default(),
            Tally::Fails => AnsiColor::Yellow.on_default(),
            Tally::Outside | Tally::Undecided => Style::new().dimmed(),
        };
        self.painted(style, text)
    }

    fn painted(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
