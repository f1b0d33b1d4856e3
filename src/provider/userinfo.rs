//! The UserInfo endpoint [OIDC Core §5.3]: consent and facts are judged at the time of the call.

use serde_json::{Map, Value};

use super::access_token::{Granted, LiveToken};
use super::release::{Asked, family_claims};
use super::{Error, Provider};
use crate::model::{Fault, UnixTime};
use crate::policy::release::Delivery;
use crate::protocol::{ErrorCode, Refused, Scope};

impl Provider {
    /// The live access token behind a bearer value, fit for UserInfo.
    ///
    /// # Errors
    /// `invalid_token` or `insufficient_scope` [RFC 6750 §3.1], or [`Error::Fault`].
    pub async fn userinfo_token(&self, bearer: &str) -> Result<LiveToken, Error> {
        let now = self.0.clock.now();
        let live = self.live_token(bearer, now).await?.ok_or_else(invalid_token)?;
        if live.granted.is_none() {
            return Err(invalid_token());
        }
        if !live.token.has_scope("openid") {
            return Err(Refused::new(ErrorCode::InsufficientScope, "the token lacks the scope openid").into());
        }
        Ok(live)
    }

    /// Reads the person a live token is about once more: something about them was learned since.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn read_anew(&self, live: &mut LiveToken) -> Result<(), Fault> {
        if let Some(granted) = &mut live.granted {
            let grant = self.0.store.live_grant(granted.family.id, &live.token.jti, &granted.family.client).await?;
            live.granted = grant.map(|(family, person)| Granted { family, person });
        }
        Ok(())
    }

    /// The claims a live token's client gets now.
    ///
    /// # Errors
    /// `invalid_token` when client or account are gone, or [`Error::Fault`].
    pub async fn userinfo(&self, live: &LiveToken) -> Result<Map<String, Value>, Error> {
        let now = self.0.clock.now();
        let mut claims = self.claims_now(live, Delivery::UserInfo, now).await?;
        claims.insert("sub".to_owned(), Value::String(live.token.sub.clone()));
        Ok(claims)
    }

    pub(super) async fn claims_now(
        &self,
        live: &LiveToken,
        delivery: Delivery,
        now: UnixTime,
    ) -> Result<Map<String, Value>, Error> {
        let Granted { family, person } = live.granted.as_ref().ok_or_else(invalid_token)?;
        let client = self.client(&family.client).await?.ok_or_else(invalid_token)?;
        let scope: Scope = live.token.scope.parse().unwrap_or_default();
        let claims = family_claims(family);
        let asked = Asked::now(&client, family.account, &scope, &claims, now);
        Ok(self.judge(&asked, person, now).claims_for(delivery))
    }
}

fn invalid_token() -> Error {
    Refused::new(ErrorCode::InvalidToken, "the access token is unknown, expired or revoked").into()
}
