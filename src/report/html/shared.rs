//! Parts of pictures that many pictures have: drawn once at the end of the page, and referred to by number.

use maud::{Markup, PreEscaped, html};

/// The parts so far.
#[derive(Default)]
pub(super) struct Shared(Vec<String>);

impl Shared {
    /// Stands for this part of a picture.
    pub(super) fn part(&mut self, part: Markup) -> Markup {
        let text = part.into_string();
        let known = self.0.iter().position(|known| *known == text);
        let number = known.unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        html! { use href={ "#part" (number) } {} }
    }

    /// The parts themselves, which take no room where they stand.
    pub(super) fn parts(self) -> Markup {
        html! {
            svg.plot.parts aria-hidden="true" { defs {
                @for (number, part) in self.0.into_iter().enumerate() {
                    g id={ "part" (number) } { (PreEscaped(part)) }
                }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_are_drawn_once() {
        let mut shared = Shared::default();
        let mut refer = |text: &str| shared.part(html! { text { (text) } }).into_string();
        let first = refer("a");
        assert_eq!(first, "<use href=\"#part0\"></use>");
        assert_eq!(refer("b<"), "<use href=\"#part1\"></use>");
        assert_eq!(refer("a"), first);
        let parts = shared.parts().into_string();
        assert_eq!(parts.matches("<text>a</text>").count(), 1);
        assert!(parts.contains("<g id=\"part1\"><text>b&lt;</text></g>"));
    }
}
