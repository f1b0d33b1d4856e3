//! A world with identity providers and a loyalty host around it: the simulators of the demo, in this process, each
//! under a name of its own below `localhost`, on the story's clock.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use comity::demo::loyalty_host::{Access, LoyaltyHost};
use comity::demo::simulators::{AppleKey, Provider, ProviderClient, SimulatorKeys, SimulatorSettings, Simulators};
use comity::jose::{Alg, SigningKey};
use comity::model::event::Event;
use comity::model::identity::{Identity, IdentityKey};
use comity::model::{AccountId, Random};
use comity::web::listen::{self, Limits};
use http::StatusCode;
use tokio::sync::watch;
use tower::ServiceExt;

use super::logs;
use super::world::{Backend, World, run};

const SETTINGS: &str = include_str!("stage.toml");

/// Made once for all stages of this process.
static PROVIDER_KEYS: LazyLock<SimulatorKeys> = LazyLock::new(SimulatorKeys::default);
static APPLE_KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Alg::ES256, Some("TESTKEY001")).unwrap());

/// What the loyalty host sent to members: recipient and text.
type Texts = Arc<Mutex<Vec<(String, String)>>>;

/// A server and those it talks to.
pub struct Stage {
    world: World,
    pub simulators: Simulators,
    pub host: LoyaltyHost,
    texts: Texts,
    port: u16,
    _stop: watch::Sender<bool>,
}

impl Deref for Stage {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl World {
    /// A text people read, by language and key.
    pub fn say(&self, language: &str, key: &str) -> String {
        self.app().web().texts.get(&language.parse().unwrap(), key).to_owned()
    }

    /// Everything that happened so far.
    pub async fn events(&self) -> Vec<Event> {
        self.store().events(None, None, 10_000).await.unwrap()
    }

    /// How often something happened.
    pub async fn happened(&self, kind: &str) -> usize {
        self.events().await.iter().filter(|event| event.kind == kind).count()
    }
}

impl Stage {
    /// Tells a story on a backend, with settings laid over the stage's own.
    pub fn run<F: Future<Output = ()>>(backend: Backend, settings: &str, story: fn(Self) -> F) {
        logs::capture();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let settings = format!("{settings}\n{SETTINGS}").replace("PORT", &port.to_string());
        let settings = settings.replace("APPLE_KEY", &pem(&APPLE_KEY));
        run(backend, &settings, move |world| async move { story(Self::around(world, listener, port)).await });
    }

    fn around(world: World, listener: TcpListener, port: u16) -> Self {
        let clock = world.app().clock().clone();
        let simulators = Simulators::new(SimulatorSettings {
            clients: Provider::ALL.map(|provider| client(provider, world.issuer())).to_vec(),
            base_url: Arc::new(move |provider| format!("http://{provider}.localhost:{port}")),
            clock: clock.clone(),
            random: Random::new(),
            keys: PROVIDER_KEYS.clone(),
        });
        let texts = Texts::default();
        let sent = Arc::clone(&texts);
        let deliver = move |to: &str, text: &str| sent.lock().unwrap().push((to.to_owned(), text.to_owned()));
        let access = Access::Bearer("loyalty-secret-of-the-tests".into());
        let host = LoyaltyHost::skyway(access, clock, Random::new(), deliver);
        let mut hosts: BTreeMap<String, Router> =
            Provider::ALL.map(|provider| (provider.to_string(), simulators.router(provider))).into();
        hosts.insert("loyalty".to_owned(), host.router());
        let (stop, stopped) = watch::channel(false);
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(listen::serve(listener, by_host(hosts), Limits::default(), stopped));
        Self { world, simulators, host, texts, port, _stop: stop }
    }

    /// Where a provider or the loyalty host is.
    pub fn origin(&self, name: &str) -> String {
        format!("http://{name}.localhost:{}", self.port)
    }

    /// Replaces text of this world's settings; they count after a restart.
    pub async fn change_settings(&mut self, from: &str, to: &str) {
        let file = self.directory().join("settings.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        self.restart().await;
    }

    /// The login of a person at a provider, if it is linked to an account.
    pub async fn identity(&self, provider: Provider, person: &str) -> Option<Identity> {
        let subject = self.simulators.subject(provider, client_id(provider), person).unwrap();
        let connection = provider.as_str().into();
        let key = IdentityKey { connection, issuer: self.origin(provider.as_str()), subject };
        self.store().identity(&key).await.unwrap()
    }

    /// Whose login that is.
    pub async fn account_of(&self, provider: Provider, person: &str) -> AccountId {
        self.identity(provider, person).await.expect("a linked login").account
    }

    /// The value a source gave for a claim.
    pub async fn attribute(&self, account: AccountId, name: &str, source: &str) -> Option<serde_json::Value> {
        let attributes = self.store().profile(account).await.unwrap().unwrap().attributes;
        attributes.into_iter().find(|it| it.name == name && it.source == source).map(|it| it.value)
    }

    /// The texts the loyalty host sent to a number.
    pub fn texts_to(&self, phone: &str) -> Vec<String> {
        let texts = self.texts.lock().unwrap();
        texts.iter().filter(|(to, _)| to == phone).map(|(_, text)| text.clone()).collect()
    }

    /// How many requests a provider got on a path.
    pub fn asked(&self, provider: Provider, path: &str) -> usize {
        self.simulators.log(provider).iter().filter(|entry| entry.path == path).count()
    }
}

/// What the providers call us, as in `stage.toml`.
pub const fn client_id(provider: Provider) -> &'static str {
    match provider {
        Provider::Google => "travel.apps.example",
        Provider::Apple => "example.travel.signin",
        Provider::Kakao => "travel-kakao",
        Provider::Naver => "travel-naver",
        Provider::Line => "1650000001",
        Provider::Facebook => "100000000000001",
    }
}

fn client(provider: Provider, issuer: &str) -> ProviderClient {
    let secret = match provider {
        Provider::Line => "line-channel-secret-of-the-tests-1".to_owned(),
        provider => format!("{provider}-secret-of-the-tests"),
    };
    let callback = |connection: &str| format!("{issuer}/federation/{connection}/callback");
    let mut client = ProviderClient::new(provider, client_id(provider), &secret, &callback(provider.as_str()));
    // A story may have a second connection to the same application.
    client.redirect_uris.push(callback(&format!("{provider}-2")));
    match provider {
        Provider::Apple => client.with_apple_key(AppleKey {
            team_id: "TESTTEAM01".to_owned(),
            key_id: "TESTKEY001".to_owned(),
            public_jwk: APPLE_KEY.public_jwk().clone(),
        }),
        _ => client,
    }
}

fn pem(key: &SigningKey) -> String {
    let der = BASE64_STANDARD.encode(key.to_pkcs8().unwrap().expose());
    let lines: Vec<&str> = der.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn by_host(hosts: BTreeMap<String, Router>) -> Router {
    let hosts = Arc::new(hosts);
    Router::new().fallback(move |request: Request| {
        let hosts = Arc::clone(&hosts);
        async move {
            let name = request.headers()["host"].to_str().unwrap().split('.').next().unwrap().to_owned();
            match hosts.get(&name) {
                Some(router) => router.clone().oneshot(request).await.unwrap(),
                None => axum::response::IntoResponse::into_response(StatusCode::MISDIRECTED_REQUEST),
            }
        }
    })
}
