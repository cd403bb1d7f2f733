//! One array of a system.

/// What the entries of an array must be.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Finite numbers.
    Finite,
    /// Finite numbers, none negative.
    NonNegative,
    /// Finite numbers above 0.
    Positive,
    /// Numbers above 0 and below 1.
    Share,
    /// One whole number, at least 0 and at most `2^32 - 1`.
    Count,
    /// Finite numbers that no exchange of two indices changes.
    Symmetric,
    /// `true` or `false`, held as 1 or 0.
    Switch,
    /// Finite numbers, or NaN (`null` in JSON) where the array of this name is 0.
    FiniteUnlessHidden(&'static str),
    /// One whole number, at least 1; a dimension of this name.
    Dimension(&'static str),
    /// Whole numbers, at least 1 each, that add up to the dimension of this name: how many of its rows belong to each part. In a
    /// manifest a list of the parts may stand for it, each with its rows of the arrays that have this dimension first.
    Parts(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// The word of one of these variants, held as its place in the list.
    Variant(&'static [Variant]),
}

impl Rule {
    /// Whether entries are counts, switches or words, which are no data of any precision.
    pub fn is_exact(self) -> bool {
        match self {
            Self::Count
            | Self::Switch
            | Self::Dimension(_)
            | Self::Parts(_)
            | Self::Word(_)
            | Self::Variant(_) => true,
            Self::Finite
            | Self::NonNegative
            | Self::Positive
            | Self::Symmetric
            | Self::Share
            | Self::FiniteUnlessHidden(_) => false,
        }
    }
}

/// What a word says about other arrays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// The word.
    pub word: &'static str,
    /// Dimensions of later arrays, each with the dimension of earlier ones that it is equal to.
    pub dimensions: &'static [(&'static str, &'static str)],
    /// Scalars that must have this value, because they have no effect.
    pub fixed: &'static [(&'static str, f64)],
}

impl Variant {
    /// The words of a list: `"even", "odd" or "kernel"`.
    pub(super) fn words(variants: &[Self]) -> String {
        let words: Vec<String> = variants
            .iter()
            .map(|variant| format!("\"{}\"", variant.word))
            .collect();
        match &words[..] {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            words => words.join(""),
        }
    }
}

/// An array by name, with the shapes that it may have.
#[derive(Debug)]
pub struct Slot {
    /// Its name in manifests.
    pub name: &'static str,
    /// The shapes it may have, each a list of dimensions by name; `[]` is a scalar. What is given fewer axes than the
    /// last shape stands for it by repetition: a scalar for all entries, n entries for the columns of n rows; of a symmetric array
    /// each shape is an order of its own.
    /// An unknown has the last of them whose dimensions are those of given arrays.
    pub shapes: &'static [&'static [&'static str]],
    /// What its entries must be.
    pub rule: Rule,
    /// All its entries where a manifest has none; `None` where it must be there.
    pub default: Option<Fill>,
}

/// What stands for an array that a manifest does not have.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fill {
    /// This number.
    Value(f64),
    /// The size of the dimension of this name, which arrays before it have.
    Size(&'static str),
}

impl Slot {
    /// An array of finite numbers that must be there.
    pub const fn required(name: &'static str, shapes: &'static [&'static [&'static str]]) -> Self {
        Self {
            name,
            shapes,
            rule: Rule::Finite,
            default: None,
        }
    }

    /// The same with another rule.
    pub const fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// The same with a default.
    pub const fn with_default(mut self, value: f64) -> Self {
        self.default = Some(Fill::Value(value));
        self
    }

    /// The same with the size of a dimension as its default.
    pub const fn with_default_size(mut self, dimension: &'static str) -> Self {
        self.default = Some(Fill::Size(dimension));
        self
    }

    /// Whether its first axis is this dimension, in the last of its shapes.
    pub(super) fn by_rows_of(&self, dimension: &str) -> bool {
        let last = self.shapes.last().and_then(|shape| shape.first());
        last.is_some_and(|first| *first == dimension)
    }

    /// The shapes in words: `n x d`, `a number, n or n x n`.
    pub fn shapes_in_words(&self) -> String {
        shapes_in_words(self.shapes)
    }
}

/// Shapes in words: `n x d`, `a number, n or n x n`.
pub(super) fn shapes_in_words(shapes: &[&[&str]]) -> String {
    let words: Vec<String> = shapes
        .iter()
        .map(|shape| match shape {
            [] => "a number".to_owned(),
            shape => shape.join(" x "),
        })
        .collect();
    words.join(" or ")
}
