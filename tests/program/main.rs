//! The program as its users meet it: commands, files, bad input, interruptions, the conformance kit.

mod active_learning;
mod bad_input;
mod catalogue_page;
mod chain;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod conformance;
mod degree_window;
mod diagnosis;
mod federated_softmax;
mod files;
#[cfg(target_os = "linux")]
mod full_disk;
mod generate;
mod journal;
mod kernel_regression;
mod leverage_regression;
mod losses;
mod options;
mod outputs;
mod real_data;
mod reference;
mod shards;
mod snapshots;
mod solve;
mod solver_edges;
mod systems;
mod targets;
mod tensor_power;
mod verify;
