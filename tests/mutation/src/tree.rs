//! The scratch tree: a copy of the tracked files, and the rewritten sources in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::list::Mutant;
use crate::rewrite::{Placed, Rewritten, Switch, rewrite};
use crate::sites::{self, Edit, Site};

const TEMPLATE: &str = include_str!("../templates/schemata.rs");
const DECLARATION: &str = "\n#[doc(hidden)] pub mod schemata;\n";

/// A copy of the crate.
pub struct Tree {
    pub root: PathBuf,
    original: PathBuf,
}

/// What became of each mutant when the tree was rewritten.
pub struct Schemata {
    pub files: BTreeMap<String, Rewritten>,
    /// The number of each mutant's switch.
    pub numbers: BTreeMap<usize, u32>,
}

impl Schemata {
    /// The mutants whose text holds `at` of `file`, or else those switched by the narrowest expression that holds it.
    pub fn responsible(&self, file: &str, at: usize) -> Vec<usize> {
        let Some(rewritten) = self.files.get(file) else {
            return Vec::new();
        };
        let placed: Vec<usize> = rewritten
            .placed
            .iter()
            .filter(|placed| placed.range.contains(&at))
            .map(|placed| placed.mutant)
            .collect();
        if !placed.is_empty() {
            return placed;
        }
        rewritten
            .hosts
            .iter()
            .filter(|(range, _)| range.contains(&at))
            .min_by_key(|(range, _)| range.len())
            .map_or_else(Vec::new, |(_, mutants)| mutants.clone())
    }

    /// Whether an error at `at` stands in the mutants' own text.
    pub fn in_own_text(&self, file: &str, at: usize) -> bool {
        self.files.get(file).is_some_and(|rewritten| {
            rewritten
                .placed
                .iter()
                .any(|placed: &Placed| placed.range.contains(&at))
        })
    }
}

impl Tree {
    /// Copies every tracked file of the crate at `original` to `root`; a file that has the same bytes is left alone.
    pub fn copy(original: &Path, root: &Path) -> Result<Self> {
        let listed = Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(original)
            .output()
            .context("git cannot be started")?;
        if !listed.status.success() {
            bail!("{} is not in a git repository", original.display());
        }
        for name in String::from_utf8(listed.stdout)?
            .split('\0')
            .filter(|name| !name.is_empty())
        {
            let from = original.join(name);
            if !from.is_file() {
                continue;
            }
            put(&root.join(name), &fs::read(&from)?)?;
        }
        Ok(Self {
            root: root.canonicalize()?,
            original: original.to_owned(),
        })
    }

    /// The untouched text of a source file.
    pub fn original(&self, file: &str) -> Result<String> {
        let path = self.original.join(file);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// Writes one file.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        put(&self.root.join(file), text.as_bytes())
    }

    /// The site of each mutant.
    pub fn sites(&self, mutants: &[Mutant]) -> Result<Vec<Site>> {
        let mut found = vec![None; mutants.len()];
        for (file, indices) in by_file(mutants) {
            let chosen: Vec<&Mutant> = indices.iter().map(|index| &mutants[*index]).collect();
            let sites =
                sites::find(&self.original(file)?, &chosen).with_context(|| file.to_owned())?;
            for (index, site) in indices.into_iter().zip(sites) {
                found[index] = Some(site);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Rewrites the sources so that the mutants with an edit can be switched, and adds the module of the switches.
    pub fn switch(&self, mutants: &[Mutant], edits: &BTreeMap<usize, &Edit>) -> Result<Schemata> {
        let mut schemata = Schemata {
            files: BTreeMap::new(),
            numbers: BTreeMap::new(),
        };
        let mut next = 1;
        for (file, indices) in by_file(mutants) {
            let switches: Vec<Switch<'_>> = indices
                .iter()
                .filter_map(|mutant| {
                    edits.get(mutant).map(|edit| Switch {
                        mutant: *mutant,
                        edit,
                    })
                })
                .collect();
            let path = module_path(file, &mutants[indices[0]].package);
            let mut rewritten = rewrite(&self.original(file)?, &switches, &path, next);
            next += u32::try_from(switches.len())?;
            for placed in &rewritten.placed {
                schemata.numbers.insert(placed.mutant, placed.number);
            }
            if file == "src/lib.rs" {
                rewritten.text.push_str(DECLARATION);
            }
            self.write(file, &rewritten.text)?;
            schemata.files.insert(file.to_owned(), rewritten);
        }
        if !schemata.files.contains_key("src/lib.rs") {
            self.write("src/lib.rs", &(self.original("src/lib.rs")? + DECLARATION))?;
        }
        let module = TEMPLATE.replace("COUNT: usize = 0", &format!("COUNT: usize = {}", next - 1));
        self.write("src/schemata.rs", &module)?;
        Ok(schemata)
    }
}

fn by_file(mutants: &[Mutant]) -> BTreeMap<&str, Vec<usize>> {
    let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, mutant) in mutants.iter().enumerate() {
        files.entry(&mutant.file).or_default().push(index);
    }
    files
}

/// How `file` names the module of the switches: a binary sees the library as another crate.
fn module_path(file: &str, package: &str) -> String {
    if file == "src/main.rs" || file.starts_with("src/bin/") {
        format!("::{}::schemata", package.replace('-', "_"))
    } else {
        "crate::schemata".to_owned()
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}
