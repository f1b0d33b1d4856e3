use super::claims::{birthdate, email, flag, identifier, phone, picture, text};
use crate::federation::connector::{
    Answers, Button, Endpoints, NO_USERINFO, OIDC, Person, Preset, Revocation, Userinfo,
};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://developers.kakao.com/docs/latest/en/kakaologin/rest-api>
pub(super) const KAKAO: Preset = Preset {
    id: "kakao",
    name: "Kakao",
    names: &[("ko", "카카오"), ("ja", "カカオ")],
    issuer: "https://kauth.kakao.com",
    endpoints: Endpoints {
        authorization: Some("https://kauth.kakao.com/oauth/authorize"),
        token: Some("https://kauth.kakao.com/oauth/token"),
        userinfo: Some("https://kapi.kakao.com/v2/user/me"),
        emails: None,
        jwks: Some("https://kauth.kakao.com/.well-known/jwks.json"),
        revocation: Some("https://kapi.kakao.com/v1/user/unlink"),
    },
    scopes: &["openid", "profile_nickname", "account_email"],
    scope_delimiter: ",",
    // Part of every login: the ID token's e-mail address has no verified flag, and Kakao unlinks within a day the
    // users of an app that never asks.
    userinfo: Userinfo { fetch: true, subject: "/id", query: &[("secure_resource", "true")], ..NO_USERINFO },
    revocation: Revocation::BearerPost,
    trust_email: EmailTrust::Authoritative,
    button: Button {
        labels: &[("ko", "카카오 로그인"), ("en", "Login with Kakao"), ("ja", "カカオでログイン")],
        background: "#FEE500",
        foreground: "#191600",
        border: "#FEE500",
    },
    map,
    ..OIDC
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let subject = identifier(answers.userinfo, "/id")?;
    let account = answers.userinfo.get("kakao_account").unwrap_or(&serde_json::Value::Null);
    // Valid: no other Kakao account took the address over since. Verified: it was proven once. Both, or nothing.
    let proven = flag(account, "/is_email_valid") && flag(account, "/is_email_verified");
    let trust = if proven { EmailTrust::Authoritative } else { EmailTrust::Unverified };
    // A lunar birthday is a different day each year: only the year says something in our calendar.
    let solar = text(account, "/birthday_type").is_none_or(|kind| kind == "SOLAR");
    let month_day = text(account, "/birthday").filter(|_| solar);
    Some(Person {
        subject,
        email: email(account, "/email").map(|address| (address, trust)),
        attributes: Attributes {
            name: text(account, "/name"),
            nickname: text(account, "/profile/nickname"),
            picture: picture(account, "/profile/profile_image_url"),
            phone_number: phone(account, "/phone_number"),
            birthdate: birthdate(text(account, "/birthyear").as_deref(), month_day.as_deref()),
            gender: text(account, "/gender"),
            ..Attributes::default()
        },
    })
}
