//! The methods for losses of logits, as a table: what tells them apart stands in their rows and nowhere else.

/// How the Hessian model of a Newton step is made. A method that was asked for runs or is refused, never replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Small problems by the exact Hessian in orthonormal coordinates, which costs nothing there and is the most accurate;
    /// larger ones by the reused Gram matrix, handed to orthonormal coordinates where that ends without an answer.
    Auto,
    /// The exact Hessian in every iteration, except down an exponential slope in orthonormal coordinates, where a chord or a
    /// step along the ray to the origin is taken if it lowers the loss more.
    Exact,
    /// One Gram matrix `A' W^2 A` for all iterations, corrected on the rows whose curvature differs from their share in it,
    /// with the exact low-rank part; a stand-in where the model is not positive definite.
    ReusedGram,
    /// The papers' way: the diagonal part is replaced by a leverage-score sample of the rows
    /// ([`draw_sized`](crate::production::leverage::draw_sized)), the low-rank part stays exact. Refused with
    /// [`Outcome::DiagonalNotPositive`](crate::production::Outcome::DiagonalNotPositive) where the diagonal of
    /// `Hess l + diag(w^2)` is not positive.
    Subsampled,
}

/// What a method does where.
pub(crate) struct Row {
    /// The name in command lines and traces.
    pub name: &'static str,
    /// Small problems are solved in orthonormal coordinates, not through Gram matrices.
    pub orthonormal_when_small: bool,
    /// The model that is used through Gram matrices.
    pub through_gram: Method,
    /// What Gram matrices cannot solve is handed to orthonormal coordinates and the exact Hessian.
    pub handed_on: bool,
    /// A tall problem may first be solved roughly on a sample of its rows.
    pub sampled_start: bool,
    /// Random numbers are drawn.
    pub draws: bool,
}

const ROWS: [(Method, Row); 4] = [
    (
        Method::Auto,
        Row {
            name: "auto",
            orthonormal_when_small: true,
            through_gram: Method::ReusedGram,
            handed_on: true,
            sampled_start: true,
            draws: true,
        },
    ),
    (
        Method::Exact,
        Row {
            name: "exact",
            orthonormal_when_small: true,
            through_gram: Method::Exact,
            handed_on: true,
            sampled_start: false,
            draws: false,
        },
    ),
    (
        Method::ReusedGram,
        Row {
            name: "reused-gram",
            orthonormal_when_small: false,
            through_gram: Method::ReusedGram,
            handed_on: false,
            sampled_start: true,
            draws: true,
        },
    ),
    (
        Method::Subsampled,
        Row {
            name: "subsampled",
            orthonormal_when_small: true,
            through_gram: Method::Subsampled,
            handed_on: false,
            sampled_start: false,
            draws: true,
        },
    ),
];

impl Method {
    /// The names that [`parse`](Self::parse) takes.
    pub const NAMES: [&'static str; ROWS.len()] = {
        let mut names = [""; ROWS.len()];
        let mut k = 0;
        while k < names.len() {
            names[k] = ROWS[k].1.name;
            k += 1;
        }
        names
    };

    /// The method of that name.
    pub fn parse(name: &str) -> Option<Self> {
        ROWS.iter()
            .find(|(_, row)| row.name == name)
            .map(|(method, _)| *method)
    }

    /// The name in command lines and traces.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Whether the method draws random numbers, for which a seed matters.
    pub fn draws(self) -> bool {
        self.row().draws
    }

    /// The row of the table. ROWS stand in the order of the variants.
    pub(crate) fn row(self) -> &'static Row {
        const TABLE: &[(Method, Row)] = &ROWS;
        &TABLE[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_variants_and_names_parse() {
        for (k, (method, row)) in ROWS.iter().enumerate() {
            assert_eq!(*method as usize, k);
            assert_eq!(method.row().name, row.name);
            assert_eq!(Method::parse(row.name), Some(*method));
        }
        assert_eq!(Method::parse("Exact"), None);
    }
}
