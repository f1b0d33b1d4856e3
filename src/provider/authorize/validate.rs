//! The checks of an authorization request, in the order of the specifications, as one list.

use std::sync::Arc;

use super::callback::Callback;
use super::request::Request;
use crate::model::client::{Client, GrantType};
use crate::protocol::{
    Challenge, ClaimsRequest, ErrorCode, Params, Prompt, Refused, ResponseMode, ResponseType, Scope, parse_acr_values,
    parse_locales, parse_max_age, redirect_uri_matches,
};

/// Why there is no trusted place to send an answer to: shown as a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageError {
    /// `client_id` is missing.
    MissingClient,
    /// No client has this id, or it is switched off.
    UnknownClient,
    /// `redirect_uri` is missing.
    MissingRedirectUri,
    /// The client has no such redirect URI.
    RedirectUriMismatch,
}

/// What is known once client and redirect URI are verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) client: Arc<Client>,
    pub(super) callback: Callback,
}

/// Verifies the callback: until this succeeds nothing is sent anywhere.
pub(super) fn verify_callback(params: &Params, client: Option<Arc<Client>>) -> Result<Verified, PageError> {
    let client = client.ok_or(PageError::UnknownClient)?;
    let redirect_uri = params.get("redirect_uri").ok_or(PageError::MissingRedirectUri)?;
    if !client.redirect_uris.iter().any(|registered| redirect_uri_matches(registered, redirect_uri)) {
        return Err(PageError::RedirectUriMismatch);
    }
    let callback = Callback {
        client: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        mode: mode_for_errors(params),
        state: params.get("state").map(str::to_owned),
    };
    Ok(Verified { client, callback })
}

/// Errors travel as the response would have; where that cannot be told, as its type's default would.
fn mode_for_errors(params: &Params) -> ResponseMode {
    let response_type = params.get("response_type").and_then(|text| text.parse::<ResponseType>().ok());
    match (response_type, params.get("response_mode")) {
        (Some(response_type), asked) => response_type.mode(asked).unwrap_or(response_type.default_mode()),
        (None, asked) => asked.and_then(|mode| mode.parse().ok()).unwrap_or(ResponseMode::Query),
    }
}

/// Validates everything else; failures go to the callback. `hinted` is the subject of a verified `id_token_hint`.
pub(super) fn validate(params: &Params, verified: &Verified, hinted: Option<String>) -> Result<Request, Refused> {
    let client = &verified.client;
    refuse_request_objects(params)?;
    check_lengths(params)?;
    check_response(params, client)?;
    let scope = check_scope(params, client)?;
    let code_challenge = check_pkce(params, client)?;
    let prompt = Prompt::parse(params.get("prompt"))?;
    let max_age = parse_max_age(params.get("max_age"))?.or(client.default_max_age);
    let claims = ClaimsRequest::parse(params.get("claims"))?;
    Ok(Request {
        callback: verified.callback.clone(),
        scope,
        nonce: params.get("nonce").map(str::to_owned),
        code_challenge,
        prompt,
        max_age,
        acr_values: parse_acr_values(params.get("acr_values")),
        essential_acr: essential_acr(&claims),
        login_hint: params.get("login_hint").map(|hint| hint.chars().take(320).collect()),
        ui_locales: parse_locales(params.get("ui_locales")),
        expected_subject: expected_subject(hinted, &claims)?,
        claims,
    })
}

/// Request objects are refused as a whole rather than ignored [OIDC Core §6, §3.1.2.6].
fn refuse_request_objects(params: &Params) -> Result<(), Refused> {
    let unsupported = [
        ("request", ErrorCode::RequestNotSupported, "request objects are not supported"),
        ("request_uri", ErrorCode::RequestUriNotSupported, "request_uri is not supported"),
        ("registration", ErrorCode::RegistrationNotSupported, "registration is not supported"),
    ];
    match unsupported.into_iter().find(|(name, ..)| params.get(name).is_some()) {
        Some((_, code, description)) => Err(Refused::new(code, description)),
        None => Ok(()),
    }
}

/// What we keep until the person is done, and send back, is bounded: anybody can make us keep it.
fn check_lengths(params: &Params) -> Result<(), Refused> {
    let limits = [("state", 4096), ("nonce", 1024), ("acr_values", 2048), ("ui_locales", 512)];
    let is_long = |(name, limit): &(&str, usize)| params.get(name).is_some_and(|value| value.len() > *limit);
    match limits.into_iter().find(is_long) {
        Some((name, _)) => Err(Refused::new(ErrorCode::InvalidRequest, format!("{name} is too long"))),
        None => Ok(()),
    }
}

fn check_response(params: &Params, client: &Client) -> Result<(), Refused> {
    let text = params
        .get("response_type")
        .ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "response_type is missing"))?;
    let response_type: ResponseType = text.parse()?;
    if !response_type.has_code() || response_type.has_id_token() || response_type.has_token() {
        return Err(Refused::new(ErrorCode::UnsupportedResponseType, "response_type is not supported"));
    }
    if !client.allows_grant(GrantType::AuthorizationCode) {
        return Err(Refused::new(ErrorCode::UnauthorizedClient, "the client may not use this grant"));
    }
    response_type.mode(params.get("response_mode")).map(|_| ())
}

/// Scopes the client may not ask for are left out [RFC 6749 §3.3]; the token response names those granted.
fn check_scope(params: &Params, client: &Client) -> Result<Scope, Refused> {
    let asked: Scope = params.get("scope").unwrap_or_default().parse()?;
    let granted = asked.filtered(|name| client.release.scopes.contains(name));
    if granted.is_empty() {
        return Err(Refused::new(ErrorCode::InvalidScope, "no requested scope is available to this client"));
    }
    Ok(granted)
}

fn check_pkce(params: &Params, client: &Client) -> Result<Option<Challenge>, Refused> {
    let challenge = Challenge::parse(params.get("code_challenge"), params.get("code_challenge_method"))?;
    if challenge.is_none() && (client.is_public() || client.require_pkce) {
        return Err(Refused::new(ErrorCode::InvalidRequest, "code_challenge is required"));
    }
    Ok(challenge)
}

/// The authentication contexts of which the client insists on one [OIDC Core §5.5.1.1].
fn essential_acr(claims: &ClaimsRequest) -> Vec<String> {
    let Some(acr) = claims.id_token.get("acr").filter(|acr| acr.essential) else { return Vec::new() };
    let values = acr.value.iter().chain(acr.values.iter().flatten());
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The one person the client will accept, as hint and `claims` parameter have to agree [OIDC Core §3.1.2.1, §5.5.1].
fn expected_subject(hinted: Option<String>, claims: &ClaimsRequest) -> Result<Option<String>, Refused> {
    let contradiction = || Refused::new(ErrorCode::InvalidRequest, "the request names no person or several as sub");
    let mut expected = hinted;
    for asked in [&claims.id_token, &claims.userinfo].into_iter().filter_map(|section| section.get("sub")) {
        let named = match (&asked.value, asked.values.as_deref()) {
            (None, None) => continue,
            (Some(value), None) | (None, Some([value])) => value.as_str(),
            // Whoever it is, one of several: the hint may tell which.
            (None, Some(values)) => {
                let hint = expected.as_deref();
                hint.filter(|hint| values.iter().any(|value| value.as_str() == Some(hint)))
            }
            (Some(_), Some(_)) => None,
        };
        let named = named.ok_or_else(contradiction)?;
        if expected.as_ref().is_some_and(|expected| expected != named) {
            return Err(contradiction());
        }
        expected = Some(named.to_owned());
    }
    Ok(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_and_claims_name_one_person() {
        let sub = |hint: Option<&str>, claims: &str| {
            let claims = ClaimsRequest::parse(Some(claims)).unwrap();
            expected_subject(hint.map(str::to_owned), &claims).map_err(|refused| refused.code())
        };
        let mina = || Ok(Some("mina".to_owned()));
        assert_eq!(sub(None, "{}"), Ok(None));
        assert_eq!(sub(None, r#"{"id_token":{"sub":null}}"#), Ok(None));
        assert_eq!(sub(Some("mina"), "{}"), mina());
        assert_eq!(sub(None, r#"{"id_token":{"sub":{"value":"mina"}}}"#), mina());
        assert_eq!(sub(None, r#"{"userinfo":{"sub":{"values":["mina"]}}}"#), mina());
        assert_eq!(sub(Some("mina"), r#"{"userinfo":{"sub":{"values":["jiho","mina"]}}}"#), mina());
        for (hint, claims) in [
            (Some("mina"), r#"{"id_token":{"sub":{"value":"jiho"}}}"#),
            (None, r#"{"id_token":{"sub":{"value":"mina"}},"userinfo":{"sub":{"value":"jiho"}}}"#),
            (None, r#"{"id_token":{"sub":{"value":1}}}"#),
            (None, r#"{"id_token":{"sub":{"values":[]}}}"#),
        ] {
            assert_eq!(sub(hint, claims), Err(ErrorCode::InvalidRequest), "{hint:?} {claims}");
        }
    }

    #[test]
    fn nobody_makes_us_keep_a_book() {
        let params = |length: usize| Params::new().with("state", "s".repeat(length));
        assert_eq!(check_lengths(&params(4096)), Ok(()));
        assert_eq!(check_lengths(&params(4097)).unwrap_err().description(), "state is too long");
    }
}
