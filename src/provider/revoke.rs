//! Token revocation [RFC 7009].

use super::client_auth::ClientCredentials;
use super::{Error, Provider};
use crate::model::UnixTime;
use crate::model::digest::sha256;
use crate::protocol::{ErrorCode, Params, Refused};

impl Provider {
    /// Revokes a token of the caller's. Unknown tokens and those of others are left alone, and nobody is told the
    /// difference [RFC 7009 §2.2]. A refresh token takes everything that descends from its grant along.
    ///
    /// # Errors
    /// `invalid_client`, `invalid_request`, or [`Error::Fault`]: success is said only of what is stored.
    pub async fn revoke(&self, params: &Params, credentials: ClientCredentials<'_>) -> Result<(), Error> {
        let caller = self.authenticate(params, credentials).await?;
        let token = params.get("token").ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "token is missing"))?;
        let now = self.0.clock.now();
        if let Some(access) = self.own_access_token(token, now).await? {
            if access.client_id == caller.client().id {
                self.0.store.revoke_token(&access.jti, UnixTime(access.exp)).await?;
            }
            return Ok(());
        }
        let hash = sha256(token.as_bytes());
        if let Some(record) = self.0.store.refresh_token(&hash).await?
            && record.family.client == caller.client().id
        {
            self.0.store.revoke_family(record.family.id, now).await?;
        }
        Ok(())
    }
}
