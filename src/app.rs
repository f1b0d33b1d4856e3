//! The composition root: settings become rooms, rooms become a running server. Used by the command line, the demo and
//! the tests alike; nothing else puts rooms together.

mod records;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use self::records::open_cache;
pub use self::records::open_store;
use crate::accounts::{self, Accounts, Hasher};
use crate::cache::Cache;
use crate::consent::Consents;
use crate::federation::Federation;
use crate::i18n::Texts;
use crate::jobs::Jobs;
use crate::jose::{Alg, Rotation, Sealer};
use crate::mail::{Letterhead, Mail, Sink};
use crate::membership::{Membership, MembershipSettings};
use crate::model::client::SecretHash;
use crate::model::digest::sha256_b64;
use crate::model::key::StoredKey;
use crate::model::{Clock, Random, Secret, UnixTime};
use crate::outbound::Outbound;
use crate::provider::keys::Keys;
use crate::provider::{self, HostWatch, Lifetimes, Provider, RequiredDocument};
use crate::settings::{MailTransport, Settings, clients_from};
use crate::store::{DatabaseSettings, Store};
use crate::telemetry::Metrics;
use crate::web::documents::Documents;
use crate::web::listen::{self, Limits};
use crate::web::load::Load;
use crate::web::proxies::Cidr;
use crate::web::router::{self, Router};
use crate::web::state::{Site, Web};

/// The server cannot be put together. The text says which part, and why.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct Error {
    part: &'static str,
    reason: String,
}

impl Error {
    /// Names the part that failed, with all causes of its error.
    pub fn new(part: &'static str, error: &dyn std::error::Error) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            reason = format!("{reason}: {next}");
            cause = next.source();
        }
        Self { part, reason }
    }

    fn text(part: &'static str, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into() }
    }
}

trait In<T> {
    fn part(self, part: &'static str) -> Result<T, Error>;
}

impl<T, E: std::error::Error> In<T> for Result<T, E> {
    fn part(self, part: &'static str) -> Result<T, Error> {
        self.map_err(|error| Error::new(part, &error))
    }
}

/// What tests and the demo replace.
#[derive(Clone, Debug)]
pub struct Extras {
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Master keys beside those of the settings' files.
    pub master_keys: Vec<Secret<[u8; 32]>>,
    /// Signing keys a new database begins with, instead of ones made then.
    pub signing_keys: Vec<StoredKey>,
}

impl Default for Extras {
    fn default() -> Self {
        Self { clock: Clock::system(), random: Random::new(), master_keys: Vec::new(), signing_keys: Vec::new() }
    }
}

/// The server, put together and not yet listening.
#[derive(Clone, Debug)]
pub struct App {
    web: Web,
    jobs: Jobs,
}

impl App {
    /// Opens the database (migrating it), connects the cache, loads keys and texts, and puts the rooms together.
    ///
    /// # Errors
    /// An [`Error`] that names the part at fault.
    pub async fn build(settings: Settings, extras: Extras) -> Result<Self, Error> {
        let Extras { clock, random, .. } = extras.clone();
        let store = open_store(&settings, &extras).await?;
        save_signing_keys(&extras.signing_keys, &store).await.part("keys")?;
        let cache = open_cache(&settings, &store, &random, &clock).await?;
        let outbound = Outbound::new(&settings.outbound).part("outbound")?;
        let texts = Texts::load(settings.locales.directory.as_deref()).part("locales")?;
        let texts = texts.with_default(&settings.locales.default);
        save_clients(&settings, &store, &clock).await?;
        let origin = settings.server.issuer.origin().ascii_serialization();
        let rooms = Rooms { settings: &settings, store: &store, cache: &cache, clock: &clock, random: &random };
        let membership = rooms.membership(&outbound)?;
        let provider = rooms.provider(&origin, &texts, &membership).await?;
        let accounts = rooms.accounts();
        let federation = rooms.federation(outbound.clone(), &origin)?;
        let jobs = Jobs {
            provider: provider.clone(),
            membership: membership.clone(),
            store: store.clone(),
            cache: cache.clone(),
            clock: clock.clone(),
            random: random.clone(),
        };
        let mail = match settings.mail.transport {
            MailTransport::Sink => Mail::sink(),
            MailTransport::Smtp => Mail::smtp(&settings.mail.smtp, clock.clone(), random.clone()).part("mail")?,
        };
        let account_url = format!("{origin}{}", crate::web::paths::ACCOUNT).parse();
        let site = Site {
            provider,
            accounts,
            documents: Documents::new(settings.keys.publish_ahead_seconds),
            consents: Consents::new(store.clone(), clock.clone()),
            federation,
            memberships: membership,
            texts,
            mail,
            letterhead: Letterhead {
                service: settings.server.brand.clone(),
                account_url: account_url.part("server.issuer")?,
            },
            csrf_key: store.vault().key("csrf"),
            load: Load::new(settings.server.max_in_flight),
            metrics: Metrics::new(),
            host: host_of(&settings.server.issuer),
            secure: settings.server.issuer.scheme() == "https",
            brand: settings.server.brand.clone(),
            zone: settings.locales.zoneinfo.clone(),
            default_locale: settings.locales.default.clone(),
            asset_version: crate::web::assets::version(),
            trusted_proxies: proxies(&settings)?,
            leaving: AtomicBool::new(false),
            store,
            cache,
            clock,
            random,
            origin,
        };
        Ok(Self { web: Arc::new(site), jobs })
    }

    /// The public listener's routes.
    pub fn router(&self) -> Router {
        router::router(self.web.clone())
    }

    /// The private listener's routes.
    pub fn private_router(&self) -> Router {
        crate::web::private::router(self.web.clone())
    }

    /// Everything handlers can reach.
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// Durable records.
    pub fn store(&self) -> &Store {
        &self.web.store
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.web.clock
    }

    /// Mail that was kept instead of sent, where the transport is `sink`.
    pub fn mail_sink(&self) -> Option<&Sink> {
        self.web.mail.as_sink()
    }

    /// Says on the private listener that the process is about to end, and goes on serving until whoever balances the load
    /// has noticed, or a second signal comes.
    async fn drain(&self, seconds: Duration) {
        self.web.leaving.store(true, Ordering::Relaxed);
        if !seconds.is_zero() {
            tracing::info!("serving on while others take over");
            let _ = tokio::time::timeout(seconds, wait_for_signal()).await;
        }
    }

    /// Background work on this server's rooms.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }
}

/// Serves on the settings' addresses until the process is told to stop, then lets requests under way finish.
///
/// # Errors
/// An [`Error`] when a part cannot be put together or an address cannot be bound.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let (listen, private) = (settings.server.listen, settings.server.private_listen);
    let patience = Duration::from_secs(settings.server.shutdown_seconds);
    let connections = settings.server.max_connections;
    let drain = Duration::from_secs(settings.server.drain_seconds);
    let issuer = settings.server.issuer.to_string();
    // Whatever can be wrong without the database is found before the database is touched.
    check(&settings).await?;
    let public = bind(listen, "server.listen").await?;
    let private = match private {
        Some(address) => Some(bind(address, "server.private_listen").await?),
        None => None,
    };
    let app = App::build(settings, Extras::default()).await?;
    let (stop, stopped) = watch::channel(false);
    let jobs = app.jobs().start(&stopped);
    tracing::info!(issuer, %listen, "serving");
    let quiet = Limits { farewell: patience, ..Limits::default() };
    let private =
        private.map(|listener| tokio::spawn(listen::serve(listener, app.private_router(), quiet, stopped.clone())));
    let limits = Limits { connections, ..quiet }.within_the_systems();
    let public = tokio::spawn(listen::serve(public, app.router(), limits, stopped));
    wait_for_signal().await;
    app.drain(drain).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    let _ = public.await;
    if let Some(private) = private {
        let _ = private.await;
    }
    // A job in the middle of a long round is cut off; the next start takes it up again.
    if tokio::time::timeout(patience, jobs.join_all()).await.is_err() {
        tracing::warn!("background work still under way was cut off");
    }
    // What was answered is stored already: a database that has fallen silent is not waited for.
    if tokio::time::timeout(patience, app.store().close()).await.is_err() {
        tracing::warn!("the database did not close in time");
    }
    Ok(())
}

/// Puts a server of these settings together on a database and a cache in memory: what fails there would fail at start.
///
/// # Errors
/// An [`Error`] that names the part at fault.
pub async fn check(settings: &Settings) -> Result<(), Error> {
    check_client_algs(settings)?;
    let mut rehearsal = settings.clone();
    rehearsal.database = DatabaseSettings::new("sqlite::memory:");
    rehearsal.cache.url = Secret::from("memory");
    // The algorithms are checked with the settings; a key of this one takes no time to make.
    rehearsal.keys.algs = vec![Alg::ES256.to_string()];
    App::build(rehearsal, Extras::default()).await.map(drop)
}

async fn bind(address: SocketAddr, part: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| Error::text(part, format!("{address}: {error}")))
}

/// Returns when the process is told to stop: Ctrl-C, or SIGTERM.
pub async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// The signing keys on the settings' schedule.
///
/// # Errors
/// An [`Error`] when they cannot be read or made.
pub async fn keys(settings: &Settings, store: &Store, now: UnixTime) -> Result<Keys, Error> {
    let keys = &settings.keys;
    let algs: Vec<Alg> = keys.algs.iter().filter_map(|alg| alg.parse().ok()).collect();
    let rotation = Rotation {
        lifetime: keys.lifetime_seconds,
        publish_ahead: keys.publish_ahead_seconds,
        retain_after: keys.retain_seconds,
    };
    Keys::load(store.clone(), &algs, rotation, now).await.part("keys")
}

async fn save_signing_keys(keys: &[StoredKey], store: &Store) -> Result<(), crate::store::Error> {
    if keys.is_empty() || !store.signing_keys().await?.is_empty() {
        return Ok(());
    }
    let mut seen = store.keys_version().await?;
    for key in keys {
        seen = store.add_signing_key(key, seen).await?;
    }
    Ok(())
}

/// Writes the clients of the settings' file to the database.
async fn save_clients(settings: &Settings, store: &Store, clock: &Clock) -> Result<(), Error> {
    let Some((text, origin)) = clients_file(settings)? else { return Ok(()) };
    save_clients_of(&text, &origin, store, clock).await
}

/// A client whose tokens no key could sign is found before it asks for one.
fn check_client_algs(settings: &Settings) -> Result<(), Error> {
    let Some((text, origin)) = clients_file(settings)? else { return Ok(()) };
    for (client, _) in clients_from(&text, &origin).part("clients.file")? {
        for alg in [&client.id_token_signed_response_alg, &client.access_token_signed_response_alg] {
            if !settings.keys.algs.contains(alg) {
                let reason = format!("client {:?}: {alg} is not one of keys.algs", client.id.as_str());
                return Err(Error::text("clients.file", reason));
            }
        }
    }
    Ok(())
}

/// The text of the settings' clients file, and its name.
fn clients_file(settings: &Settings) -> Result<Option<(String, String)>, Error> {
    let Some(path) = &settings.clients.file else { return Ok(None) };
    let origin = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| Error::text("clients.file", format!("{origin}: {error}")))?;
    Ok(Some((text, origin)))
}

/// Writes the clients of a file's text to the database; what has not changed stays as it is.
///
/// # Errors
/// An [`Error`] that names the row at fault.
pub async fn save_clients_of(text: &str, origin: &str, store: &Store, clock: &Clock) -> Result<(), Error> {
    for (client, secret) in clients_from(text, origin).part("clients.file")? {
        let hash = secret.map(|secret| SecretHash { sha256: sha256_b64(secret.expose()), expires_at: None });
        store.save_client(&client, hash.as_ref(), clock.now()).await.part("clients.file")?;
    }
    Ok(())
}

fn proxies(settings: &Settings) -> Result<Vec<Cidr>, Error> {
    settings.server.trusted_proxies.iter().map(|block| block.parse().part("server.trusted_proxies")).collect()
}

fn host_of(issuer: &url::Url) -> String {
    let host = issuer.host_str().unwrap_or_default();
    issuer.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What every room is made with.
struct Rooms<'a> {
    settings: &'a Settings,
    store: &'a Store,
    cache: &'a Cache,
    clock: &'a Clock,
    random: &'a Random,
}

impl Rooms<'_> {
    async fn provider(&self, origin: &str, texts: &Texts, membership: &Membership) -> Result<Provider, Error> {
        let Settings { tokens, documents, .. } = self.settings;
        let ring = keys(self.settings, self.store, self.clock.now()).await?;
        let vault = self.store.vault();
        Ok(Provider::new(provider::Parts {
            issuer: origin.to_owned(),
            lifetimes: Lifetimes {
                code: tokens.code_seconds,
                access: tokens.access_seconds,
                id: tokens.id_seconds,
                refresh: tokens.refresh_seconds,
                refresh_idle: tokens.refresh_idle_seconds,
            },
            rules: Arc::new(self.settings.release_rules()),
            documents: documents
                .iter()
                .filter(|document| document.required)
                .map(|document| RequiredDocument { id: document.id.clone(), version: document.version })
                .collect(),
            hosts: HostWatch(Arc::new({
                let membership = membership.clone();
                move || membership.unreachable()
            })),
            ui_locales: texts.locales().map(ToString::to_string).collect(),
            keys: ring,
            origins: provider::origins::Origins::default(),
            pairwise_key: self.store.lasting_key("pairwise").await.part("database")?,
            sealer: Sealer::new(vault.key("opaque-tokens"), self.random.clone()),
            store: self.store.clone(),
            cache: self.cache.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }))
    }

    fn accounts(&self) -> Accounts {
        let Settings { sign_in, session, locales, documents, linking, .. } = self.settings;
        let document = |document: &crate::settings::Document| accounts::Document {
            id: document.id.clone(),
            version: document.version,
            required: document.required,
            title: document.title.clone(),
            text: document.text.clone(),
        };
        let hasher = Hasher::new(sign_in.hashing_threads, sign_in.hashing_queue, self.random.clone());
        Accounts::new(accounts::Parts {
            policy: accounts::Policy {
                passwords: sign_in.passwords,
                code_seconds: sign_in.code_seconds,
                code_tries: sign_in.code_tries,
                codes_per_hour: sign_in.codes_per_hour,
                attempts_per_minute: sign_in.attempts_per_minute,
                session_idle_seconds: session.idle_seconds,
                session_absolute_seconds: session.absolute_seconds,
                step_up_seconds: session.step_up_seconds,
                linking: *linking,
                zoneinfo: locales.zoneinfo.clone(),
                locale: locales.default.clone(),
                documents: documents.iter().map(document).collect(),
            },
            store: self.store.clone(),
            cache: self.cache.clone(),
            sealer: Sealer::new(self.store.vault().key("continuations"), self.random.clone()),
            hasher,
            clock: self.clock.clone(),
            random: self.random.clone(),
        })
    }

    fn federation(&self, outbound: Outbound, origin: &str) -> Result<Federation, Error> {
        let base = format!("{origin}/federation").parse().part("server.issuer")?;
        Federation::new(
            self.settings.connections.clone(),
            outbound,
            self.cache.clone(),
            self.random.clone(),
            self.clock.clone(),
            &base,
        )
        .part("connections")
    }

    fn membership(&self, outbound: &Outbound) -> Result<Membership, Error> {
        let settings =
            MembershipSettings { programme: self.settings.programmes.clone(), limits: self.settings.membership };
        let (store, cache) = (self.store.clone(), self.cache.clone());
        Membership::new(settings, store, cache, outbound, self.random.clone(), self.clock.clone()).part("programmes")
    }
}
