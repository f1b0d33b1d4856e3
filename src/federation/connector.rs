//! What a connector is: data about a provider, and one function that reads its answers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::profile::{Attributes, EmailTrust};

/// A fixed request parameter.
pub(super) type Parameter = (&'static str, &'static str);

/// Everything the engines need to know about a provider. A connection is a preset plus an operator's settings.
#[derive(Debug)]
pub(super) struct Preset {
    /// The name settings refer to it by.
    pub id: &'static str,
    /// The provider's name as people know it.
    pub name: &'static str,
    /// What people call it in languages that write it differently.
    pub names: &'static [(&'static str, &'static str)],
    /// Which engine drives it.
    pub protocol: Protocol,
    /// Who vouches for its subjects; for plain OAuth 2.0 the identifier the provider is known by. Empty when the
    /// settings must say.
    pub issuer: &'static str,
    /// How an ID token's `iss` relates to it.
    pub issuer_rule: IssuerRule,
    /// Where to talk to it.
    pub endpoints: Endpoints,
    /// How we authenticate at its token endpoint.
    pub client_auth: ClientAuth,
    /// The JWS algorithms its ID tokens may use.
    pub algs: &'static [&'static str],
    /// Whether it understands PKCE [RFC 7636]. Extra to `state` and `nonce`, which always bind the browser.
    pub pkce: bool,
    /// Whether its answers come as a cross-site POST [OAuth 2.0 Form Post Response Mode].
    pub form_post: bool,
    /// The scopes asked for unless the settings say otherwise.
    pub scopes: &'static [&'static str],
    /// What it puts between scopes.
    pub scope_delimiter: &'static str,
    /// Sent with every authorization request.
    pub parameters: &'static [Parameter],
    /// Sent in addition when the person must prove themselves anew.
    pub reauthenticate: &'static [Parameter],
    /// Sent in addition when another of the person's upstream accounts may be meant.
    pub choose_account: &'static [Parameter],
    /// Sent in addition when a callback came back with a `state` we never sent; `None` when that never is innocent.
    pub retry: Option<Parameter>,
    /// Whether it takes an e-mail address as `login_hint`.
    pub login_hint: bool,
    /// Whether the token request repeats `state`.
    pub state_in_token_request: bool,
    /// Sent with the token request when ID tokens use this algorithm.
    pub token_parameter: Option<(&'static str, Parameter)>,
    /// Whether and how its profile is read.
    pub userinfo: Userinfo,
    /// `error` codes that mean the person changed their mind; compared without case.
    pub cancel: &'static [&'static str],
    /// How a link is taken back.
    pub revocation: Revocation,
    /// The most an e-mail address from it is worth.
    pub trust_email: EmailTrust,
    /// How its button looks.
    pub button: Button,
    /// Reads a person out of its answers; `None` when there is no usable subject.
    pub map: fn(&Answers<'_>) -> Option<Person>,
}

/// Which engine drives a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// OpenID Connect: an ID token says who it is.
    Oidc,
    /// OAuth 2.0: a profile request says who it is.
    Oauth2,
}

/// How an ID token's `iss` relates to the connection's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IssuerRule {
    /// The very same text.
    Exact,
    /// The same text, or the same without its scheme. The canonical form is kept.
    WithoutScheme,
    /// The issuer holds `{tenantid}`, to be replaced by the token's own `tid`.
    Tenant,
}

/// Where a provider is talked to. `{tenant}` and `{client_id}` are replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoints {
    /// The browser goes here.
    pub authorization: Option<&'static str>,
    /// Codes become tokens here.
    pub token: Option<&'static str>,
    /// The profile.
    pub userinfo: Option<&'static str>,
    /// A list of e-mail addresses beside the profile.
    pub emails: Option<&'static str>,
    /// The keys of its ID tokens.
    pub jwks: Option<&'static str>,
    /// Where a link is taken back.
    pub revocation: Option<&'static str>,
}

/// How we authenticate at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic [RFC 6749 §2.3.1].
    ClientSecretBasic,
    /// Secret in the form body.
    ClientSecretPost,
    /// A secret minted per request: a JWT signed with the developer's key.
    AppleJwt,
    /// No secret: PKCE alone.
    None,
}

/// Whether and how a profile is read with the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Userinfo {
    /// Whether a login includes the request. A connection whose endpoint is unknown goes without.
    pub fetch: bool,
    /// Where its subject stands; must equal the ID token's `sub` [OIDC Core §5.3.2].
    pub subject: &'static str,
    /// Added to the query.
    pub query: &'static [Parameter],
    /// Whether the query carries an HMAC of the token under our secret (`appsecret_proof`).
    pub proof: bool,
    /// A member and the value it must have for the answer to count as success.
    pub success: Option<Parameter>,
}

/// How a link is taken back upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revocation {
    /// The provider offers no such call.
    None,
    /// Token and client credentials in a form [RFC 7009 §2.1].
    Rfc7009,
    /// As RFC 7009, but the parameter is called `access_token`.
    AccessTokenForm,
    /// An empty POST with the access token as bearer.
    BearerPost,
    /// `DELETE` with the access token in the query, proven by an HMAC under our secret; `{subject}` is replaced.
    DeleteProven,
    /// `DELETE` with HTTP Basic and the access token in a JSON body.
    DeleteBasic,
}

/// How a button looks. The colours are the provider's conventions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Button {
    /// Text by language; `{name}` is replaced.
    pub labels: &'static [(&'static str, &'static str)],
    /// Background colour.
    pub background: &'static str,
    /// Text colour.
    pub foreground: &'static str,
    /// Border colour.
    pub border: &'static str,
}

/// What a provider said in one login. Absent answers are JSON `null`.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    /// Verified claims of the ID token.
    pub id_token: &'a Value,
    /// The profile.
    pub userinfo: &'a Value,
    /// The list of e-mail addresses.
    pub emails: &'a Value,
    /// The unsigned `user` object of a form post: good for suggestions only.
    pub user: &'a Value,
    /// JSON Pointers from the settings, by claim name, for the generic connectors.
    pub pointers: &'a BTreeMap<String, String>,
}

/// Who a provider says it is. The fields are the allow-list: nothing else an upstream says gets past.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// The provider's identifier of the person.
    pub subject: String,
    /// The address, and what the provider's word on it is worth.
    pub email: Option<(String, EmailTrust)>,
    /// The rest.
    pub attributes: Attributes,
}

/// No endpoints at all.
pub(super) const NO_ENDPOINTS: Endpoints =
    Endpoints { authorization: None, token: None, userinfo: None, emails: None, jwks: None, revocation: None };

/// No profile request.
pub(super) const NO_USERINFO: Userinfo =
    Userinfo { fetch: false, subject: "/sub", query: &[], proof: false, success: None };

/// What most OpenID Providers have in common.
pub(super) const OIDC: Preset = Preset {
    id: "",
    name: "",
    names: &[],
    protocol: Protocol::Oidc,
    issuer: "",
    issuer_rule: IssuerRule::Exact,
    endpoints: NO_ENDPOINTS,
    client_auth: ClientAuth::ClientSecretPost,
    algs: &["RS256"],
    pkce: true,
    form_post: false,
    scopes: &["openid", "profile", "email"],
    scope_delimiter: " ",
    parameters: &[],
    reauthenticate: &[("prompt", "login")],
    choose_account: &[("prompt", "select_account")],
    retry: None,
    login_hint: false,
    state_in_token_request: false,
    token_parameter: None,
    userinfo: NO_USERINFO,
    cancel: &["access_denied"],
    revocation: Revocation::None,
    trust_email: EmailTrust::Unverified,
    button: Button {
        labels: &[("ko", "{name}(으)로 계속"), ("en", "Continue with {name}"), ("ja", "{name}で続ける")],
        background: "#FFFFFF",
        foreground: "#1F1F1F",
        border: "#747775",
    },
    map: |_| None,
};

/// What most plain OAuth 2.0 providers have in common.
pub(super) const OAUTH2: Preset = Preset {
    protocol: Protocol::Oauth2,
    algs: &[],
    scopes: &[],
    reauthenticate: &[],
    choose_account: &[],
    userinfo: Userinfo { fetch: true, ..NO_USERINFO },
    ..OIDC
};
