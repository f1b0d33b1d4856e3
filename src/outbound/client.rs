//! The client itself.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::{Certificate, Client, redirect};
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::error::Error;
use super::guard::{Guard, NoPermittedAddress};
use super::limit::HostLimit;
use super::request::{Request, Response};

const IDLE_CONNECTIONS_PER_HOST: usize = 16;
const IDLE_CONNECTION_LIFETIME: Duration = Duration::from_secs(30);

/// How a deployment talks to others.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Milliseconds to find and connect to a server.
    pub connect_timeout_ms: u64,
    /// Milliseconds for a whole exchange, unless the caller sets its own deadline.
    pub total_timeout_ms: u64,
    /// Bytes of body that are read, unless the caller sets its own limit.
    pub max_body: usize,
    /// Requests that may be under way to one host.
    pub per_host: usize,
    /// Ports public servers may be asked on.
    pub ports: Vec<u16>,
    /// Hosts, each with all below it, that may be private and plain http: the loyalty host next door, `localhost`.
    pub allow_hosts: Vec<String>,
    /// A PEM file of certificate authorities trusted beside the system's.
    pub extra_ca_file: Option<PathBuf>,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 2_000,
            total_timeout_ms: 5_000,
            max_body: 256 * 1024,
            per_host: 64,
            ports: vec![443, 8443],
            allow_hosts: Vec::new(),
            extra_ca_file: None,
        }
    }
}

/// The only HTTP client of the house. Clones share connections and limits.
#[derive(Clone, Debug)]
pub struct Outbound(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    client: Client,
    guard: Guard,
    limit: HostLimit,
    deadline: Duration,
    max_body: usize,
}

impl Outbound {
    /// A client under these settings; reads the file of extra certificate authorities.
    pub fn new(settings: &OutboundSettings) -> Result<Self, Error> {
        let guard = Guard::new(&settings.allow_hosts, &settings.ports);
        let client = Client::builder()
            .user_agent(concat!("comity/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(guard.clone()))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
            .pool_idle_timeout(IDLE_CONNECTION_LIFETIME)
            .tls_certs_merge(extra_authorities(settings)?)
            .build()
            .map_err(settings_error)?;
        Ok(Self(Arc::new(Parts {
            client,
            guard,
            limit: HostLimit::new(settings.per_host),
            deadline: Duration::from_millis(settings.total_timeout_ms),
            max_body: settings.max_body,
        })))
    }

    /// Whether requests to `url` would be let out as far as the URL alone tells; for addresses given at registration.
    pub fn permits(&self, url: &Url) -> bool {
        self.0.guard.check(url).is_ok()
    }

    /// Sends `request` and reads the whole answer. Any status but a redirect is an answer.
    pub async fn fetch(&self, request: Request) -> Result<Response, Error> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let deadline = request.deadline.unwrap_or(self.0.deadline);
        let outcome =
            timeout(deadline, self.send(request)).await.unwrap_or_else(|_| Err(Failure::from(Error::Timeout)));
        outcome.map_err(|Failure { error, reason }| {
            tracing::warn!(%host, kind = ?error, %reason, "outbound request failed");
            error
        })
    }

    /// The same in the types of the `http` crate, as OAuth and OpenID Connect client libraries want their HTTP client.
    pub async fn exchange(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Error> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| Error::Request(error.into()))?;
        let mut request = Request::new(parts.method, url);
        request.headers = parts.headers;
        request.body = body;
        let response = self.fetch(request).await?;
        let mut answer = http::Response::new(response.body.into());
        *answer.status_mut() = response.status;
        *answer.headers_mut() = response.headers;
        Ok(answer)
    }

    async fn send(&self, request: Request) -> Result<Response, Failure> {
        if let Some(flaw) = request.flaw {
            return Err(Error::Request(flaw).into());
        }
        self.0.guard.check(&request.url)?;
        let _place = self.0.limit.enter(&request.url).await;
        let max_body = request.max_body.unwrap_or(self.0.max_body);
        let accepts = request.accepts;
        let sent = self.0.client.request(request.method, request.url).headers(request.headers).body(request.body);
        let mut answer = sent.send().await?;
        if answer.status().is_redirection() && answer.headers().contains_key(http::header::LOCATION) {
            return Err(Error::Redirect.into());
        }
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let body = read(&mut answer, max_body).await?.freeze();
        let response = Response { status, headers, body };
        let is_expected = |media_type: String| accepts.iter().any(|accepted| *accepted == media_type);
        if !accepts.is_empty() && response.is_success() && !response.media_type().is_some_and(is_expected) {
            return Err(Error::Unreadable.into());
        }
        Ok(response)
    }
}

async fn read(answer: &mut reqwest::Response, max_body: usize) -> Result<BytesMut, Failure> {
    let announced = answer.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > max_body {
        return Err(Error::TooLarge.into());
    }
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > max_body {
            return Err(Error::TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error for the caller, with what only the log may tell.
struct Failure {
    error: Error,
    reason: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = error.source().map_or_else(String::new, ToString::to_string);
        Self { error, reason }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // A URL may carry secrets in its query.
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut is_forbidden = false;
        let mut source = error.source();
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            is_forbidden |= cause.is::<NoPermittedAddress>();
            source = cause.source();
        }
        let kind = if is_forbidden {
            Error::Forbidden
        } else if error.is_timeout() {
            Error::Timeout
        } else if error.is_builder() {
            Error::Request(error.into())
        } else {
            Error::Unreachable
        };
        Self { error: kind, reason }
    }
}

fn extra_authorities(settings: &OutboundSettings) -> Result<Vec<Certificate>, Error> {
    let Some(file) = &settings.extra_ca_file else { return Ok(Vec::new()) };
    let unreadable = |error: std::io::Error| settings_error(format!("{}: {error}", file.display()));
    let certificates = Certificate::from_pem_bundle(&std::fs::read(file).map_err(unreadable)?);
    let certificates = certificates.map_err(settings_error)?;
    if certificates.is_empty() {
        return Err(settings_error("no certificate in the file of extra certificate authorities"));
    }
    Ok(certificates)
}

fn settings_error(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::Settings(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_connection_itself_asks_the_guard() {
        let strict = Outbound::new(&OutboundSettings::default()).unwrap();
        // Past the check of the URL, as a public name would be whose record points inside.
        let error = strict.0.client.get("https://inside.localhost/?secret").send().await.unwrap_err();
        let failure = Failure::from(error);
        assert!(matches!(failure.error, Error::Forbidden));
        assert!(failure.reason.contains("no permitted address") && !failure.reason.contains("secret"));
    }
}
