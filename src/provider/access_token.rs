//! Access tokens: made, written as JWT or sealed, and read back.

use serde::{Deserialize, Serialize};

use super::{Error, Provider};
use crate::jose::{Alg, Expected};
use crate::model::client::{AccessTokenFormat, Client};
use crate::model::grant::Family;
use crate::model::member::Membership;
use crate::model::{ClientId, FamilyId, Fault, UnixTime};
use crate::protocol::{Scope, jwt_types};
use crate::store::Person;

/// The content of an access token [RFC 9068 §2.2], the same in both formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// Issuer.
    pub iss: String,
    /// The client's subject for the person, or the client itself.
    pub sub: String,
    /// The one resource server it is for.
    pub aud: String,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// When it ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its identifier.
    pub jti: String,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// When the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The family it descends from; none where no person is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<FamilyId>,
}

impl AccessToken {
    /// Whether it carries the scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|name| name == scope)
    }
}

/// An access token that is in force, with what it descends from.
#[derive(Clone, Debug)]
pub struct LiveToken {
    /// Its content.
    pub token: AccessToken,
    /// What it stands on; nothing where no person is involved.
    pub(super) granted: Option<Granted>,
}

/// What an access token about a person stands on, as it was when the token was read.
#[derive(Clone, Debug)]
pub(super) struct Granted {
    pub(super) family: Family,
    pub(super) person: Person,
}

impl LiveToken {
    /// The memberships of the person it is about, as they were when the token was read.
    pub fn memberships(&self) -> &[Membership] {
        self.granted.as_ref().map_or(&[], |granted| &granted.person.profile.memberships)
    }
}

impl Provider {
    pub(super) fn access_token(&self, client: &Client, scope: &Scope, now: UnixTime) -> AccessToken {
        AccessToken {
            iss: self.issuer().to_owned(),
            sub: String::new(),
            aud: client.audience.clone().unwrap_or_else(|| client.id.to_string()),
            client_id: client.id.clone(),
            exp: (now + self.0.lifetimes.access).0,
            iat: now.0,
            jti: self.0.random.handle(),
            scope: scope.to_string(),
            auth_time: None,
            acr: None,
            family: None,
        }
    }

    pub(super) async fn encode_access_token(&self, client: &Client, token: &AccessToken) -> Result<String, Fault> {
        match client.access_token_format {
            AccessTokenFormat::Jwt => {
                let named = client.access_token_signed_response_alg.parse();
                let alg: Alg = named.map_err(|error| Fault::new("find a signing key", error))?;
                self.0.keys.sign(alg, jwt_types::ACCESS_TOKEN, token, UnixTime(token.iat)).await
            }
            AccessTokenFormat::Opaque => {
                let content = serde_json::to_vec(token).map_err(|error| Fault::new("encode access token", error))?;
                let sealed = self.0.sealer.seal("access_token", &content);
                sealed.map_err(|error| Fault::new("seal an access token", error))
            }
        }
    }

    /// Reads a token of either format; `None` unless we issued it and it has not ended.
    async fn decode_access_token(&self, text: &str, now: UnixTime) -> Result<Option<AccessToken>, Fault> {
        let token: Option<AccessToken> = if text.contains('.') {
            let expected = Expected::access_token(self.issuer());
            self.0.keys.verify(text, &expected, now).await?.ok().and_then(|claims| claims.read())
        } else {
            self.0.sealer.open("access_token", text).and_then(|content| serde_json::from_slice(&content).ok())
        };
        Ok(token.filter(|token| token.iss == self.issuer() && now.0 < token.exp))
    }

    /// The token, if it is ours, has not ended, and neither it nor its family, its account or, where there is none, its
    /// client was stopped.
    pub(super) async fn live_token(&self, text: &str, now: UnixTime) -> Result<Option<LiveToken>, Error> {
        let Some(token) = self.decode_access_token(text, now).await? else { return Ok(None) };
        let Some(family) = token.family else {
            let stopped =
                self.client(&token.client_id).await?.is_none() || self.0.store.is_token_revoked(&token.jti).await?;
            return Ok((!stopped).then_some(LiveToken { token, granted: None }));
        };
        let grant = self.0.store.live_grant(family, &token.jti, &token.client_id).await?;
        let granted = grant.map(|(family, person)| Granted { family, person });
        Ok(granted.map(|granted| LiveToken { token, granted: Some(granted) }))
    }

    /// The content of a token of ours, in force or not, as long as it has not ended; for revocation.
    pub(super) async fn own_access_token(&self, text: &str, now: UnixTime) -> Result<Option<AccessToken>, Fault> {
        self.decode_access_token(text, now).await
    }
}
