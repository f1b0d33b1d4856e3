//! Keys that verify.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde_json::Value;

use super::jwk::{Jwk, KeyParameters};
use super::{Alg, InvalidKey};
use crate::model::UnixTime;
use crate::model::digest::unb64;

/// A public key, parsed once.
#[derive(Clone)]
pub struct PublicKey(Arc<Parsed>);

struct Parsed {
    jwk: Jwk,
    // An RSA key may serve two algorithms; each gets a parsed key pinned to it.
    by_alg: Vec<(Alg, ParsedPublicKey)>,
}

impl PublicKey {
    /// Parses a JWK that has passed [`Jwk::parse`].
    pub fn new(jwk: Jwk) -> Result<Self, InvalidKey> {
        let mut by_alg = match &jwk.parameters {
            KeyParameters::Rsa { n, e } => rsa(n, e)?,
            KeyParameters::Ec { x, y, .. } => vec![(Alg::ES256, p256(x, y)?)],
            KeyParameters::Okp { x, .. } => vec![(Alg::EdDSA, ed25519(x)?)],
        };
        if let Some(only) = jwk.alg {
            by_alg.retain(|(alg, _)| *alg == only);
        }
        if by_alg.is_empty() { Err(InvalidKey::Mismatch) } else { Ok(Self(Arc::new(Parsed { jwk, by_alg }))) }
    }

    /// Its name among its owner's keys.
    pub fn kid(&self) -> Option<&str> {
        self.0.jwk.kid.as_deref()
    }

    /// The key as it is published.
    pub fn jwk(&self) -> &Jwk {
        &self.0.jwk
    }

    /// Whether it serves the algorithm.
    pub fn serves(&self, alg: Alg) -> bool {
        self.0.by_alg.iter().any(|(served, _)| *served == alg)
    }

    /// Whether `signature` is this key's over `message` under `alg`.
    pub fn verifies(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        let key = self.0.by_alg.iter().find(|(served, _)| *served == alg);
        key.is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.jwk.fmt(f)
    }
}

fn rsa(n: &str, e: &str) -> Result<Vec<(Alg, ParsedPublicKey)>, InvalidKey> {
    let n = unb64(n).ok_or(InvalidKey::Malformed)?;
    let e = unb64(e).ok_or(InvalidKey::Malformed)?;
    let leading = *n.first().ok_or(InvalidKey::Malformed)?;
    if leading == 0 || e.first().is_none_or(|byte| *byte == 0) {
        return Err(InvalidKey::Malformed);
    }
    let unused = usize::try_from(leading.leading_zeros()).unwrap_or(8);
    let bits = n.len().saturating_mul(8).saturating_sub(unused);
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // With exponent 1 every message is its own signature.
    if !(2048..=8192).contains(&bits) || !odd(&n) || !odd(&e) || e == [1] || e.len() > 4 {
        return Err(InvalidKey::Weak);
    }
    let der: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }.as_der().map_err(|_| InvalidKey::Malformed)?;
    Ok(vec![
        (Alg::RS256, parsed(&RSA_PKCS1_2048_8192_SHA256, der.as_ref())?),
        (Alg::PS256, parsed(&RSA_PSS_2048_8192_SHA256, der.as_ref())?),
    ])
}

fn p256(x: &str, y: &str) -> Result<ParsedPublicKey, InvalidKey> {
    let (x, y) = (unb64(x).ok_or(InvalidKey::Malformed)?, unb64(y).ok_or(InvalidKey::Malformed)?);
    if x.len() != 32 || y.len() != 32 {
        return Err(InvalidKey::Malformed);
    }
    // SEC 1 §2.3.3, uncompressed; parsing checks that the point lies on the curve.
    let point = [&[4][..], &x, &y].concat();
    parsed(&ECDSA_P256_SHA256_FIXED, &point)
}

fn ed25519(x: &str) -> Result<ParsedPublicKey, InvalidKey> {
    let point = unb64(x).ok_or(InvalidKey::Malformed)?;
    if point.len() == 32 { parsed(&ED25519, &point) } else { Err(InvalidKey::Malformed) }
}

fn parsed(
    algorithm: &'static dyn aws_lc_rs::signature::VerificationAlgorithm,
    bytes: &[u8],
) -> Result<ParsedPublicKey, InvalidKey> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| InvalidKey::Malformed)
}

/// Where a verifier finds the keys of the sender it expects. The token's `kid` only selects among them.
pub trait KeySource {
    /// The keys at `now` that a token with this `kid` and `alg` may be signed by.
    fn candidates(&self, kid: Option<&str>, alg: Alg, now: UnixTime) -> Vec<&PublicKey>;
}

/// Somebody else's JWK Set [RFC 7517 §5].
#[derive(Clone, Debug, Default)]
pub struct JwkSet {
    keys: Vec<PublicKey>,
}

const MAX_KEYS: usize = 64;
/// How many keys of one `kid` and algorithm are tried before giving up.
const MAX_CANDIDATES: usize = 4;

impl JwkSet {
    /// Reads the set a client registers: each key must be good. Key types we do not know are passed over.
    pub fn parse(value: &Value) -> Result<Self, InvalidKey> {
        Self::read(value, |_| false)
    }

    /// Reads the set a provider publishes: a key we cannot use is passed over [RFC 7517 §5], but a set that gives
    /// secrets away is refused.
    pub fn parse_published(value: &Value) -> Result<Self, InvalidKey> {
        Self::read(value, |reason| matches!(reason, InvalidKey::Malformed | InvalidKey::Weak | InvalidKey::Mismatch))
    }

    fn read(value: &Value, passes_over: impl Fn(InvalidKey) -> bool) -> Result<Self, InvalidKey> {
        let members = value.get("keys").and_then(Value::as_array).ok_or(InvalidKey::Malformed)?;
        if members.len() > MAX_KEYS {
            return Err(InvalidKey::TooMany);
        }
        let mut keys = Vec::with_capacity(members.len());
        for member in members {
            match Jwk::parse(member).and_then(PublicKey::new) {
                Ok(key) => keys.push(key),
                Err(InvalidKey::Unsupported) => {}
                Err(reason) if passes_over(reason) => {}
                Err(reason) => return Err(reason),
            }
        }
        Ok(Self { keys })
    }

    /// The keys we can use.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }
}

impl From<Vec<PublicKey>> for JwkSet {
    fn from(keys: Vec<PublicKey>) -> Self {
        Self { keys }
    }
}

impl KeySource for JwkSet {
    fn candidates(&self, kid: Option<&str>, alg: Alg, _now: UnixTime) -> Vec<&PublicKey> {
        let fitting = || self.keys.iter().filter(|key| key.serves(alg));
        if let Some(kid) = kid {
            let named: Vec<_> = fitting().filter(|key| key.kid() == Some(kid)).take(MAX_CANDIDATES).collect();
            if !named.is_empty() {
                return named;
            }
        }
        // A name may be missing on either side only where there is nothing to choose [OIDC Core §10.1].
        let unnamed: Vec<_> = fitting().filter(|key| kid.is_none() || key.kid().is_none()).take(2).collect();
        if unnamed.len() == 1 { unnamed } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;
    use crate::model::digest::b64;

    fn rsa_jwk(bytes: usize, e: &[u8]) -> Value {
        let mut n = vec![0xff; bytes];
        n[0] = 0x80;
        json!({"kty": "RSA", "n": b64(&n), "e": b64(e)})
    }

    fn refusal(jwk: &Value) -> Option<InvalidKey> {
        JwkSet::parse(&json!({ "keys": [jwk] })).err()
    }

    #[test]
    fn weak_rsa_keys_are_refused() {
        assert_eq!(refusal(&rsa_jwk(256, &[1, 0, 1])), None);
        assert_eq!(refusal(&rsa_jwk(1024, &[3])), None);
        for weak in [
            rsa_jwk(128, &[1, 0, 1]),
            rsa_jwk(255, &[1, 0, 1]),
            rsa_jwk(1025, &[1, 0, 1]),
            rsa_jwk(256, &[1]),
            rsa_jwk(256, &[2]),
            rsa_jwk(256, &[1, 0, 0, 0, 1]),
        ] {
            let reason = refusal(&weak);
            // 1025 bytes are beyond what a member may hold at all.
            assert!(matches!(reason, Some(InvalidKey::Weak | InvalidKey::Malformed)), "{reason:?}");
        }
        let mut short = vec![0xff; 256];
        short[0] = 0x7f;
        assert_eq!(refusal(&json!({"kty": "RSA", "n": b64(&short), "e": "AQAB"})), Some(InvalidKey::Weak), "2047 bits");
        let padded = [&[0][..], &short].concat();
        assert_eq!(refusal(&json!({"kty": "RSA", "n": b64(&padded), "e": "AQAB"})), Some(InvalidKey::Malformed));
    }

    #[test]
    fn signatures_of_the_specifications_verify() {
        // RFC 7515 appendices A.2 and A.3, RFC 8037 appendix A.4.
        let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let rsa = json!({
            "kty": "RSA", "e": "AQAB",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        });
        let ec = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        });
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (alg, jwk, message, signature) in [
            (
                Alg::RS256,
                rsa,
                format!("eyJhbGciOiJSUzI1NiJ9.{claims}"),
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                Alg::ES256,
                ec,
                format!("eyJhbGciOiJFUzI1NiJ9.{claims}"),
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                Alg::EdDSA,
                ed,
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ] {
            let key = Jwk::parse(&jwk).and_then(PublicKey::new).unwrap();
            let signature = unb64(signature).unwrap();
            assert!(key.verifies(alg, message.as_bytes(), &signature), "{alg}");
            assert!(!key.verifies(alg, format!("{message} ").as_bytes(), &signature), "{alg}");
            assert!(!key.verifies(alg, message.as_bytes(), &signature[1..]), "{alg}");
            assert!(!key.verifies(alg, message.as_bytes(), &vec![0; signature.len()]), "{alg}: r = s = 0");
            assert!(!key.verifies(alg, message.as_bytes(), &[]), "{alg}");
        }
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let key = SigningKey::generate(Alg::ES256, None).unwrap();
        let mut jwk = key.public_jwk().to_value();
        assert_eq!(refusal(&jwk), None);
        jwk["y"] = jwk["x"].clone();
        assert_eq!(refusal(&jwk), Some(InvalidKey::Malformed));
        jwk["y"] = b64(&[1; 31]).into();
        assert_eq!(refusal(&jwk), Some(InvalidKey::Malformed));
        assert_eq!(refusal(&json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&[1; 31])})), Some(InvalidKey::Malformed));
    }

    #[test]
    fn registered_sets_are_judged_strictly_and_published_ones_tolerantly() {
        let good = SigningKey::generate(Alg::EdDSA, None).unwrap().public_jwk().to_value();
        let with = |other: Value| json!({ "keys": [other, good] });
        for unknown in
            [json!({"kty": "AKP"}), json!({"kty": "EC", "crv": "P-521"}), json!({"kty": "RSA", "use": "enc"})]
        {
            assert_eq!(JwkSet::parse(&with(unknown)).unwrap().keys().len(), 1);
        }
        for unusable in [rsa_jwk(128, &[1, 0, 1]), json!({"kty": "RSA"}), json!({}), json!(1)] {
            assert!(JwkSet::parse(&with(unusable.clone())).is_err(), "{unusable}");
            assert_eq!(JwkSet::parse_published(&with(unusable)).unwrap().keys().len(), 1);
        }
        for secret in [json!({"kty": "oct", "k": "AA"}), json!({"kty": "RSA", "d": "AA"})] {
            assert!(JwkSet::parse(&with(secret.clone())).is_err());
            assert!(JwkSet::parse_published(&with(secret)).is_err());
        }
        for no_set in [json!({}), json!([]), json!({"keys": {}}), json!({"keys": vec![json!({}); 65]})] {
            assert!(JwkSet::parse_published(&no_set).is_err(), "{no_set}");
        }
    }

    #[test]
    fn the_kid_selects_and_its_absence_never_guesses() {
        let key = |kid: Option<&str>| {
            let mut jwk = SigningKey::generate(Alg::EdDSA, None).unwrap().public_jwk().clone();
            jwk.kid = kid.map(str::to_owned);
            PublicKey::new(jwk).unwrap()
        };
        let found = |keys: Vec<PublicKey>, kid, alg| JwkSet::from(keys).candidates(kid, alg, UnixTime(0)).len();
        assert_eq!(found(vec![key(Some("a")), key(Some("b"))], Some("a"), Alg::EdDSA), 1);
        assert_eq!(found(vec![key(Some("a")), key(Some("b"))], Some("c"), Alg::EdDSA), 0);
        assert_eq!(found(vec![key(Some("a")), key(Some("b"))], None, Alg::EdDSA), 0);
        assert_eq!(found(vec![key(Some("a"))], None, Alg::EdDSA), 1);
        assert_eq!(found(vec![key(None)], Some("a"), Alg::EdDSA), 1);
        assert_eq!(found(vec![key(None), key(None)], Some("a"), Alg::EdDSA), 0);
        assert_eq!(found(vec![key(Some("b"))], Some("a"), Alg::EdDSA), 0);
        assert_eq!(found(vec![key(Some("a"))], Some("a"), Alg::ES256), 0);
    }
}
