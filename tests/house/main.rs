//! The house: a module imports only from lower floors, the two halves of floor 2 never meet below a claim, no two files
//! reach each other through imports, no wildcard decides about a loss, and no two public types share a name.
//!
//! The files are parsed, and every path is resolved through re-exports to the file that defines what it names.

mod arrows;
mod floors;
mod loops;
mod names;
mod rules;
mod tree;
mod wildcards;
