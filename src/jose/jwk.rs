//! Public keys as JSON [RFC 7517, RFC 7518 §6, RFC 8037 §2].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Alg, InvalidKey};
use crate::model::digest::{sha256_b64, unb64};

/// The key itself, in the members its type requires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum KeyParameters {
    /// An RSA public key.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus, base64url.
        n: String,
        /// Exponent, base64url.
        e: String,
    },
    /// A point on P-256.
    #[serde(rename = "EC")]
    Ec {
        /// Always `P-256`.
        crv: String,
        /// Base64url.
        x: String,
        /// Base64url.
        y: String,
    },
    /// An Ed25519 public key.
    #[serde(rename = "OKP")]
    Okp {
        /// Always `Ed25519`.
        crv: String,
        /// Base64url.
        x: String,
    },
}

/// A public signing key. Private members have no place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key.
    #[serde(flatten)]
    pub parameters: KeyParameters,
    /// Its name among its owner's keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The one algorithm it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<Alg>,
    /// `sig`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
}

const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];
pub(super) const MAX_KID: usize = 256;

impl Jwk {
    /// Reads a stranger's key. Secret material is refused, not stripped: whoever sends it has given it away.
    pub fn parse(value: &Value) -> Result<Self, InvalidKey> {
        let members = value.as_object().ok_or(InvalidKey::Malformed)?;
        refuse_secrets(members)?;
        if !meant_for_signatures(members) {
            return Err(InvalidKey::Unsupported);
        }
        let alg = match optional(members, "alg")? {
            None => None,
            Some(name) => Some(name.parse().map_err(|_| InvalidKey::Unsupported)?),
        };
        let jwk = Self {
            parameters: parameters(members)?,
            kid: optional(members, "kid")?.map(str::to_owned),
            alg,
            usage: optional(members, "use")?.map(str::to_owned),
        };
        if jwk.kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID) {
            return Err(InvalidKey::Malformed);
        }
        if jwk.alg.is_some_and(|alg| !jwk.parameters.can_serve(alg)) {
            return Err(InvalidKey::Mismatch);
        }
        Ok(jwk)
    }

    /// The SHA-256 thumbprint [RFC 7638], the default `kid` of our own keys.
    pub fn thumbprint(&self) -> String {
        // Member names in lexicographic order, no white space. No value can hold a character JSON would escape:
        // they are base64url or curve names.
        sha256_b64(&match &self.parameters {
            KeyParameters::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            KeyParameters::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            KeyParameters::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        })
    }

    /// The key as a JSON value.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| json!({}))
    }
}

impl KeyParameters {
    /// Whether a key of this type can make signatures of the algorithm.
    pub fn can_serve(&self, alg: Alg) -> bool {
        match self {
            Self::Rsa { .. } => matches!(alg, Alg::RS256 | Alg::PS256),
            Self::Ec { .. } => alg == Alg::ES256,
            Self::Okp { .. } => alg == Alg::EdDSA,
        }
    }
}

fn refuse_secrets(members: &Map<String, Value>) -> Result<(), InvalidKey> {
    if members.contains_key("k") || members.get("kty").is_some_and(|kty| kty == "oct") {
        return Err(InvalidKey::Symmetric);
    }
    if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        return Err(InvalidKey::Private);
    }
    Ok(())
}

fn meant_for_signatures(members: &Map<String, Value>) -> bool {
    let usage = members.get("use").is_none_or(|usage| usage == "sig");
    let operations = members.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    });
    usage && operations
}

fn parameters(members: &Map<String, Value>) -> Result<KeyParameters, InvalidKey> {
    let curve = || optional(members, "crv")?.ok_or(InvalidKey::Malformed);
    match optional(members, "kty")?.ok_or(InvalidKey::Malformed)? {
        "RSA" => Ok(KeyParameters::Rsa { n: base64url(members, "n")?, e: base64url(members, "e")? }),
        "EC" if curve()? == "P-256" => {
            Ok(KeyParameters::Ec { crv: "P-256".to_owned(), x: base64url(members, "x")?, y: base64url(members, "y")? })
        }
        "OKP" if curve()? == "Ed25519" => {
            Ok(KeyParameters::Okp { crv: "Ed25519".to_owned(), x: base64url(members, "x")? })
        }
        _ => Err(InvalidKey::Unsupported),
    }
}

fn optional<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, InvalidKey> {
    members.get(name).map(|value| value.as_str().ok_or(InvalidKey::Malformed)).transpose()
}

fn base64url(members: &Map<String, Value>, name: &str) -> Result<String, InvalidKey> {
    let text = optional(members, name)?.ok_or(InvalidKey::Malformed)?;
    // 8192 bits are 1366 characters.
    if text.is_empty() || text.len() > 1366 || unb64(text).is_none() {
        return Err(InvalidKey::Malformed);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_specification() {
        // RFC 7638 §3.1 and RFC 8037 appendix A.3.
        let rsa = json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        });
        assert_eq!(Jwk::parse(&rsa).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        assert_eq!(Jwk::parse(&okp).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn secrets_are_refused_whatever_else_is_wrong() {
        for name in PRIVATE_MEMBERS {
            let jwk = json!({"kty": "EC", "crv": "P-521", name: "AA"});
            assert_eq!(Jwk::parse(&jwk).unwrap_err(), InvalidKey::Private, "{name}");
        }
        for jwk in [json!({"kty": "oct"}), json!({"kty": "oct", "k": "AA"}), json!({"kty": "RSA", "k": "AA"})] {
            assert_eq!(Jwk::parse(&jwk).unwrap_err(), InvalidKey::Symmetric, "{jwk}");
        }
    }

    #[test]
    fn other_purposes_and_types_are_told_apart_from_mistakes() {
        let okp = |more: Value| {
            let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
            jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Jwk::parse(&jwk).err()
        };
        assert_eq!(okp(json!({"use": "sig", "alg": "EdDSA", "kid": "k", "key_ops": ["verify"], "x5t": "?"})), None);
        for unsupported in [
            json!({"kty": "AKP"}),
            json!({"crv": "Ed448"}),
            json!({"kty": "EC", "crv": "P-384"}),
            json!({"use": "enc"}),
            json!({"key_ops": ["encrypt"]}),
            json!({"alg": "ES384"}),
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
        ] {
            assert_eq!(okp(unsupported.clone()), Some(InvalidKey::Unsupported), "{unsupported}");
        }
        for malformed in [
            json!({"kty": 1}),
            json!({"kid": 1}),
            json!({"kid": ""}),
            json!({"kid": "k".repeat(257)}),
            json!({"alg": 1}),
            json!({"x": null}),
            json!({"x": ""}),
            json!({"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="}),
        ] {
            assert_eq!(okp(malformed.clone()), Some(InvalidKey::Malformed), "{malformed}");
        }
        assert_eq!(okp(json!({"alg": "ES256"})), Some(InvalidKey::Mismatch));
        assert_eq!(Jwk::parse(&json!([])).unwrap_err(), InvalidKey::Malformed);
    }
}
