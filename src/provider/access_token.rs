//! Access tokens: made, written as JWT or sealed, and read back.

use serde::{Deserialize, Serialize};

use super::{Error, Provider};
use crate::jose::{self, Alg, Expected};
use crate::model::client::{AccessTokenFormat, Client};
use crate::model::grant::Family;
use crate::model::{ClientId, FamilyId, Fault, UnixTime};
use crate::protocol::{Scope, jwt_types};

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
    /// Its family; none where no person is involved.
    pub family: Option<Family>,
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

    pub(super) fn encode_access_token(&self, client: &Client, token: &AccessToken) -> Result<String, Fault> {
        match client.access_token_format {
            AccessTokenFormat::Jwt => {
                let alg = client.access_token_signed_response_alg.parse::<Alg>();
                let alg = alg.map_err(|error| Fault::new("find a signing key", error))?;
                self.0.keys.sign(alg, jwt_types::ACCESS_TOKEN, token, UnixTime(token.iat))
            }
            AccessTokenFormat::Opaque => {
                let content = serde_json::to_vec(token).map_err(|error| Fault::new("encode access token", error))?;
                let sealed = self.0.sealer.seal("access_token", &content);
                sealed.map_err(|error| Fault::new("seal an access token", error))
            }
        }
    }

    /// Reads a token of either format; `None` unless we issued it and it has not ended.
    fn decode_access_token(&self, text: &str, now: UnixTime) -> Option<AccessToken> {
        let token: AccessToken = if text.contains('.') {
            let expected = Expected::access_token(self.issuer());
            jose::verify(text, &*self.0.keys.ring(), &expected, now).ok()?.read()?
        } else {
            serde_json::from_slice(&self.0.sealer.open("access_token", text)?).ok()?
        };
        (token.iss == self.issuer() && now.0 < token.exp).then_some(token)
    }

    /// The token, if it is ours, has not ended, and neither it nor its family, its account or, where there is none, its
    /// client was stopped.
    pub(super) async fn live_token(&self, text: &str, now: UnixTime) -> Result<Option<LiveToken>, Error> {
        let Some(token) = self.decode_access_token(text, now) else { return Ok(None) };
        let Some(family) = token.family else {
            let stopped =
                self.client(&token.client_id).await?.is_none() || self.0.store.is_token_revoked(&token.jti).await?;
            return Ok((!stopped).then_some(LiveToken { token, family: None }));
        };
        let status = self.0.store.token_status(family, &token.jti).await?;
        Ok(status.live_family().map(|family| LiveToken { token, family: Some(family) }))
    }

    /// The content of a token of ours, in force or not, as long as it has not ended; for revocation.
    pub(super) fn own_access_token(&self, text: &str, now: UnixTime) -> Option<AccessToken> {
        self.decode_access_token(text, now)
    }
}
