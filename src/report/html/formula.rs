//! Formulas of a page: LaTeX to MathML, which browsers draw by themselves.

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser, Storage, push_mathml};

/// A formula that could not be converted.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct FormulaError(String);

/// A formula as one `<math>` element in a line of its own. What is no LaTeX, or a command that is not known, is an error.
pub fn mathml(latex: &str) -> Result<String, FormulaError> {
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
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_formula_of_the_catalogue_converts() {
        for claim in crate::claims::all() {
            if let Err(error) = mathml(claim.formula) {
                panic!("{}: {error}", claim.id);
            }
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
        assert!(mathml("a < b").unwrap().contains("&lt;"));
    }
}
