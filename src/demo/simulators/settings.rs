//! What a simulator is told when it is built: which provider, which registered applications, where it lives.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::SimulatorKeys;
use crate::jose::Jwk;
use crate::model::{Clock, Random, Secret};

/// A provider there is a simulator of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Google accounts: OpenID Connect.
    Google,
    /// Sign in with Apple: OpenID Connect with a form post.
    Apple,
    /// Kakao: OpenID Connect beside its own user API.
    Kakao,
    /// Naver: OAuth 2.0 only.
    Naver,
    /// LINE: OpenID Connect with symmetric ID tokens.
    Line,
    /// Facebook: OAuth 2.0 and the Graph API.
    Facebook,
}

impl Provider {
    /// Every provider, in the order of a sign-in page.
    pub const ALL: [Self; 6] = [Self::Google, Self::Apple, Self::Kakao, Self::Naver, Self::Line, Self::Facebook];

    /// The connection's usual id, e.g. `kakao`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Apple => "apple",
            Self::Kakao => "kakao",
            Self::Naver => "naver",
            Self::Line => "line",
            Self::Facebook => "facebook",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No provider of that name is simulated.
#[derive(Debug, thiserror::Error)]
#[error("no simulator of {0:?}")]
pub struct UnknownProvider(String);

impl FromStr for Provider {
    type Err = UnknownProvider;
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text).ok_or_else(|| UnknownProvider(text.to_owned()))
    }
}

/// The key with which an application proves itself to Apple instead of a secret.
#[derive(Clone, Debug)]
pub struct AppleKey {
    /// Ten characters; `iss` of the client secret.
    pub team_id: String,
    /// Ten characters; `kid` of the client secret.
    pub key_id: String,
    /// The public half, for P-256.
    pub public_jwk: Jwk,
}

/// An application as registered in the provider's console.
#[derive(Clone, Debug)]
pub struct ProviderClient {
    /// Where it is registered.
    pub provider: Provider,
    /// Kakao calls it REST API key, Apple Services ID, LINE channel id, Facebook app id.
    pub client_id: String,
    /// What its users know it by.
    pub name: String,
    /// Unused at Apple; empty at Kakao means the secret is not activated.
    pub client_secret: Secret<String>,
    /// Compared as whole strings.
    pub redirect_uris: Vec<String>,
    /// Apple only.
    pub apple: Option<AppleKey>,
    /// Kakao only: opens `/v1/user/unlink` without the user's token and stands in its unlink notices.
    pub admin_key: Option<Secret<String>>,
}

impl ProviderClient {
    /// An application that proves itself with a secret.
    pub fn new(provider: Provider, client_id: &str, client_secret: &str, redirect_uri: &str) -> Self {
        Self {
            provider,
            client_id: client_id.to_owned(),
            name: client_id.to_owned(),
            client_secret: client_secret.into(),
            redirect_uris: vec![redirect_uri.to_owned()],
            apple: None,
            admin_key: None,
        }
    }

    /// The same application by a name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same application with Apple's kind of key.
    pub fn with_apple_key(mut self, key: AppleKey) -> Self {
        self.apple = Some(key);
        self
    }
}

/// Where a provider's simulator is reached, e.g. `http://kakao.localhost:8080`, without a trailing slash; it is its issuer, too.
pub type BaseUrl = Arc<dyn Fn(Provider) -> String + Send + Sync>;

/// What [`Simulators::new`](super::Simulators::new) needs.
#[derive(Clone)]
pub struct SimulatorSettings {
    /// The registered applications of all providers.
    pub clients: Vec<ProviderClient>,
    /// Asked anew on each use, so a port may become known late.
    pub base_url: BaseUrl,
    /// Tells the time to all simulators.
    pub clock: Clock,
    /// Source of codes and tokens.
    pub random: Random,
    /// Signing keys; empty ones fill themselves.
    pub keys: SimulatorKeys,
}
