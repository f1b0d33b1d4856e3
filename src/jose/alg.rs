//! The signature algorithms we take part in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An asymmetric JWS algorithm [RFC 7518 §3.1, RFC 8037 §3.1]. `none` and the HMAC family have no variant: nothing
/// that takes an `Alg` can be talked into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256, the default of OpenID Connect.
    RS256,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// The text names no algorithm we take part in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported signature algorithm")]
pub struct UnsupportedAlg;

impl Alg {
    /// Every algorithm, in the order discovery lists them.
    pub const ALL: [Self; 4] = [Self::RS256, Self::PS256, Self::ES256, Self::EdDSA];

    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl FromStr for Alg {
    type Err = UnsupportedAlg;
    fn from_str(text: &str) -> Result<Self, UnsupportedAlg> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == text).ok_or(UnsupportedAlg)
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for alg in Alg::ALL {
            assert_eq!(alg.as_str().parse(), Ok(alg));
            assert_eq!(serde_json::to_value(alg).unwrap(), alg.as_str());
        }
        for foreign in ["none", "None", "HS256", "rs256", "RS256 ", "RS1", "ES384", ""] {
            assert_eq!(foreign.parse::<Alg>(), Err(UnsupportedAlg), "{foreign:?}");
        }
    }
}
