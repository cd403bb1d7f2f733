//! Formulas of a page: LaTeX to MathML, which browsers draw by themselves.

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser, Storage, push_mathml};

/// A formula that could not be converted.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct FormulaError(String);

/// A formula as one `<math>` element in a line of its own. What is no LaTeX, or a command that is not known, is an error.
pub fn mathml(latex: &str) -> Result<String, FormulaError> {
    // The parser takes the star for the operator's name.
    let latex = &latex.replace("\\operatorname*{", "\\operatorname{");
    let storage = Storage::new();
    // The renderer draws an error as a piece of the formula.
    if let Some(Err(error)) = Parser::new(latex, &storage).find(Result::is_err) {
        return Err(FormulaError(error.to_string()));
    }
    let mut text = String::new();
    let config = RenderConfig {
        display_mode: DisplayMode::Block,
        ..RenderConfig::default()
    };
    push_mathml(&mut text, Parser::new(latex, &storage), config)
        .map_err(|error| FormulaError(error.to_string()))?;
    Ok(mended(text))
}

/// What the renderer does wrong: it escapes text, but not the signs `<` and `&` of a formula; it escapes its own spaces, joins two
/// attributes of a large delimiter, and puts the space before a function inside of the function's scripts. That a delimiter which
/// does not stretch is not symmetric either says nothing, in many bytes.
fn mended(text: String) -> String {
    const SPACE: &str = "<mspace width=\"0.1667em\" />";
    let text = text
        .replace("&amp;nbsp;", "&nbsp;")
        .replace("<<", "&lt;<")
        .replace(">&<", ">&amp;<")
        .replace("\"minsize", "\" minsize")
        // An overline that fonts for mathematics have.
        .replace('\u{203e}', "\u{af}")
        .replace(
            "symmetric=\"false\" stretchy=\"false\"",
            "stretchy=\"false\"",
        );
    let text = ["msub", "msup", "msubsup", "munder", "mover", "munderover"]
        .iter()
        .fold(text, |text, tag| {
            text.replace(&format!("<{tag}>{SPACE}"), &format!("{SPACE}<{tag}>"))
        });
    let text = without_rows_of_one(&text);
    let text = ["msub", "msup", "msubsup"]
        .iter()
        .fold(text, |text, tag| with_large_bases(&text, tag));
    // A thin space is three eighteenths of an em; nobody sees the fourth digit.
    ["0.16666667em", "0.1667em"]
        .iter()
        .fold(text, |text, width| text.replace(width, ".167em"))
}

/// A large delimiter with scripts in a row of its own: as their base browsers draw it small.
fn with_large_bases(text: &str, tag: &str) -> String {
    const END: &str = "</mo>";
    let begin = format!("<{tag}><mo symmetric=\"true\" stretchy=\"true\" minsize=");
    let mut parts = text.split(&begin);
    let mut out = parts.next().unwrap_or_default().to_owned();
    let base = &begin[tag.len() + 2..];
    for part in parts {
        let (delimiter, rest) = part.split_once(END).unwrap_or((part, ""));
        out.push_str(&format!("<{tag}><mrow>{base}{delimiter}{END}</mrow>{rest}"));
    }
    out
}

/// A row of one letter or number is that letter or number.
fn without_rows_of_one(text: &str) -> String {
    const OPEN: &str = "<mrow>";
    const CLOSE: &str = "</mrow>";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPEN) {
        out.push_str(&rest[..start]);
        rest = &rest[start + OPEN.len()..];
        let alone = ["mi", "mn"].iter().find_map(|tag| {
            let end = format!("</{tag}>");
            let length = rest.find(&end)? + end.len();
            let one = &rest[..length];
            let only = one.starts_with(&format!("<{tag}>")) && one.matches('<').count() == 2;
            (only && rest[length..].starts_with(CLOSE)).then_some(one)
        });
        match alone {
            Some(one) => {
                out.push_str(one);
                rest = &rest[one.len() + CLOSE.len()..];
            }
            None => out.push_str(OPEN),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many `<` begin no tag.
    fn stray_signs(text: &str) -> usize {
        let begins =
            |rest: &str| rest.starts_with(|next: char| next == '/' || next.is_ascii_lowercase());
        text.split('<').skip(1).filter(|rest| !begins(rest)).count()
    }

    #[test]
    fn every_formula_of_the_catalogue_converts() {
        for claim in crate::claims::all() {
            assert_ne!(claim.formula, "", "{} has no formula", claim.id);
            match mathml(claim.formula) {
                Ok(text) => {
                    assert_eq!(stray_signs(&text), 0, "{}: {text}", claim.id);
                    // A command that the converter takes for text.
                    assert!(!text.contains('\\'), "{}: {text}", claim.id);
                    assert!(!text.contains("*{"), "{}: {text}", claim.id);
                }
                Err(error) => panic!("{}: {error}", claim.id),
            }
        }
    }

    /// The letters of a formula are in the page's own font. A single letter is drawn in italics, from U+1D434 and U+1D6FC on, which
    /// the font has for all of them.
    #[test]
    fn the_font_has_every_sign_of_the_catalogue() {
        let code = |text: &str| u32::from_str_radix(text.trim_start_matches("U+"), 16).unwrap();
        let ranges: Vec<(u32, u32)> = include_str!("font/characters.txt")
            .lines()
            .map(|line| {
                let (first, last) = line.split_once('-').unwrap_or((line, line));
                (code(first), code(last))
            })
            .collect();
        let has = |sign: char| {
            ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&u32::from(sign)))
        };
        assert!(!has('\u{e9}') && has('\u{1d453}') && has('\u{1d711}'));
        for claim in crate::claims::all() {
            let missing: Vec<char> = mathml(claim.formula)
                .unwrap()
                .chars()
                .filter(|sign| !has(*sign))
                .collect();
            assert!(missing.is_empty(), "{}: {missing:?}", claim.id);
        }
    }

    #[test]
    fn a_formula_becomes_one_element_and_what_is_none_an_error() {
        let text = mathml(r"\|f(x)\|_1 = 1").unwrap();
        assert!(text.starts_with("<math display=\"block\""), "{text}");
        assert!(text.ends_with("</math>"), "{text}");
        for wrong in [r"\nosuchcommand x", r"\frac{1", r"x^{2"] {
            assert!(mathml(wrong).is_err(), "{wrong}");
        }
        // Signs that would be markup are none.
        for (formula, escaped) in [("a < b", "&lt;"), (r"a \& b", "&amp;"), ("x_{i<j}", "&lt;")] {
            let text = mathml(formula).unwrap();
            assert!(text.contains(escaped), "{text}");
            assert_eq!(stray_signs(&text), 0, "{text}");
        }
        assert_eq!(stray_signs("<mo><</mo>"), 1);
        assert!(mathml(r"x\ y").unwrap().contains("<mtext>&nbsp;</mtext>"));
        let square = mathml(r"2 \cosh^2 z").unwrap();
        assert!(
            square.contains("<msup><mi>cosh</mi><mn>2</mn></msup>"),
            "{square}"
        );
        let row = mathml(r"x_{i} + y_{i j} + z^{12} + \mathrm{d}").unwrap();
        assert!(row.contains("<msub><mi>x</mi><mi>i</mi></msub>"), "{row}");
        assert!(
            row.contains("<mrow><mi>i</mi><mi>j</mi></mrow>") && !row.contains("<mrow><mn>"),
            "{row}"
        );
        let starred = mathml(r"\operatorname*{argmin}_Y L").unwrap();
        assert!(
            starred.contains("<msub><mi>argmin</mi><mi>Y</mi></msub>"),
            "{starred}"
        );
        let scripted = mathml(r"\bigl(x\bigr)^2").unwrap();
        assert!(
            scripted.contains("<msup><mrow><mo symmetric=")
                && scripted.contains(")</mo></mrow><mn>2</mn></msup>"),
            "{scripted}"
        );
        let large = mathml(r"\bigl(x\bigr)").unwrap();
        assert!(large.contains(r#""true" minsize="#), "{large}");
    }
}
