//! The token endpoint [RFC 6749 §3.2]: shared phases once, then one file a grant.
//!
//! A grant cannot forget client authentication, its registration check or the account's status: it is reached only
//! through [`Provider::token`], and issues only through `issue`.

pub mod authorization_code;
pub mod client_credentials;
pub mod refresh_token;

use crate::model::client::GrantType;
use crate::protocol::{ErrorCode, Params, Refused, TokenResponse};
use crate::provider::client_auth::{AuthenticatedClient, ClientCredentials};
use crate::provider::{Error, Provider};

/// Every grant there is: feeds dispatch and discovery.
pub const GRANTS: &[GrantType] = &[GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];

/// The scope without which there is no refresh token [OIDC Core §11].
const OFFLINE_ACCESS: &str = "offline_access";

impl Provider {
    /// Answers a token request; says which grant it was for, once that is known.
    ///
    /// # Errors
    /// [`Error::Refused`] with a code of RFC 6749 §5.2, or [`Error::Fault`].
    pub async fn token(&self, params: &Params, credentials: ClientCredentials<'_>) -> Result<TokenResponse, Error> {
        let client = self.authenticate(params, credentials).await?;
        let named =
            params.get("grant_type").ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "grant_type is missing"))?;
        let grant = GRANTS
            .iter()
            .copied()
            .find(|grant| grant.as_str() == named)
            .ok_or_else(|| Refused::new(ErrorCode::UnsupportedGrantType, "grant_type is not supported"))?;
        if !client.client().allows_grant(grant) {
            return Err(Refused::new(ErrorCode::UnauthorizedClient, "the client may not use this grant").into());
        }
        self.dispatch(grant, params, &client).await
    }

    async fn dispatch(
        &self,
        grant: GrantType,
        params: &Params,
        client: &AuthenticatedClient,
    ) -> Result<TokenResponse, Error> {
        match grant {
            GrantType::AuthorizationCode => self.redeem_code(params, client).await,
            GrantType::RefreshToken => self.refresh(params, client).await,
            GrantType::ClientCredentials => self.client_credentials(params, client).await,
        }
    }
}

/// One text for everything wrong with a code or token: which of the checks failed is nobody's business.
pub(in crate::provider) fn invalid_grant(description: &'static str) -> Error {
    Refused::new(ErrorCode::InvalidGrant, description).into()
}
