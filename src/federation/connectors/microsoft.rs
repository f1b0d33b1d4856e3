use super::claims::{email, flag, identifier, text};
use crate::federation::connector::{Answers, Button, Endpoints, IssuerRule, OIDC, Person, Preset};
use crate::federation::profile::{Attributes, EmailTrust};

/// <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>
pub(super) const MICROSOFT: Preset = Preset {
    id: "microsoft",
    name: "Microsoft",
    issuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
    issuer_rule: IssuerRule::Tenant,
    endpoints: Endpoints {
        authorization: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize"),
        token: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        userinfo: Some("https://graph.microsoft.com/oidc/userinfo"),
        emails: None,
        jwks: Some("https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys"),
        revocation: None,
    },
    login_hint: true,
    trust_email: EmailTrust::Verified,
    button: Button {
        labels: &[("ko", "Microsoft로 로그인"), ("en", "Sign in with Microsoft"), ("ja", "Microsoft でサインイン")],
        background: "#FFFFFF",
        foreground: "#5E5E5E",
        border: "#8C8C8C",
    },
    map,
    ..OIDC
};

fn map(answers: &Answers<'_>) -> Option<Person> {
    let claims = answers.id_token;
    // Any tenant's administrator may write any address: only the edge-verified flag counts for something.
    let trust = if flag(claims, "/xms_edov") { EmailTrust::Verified } else { EmailTrust::Unverified };
    Some(Person {
        // With the tenant in the issuer, `oid` names the person for all our app registrations; `sub` is per app.
        subject: identifier(claims, "/oid")?,
        email: email(claims, "/email").map(|address| (address, trust)),
        attributes: Attributes {
            name: text(claims, "/name"),
            given_name: text(claims, "/given_name"),
            family_name: text(claims, "/family_name"),
            nickname: text(claims, "/preferred_username"),
            ..Attributes::default()
        },
    })
}
