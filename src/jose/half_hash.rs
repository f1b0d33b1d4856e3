//! `at_hash` and its kin.

use aws_lc_rs::digest::{SHA256, SHA512, digest};

use super::Alg;
use crate::model::digest::b64;

/// The left half of the hash of a token, code or state, as claims `at_hash`, `c_hash` and `s_hash` carry it; the hash
/// is that of the ID token's `alg` [OIDC Core §3.1.3.6, §3.3.2.11].
pub fn half_hash(alg: Alg, value: &str) -> String {
    let algorithm = match alg {
        Alg::RS256 | Alg::PS256 | Alg::ES256 => &SHA256,
        // Ed25519 hashes with SHA-512 inside [RFC 8032 §5.1].
        Alg::EdDSA => &SHA512,
    };
    let hash = digest(algorithm, value.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    b64(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_example_of_the_specification() {
        // OIDC Core appendix A.3 and A.4.
        assert_eq!(half_hash(Alg::RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(
            half_hash(Alg::RS256, "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }

    #[test]
    fn eddsa_takes_half_of_sha512() {
        assert_eq!(half_hash(Alg::EdDSA, "x").len(), 43);
        assert_eq!(half_hash(Alg::ES256, "x"), half_hash(Alg::PS256, "x"));
    }
}
