//! Authorization codes: kept, redeemed once, remembered when redeemed [RFC 6749 §4.1.3, OIDC Core §3.1.3].

use serde::{Deserialize, Serialize};

use super::{OFFLINE_ACCESS, invalid_grant};
use crate::cache::Slot;
use crate::model::client::GrantType;
use crate::model::digest::{b64, sha256};
use crate::model::grant::Family;
use crate::model::session::Authentication;
use crate::model::{AccountId, ClientId, Fault, Secret, SessionId, UnixTime};
use crate::protocol::{Challenge, ClaimsRequest, ErrorCode, Params, Refused, Scope, TokenResponse};
use crate::provider::client_auth::AuthenticatedClient;
use crate::provider::issue::{Issue, gone};
use crate::provider::{Error, Provider};
use crate::store::{self, Opened};

/// What a code stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Code {
    /// To whom it was issued.
    pub client: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Who agreed.
    pub account: AccountId,
    /// In which session.
    pub session: SessionId,
    /// How they had signed in.
    pub authentication: Authentication,
    /// What was granted.
    pub scope: Scope,
    /// The request's nonce.
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub code_challenge: Option<Challenge>,
    /// The request's `claims` parameter.
    pub claims: ClaimsRequest,
    /// When.
    pub issued_at: UnixTime,
}

/// Codes by the hash of their value. They live a minute at most; [`Lifetimes`](crate::provider::Lifetimes) may say less.
const CODES: Slot<Code> = Slot::new("code", 60);

impl Provider {
    pub(in crate::provider) async fn keep_code(&self, code: &Code) -> Result<Secret<String>, Fault> {
        let value = self.0.random.token();
        self.0.cache.put(&CODES, &key(value.expose()), code).await?;
        Ok(value)
    }

    pub(super) async fn redeem_code(
        &self,
        params: &Params,
        client: &AuthenticatedClient,
    ) -> Result<TokenResponse, Error> {
        let value = params.get("code").ok_or_else(|| invalid_request("code is missing"))?;
        let now = self.0.clock.now();
        let hash = sha256(value.as_bytes());
        // Taking it is the single use: whoever comes second finds nothing.
        let Some(code) = self.0.cache.take(&CODES, &key(value)).await? else {
            self.0.store.revoke_family_of_code(&hash, now).await?;
            return Err(invalid_grant("the code is unknown, expired or already used"));
        };
        self.check_code(&code, params, client, now)?;
        let opened = self.open(&code, &hash, client, now).await;
        if let Err(Error::Fault(_)) = &opened {
            // The client may come again. Should its grant be there after all, the hash of its code tells.
            drop(self.0.cache.put(&CODES, &key(value), &code).await);
        }
        opened
    }

    async fn open(
        &self,
        code: &Code,
        hash: &[u8; 32],
        client: &AuthenticatedClient,
        now: UnixTime,
    ) -> Result<TokenResponse, Error> {
        let family = Family {
            id: self.0.random.id(now),
            account: code.account,
            client: code.client.clone(),
            session: Some(code.session),
            scope: code.scope.to_vec(),
            authentication: code.authentication.clone(),
            nonce: code.nonce.clone(),
            claims: code.claims.to_json(),
            created_at: now,
            revoked_at: None,
        };
        let person = self.person(client.client(), code.account).await?.ok_or_else(gone)?;
        let issue = Issue {
            family: &family,
            person: &person,
            scope: &code.scope,
            claims: &code.claims,
            nonce: family.nonce.as_deref(),
            rests_on: None,
        };
        let mut response = self.issue(client.client(), issue, now).await?;
        let may_refresh =
            client.client().allows_grant(GrantType::RefreshToken) && response.scope.contains(OFFLINE_ACCESS);
        let refresh = may_refresh.then(|| self.new_refresh_token(now));
        let stored = refresh.as_ref().map(|refresh| refresh.record);
        match self.0.store.open_family(&family, Some(hash), stored, now).await {
            Ok(Opened::Opened) => {}
            Ok(Opened::CodeReused) => return Err(invalid_grant("the code is unknown, expired or already used")),
            // The session ended or the account was suspended since the code was issued.
            Err(store::Error::Conflict(_)) => return Err(invalid_grant("the session has ended")),
            Err(error) => return Err(error.into()),
        }
        response.refresh_token = refresh.map(|refresh| refresh.value.expose().clone());
        Ok(response)
    }

    fn check_code(
        &self,
        code: &Code,
        params: &Params,
        client: &AuthenticatedClient,
        now: UnixTime,
    ) -> Result<(), Error> {
        let lifetime = i64::try_from(self.0.lifetimes.code).unwrap_or(60);
        if code.client != client.client().id {
            return Err(invalid_grant("the code was issued to another client"));
        }
        if now.since(code.issued_at) > lifetime {
            return Err(invalid_grant("the code is unknown, expired or already used"));
        }
        if params.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
            return Err(invalid_grant("redirect_uri differs from the authorization request"));
        }
        match (&code.code_challenge, params.get("code_verifier")) {
            (None, None) => Ok(()),
            (Some(challenge), Some(verifier)) => {
                if challenge.verify(verifier) {
                    Ok(())
                } else {
                    Err(invalid_grant("code_verifier does not match"))
                }
            }
            // Either way round this is a downgrade [RFC 9700 §4.8.2].
            (Some(_), None) => Err(invalid_grant("code_verifier is missing")),
            (None, Some(_)) => Err(invalid_grant("no code_challenge was sent")),
        }
    }
}

fn key(code: &str) -> String {
    b64(&sha256(code.as_bytes()))
}

fn invalid_request(description: &'static str) -> Error {
    Refused::new(ErrorCode::InvalidRequest, description).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::bench::{VERIFIER, bench};
    use crate::provider::client_auth::ClientCredentials;

    #[tokio::test]
    async fn a_code_works_once_and_its_reuse_ends_what_it_gave() {
        let bench = bench().await;
        bench.client(|_| {}).await;
        let session = bench.session(bench.person().await).await;
        let code = bench.code(&session).await;
        let tokens = bench.redeem(&code).await.unwrap();
        assert!(tokens.id_token.is_some() && tokens.refresh_token.is_some());
        assert!(bench.provider.userinfo_token(&tokens.access_token).await.is_ok());
        assert_eq!(bench.redeem(&code).await.unwrap_err(), ErrorCode::InvalidGrant);
        assert!(bench.provider.userinfo_token(&tokens.access_token).await.is_err());
        let refreshed = bench.refresh(&tokens.refresh_token.unwrap(), &[]).await;
        assert_eq!(refreshed.unwrap_err(), ErrorCode::InvalidGrant);
    }

    #[tokio::test]
    async fn a_code_ends_with_its_session() {
        let bench = bench().await;
        bench.client(|_| {}).await;
        let session = bench.session(bench.person().await).await;
        let code = bench.code(&session).await;
        bench.store.end_session(session.account, session.id, bench.clock.now()).await.unwrap();
        assert_eq!(bench.redeem(&code).await.unwrap_err(), ErrorCode::InvalidGrant);
    }

    #[tokio::test]
    async fn what_breaks_on_our_side_costs_nobody_their_code() {
        let bench = bench().await;
        // There is no key of this algorithm.
        bench.client(|client| client.id_token_signed_response_alg = "RS256".to_owned()).await;
        let session = bench.session(bench.person().await).await;
        let code = bench.code(&session).await;
        let params = Params::new()
            .with("grant_type", "authorization_code")
            .with("client_id", "app")
            .with("redirect_uri", "https://app.example.com/cb")
            .with("code_verifier", VERIFIER)
            .with("code", &*code);
        let outcome = bench.provider.token(&params, ClientCredentials::default()).await;
        assert!(matches!(outcome, Err(Error::Fault(_))));
        bench.client(|_| {}).await;
        assert!(bench.redeem(&code).await.is_ok());
    }
}
