//! The claims and their proofs: verdicts as recorded, certificates, the steps of the proofs, anybody's instance.

mod any_instance;
mod catalogue;
mod certificate;
mod properties;
mod sharp_steps;
mod sharp_steps_high;
