//! Which file names something that another file defines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::tree::{Tree, is_test};

/// From file to file, with the names that make the arrow.
pub type Arrows = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// Every arrow between two files of the tree.
pub fn arrows(tree: &Tree) -> Arrows {
    let mut arrows = Arrows::new();
    for (path, module) in &tree.modules {
        let mut named = Named::default();
        for item in &module.code {
            named.visit_item(item);
        }
        let imported = module
            .imports
            .values()
            .filter(|import| !import.reexport)
            .map(|import| import.path.clone());
        for name in named.paths.into_iter().chain(imported) {
            let Some((definition, item)) = tree.resolve(path, &name) else {
                continue;
            };
            let file = &tree.modules[&definition].file;
            if *file != module.file {
                arrows
                    .entry(module.file.clone())
                    .or_default()
                    .entry(file.clone())
                    .or_default()
                    .insert(item);
            }
        }
    }
    arrows
}

/// The paths that a piece of code names, those inside macro calls included.
#[derive(Default)]
struct Named {
    paths: BTreeSet<Vec<String>>,
}

impl Named {
    /// Macro arguments are no syntax of their own: every run of identifiers joined by `::` counts as a path.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut joined = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if path.is_empty() || joined == 2 => {
                    path.push(ident.to_string());
                    joined = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    joined += 1;
                }
                other => {
                    self.paths.insert(std::mem::take(&mut path));
                    joined = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.paths.insert(path);
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.insert(
            path.segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}
