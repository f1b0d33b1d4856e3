//! Our own private keys. Private-key operations happen in aws-lc-rs only; the `rsa` crate's parsers read containers.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use rsa::pkcs1;
use rsa::pkcs8::SecretDocument;

use super::jwk::{Jwk, KeyParameters, MAX_KID};
use super::jws::{USUAL_TYPES, header};
use super::public_key::PublicKey;
use super::{Alg, Error, InvalidKey};
use crate::model::Secret;
use crate::model::digest::b64;

/// A private key with its name and its one algorithm, parsed once; a clone shares it.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    kid: String,
    alg: Alg,
    pair: Pair,
    public: PublicKey,
    /// First parts of the usual kinds of tokens, in the order of those.
    headers: [String; USUAL_TYPES.len()],
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key; RSA keys have 2048 bits. `kid` is the RFC 7638 thumbprint unless given.
    /// RSA generation takes a good part of a second of one core.
    pub fn generate(alg: Alg, kid: Option<&str>) -> Result<Self, Error> {
        let pair = match alg {
            Alg::RS256 | Alg::PS256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            Alg::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::Ec),
            Alg::EdDSA => Ed25519KeyPair::generate().map(Pair::Ed),
        };
        Ok(Self::assemble(alg, kid, pair.map_err(|_| Error::Crypto)?)?)
    }

    /// Reads an unencrypted PKCS#8 `PrivateKeyInfo` (DER) [RFC 5958].
    pub fn from_pkcs8(alg: Alg, kid: Option<&str>, der: &[u8]) -> Result<Self, InvalidKey> {
        let pair = match alg {
            Alg::RS256 | Alg::PS256 => RsaKeyPair::from_pkcs8(der).map(Pair::Rsa),
            Alg::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::Ec),
            Alg::EdDSA => Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed),
        };
        Self::assemble(alg, kid, pair.map_err(|_| InvalidKey::Malformed)?)
    }

    /// Reads an unencrypted PEM file: PKCS#8 of any type, PKCS#1 (RSA) or SEC 1 (EC).
    pub fn from_pem(alg: Alg, kid: Option<&str>, pem: &str) -> Result<Self, InvalidKey> {
        let (label, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| InvalidKey::Malformed)?;
        let der = document.as_bytes();
        let pair = match (label, alg) {
            ("PRIVATE KEY", _) => return Self::from_pkcs8(alg, kid, der),
            ("RSA PRIVATE KEY", Alg::RS256 | Alg::PS256) => RsaKeyPair::from_der(der).map(Pair::Rsa),
            ("EC PRIVATE KEY", Alg::ES256) => {
                EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::Ec)
            }
            ("RSA PRIVATE KEY" | "EC PRIVATE KEY", _) => return Err(InvalidKey::Mismatch),
            _ => return Err(InvalidKey::Unsupported),
        };
        Self::assemble(alg, kid, pair.map_err(|_| InvalidKey::Malformed)?)
    }

    fn assemble(alg: Alg, kid: Option<&str>, pair: Pair) -> Result<Self, InvalidKey> {
        let mut jwk = Jwk { parameters: pair.parameters()?, kid: None, alg: Some(alg), usage: Some("sig".to_owned()) };
        let kid = kid.map_or_else(|| jwk.thumbprint(), str::to_owned);
        if kid.is_empty() || kid.len() > MAX_KID {
            return Err(InvalidKey::Malformed);
        }
        jwk.kid = Some(kid.clone());
        let public = PublicKey::new(jwk)?;
        let mut headers = [const { String::new() }; USUAL_TYPES.len()];
        for (place, typ) in headers.iter_mut().zip(USUAL_TYPES) {
            *place = header(alg.as_str(), Some(&kid), typ).map_err(|_| InvalidKey::Malformed)?;
        }
        Ok(Self(Arc::new(Inner { kid, alg, pair, public, headers })))
    }

    /// The key as PKCS#8 DER, for the store to encrypt.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, Error> {
        let der = match &self.0.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec()),
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Ed(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        der.map(Secret::new).map_err(|_| Error::Crypto)
    }

    /// Its name in the JWKS and in every header.
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The algorithm it serves.
    pub fn alg(&self) -> Alg {
        self.0.alg
    }

    /// The first part of a token of this kind, if it is a usual one.
    pub(super) fn usual_header(&self, typ: &str) -> Option<&str> {
        USUAL_TYPES.iter().zip(&self.0.headers).find(|(usual, _)| **usual == typ).map(|(_, header)| header.as_str())
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// Its public half as published, with `kid`, `alg` and `use`.
    pub fn public_jwk(&self) -> &Jwk {
        self.0.public.jwk()
    }

    /// Signs `message`. RSA keeps a core busy for a third of a millisecond.
    pub(super) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        // The libraries' own generator: aws-lc ignores this argument and uses its own.
        let random = SystemRandom::new();
        let signature = match &self.0.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding =
                    if self.0.alg == Alg::PS256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map(|()| signature)
            }
            Pair::Ec(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Pair::Ed(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()),
        };
        signature.map_err(|_| Error::Crypto)
    }
}

impl Pair {
    fn parameters(&self) -> Result<KeyParameters, InvalidKey> {
        match self {
            Self::Rsa(pair) => {
                let der = pair.public_key().as_ref();
                let key = pkcs1::RsaPublicKey::try_from(der).map_err(|_| InvalidKey::Malformed)?;
                Ok(KeyParameters::Rsa { n: b64(key.modulus.as_bytes()), e: b64(key.public_exponent.as_bytes()) })
            }
            Self::Ec(pair) => match pair.public_key().as_ref().split_first() {
                Some((4, point)) if point.len() == 64 => {
                    let (x, y) = point.split_at(32);
                    Ok(KeyParameters::Ec { crv: "P-256".to_owned(), x: b64(x), y: b64(y) })
                }
                _ => Err(InvalidKey::Malformed),
            },
            Self::Ed(pair) => Ok(KeyParameters::Okp { crv: "Ed25519".to_owned(), x: b64(pair.public_key().as_ref()) }),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.0.kid).field("alg", &self.0.alg).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rsa::pkcs8::{LineEnding, PrivateKeyInfo};

    use super::*;

    fn pem(label: &'static str, der: &[u8]) -> String {
        SecretDocument::try_from(der).unwrap().to_pem(label, LineEnding::LF).unwrap().to_string()
    }

    #[test]
    fn keys_survive_the_store() {
        for alg in Alg::ALL {
            let key = SigningKey::generate(alg, None).unwrap();
            let read = SigningKey::from_pkcs8(alg, None, key.to_pkcs8().unwrap().expose()).unwrap();
            assert_eq!(read.public_jwk(), key.public_jwk(), "{alg}");
            let signature = key.signature(b"message").unwrap();
            assert!(read.public_key().verifies(alg, b"message", &signature), "{alg}");
            assert!(!read.public_key().verifies(alg, b"massage", &signature), "{alg}");
        }
    }

    #[test]
    fn the_kid_is_the_thumbprint_unless_given() {
        let key = SigningKey::generate(Alg::ES256, None).unwrap();
        assert_eq!(key.kid(), key.public_jwk().thumbprint());
        let der = key.to_pkcs8().unwrap();
        assert_eq!(SigningKey::from_pkcs8(Alg::ES256, Some("mine"), der.expose()).unwrap().kid(), "mine");
        assert!(SigningKey::from_pkcs8(Alg::ES256, Some(""), der.expose()).is_err());
    }

    #[test]
    fn pem_files_of_every_usual_container_are_read() {
        for alg in Alg::ALL {
            let key = SigningKey::generate(alg, None).unwrap();
            let der = key.to_pkcs8().unwrap();
            let file = format!("\n{}\n", pem("PRIVATE KEY", der.expose()));
            assert_eq!(SigningKey::from_pem(alg, None, &file).unwrap().kid(), key.kid(), "{alg}");
            // The container inside PKCS#8 is PKCS#1 for RSA and SEC 1 for EC.
            let inner = PrivateKeyInfo::try_from(der.expose().as_slice()).unwrap().private_key.to_vec();
            let label = match alg {
                Alg::RS256 | Alg::PS256 => "RSA PRIVATE KEY",
                Alg::ES256 => "EC PRIVATE KEY",
                Alg::EdDSA => continue,
            };
            assert_eq!(SigningKey::from_pem(alg, None, &pem(label, &inner)).unwrap().kid(), key.kid(), "{alg}");
            let mismatch = SigningKey::from_pem(Alg::EdDSA, None, &pem(label, &inner)).unwrap_err();
            assert_eq!(mismatch, InvalidKey::Mismatch);
        }
    }

    #[test]
    fn other_files_are_refused() {
        let der = SigningKey::generate(Alg::ES256, None).unwrap().to_pkcs8().unwrap();
        let der = der.expose();
        for label in ["ENCRYPTED PRIVATE KEY", "CERTIFICATE", "PUBLIC KEY"] {
            let refused = SigningKey::from_pem(Alg::ES256, None, &pem(label, der)).unwrap_err();
            assert_eq!(refused, InvalidKey::Unsupported, "{label}");
        }
        for alg in [Alg::RS256, Alg::PS256, Alg::EdDSA] {
            assert!(SigningKey::from_pem(alg, None, &pem("PRIVATE KEY", der)).is_err(), "{alg}");
        }
        for text in ["", "not a file", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(SigningKey::from_pem(Alg::ES256, None, text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn headers_written_ahead_are_those_written_anew() {
        let key = SigningKey::generate(Alg::EdDSA, Some("a \"quoted\" name")).unwrap();
        for typ in USUAL_TYPES {
            assert_eq!(key.usual_header(typ).unwrap(), header("EdDSA", Some(key.kid()), typ).unwrap());
        }
        assert_eq!(key.usual_header("logout+jwt"), None);
        let token = crate::jose::sign(&key, "logout+jwt", &serde_json::json!({})).unwrap();
        let read = crate::jose::Unverified::parse(&token).unwrap();
        assert_eq!((read.typ(), read.kid(), read.alg()), (Some("logout+jwt"), Some(key.kid()), "EdDSA"));
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::generate(Alg::EdDSA, Some("name")).unwrap();
        assert_eq!(format!("{key:?}"), r#"SigningKey { kid: "name", alg: EdDSA, .. }"#);
    }
}
