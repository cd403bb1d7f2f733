//! Names in a message.

/// The first of these names, with commas between them, and whether there are more.
pub(super) fn first_names<S: AsRef<str>>(names: &[S]) -> String {
    /// So many at most.
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_names_are_listed_and_a_ninth_is_only_hinted_at() {
        let names: Vec<String> = (0..9).map(|k| k.to_string()).collect();
        assert_eq!(first_names(&names[..8]), "0, 1, 2, 3, 4, 5, 6, 7");
        assert_eq!(first_names(&names), "0, 1, 2, 3, 4, 5, 6, 7, ...");
        assert_eq!(first_names(&names[..1]), "0");
    }
}
