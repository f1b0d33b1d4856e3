//! Believing a token: the verifier says which key, which algorithm, which kind, and what must be in it.

use aws_lc_rs::hmac;
use serde::Serialize;

use super::claims::Claims;
use super::jws::{MAX_ID_TOKEN, MAX_TOKEN, Unverified, signing_input};
use super::public_key::KeySource;
use super::{Alg, Error, Rejected};
use crate::model::UnixTime;
use crate::model::digest::b64;
use crate::model::json::parse_object;

/// Which `typ` the header must have; compared without case and without `application/` [RFC 7515 §4.1.9].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ<'a> {
    /// This one.
    Exactly(&'a str),
    /// None, or one of these: for kinds older than explicit typing [RFC 8725 §3.11].
    AbsentOr(&'a [&'a str]),
}

/// Which `aud` the token must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// The claim must be there; its meaning is the caller's to check.
    Any,
    /// One of these must be among the values.
    Includes(&'a [&'a str]),
    /// Each value must be one of these.
    Only(&'a [&'a str]),
    /// This value as a single string, not an array (FAPI 2.0 client assertions).
    Single(&'a str),
}

/// How `exp` is judged. The claim must be there in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Must not have passed.
    Ahead,
    /// Must not have passed, nor lie further ahead than this many seconds.
    Within(i64),
    /// May have passed: a hint about the past, not a credential.
    Ignored,
}

/// What a verifier expects of a token. Start from the constructor of the kind, then adjust.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The algorithms registered for the sender.
    pub algs: &'a [Alg],
    /// The kind.
    pub typ: Typ<'a>,
    /// Claim `iss`.
    pub issuer: &'a str,
    /// Claim `aud`.
    pub audience: Audience<'a>,
    /// Claim `sub`, when the verifier knows it.
    pub subject: Option<&'a str>,
    /// Claim `azp`: when present it must be this.
    pub authorized_party: Option<&'a str>,
    /// Claim `nonce`: when set it must be there and be this.
    pub nonce: Option<&'a str>,
    /// Claim `exp`.
    pub expiry: Expiry,
    /// Claims that must be there besides `iss`, `aud` and `exp`.
    pub required: &'static [&'static str],
    /// Seconds by which `exp` may have passed, and `iat` and `nbf` may lie ahead, because clocks differ.
    pub skew: i64,
    /// The longest token accepted, in characters.
    pub max_length: usize,
}

impl<'a> Expected<'a> {
    const fn of(algs: &'a [Alg], typ: Typ<'a>, issuer: &'a str, audience: Audience<'a>) -> Self {
        Self {
            algs,
            typ,
            issuer,
            audience,
            subject: None,
            authorized_party: None,
            nonce: None,
            expiry: Expiry::Ahead,
            required: &[],
            skew: 30,
            max_length: MAX_TOKEN,
        }
    }

    /// An `id_token_hint`: an ID token of our own, perhaps long expired [OIDC Core §3.1.2.1].
    pub const fn id_token_hint(issuer: &'a str) -> Self {
        let expected = Self::of(&Alg::ALL, Typ::AbsentOr(&["JWT"]), issuer, Audience::Any);
        Self { expiry: Expiry::Ignored, required: &["sub", "iat"], max_length: MAX_ID_TOKEN, ..expected }
    }

    /// An access token of our own [RFC 9068 §4]. Whether its `aud` is right depends on the endpoint.
    pub const fn access_token(issuer: &'a str) -> Self {
        let expected = Self::of(&Alg::ALL, Typ::Exactly("at+jwt"), issuer, Audience::Any);
        Self { required: &["sub", "iat", "jti", "client_id"], skew: 0, ..expected }
    }

    /// A client's assertion about itself [RFC 7523 §3, OIDC Core §9]: five minutes of life at most. That its `jti` is
    /// new is the caller's to check.
    pub const fn client_assertion(algs: &'a [Alg], client_id: &'a str, audience: Audience<'a>) -> Self {
        let typ = Typ::AbsentOr(&["JWT", "client-authentication+jwt"]);
        let expected = Self::of(algs, typ, client_id, audience);
        Self { subject: Some(client_id), expiry: Expiry::Within(300), required: &["sub", "jti"], ..expected }
    }

    /// An upstream provider's ID token [OIDC Core §3.1.3.7] for the client we are there: no other audience beside us.
    /// `audience` is `Audience::Only(&[client_id])`.
    pub const fn upstream_id_token(
        algs: &'a [Alg],
        issuer: &'a str,
        audience: Audience<'a>,
        nonce: Option<&'a str>,
    ) -> Self {
        let expected = Self::of(algs, Typ::AbsentOr(&["JWT"]), issuer, audience);
        let azp = match audience {
            Audience::Only([client_id]) => Some(*client_id),
            _ => None,
        };
        Self { nonce, authorized_party: azp, required: &["sub", "iat"], skew: 60, max_length: MAX_ID_TOKEN, ..expected }
    }
}

/// Believes a token, or says why not. Key and algorithm come from `keys` and `expected`, never from the token.
pub fn verify(token: &str, keys: &dyn KeySource, expected: &Expected<'_>, now: UnixTime) -> Result<Claims, Rejected> {
    let unverified = Unverified::parse_within(token, expected.max_length)?;
    let alg = unverified.expected_alg(expected.algs)?;
    let candidates = keys.candidates(unverified.kid(), alg, now);
    if candidates.is_empty() {
        return Err(Rejected::UnknownKey);
    }
    if !candidates.iter().any(|key| key.verifies(alg, unverified.signed(), unverified.signature())) {
        return Err(Rejected::Signature);
    }
    judge(&unverified, expected, now)
}

/// Believes a token under a shared secret of at least 32 bytes; `expected.algs` plays no part. Only for a provider
/// that is known to sign so (LINE Login on the web): never beside public keys in one list [RFC 8725 §2.1].
pub fn hs256_verify(token: &str, secret: &[u8], expected: &Expected<'_>, now: UnixTime) -> Result<Claims, Rejected> {
    let unverified = Unverified::parse_within(token, expected.max_length)?;
    if unverified.alg() != HS256 {
        return Err(Rejected::Alg);
    }
    if secret.len() < MIN_SECRET {
        return Err(Rejected::UnknownKey);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, unverified.signed(), unverified.signature()).map_err(|_| Rejected::Signature)?;
    judge(&unverified, expected, now)
}

/// Signs claims with a shared secret of at least 32 bytes, as LINE does: for simulators and tests.
pub fn hs256_sign(secret: &[u8], typ: &str, claims: &impl Serialize) -> Result<String, Error> {
    if secret.len() < MIN_SECRET {
        return Err(super::InvalidKey::Weak.into());
    }
    let input = signing_input(HS256, None, typ, claims)?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    Ok(format!("{input}.{}", b64(tag.as_ref())))
}

const HS256: &str = "HS256";
/// A key of the size of the hash [RFC 7518 §3.2].
const MIN_SECRET: usize = 32;

/// The checks that follow the signature.
fn judge(token: &Unverified<'_>, expected: &Expected<'_>, now: UnixTime) -> Result<Claims, Rejected> {
    if !typ_matches(token.typ(), expected.typ) {
        return Err(Rejected::Typ);
    }
    let claims = Claims::new(parse_object(token.payload()).ok_or(Rejected::Malformed)?)?;
    for (name, wanted) in [("iss", Some(expected.issuer)), ("sub", expected.subject), ("nonce", expected.nonce)] {
        if wanted.is_some() && claims.text(name) != wanted {
            return Err(Rejected::Claim(name));
        }
    }
    let azp = claims.text("azp").filter(|_| expected.authorized_party.is_some());
    if azp.is_some() && azp != expected.authorized_party {
        return Err(Rejected::Claim("azp"));
    }
    if !audience_matches(&claims, expected.audience) {
        return Err(Rejected::Claim("aud"));
    }
    for name in expected.required {
        // An empty identifier identifies nobody.
        if claims.get(name).is_none_or(|value| value == "") {
            return Err(Rejected::Claim(name));
        }
    }
    check_times(&claims, expected, now)?;
    Ok(claims)
}

fn typ_matches(typ: Option<&str>, expected: Typ<'_>) -> bool {
    let bare = typ.map(|typ| match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    });
    match (expected, bare) {
        (Typ::Exactly(wanted), Some(typ)) => typ.eq_ignore_ascii_case(wanted),
        (Typ::Exactly(_), None) => false,
        (Typ::AbsentOr(_), None) => true,
        (Typ::AbsentOr(wanted), Some(typ)) => wanted.iter().any(|wanted| typ.eq_ignore_ascii_case(wanted)),
    }
}

fn audience_matches(claims: &Claims, expected: Audience<'_>) -> bool {
    let audiences = claims.audiences();
    match expected {
        Audience::Any => !audiences.is_empty(),
        Audience::Includes(wanted) => audiences.iter().any(|audience| wanted.contains(audience)),
        Audience::Only(wanted) => !audiences.is_empty() && audiences.iter().all(|audience| wanted.contains(audience)),
        Audience::Single(wanted) => claims.text("aud") == Some(wanted),
    }
}

fn check_times(claims: &Claims, expected: &Expected<'_>, now: UnixTime) -> Result<(), Rejected> {
    let expires_at = claims.expires_at().ok_or(Rejected::Claim("exp"))?;
    let latest = match expected.expiry {
        Expiry::Ahead => None,
        Expiry::Within(seconds) => Some(now + seconds + expected.skew),
        Expiry::Ignored => return Ok(()),
    };
    if now >= expires_at + expected.skew {
        return Err(Rejected::Expired);
    }
    if latest.is_some_and(|latest| expires_at > latest) {
        return Err(Rejected::Claim("exp"));
    }
    // Our own nodes' clocks differ too, hence a floor also where no token may outlive its `exp`.
    let ahead = now + expected.skew.max(30);
    let too_early = |name| claims.date(name).is_some_and(|date| date > ahead);
    if too_early("nbf") || too_early("iat") { Err(Rejected::NotYet) } else { Ok(()) }
}
