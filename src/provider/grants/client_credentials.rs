//! Client credentials [RFC 6749 §4.4]: the client on its own behalf. No refresh token, no ID token, no person.

use crate::protocol::{ErrorCode, Params, Refused, Scope, TokenResponse, TokenType};
use crate::provider::access_token::AccessToken;
use crate::provider::client_auth::AuthenticatedClient;
use crate::provider::{Error, Provider};

/// Scopes about a person: meaningless without one.
const PERSONAL: &[&str] = &["openid", "offline_access"];

impl Provider {
    pub(super) async fn client_credentials(
        &self,
        params: &Params,
        client: &AuthenticatedClient,
    ) -> Result<TokenResponse, Error> {
        let client = client.client();
        let scope: Scope = params.get("scope").unwrap_or_default().parse()?;
        let allowed = |name: &str| {
            client.release.scopes.contains(name) && !PERSONAL.contains(&name) && !self.0.rules.scopes().contains(name)
        };
        if scope.iter().any(|name| !allowed(name)) {
            return Err(Refused::new(ErrorCode::InvalidScope, "a requested scope is not available").into());
        }
        let now = self.0.clock.now();
        let token = AccessToken {
            // Subjects of people begin with `u_` or `p_`, which no client id may: the two can never be equal.
            sub: client.id.to_string(),
            family: None,
            ..self.access_token(client, &scope, now)
        };
        Ok(TokenResponse {
            access_token: self.encode_access_token(client, &token).await?,
            token_type: TokenType::Bearer,
            expires_in: self.0.lifetimes.access,
            refresh_token: None,
            id_token: None,
            scope,
        })
    }
}
