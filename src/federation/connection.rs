//! A connection: a preset and an operator's settings, resolved once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use super::connector::{ClientAuth, Endpoints, Preset};
use super::discovery::Metadata;
use super::jwks::Keys;
use super::profile::EmailTrust;
use super::remote::Remote;
use super::settings::ConnectionSettings;
use crate::jose::{Alg, SigningKey, sign};
use crate::model::{ConnectionId, Secret, UnixTime};

/// How ID tokens of a connection are signed: two profiles, never one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Algs {
    /// With the provider's keys.
    Public(Vec<Alg>),
    /// With our client secret.
    Hs256,
}

/// A way to sign in with an upstream provider, ready for use.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) preset: &'static Preset,
    pub(super) settings: ConnectionSettings,
    pub(super) issuer: String,
    pub(super) redirect_uri: Url,
    pub(super) algs: Algs,
    pub(super) pkce: bool,
    pub(super) userinfo: bool,
    pub(super) known: Known,
    pub(super) metadata: Remote<Metadata>,
    pub(super) keys: Remote<Keys>,
    apple_key: Option<SigningKey>,
}

/// The addresses known without asking.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) discovery: Option<Url>,
    pub(super) authorization: Option<Url>,
    pub(super) token: Option<Url>,
    pub(super) userinfo: Option<Url>,
    pub(super) emails: Option<Url>,
    pub(super) jwks: Option<Url>,
    /// With its placeholders.
    pub(super) revocation: Option<String>,
}

impl Connection {
    /// Resolves settings that passed [`ConnectionSettings::validate`]; else says what is wrong.
    pub(super) fn new(settings: ConnectionSettings, callback_base: &Url) -> Result<Self, Vec<String>> {
        let fail = |why: &str| vec![format!("connection {:?}: {why}", settings.id.as_str())];
        let errors = settings.validate();
        let Some(preset) = settings.preset().filter(|_| errors.is_empty()) else { return Err(errors) };
        let base = callback_base.as_str().trim_end_matches('/');
        let redirect_uri =
            Url::parse(&format!("{base}/{}/callback", settings.id)).map_err(|_| fail("callback address"))?;
        let names = settings.algs(preset);
        let algs = if names == ["HS256"] {
            Algs::Hs256
        } else {
            Algs::Public(names.iter().filter_map(|name| name.parse().ok()).collect())
        };
        let apple_key = match (&settings.private_key, settings.client_auth(preset)) {
            (Some(pem), ClientAuth::AppleJwt) => {
                let key = SigningKey::from_pem(Alg::ES256, settings.key_id.as_deref(), pem.expose());
                Some(key.map_err(|reason| fail(&format!("private_key: {reason}")))?)
            }
            _ => None,
        };
        let known = Known::new(&settings, preset).ok_or_else(|| fail("an address is malformed"))?;
        Ok(Self {
            issuer: settings.issuer.clone().unwrap_or_else(|| relocated(preset.issuer, settings.origin.as_ref())),
            redirect_uri,
            algs,
            pkce: settings.pkce.unwrap_or(preset.pkce),
            userinfo: settings.userinfo.unwrap_or(preset.userinfo.fetch),
            known,
            metadata: Remote::default(),
            keys: Remote::default(),
            apple_key,
            preset,
            settings,
        })
    }

    pub(super) fn id(&self) -> &ConnectionId {
        &self.settings.id
    }

    pub(super) fn name(&self, language: &str) -> &str {
        let native = self.preset.names.iter().find(|(spoken, _)| *spoken == language).map(|(_, name)| *name);
        self.settings.name.as_deref().or(native).unwrap_or(self.preset.name)
    }

    pub(super) fn client_auth(&self) -> ClientAuth {
        self.settings.client_auth(self.preset)
    }

    /// The secret to authenticate with now; for Apple minted on the spot, good for five minutes. `None` when the
    /// client has none, or when signing failed.
    pub(super) fn client_secret(&self, now: UnixTime) -> Option<Secret<String>> {
        match (self.client_auth(), &self.apple_key) {
            (ClientAuth::None, _) => None,
            (ClientAuth::AppleJwt, key) => {
                let claims = AppleClaims {
                    iss: self.settings.team_id.as_deref()?,
                    iat: now,
                    exp: now + 300,
                    aud: &self.issuer,
                    sub: &self.settings.client_id,
                };
                sign(key.as_ref()?, "JWT", &claims).ok().map(Secret::new)
            }
            _ => self.settings.client_secret.clone(),
        }
    }

    /// The scopes in the provider's own notation.
    pub(super) fn scope(&self) -> String {
        let standard = || self.preset.scopes.iter().map(|scope| Cow::Borrowed(*scope)).collect();
        let own = |scopes: &Vec<String>| scopes.iter().cloned().map(Cow::Owned).collect();
        let scopes: Vec<Cow<'_, str>> = self.settings.scopes.as_ref().map_or_else(standard, own);
        scopes.join(self.preset.scope_delimiter)
    }

    /// Whether an `error` code means that the person changed their mind.
    pub(super) fn is_cancel(&self, error: &str) -> bool {
        match &self.settings.cancel {
            Some(codes) => codes.iter().any(|code| code.eq_ignore_ascii_case(error)),
            None => self.preset.cancel.iter().any(|code| code.eq_ignore_ascii_case(error)),
        }
    }

    /// What the provider's word on an address is worth here.
    pub(super) fn email_trust(&self, address: &str, claimed: EmailTrust) -> EmailTrust {
        let domains = &self.settings.email_domains;
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        if !domains.is_empty() && !domains.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
            return EmailTrust::Unverified;
        }
        claimed.min(self.settings.trust_email.map_or(self.preset.trust_email, EmailTrust::from))
    }

    /// A label in a language, or in English.
    pub(super) fn label(&self, language: &str) -> String {
        let own: BTreeMap<&str, &str> =
            self.settings.button.labels.iter().map(|(language, label)| (language.as_str(), label.as_str())).collect();
        let preset: BTreeMap<&str, &str> = self.preset.button.labels.iter().copied().collect();
        let label = [(&own, language), (&preset, language), (&own, "en"), (&preset, "en")]
            .into_iter()
            .find_map(|(labels, language)| labels.get(language))
            .copied()
            .unwrap_or("{name}");
        label.replace("{name}", self.name(language))
    }
}

/// [Apple's client secret](https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret).
#[derive(Serialize)]
struct AppleClaims<'a> {
    iss: &'a str,
    iat: UnixTime,
    exp: UnixTime,
    aud: &'a str,
    sub: &'a str,
}

impl Known {
    fn new(settings: &ConnectionSettings, preset: &Preset) -> Option<Self> {
        let own = &settings.endpoints;
        let Endpoints { authorization, token, userinfo, emails, jwks, revocation } = preset.endpoints;
        let standard = |text: &str| {
            let tenant = settings.tenant.as_deref().unwrap_or("common");
            relocated(&text.replace("{tenant}", tenant), settings.origin.as_ref())
        };
        let either = |own: &Option<Url>, preset: Option<&str>| match (own, preset) {
            (Some(url), _) => Some(Some(url.clone())),
            (None, Some(text)) => Url::parse(&standard(text)).ok().map(Some),
            (None, None) => Some(None),
        };
        let discovered = preset.id == "generic_oidc" && own.discovery.is_none();
        let discovery = match (&settings.issuer, discovered) {
            (Some(issuer), true) => {
                let issuer = issuer.trim_end_matches('/');
                Some(Url::parse(&format!("{issuer}/.well-known/openid-configuration")).ok()?)
            }
            _ => own.discovery.clone(),
        };
        Some(Self {
            discovery,
            authorization: either(&own.authorization, authorization)?,
            token: either(&own.token, token)?,
            userinfo: either(&own.userinfo, userinfo)?,
            emails: either(&own.emails, emails)?,
            jwks: either(&own.jwks, jwks)?,
            revocation: own.revocation.clone().or_else(|| revocation.map(standard)),
        })
    }
}

/// An address of the preset's, moved to another scheme, host and port.
fn relocated(address: &str, origin: Option<&Url>) -> String {
    let path =
        address.split_once("://").map_or("", |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""));
    match origin {
        Some(origin) if !address.is_empty() => format!("{}{path}", origin.origin().ascii_serialization()),
        _ => address.to_owned(),
    }
}
