//! The catalogue: every claim, in the order of the papers.

use crate::claims::{
    Claim, Paper, active_learning, dls23, exact_attention, federated_softmax, kernel_regression,
    leverage_regression, lsz23, polynomial_attention, residual_softmax, sampling,
    single_layer_attention, tensor_power, two_layer, weighted_low_rank,
};

/// Every claim, grouped by paper, in the order in which the papers state them.
pub fn all() -> Vec<Claim> {
    [
        dls23::claims(),
        lsz23::claims(),
        residual_softmax::claims(),
        two_layer::claims(),
        single_layer_attention::claims(),
        weighted_low_rank::claims(),
        exact_attention::claims(),
        polynomial_attention::claims(),
        kernel_regression::claims(),
        tensor_power::claims(),
        leverage_regression::claims(),
        federated_softmax::claims(),
        active_learning::claims(),
        sampling::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The claim of that id.
pub fn find<'a>(claims: &'a [Claim], id: &str) -> Option<&'a Claim> {
    claims.iter().find(|claim| claim.id == id)
}

/// The claims that a list of names selects: a claim's id, the part after the slash, or a paper's key; no name selects
/// everything. The error is the first name that selects nothing.
pub fn select<'a>(claims: &'a [Claim], names: &[String]) -> Result<Vec<&'a Claim>, String> {
    if names.is_empty() {
        return Ok(claims.iter().collect());
    }
    let mut wanted = vec![false; claims.len()];
    for name in names {
        let paper = Paper::ALL.into_iter().find(|paper| paper.key() == name);
        let mut found = false;
        for (slot, claim) in wanted.iter_mut().zip(claims) {
            let matches = paper == Some(claim.paper)
                || claim.id == name
                || claim
                    .id
                    .split_once('/')
                    .is_some_and(|(_, tail)| tail == name);
            *slot |= matches;
            found |= matches;
        }
        if !found {
            return Err(name.clone());
        }
    }
    Ok(claims
        .iter()
        .zip(wanted)
        .filter_map(|(claim, wanted)| wanted.then_some(claim))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_selects_an_id_the_part_after_the_slash_or_a_paper() {
        let claims = all();
        let selected = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            select(&claims, &names)
                .map(|found| found.iter().map(|claim| claim.id).collect::<Vec<_>>())
        };
        let ids = |wanted: &dyn Fn(&str) -> bool| -> Result<Vec<&'static str>, String> {
            Ok(claims
                .iter()
                .map(|claim| claim.id)
                .filter(|id| wanted(id))
                .collect::<Vec<_>>())
        };
        assert_eq!(selected(&[]), ids(&|_| true));
        let sharp = "dls23/spectrum-sharp";
        assert_eq!(selected(&[sharp]), Ok(vec![sharp]));
        assert_eq!(selected(&["spectrum-sharp"]), Ok(vec![sharp]));
        assert_eq!(
            selected(&["sampling"]),
            ids(&|id| id.starts_with("sampling/"))
        );
        // In the order of the catalogue, each once.
        assert_eq!(
            selected(&["sampling", "spectrum-sharp", sharp]),
            ids(&|id| id == sharp || id.starts_with("sampling/"))
        );
        assert_eq!(
            selected(&[sharp, "no-such-claim", "nor-this"]),
            Err("no-such-claim".to_owned())
        );
    }
}
