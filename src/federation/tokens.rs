//! The token endpoint: a code becomes tokens.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use ::oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use ::oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardErrorResponse, StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::connection::{Algs, Connection};
use super::connector::ClientAuth;
use super::failure::{Reason, Stopped};
use super::http::token_request;
use super::login::Login;
use crate::model::identity::UpstreamTokens;
use crate::model::{Secret, UnixTime};
use crate::outbound::Outbound;

/// A token answer as providers really send it: `expires_in` as text, `scope` as anything.
#[derive(Deserialize, Serialize)]
pub(super) struct Tokens {
    access_token: AccessToken,
    #[serde(default = "bearer", deserialize_with = "any_case")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    id_token: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl Tokens {
    pub(super) fn access(&self) -> &str {
        self.access_token.secret()
    }

    pub(super) fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref()
    }

    /// What is worth keeping for later calls.
    pub(super) fn kept(&self, now: UnixTime) -> UpstreamTokens {
        let lifetime = self.expires_in.and_then(|seconds| i64::try_from(seconds).ok());
        UpstreamTokens {
            access_token: Some(Secret::new(self.access_token.secret().clone())),
            refresh_token: self.refresh_token.as_ref().map(|token| Secret::new(token.secret().clone())),
            expires_at: lifetime.map(|seconds| now + seconds),
        }
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

fn any_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BasicTokenType, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(if text.eq_ignore_ascii_case("bearer") { BasicTokenType::Bearer } else { BasicTokenType::Extension(text) })
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// An OAuth client of the library's, for answers as providers really send them.
pub(super) type OauthClient<HasAuthUrl, HasTokenUrl> = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    HasAuthUrl,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    HasTokenUrl,
>;

/// Redeems the code of a login. The code is spent whatever comes of it.
pub(super) async fn redeem(login: &Login<'_>, code: &str) -> Result<Tokens, Stopped> {
    let connection = login.connection;
    let client = client(login)?;
    let mut request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
    if let Some(verifier) = &login.pending.code_verifier {
        request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.clone()));
    }
    if connection.preset.state_in_token_request {
        request = request.add_extra_param("state", login.state);
    }
    if let Some((alg, (name, value))) = connection.preset.token_parameter {
        let asks = matches!(&connection.algs, Algs::Public(algs) if algs.iter().any(|own| own.as_str() == alg));
        if asks {
            request = request.add_extra_param(name, value);
        }
    }
    let sender = Sender(login.outbound);
    let tokens = request.request_async(&sender).await.map_err(|error| refused(connection, error))?;
    if tokens.token_type != BasicTokenType::Bearer || tokens.access().is_empty() {
        return Err(Reason::MalformedTokens.into());
    }
    Ok(tokens)
}

fn client(login: &Login<'_>) -> Result<OauthClient<EndpointNotSet, EndpointSet>, Stopped> {
    let connection = login.connection;
    let auth_type = match connection.client_auth() {
        ClientAuth::ClientSecretBasic => AuthType::BasicAuth,
        ClientAuth::ClientSecretPost | ClientAuth::AppleJwt | ClientAuth::None => AuthType::RequestBody,
    };
    let mut client = OauthClient::new(ClientId::new(connection.settings.client_id.clone()))
        .set_auth_type(auth_type)
        .set_token_uri(TokenUrl::from_url(login.addresses.token.clone()))
        .set_redirect_uri(RedirectUrl::from_url(connection.redirect_uri.clone()));
    if connection.client_auth() != ClientAuth::None {
        let secret = connection.client_secret(login.now).ok_or(Reason::ClientRejected)?;
        client = client.set_client_secret(ClientSecret::new(secret.expose().clone()));
    }
    Ok(client)
}

/// Our HTTP client as the library wants one. A closure would do but for its future, which nobody could prove `Send`.
struct Sender<'a>(&'a Outbound);

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = Stopped;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Stopped>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(token_request(self.0, request))
    }
}

type Refusal = RequestTokenError<Stopped, StandardErrorResponse<BasicErrorResponseType>>;

/// What a refusal means. Its text may hold codes and tokens: only the error code is logged.
fn refused(connection: &Connection, error: Refusal) -> Stopped {
    let refusal = match error {
        RequestTokenError::Request(stopped) => return stopped,
        RequestTokenError::ServerResponse(refusal) => refusal,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => return Reason::MalformedTokens.into(),
    };
    let id = connection.id().as_str();
    let code: String = refusal.error().as_ref().chars().filter(char::is_ascii_graphic).take(64).collect();
    match code.as_str() {
        "server_error" | "temporarily_unavailable" => Stopped::Unavailable,
        "invalid_client" | "unauthorized_client" | "incorrect_client_credentials" => {
            tracing::error!(connection = id, error = code, "upstream does not accept our credentials");
            Reason::ClientRejected.into()
        }
        _ => {
            tracing::warn!(connection = id, error = code, "upstream does not take the code");
            Reason::CodeRejected.into()
        }
    }
}
