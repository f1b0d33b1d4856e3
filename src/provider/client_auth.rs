//! Client authentication [RFC 6749 §2.3, OIDC Core §9]: exactly the one method the client is registered for.

use std::sync::Arc;

use super::{Error, Provider, paths};
use crate::cache::Slot;
use crate::jose::{self, Alg, Audience, Expected, Unverified};
use crate::model::client::{AuthMethod, Client};
use crate::model::digest::{constant_time_eq, sha256_b64};
use crate::model::{ClientId, UnixTime};
use crate::protocol::{ErrorCode, Params, Presented, Refused};
use crate::store::RegisteredClient;

/// Identifiers of assertions seen, for as long as they could be offered again [RFC 7523 §3 item 7].
const ASSERTIONS: Slot<u8> = Slot::new("assertion", 660);

/// Every method there is: feeds discovery.
pub const AUTH_METHODS: &[AuthMethod] =
    &[AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost, AuthMethod::PrivateKeyJwt, AuthMethod::None];

/// What a request carries besides its parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCredentials<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
}

/// A client that proved who it is, or a public one that says so.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<RegisteredClient>);

impl AuthenticatedClient {
    /// Its metadata.
    pub fn client(&self) -> &Client {
        &self.0.client
    }
}

impl Provider {
    /// Authenticates the caller of an endpoint for clients.
    ///
    /// # Errors
    /// `invalid_client` whatever is wrong, `invalid_request` for two methods at once, or [`Error::Fault`].
    pub(super) async fn authenticate(
        &self,
        params: &Params,
        credentials: ClientCredentials<'_>,
    ) -> Result<AuthenticatedClient, Error> {
        let presented = Presented::parse(credentials.authorization, params)?;
        let id = match &presented {
            Presented::Name(id)
            | Presented::Basic(id, _)
            | Presented::Post(id, _)
            | Presented::Assertion(Some(id), _) => id.clone(),
            Presented::Assertion(None, assertion) => {
                let unverified = Unverified::parse(assertion.expose()).map_err(|_| refused())?;
                ClientId::from(unverified.peek("sub").ok_or_else(refused)?)
            }
        };
        let registered = self.0.store.client(&id).await?.ok_or_else(refused)?;
        if registered.client.disabled || registered.client.token_endpoint_auth_method != presented.method() {
            return Err(refused());
        }
        let now = self.0.clock.now();
        let proven = match &presented {
            Presented::Name(_) => true,
            Presented::Basic(_, secret) | Presented::Post(_, secret) => {
                secret_matches(&registered, secret.expose(), now)
            }
            Presented::Assertion(_, assertion) => self.assertion_holds(&registered, assertion.expose(), now).await?,
        };
        if proven { Ok(AuthenticatedClient(registered)) } else { Err(refused()) }
    }

    /// Checks an assertion [RFC 7523 §3]: signed by a registered key, about this client, for us, short-lived, new.
    async fn assertion_holds(
        &self,
        registered: &RegisteredClient,
        assertion: &str,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let Some(keys) = registered.keys() else { return Ok(false) };
        let client = &registered.client;
        let issuer = self.issuer();
        let [token, introspect, revoke] =
            [paths::TOKEN, paths::INTROSPECT, paths::REVOKE].map(|path| format!("{issuer}{path}"));
        let audiences = [issuer, &token, &introspect, &revoke];
        let audience = Audience::Includes(&audiences);
        let expected = Expected::client_assertion(&Alg::ALL, client.id.as_str(), audience);
        let Ok(claims) = jose::verify(assertion, keys, &expected, now) else { return Ok(false) };
        let Some(jti) = claims.jti().filter(|jti| !jti.is_empty()) else { return Ok(false) };
        let key = format!("{}:{}", client.id, sha256_b64(jti));
        Ok(self.0.cache.put_new(&ASSERTIONS, &key, &0).await?)
    }
}

/// Compares with each valid secret in constant time, after hashing.
fn secret_matches(registered: &RegisteredClient, secret: &str, now: UnixTime) -> bool {
    let offered = sha256_b64(secret);
    registered
        .secret_hashes
        .iter()
        .filter(|hash| hash.expires_at.is_none_or(|end| now < end))
        .any(|hash| constant_time_eq(hash.sha256.as_bytes(), offered.as_bytes()))
}

fn refused() -> Error {
    Refused::new(ErrorCode::InvalidClient, "client authentication failed").into()
}
