//! Claims that are proven: statements for which the program itself checks a certificate, for every instance at once.

use crate::certificate::{self, SPECTRUM_CERTIFICATE};

/// A certificate behind a claim.
pub struct Proof {
    /// The claim's id.
    pub claim: &'static str,
    /// The certificate's file, for people.
    pub certificate: &'static str,
    /// Checks the certificate: what it proves in one line, or why it is refused.
    pub check: fn() -> Result<String, String>,
}

/// Every proof.
const PROOFS: [Proof; 2] = [
    Proof {
        claim: "dls23/spectrum-sharp",
        certificate: "fixtures/certificates/spectrum.json",
        check: || {
            certificate::check_spectrum(SPECTRUM_CERTIFICATE)
                .map(|proof| {
                    format!(
                        "-{} I <= B <= {} I for every n: {} pieces, {} boxes",
                        proof.lower.digits(12),
                        proof.upper.digits(12),
                        proof.pieces,
                        proof.boxes
                    )
                })
                .map_err(|refusal| refusal.to_string())
        },
    },
    Proof {
        claim: "dls23/hessian-lipschitz-explicit",
        certificate: "fixtures/certificates/lipschitz.json",
        check: || {
            certificate::third_derivative_bound()
                .map(|proof| {
                    format!(
                        "|D^3 l[u,u,u]| <= {} ||u||^3 for every n: {} pieces, {} boxes",
                        proof.bound, proof.pieces, proof.boxes
                    )
                })
                .map_err(|refusal| refusal.to_string())
        },
    },
];

/// The proof of a claim, if there is one.
pub fn proof_of(claim: &str) -> Option<&'static Proof> {
    PROOFS.iter().find(|proof| proof.claim == claim)
}
