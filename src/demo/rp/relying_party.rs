//! Speaking OpenID Connect to the provider, by way of the `openidconnect` crate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGenderClaim, CoreGrantType, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EmptyAdditionalClaims, EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    IssuerUrl, LanguageTag, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardErrorResponse, SubjectIdentifier, TokenResponse, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::error::Error;
use super::registration::Registration;
use super::token_store::{Tokens, payload};
use crate::model::{Clock, Random, Secret, UnixTime};
use crate::outbound::{self, Outbound, Request};

/// How long the provider's metadata and keys are believed without looking again, in seconds.
const METADATA_LIFETIME: i64 = 60;

/// What discovery says besides the members the crate knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct More {
    end_session_endpoint: Option<EndSessionUrl>,
    revocation_endpoint: Option<Url>,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// One registered relying party.
#[derive(Debug)]
pub(super) struct RelyingParty {
    pub(super) registration: Registration,
    issuer: String,
    outbound: Outbound,
    clock: Clock,
    random: Random,
    metadata: Mutex<Option<(UnixTime, Arc<Metadata>)>>,
}

/// What a request asks for beyond the usual.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    pub(super) ui_locale: &'a str,
    /// Whether the person must prove themselves now, whatever session there is.
    pub(super) fresh: bool,
}

/// What is kept until the answer comes.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: Secret<String>,
    pub(super) at: UnixTime,
    pub(super) fresh: bool,
}

impl RelyingParty {
    pub(super) fn new(
        registration: Registration,
        issuer: String,
        outbound: Outbound,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { registration, issuer, outbound, clock, random, metadata: Mutex::new(None) }
    }

    /// The address of an authorization request [OIDC Core §3.1.2.1], and what its answer is checked against.
    pub(super) async fn authorization_url(&self, wish: Wish<'_>) -> Result<(Url, Sent), Error> {
        let client = self.client(&*self.metadata().await?)?;
        let verifier = PkceCodeVerifier::new(self.random.token().expose().clone());
        let (state, nonce) = (self.random.handle(), self.random.handle());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                {
                    let state = state.clone();
                    move || CsrfToken::new(state)
                },
                {
                    let nonce = nonce.clone();
                    move || Nonce::new(nonce)
                },
            )
            .add_scopes(self.registration.scopes().map(|scope| Scope::new(scope.to_owned())))
            .add_ui_locale(LanguageTag::new(wish.ui_locale.to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if wish.fresh {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        let (url, ..) = request.url();
        let verifier = Secret::new(verifier.into_secret());
        Ok((url, Sent { state, nonce, verifier, at: self.clock.now(), fresh: wish.fresh }))
    }

    /// Turns a code into tokens, which are checked in every respect.
    pub(super) async fn redeem(&self, code: &str, sent: &Sent) -> Result<Tokens, Error> {
        let client = self.client(&*self.metadata().await?)?;
        let http = |request: HttpRequest| exchange(self.outbound.clone(), request);
        let response = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(untrusted)?
            .set_pkce_verifier(PkceCodeVerifier::new(sent.verifier.expose().clone()))
            .request_async(&http)
            .await
            .map_err(token_error)?;
        let id_token = response.id_token().ok_or_else(|| Error::Untrusted("there is no ID token".to_owned()))?;
        let claims =
            id_token.claims(&client.id_token_verifier(), &Nonce::new(sent.nonce.clone())).map_err(untrusted)?;
        check_access_token_hash(&client, id_token, claims, response.access_token())?;
        // A provider that ignores prompt=login has not done what was asked.
        let proven_at = claims.auth_time().map_or(UnixTime(0), |time| UnixTime(time.timestamp()));
        if sent.fresh && proven_at < sent.at - 5 {
            return Err(Error::Untrusted("the sign-in is older than the request for a new one".to_owned()));
        }
        Ok(self.tokens(&response, id_token.to_string(), claims.subject().as_str()))
    }

    /// New tokens for a refresh token [RFC 6749 §6].
    pub(super) async fn refresh(&self, before: &Tokens, refresh_token: &Secret<String>) -> Result<Tokens, Error> {
        let client = self.client(&*self.metadata().await?)?;
        let http = |request: HttpRequest| exchange(self.outbound.clone(), request);
        let response = client
            .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().clone()))
            .map_err(untrusted)?
            .request_async(&http)
            .await
            .map_err(token_error)?;
        let id_token = match response.id_token() {
            None => before.id_token.expose().clone(),
            Some(id_token) => {
                // OIDC Core §12.2: the nonce may be missing, the subject must not change.
                let any_nonce = |_: Option<&Nonce>| Ok(());
                let claims = id_token.claims(&client.id_token_verifier(), any_nonce).map_err(untrusted)?;
                if claims.subject().as_str() != before.sub {
                    return Err(Error::Untrusted("the refreshed ID token is somebody else's".to_owned()));
                }
                id_token.to_string()
            }
        };
        Ok(self.tokens(&response, id_token, &before.sub))
    }

    /// What userinfo says of `sub` right now; the very members it sent [OIDC Core §5.3].
    pub(super) async fn userinfo(&self, access_token: &Secret<String>, sub: &str) -> Result<Map<String, Value>, Error> {
        let client = self.client(&*self.metadata().await?)?;
        let body = Arc::new(Mutex::new(Vec::new()));
        let http = |request: HttpRequest| {
            let (outbound, body) = (self.outbound.clone(), Arc::clone(&body));
            async move {
                let response = exchange(outbound, request).await?;
                body.lock().unwrap_or_else(PoisonError::into_inner).clone_from(response.body());
                Ok::<_, outbound::Error>(response)
            }
        };
        let _checked: CoreUserInfoClaims = client
            .user_info(AccessToken::new(access_token.expose().clone()), Some(SubjectIdentifier::new(sub.to_owned())))
            .map_err(untrusted)?
            .request_async::<EmptyAdditionalClaims, _, CoreGenderClaim>(&http)
            .await
            .map_err(userinfo_error)?;
        let body = body.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&body).map_err(untrusted)
    }

    /// Ends a refresh token and all its kin [RFC 7009 §2.1].
    pub(super) async fn revoke(&self, refresh_token: &Secret<String>) -> Result<(), Error> {
        let metadata = self.metadata().await?;
        let Some(url) = metadata.additional_metadata().revocation_endpoint.clone() else { return Ok(()) };
        // The crate insists on https here, which a stage on localhost does not have.
        let fields = [
            ("token", refresh_token.expose().as_str()),
            ("token_type_hint", "refresh_token"),
            ("client_id", self.registration.client_id.as_str()),
        ];
        self.outbound.fetch(Request::post_form(url, &fields)).await.map_err(unreachable)?;
        Ok(())
    }

    /// Where the browser goes to sign out of the provider, too [OIDC RP-Initiated Logout §2].
    pub(super) async fn end_session_url(&self, id_token: &str, ui_locale: &str) -> Result<Url, Error> {
        let metadata = self.metadata().await?;
        let Some(endpoint) = metadata.additional_metadata().end_session_endpoint.clone() else {
            return Url::parse(&self.issuer).map_err(untrusted);
        };
        let hint: CoreIdToken = id_token.parse().map_err(untrusted)?;
        let mut request = LogoutRequest::from(endpoint)
            .set_id_token_hint(&hint)
            .set_client_id(ClientId::new(self.registration.client_id.clone()))
            .add_ui_locale(LanguageTag::new(ui_locale.to_owned()));
        if let Some(uri) = self.registration.post_logout_redirect_uris.first() {
            request = request
                .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(uri.clone()).map_err(untrusted)?)
                .set_state(CsrfToken::new(self.random.handle()));
        }
        Ok(request.http_get_url())
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        let now = self.clock.now();
        let known = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, metadata)) = known.filter(|(read_at, _)| now.since(*read_at) < METADATA_LIFETIME) {
            return Ok(metadata);
        }
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(untrusted)?;
        let http = |request: HttpRequest| exchange(self.outbound.clone(), request);
        let metadata = Metadata::discover_async(issuer, &http).await.map_err(unreachable)?;
        let metadata = Arc::new(metadata);
        *self.metadata.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&metadata)));
        Ok(metadata)
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, Error> {
        let own = &self.registration;
        let secret = own.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().clone()));
        let by_body = own.token_endpoint_auth_method == "client_secret_post";
        let auth_type = if by_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(own.client_id.clone()), secret)
            .set_redirect_uri(RedirectUrl::new(own.redirect_uri().to_owned()).map_err(untrusted)?)
            .set_auth_type(auth_type))
    }

    fn tokens(&self, response: &CoreTokenResponse, id_token: String, sub: &str) -> Tokens {
        let now = self.clock.now();
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Tokens {
            sub: sub.to_owned(),
            id_claims: payload(&id_token).unwrap_or_default(),
            id_token: Secret::new(id_token),
            access_token: Secret::new(response.access_token().secret().clone()),
            access_expires_at: now + response.expires_in().map_or(0, seconds),
            refresh_token: response.refresh_token().map(|token| Secret::new(token.secret().clone())),
            received_at: now,
        }
    }
}

async fn exchange(outbound: Outbound, request: HttpRequest) -> Result<openidconnect::HttpResponse, outbound::Error> {
    outbound.exchange(request).await
}

/// `at_hash` binds the access token to the ID token [OIDC Core §3.1.3.6].
fn check_access_token_hash(
    client: &Client,
    id_token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    access_token: &AccessToken,
) -> Result<(), Error> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let verifier = client.id_token_verifier();
    let key = id_token.signing_key(&verifier).map_err(untrusted)?;
    let actual = AccessTokenHash::from_token(access_token, id_token.signing_alg().map_err(untrusted)?, key);
    if actual.map_err(untrusted)? == *expected {
        Ok(())
    } else {
        Err(Error::Untrusted("the access token is not the one the ID token speaks of".to_owned()))
    }
}

fn token_error<E, C>(error: RequestTokenError<E, StandardErrorResponse<C>>) -> Error
where
    E: std::error::Error + 'static,
    C: openidconnect::ErrorResponseType + std::fmt::Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(refusal) => Error::Refused {
            code: refusal.error().to_string(),
            description: refusal.error_description().cloned().unwrap_or_default(),
        },
        RequestTokenError::Request(cause) => unreachable(cause),
        other => untrusted(other),
    }
}

fn userinfo_error<E: std::error::Error + 'static>(error: UserInfoError<E>) -> Error {
    match error {
        UserInfoError::Response(status, ..) if status.is_client_error() => {
            Error::Refused { code: "invalid_token".to_owned(), description: format!("userinfo answered {status}") }
        }
        UserInfoError::Response(status, ..) => Error::Unreachable(status.to_string()),
        UserInfoError::Request(cause) => unreachable(cause),
        other => untrusted(other),
    }
}

fn unreachable(cause: impl std::error::Error) -> Error {
    Error::Unreachable(cause.to_string())
}

fn untrusted(cause: impl std::error::Error) -> Error {
    Error::Untrusted(cause.to_string())
}
