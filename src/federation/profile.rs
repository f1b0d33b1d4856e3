//! What a finished upstream login tells the rooms above.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::account::{Attribute, Verification};
use crate::model::identity::{IdentityKey, UpstreamTokens};
use crate::model::{Secret, UnixTime};
pub use crate::policy::linking::EmailTrust;

/// Descriptive claims, cleaned: no control or bidirectional characters, limited length, absent rather than empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Full name.
    pub name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// What they like to be called.
    pub nickname: Option<String>,
    /// `http` or `https` address of a picture.
    pub picture: Option<String>,
    /// Telephone number in E.164 form, as the provider holds it.
    pub phone_number: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY` [OIDC Core §5.1].
    pub birthdate: Option<String>,
    /// `female`, `male` or another word.
    pub gender: Option<String>,
    /// BCP 47 language tag.
    pub locale: Option<String>,
    /// IANA time zone.
    pub zoneinfo: Option<String>,
}

impl Attributes {
    /// The claims that are present, by their OIDC names.
    pub fn present(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("name", &self.name),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("nickname", &self.nickname),
            ("picture", &self.picture),
            ("phone_number", &self.phone_number),
            ("birthdate", &self.birthdate),
            ("gender", &self.gender),
            ("locale", &self.locale),
            ("zoneinfo", &self.zoneinfo),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
    }
}

/// A proven login at an upstream provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpstreamProfile {
    /// What the identity is known by: the only thing an account is ever found by.
    pub key: IdentityKey,
    /// The address the provider holds.
    pub email: Option<String>,
    /// What its word on that address is worth, after the provider's rule and the connection's ceiling.
    pub email_trust: EmailTrust,
    /// Who they are.
    pub attributes: Attributes,
    /// When the person last proved themselves upstream, if the provider says.
    pub auth_time: Option<UnixTime>,
    /// The provider's `acr`; absent unless the connection is trusted in writing to know.
    pub acr: Option<String>,
    /// The provider's `amr`; empty unless the connection is trusted in writing to know.
    pub amr: Vec<String>,
    /// Tokens for later calls. Serialised in the clear: whoever keeps a profile seals it.
    #[serde(with = "tokens")]
    pub tokens: UpstreamTokens,
}

impl UpstreamProfile {
    /// Whether the provider vouches for the address at all.
    pub fn email_verified(&self) -> bool {
        self.email.is_some() && self.email_trust != EmailTrust::Unverified
    }

    /// A name to tell the identity by on the account page.
    pub fn label(&self) -> Option<&str> {
        let names = [&self.email, &self.attributes.nickname, &self.attributes.name];
        names.into_iter().find_map(Option::as_deref)
    }

    /// The descriptive claims as attributes with this connection as their source. All unverified: that an upstream
    /// holds a name or a number proves it to nobody here.
    pub fn to_attributes(&self, now: UnixTime) -> Vec<Attribute> {
        let source = format!("connection:{}", self.key.connection);
        self.attributes
            .present()
            .map(|(name, value)| Attribute {
                name: name.to_owned(),
                value: Value::from(value),
                source: source.clone(),
                verification: Verification::Unverified,
                observed_at: now,
            })
            .collect()
    }
}

mod tokens {
    use super::{Deserialize, Secret, Serialize, UnixTime, UpstreamTokens};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(tokens: &UpstreamTokens, serializer: S) -> Result<S::Ok, S::Error> {
        let access = tokens.access_token.as_ref().map(Secret::expose);
        let refresh = tokens.refresh_token.as_ref().map(Secret::expose);
        (access, refresh, tokens.expires_at).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UpstreamTokens, D::Error> {
        type Parts = (Option<Secret<String>>, Option<Secret<String>>, Option<UnixTime>);
        let (access_token, refresh_token, expires_at) = Parts::deserialize(deserializer)?;
        Ok(UpstreamTokens { access_token, refresh_token, expires_at })
    }
}
