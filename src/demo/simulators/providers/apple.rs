//! Sign in with Apple: the client secret is a signed token, the answer a form post, the name comes once.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::demo::simulators::authorize::{Authorization, Refusal};
use crate::demo::simulators::call::Call;
use crate::demo::simulators::id_token::{self, Signer};
use crate::demo::simulators::profile::{Item, Mode, Parameters, Pkce, Profile, Reask, as_requested};
use crate::demo::simulators::quirk::{Endpoint, Quirk};
use crate::demo::simulators::reply;
use crate::demo::simulators::settings::ProviderClient;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Grant, Kind, owner};
use crate::demo::simulators::token::{self, Redeemed, TokenFault, circulate};
use crate::jose::{Alg, Audience, Expected, Expiry, JwkSet, Typ, half_hash, verify};

/// The real issuer; a client secret made out to it is good here, too.
const REAL_ISSUER: &str = "https://appleid.apple.com";
/// Six months, the longest a client secret may live.
const SECRET_LIFETIME: i64 = 15_777_000;

pub(super) static PROFILE: Profile = Profile {
    name: ["Apple", "Apple", "Apple"],
    colours: ("#000000", "#FFFFFF"),
    routes,
    endpoints: &[
        ("/auth/authorize", Endpoint::Authorize),
        ("/auth/token", Endpoint::Token),
        ("/auth/keys", Endpoint::Jwks),
        ("/auth/revoke", Endpoint::Revoke),
        ("/.well-known/openid-configuration", Endpoint::Discovery),
    ],
    scope_delimiters: &[' '],
    modes: &[Mode::Query, Mode::Fragment, Mode::FormPost],
    pkce: Pkce::None,
    items: &[
        Item { scope: "name", label: ["이름", "Name", "名前"], is_optional: false },
        Item { scope: "email", label: ["이메일", "Email", "メール"], is_optional: false },
    ],
    email_item: "email",
    callback_fragment: "",
    unknown_client: (400, "invalid_client"),
    redirect_mismatch: (400, "invalid_request"),
    check,
    asks_for: as_requested,
    reask: |_| Reask::Nothing,
    cancelled: &[("error", "user_cancelled_authorize")],
    arrive,
    code: |random| format!("c{}.0.{}", random.handle(), random.token().expose()),
    code_lifetime: 300,
    authenticate,
    repeats_redirect_uri: true,
    reply,
    fault,
    unlink_unread_after: None,
};

fn routes() -> Router<Simulator> {
    super::pages("/auth/authorize")
        .route("/auth/token", post(token::token))
        .route("/auth/revoke", post(revoke))
        .route("/auth/keys", get(|State(simulator): State<Simulator>| async move { reply::jwks(&simulator) }))
        .route("/.well-known/openid-configuration", get(discovery))
}

fn check(_: &Simulator, _: &Call, request: &Authorization) -> Result<(), Refusal> {
    if request.mode != Mode::FormPost && request.scope.iter().any(|scope| scope == "name" || scope == "email") {
        let text = "response_mode must be form_post when name or email scope is requested.";
        return Err(Refusal::page(400, "invalid_request", text));
    }
    Ok(())
}

/// The address given to the application and whether it is a relay.
fn email(simulator: &Simulator, grant: &Grant) -> Option<(String, bool)> {
    let (person, hides) = {
        let state = simulator.state();
        let hides = state.link(&grant.client, &grant.person).is_some_and(|link| link.hides_email);
        (state.person(&grant.person)?, hides)
    };
    let own = simulator.email(&person, grant.items.contains("email"))?;
    Some(person.relay_email.filter(|_| hides).map_or((own, false), |relay| (relay, true)))
}

fn arrive(simulator: &Simulator, request: &Authorization, grant: &Grant, parameters: &mut Parameters) {
    if request.response_type.contains("id_token") {
        let code = parameters.iter().find(|(name, _)| name == "code").map(|(_, code)| code.clone()).unwrap_or_default();
        let mut own = claims(simulator, grant);
        own.insert("c_hash".to_owned(), half_hash(Alg::RS256, &code).into());
        let token = id_token::issue(simulator, grant, 86_400, own, Signer::PublishedKey);
        parameters.extend(token.ok().map(|token| ("id_token".to_owned(), token)));
    }
    let is_first = grant.is_first || simulator.has(&Quirk::FirstLogin);
    if !is_first || simulator.has(&Quirk::LaterLogin) || grant.items.is_empty() {
        return;
    }
    let Some(person) = simulator.state().person(&grant.person) else { return };
    let mut user = json!({});
    if grant.items.contains("name") {
        reply::put(&mut user, "name", json!({ "firstName": person.given_name, "lastName": person.family_name }));
    }
    if let Some((email, _)) = email(simulator, grant) {
        reply::put(&mut user, "email", email);
    }
    parameters.push(("user".to_owned(), user.to_string()));
}

/// The client secret is a JWT signed with the key registered for the team.
fn authenticate(simulator: &Simulator, call: &Call) -> Result<Arc<ProviderClient>, TokenFault> {
    let client_id = call.form("client_id").ok_or(TokenFault::Missing("client_id"))?;
    let secret = call.form("client_secret").ok_or(TokenFault::Missing("client_secret"))?;
    let client = simulator.client(client_id).ok_or(TokenFault::UnknownClient)?;
    let key = client.apple.as_ref().ok_or(TokenFault::BadSecret)?;
    let mut jwk = key.public_jwk.clone();
    jwk.kid = Some(key.key_id.clone());
    let keys = JwkSet::parse(&json!({ "keys": [jwk.to_value()] })).map_err(|_| TokenFault::BadSecret)?;
    let base = simulator.base();
    let audiences = [base.as_str(), REAL_ISSUER];
    let expected = Expected {
        issuer: &key.team_id,
        subject: Some(client_id),
        typ: Typ::AbsentOr(&["JWT"]),
        expiry: Expiry::Within(SECRET_LIFETIME),
        required: &["sub", "iat"],
        ..Expected::client_assertion(&[Alg::ES256], client_id, Audience::Only(&audiences))
    };
    verify(secret, &keys, &expected, simulator.now()).map_err(|_| TokenFault::BadSecret)?;
    Ok(client)
}

fn claims(simulator: &Simulator, grant: &Grant) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("auth_time", grant.auth_time.0.into());
    if grant.nonce.is_some() {
        put("nonce_supported", true.into());
    }
    if let Some((email, is_private)) = email(simulator, grant) {
        let person = simulator.state().person(&grant.person);
        let is_verified = person.is_some_and(|person| simulator.is_email_verified(&person));
        put("email", email.into());
        put("email_verified", reply::boolean(simulator, is_verified, true));
        if is_private {
            put("is_private_email", reply::boolean(simulator, true, true));
        }
    }
    claims
}

fn reply(simulator: &Simulator, _: &Call, redeemed: &Redeemed) -> Result<Value, TokenFault> {
    let grant = &redeemed.grant;
    let text = format!("a{}.0.{}", simulator.random.handle(), simulator.random.token().expose());
    let access_token = circulate(simulator, Kind::Access, grant, 3600, text);
    let mut own = claims(simulator, grant);
    own.insert("at_hash".to_owned(), half_hash(Alg::RS256, &access_token).into());
    let id_token = id_token::issue(simulator, grant, 86_400, own, Signer::PublishedKey)?;
    let mut body = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": 3600, "id_token": id_token,
    });
    if redeemed.refreshed.is_none() {
        let text = format!("r{}.0.{}", simulator.random.handle(), simulator.random.token().expose());
        // It never expires.
        reply::put(&mut body, "refresh_token", circulate(simulator, Kind::Refresh, grant, 100 * 365 * 86_400, text));
    }
    Ok(body)
}

fn fault(fault: &TokenFault) -> (u16, Value) {
    let (error, description) = match fault {
        TokenFault::Missing(_) => ("invalid_request", None),
        TokenFault::UnknownClient | TokenFault::BadSecret => ("invalid_client", None),
        TokenFault::UnsupportedGrant => ("unsupported_grant_type", None),
        TokenFault::RedirectMismatch => ("invalid_grant", Some("The redirect_uri does not match.")),
        TokenFault::Broken => return (500, json!({ "error": "server_error" })),
        _ => ("invalid_grant", Some("The code has expired or has been revoked.")),
    };
    let mut body = json!({ "error": error });
    if let Some(description) = description {
        reply::put(&mut body, "error_description", description);
    }
    (400, body)
}

/// Ends the user's connection with the team: the next authorization is a first one again.
async fn revoke(State(simulator): State<Simulator>, call: Call) -> Response {
    let client = match authenticate(&simulator, &call) {
        Ok(client) => client,
        Err(problem) => {
            let (status, body) = fault(&problem);
            return reply::json(status, &body);
        }
    };
    let token = call.form("token").and_then(|text| simulator.token(text));
    if let Some((token, person)) = token.filter(|(token, _)| token.grant.client.client_id == client.client_id) {
        simulator.state().unlink(owner(&token.grant.client), &person.id);
    }
    StatusCode::OK.into_response()
}

async fn discovery(State(simulator): State<Simulator>) -> Response {
    reply::document(&json!({
        "issuer": simulator.base(),
        "authorization_endpoint": simulator.url("/auth/authorize"),
        "token_endpoint": simulator.url("/auth/token"),
        "revocation_endpoint": simulator.url("/auth/revoke"),
        "jwks_uri": simulator.url("/auth/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "name"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "is_private_email", "iss", "nonce", "nonce_supported", "real_user_status", "sub", "transfer_sub"],
    }))
}
