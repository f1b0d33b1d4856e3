//! Refresh tokens [RFC 6749 §6, OIDC Core §12]: rotation, reuse and the grace window of RFC 9700 §4.14.2.

use super::{OFFLINE_ACCESS, invalid_grant};
use crate::jose::Sealer;
use crate::model::account::Status;
use crate::model::digest::{hmac_sha256, sha256};
use crate::model::grant::Family;
use crate::model::{Fault, Secret, UnixTime};
use crate::protocol::{ErrorCode, Params, Refused, Scope, TokenResponse};
use crate::provider::client_auth::AuthenticatedClient;
use crate::provider::issue::Issue;
use crate::provider::release::family_claims;
use crate::provider::{Error, Provider};
use crate::store::{NewRefresh, RefreshRecord, Rotation};

/// A refresh token about to be issued.
pub(in crate::provider) struct FreshToken {
    pub(in crate::provider) value: Secret<String>,
    pub(in crate::provider) record: NewRefresh,
}

impl Provider {
    pub(in crate::provider) fn new_refresh_token(&self, now: UnixTime) -> FreshToken {
        let value = self.0.random.token();
        let record = NewRefresh {
            hash: sha256(value.expose().as_bytes()),
            expires_at: now + self.0.lifetimes.refresh,
            idle_seconds: Some(self.0.lifetimes.refresh_idle),
        };
        FreshToken { value, record }
    }

    pub(super) async fn refresh(&self, params: &Params, client: &AuthenticatedClient) -> Result<TokenResponse, Error> {
        let presented = params
            .get("refresh_token")
            .ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "refresh_token is missing"))?;
        let now = self.0.clock.now();
        let hash = sha256(presented.as_bytes());
        let own = client.client();
        let found = self.0.store.refresh_grant(&hash, &own.id, &own.sector()).await?;
        let (record, person) = found.ok_or_else(unknown)?;
        let stands =
            record.family.revoked_at.is_none() && record.account_status == Status::Active && now < record.expires_at;
        if record.family.client != own.id || !stands {
            return Err(unknown());
        }
        let scope = narrowed(&record.family, params)?;
        let claims = family_claims(&record.family);
        let issue = Issue {
            family: &record.family,
            person: &person,
            scope: &scope,
            claims: &claims,
            nonce: None,
            // The right to come back falls with the scope it was given by, whatever else is still granted.
            rests_on: Some(OFFLINE_ACCESS),
        };
        let mut response = self.issue(own, issue, now).await?;
        if own.rotates() {
            let next = self.rotate(presented, &hash, &record, client, now).await?;
            response.refresh_token = Some(next.expose().clone());
        } else if !self.0.store.use_refresh_token(&hash, now).await? {
            return Err(unknown());
        }
        Ok(response)
    }

    async fn rotate(
        &self,
        presented: &str,
        hash: &[u8; 32],
        record: &RefreshRecord,
        client: &AuthenticatedClient,
        now: UnixTime,
    ) -> Result<Secret<String>, Error> {
        let mut next = self.new_refresh_token(now);
        // The family's end does not move with each rotation.
        next.record.expires_at = record.family.created_at + self.0.lifetimes.refresh;
        // Only who holds the old token can open its successor: a stolen database holds no token.
        let key = hmac_sha256(b"refresh-successor", presented.as_bytes());
        let sealer = Sealer::new(key, self.0.random.clone());
        let successor = sealer
            .seal("refresh_token", next.value.expose().as_bytes())
            .map_err(|error| Fault::new("seal a refresh token", error))?;
        let grace = client.client().refresh_grace_seconds.clamp(0, 60);
        match self.0.store.rotate_refresh_token(hash, next.record, successor.as_bytes(), grace, now).await? {
            Rotation::Rotated => Ok(next.value),
            Rotation::Repeated { sealed } => String::from_utf8(sealed)
                .ok()
                .and_then(|sealed| sealer.open("refresh_token", &sealed))
                .and_then(|value| String::from_utf8(value).ok())
                .map(Secret::new)
                .ok_or_else(unknown),
            Rotation::Reused | Rotation::Gone => Err(unknown()),
        }
    }
}

/// The scope of this refresh: what is asked, never more than was granted [RFC 6749 §6].
fn narrowed(family: &Family, params: &Params) -> Result<Scope, Error> {
    let granted = Scope::from_values(&family.scope);
    let Some(asked) = params.get("scope") else { return Ok(granted) };
    let asked: Scope = asked.parse()?;
    if !asked.is_subset_of(&granted) {
        return Err(Refused::new(ErrorCode::InvalidScope, "scope exceeds what was granted").into());
    }
    Ok(asked)
}

fn unknown() -> Error {
    invalid_grant("the refresh token is unknown, expired, revoked or already used")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::bench::bench;

    #[tokio::test]
    async fn a_refresh_gives_what_is_still_granted() {
        let bench = bench().await;
        bench.client(|_| {}).await;
        let session = bench.session(bench.person().await).await;
        let first = bench.redeem(&bench.code(&session).await).await.unwrap();
        let narrow = bench.refresh(&first.refresh_token.unwrap(), &[("scope", "profile")]).await.unwrap();
        assert_eq!((narrow.scope.to_string().as_str(), narrow.id_token), ("profile", None));
        let whole = bench.refresh(&narrow.refresh_token.unwrap(), &[]).await.unwrap();
        assert_eq!(whole.scope.to_string(), "openid profile offline_access");
        assert!(whole.id_token.is_some());

        bench.client(|client| client.release.scopes.retain(|scope| scope != "profile")).await;
        let less = bench.refresh(&whole.refresh_token.unwrap(), &[]).await.unwrap();
        assert_eq!(less.scope.to_string(), "openid offline_access");
        bench.client(|client| client.release.scopes.retain(|scope| scope != "offline_access")).await;
        let none = bench.refresh(&less.refresh_token.unwrap(), &[("scope", "openid")]).await;
        assert_eq!(none.unwrap_err(), ErrorCode::InvalidGrant);
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_is_given_again_and_a_stolen_token_ends_the_family() {
        let bench = bench().await;
        bench.client(|_| {}).await;
        let session = bench.session(bench.person().await).await;
        let first = bench.redeem(&bench.code(&session).await).await.unwrap().refresh_token.unwrap();
        let second = bench.refresh(&first, &[]).await.unwrap().refresh_token.unwrap();
        bench.clock.advance(9);
        assert_eq!(bench.refresh(&first, &[]).await.unwrap().refresh_token.unwrap(), second);
        bench.clock.advance(1);
        assert_eq!(bench.refresh(&first, &[]).await.unwrap_err(), ErrorCode::InvalidGrant);
        assert_eq!(bench.refresh(&second, &[]).await.unwrap_err(), ErrorCode::InvalidGrant);
    }
}
