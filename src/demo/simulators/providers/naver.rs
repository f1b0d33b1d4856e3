//! Naver: OAuth 2.0 without PKCE or nonce, items chosen in the console, errors that arrive as success.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::demo::simulators::authorize::{Authorization, Refusal};
use crate::demo::simulators::call::Call;
use crate::demo::simulators::person::Person;
use crate::demo::simulators::profile::{Item, Mode, Pkce, Profile, Reask, only_code};
use crate::demo::simulators::quirk::Endpoint;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Kind, Token, owner};
use crate::demo::simulators::token::{self, Redeemed, TokenFault, circulate, secret_in_parameters};
use crate::demo::simulators::{reply, resource};
use crate::model::Random;

pub(super) static PROFILE: Profile = Profile {
    name: ["네이버", "NAVER", "NAVER"],
    colours: ("#03A94D", "#FFFFFF"),
    routes,
    endpoints: &[
        ("/oauth2.0/authorize", Endpoint::Authorize),
        ("/oauth2.0/token", Endpoint::Token),
        ("/oauth2.0/revoke", Endpoint::Revoke),
        ("/v1/nid/me", Endpoint::UserInfo),
    ],
    scope_delimiters: &[' '],
    modes: &[Mode::Query],
    pkce: Pkce::None,
    items: &[
        Item { scope: "name", label: ["회원이름", "Name", "氏名"], is_optional: false },
        Item {
            scope: "email",
            label: ["연락처 이메일 주소", "Contact email address", "連絡先メールアドレス"],
            is_optional: true,
        },
        Item { scope: "nickname", label: ["별명", "Nickname", "ニックネーム"], is_optional: true },
        Item {
            scope: "profile_image",
            label: ["프로필 사진", "Profile picture", "プロフィール写真"],
            is_optional: true,
        },
        Item { scope: "gender", label: ["성별", "Gender", "性別"], is_optional: true },
        Item { scope: "birthday", label: ["생일", "Birthday", "誕生日"], is_optional: true },
        Item { scope: "age", label: ["연령대", "Age range", "年齢層"], is_optional: true },
        Item { scope: "birthyear", label: ["출생연도", "Year of birth", "生まれ年"], is_optional: true },
        Item {
            scope: "mobile", label: ["휴대전화번호", "Mobile number", "携帯電話番号"], is_optional: true
        },
    ],
    email_item: "email",
    callback_fragment: "",
    unknown_client: (400, "invalid_client"),
    redirect_mismatch: (400, "redirect_uri_mismatch"),
    check,
    // The console decides, not the request.
    asks_for: |_, _| true,
    reask: |request| if request.parameter("auth_type") == Some("reprompt") { Reask::Declined } else { Reask::Nothing },
    cancelled: &[("error", "access_denied"), ("error_description", "Canceled By User")],
    arrive: only_code,
    code: |random| random.token().expose().chars().filter(char::is_ascii_alphanumeric).take(18).collect(),
    code_lifetime: 600,
    authenticate: secret_in_parameters,
    repeats_redirect_uri: false,
    reply,
    fault,
    unlink_unread_after: None,
};

fn routes() -> Router<Simulator> {
    super::pages("/oauth2.0/authorize")
        .route("/oauth2.0/token", get(token::token).post(token::token))
        .route("/oauth2.0/revoke", post(revoke))
        .route("/v1/nid/me", get(me).post(me))
        .route("/v1/nid/verify", get(verify))
}

fn check(_: &Simulator, _: &Call, request: &Authorization) -> Result<(), Refusal> {
    if request.parameter("state").is_none() {
        return Err(Refusal::Callback { error: "invalid_request", description: "state is required" });
    }
    Ok(())
}

/// Tokens are standard base64: whoever forgets to encode them in a URL loses them.
fn text(random: &Random, prefix: &str) -> String {
    let mut bytes = random.bytes::<49>().to_vec();
    bytes.extend([0xfb, 0xef, 0xff]);
    format!("{prefix}{}", BASE64_STANDARD.encode(bytes))
}

#[allow(clippy::unnecessary_wraps)] // An entry of the profile: others can fail.
fn reply(simulator: &Simulator, _: &Call, redeemed: &Redeemed) -> Result<Value, TokenFault> {
    let grant = &redeemed.grant;
    let access_token = circulate(simulator, Kind::Access, grant, 3600, text(&simulator.random, "AAAA"));
    // The lifetime is text.
    let mut body = json!({ "access_token": access_token, "token_type": "bearer", "expires_in": "3600" });
    if redeemed.refreshed.is_none() {
        let lifetime = 365 * 86_400;
        reply::put(
            &mut body,
            "refresh_token",
            circulate(simulator, Kind::Refresh, grant, lifetime, text(&simulator.random, "c8ce")),
        );
    }
    Ok(body)
}

/// Errors of the token endpoint come with status 200.
fn fault(fault: &TokenFault) -> (u16, Value) {
    let (error, description) = match fault {
        TokenFault::Missing(name) => {
            let description = format!("no valid data in session: {name}");
            return (200, json!({ "error": "invalid_request", "error_description": description }));
        }
        TokenFault::UnknownClient => ("invalid_client", "wrong client id"),
        TokenFault::BadSecret => ("invalid_client", "wrong client secret"),
        TokenFault::UnsupportedGrant => ("unsupported_grant_type", "unsupported grant_type"),
        TokenFault::UnknownRefreshToken => ("invalid_request", "invalid refresh_token"),
        TokenFault::Broken => return (500, json!({ "error": "server_error" })),
        _ => ("invalid_request", "no valid data in session"),
    };
    (200, json!({ "error": error, "error_description": description }))
}

fn refused(call: &Call) -> Response {
    let (code, message) = if call.authorization("Bearer").is_some() {
        ("024", "Authentication failed (인증 실패하였습니다.)")
    } else {
        ("028", "Authentication header not exists (OAuth 인증 헤더(authorization header)가 없습니다.)")
    };
    reply::json(401, &json!({ "resultcode": code, "message": message }))
}

async fn me(State(simulator): State<Simulator>, call: Call) -> Response {
    let Some((token, person)) = resource::bearer(&simulator, &call) else { return refused(&call) };
    let response = profile(&simulator, &token, &person);
    reply::json(200, &json!({ "resultcode": "00", "message": "success", "response": response }))
}

fn profile(simulator: &Simulator, token: &Token, person: &Person) -> Map<String, Value> {
    let birth = person.birth();
    let gender = match person.gender.as_deref() {
        Some("female") => "F",
        Some("male") => "M",
        _ => "U",
    };
    let email = simulator.email(person, token.shows(simulator, "email"));
    let decade = person.decade(simulator.now()).map(|(first, last)| format!("{first}-{last}"));
    let facts: [(&str, Value); 8] = [
        ("name", person.name.clone().into()),
        ("nickname", person.nickname.clone().into()),
        ("profile_image", format!("https://phinf.pstatic.example/{}.jpg", person.id).into()),
        ("gender", gender.into()),
        ("birthday", birth.map(|(_, month, day)| format!("{month}-{day}")).into()),
        ("age", decade.into()),
        ("birthyear", birth.map(|(year, _, _)| year).into()),
        ("mobile", person.korean_phone().map(|local| format!("0{local}")).into()),
    ];
    let mut response = Map::new();
    response.insert("id".to_owned(), simulator.subject(&token.grant.client, person).into());
    response.extend(email.map(|email| ("email".to_owned(), email.into())));
    for (item, value) in facts {
        if token.shows(simulator, item) && !value.is_null() {
            response.insert(item.to_owned(), value);
        }
    }
    if response.contains_key("mobile") {
        response.insert("mobile_e164".to_owned(), person.phone.clone().into());
    }
    response
}

/// Says whether a token is alive, never whose application it belongs to.
async fn verify(State(simulator): State<Simulator>, call: Call) -> Response {
    let Some((token, _)) = resource::bearer(&simulator, &call) else { return refused(&call) };
    if call.query("info") != Some("true") {
        return reply::json(200, &json!({ "resultcode": "00", "message": "success" }));
    }
    let items = simulator.profile.items.iter().filter(|item| token.shows(&simulator, item.scope));
    let allowed: Vec<_> = items.map(|item| format!("profile/{}", item.scope)).collect();
    let response = json!({
        "token": call.authorization("Bearer"),
        "expire_date": token.expires_at.to_rfc3339(),
        "allowed_profile": allowed.join(","),
    });
    reply::json(200, &json!({ "resultcode": "00", "message": "success", "response": response }))
}

/// Kills access and refresh token and ends the connection; an unknown token is fine, too.
async fn revoke(State(simulator): State<Simulator>, call: Call) -> Response {
    let Some(text) = call.parameter("token") else {
        return reply::json(400, &json!({ "error": "invalid_request", "error_description": "token is missing" }));
    };
    let Ok(client) = secret_in_parameters(&simulator, &call) else {
        return reply::json(
            401,
            &json!({ "error": "unauthorized_client", "error_description": "unauthorized client" }),
        );
    };
    let token = simulator.token(text).filter(|(token, _)| token.grant.client.client_id == client.client_id);
    if let Some((_, person)) = token {
        simulator.state().unlink(owner(&client), &person.id);
    }
    StatusCode::OK.into_response()
}
