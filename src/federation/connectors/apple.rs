use super::claims::{email, flag, full_name, identifier, text};
use crate::federation::connector::{Answers, Button, ClientAuth, Endpoints, OIDC, Person, Preset, Revocation};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://developer.apple.com/documentation/signinwithapplerestapi>
pub(super) const APPLE: Preset = Preset {
    id: "apple",
    name: "Apple",
    issuer: "https://appleid.apple.com",
    endpoints: Endpoints {
        authorization: Some("https://appleid.apple.com/auth/authorize"),
        token: Some("https://appleid.apple.com/auth/token"),
        userinfo: None,
        emails: None,
        jwks: Some("https://appleid.apple.com/auth/keys"),
        revocation: Some("https://appleid.apple.com/auth/revoke"),
    },
    client_auth: ClientAuth::AppleJwt,
    // Not advertised by Apple, so not depended on: the nonce binds the code to the browser.
    pkce: false,
    // Apple insists on it as soon as name or email is asked for.
    form_post: true,
    scopes: &["name", "email"],
    reauthenticate: &[],
    choose_account: &[],
    cancel: &["user_cancelled_authorize", "access_denied"],
    revocation: Revocation::Rfc7009,
    trust_email: EmailTrust::Authoritative,
    button: Button {
        labels: &[("ko", "Apple로 로그인"), ("en", "Sign in with Apple"), ("ja", "Appleでサインイン")],
        background: "#000000",
        foreground: "#FFFFFF",
        border: "#000000",
    },
    map,
    ..OIDC
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let claims = answers.id_token;
    let trust = |address: &str| {
        let relay =
            flag(claims, "/is_private_email") || address.to_ascii_lowercase().ends_with("@privaterelay.appleid.com");
        match (flag(claims, "/email_verified"), relay) {
            (false, _) => EmailTrust::Unverified,
            (true, true) => EmailTrust::Relay,
            (true, false) => EmailTrust::Authoritative,
        }
    };
    let (given_name, family_name) = (text(answers.user, "/name/firstName"), text(answers.user, "/name/lastName"));
    Some(Person {
        subject: identifier(claims, "/sub")?,
        email: email(claims, "/email").map(|address| (address.clone(), trust(&address))),
        // The name comes once in a person's life, unsigned: a suggestion, and only the name is taken from there.
        attributes: Attributes {
            name: full_name(given_name.as_deref(), family_name.as_deref()),
            given_name,
            family_name,
            ..Attributes::default()
        },
    })
}
