//! Token introspection [RFC 7662].

use serde_json::{Map, Value, json};

use super::access_token::LiveToken;
use super::client_auth::ClientCredentials;
use super::{Error, Provider};
use crate::model::account::Status;
use crate::model::client::Client;
use crate::model::digest::sha256;
use crate::policy::release::Delivery;
use crate::protocol::{ErrorCode, IntrospectionResponse, Params, Refused};
use crate::store::RefreshRecord;

impl Provider {
    /// Says what a token is worth to the caller: tokens of others are as inactive as unknown ones [RFC 7662 §2.2].
    ///
    /// # Errors
    /// `invalid_client`, `invalid_request`, or [`Error::Fault`]: a store that fails never reads as inactive.
    pub async fn introspect(
        &self,
        params: &Params,
        credentials: ClientCredentials<'_>,
    ) -> Result<IntrospectionResponse, Error> {
        let caller = self.authenticate(params, credentials).await?;
        if caller.client().is_public() {
            return Err(Refused::new(ErrorCode::InvalidClient, "introspection needs client authentication").into());
        }
        let token = params.get("token").ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "token is missing"))?;
        let now = self.0.clock.now();
        if let Some(live) = self.live_token(token, now).await? {
            return if concerns(&live, caller.client()) {
                self.describe(&live).await
            } else {
                Ok(IntrospectionResponse::inactive())
            };
        }
        self.describe_refresh_token(token, caller.client()).await
    }

    async fn describe(&self, live: &LiveToken) -> Result<IntrospectionResponse, Error> {
        let now = self.0.clock.now();
        let mut answer = match &live.granted {
            Some(_) => match self.claims_now(live, Delivery::Introspection, now).await {
                Ok(claims) => claims,
                Err(Error::Refused(_)) => return Ok(IntrospectionResponse::inactive()),
                Err(fault) => return Err(fault),
            },
            None => Map::new(),
        };
        let token = &live.token;
        let asserted = json!({
            "iss": token.iss,
            "sub": token.sub,
            "aud": token.aud,
            "client_id": token.client_id,
            "exp": token.exp,
            "iat": token.iat,
            "jti": token.jti,
            "token_type": "Bearer",
        });
        extend(&mut answer, asserted);
        if !token.scope.is_empty() {
            extend(&mut answer, json!({ "scope": token.scope }));
        }
        if let (Some(auth_time), Some(acr)) = (token.auth_time, &token.acr) {
            extend(&mut answer, json!({ "auth_time": auth_time, "acr": acr }));
        }
        Ok(IntrospectionResponse::active(answer))
    }

    async fn describe_refresh_token(&self, token: &str, caller: &Client) -> Result<IntrospectionResponse, Error> {
        let now = self.0.clock.now();
        let found = self.0.store.refresh_grant(&sha256(token.as_bytes()), &caller.id, &caller.sector()).await?;
        let usable = |record: &RefreshRecord| {
            record.family.client == caller.id
                && record.family.revoked_at.is_none()
                && record.account_status == Status::Active
                && record.used_at.is_none()
                && now < record.expires_at
        };
        let Some((record, person)) = found.filter(|(record, _)| usable(record)) else {
            return Ok(IntrospectionResponse::inactive());
        };
        let sub = self.subject_of(caller, &person, now).await?.0;
        let mut answer = Map::new();
        extend(
            &mut answer,
            json!({
                "iss": self.issuer(),
                "sub": sub,
                "client_id": caller.id,
                "exp": record.expires_at.0,
                "scope": record.family.scope.join(" "),
            }),
        );
        Ok(IntrospectionResponse::active(answer))
    }
}

/// Whether the token was issued to the caller, or for it.
fn concerns(live: &LiveToken, caller: &Client) -> bool {
    live.token.client_id == caller.id
        || live.token.aud == caller.id.as_str()
        || caller.audience.as_ref().is_some_and(|audience| *audience == live.token.aud)
}

fn extend(answer: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        answer.extend(more);
    }
}
