//! Puts the whole stage together: the OP with its settings, simulators, relying parties, mailbox, and the one listener.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::addresses::Addresses;
use super::dispatch::{self, Houses};
use super::folder::Folder;
use super::loyalty_host::{Access, LoyaltyHost};
use super::mailbox::{self, Mailbox};
use super::rp::site::Ground;
use super::rp::{Registration, Site, go, hotel, shop};
use super::simulators::{AppleKey, Provider, ProviderClient, SimulatorKeys, SimulatorSettings, Simulators};
use super::stage;
use super::words::Words;
use crate::app::{App, Extras};
use crate::federation::ConnectionSettings;
use crate::jose::{Alg, SigningKey};
use crate::membership::{CredentialSettings, HostSettings};
use crate::model::Secret;
use crate::outbound::Outbound;
use crate::settings::{Settings, Source};
use crate::telemetry::LogSettings;
use crate::web::listen::{self, Limits};

/// How a demo is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port to listen on; 0 takes any that is free.
    pub port: u16,
    /// The folder for its state.
    pub dir: PathBuf,
    /// Whether to forget the past.
    pub reset: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 8080, dir: PathBuf::from("demo-data"), reset: false }
    }
}

/// The demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, mostly.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// Which.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The folder cannot be used.
    #[error("cannot use the folder {}: {source}", dir.display())]
    Folder {
        /// Which.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The built-in settings do not go with this build.
    #[error("the demo's settings: {0}")]
    Settings(#[from] crate::settings::Error),
    /// The OP cannot be put together.
    #[error("{0}")]
    App(#[from] crate::app::Error),
    /// A part of the stage cannot.
    #[error("the stage's {part}: {reason}")]
    Stage {
        /// Which.
        part: &'static str,
        /// Why.
        reason: String,
    },
}

fn stage_error(part: &'static str) -> impl Fn(&dyn std::error::Error) -> Error {
    move |error| Error::Stage { part, reason: error.to_string() }
}

/// A demo, put together and listening, not yet answering.
pub struct Demo {
    addresses: Addresses,
    app: App,
    simulators: Simulators,
    host: LoyaltyHost,
    mailbox: Mailbox,
    listener: TcpListener,
    router: Router,
    log: LogSettings,
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Demo {
    /// Where everything is.
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What the settings want logged.
    pub const fn log(&self) -> &LogSettings {
        &self.log
    }

    /// The OP.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// The identity providers.
    pub const fn simulators(&self) -> &Simulators {
        &self.simulators
    }

    /// The loyalty host.
    pub const fn loyalty_host(&self) -> &LoyaltyHost {
        &self.host
    }

    /// Everybody's mails and text messages.
    pub const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// All hosts' routes.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Answers until `stop` turns true.
    pub async fn serve(self, stop: watch::Receiver<bool>) {
        let jobs = self.app.jobs().start(&stop);
        let limits = Limits { farewell: Duration::from_secs(2), ..Limits::default() };
        listen::serve(self.listener, self.router, limits, stop).await;
        jobs.join_all().await;
        self.app.store().close().await;
    }
}

/// Puts a demo together on its own clock.
///
/// # Errors
/// An [`Error`] that names what is at fault.
pub async fn build(options: Options) -> Result<Demo, Error> {
    build_with(options, Extras::default()).await
}

/// Puts a demo together with a test's clock.
///
/// # Errors
/// An [`Error`] that names what is at fault.
pub async fn build_with(options: Options, extras: Extras) -> Result<Demo, Error> {
    let Options { port, dir, reset } = options;
    let listen_error = |source| Error::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen_error)?;
    let addresses = Addresses::new(listener.local_addr().map_err(listen_error)?.port());
    let folder = Folder::open(&dir, reset, addresses, &extras.random)
        .map_err(|source| Error::Folder { dir: dir.clone(), source })?;
    let source = Source { file: Some(folder.settings_file.clone()), ..Source::default() };
    let settings = source.load()?;
    let mailbox = Mailbox::new(extras.clock.clone()).map_err(|error| stage_error("mailbox")(&error))?;
    let simulators = simulators(&settings, &folder, addresses, &extras)?;
    let host = loyalty_host(&settings, &mailbox, &extras)?;
    let outbound = Outbound::new(&settings.outbound).map_err(|error| stage_error("HTTP client")(&error))?;
    let log = settings.log.clone();
    let app = App::build(settings, extras.clone()).await?;
    if let Some(sink) = app.mail_sink() {
        mailbox.attach(sink.clone());
    }
    let words = Arc::new(Words::load().map_err(|error| stage_error("texts")(&error))?);
    let ground = Ground { words, addresses, outbound, clock: extras.clock.clone(), random: extras.random.clone() };
    let sites = Sites::new(&folder, &ground)?;
    let router = dispatch::router(Houses {
        by_host: hosts(&sites, &ground, &simulators, &host, &mailbox),
        stage: stage::router(stage::Props {
            store: app.store().clone(),
            clock: extras.clock,
            words: Arc::clone(&ground.words),
            addresses,
            host: host.clone(),
            simulators: simulators.clone(),
            shop: sites.shop,
            go: sites.go,
            hotel: sites.hotel,
            settings: folder.settings,
            clients: folder.clients,
        }),
        op: app.router(),
    });
    Ok(Demo { addresses, app, simulators, host, mailbox, listener, router, log })
}

/// The relying parties.
struct Sites {
    shop: Arc<Site>,
    go: Arc<Site>,
    hotel: Arc<Site>,
}

impl Sites {
    fn new(folder: &Folder, ground: &Ground) -> Result<Self, Error> {
        let all = Registration::all(&folder.clients).map_err(|error| stage_error("clients")(&error))?;
        let site = |name: &'static str| {
            let own = all.iter().find(|registration| registration.is(name)).cloned();
            let own = own.ok_or_else(|| Error::Stage { part: "clients", reason: format!("{name} is missing") })?;
            Ok::<_, Error>(Site::new(name, own, ground))
        };
        Ok(Self { shop: site("shop")?, go: site("go")?, hotel: site("hotel")? })
    }
}

fn hosts(
    sites: &Sites,
    ground: &Ground,
    simulators: &Simulators,
    host: &LoyaltyHost,
    mailbox: &Mailbox,
) -> BTreeMap<String, Router> {
    let mut hosts = BTreeMap::from([
        ("shop".to_owned(), shop::router(Arc::clone(&sites.shop))),
        ("go".to_owned(), go::router(Arc::clone(&sites.go))),
        ("hotel".to_owned(), hotel::router(Arc::clone(&sites.hotel))),
        ("loyalty".to_owned(), host.router()),
        ("mail".to_owned(), mailbox::router(mailbox.clone(), Arc::clone(&ground.words), ground.addresses)),
    ]);
    hosts.extend(Provider::ALL.map(|provider| (provider.to_string(), simulators.router(provider))));
    hosts.into_iter().map(|(name, router)| (format!("{name}.localhost"), router)).collect()
}

/// The simulators know our side of each connection from the very settings the OP has.
fn simulators(
    settings: &Settings,
    folder: &Folder,
    addresses: Addresses,
    extras: &Extras,
) -> Result<Simulators, Error> {
    let issuer = addresses.issuer();
    let clients: Result<Vec<_>, Error> = settings
        .connections
        .iter()
        .map(|connection| provider_client(connection, &settings.server.brand, &issuer, folder))
        .collect();
    Ok(Simulators::new(SimulatorSettings {
        clients: clients?,
        base_url: Arc::new(move |provider| addresses.origin(provider.as_str())),
        clock: extras.clock.clone(),
        random: extras.random.clone(),
        keys: SimulatorKeys::default(),
    }))
}

fn provider_client(
    connection: &ConnectionSettings,
    brand: &str,
    issuer: &str,
    folder: &Folder,
) -> Result<ProviderClient, Error> {
    let provider: Provider = connection.id.as_str().parse().map_err(|error| stage_error("simulators")(&error))?;
    let secret = connection.client_secret.as_ref().map_or("", |secret| secret.expose());
    let redirect_uri = format!("{issuer}{}", crate::web::paths::callback(provider.as_str()));
    let client = ProviderClient::new(provider, &connection.client_id, secret, &redirect_uri).named(brand);
    let (Some(team_id), Some(key_id)) = (&connection.team_id, &connection.key_id) else { return Ok(client) };
    let key = SigningKey::from_pem(Alg::ES256, Some(key_id), &folder.apple_key)
        .map_err(|error| stage_error("key for Apple")(&error))?;
    Ok(client.with_apple_key(AppleKey {
        team_id: team_id.clone(),
        key_id: key_id.clone(),
        public_jwk: key.public_jwk().clone(),
    }))
}

fn loyalty_host(settings: &Settings, mailbox: &Mailbox, extras: &Extras) -> Result<LoyaltyHost, Error> {
    let secret: Option<Secret<String>> = settings.programmes.iter().find_map(|programme| {
        let HostSettings::Http(host) = &programme.host;
        match &host.auth {
            CredentialSettings::Bearer { secret, .. } => secret.clone(),
            CredentialSettings::PrivateKeyJwt { .. } => None,
        }
    });
    let reason = "its programme has no shared secret".to_owned();
    let secret = secret.ok_or(Error::Stage { part: "loyalty host", reason })?;
    let mailbox = mailbox.clone();
    let deliver = move |to: &str, text: &str| mailbox.deliver(to, text);
    Ok(LoyaltyHost::skyway(Access::Bearer(secret), extras.clock.clone(), extras.random.clone(), deliver))
}
