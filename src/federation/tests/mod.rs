//! The engines against a provider that lies, fails and stalls.

mod binding;
mod hostile;
mod id_tokens;
mod providers;
mod revocation;
mod settings;
mod upstream;

use serde_json::{Value, json};
use url::Url;

use self::upstream::{Answer, Upstream};
use super::*;
use crate::cache::Cache;
use crate::jose::{Alg, SigningKey, hs256_sign, sign};
use crate::model::{Clock, ConnectionId, Random, UnixTime};
use crate::outbound::{Outbound, OutboundSettings};

const NOW: UnixTime = UnixTime(1_800_000_000);
const BROWSER: &str = "browser-hash";
/// As long as LINE's.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A deployment with one connection, and its provider.
struct Stage {
    upstream: Upstream,
    federation: Federation,
    clock: Clock,
    cache: Cache,
    id: ConnectionId,
    key: SigningKey,
}

/// A browser at the provider.
struct Away {
    url: Url,
    state: String,
    nonce: String,
}

impl Away {
    fn param(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    fn callback(&self) -> CallbackParams {
        CallbackParams::from_pairs([("state", self.state.as_str()), ("code", "c0de")])
    }
}

impl Stage {
    /// The preset of that name, moved to the test's own provider, with `more` settings in TOML.
    async fn of(preset: &str, more: &str) -> Self {
        let upstream = Upstream::start().await;
        let clock = Clock::manual(NOW);
        let cache = Cache::memory(clock.clone());
        let key = SigningKey::generate(Alg::ES256, Some("k1")).unwrap();
        let federation = Self::federation(&upstream, &clock, &cache, preset, more);
        let stage = Self { upstream, federation, clock, cache, id: ConnectionId::new(preset), key };
        for path in ["/oauth2/v3/certs", "/auth/keys", "/.well-known/jwks.json", "/oauth2/v2.1/certs", "/jwks"] {
            stage.publishes(path, &[&stage.key]);
        }
        stage
    }

    fn federation(upstream: &Upstream, clock: &Clock, cache: &Cache, preset: &str, more: &str) -> Federation {
        let origin =
            if preset.starts_with("generic") { String::new() } else { format!("origin = \"{}\"", upstream.origin()) };
        let secret = if preset == "apple" { String::new() } else { format!("client_secret = \"{SECRET}\"") };
        let more = more.replace("{upstream}", &upstream.issuer());
        let toml = format!("id = \"{preset}\"\nclient_id = \"client\"\n{secret}\n{origin}\n{more}\n");
        let settings: ConnectionSettings = toml::from_str(&toml).unwrap();
        let other: ConnectionSettings =
            toml::from_str("id = \"other\"\npreset = \"github\"\nclient_id = \"client\"\nclient_secret = \"secret\"\n")
                .unwrap();
        let outbound = OutboundSettings {
            allow_hosts: vec!["localhost".to_owned()],
            total_timeout_ms: 500,
            ..OutboundSettings::default()
        };
        let base = Url::parse("https://op.example/federation/").unwrap();
        let outbound = Outbound::new(&outbound).unwrap();
        Federation::new(vec![settings, other], outbound, cache.clone(), Random::new(), clock.clone(), &base).unwrap()
    }

    fn publishes(&self, path: &str, keys: &[&SigningKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public_jwk().to_value()).collect();
        self.upstream.says(path, Answer::json(200, &json!({ "keys": keys })));
    }

    async fn begins(&self) -> Away {
        self.begins_as(Intent::SignIn).await
    }

    async fn begins_as(&self, intent: Intent) -> Away {
        let wish = Begin { txn: "txn".to_owned(), browser: BROWSER.to_owned(), intent, login_hint: None };
        let begun = tokio::spawn({
            let (federation, id) = (self.federation.clone(), self.id.clone());
            async move { federation.begin(&id, wish).await }
        });
        away(begun.await.unwrap().unwrap())
    }

    async fn returns(&self, params: CallbackParams) -> Result<Completed, Failure> {
        self.federation.complete(&self.id, params, BROWSER).await
    }

    /// The claims an honest provider would sign.
    fn claims(&self, away: &Away, issuer: &str) -> Value {
        json!({
            "iss": issuer, "aud": "client", "sub": "subject-1", "nonce": away.nonce,
            "iat": self.clock.now().0, "exp": self.clock.now().0 + 300,
        })
    }

    fn signed(&self, claims: &Value) -> String {
        sign(&self.key, "JWT", claims).unwrap()
    }

    fn token_answer(&self, path: &str, id_token: Option<&str>) {
        let answer = json!({
            "access_token": "access", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh",
            "id_token": id_token,
        });
        self.upstream.says(path, Answer::json(200, &answer));
    }
}

fn away(url: Url) -> Away {
    let param = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    Away { state: param("state").unwrap(), nonce: param("nonce").unwrap_or_default(), url }
}

/// What a failure was: its kind, and that the sign-in survived it.
#[track_caller]
fn reason(outcome: Result<Completed, Failure>) -> Reason {
    match outcome.unwrap_err() {
        Failure::Refused { txn, reason } => {
            assert_eq!(txn, "txn");
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_profile_survives_being_put_aside() {
    let profile = UpstreamProfile {
        key: crate::model::identity::IdentityKey {
            connection: ConnectionId::new("kakao"),
            issuer: "https://kauth.kakao.com".to_owned(),
            subject: "1".to_owned(),
        },
        email: Some("m@ex.kr".to_owned()),
        email_trust: EmailTrust::Verified,
        attributes: Attributes { name: Some("김민지".to_owned()), ..Attributes::default() },
        auth_time: Some(NOW),
        acr: None,
        amr: vec!["pwd".to_owned()],
        tokens: crate::model::identity::UpstreamTokens {
            access_token: Some("access".into()),
            refresh_token: None,
            expires_at: Some(NOW),
        },
    };
    let read: UpstreamProfile = serde_json::from_str(&serde_json::to_string(&profile).unwrap()).unwrap();
    assert_eq!(format!("{read:?}"), format!("{profile:?}"));
    assert_eq!(read.tokens.access_token, profile.tokens.access_token);
    assert!(!format!("{profile:?}").contains("access\""), "tokens do not show in logs");
    assert_eq!(read.label(), Some("m@ex.kr"));
    let attributes = read.to_attributes(NOW);
    assert_eq!(attributes.len(), 1);
    assert_eq!((attributes[0].name.as_str(), attributes[0].source.as_str()), ("name", "connection:kakao"));
}
