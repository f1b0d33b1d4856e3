//! Proof Key for Code Exchange [RFC 7636], method `S256` only.

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refused};
use crate::model::digest::{constant_time_eq, sha256_b64, unb64};

/// A `code_challenge` of method `S256`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method`; `None` when neither was sent. `plain`, also as the default
    /// of a missing method, proves nothing to whoever read the request and is refused [RFC 9700 §2.1.1].
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, Refused> {
        let refused = |description| Err(Refused::new(ErrorCode::InvalidRequest, description));
        match (challenge, method) {
            (None, None) => Ok(None),
            (None, Some(_)) => refused("code_challenge_method without code_challenge"),
            (Some(_), None) => refused("code_challenge_method must be S256"),
            (Some(_), Some(method)) if method != "S256" => refused("code_challenge_method must be S256"),
            // A SHA-256 has one spelling of 43 characters [RFC 7636 §4.2].
            (Some(challenge), Some(_)) if unb64(challenge).is_some_and(|hash| hash.len() == 32) => {
                Ok(Some(Self(challenge.to_owned())))
            }
            (Some(_), Some(_)) => refused("code_challenge is not well-formed"),
        }
    }

    /// The challenge that belongs to a verifier.
    pub fn of(verifier: &str) -> Self {
        Self(sha256_b64(verifier))
    }

    /// Whether `verifier` is well-formed [RFC 7636 §4.1] and the one the challenge was made from.
    pub fn verify(&self, verifier: &str) -> bool {
        is_verifier(verifier) && constant_time_eq(sha256_b64(verifier).as_bytes(), self.0.as_bytes())
    }

    /// The parameter's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_specification_holds() {
        let challenge = Challenge::parse(Some(CHALLENGE), Some("S256")).unwrap().unwrap();
        assert!(challenge.verify(VERIFIER));
        assert_eq!(Challenge::of(VERIFIER), challenge);
        assert!(!challenge.verify(CHALLENGE), "the challenge itself proves nothing");
        assert!(!challenge.verify(""));
        assert!(!challenge.verify(&VERIFIER.to_lowercase()));
    }

    #[test]
    fn only_s256_is_spoken() {
        assert_eq!(Challenge::parse(None, None), Ok(None));
        let padded = format!("{CHALLENGE}=");
        for (challenge, method) in [
            (Some(CHALLENGE), None),
            (Some(CHALLENGE), Some("plain")),
            (Some(CHALLENGE), Some("s256")),
            (Some(CHALLENGE), Some("S512")),
            (None, Some("S256")),
            (Some(&CHALLENGE[1..]), Some("S256")),
            (Some(&padded), Some("S256")),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("S256")),
            // The same bits, spelled with a loose last character.
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"), Some("S256")),
        ] {
            let error = Challenge::parse(challenge, method).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequest, "{challenge:?} {method:?}");
        }
    }

    #[test]
    fn verifiers_outside_the_grammar_fail_even_if_they_hash_right() {
        for verifier in
            ["a".repeat(42), "a".repeat(129), format!("{}+", "a".repeat(42)), format!("{}é", "a".repeat(43))]
        {
            assert!(!Challenge::of(&verifier).verify(&verifier), "{verifier}");
        }
        assert!(Challenge::of(&"~".repeat(128)).verify(&"~".repeat(128)));
    }

    proptest! {
        #[test]
        fn exactly_the_right_verifier_passes(one in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
            prop_assert!(Challenge::of(&one).verify(&one));
            prop_assert_eq!(Challenge::of(&one).verify(&other), one == other);
        }
    }
}
