use super::claims::{birthdate, email, identifier, picture, text};
use crate::federation::connector::{
    Answers, Button, Endpoints, NO_USERINFO, OAUTH2, Person, Preset, Revocation, Userinfo,
};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow>
pub(super) const FACEBOOK: Preset = Preset {
    id: "facebook",
    name: "Facebook",
    issuer: "https://www.facebook.com",
    endpoints: Endpoints {
        authorization: Some("https://www.facebook.com/v24.0/dialog/oauth"),
        token: Some("https://graph.facebook.com/v24.0/oauth/access_token"),
        userinfo: Some("https://graph.facebook.com/v24.0/me"),
        emails: None,
        jwks: None,
        revocation: Some("https://graph.facebook.com/v24.0/{subject}/permissions"),
    },
    scopes: &["public_profile", "email"],
    scope_delimiter: ",",
    reauthenticate: &[("auth_type", "reauthenticate")],
    userinfo: Userinfo {
        fetch: true,
        subject: "/id",
        query: &[("fields", "id,name,first_name,last_name,email,picture")],
        proof: true,
        ..NO_USERINFO
    },
    revocation: Revocation::DeleteProven,
    button: Button {
        labels: &[("ko", "Facebook으로 계속"), ("en", "Continue with Facebook"), ("ja", "Facebookでログイン")],
        background: "#1877F2",
        foreground: "#FFFFFF",
        border: "#1877F2",
    },
    map,
    ..OAUTH2
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let person = answers.userinfo;
    let silhouette = super::flag(person, "/picture/data/is_silhouette");
    Some(Person {
        subject: identifier(person, "/id")?,
        // Often absent; never flagged as proven.
        email: email(person, "/email").map(|address| (address, EmailTrust::Unverified)),
        attributes: Attributes {
            name: text(person, "/name"),
            given_name: text(person, "/first_name"),
            family_name: text(person, "/last_name"),
            picture: picture(person, "/picture/data/url").filter(|_| !silhouette),
            birthdate: text(person, "/birthday").and_then(|date| from_american(&date)),
            gender: text(person, "/gender"),
            ..Attributes::default()
        },
    })
}

/// Reads `MM/DD/YYYY`, `MM/DD` or `YYYY`.
fn from_american(date: &str) -> Option<String> {
    match date.split('/').collect::<Vec<_>>().as_slice() {
        [month, day, year] => birthdate(Some(year), Some(&format!("{month}{day}"))),
        [month, day] => birthdate(None, Some(&format!("{month}{day}"))),
        [year] => birthdate(Some(year), None),
        _ => None,
    }
}
