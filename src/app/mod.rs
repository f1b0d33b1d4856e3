//! The composition root: settings become rooms, rooms become a running server. Used by the command line, the demo and
//! the tests alike; nothing else puts rooms together.

mod error;
mod rooms;
mod serve;

pub use self::error::Error;
pub use self::serve::{serve, wait_for_signal};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use self::error::In;
use self::rooms::Rooms;
use crate::cache::Cache;
use crate::consent::Consents;
use crate::i18n::Texts;
use crate::jobs::Jobs;
use crate::jose::{Alg, Rotation, Sealer};
use crate::mail::{Letterhead, Mail, Sink};
use crate::model::client::SecretHash;
use crate::model::digest::sha256_b64;
use crate::model::key::StoredKey;
use crate::model::{Clock, Random, Secret, UnixTime};
use crate::outbound::Outbound;
use crate::provider::keys::Keys;
use crate::settings::{MailTransport, Settings, clients_from};
use crate::store::{DatabaseSettings, Store, Vault};
use crate::telemetry::Metrics;
use crate::web::documents::Documents;
use crate::web::load::Load;
use crate::web::proxies::Cidr;
use crate::web::router::{self, Router};
use crate::web::state::{Site, Web};

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

/// Opens the settings' database and migrates it.
///
/// # Errors
/// An [`Error`] when it cannot be reached, or the master key is missing.
pub async fn open_store(settings: &Settings, extras: &Extras) -> Result<Store, Error> {
    let mut keys = extras.master_keys.clone();
    for file in &settings.keys.master_key_files {
        keys.push(read_master_key(file)?);
    }
    if keys.is_empty() {
        return Err(Error::text("keys.master_key_files", "no master key is given"));
    }
    let vault = Vault::new(keys).part("keys.master_key_files")?;
    if let Some(path) = settings.database.url.expose().strip_prefix("sqlite:")
        && !path.starts_with(':')
        && let Some(folder) = Path::new(path).parent()
    {
        std::fs::create_dir_all(folder).part("database.url")?;
    }
    let store = Store::open(&settings.database, vault, extras.random.clone()).await.part("database")?;
    let store = store.with_clock(extras.clock.clone());
    store.migrate().await.part("database")?;
    Ok(store)
}

/// Reads a master key: 32 bytes as base64, or as hexadecimal.
fn read_master_key(path: &PathBuf) -> Result<Secret<[u8; 32]>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::text("keys.master_key_files", format!("{}: {error}", path.display())))?;
    let text = text.trim();
    let bytes = if text.len() == 64 { unhex(text) } else { BASE64_STANDARD.decode(text).ok() };
    bytes
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(Secret::new)
        .ok_or_else(|| Error::text("keys.master_key_files", format!("{} does not hold 32 bytes", path.display())))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pairs = digits?;
    pairs.chunks_exact(2).map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok()).collect()
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

async fn open_cache(settings: &Settings, store: &Store, random: &Random, clock: &Clock) -> Result<Cache, Error> {
    if settings.cache.url.expose() == "memory" {
        return Ok(Cache::memory(clock.clone()));
    }
    let sealer = Sealer::new(store.vault().key("cache"), random.clone());
    Cache::redis(&settings.cache.url, sealer, clock.clone()).await.part("cache")
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
