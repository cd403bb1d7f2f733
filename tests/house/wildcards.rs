//! A wildcard arm never decides about a loss: a new one must be named wherever losses are told apart.

use syn::visit::{self, Visit};
use syn::{Arm, ExprMatch, Pat};

use crate::tree::Tree;

/// The enums whose variants are the systems, and what a system is told apart by.
const SYSTEMS: [&str; 2] = ["LossKind", "Activation"];

#[derive(Default)]
struct Wildcards {
    found: Vec<String>,
    enums: Enums,
}

/// Whether a pattern names a variant of one of [`SYSTEMS`].
#[derive(Default)]
struct Enums {
    seen: bool,
}

impl<'ast> Visit<'ast> for Enums {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let named = path.segments.len() > 1
            && path
                .segments
                .iter()
                .any(|segment| SYSTEMS.iter().any(|system| segment.ident == system));
        self.seen |= named;
    }
}

fn is_wildcard(arm: &Arm) -> bool {
    match &arm.pat {
        Pat::Wild(_) => true,
        Pat::Ident(binding) => binding.subpat.is_none(),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Wildcards {
    fn visit_expr_match(&mut self, choice: &'ast ExprMatch) {
        self.enums.seen = false;
        for arm in &choice.arms {
            self.enums.visit_pat(&arm.pat);
        }
        if self.enums.seen && choice.arms.iter().any(is_wildcard) {
            self.found
                .push(format!("a match of {} arms", choice.arms.len()));
        }
        visit::visit_expr_match(self, choice);
    }
}

fn wildcards(tree: &Tree) -> Vec<String> {
    tree.modules
        .values()
        .flat_map(|module| {
            let mut wildcards = Wildcards::default();
            for item in &module.code {
                wildcards.visit_item(item);
            }
            wildcards
                .found
                .into_iter()
                .map(|found| format!("{}: {found}", module.file.display()))
        })
        .collect()
}

#[test]
fn no_wildcard_arm_decides_about_a_loss() {
    assert_eq!(wildcards(&Tree::of_this_crate()), [""; 0]);
}

#[test]
fn a_wildcard_over_losses_is_caught() {
    let tree = Tree::read(&|_| {
        Some(
            "fn f(k: LossKind) -> u32 { match k { LossKind::Softmax => 1, _ => 2 } }\n\
             fn g(k: u32) -> u32 { match k { 0 => 1, _ => 2 } }"
                .to_owned(),
        )
    });
    assert_eq!(wildcards(&tree).len(), 1);
}
