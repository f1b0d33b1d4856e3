//! A server of its own, and the people and clients around it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use comity::app::{App, Extras, save_clients_of};
use comity::model::client::Client;
use comity::model::{Clock, Random, Secret, UnixTime};
use comity::settings::Source;
use comity::store::Store;
use comity::web::listen::{self, Limits};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use super::browser::Browser;
use super::http::{Reply, Request, send};
use super::keys;
use super::rp::Rp;
use super::services::Services;
use super::wire::Wire;

/// Tuesday, 1 September 2026, 00:00 UTC.
pub const START: UnixTime = UnixTime(1_788_220_800);

const SETTINGS: &str = include_str!("test.toml");
const CLIENTS: &str = include_str!("clients.toml");

/// What a server keeps its records in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// SQLite and memory.
    Sqlite,
    /// PostgreSQL and Redis.
    Postgres,
}

/// A running server.
pub struct World {
    app: App,
    address: SocketAddr,
    issuer: Url,
    extras: Extras,
    settings: Source,
    stop: watch::Sender<bool>,
    services: Option<Arc<Services>>,
    directory: Arc<TempDir>,
}

/// Tells a story on a backend, with settings laid over `test.toml`.
pub fn run<F: Future<Output = ()>>(backend: Backend, settings: &str, story: impl FnOnce(World) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let services = match backend {
        Backend::Sqlite => None,
        Backend::Postgres => match Services::new() {
            None => return,
            services => services.map(Arc::new),
        },
    };
    runtime.block_on(async {
        let world = World::open(services.clone(), settings).await;
        story(world).await;
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(services);
}

impl World {
    async fn open(services: Option<Arc<Services>>, settings: &str) -> Self {
        let directory = Arc::new(TempDir::new().unwrap());
        let file = directory.path().join("settings.toml");
        std::fs::write(&file, settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = format!("http://localhost:{}", address.port());
        let mut environment = Vec::new();
        let mut set = |name: &str, value: &str| environment.push((format!("COMITY_{name}"), value.to_owned()));
        if !settings.contains("server.issuer") {
            set("SERVER__ISSUER", &issuer);
        }
        match &services {
            Some(services) => {
                set("DATABASE__URL", &services.database);
                set("CACHE__URL", &services.cache);
            }
            None => set("DATABASE__URL", &format!("sqlite:{}", directory.path().join("comity.sqlite").display())),
        }
        let settings = Source { file: Some(file), layer: Some(SETTINGS), environment };
        let extras = Extras {
            clock: Clock::manual(START),
            random: Random::new(),
            master_keys: vec![Secret::new([7; 32])],
            signing_keys: keys::stored(START),
        };
        let (app, issuer, stop) = serve(&settings, &extras, listener).await;
        Self { app, address, issuer, extras, settings, stop, services, directory }
    }

    /// Another node of this deployment: the same issuer, settings, database, cache and clock, another listener. A cache in
    /// memory is each node's own.
    pub async fn another_node(&self) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut settings, extras) = (self.settings.clone(), self.extras.clone());
        settings.environment.retain(|(name, _)| name != "COMITY_SERVER__ISSUER");
        settings.environment.push(("COMITY_SERVER__ISSUER".to_owned(), self.issuer().to_owned()));
        let (app, issuer, stop) = serve(&settings, &extras, listener).await;
        let (services, directory) = (self.services.clone(), Arc::clone(&self.directory));
        Self { app, address, issuer, extras, settings, stop, services, directory }
    }

    /// Ends the server as a crash would, and starts it again on the same database and cache.
    pub async fn restart(&mut self) {
        let _ = self.stop.send(true);
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        (self.app, self.issuer, self.stop) = serve(&self.settings, &self.extras, listener).await;
    }

    /// Starts the server again with other settings over `test.toml`.
    pub async fn restart_with(&mut self, settings: &str) {
        std::fs::write(self.directory.path().join("settings.toml"), settings).unwrap();
        self.restart().await;
    }

    /// Puts a wire that can be cut between the server and its database or cache (`DATABASE__URL`, `CACHE__URL`), and
    /// starts the server again. `None` where there is nothing to be cut.
    pub async fn wire(&mut self, setting: &str) -> Option<Wire> {
        let name = format!("COMITY_{setting}");
        let (_, url) = self.settings.environment.iter_mut().find(|(known, _)| *known == name)?;
        let parsed = Url::parse(url).ok()?;
        let there = SocketAddr::from(([127, 0, 0, 1], parsed.port()?));
        let wire = Wire::to(there).await;
        *url = url.replacen(&there.port().to_string(), &wire.address().port().to_string(), 1);
        self.restart().await;
        Some(wire)
    }

    /// Locks the database file against writing, as another process might; `None` where there is no such file.
    pub fn lock(&self) -> Option<Connection> {
        if self.services.is_some() {
            return None;
        }
        let other = Connection::open(self.directory.path().join("comity.sqlite")).unwrap();
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        Some(other)
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn store(&self) -> &Store {
        self.app.store()
    }

    pub fn now(&self) -> UnixTime {
        self.extras.clock.now()
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: i64) {
        self.extras.clock.advance(seconds);
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        self.issuer.as_str().trim_end_matches('/')
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A folder that goes with this world.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// What this world's records are kept in.
    pub const fn backend(&self) -> Backend {
        if self.services.is_some() { Backend::Postgres } else { Backend::Sqlite }
    }

    /// Where the records are, unless they are this process's own.
    pub fn services(&self) -> Option<&Services> {
        self.services.as_deref()
    }

    /// A new browser.
    pub fn browser(&self) -> Browser {
        Browser::new(self.issuer.clone(), self.address)
    }

    /// The client of this id as its developer has it.
    pub fn rp(&self, id: &str) -> Rp {
        Rp::new(self, id)
    }

    /// Sends one request, with our name as its `Host` unless it has one.
    pub async fn send(&self, request: Request) -> Reply {
        let host = self.issuer.host_str().unwrap();
        let host = self.issuer.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        send(self.address, &host, request).await
    }

    /// Registers clients, written as in a clients file.
    pub async fn register(&self, toml: &str) {
        save_clients_of(toml, "a story", self.store(), self.app.clock()).await.unwrap();
    }

    /// Changes a client's metadata.
    pub async fn change_client(&self, id: &str, change: impl FnOnce(&mut Client)) {
        let mut client = (*self.store().client(&id.into()).await.unwrap().unwrap().client).clone();
        change(&mut client);
        self.store().save_client(&client, None, self.now()).await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

async fn serve(settings: &Source, extras: &Extras, listener: TcpListener) -> (App, Url, watch::Sender<bool>) {
    let settings = settings.load().unwrap();
    let issuer = settings.server.issuer.clone();
    let app = App::build(settings, extras.clone()).await.unwrap();
    save_clients_of(CLIENTS, "clients.toml", app.store(), app.clock()).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(listen::serve(listener, app.router(), Limits::default(), stopped));
    (app, issuer, stop)
}
