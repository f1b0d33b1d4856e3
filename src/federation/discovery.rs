//! Where a provider is: what the settings say, completed by its discovery document.

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, ProviderMetadata};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::connection::Connection;
use super::failure::{Reason, Stopped};
use super::http::{max_age, object};
use super::settings::is_safe;
use crate::model::UnixTime;
use crate::outbound::{Outbound, Request};

/// What a document that does not say counts as fresh for, in seconds.
const DEFAULT_LIFETIME: i64 = 3600;

/// Members of the document beyond OIDC Discovery.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct More {
    /// [RFC 9207 §3]
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    /// [RFC 8414 §2]
    #[serde(default)]
    revocation_endpoint: Option<Url>,
}

impl AdditionalProviderMetadata for More {}

type Document = ProviderMetadata<
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

/// The parts of a discovery document we use.
#[derive(Debug)]
pub(super) struct Metadata {
    authorization: Url,
    token: Option<Url>,
    userinfo: Option<Url>,
    jwks: Url,
    revocation: Option<Url>,
    names_itself: bool,
}

/// The addresses a login uses.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) userinfo: Option<Url>,
    pub(super) emails: Option<Url>,
    pub(super) jwks: Option<Url>,
    pub(super) revocation: Option<String>,
    /// Whether callbacks must carry `iss`.
    pub(super) require_iss: bool,
}

/// The addresses of a connection; asks the provider when they are not all known.
pub(super) async fn addresses(
    connection: &Connection,
    outbound: &Outbound,
    now: UnixTime,
) -> Result<Addresses, Stopped> {
    let known = &connection.known;
    let metadata = match &known.discovery {
        Some(url) => {
            let fetch = || discover(outbound, url, &connection.issuer);
            Some(connection.metadata.get(now, fetch).await?)
        }
        None => None,
    };
    let found = metadata.as_deref();
    let either = |known: &Option<Url>, found: Option<&Url>| known.as_ref().or(found).cloned();
    Ok(Addresses {
        authorization: either(&known.authorization, found.map(|it| &it.authorization)).ok_or(Stopped::Unavailable)?,
        token: either(&known.token, found.and_then(|it| it.token.as_ref())).ok_or(Stopped::Unavailable)?,
        userinfo: either(&known.userinfo, found.and_then(|it| it.userinfo.as_ref())),
        emails: known.emails.clone(),
        jwks: either(&known.jwks, found.map(|it| &it.jwks)),
        revocation: known.revocation.clone().or_else(|| Some(found?.revocation.as_ref()?.to_string())),
        require_iss: connection.settings.require_iss || found.is_some_and(|it| it.names_itself),
    })
}

async fn discover(outbound: &Outbound, url: &Url, issuer: &str) -> Result<(Metadata, i64), Stopped> {
    let request = Request::get(url.clone()).accept_json();
    let (members, headers) =
        object(outbound, request, Reason::IssuerMismatch).await.map_err(|_| Stopped::Unavailable)?;
    let document: Document = serde_json::from_value(Value::Object(members)).map_err(|error| {
        tracing::error!(%issuer, %error, "discovery document is unreadable");
        Stopped::Unavailable
    })?;
    // Character by character, or a document of one provider could speak for another [OIDC Discovery §4.3].
    if document.issuer().as_str() != issuer {
        tracing::error!(%issuer, "discovery document names another issuer");
        return Err(Stopped::Unavailable);
    }
    if !is_safe(document.authorization_endpoint().url()) {
        tracing::error!(%issuer, "discovery document names an unsafe authorization endpoint");
        return Err(Stopped::Unavailable);
    }
    let more = document.additional_metadata();
    let metadata = Metadata {
        authorization: document.authorization_endpoint().url().clone(),
        token: document.token_endpoint().map(|it| it.url().clone()),
        userinfo: document.userinfo_endpoint().map(|it| it.url().clone()),
        jwks: document.jwks_uri().url().clone(),
        revocation: more.revocation_endpoint.clone(),
        names_itself: more.authorization_response_iss_parameter_supported,
    };
    Ok((metadata, max_age(&headers).unwrap_or(DEFAULT_LIFETIME)))
}
