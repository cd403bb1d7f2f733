//! The modules of the crate as a tree: what each defines, declares and brings into scope. Test modules are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, Meta, UseTree, Visibility};

/// Where a name that is in scope comes from.
#[derive(Clone, Debug)]
pub struct Import {
    pub path: Vec<String>,
    /// A re-export stands for what it names; only a private import is an arrow of its own.
    pub reexport: bool,
}

/// One module, in a file of its own or inline.
#[derive(Default)]
pub struct Module {
    pub file: PathBuf,
    pub children: BTreeSet<String>,
    pub items: BTreeSet<String>,
    pub imports: BTreeMap<String, Import>,
    pub globs: Vec<Vec<String>>,
    pub code: Vec<Item>,
    /// Names that users of the crate see if they see the module: children, items, re-exports.
    pub public: BTreeSet<String>,
}

/// All modules by their path from the root of the crate (`[]`).
pub struct Tree {
    pub modules: BTreeMap<Vec<String>, Module>,
}

impl Tree {
    /// The tree of the crate in whose folder the tests run, without its test modules.
    pub fn of_this_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let text = |file: &Path| fs::read_to_string(root.join(file)).ok();
        Self::read(&text)
    }

    /// The tree under `lib.rs`, each file's text given by `text`.
    pub fn read(text: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut tree = Self {
            modules: BTreeMap::new(),
        };
        let file = PathBuf::from("lib.rs");
        let items = syn::parse_file(&text(&file).expect("lib.rs is there"))
            .expect("lib.rs parses")
            .items;
        tree.add(Vec::new(), file, PathBuf::new(), items, text);
        tree
    }

    /// Adds a module; its children's files lie in `folder`.
    fn add(
        &mut self,
        path: Vec<String>,
        file: PathBuf,
        folder: PathBuf,
        items: Vec<Item>,
        text: &dyn Fn(&Path) -> Option<String>,
    ) {
        let mut module = Module {
            file: file.clone(),
            ..Module::default()
        };
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    module.children.insert(name.clone());
                    if matches!(child.vis, Visibility::Public(_)) {
                        module.public.insert(name.clone());
                    }
                    let mut child_path = path.clone();
                    child_path.push(name.clone());
                    let child_folder = folder.join(&name);
                    if let Some((_, items)) = child.content {
                        self.add(child_path, file.clone(), child_folder, items, text);
                    } else {
                        let candidates = [
                            folder.join(format!("{name}.rs")),
                            child_folder.join("mod.rs"),
                        ];
                        let (child_file, source) = candidates
                            .iter()
                            .find_map(|candidate| Some((candidate.clone(), text(candidate)?)))
                            .unwrap_or_else(|| panic!("{name}: no file among {candidates:?}"));
                        let parsed = syn::parse_file(&source)
                            .unwrap_or_else(|error| panic!("{}: {error}", child_file.display()));
                        self.add(child_path, child_file, child_folder, parsed.items, text);
                    }
                }
                Item::Use(import) => {
                    let reexport = !matches!(import.vis, Visibility::Inherited);
                    let before: BTreeSet<String> = module.imports.keys().cloned().collect();
                    module.bring(&import.tree, Vec::new(), reexport);
                    if matches!(import.vis, Visibility::Public(_)) {
                        let brought = module.imports.keys().filter(|name| !before.contains(*name));
                        module.public.extend(brought.cloned());
                    }
                }
                item => {
                    if let Some(name) = name_of(&item) {
                        if is_public_type(&item) {
                            module.public.insert(name.clone());
                        }
                        module.items.insert(name);
                    }
                    module.code.push(item);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// The module that defines what `path` names when written in `module`, and the name it has there; nothing where it
    /// names a module, something of another crate, or nothing that was found.
    pub fn resolve(&self, module: &[String], path: &[String]) -> Option<(Vec<String>, String)> {
        self.resolve_within(module, path, 0)
    }

    fn resolve_within(
        &self,
        module: &[String],
        path: &[String],
        depth: usize,
    ) -> Option<(Vec<String>, String)> {
        // Globs that import each other would go round for ever.
        if depth > 12 {
            return None;
        }
        let mut at = module.to_vec();
        let mut rest = path;
        loop {
            let (first, tail) = rest.split_first()?;
            match first.as_str() {
                "crate" => at = Vec::new(),
                "self" => {}
                "super" => {
                    at.pop()?;
                }
                name => {
                    let here = self.modules.get(&at)?;
                    if here.items.contains(name) {
                        return Some((at, name.to_owned()));
                    }
                    // A module and a function may have the same name; only the function can be the end of a path.
                    let function = tail.is_empty() && here.imports.contains_key(name);
                    if here.children.contains(name) && !function {
                        at.push(name.to_owned());
                    } else if let Some(import) = here.imports.get(name) {
                        let mut whole = import.path.clone();
                        whole.extend_from_slice(tail);
                        return self.resolve_within(&at, &whole, depth + 1);
                    } else {
                        return here.globs.iter().find_map(|glob| {
                            let mut whole = glob.clone();
                            whole.extend_from_slice(rest);
                            self.resolve_within(&at, &whole, depth + 1)
                        });
                    }
                }
            }
            rest = tail;
        }
    }
}

impl Module {
    fn bring(&mut self, tree: &UseTree, mut path: Vec<String>, reexport: bool) {
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.bring(&step.tree, path, reexport);
            }
            UseTree::Name(name) => {
                let mut known_as = name.ident.to_string();
                if known_as == "self" {
                    known_as = path.last().cloned().unwrap_or_default();
                } else {
                    path.push(known_as.clone());
                }
                self.imports.insert(known_as, Import { path, reexport });
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                // `use Trait as _` brings methods only; its arrow counts all the same.
                let known_as = if rename.rename == "_" {
                    path.join("::")
                } else {
                    rename.rename.to_string()
                };
                self.imports.insert(known_as, Import { path, reexport });
            }
            UseTree::Glob(_) => self.globs.push(path),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.bring(tree, path.clone(), reexport);
                }
            }
        }
    }
}

fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// Whether the item is a type or a trait that is declared `pub`.
fn is_public_type(item: &Item) -> bool {
    let visibility = match item {
        Item::Enum(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether the item is compiled for tests only.
pub fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}
