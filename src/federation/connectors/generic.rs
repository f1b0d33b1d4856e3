use serde_json::Value;

use super::claims::{email, flag, identifier, phone, picture, text};
use crate::federation::connector::{
    Answers, ClientAuth, NO_USERINFO, OAUTH2, OIDC, Person, Preset, Revocation, Userinfo,
};
use crate::federation::profile::{Attributes, EmailTrust};

/// The claims settings may point at. What is not here cannot be mapped, whatever an upstream calls it: roles,
/// organisations, memberships, `acr`, `amr`.
pub(in crate::federation) const MAPPABLE: &[&str] = &[
    "subject",
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "phone_number",
    "birthdate",
    "gender",
    "locale",
    "zoneinfo",
];

/// Any OpenID Provider with a discovery document.
pub(super) const GENERIC_OIDC: Preset = Preset {
    id: "generic_oidc",
    name: "OpenID Connect",
    client_auth: ClientAuth::ClientSecretBasic,
    algs: &["RS256", "ES256", "PS256", "EdDSA"],
    login_hint: true,
    userinfo: Userinfo { fetch: true, ..NO_USERINFO },
    revocation: Revocation::Rfc7009,
    map: map_oidc,
    ..OIDC
};

/// Any OAuth 2.0 provider with a JSON profile; its endpoints and pointers come from the settings.
pub(super) const GENERIC_OAUTH2: Preset = Preset {
    id: "generic_oauth2",
    name: "OAuth 2.0",
    client_auth: ClientAuth::ClientSecretBasic,
    revocation: Revocation::Rfc7009,
    map: map_oauth2,
    ..OAUTH2
};

fn map_oidc(answers: &Answers<'_>) -> Option<Person> {
    // The ID token is signed, so it wins; many providers keep it thin and put the rest into userinfo. An address and
    // its flag are one statement and never mixed from two.
    let signed = answers.id_token.pointer(&pointer(answers, "email")).is_some();
    let emails = if signed { answers.id_token } else { answers.userinfo };
    let subject = identifier(answers.id_token, "/sub")?;
    Some(read(subject, [answers.id_token, answers.userinfo], emails, |claim| pointer(answers, claim)))
}

fn map_oauth2(answers: &Answers<'_>) -> Option<Person> {
    let subject = identifier(answers.userinfo, &pointer(answers, "subject"))?;
    Some(read(subject, [answers.userinfo, &Value::Null], answers.userinfo, |claim| pointer(answers, claim)))
}

/// The configured place of a claim, else the standard one.
fn pointer(answers: &Answers<'_>, claim: &str) -> String {
    let standard = || if claim == "subject" { "/sub".to_owned() } else { format!("/{claim}") };
    answers.pointers.get(claim).cloned().unwrap_or_else(standard)
}

fn read(subject: String, sources: [&Value; 2], emails: &Value, at: impl Fn(&str) -> String) -> Person {
    type Read = fn(&Value, &str) -> Option<String>;
    let first = |read: Read, claim: &str| sources.iter().find_map(|source| read(source, &at(claim)));
    // Worth what the connection's `trust_email` allows, which is nothing unless the operator says so.
    let proven = flag(emails, &at("email_verified"));
    let trust = if proven { EmailTrust::Authoritative } else { EmailTrust::Unverified };
    Person {
        subject,
        email: email(emails, &at("email")).map(|address| (address, trust)),
        attributes: Attributes {
            name: first(text, "name"),
            given_name: first(text, "given_name"),
            family_name: first(text, "family_name"),
            nickname: first(text, "nickname"),
            picture: first(picture, "picture"),
            phone_number: first(phone, "phone_number"),
            birthdate: first(text, "birthdate"),
            gender: first(text, "gender"),
            locale: first(text, "locale"),
            zoneinfo: first(text, "zoneinfo"),
        },
    }
}
