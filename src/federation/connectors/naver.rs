use serde_json::Value;

use super::claims::{birthdate, email, identifier, phone, picture, text};
use crate::federation::connector::{
    Answers, Button, Endpoints, NO_USERINFO, OAUTH2, Person, Preset, Revocation, Userinfo,
};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://developers.naver.com/docs/login/api/api.md>, the OAuth 2.0 stack: profile items are chosen in the
/// console, there is neither PKCE nor nonce.
pub(super) const NAVER: Preset = Preset {
    id: "naver",
    name: "NAVER",
    names: &[("ko", "네이버")],
    issuer: "https://nid.naver.com",
    endpoints: Endpoints {
        authorization: Some("https://nid.naver.com/oauth2.0/authorize"),
        token: Some("https://nid.naver.com/oauth2.0/token"),
        userinfo: Some("https://openapi.naver.com/v1/nid/me"),
        emails: None,
        jwks: None,
        revocation: Some("https://nid.naver.com/oauth2.0/revoke"),
    },
    pkce: false,
    reauthenticate: &[("auth_type", "reauthenticate")],
    state_in_token_request: true,
    userinfo: Userinfo { fetch: true, subject: "/response/id", success: Some(("resultcode", "00")), ..NO_USERINFO },
    revocation: Revocation::Rfc7009,
    button: Button {
        labels: &[("ko", "네이버 로그인"), ("en", "Log in with Naver"), ("ja", "NAVERでログイン")],
        background: "#03A94D",
        foreground: "#FFFFFF",
        border: "#03A94D",
    },
    map,
    ..OAUTH2
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let person = answers.userinfo.get("response").unwrap_or(&Value::Null);
    let gender = text(person, "/gender").and_then(|code| match code.as_str() {
        "F" => Some("female".to_owned()),
        "M" => Some("male".to_owned()),
        _ => None,
    });
    Some(Person {
        subject: identifier(person, "/id")?,
        // A contact address anybody may type.
        email: email(person, "/email").map(|address| (address, EmailTrust::Unverified)),
        attributes: Attributes {
            name: text(person, "/name"),
            nickname: text(person, "/nickname"),
            picture: picture(person, "/profile_image"),
            phone_number: phone(person, "/mobile_e164"),
            birthdate: birthdate(text(person, "/birthyear").as_deref(), text(person, "/birthday").as_deref()),
            gender,
            ..Attributes::default()
        },
    })
}
