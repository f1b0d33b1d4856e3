//! Believing an upstream's ID token [OIDC Core §3.1.3.7]. Key, algorithm, issuer, audience and nonce all come from
//! the connection and the pending login; the token only gets to say which of the connection's issuers it is from.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::connection::{Algs, Connection};
use super::connector::IssuerRule;
use super::failure::{Reason, Stopped};
use super::jwks::{keys, newer_keys};
use super::login::Login;
use crate::jose::{
    Alg, Audience, Claims, Expected, MAX_ID_TOKEN, Rejected, Unverified, half_hash, hs256_verify, verify,
};
use crate::model::UnixTime;
use crate::model::digest::constant_time_eq;

/// How long ago a token may have been issued, in seconds. We fetched it a moment ago; some providers date it back.
const MAX_AGE: i64 = 900;
/// The tenant of personal Microsoft accounts.
const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A believed ID token.
#[derive(Debug)]
pub(super) struct IdToken {
    /// The issuer in its canonical form.
    pub(super) issuer: String,
    /// Its claims.
    pub(super) claims: Map<String, Value>,
}

/// Verifies the ID token of a login.
pub(super) async fn verified(login: &Login<'_>, token: &str, access_token: &str) -> Result<IdToken, Stopped> {
    let connection = login.connection;
    let unverified = Unverified::parse_within(token, MAX_ID_TOKEN).map_err(|reason| rejected(connection, reason))?;
    let issuer = expected_issuer(connection, &unverified)?;
    let client_id = [connection.settings.client_id.as_str()];
    let nonce = Some(login.pending.nonce.as_str());
    let algs = match &connection.algs {
        Algs::Public(algs) => algs.as_slice(),
        Algs::Hs256 => &[],
    };
    let expected = Expected {
        skew: connection.settings.clock_skew_seconds,
        ..Expected::upstream_id_token(algs, &issuer, Audience::Only(&client_id), nonce)
    };
    let claims = match &connection.algs {
        Algs::Public(_) => by_keys(login, token, &unverified, &expected).await?,
        Algs::Hs256 => {
            let secret = connection.settings.client_secret.as_ref().map_or("", |secret| secret.expose());
            let believed = hs256_verify(token, secret.as_bytes(), &expected, login.now);
            believed.map_err(|reason| rejected(connection, reason))?
        }
    };
    check_age(connection, &claims, login.now)?;
    check_at_hash(connection, &unverified, &claims, access_token)?;
    // One person must not become two for the spelling of the issuer.
    let issuer = match connection.preset.issuer_rule {
        IssuerRule::WithoutScheme => connection.issuer.clone(),
        IssuerRule::Exact | IssuerRule::Tenant => issuer,
    };
    Ok(IdToken { issuer, claims: claims.into_map() })
}

async fn by_keys(
    login: &Login<'_>,
    token: &str,
    unverified: &Unverified<'_>,
    expected: &Expected<'_>,
) -> Result<Claims, Stopped> {
    let connection = login.connection;
    let url = login.addresses.jwks.as_ref().ok_or(Stopped::Unavailable)?;
    let mut known = keys(connection, login.outbound, url, login.now).await?;
    let mut believed = verify(token, &known.set, expected, login.now);
    if believed == Err(Rejected::UnknownKey) {
        known = newer_keys(connection, login.outbound, url, known, login.now).await;
        believed = verify(token, &known.set, expected, login.now);
    }
    let claims = believed.map_err(|reason| rejected(connection, reason))?;
    // A key that speaks for one tenant must not vouch for the people of another.
    let speaks_for = unverified.kid().and_then(|kid| known.issuers.get(kid));
    let tenant = claims.text("tid").unwrap_or_default();
    if speaks_for.is_some_and(|issuer| issuer.replace("{tenantid}", tenant) != expected.issuer) {
        return Err(rejected(connection, Rejected::Claim("iss")));
    }
    Ok(claims)
}

/// The one issuer this token may be from.
fn expected_issuer(connection: &Connection, token: &Unverified<'_>) -> Result<String, Stopped> {
    match connection.preset.issuer_rule {
        IssuerRule::Exact => Ok(connection.issuer.clone()),
        IssuerRule::WithoutScheme => {
            let bare = connection.issuer.split_once("://").map(|(_, bare)| bare);
            let written = token.peek("iss");
            let is_bare = bare.is_some() && written.as_deref() == bare;
            Ok(written.filter(|_| is_bare).unwrap_or_else(|| connection.issuer.clone()))
        }
        IssuerRule::Tenant => {
            let tenant = token.peek("tid").filter(|tenant| tenant.len() == 36 && Uuid::parse_str(tenant).is_ok());
            let tenant = tenant.ok_or_else(|| rejected(connection, Rejected::Claim("tid")))?;
            if !admits(connection, &tenant) {
                return Err(Reason::TenantRefused.into());
            }
            Ok(connection.issuer.replace("{tenantid}", &tenant))
        }
    }
}

/// Whether people of this tenant may come in.
fn admits(connection: &Connection, tenant: &str) -> bool {
    let allowed = &connection.settings.allowed_tenants;
    let listed = allowed.is_empty() || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(tenant));
    listed
        && match connection.settings.tenant.as_deref().unwrap_or("common") {
            "common" => true,
            "organizations" => tenant != PERSONAL_TENANT,
            "consumers" => tenant == PERSONAL_TENANT,
            own => own.eq_ignore_ascii_case(tenant),
        }
}

fn check_age(connection: &Connection, claims: &Claims, now: UnixTime) -> Result<(), Stopped> {
    let oldest = now - MAX_AGE - connection.settings.clock_skew_seconds;
    match claims.date("iat") {
        Some(issued_at) if issued_at >= oldest => Ok(()),
        _ => Err(rejected(connection, Rejected::Claim("iat"))),
    }
}

/// The access token must be the one this ID token was issued with, when it says which [OIDC Core §3.1.3.8].
fn check_at_hash(
    connection: &Connection,
    token: &Unverified<'_>,
    claims: &Claims,
    access_token: &str,
) -> Result<(), Stopped> {
    let Some(at_hash) = claims.get("at_hash") else { return Ok(()) };
    // HS256 hashes with SHA-256, as ES256 does.
    let alg = token.alg().parse().unwrap_or(Alg::ES256);
    let hash = half_hash(alg, access_token);
    let matches = at_hash.as_str().is_some_and(|claimed| constant_time_eq(claimed.as_bytes(), hash.as_bytes()));
    if matches { Ok(()) } else { Err(rejected(connection, Rejected::Claim("at_hash"))) }
}

fn rejected(connection: &Connection, reason: Rejected) -> Stopped {
    tracing::warn!(connection = connection.id().as_str(), %reason, "upstream id token is not believed");
    Reason::IdTokenRejected.into()
}
