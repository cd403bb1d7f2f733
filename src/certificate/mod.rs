//! Floor 1: proofs that the program checks, in exact arithmetic or with outward rounding. It knows nothing of the rest of
//! the crate but its numbers: what it proves is about the definition of the loss, not about anybody's code.
//!
//! [`check_spectrum`] proves `-0.24040880... I <= B <= 0.30811714... I` for the Hessian B of `0.5 |softmax(z) - b|^2` in the
//! logits, for every n and `|b|_1 <= 1`, from the multipliers in [`SPECTRUM_CERTIFICATE`].
//! The theorem, its proof and the format of the certificate are in docs/sharp-constants.md.

mod bernstein;
mod cover;
mod cubic;
mod definition;
mod file;
mod form;
mod lipschitz;
mod polynomial;
mod refusal;
mod spectrum;
mod surd;
mod target;

pub use definition::{Bound, Constants, SpectrumCase};
pub use lipschitz::{
    LIPSCHITZ_CERTIFICATE, LipschitzProof, check_lipschitz, third_derivative_bound,
};
pub use refusal::{CertificateRefusal, PieceName, Point};
pub use spectrum::{SPECTRUM_CERTIFICATE, SpectrumProof, attained_at, check_spectrum};
pub use surd::{Bracket, Surd};
pub use target::{TargetSlope, target_slope};
