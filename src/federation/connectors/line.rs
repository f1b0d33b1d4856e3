use super::claims::{email, identifier, phone, picture, text};
use crate::federation::connector::{Answers, Button, Endpoints, OIDC, Person, Preset, Revocation};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://developers.line.biz/en/docs/line-login/integrate-line-login/>
pub(super) const LINE: Preset = Preset {
    id: "line",
    name: "LINE",
    issuer: "https://access.line.me",
    endpoints: Endpoints {
        authorization: Some("https://access.line.me/oauth2/v2.1/authorize"),
        token: Some("https://api.line.me/oauth2/v2.1/token"),
        userinfo: Some("https://api.line.me/oauth2/v2.1/userinfo"),
        emails: None,
        jwks: Some("https://api.line.me/oauth2/v2.1/certs"),
        revocation: Some("https://api.line.me/oauth2/v2.1/revoke"),
    },
    // On the web LINE signs with the channel secret, elsewhere with its keys: two profiles, never one list.
    algs: &["HS256"],
    token_parameter: Some(("ES256", ("id_token_key_type", "JWK"))),
    choose_account: &[("disable_auto_login", "true")],
    // A failed auto-login, as in private browsing, comes back with a `state` of LINE's own making.
    retry: Some(("disable_auto_login", "true")),
    revocation: Revocation::AccessTokenForm,
    button: Button {
        labels: &[("ko", "LINE으로 로그인"), ("en", "Log in with LINE"), ("ja", "LINEでログイン")],
        background: "#06C755",
        foreground: "#FFFFFF",
        border: "#06C755",
    },
    map,
    ..OIDC
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let claims = answers.id_token;
    Some(Person {
        subject: identifier(claims, "/sub")?,
        email: email(claims, "/email").map(|address| (address, EmailTrust::Unverified)),
        attributes: Attributes {
            // The display name is what people call themselves, not who they are.
            nickname: text(claims, "/name"),
            given_name: text(claims, "/given_name"),
            family_name: text(claims, "/family_name"),
            picture: picture(claims, "/picture"),
            phone_number: phone(claims, "/phone_number"),
            birthdate: text(claims, "/birthdate"),
            gender: text(claims, "/gender"),
            ..Attributes::default()
        },
    })
}
