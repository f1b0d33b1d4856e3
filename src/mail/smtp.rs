//! Delivery to an SMTP server [RFC 5321].

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use serde::Deserialize;
use tokio::time::timeout;

use super::error::Error;
use super::message::Message;
use crate::model::{Clock, Random, Secret};

type SmtpError = lettre::transport::smtp::Error;

/// Connections kept open between mails.
const IDLE_CONNECTIONS: usize = 4;

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte, port 465 [RFC 8314 §3.3].
    #[default]
    Tls,
    /// STARTTLS before anything else, or no mail at all, port 587.
    Starttls,
    /// No protection: only to a server on this machine, port 25.
    None,
}

/// Which mail server to use, and as whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name, to be found in its certificate.
    pub host: String,
    /// Its port, if not the usual one.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: Security,
    /// The name to log in with, if it wants one.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<Secret<String>>,
    /// Whom mails are from, e.g. `SkyWay <no-reply@skyway.example>`.
    pub from: String,
    /// Seconds one delivery may take.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
}

const fn default_timeout_seconds() -> u64 {
    15
}

#[derive(Clone)]
pub(super) struct Smtp(Arc<Server>);

struct Server {
    host: String,
    port: u16,
    security: Security,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello_name: ClientId,
    from: Mailbox,
    deadline: Duration,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
    clock: Clock,
    random: Random,
}

impl Smtp {
    pub(super) fn new(settings: &SmtpSettings, clock: Clock, random: Random) -> Result<Self, Error> {
        let from: Mailbox = settings.from.parse().map_err(settings_error)?;
        let (usual_port, tls) = match settings.security {
            Security::Tls => (465, Some(TlsParameters::new(settings.host.clone()).map_err(settings_error)?)),
            Security::Starttls => (587, Some(TlsParameters::new(settings.host.clone()).map_err(settings_error)?)),
            Security::None if is_loopback(&settings.host) => (25, None),
            Security::None => return Err(settings_error("mail to another machine must be encrypted")),
        };
        let credentials = match (&settings.username, &settings.password) {
            (Some(username), Some(password)) => Some(Credentials::new(username.clone(), password.expose().clone())),
            (None, None) => None,
            _ => return Err(settings_error("a user name and a password go together")),
        };
        Ok(Self(Arc::new(Server {
            host: settings.host.clone(),
            port: settings.port.unwrap_or(usual_port),
            security: settings.security,
            tls,
            credentials,
            hello_name: ClientId::Domain(from.email.domain().to_owned()),
            from,
            deadline: Duration::from_secs(settings.timeout_seconds),
            idle: Mutex::default(),
            clock,
            random,
        })))
    }

    pub(super) async fn send(&self, to: Address, message: Message) -> Result<(), Error> {
        let mail = self.0.compose(to, message)?;
        match timeout(self.0.deadline, self.0.deliver(&mail)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(Error::Refused(error.into())),
            Ok(Err(error)) => Err(Error::Unavailable(error.into())),
            Err(elapsed) => Err(Error::Unavailable(elapsed.into())),
        }
    }
}

impl Server {
    /// A connection goes back among the idle only after a complete dialogue: one that failed, timed out or was given
    /// up half way is closed by being dropped, so nobody ever reads the answer meant for another mail.
    async fn deliver(&self, mail: &lettre::Message) -> Result<(), SmtpError> {
        let mut connection = self.connection().await?;
        connection.send(mail.envelope(), &mail.formatted()).await?;
        let mut idle = self.idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
        Ok(())
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        loop {
            let parked = self.idle().pop();
            let Some(mut connection) = parked else { return self.connect().await };
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let server = (self.host.as_str(), self.port);
        let (from_start, later) = match self.security {
            Security::Starttls => (None, self.tls.clone()),
            Security::Tls | Security::None => (self.tls.clone(), None),
        };
        let wait = Some(self.deadline);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, wait, &self.hello_name, from_start, None).await?;
        if let Some(tls) = later {
            connection.starttls(tls, &self.hello_name).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<AsyncSmtpConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compose(&self, to: Address, message: Message) -> Result<lettre::Message, Error> {
        let seconds = u64::try_from(self.clock.now().0).unwrap_or_default();
        let id = format!("<{}@{}>", self.random.handle(), self.from.email.domain());
        lettre::Message::builder()
            .message_id(Some(id))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject)
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(message.text, message.html))
            .map_err(|error| Error::Fault(error.into()))
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

/// Tells holiday responders to keep quiet [RFC 3834 §5].
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn settings_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Settings(error.into())
}
