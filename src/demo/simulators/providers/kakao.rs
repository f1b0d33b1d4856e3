//! Kakao: OpenID Connect whose real profile lives in another API, errors with `KOE` numbers, and a day's patience.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::kakao_users as users;
use crate::demo::simulators::authorize::{Authorization, Refusal};
use crate::demo::simulators::call::Call;
use crate::demo::simulators::id_token::{self, Signer};
use crate::demo::simulators::profile::{Item, Mode, Pkce, Profile, Reask, as_requested, only_code};
use crate::demo::simulators::quirk::Endpoint;
use crate::demo::simulators::settings::ProviderClient;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Grant, Kind};
use crate::demo::simulators::texts::Lang;
use crate::demo::simulators::token::{self, Redeemed, TokenFault, check_secret, circulate};
use crate::demo::simulators::{browser, reply};
use crate::jose::{Alg, half_hash};

const REFRESH_LIFETIME: i64 = 5_183_999;
/// A refresh token is renewed in its last month only.
const RENEWAL: i64 = 30 * 86_400;

pub(super) static PROFILE: Profile = Profile {
    name: ["카카오", "Kakao", "カカオ"],
    colours: ("#FEE500", "rgb(0 0 0 / 85%)"),
    routes,
    endpoints: &[
        ("/oauth/authorize", Endpoint::Authorize),
        ("/oauth/token", Endpoint::Token),
        ("/v2/user/me", Endpoint::UserInfo),
        ("/v1/oidc/userinfo", Endpoint::UserInfo),
        ("/.well-known/jwks.json", Endpoint::Jwks),
        ("/.well-known/openid-configuration", Endpoint::Discovery),
        ("/v1/user/unlink", Endpoint::Revoke),
    ],
    scope_delimiters: &[',', ' '],
    modes: &[Mode::Query],
    pkce: Pkce::S256,
    items: &[
        Item { scope: "profile_nickname", label: ["닉네임", "Nickname", "ニックネーム"], is_optional: false },
        Item {
            scope: "profile_image",
            label: ["프로필 사진", "Profile picture", "プロフィール写真"],
            is_optional: true,
        },
        Item {
            scope: "account_email",
            label: ["카카오계정(이메일)", "Kakao account (email)", "カカオアカウント(メール)"],
            is_optional: true,
        },
        Item { scope: "name", label: ["이름", "Name", "名前"], is_optional: true },
        Item { scope: "gender", label: ["성별", "Gender", "性別"], is_optional: true },
        Item { scope: "age_range", label: ["연령대", "Age range", "年齢層"], is_optional: true },
        Item { scope: "birthday", label: ["생일", "Birthday", "誕生日"], is_optional: true },
        Item { scope: "birthyear", label: ["출생 연도", "Year of birth", "生まれ年"], is_optional: true },
        Item { scope: "phone_number", label: ["전화번호", "Phone number", "電話番号"], is_optional: true },
        Item {
            scope: "account_ci",
            label: ["연계정보(CI)", "Connecting information (CI)", "連携情報(CI)"],
            is_optional: true,
        },
    ],
    email_item: "account_email",
    callback_fragment: "",
    unknown_client: (400, "KOE101"),
    redirect_mismatch: (400, "KOE006"),
    check,
    asks_for,
    reask: |request| if request.scope.is_empty() { Reask::Nothing } else { Reask::Declined },
    cancelled: &[("error", "access_denied"), ("error_description", "User denied access")],
    arrive: only_code,
    code: |random| format!("{}{}", random.token().expose(), random.token().expose()),
    code_lifetime: 600,
    authenticate,
    repeats_redirect_uri: true,
    reply,
    fault,
    unlink_unread_after: Some(86_400),
};

fn routes() -> Router<Simulator> {
    super::pages("/oauth/authorize")
        .route("/oauth/token", post(token::token))
        .route("/oauth/logout", get(logout))
        .route(
            "/.well-known/jwks.json",
            get(|State(simulator): State<Simulator>| async move { reply::jwks(&simulator) }),
        )
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/ssf-configuration", get(ssf_configuration))
        .route("/v2/user/me", get(users::me).post(users::me))
        .route("/v1/oidc/userinfo", get(users::userinfo).post(users::userinfo))
        .route("/v1/user/access_token_info", get(users::access_token_info))
        .route("/v1/user/unlink", post(users::unlink))
        .route("/v1/user/logout", post(users::logout))
        .route("/v2/user/scopes", get(users::scopes))
        .route("/v2/user/revoke/scopes", post(users::revoke_scopes))
}

/// A scope that is not set up in the console ends on a page, not at the callback.
fn check(simulator: &Simulator, _: &Call, request: &Authorization) -> Result<(), Refusal> {
    let known = |scope: &String| scope == "openid" || simulator.profile.items.iter().any(|item| item.scope == scope);
    if request.scope.iter().all(known) {
        return Ok(());
    }
    Err(Refusal::page(400, "KOE205", "The scope is not set up for this app."))
}

/// Without a scope the console's settings hold.
fn asks_for(request: &Authorization, item: &Item) -> bool {
    if request.scope.is_empty() {
        return matches!(item.scope, "profile_nickname" | "account_email");
    }
    as_requested(request, item)
}

fn is_oidc(grant: &Grant) -> bool {
    grant.scope.is_empty() || grant.has_scope("openid")
}

/// The secret counts only when it is activated.
fn authenticate(simulator: &Simulator, call: &Call) -> Result<Arc<ProviderClient>, TokenFault> {
    let id = call.form("client_id").ok_or(TokenFault::Missing("client_id"))?;
    let client = simulator.client(id).ok_or(TokenFault::UnknownClient)?;
    if client.client_secret.expose().is_empty() {
        return Ok(client);
    }
    check_secret(simulator, id, call.form("client_secret"))
}

fn reply(simulator: &Simulator, _: &Call, redeemed: &Redeemed) -> Result<Value, TokenFault> {
    let grant = &redeemed.grant;
    let text = simulator.random.token().expose().clone();
    let access_token = circulate(simulator, Kind::Access, grant, 21_599, text);
    let mut body = json!({ "token_type": "bearer", "access_token": access_token, "expires_in": 21_599 });
    if is_oidc(grant) {
        let own = claims(simulator, grant, &access_token);
        reply::put(&mut body, "id_token", id_token::issue(simulator, grant, 21_599, own, Signer::PublishedKey)?);
    }
    let is_kept = redeemed.refreshed.as_ref().is_some_and(|(_, expiry)| expiry.since(simulator.now()) > RENEWAL);
    if !is_kept {
        let text = simulator.random.token().expose().clone();
        reply::put(&mut body, "refresh_token", circulate(simulator, Kind::Refresh, grant, REFRESH_LIFETIME, text));
        reply::put(&mut body, "refresh_token_expires_in", REFRESH_LIFETIME);
    }
    if redeemed.refreshed.is_none() {
        let mut scope: Vec<&str> = grant.items.iter().map(String::as_str).collect();
        scope.extend(is_oidc(grant).then_some("openid"));
        reply::put(&mut body, "scope", scope.join(" "));
    }
    Ok(body)
}

/// The address stands here without any word about its verification.
fn claims(simulator: &Simulator, grant: &Grant, access_token: &str) -> Map<String, Value> {
    let mut claims = users::oidc_claims(simulator, grant);
    claims.insert("auth_time".to_owned(), grant.auth_time.0.into());
    claims.insert("at_hash".to_owned(), half_hash(Alg::RS256, access_token).into());
    claims
}

fn fault(fault: &TokenFault) -> (u16, Value) {
    let (status, error, code, description) = match fault {
        TokenFault::Missing(name) => (400, "invalid_request", "KOE010", format!("{name} is missing.")),
        TokenFault::UnknownClient => (401, "invalid_client", "KOE101", "Not exist client_id".to_owned()),
        TokenFault::BadSecret => (401, "invalid_client", "KOE010", "Bad client credentials".to_owned()),
        TokenFault::UnsupportedGrant => {
            (400, "unsupported_grant_type", "KOE009", "grant_type is not supported".to_owned())
        }
        TokenFault::UnknownCode(code) | TokenFault::SpentCode(code) | TokenFault::ExpiredCode(code) => {
            (400, "invalid_grant", "KOE320", format!("authorization code not found for code={code}"))
        }
        TokenFault::RedirectMismatch => (400, "invalid_grant", "KOE303", "Redirect URI mismatch.".to_owned()),
        TokenFault::MissingVerifier | TokenFault::BadVerifier => {
            (400, "invalid_grant", "KOE321", "code_verifier does not match".to_owned())
        }
        TokenFault::UnknownRefreshToken => {
            (400, "invalid_grant", "KOE322", "expired_or_invalid_refresh_token".to_owned())
        }
        TokenFault::Broken => (500, "server_error", "KOE999", "internal error".to_owned()),
    };
    (status, json!({ "error": error, "error_description": description, "error_code": code }))
}

/// Ends the user's session at Kakao, not the connection.
async fn logout(State(simulator): State<Simulator>, call: Call) -> Response {
    browser::end_session(&simulator, &call);
    let client = call.query("client_id").and_then(|id| simulator.client(id));
    let origin = |uri: &str| url::Url::parse(uri).map(|uri| uri.origin()).ok();
    let target = call.query("logout_redirect_uri").filter(|target| {
        client.is_some_and(|client| client.redirect_uris.iter().any(|known| origin(known) == origin(target)))
    });
    let Some(target) = target else { return browser::redirect("/") };
    let state = call.query("state").map(|state| ("state".to_owned(), state.to_owned()));
    let way = browser::Callback { redirect_uri: target, mode: Mode::Query, fragment: "" };
    way.send(&simulator, Lang::of(&call), &state.into_iter().collect())
}

async fn discovery(State(simulator): State<Simulator>) -> Response {
    reply::document(&json!({
        "issuer": simulator.base(),
        "authorization_endpoint": simulator.url("/oauth/authorize"),
        "token_endpoint": simulator.url("/oauth/token"),
        "userinfo_endpoint": simulator.url("/v1/oidc/userinfo"),
        "jwks_uri": simulator.url("/.well-known/jwks.json"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "request_uri_parameter_supported": false,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "aud", "sub", "auth_time", "exp", "iat", "nonce", "nickname", "picture", "email"],
    }))
}

/// Whose security events to believe, and with which keys.
async fn ssf_configuration(State(simulator): State<Simulator>) -> Response {
    reply::document(&json!({ "issuer": simulator.base(), "jwks_uri": simulator.url("/.well-known/jwks.json") }))
}
