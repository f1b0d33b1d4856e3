use super::claims::{domain, email, flag, identifier, picture, text};
use crate::federation::connector::{Answers, Button, Endpoints, IssuerRule, OIDC, Person, Preset, Revocation};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://developers.google.com/identity/openid-connect/openid-connect>
pub(super) const GOOGLE: Preset = Preset {
    id: "google",
    name: "Google",
    issuer: "https://accounts.google.com",
    issuer_rule: IssuerRule::WithoutScheme,
    endpoints: Endpoints {
        authorization: Some("https://accounts.google.com/o/oauth2/v2/auth"),
        token: Some("https://oauth2.googleapis.com/token"),
        userinfo: Some("https://openidconnect.googleapis.com/v1/userinfo"),
        emails: None,
        jwks: Some("https://www.googleapis.com/oauth2/v3/certs"),
        revocation: Some("https://oauth2.googleapis.com/revoke"),
    },
    // Google has no `prompt=login`; choosing the account again is the most it offers.
    reauthenticate: &[("prompt", "select_account")],
    login_hint: true,
    revocation: Revocation::Rfc7009,
    trust_email: EmailTrust::Authoritative,
    button: Button {
        labels: &[("ko", "Google 계정으로 로그인"), ("en", "Sign in with Google"), ("ja", "Google でログイン")],
        background: "#FFFFFF",
        foreground: "#1F1F1F",
        border: "#747775",
    },
    map,
    ..OIDC
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let claims = answers.id_token;
    let trust = |address: &str| {
        let domain = domain(address);
        // Google runs the mailboxes of these domains only; of others it once saw a proof.
        let runs = matches!(domain.as_str(), "gmail.com" | "googlemail.com")
            || text(claims, "/hd").is_some_and(|hosted| hosted.eq_ignore_ascii_case(&domain));
        match (flag(claims, "/email_verified"), runs) {
            (false, _) => EmailTrust::Unverified,
            (true, false) => EmailTrust::Verified,
            (true, true) => EmailTrust::Authoritative,
        }
    };
    Some(Person {
        subject: identifier(claims, "/sub")?,
        email: email(claims, "/email").map(|address| (address.clone(), trust(&address))),
        attributes: Attributes {
            name: text(claims, "/name"),
            given_name: text(claims, "/given_name"),
            family_name: text(claims, "/family_name"),
            picture: picture(claims, "/picture"),
            locale: text(claims, "/locale"),
            ..Attributes::default()
        },
    })
}
