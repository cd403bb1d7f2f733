//! SHA-256 of numbers.

use sha2::{Digest as _, Sha256};

/// A digest of 256 bits.
pub type Digest = [u8; 32];

/// SHA-256 of the bits of numbers, each the eight bytes of its f64, the least significant first. Two vectors have the same digest if
/// and only if they have the same bits, for all that is known of SHA-256; so 0 and -0 differ.
pub fn digest_of(numbers: &[f64]) -> Digest {
    let mut hash = Sha256::new();
    for number in numbers {
        hash.update(number.to_le_bytes());
    }
    hash.finalize().into()
}

/// SHA-256 of a text in UTF-8.
pub fn digest_of_text(text: &str) -> Digest {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: Digest) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// By Python: hashlib.sha256(struct.pack("<3d", 1.0, -0.5, 1e300)).hexdigest(), and of nothing.
    #[test]
    fn digests_are_those_of_another_program() {
        assert_eq!(
            hex(digest_of(&[1.0, -0.5, 1e300])),
            "68479724b8176ff049c9d76f78ab61f91e584284debe14ed56eccc436bb91b82"
        );
        assert_eq!(
            hex(digest_of(&[])),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_ne!(digest_of(&[0.0]), digest_of(&[-0.0]));
    }
}
