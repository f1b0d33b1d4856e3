use serde_json::Value;

use super::claims::{domain, email, flag, identifier, picture, text};
use crate::federation::connector::{
    Answers, Button, Endpoints, NO_USERINFO, OAUTH2, Person, Preset, Revocation, Userinfo,
};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>
pub(super) const GITHUB: Preset = Preset {
    id: "github",
    name: "GitHub",
    // The `iss` of its authorization responses [RFC 9207].
    issuer: "https://github.com/login/oauth",
    endpoints: Endpoints {
        authorization: Some("https://github.com/login/oauth/authorize"),
        token: Some("https://github.com/login/oauth/access_token"),
        userinfo: Some("https://api.github.com/user"),
        emails: Some("https://api.github.com/user/emails"),
        jwks: None,
        revocation: Some("https://api.github.com/applications/{client_id}/grant"),
    },
    scopes: &["read:user", "user:email"],
    choose_account: &[("prompt", "select_account")],
    userinfo: Userinfo { fetch: true, subject: "/id", ..NO_USERINFO },
    revocation: Revocation::DeleteBasic,
    trust_email: EmailTrust::Verified,
    button: Button {
        labels: &[("ko", "GitHub으로 로그인"), ("en", "Sign in with GitHub"), ("ja", "GitHubでログイン")],
        background: "#24292F",
        foreground: "#FFFFFF",
        border: "#24292F",
    },
    map,
    ..OAUTH2
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let person = answers.userinfo;
    // The public profile's address proves nothing; the list says which one is primary and proven.
    let primary = |entry: &&Value| flag(entry, "/primary") && flag(entry, "/verified");
    let address =
        answers.emails.as_array().and_then(|list| list.iter().find(primary)).and_then(|it| email(it, "/email"));
    let trust = |address: &str| match domain(address).as_str() {
        "users.noreply.github.com" => EmailTrust::Relay,
        _ => EmailTrust::Verified,
    };
    Some(Person {
        subject: identifier(person, "/id")?,
        email: address.map(|address| (address.clone(), trust(&address))),
        attributes: Attributes {
            name: text(person, "/name"),
            nickname: text(person, "/login"),
            picture: picture(person, "/avatar_url"),
            ..Attributes::default()
        },
    })
}
