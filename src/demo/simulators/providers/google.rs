//! Google: OpenID Connect by the book, with `hd`, bare issuers and no mercy for embedded browsers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::demo::simulators::authorize::{Authorization, Refusal};
use crate::demo::simulators::call::Call;
use crate::demo::simulators::id_token::{self, Signer};
use crate::demo::simulators::profile::{Item, Mode, Parameters, Pkce, Profile, Reask, as_requested};
use crate::demo::simulators::quirk::Endpoint;
use crate::demo::simulators::settings::ProviderClient;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Grant, Kind, owner};
use crate::demo::simulators::token::{self, Redeemed, TokenFault, check_secret, circulate, secret_in_parameters};
use crate::demo::simulators::{reply, resource};
use crate::jose::{Alg, half_hash};

pub(super) static PROFILE: Profile = Profile {
    name: ["Google", "Google", "Google"],
    colours: ("#FFFFFF", "#1F1F1F"),
    routes,
    endpoints: &[
        ("/o/oauth2/v2/auth", Endpoint::Authorize),
        ("/token", Endpoint::Token),
        ("/v1/userinfo", Endpoint::UserInfo),
        ("/userinfo", Endpoint::UserInfo),
        ("/oauth2/v3/certs", Endpoint::Jwks),
        ("/.well-known/openid-configuration", Endpoint::Discovery),
        ("/revoke", Endpoint::Revoke),
    ],
    scope_delimiters: &[' '],
    modes: &[Mode::Query, Mode::Fragment, Mode::FormPost],
    pkce: Pkce::S256OrPlain,
    items: &[
        Item {
            scope: "profile",
            label: ["이름과 프로필 사진", "Name and profile picture", "名前とプロフィール写真"],
            is_optional: false,
        },
        Item {
            scope: "email", label: ["이메일 주소", "Email address", "メールアドレス"], is_optional: false
        },
    ],
    email_item: "email",
    callback_fragment: "",
    unknown_client: (401, "invalid_client"),
    redirect_mismatch: (400, "redirect_uri_mismatch"),
    check,
    asks_for: as_requested,
    reask: |request| if request.prompts("consent") { Reask::Everything } else { Reask::Nothing },
    cancelled: &[("error", "access_denied")],
    arrive,
    code: |random| format!("4/0A{}", random.token().expose()),
    code_lifetime: 600,
    authenticate,
    repeats_redirect_uri: true,
    reply,
    fault,
    unlink_unread_after: None,
};

fn routes() -> Router<Simulator> {
    super::pages("/o/oauth2/v2/auth")
        .route("/token", post(token::token))
        .route("/v1/userinfo", get(userinfo).post(userinfo))
        .route("/oauth2/v3/certs", get(|State(simulator): State<Simulator>| async move { reply::jwks(&simulator) }))
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/risc-configuration", get(risc_configuration))
        .route("/revoke", post(revoke))
}

/// Google shows its page in no embedded browser.
fn check(_: &Simulator, call: &Call, _: &Authorization) -> Result<(), Refusal> {
    let agent = call.header(axum::http::header::USER_AGENT).unwrap_or_default();
    if ["KAKAOTALK", "NAVER(inapp", " Line/", "FBAN/", "; wv)"].iter().any(|mark| agent.contains(mark)) {
        return Err(Refusal::page(403, "disallowed_useragent", "Sign-in is not allowed in an embedded browser."));
    }
    Ok(())
}

fn granted_scope(grant: &Grant) -> String {
    let long = |scope: &String| match scope.as_str() {
        "email" | "profile" => format!("https://www.googleapis.com/auth/userinfo.{scope}"),
        other => other.to_owned(),
    };
    grant.scope.iter().map(long).collect::<Vec<_>>().join(" ")
}

fn arrive(simulator: &Simulator, request: &Authorization, grant: &Grant, parameters: &mut Parameters) {
    parameters.push(("scope".to_owned(), granted_scope(grant)));
    parameters.push(("authuser".to_owned(), "0".to_owned()));
    let person = simulator.state().person(&grant.person);
    parameters.extend(person.and_then(|person| person.hosted_domain).map(|domain| ("hd".to_owned(), domain)));
    let prompt = if grant.is_first || request.prompts("consent") { "consent" } else { "none" };
    parameters.push(("prompt".to_owned(), prompt.to_owned()));
}

fn authenticate(simulator: &Simulator, call: &Call) -> Result<Arc<ProviderClient>, TokenFault> {
    match call.basic() {
        Some((id, secret)) => check_secret(simulator, &id, Some(&secret)),
        None => secret_in_parameters(simulator, call),
    }
}

fn reply(simulator: &Simulator, _: &Call, redeemed: &Redeemed) -> Result<Value, TokenFault> {
    let grant = &redeemed.grant;
    let text = format!("ya29.a0{}", simulator.random.token().expose());
    let access_token = circulate(simulator, Kind::Access, grant, 3599, text);
    let mut body = json!({
        "access_token": access_token, "expires_in": 3599, "scope": granted_scope(grant), "token_type": "Bearer",
    });
    if grant.has_scope("openid") {
        let mut own = claims(simulator, grant);
        own.insert("azp".to_owned(), grant.client.client_id.clone().into());
        own.insert("at_hash".to_owned(), half_hash(Alg::RS256, &access_token).into());
        reply::put(&mut body, "id_token", id_token::issue(simulator, grant, 3600, own, Signer::PublishedKey)?);
    }
    // Only the first consent, or a renewed one, gives a refresh token.
    if grant.offline && redeemed.refreshed.is_none() {
        let text = format!("1//0e{}", simulator.random.token().expose());
        reply::put(&mut body, "refresh_token", circulate(simulator, Kind::Refresh, grant, 10 * 365 * 86_400, text));
    }
    Ok(body)
}

/// What ID token and user-info say alike.
fn claims(simulator: &Simulator, grant: &Grant) -> Map<String, Value> {
    let mut claims = Map::new();
    let Some(person) = simulator.state().person(&grant.person) else { return claims };
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    if let Some(email) = simulator.email(&person, grant.items.contains("email")) {
        put("email", email.into());
        put("email_verified", reply::boolean(simulator, simulator.is_email_verified(&person), false));
    }
    if grant.items.contains("profile") {
        put("name", person.name.clone().into());
        put("picture", format!("https://lh3.googleusercontent.example/a/{}", person.id).into());
        put("given_name", person.given_name.clone().into());
        put("family_name", person.family_name.clone().into());
    }
    if let Some(domain) = person.hosted_domain {
        put("hd", domain.into());
    }
    claims
}

fn fault(fault: &TokenFault) -> (u16, Value) {
    let (status, error, description) = match fault {
        TokenFault::Missing(name) => {
            return (
                400,
                json!({ "error": "invalid_request", "error_description": format!("Missing required parameter: {name}") }),
            );
        }
        TokenFault::UnknownClient => (401, "invalid_client", "The OAuth client was not found."),
        TokenFault::BadSecret => (401, "invalid_client", "Unauthorized"),
        TokenFault::UnsupportedGrant => (400, "unsupported_grant_type", "Invalid grant_type"),
        TokenFault::UnknownCode(_) => (400, "invalid_grant", "Malformed auth code."),
        TokenFault::SpentCode(_) | TokenFault::ExpiredCode(_) => (400, "invalid_grant", "Bad Request"),
        TokenFault::RedirectMismatch => (400, "redirect_uri_mismatch", "Bad Request"),
        TokenFault::MissingVerifier => (400, "invalid_grant", "Missing code verifier."),
        TokenFault::BadVerifier => (400, "invalid_grant", "Invalid code verifier."),
        TokenFault::UnknownRefreshToken => (400, "invalid_grant", "Token has been expired or revoked."),
        TokenFault::Broken => (500, "internal_failure", "Internal error."),
    };
    (status, json!({ "error": error, "error_description": description }))
}

async fn userinfo(State(simulator): State<Simulator>, call: Call) -> Response {
    let Some((token, person)) = resource::bearer(&simulator, &call) else {
        return reply::json(401, &json!({ "error": "invalid_request", "error_description": "Invalid Credentials" }));
    };
    let mut body = claims(&simulator, &token.grant);
    body.insert("sub".to_owned(), simulator.subject(&token.grant.client, &person).into());
    reply::json(200, &Value::Object(body))
}

async fn revoke(State(simulator): State<Simulator>, call: Call) -> Response {
    let Some((token, person)) = call.parameter("token").and_then(|text| simulator.token(text)) else {
        let body = json!({ "error": "invalid_token", "error_description": "Token expired or revoked" });
        return reply::json(400, &body);
    };
    simulator.state().unlink(owner(&token.grant.client), &person.id);
    reply::json(200, &json!({}))
}

async fn discovery(State(simulator): State<Simulator>) -> Response {
    reply::document(&json!({
        "issuer": simulator.base(),
        "authorization_endpoint": simulator.url("/o/oauth2/v2/auth"),
        "token_endpoint": simulator.url("/token"),
        "userinfo_endpoint": simulator.url("/v1/userinfo"),
        "revocation_endpoint": simulator.url("/revoke"),
        "jwks_uri": simulator.url("/oauth2/v3/certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "picture", "sub"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
    }))
}

/// Whose security events to believe, and with which keys.
async fn risc_configuration(State(simulator): State<Simulator>) -> Response {
    reply::document(&json!({ "issuer": simulator.url("/"), "jwks_uri": simulator.url("/oauth2/v3/certs") }))
}
