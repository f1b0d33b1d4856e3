//! A stage with all simulators, a browser that follows forms, and a connector's back channel.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::answer::Answer;
use crate::demo::simulators::{
    AppleKey, Provider, ProviderClient, Quirk, SimulatorKeys, SimulatorSettings, Simulators,
};
use crate::jose::{Alg, Audience, Claims, Expected, JwkSet, Rejected, SigningKey, sign, verify};
use crate::model::digest::sha256_b64;
use crate::model::{Clock, Random, UnixTime};

pub(super) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(super) const VERIFIER: &str = "a-code-verifier-of-forty-three-characters-xx";

/// RSA keys take their time: one set serves all tests.
static KEYS: LazyLock<SimulatorKeys> = LazyLock::new(SimulatorKeys::default);

pub(super) struct Stage {
    pub(super) simulators: Simulators,
    pub(super) provider: Provider,
    pub(super) clock: Clock,
    pub(super) apple_key: SigningKey,
    router: Router,
    cookies: BTreeMap<String, String>,
    pub(super) language: &'static str,
    pub(super) agent: &'static str,
}

impl Stage {
    pub(super) fn new(provider: Provider) -> Self {
        let clock = Clock::manual(NOW);
        let apple_key = SigningKey::generate(Alg::ES256, Some("APPLEKEY01")).unwrap();
        let client = |provider: Provider| {
            let callback = format!("https://op.example/callback/{provider}");
            let mut client = ProviderClient::new(provider, &format!("{provider}-client"), SECRET, &callback);
            client.admin_key = (provider == Provider::Kakao).then(|| "an-admin-key".into());
            if provider != Provider::Apple {
                return client;
            }
            client.with_apple_key(AppleKey {
                team_id: "TEAM000001".to_owned(),
                key_id: "APPLEKEY01".to_owned(),
                public_jwk: apple_key.public_jwk().clone(),
            })
        };
        let simulators = Simulators::new(SimulatorSettings {
            clients: Provider::ALL.into_iter().map(client).collect(),
            base_url: Arc::new(|provider| format!("http://{provider}.localhost:8080")),
            clock: clock.clone(),
            random: Random::new(),
            keys: KEYS.clone(),
        });
        let router = simulators.router(provider);
        let cookies = BTreeMap::new();
        Self { simulators, provider, clock, apple_key, router, cookies, language: "en", agent: "test" }
    }

    pub(super) fn set(&self, quirk: Quirk) {
        self.simulators.set(self.provider, quirk);
    }

    pub(super) fn client_id(&self) -> String {
        format!("{}-client", self.provider)
    }

    pub(super) fn callback(&self) -> String {
        format!("https://op.example/callback/{}", self.provider)
    }

    pub(super) fn issuer(&self) -> String {
        format!("http://{}.localhost:8080", self.provider)
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let path = request.uri().path().to_owned();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap(), path }
    }

    /// A request of the back channel.
    pub(super) async fn call(&self, method: Method, path: &str, authorization: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        let authorization = if token.is_empty() { String::new() } else { format!("Bearer {token}") };
        self.call(Method::GET, path, &authorization, &[]).await
    }

    async fn browse(&mut self, method: Method, path: &str, form: String) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::USER_AGENT, self.agent)
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request.body(Body::from(form)).unwrap()).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        answer
    }

    /// Opens a page in the browser.
    pub(super) async fn open(&mut self, path: &str) -> Answer {
        self.browse(Method::GET, path, String::new()).await
    }

    /// Presses a button.
    pub(super) async fn press(&mut self, page: &Answer, button: &str) -> Answer {
        self.press_changed(page, button, &[]).await
    }

    /// Changes boxes and then presses a button.
    pub(super) async fn press_changed(&mut self, page: &Answer, button: &str, changed: &[&str]) -> Answer {
        let (target, fields) = page.form(button, changed);
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.browse(Method::POST, &target, form).await
    }

    fn endpoint(&self) -> (&'static str, &'static str, &'static str) {
        match self.provider {
            Provider::Google => ("/o/oauth2/v2/auth", "/token", "openid email profile"),
            Provider::Apple => ("/auth/authorize", "/auth/token", "name email"),
            Provider::Kakao => ("/oauth/authorize", "/oauth/token", "openid,profile_nickname,account_email"),
            Provider::Naver => ("/oauth2.0/authorize", "/oauth2.0/token", ""),
            Provider::Line => ("/oauth2/v2.1/authorize", "/oauth2/v2.1/token", "openid profile email"),
            Provider::Facebook => ("/v24.0/dialog/oauth", "/v24.0/oauth/access_token", "public_profile,email"),
        }
    }

    /// An authorization request as a connector makes it; `more` wins.
    pub(super) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let (path, _, scope) = self.endpoint();
        let (client_id, callback, challenge) = (self.client_id(), self.callback(), sha256_b64(VERIFIER));
        let mut parameters = BTreeMap::from([
            ("client_id", client_id.as_str()),
            ("redirect_uri", &callback),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "a state"),
            ("nonce", "a nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        if self.provider == Provider::Apple {
            parameters.insert("response_mode", "form_post");
        }
        parameters.extend(more.iter().copied());
        format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
    }

    /// Signs a person in for the first time, allowing all.
    pub(super) async fn sign_in(&mut self, person: &str) -> Answer {
        let url = self.authorize_url(&[]);
        let page = self.open(&url).await;
        let page = self.press(&page, &format!("#user-{person}")).await;
        self.press(&page, "#allow").await
    }

    /// A client secret as Apple wants it.
    pub(super) fn apple_secret(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = self.clock.now().0;
        let mut claims = json!({
            "iss": "TEAM000001", "sub": self.client_id(), "aud": self.issuer(), "iat": now, "exp": now + 300,
        });
        change(&mut claims);
        sign(&self.apple_key, "JWT", &claims).unwrap()
    }

    /// Redeems a code; `more` wins.
    pub(super) async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let (_, path, _) = self.endpoint();
        let secret = match self.provider {
            Provider::Apple => self.apple_secret(|_| {}),
            _ => SECRET.to_owned(),
        };
        let (client_id, callback) = (self.client_id(), self.callback());
        let mut form = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &client_id),
            ("client_secret", &secret),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ]);
        form.extend(more.iter().copied());
        let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.call(Method::POST, path, "", &form).await
    }

    /// Signs in and redeems the code.
    pub(super) async fn tokens(&mut self, person: &str) -> Value {
        let code = self.sign_in(person).await.code();
        let answer = self.redeem(&code, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Believes an ID token as a careful connector does.
    pub(super) async fn verify(&self, jwks_path: &str, alg: Alg, id_token: &str) -> Result<Claims, Rejected> {
        let set = JwkSet::parse_published(&self.get(jwks_path, "").await.json()).unwrap();
        let (issuer, client_id) = (self.issuer(), self.client_id());
        let audience = [client_id.as_str()];
        let algs = [alg];
        let expected = Expected::upstream_id_token(&algs, &issuer, Audience::Only(&audience), Some("a nonce"));
        verify(id_token, &set, &expected, self.clock.now())
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}
