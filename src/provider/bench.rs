//! A provider on a fresh database in memory, for the tests beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::authorize::Outcome;
use super::client_auth::ClientCredentials;
use super::keys::Keys;
use super::{Error, HostWatch, Lifetimes, Parts, Provider};
use crate::cache::Cache;
use crate::jose::{Alg, Rotation, Sealer};
use crate::model::account::Stage;
use crate::model::client::Client;
use crate::model::session::{Authentication, Session};
use crate::model::{AccountId, Clock, Locale, Random, Secret, UnixTime};
use crate::policy::release::ReleaseRules;
use crate::protocol::{Challenge, ErrorCode, Params, TokenResponse};
use crate::store::{DatabaseSettings, NewAccount, Store, Vault};

pub(super) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(super) struct Bench {
    pub(super) provider: Provider,
    pub(super) store: Store,
    pub(super) clock: Clock,
}

pub(super) async fn bench() -> Bench {
    let (clock, random) = (Clock::manual(NOW), Random::new());
    let vault = Vault::new(vec![Secret::new([7; 32])]).unwrap();
    let settings = DatabaseSettings::new("sqlite::memory:".to_owned());
    let store = Store::open(&settings, vault, random.clone()).await.unwrap().with_clock(clock.clone());
    store.migrate().await.unwrap();
    let rotation = Rotation { lifetime: 10_000_000, publish_ahead: 1000, retain_after: 1000 };
    let provider = Provider::new(Parts {
        origins: super::origins::Origins::default(),
        issuer: "https://id.example.com".to_owned(),
        lifetimes: Lifetimes { code: 60, access: 600, id: 3600, refresh: 100_000, refresh_idle: 50_000 },
        rules: Arc::new(ReleaseRules::builtin().unwrap()),
        documents: Vec::new(),
        hosts: HostWatch(Arc::new(BTreeSet::new)),
        ui_locales: Vec::new(),
        keys: Keys::load(store.clone(), &[Alg::EdDSA], rotation, NOW).await.unwrap(),
        pairwise_key: [3; 32],
        sealer: Sealer::new([1; 32], random.clone()),
        store: store.clone(),
        cache: Cache::memory(clock.clone()),
        clock: clock.clone(),
        random,
    });
    Bench { provider, store, clock }
}

impl Bench {
    /// Registers the public client `app`, changed as the test needs it.
    pub(super) async fn client(&self, change: impl FnOnce(&mut Client)) -> Client {
        let mut client: Client = serde_json::from_value(serde_json::json!({
            "client_id": "app",
            "client_name": "App",
            "redirect_uris": ["https://app.example.com/cb"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "id_token_signed_response_alg": "EdDSA",
            "access_token_format": "opaque",
            "release": { "scopes": ["openid", "profile", "offline_access"] },
        }))
        .unwrap();
        change(&mut client);
        self.store.save_client(&client, None, self.clock.now()).await.unwrap();
        client
    }

    pub(super) async fn person(&self) -> AccountId {
        let account = NewAccount {
            stage: Stage::Registered,
            locale: Locale::english(),
            zoneinfo: "UTC".to_owned(),
            contact: None,
            identity: None,
            password_hash: None,
            attributes: Vec::new(),
            acceptances: Vec::new(),
        };
        self.store.register_account(account, self.clock.now()).await.unwrap()
    }

    pub(super) async fn session(&self, account: AccountId) -> Session {
        let now = self.clock.now();
        let random = Random::new();
        let authentication = Authentication {
            time: now,
            amr: vec!["otp".to_owned()],
            acr: "urn:comity:acr:1".to_owned(),
            connection: None,
        };
        let session = Session {
            id: random.id(now),
            account,
            authentication,
            created_at: now,
            last_seen_at: now,
            expires_at: now + 1_000_000,
            user_agent: String::new(),
        };
        self.store.start_session(&session, &random.bytes::<32>(), None, now).await.unwrap();
        session
    }

    /// An authorization request of `app` with more parameters.
    pub(super) fn request(more: &[(&str, &str)]) -> Params {
        let params = Params::new()
            .with("client_id", "app")
            .with("redirect_uri", "https://app.example.com/cb")
            .with("response_type", "code")
            .with("scope", "openid profile offline_access")
            .with("code_challenge", Challenge::of(VERIFIER).as_str())
            .with("code_challenge_method", "S256");
        more.iter().fold(params, |params, (name, value)| params.with(*name, *value))
    }

    /// A code of a session that has nothing left to settle.
    pub(super) async fn code(&self, session: &Session) -> String {
        let outcome = self.provider.authorize(&Self::request(&[]), Some(session), "browser").await.unwrap();
        match outcome {
            Outcome::Return(answer) => answer.response.params.get("code").unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn redeem(&self, code: &str) -> Result<TokenResponse, ErrorCode> {
        let params = Params::new()
            .with("grant_type", "authorization_code")
            .with("client_id", "app")
            .with("redirect_uri", "https://app.example.com/cb")
            .with("code_verifier", VERIFIER)
            .with("code", code);
        self.token(&params).await
    }

    pub(super) async fn refresh(&self, token: &str, more: &[(&str, &str)]) -> Result<TokenResponse, ErrorCode> {
        let params = Params::new().with("grant_type", "refresh_token").with("client_id", "app");
        let params = params.with("refresh_token", token);
        self.token(&more.iter().fold(params, |params, (name, value)| params.with(*name, *value))).await
    }

    async fn token(&self, params: &Params) -> Result<TokenResponse, ErrorCode> {
        self.provider.token(params, ClientCredentials::default()).await.map_err(|error| match error {
            Error::Refused(refused) => refused.code(),
            Error::Fault(fault) => panic!("{fault:?}"),
        })
    }
}
