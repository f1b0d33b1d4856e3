//! Relying parties, and the policy that holds for each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::grant::Sector;
use super::{ClientId, ProgrammeId, UnixTime};

/// How a client authenticates at the token endpoint [OIDC Core §9]. Exactly one per client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client: PKCE instead of a secret.
    None,
    /// HTTP Basic [RFC 6749 §2.3.1].
    #[default]
    ClientSecretBasic,
    /// Secret in the form body.
    ClientSecretPost,
    /// A signed assertion [RFC 7523 §2.2].
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// Grants a client may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// [RFC 6749 §4.1]
    AuthorizationCode,
    /// [RFC 6749 §6]
    RefreshToken,
    /// [RFC 6749 §4.4]
    ClientCredentials,
}

impl GrantType {
    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// Which `sub` a client sees [OIDC Core §8].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same as every other public client.
    #[default]
    Public,
    /// Its sector's own.
    Pairwise,
}

/// What an access token looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// A signed JWT any resource server can check [RFC 9068].
    #[default]
    Jwt,
    /// Meaningless to all but us.
    Opaque,
}

/// The legal relation between the operator and the client's owner; decides the form of the consent page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relationship {
    /// The operator's own site.
    #[default]
    SameController,
    /// Works on the operator's behalf (KR 위탁).
    Processor,
    /// Another company (KR 제3자 제공): consent is never skipped.
    ThirdParty,
}

/// What a client may receive at most, whatever it asks for and the person agrees to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReleasePolicy {
    /// Scopes it may ask for, `openid` included.
    pub scopes: BTreeSet<String>,
    /// Single claims it may ask for by the `claims` parameter beyond those of its scopes.
    pub claims: BTreeSet<String>,
    /// Claims its scopes must not bring along.
    pub except: BTreeSet<String>,
    /// Programmes whose memberships it may see; all when empty.
    pub programmes: BTreeSet<ProgrammeId>,
    /// The membership proof it insists on, above each scope's own.
    pub min_proof: Option<super::member::ProofLevel>,
}

/// A relying party's registered metadata [OIDC Registration §2, RFC 7591 §2] and policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// `client_id`.
    #[serde(rename = "client_id")]
    pub id: ClientId,
    /// The name people see.
    pub client_name: String,
    /// The company behind it, named on the consent page.
    #[serde(default)]
    pub legal_entity: String,
    /// Its relation to the operator.
    #[serde(default)]
    pub relationship: Relationship,
    /// Where responses may go; compared byte for byte. Kept as text: parsing would normalise.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where logout may return to; compared byte for byte [OIDC RP-Initiated Logout §3.1].
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it authenticates.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// Its public keys, a JWK Set, for `private_key_jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// What it may do at the token endpoint.
    #[serde(default = "default_grant_types")]
    pub grant_types: BTreeSet<GrantType>,
    /// `alg` of its ID tokens.
    #[serde(default = "default_alg")]
    pub id_token_signed_response_alg: String,
    /// Which `sub` it sees.
    #[serde(default)]
    pub subject_type: SubjectType,
    /// The document naming the redirect URIs of its sector [OIDC Core §8.1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<Url>,
    /// What its access tokens look like.
    #[serde(default)]
    pub access_token_format: AccessTokenFormat,
    /// `alg` of its access tokens where they are JWTs [RFC 9068 §2.1]. The default stays unwritten: releases that do not
    /// know this go on reading the row.
    #[serde(default = "default_alg", skip_serializing_if = "is_default_alg")]
    pub access_token_signed_response_alg: String,
    /// The resource server its access tokens are for (claim `aud`); its own `client_id` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whether a request without `code_challenge` is refused. Public clients always need one.
    #[serde(default = "default_true")]
    pub require_pkce: bool,
    /// Whether refresh tokens rotate on use; always so for public clients.
    #[serde(default)]
    pub rotate_refresh_tokens: bool,
    /// Seconds in which the previous refresh token still yields the same successor; at most 60.
    #[serde(default = "default_grace")]
    pub refresh_grace_seconds: i64,
    /// `default_max_age` [OIDC Registration §2], seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<i64>,
    /// Shown on sign-in and consent pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<Url>,
    /// The client's privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<Url>,
    /// The client's terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<Url>,
    /// Its home page, linked from the account page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<Url>,
    /// What it may receive at most.
    #[serde(default)]
    pub release: ReleasePolicy,
    /// Refused everywhere while set.
    #[serde(default)]
    pub disabled: bool,
}

fn default_grant_types() -> BTreeSet<GrantType> {
    BTreeSet::from([GrantType::AuthorizationCode])
}

fn default_alg() -> String {
    "RS256".to_owned()
}

fn is_default_alg(alg: &str) -> bool {
    alg == "RS256"
}

const fn default_true() -> bool {
    true
}

const fn default_grace() -> i64 {
    10
}

impl Client {
    /// Whether it has no credential of its own.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }

    /// Whether it may use the grant.
    pub fn allows_grant(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether each use of a refresh token replaces it.
    pub fn rotates(&self) -> bool {
        self.is_public() || self.rotate_refresh_tokens
    }

    /// The web origins its responses go to, as browsers write them; an application's own scheme is none.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        let urls = self.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
        urls.filter(|url| matches!(url.scheme(), "https" | "http")).map(|url| url.origin().ascii_serialization())
    }

    /// The sector its `sub` belongs to: the host of `sector_identifier_uri`, else of its redirect URIs [OIDC Core §8.1].
    pub fn sector(&self) -> Sector {
        if self.subject_type == SubjectType::Public {
            return Sector::public();
        }
        let host = self.sector_identifier_uri.clone().or_else(|| self.redirect_uris.first()?.parse().ok());
        let host = host.as_ref().and_then(Url::host_str).map(str::to_owned);
        // A native client's custom scheme has no host: the client is then a sector of its own.
        Sector(host.unwrap_or_else(|| format!("client:{}", self.id)))
    }
}

/// The hash of a client secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHash {
    /// SHA-256 of the secret, base64url.
    pub sha256: String,
    /// When it stops being accepted.
    pub expires_at: Option<UnixTime>,
}
