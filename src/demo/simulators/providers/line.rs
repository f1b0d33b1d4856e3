//! LINE Login: ID tokens under the channel secret unless asked otherwise, and an email nowhere but in them.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::line_api as api;
use crate::demo::simulators::authorize::{Authorization, Refusal};
use crate::demo::simulators::call::Call;
use crate::demo::simulators::id_token::{self, Signer};
use crate::demo::simulators::profile::{Item, Mode, Parameters, Pkce, Profile, Reask, as_requested};
use crate::demo::simulators::quirk::{Endpoint, Quirk};
use crate::demo::simulators::reply;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Grant, Kind};
use crate::demo::simulators::token::{self, Redeemed, TokenFault, circulate, secret_in_parameters};
use crate::jose::{Alg, half_hash};

const ACCESS_LIFETIME: i64 = 30 * 86_400;
const REFRESH_LIFETIME: i64 = 90 * 86_400;

pub(super) static PROFILE: Profile = Profile {
    name: ["라인", "LINE", "LINE"],
    colours: ("#06C755", "#FFFFFF"),
    routes,
    endpoints: &[
        ("/oauth2/v2.1/authorize", Endpoint::Authorize),
        ("/oauth2/v2.1/token", Endpoint::Token),
        ("/oauth2/v2.1/userinfo", Endpoint::UserInfo),
        ("/v2/profile", Endpoint::UserInfo),
        ("/oauth2/v2.1/certs", Endpoint::Jwks),
        ("/.well-known/openid-configuration", Endpoint::Discovery),
        ("/oauth2/v2.1/revoke", Endpoint::Revoke),
        ("/user/v1/deauthorize", Endpoint::Revoke),
    ],
    scope_delimiters: &[' '],
    modes: &[Mode::Query],
    pkce: Pkce::S256,
    items: &[
        Item {
            scope: "profile",
            label: ["프로필 정보(필수)", "Main profile info", "プロフィール情報"],
            is_optional: false,
        },
        Item {
            scope: "email", label: ["이메일 주소", "Email address", "メールアドレス"], is_optional: true
        },
        Item { scope: "real_name", label: ["실명", "Real name", "氏名"], is_optional: true },
        Item { scope: "gender", label: ["성별", "Gender", "性別"], is_optional: true },
        Item { scope: "birthdate", label: ["생년월일", "Date of birth", "生年月日"], is_optional: true },
        Item { scope: "phone", label: ["전화번호", "Phone number", "電話番号"], is_optional: true },
    ],
    email_item: "email",
    callback_fragment: "",
    unknown_client: (400, "400 Bad Request"),
    redirect_mismatch: (400, "400 Bad Request"),
    check,
    asks_for: as_requested,
    reask: |request| if request.prompts("consent") { Reask::Everything } else { Reask::Nothing },
    cancelled: &[("error", "access_denied"), ("error_description", "The resource owner denied the request.")],
    arrive,
    code: |random| random.token().expose().chars().filter(char::is_ascii_alphanumeric).take(20).collect(),
    code_lifetime: 600,
    authenticate: secret_in_parameters,
    repeats_redirect_uri: true,
    reply,
    fault,
    unlink_unread_after: None,
};

fn routes() -> Router<Simulator> {
    super::pages("/oauth2/v2.1/authorize")
        .route("/oauth2/v2.1/token", post(token::token))
        .route("/oauth2/v2.1/userinfo", get(api::userinfo).post(api::userinfo))
        .route("/oauth2/v2.1/verify", get(api::verify_access_token).post(api::verify_id_token))
        .route("/oauth2/v2.1/revoke", post(api::revoke))
        .route("/oauth2/v2.1/certs", get(|State(simulator): State<Simulator>| async move { reply::jwks(&simulator) }))
        .route("/oauth2/v3/token", post(api::channel_token))
        .route("/v2/profile", get(api::profile))
        .route("/friendship/v1/status", get(api::friendship))
        .route("/user/v1/deauthorize", post(api::deauthorize))
        .route("/.well-known/openid-configuration", get(discovery))
}

fn check(simulator: &Simulator, call: &Call, request: &Authorization) -> Result<(), Refusal> {
    if request.parameter("state").is_none() {
        return Err(Refusal::page(400, "400 Bad Request", "state is required."));
    }
    let named = |name: &str| request.scope.iter().any(|scope| scope == name);
    if !named("openid") && !named("profile") {
        return Err(Refusal::Callback { error: "invalid_scope", description: "requested scope is not supported" });
    }
    // Automatic login in private browsing loses the request on its way: both values are another request's.
    let is_automatic =
        request.parameter("disable_auto_login") != Some("true") && call.method == axum::http::Method::GET;
    if is_automatic && simulator.has(&Quirk::AutoLoginFailure) {
        let code = (simulator.profile.code)(&simulator.random);
        let state = simulator.random.handle();
        return Err(Refusal::Verbatim(vec![("code".to_owned(), code), ("state".to_owned(), state)]));
    }
    Ok(())
}

fn arrive(_: &Simulator, request: &Authorization, _: &Grant, parameters: &mut Parameters) {
    if request.parameter("bot_prompt").is_some() {
        parameters.push(("friendship_status_changed".to_owned(), "false".to_owned()));
    }
}

fn scope(grant: &Grant) -> String {
    let granted = |scope: &&String| scope.as_str() == "openid" || grant.items.contains(*scope);
    grant.scope.iter().filter(granted).cloned().collect::<Vec<_>>().join(" ")
}

fn reply(simulator: &Simulator, call: &Call, redeemed: &Redeemed) -> Result<Value, TokenFault> {
    let grant = &redeemed.grant;
    let text = format!("eyJhbGciOiJIUzI1NiJ9.{}", simulator.random.token().expose());
    let access_token = circulate(simulator, Kind::Access, grant, ACCESS_LIFETIME, text);
    let refresh_token = match &redeemed.refreshed {
        Some((text, _)) => text.clone(),
        None => circulate(simulator, Kind::Refresh, grant, REFRESH_LIFETIME, simulator.random.handle()),
    };
    let mut body = json!({
        "access_token": access_token, "expires_in": ACCESS_LIFETIME, "refresh_token": refresh_token,
        "scope": scope(grant), "token_type": "Bearer",
    });
    if grant.has_scope("openid") && redeemed.refreshed.is_none() {
        let mut own = claims(simulator, grant);
        own.insert("at_hash".to_owned(), half_hash(Alg::ES256, &access_token).into());
        let signer = if call.form("id_token_key_type") == Some("JWK") {
            Signer::PublishedKey
        } else {
            Signer::Secret(grant.client.client_secret.expose())
        };
        reply::put(&mut body, "id_token", id_token::issue(simulator, grant, 3600, own, signer)?);
    }
    Ok(body)
}

fn claims(simulator: &Simulator, grant: &Grant) -> Map<String, Value> {
    let mut claims = Map::new();
    let Some(person) = simulator.state().person(&grant.person) else { return claims };
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("auth_time", grant.auth_time.0.into());
    put("amr", json!([if grant.is_fresh { "pwd" } else { "linesso" }]));
    if grant.items.contains("profile") {
        put("name", person.nickname.clone().into());
        put("picture", api::picture(&person));
    }
    if let Some(email) = simulator.email(&person, grant.items.contains("email")) {
        put("email", email.into());
    }
    if grant.items.contains("real_name") {
        put("given_name", person.given_name.clone().into());
        put("family_name", person.family_name.clone().into());
    }
    for (item, claim, value) in [
        ("gender", "gender", person.gender),
        ("birthdate", "birthdate", person.birthdate),
        ("phone", "phone_number", person.phone),
    ] {
        if let Some(value) = value.filter(|_| grant.items.contains(item)) {
            put(claim, value.into());
        }
    }
    claims
}

fn fault(fault: &TokenFault) -> (u16, Value) {
    let (error, description) = match fault {
        TokenFault::Missing(name) => {
            return (400, json!({ "error": "invalid_request", "error_description": format!("{name} is required") }));
        }
        TokenFault::UnknownClient => ("invalid_client", "invalid client_id"),
        TokenFault::BadSecret => ("invalid_client", "invalid client_secret"),
        TokenFault::UnsupportedGrant => ("unsupported_grant_type", "unsupported grant_type"),
        TokenFault::RedirectMismatch => ("invalid_grant", "redirect_uri does not match"),
        TokenFault::MissingVerifier | TokenFault::BadVerifier => ("invalid_grant", "code_verifier does not match"),
        TokenFault::UnknownRefreshToken => ("invalid_grant", "invalid refresh token"),
        TokenFault::Broken => return (500, json!({ "error": "server_error" })),
        _ => ("invalid_grant", "invalid authorization code"),
    };
    (400, json!({ "error": error, "error_description": description }))
}

async fn discovery(State(simulator): State<Simulator>) -> Response {
    reply::document(&json!({
        "issuer": simulator.base(),
        "authorization_endpoint": simulator.url("/oauth2/v2.1/authorize"),
        "token_endpoint": simulator.url("/oauth2/v2.1/token"),
        "revocation_endpoint": simulator.url("/oauth2/v2.1/revoke"),
        "userinfo_endpoint": simulator.url("/oauth2/v2.1/userinfo"),
        "scopes_supported": ["openid", "profile", "email"],
        "jwks_uri": simulator.url("/oauth2/v2.1/certs"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
    }))
}
