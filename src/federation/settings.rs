//! A connection as the operator writes it down.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use url::Url;

use super::connector::{ClientAuth, Preset, Protocol};
use super::connectors::{MAPPABLE, preset};
use super::profile::EmailTrust;
use crate::model::{ConnectionId, Secret};

/// One way to sign in with an upstream provider. Whatever is absent comes from the preset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// Its name, part of its callback address: lower-case letters, digits, `-` and `_`. Never reused for another
    /// provider: identities are keyed by it.
    pub id: ConnectionId,
    /// The preset; the same as `id` when absent.
    #[serde(default)]
    pub preset: Option<String>,
    /// What the provider calls us.
    pub client_id: String,
    /// The secret shared with the provider.
    #[serde(default)]
    pub client_secret: Option<Secret<String>>,
    /// While false the connection is refused everywhere; identities stay and can still be unlinked.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Apple: the team that owns the key.
    #[serde(default)]
    pub team_id: Option<String>,
    /// Apple: the key's id.
    #[serde(default)]
    pub key_id: Option<String>,
    /// Apple: the key, PEM.
    #[serde(default)]
    pub private_key: Option<Secret<String>>,
    /// Microsoft: `common`, `organizations`, `consumers` or a tenant's GUID.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Microsoft: the only tenants (GUIDs) whose people may come in; any when empty.
    #[serde(default)]
    pub allowed_tenants: BTreeSet<String>,
    /// Scheme, host and port to put in place of the preset's, in all addresses and in the issuer: for simulators.
    #[serde(default)]
    pub origin: Option<Url>,
    /// The issuer, in place of the preset's.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Single addresses in place of the preset's.
    #[serde(default)]
    pub endpoints: EndpointSettings,
    /// Whether a callback without `iss` is refused [RFC 9207 §2.4]. Discovery can only make it stricter.
    #[serde(default)]
    pub require_iss: bool,
    /// The scopes to ask for.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Extra parameters of the authorization request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The JWS algorithms of ID tokens. `HS256` stands alone or not at all.
    #[serde(default)]
    pub algs: Option<Vec<String>>,
    /// Whether PKCE is used.
    #[serde(default)]
    pub pkce: Option<bool>,
    /// How we authenticate at the token endpoint.
    #[serde(default)]
    pub client_auth: Option<ClientAuth>,
    /// Whether the profile is read besides the ID token.
    #[serde(default)]
    pub userinfo: Option<bool>,
    /// Where claims stand in the answers, as JSON Pointers; for the generic presets.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// `error` codes that mean the person changed their mind, in place of the preset's.
    #[serde(default)]
    pub cancel: Option<Vec<String>>,
    /// The most an e-mail address from here is worth.
    #[serde(default)]
    pub trust_email: Option<TrustEmail>,
    /// When not empty: the only domains this connection may vouch for.
    #[serde(default)]
    pub email_domains: BTreeSet<String>,
    /// Whether the provider's `acr` and `amr` are believed.
    #[serde(default)]
    pub trust_amr: bool,
    /// By how many seconds the provider's clock may differ from ours; at most 300.
    #[serde(default = "default_skew")]
    pub clock_skew_seconds: i64,
    /// The provider's name as people know it.
    #[serde(default)]
    pub name: Option<String>,
    /// How its button looks.
    #[serde(default)]
    pub button: ButtonSettings,
}

/// Addresses in place of the preset's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointSettings {
    /// The discovery document; when set, or for `generic_oidc`, what is absent here and in the preset comes from it.
    pub discovery: Option<Url>,
    /// Where the browser goes.
    pub authorization: Option<Url>,
    /// Where codes become tokens.
    pub token: Option<Url>,
    /// The profile.
    pub userinfo: Option<Url>,
    /// The list of e-mail addresses.
    pub emails: Option<Url>,
    /// The keys of ID tokens.
    pub jwks: Option<Url>,
    /// Where a link is taken back. `{subject}` and `{client_id}` are replaced.
    pub revocation: Option<String>,
}

/// The look of a button.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ButtonSettings {
    /// Text by language.
    pub labels: BTreeMap<String, String>,
    /// Path of the icon.
    pub icon: Option<String>,
    /// Background colour, `#RRGGBB`.
    pub background: Option<String>,
    /// Text colour, `#RRGGBB`.
    pub foreground: Option<String>,
    /// Border colour, `#RRGGBB`.
    pub border: Option<String>,
}

/// The most an e-mail address from a connection is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustEmail {
    /// Nothing: it is a suggestion.
    Never,
    /// A proof somebody else saw.
    Verified,
    /// As good as the mailbox itself.
    Authoritative,
}

impl From<TrustEmail> for EmailTrust {
    fn from(ceiling: TrustEmail) -> Self {
        match ceiling {
            TrustEmail::Never => Self::Unverified,
            TrustEmail::Verified => Self::Verified,
            TrustEmail::Authoritative => Self::Authoritative,
        }
    }
}

const fn yes() -> bool {
    true
}

const fn default_skew() -> i64 {
    120
}

/// Parameters the engines own.
const OWN_PARAMETERS: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "login_hint",
];

impl ConnectionSettings {
    /// The preset it names.
    pub(super) fn preset(&self) -> Option<&'static Preset> {
        preset(self.preset.as_deref().unwrap_or_else(|| self.id.as_str()))
    }

    /// How the client authenticates.
    pub(super) fn client_auth(&self, preset: &Preset) -> ClientAuth {
        self.client_auth.unwrap_or(preset.client_auth)
    }

    /// What is wrong with it, in words for the operator; empty when nothing is.
    pub fn validate(&self) -> Vec<String> {
        let Some(preset) = self.preset() else {
            return vec![format!("connection {:?}: no preset of that name", self.id.as_str())];
        };
        let checks = [
            (!well_formed_id(self.id.as_str()), "id must be 1 to 32 of a-z, 0-9, - and _"),
            (self.client_id.is_empty(), "client_id is empty"),
            (
                !self.has_credentials(preset),
                "the credentials it needs are missing (a secret that signs has 32 characters or more)",
            ),
            (self.mixes_algs(preset), "algs must be HS256 alone, or some of RS256, PS256, ES256 and EdDSA"),
            (!(0..=300).contains(&self.clock_skew_seconds), "clock_skew_seconds must be 0 to 300"),
            (!self.urls_are_safe(), "addresses must be https, or http on localhost"),
            (self.lacks_issuer(preset), "issuer is missing"),
            (self.lacks_endpoints(preset), "endpoints.authorization, token and userinfo are needed"),
            (!self.tenant_is_known(), "tenant must be common, organizations, consumers or a GUID"),
        ];
        let mut errors: Vec<String> = checks.iter().filter(|(wrong, _)| *wrong).map(|(_, why)| (*why).into()).collect();
        let unmappable = self.claims.keys().filter(|claim| !MAPPABLE.contains(&claim.as_str()));
        errors.extend(unmappable.map(|claim| format!("claims.{claim} cannot be mapped")));
        let pointers = self.claims.iter().filter(|(_, pointer)| !pointer.starts_with('/'));
        errors.extend(pointers.map(|(claim, _)| format!("claims.{claim} must be a JSON Pointer")));
        let owned = self.parameters.keys().filter(|name| OWN_PARAMETERS.contains(&name.as_str()));
        errors.extend(owned.map(|name| format!("parameters.{name} is not yours to set")));
        let colours = [&self.button.background, &self.button.foreground, &self.button.border];
        if colours.into_iter().flatten().any(|colour| !is_colour(colour)) {
            errors.push("button colours must be #RRGGBB".to_owned());
        }
        errors.into_iter().map(|error| format!("connection {:?}: {error}", self.id.as_str())).collect()
    }

    fn has_credentials(&self, preset: &Preset) -> bool {
        let secret = self.client_secret.as_ref().map_or(0, |secret| secret.expose().len());
        // A secret that signs must be as long as the hash [RFC 7518 §3.2].
        let signs = self.algs(preset).iter().any(|alg| alg == "HS256");
        if (signs && secret < 32) || (preset.userinfo.proof && secret == 0) {
            return false;
        }
        match self.client_auth(preset) {
            ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost => secret > 0,
            ClientAuth::AppleJwt => self.team_id.is_some() && self.key_id.is_some() && self.private_key.is_some(),
            ClientAuth::None => true,
        }
    }

    /// The names of the algorithms of its ID tokens.
    pub(super) fn algs(&self, preset: &Preset) -> Vec<String> {
        self.algs.clone().unwrap_or_else(|| preset.algs.iter().map(|alg| (*alg).to_owned()).collect())
    }

    fn mixes_algs(&self, preset: &Preset) -> bool {
        let algs = self.algs(preset);
        let known = |alg: &String| matches!(alg.as_str(), "RS256" | "PS256" | "ES256" | "EdDSA");
        match preset.protocol {
            Protocol::Oauth2 => self.algs.is_some(),
            Protocol::Oidc => algs.is_empty() || !(algs == ["HS256"] || algs.iter().all(known)),
        }
    }

    fn lacks_issuer(&self, preset: &Preset) -> bool {
        self.issuer.as_deref().unwrap_or(preset.issuer).is_empty()
    }

    /// Whether an address is missing that no discovery will supply.
    fn lacks_endpoints(&self, preset: &Preset) -> bool {
        let own = &self.endpoints;
        let authorization = own.authorization.is_some() || preset.endpoints.authorization.is_some();
        let token = own.token.is_some() || preset.endpoints.token.is_some();
        let userinfo = own.userinfo.is_some() || preset.endpoints.userinfo.is_some();
        preset.protocol == Protocol::Oauth2 && !(authorization && token && userinfo)
    }

    fn tenant_is_known(&self) -> bool {
        let guid = |text: &str| uuid::Uuid::parse_str(text).is_ok() && text.len() == 36;
        let tenant = self.tenant.as_deref().unwrap_or("common");
        (matches!(tenant, "common" | "organizations" | "consumers") || guid(tenant))
            && self.allowed_tenants.iter().all(|tenant| guid(tenant))
    }

    fn urls_are_safe(&self) -> bool {
        let own = &self.endpoints;
        let urls =
            [&own.discovery, &own.authorization, &own.token, &own.userinfo, &own.emails, &own.jwks, &self.origin];
        let texts = [self.issuer.as_deref(), own.revocation.as_deref()];
        let parsed = |text: &str| Url::parse(text).is_ok_and(|url| is_safe(&url));
        urls.into_iter().flatten().all(is_safe) && texts.into_iter().flatten().all(parsed)
    }
}

fn well_formed_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

/// Whether an address is one browsers and we may be sent to.
pub(super) fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let local = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    bare && !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && local))
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
