//! The token endpoint all simulators share: authenticate the application, redeem a code or a refresh token, answer.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::call::Call;
use super::profile::Pkce;
use super::quirk::Quirk;
use super::reply;
use super::settings::ProviderClient;
use super::simulator::Simulator;
use super::state::{Grant, Kind, Token};
use crate::jose;
use crate::model::UnixTime;
use crate::model::digest::{constant_time_eq, sha256_b64};

/// What a token request proved a right to.
pub(super) struct Redeemed {
    pub(super) grant: Arc<Grant>,
    /// The refresh token that was used instead of a code, with its expiry.
    pub(super) refreshed: Option<(String, UnixTime)>,
}

/// Why a token request fails; each provider has its own words for it.
#[derive(Debug)]
pub(super) enum TokenFault {
    Missing(&'static str),
    UnknownClient,
    BadSecret,
    UnsupportedGrant,
    UnknownCode(String),
    SpentCode(String),
    ExpiredCode(String),
    RedirectMismatch,
    MissingVerifier,
    BadVerifier,
    UnknownRefreshToken,
    /// The simulator's own trouble.
    Broken,
}

impl From<jose::Error> for TokenFault {
    fn from(_: jose::Error) -> Self {
        Self::Broken
    }
}

/// The token endpoint; routes decide which methods reach it.
pub(super) async fn token(State(simulator): State<Simulator>, call: Call) -> Response {
    let profile = simulator.profile;
    let answer = redeem(&simulator, &call).and_then(|redeemed| (profile.reply)(&simulator, &call, &redeemed));
    match answer {
        Ok(body) => reply::json(200, &body),
        Err(fault) => {
            let (status, body) = (profile.fault)(&fault);
            reply::json(status, &body)
        }
    }
}

fn redeem(simulator: &Simulator, call: &Call) -> Result<Redeemed, TokenFault> {
    let client = (simulator.profile.authenticate)(simulator, call)?;
    // Facebook alone is content without a grant type.
    match call.parameter("grant_type").or_else(|| call.parameter("code").map(|_| "authorization_code")) {
        Some("authorization_code") => {
            let grant = redeem_code(simulator, call, &client)?;
            Ok(Redeemed { grant, refreshed: None })
        }
        Some("refresh_token") => refresh(simulator, call, &client),
        Some(_) => Err(TokenFault::UnsupportedGrant),
        None => Err(TokenFault::Missing("grant_type")),
    }
}

fn redeem_code(simulator: &Simulator, call: &Call, client: &ProviderClient) -> Result<Arc<Grant>, TokenFault> {
    let text = call.parameter("code").ok_or(TokenFault::Missing("code"))?.to_owned();
    let now = simulator.now();
    let (is_expired, is_reused) = (simulator.has(&Quirk::ExpiredCode), simulator.has(&Quirk::ReusedCode));
    let mut state = simulator.state();
    let own = state.codes.get_mut(&text).filter(|code| code.grant.client.client_id == client.client_id);
    let Some(code) = own else { return Err(TokenFault::UnknownCode(text)) };
    if is_reused || code.is_spent {
        return Err(TokenFault::SpentCode(text));
    }
    if is_expired || now.since(code.grant.issued_at) > simulator.profile.code_lifetime {
        return Err(TokenFault::ExpiredCode(text));
    }
    // A failed attempt spends the code, too.
    code.is_spent = true;
    let grant = Arc::clone(&code.grant);
    drop(state);
    let redirect_uri = call.parameter("redirect_uri");
    if redirect_uri != Some(grant.redirect_uri.as_str())
        && (simulator.profile.repeats_redirect_uri || redirect_uri.is_some())
    {
        return Err(TokenFault::RedirectMismatch);
    }
    check_verifier(simulator.profile.pkce, &grant, call.parameter("code_verifier"))?;
    Ok(grant)
}

/// [RFC 7636 §4.6], as far as the provider knows it.
fn check_verifier(pkce: Pkce, grant: &Grant, verifier: Option<&str>) -> Result<(), TokenFault> {
    let Some((method, challenge)) = grant.challenge.as_ref().filter(|_| pkce != Pkce::None) else { return Ok(()) };
    let verifier = verifier.ok_or(TokenFault::MissingVerifier)?;
    let matches = match method.as_str() {
        "S256" => sha256_b64(verifier) == *challenge,
        "plain" if pkce == Pkce::S256OrPlain => verifier == challenge,
        _ => false,
    };
    if matches { Ok(()) } else { Err(TokenFault::BadVerifier) }
}

fn refresh(simulator: &Simulator, call: &Call, client: &ProviderClient) -> Result<Redeemed, TokenFault> {
    let text = call.parameter("refresh_token").ok_or(TokenFault::Missing("refresh_token"))?;
    let (token, _) = simulator
        .token(text)
        .filter(|(token, _)| token.kind == Kind::Refresh && token.grant.client.client_id == client.client_id)
        .ok_or(TokenFault::UnknownRefreshToken)?;
    Ok(Redeemed { grant: token.grant, refreshed: Some((text.to_owned(), token.expires_at)) })
}

/// `client_id` and `client_secret` among the parameters.
pub(super) fn secret_in_parameters(simulator: &Simulator, call: &Call) -> Result<Arc<ProviderClient>, TokenFault> {
    let id = call.parameter("client_id").ok_or(TokenFault::Missing("client_id"))?;
    check_secret(simulator, id, call.parameter("client_secret"))
}

pub(super) fn check_secret(
    simulator: &Simulator,
    client_id: &str,
    secret: Option<&str>,
) -> Result<Arc<ProviderClient>, TokenFault> {
    let client = simulator.client(client_id).ok_or(TokenFault::UnknownClient)?;
    let expected = client.client_secret.expose();
    if constant_time_eq(secret.unwrap_or_default().as_bytes(), expected.as_bytes()) {
        Ok(client)
    } else {
        Err(TokenFault::BadSecret)
    }
}

/// Puts a token of this text into circulation.
pub(super) fn circulate(simulator: &Simulator, kind: Kind, grant: &Arc<Grant>, lifetime: i64, text: String) -> String {
    let now = simulator.now();
    let token = Token { kind, grant: Arc::clone(grant), issued_at: now, expires_at: now + lifetime };
    let mut state = simulator.state();
    state.tokens.retain(|_, token| now < token.expires_at);
    state.tokens.insert(text.clone(), token);
    text
}
