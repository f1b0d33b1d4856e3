//! Facebook Login: OAuth 2.0 under a version number, a stray `#_=_`, and errors in an envelope of their own.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::facebook_graph as graph;
use crate::demo::simulators::authorize::{self, Authorization, Refusal};
use crate::demo::simulators::call::Call;
use crate::demo::simulators::id_token::{self, Signer};
use crate::demo::simulators::profile::{Item, Mode, Parameters, Pkce, Profile, Reask, as_requested};
use crate::demo::simulators::quirk::Endpoint;
use crate::demo::simulators::reply;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Grant, Kind};
use crate::demo::simulators::token::{self, Redeemed, TokenFault, circulate, secret_in_parameters};
use crate::jose::{Alg, half_hash};

/// Sixty days, less what the exchange took.
const LIFETIME: i64 = 5_183_944;

pub(super) static PROFILE: Profile = Profile {
    name: ["페이스북", "Facebook", "Facebook"],
    colours: ("#1877F2", "#FFFFFF"),
    routes,
    endpoints: &[
        ("/dialog/oauth", Endpoint::Authorize),
        ("/oauth/access_token", Endpoint::Token),
        ("*/permissions", Endpoint::Revoke),
        ("/me", Endpoint::UserInfo),
        ("/.well-known/oauth/openid/jwks", Endpoint::Jwks),
    ],
    scope_delimiters: &[',', ' '],
    modes: &[Mode::Query, Mode::Fragment],
    pkce: Pkce::S256,
    items: &[
        Item {
            scope: "public_profile",
            label: ["이름과 프로필 사진", "Name and profile picture", "名前とプロフィール写真"],
            is_optional: false,
        },
        Item {
            scope: "email", label: ["이메일 주소", "Email address", "メールアドレス"], is_optional: true
        },
        Item { scope: "user_birthday", label: ["생일", "Birthday", "誕生日"], is_optional: true },
        Item { scope: "user_gender", label: ["성별", "Gender", "性別"], is_optional: true },
    ],
    email_item: "email",
    callback_fragment: "#_=_",
    unknown_client: (400, "Invalid App ID"),
    redirect_mismatch: (400, "URL Blocked"),
    check,
    // The public profile comes along unasked.
    asks_for: |request, item| item.scope == "public_profile" || as_requested(request, item),
    reask: |request| if request.parameter("auth_type") == Some("rerequest") { Reask::Declined } else { Reask::Nothing },
    cancelled: &[
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
    ],
    arrive,
    code: |random| format!("AQ{}{}", random.token().expose(), random.token().expose()),
    code_lifetime: 600,
    authenticate: secret_in_parameters,
    repeats_redirect_uri: true,
    reply,
    fault,
    unlink_unread_after: None,
};

fn routes() -> Router<Simulator> {
    let authorize = get(authorize::open).post(authorize::submit);
    let token = get(token::token).post(token::token);
    super::pages("/dialog/oauth")
        .route("/{version}/dialog/oauth", authorize)
        .route("/oauth/access_token", token.clone())
        .route("/{version}/oauth/access_token", token)
        .route("/me", get(graph::me))
        .route("/{version}/me", get(graph::me))
        .route("/debug_token", get(graph::debug_token))
        .route("/{version}/debug_token", get(graph::debug_token))
        .route("/{version}/permissions", axum::routing::delete(graph::remove_permissions))
        .route("/{version}/{user}/permissions", axum::routing::delete(graph::remove_permissions))
        .route(
            "/.well-known/oauth/openid/jwks/",
            get(|State(simulator): State<Simulator>| async move { reply::jwks(&simulator) }),
        )
}

/// The dialog has a version, or none at all.
fn check(_: &Simulator, call: &Call, _: &Authorization) -> Result<(), Refusal> {
    let version = call.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = version.strip_prefix('v').and_then(|version| version.split_once('.'));
    if version == "dialog" || parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor)) {
        return Ok(());
    }
    Err(Refusal::page(404, "Unknown version", "There is no such version of the dialog."))
}

fn arrive(_: &Simulator, request: &Authorization, grant: &Grant, parameters: &mut Parameters) {
    if request.parameter("return_scopes") == Some("true") {
        let (granted, denied): (Vec<_>, Vec<_>) =
            request.scope.iter().cloned().partition(|scope| grant.items.contains(scope));
        parameters.push(("granted_scopes".to_owned(), granted.join(",")));
        parameters.push(("denied_scopes".to_owned(), denied.join(",")));
    }
}

fn reply(simulator: &Simulator, _: &Call, redeemed: &Redeemed) -> Result<Value, TokenFault> {
    if redeemed.refreshed.is_some() {
        return Err(TokenFault::UnsupportedGrant);
    }
    let grant = &redeemed.grant;
    let text = format!("EAA{}", simulator.random.token().expose().replace(['-', '_'], "Z"));
    let access_token = circulate(simulator, Kind::Access, grant, LIFETIME, text);
    let mut body = json!({ "access_token": access_token, "token_type": "bearer", "expires_in": LIFETIME });
    if grant.has_scope("openid") {
        let own = claims(simulator, grant, &access_token);
        reply::put(&mut body, "id_token", id_token::issue(simulator, grant, 3600, own, Signer::PublishedKey)?);
    }
    Ok(body)
}

fn claims(simulator: &Simulator, grant: &Grant, access_token: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    let Some(person) = simulator.state().person(&grant.person) else { return claims };
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("at_hash", half_hash(Alg::RS256, access_token).into());
    put("name", person.name.clone().into());
    put("given_name", person.given_name.clone().into());
    put("family_name", person.family_name.clone().into());
    put("picture", graph::picture(&person));
    if let Some(email) = simulator.email(&person, grant.items.contains("email")) {
        put("email", email.into());
    }
    claims
}

/// The Graph API's envelope.
pub(super) fn error(message: &str, code: u32, subcode: Option<u32>) -> Value {
    let mut error = json!({
        "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Asimulated0000000000000",
    });
    if let Some(subcode) = subcode {
        reply::put(&mut error, "error_subcode", subcode);
    }
    json!({ "error": error })
}

fn fault(fault: &TokenFault) -> (u16, Value) {
    let body = match fault {
        TokenFault::Missing(name) => error(&format!("Missing {name} parameter."), 101, None),
        TokenFault::UnknownClient => error("Error validating application. Cannot get application info.", 101, None),
        TokenFault::BadSecret => error("Error validating client secret.", 1, None),
        TokenFault::UnsupportedGrant => error("Invalid grant_type.", 100, None),
        TokenFault::SpentCode(_) => error("This authorization code has been used.", 100, Some(36_009)),
        TokenFault::ExpiredCode(_) => error("This authorization code has expired.", 100, Some(36_007)),
        TokenFault::RedirectMismatch => {
            let message = "Error validating verification code. Please make sure your redirect_uri is identical to the \
                           one you used in the OAuth dialog request";
            error(message, 100, Some(36_008))
        }
        TokenFault::MissingVerifier | TokenFault::BadVerifier => error("Invalid code_verifier.", 100, None),
        TokenFault::Broken => return (500, error("An unknown error occurred", 1, None)),
        _ => error("Invalid verification code format.", 100, None),
    };
    (400, body)
}
