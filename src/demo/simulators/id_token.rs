//! ID tokens, well made unless a quirk asks for worse.

use serde_json::{Map, Value, json};

use super::keys::Which;
use super::quirk::Quirk;
use super::simulator::Simulator;
use super::state::Grant;
use crate::jose::{Error, SigningKey, hs256_sign, sign};
use crate::model::digest::b64;

/// With what a provider signs.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    /// A key of its key set.
    PublishedKey,
    /// The application's secret.
    Secret(&'a str),
}

/// Signs an ID token for the grant: the claims every provider sends, and `own`, which win.
pub(super) fn issue(
    simulator: &Simulator,
    grant: &Grant,
    lifetime: i64,
    own: Map<String, Value>,
    signer: Signer<'_>,
) -> Result<String, Error> {
    let person = simulator.state().person(&grant.person);
    let subject = person.map(|person| simulator.subject(&grant.client, &person)).unwrap_or_default();
    let now = simulator.now();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iss", simulator.base().into());
    put("aud", grant.client.client_id.clone().into());
    put("sub", subject.into());
    put("iat", now.0.into());
    put("exp", (now + lifetime).0.into());
    if let Some(nonce) = &grant.nonce {
        put("nonce", nonce.clone().into());
    }
    claims.extend(own);
    spoil(simulator, &mut claims);
    let token = write(simulator, &claims, signer)?;
    simulator.state().id_tokens.insert(token.clone(), Value::Object(claims));
    Ok(token)
}

fn spoil(simulator: &Simulator, claims: &mut Map<String, Value>) {
    let now = simulator.now();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    if simulator.has(&Quirk::WrongIssuer) {
        put("iss", "https://issuer.invalid".into());
    }
    if simulator.has(&Quirk::BareIssuer) {
        let base = simulator.base();
        put("iss", base.split_once("://").map_or(base.as_str(), |(_, host)| host).into());
    }
    if simulator.has(&Quirk::WrongAudience) {
        put("aud", "another-application".into());
    }
    if simulator.has(&Quirk::WrongNonce) {
        put("nonce", "another-nonce".into());
    }
    if simulator.has(&Quirk::ExpiredIdToken) {
        put("iat", (now - 7200).0.into());
        put("exp", (now - 3600).0.into());
    }
    if simulator.has(&Quirk::MissingNonce) {
        claims.remove("nonce");
    }
}

fn write(simulator: &Simulator, claims: &Map<String, Value>, signer: Signer<'_>) -> Result<String, Error> {
    let key = |which| -> Result<SigningKey, Error> { simulator.keys.key(simulator.provider, which) };
    if simulator.has(&Quirk::AlgNone) {
        let header = json!({ "alg": "none", "typ": "JWT" }).to_string();
        let payload = serde_json::to_vec(claims).map_err(|_| Error::Claims)?;
        return Ok(format!("{}.{}.", b64(header.as_bytes()), b64(&payload)));
    }
    if simulator.has(&Quirk::HsConfusion) {
        let published = key(Which::First)?.public_jwk().to_value().to_string();
        return hs256_sign(published.as_bytes(), "JWT", claims);
    }
    let is_unpublished = simulator.has(&Quirk::UnpublishedKey);
    match signer {
        Signer::Secret(_) if is_unpublished => hs256_sign(&simulator.random.bytes::<32>(), "JWT", claims),
        Signer::Secret(secret) => hs256_sign(secret.as_bytes(), "JWT", claims),
        Signer::PublishedKey if is_unpublished => sign(&key(Which::Unpublished)?, "JWT", claims),
        Signer::PublishedKey if simulator.has(&Quirk::RotatedKey) => sign(&key(Which::Rotated)?, "JWT", claims),
        Signer::PublishedKey => sign(&key(Which::First)?, "JWT", claims),
    }
}
