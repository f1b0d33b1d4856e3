//! A relying party: what a client's developer writes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use comity::jose::{self, Alg, Audience, Expected, JwkSet, SigningKey, half_hash};
use comity::model::digest::sha256_b64;
use comity::model::{Clock, Random};
use comity::protocol::Params;
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, query};
use super::http::{Reply, Request, send};
use super::tokens::{self, Tokens};
use super::world::World;

/// How the client says who it is.
#[derive(Clone, Debug)]
pub enum Credentials {
    None,
    Basic(String),
    Post(String),
    Key(SigningKey),
    /// It says nothing: what the request is to say is in its fields.
    Bare,
}

/// A relying party.
#[derive(Clone, Debug)]
pub struct Rp {
    pub id: String,
    pub redirect_uri: String,
    pub credentials: Credentials,
    pub issuer: String,
    host: String,
    address: SocketAddr,
    clock: Clock,
    /// What the latest authorization request was made with.
    sent: Arc<Mutex<Sent>>,
}

#[derive(Clone, Debug, Default)]
struct Sent {
    state: String,
    nonce: String,
    verifier: String,
}

impl Rp {
    pub fn new(world: &World, id: &str) -> Self {
        let (redirect_uri, credentials) = match id {
            "web" => ("https://shop.example/callback", Credentials::Basic("web-secret-of-the-tests".into())),
            "plain" => ("https://old.example/callback", Credentials::Post("plain-secret-of-the-tests".into())),
            "app" => ("com.example.app:/callback", Credentials::None),
            "hotel" => ("https://hotel.example/callback", Credentials::Basic("hotel-secret-of-the-tests".into())),
            "robot" | "api" => ("", Credentials::Basic(format!("{id}-secret-of-the-tests"))),
            _ => ("https://rp.example/callback", Credentials::None),
        };
        let issuer: Url = world.issuer().parse().unwrap();
        let host = issuer.host_str().unwrap();
        Self {
            id: id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            credentials,
            issuer: world.issuer().to_owned(),
            host: issuer.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            address: world.address(),
            clock: world.app().clock().clone(),
            sent: Arc::default(),
        }
    }

    /// The same client with other credentials.
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// The same client, whose requests another node answers.
    pub const fn through(mut self, node: &World) -> Self {
        self.address = node.address();
        self
    }

    /// The same client at another of its redirect URIs.
    pub fn at(mut self, redirect_uri: &str) -> Self {
        redirect_uri.clone_into(&mut self.redirect_uri);
        self
    }

    /// A new authorization request: code flow, `openid profile email`, PKCE, state and nonce.
    pub fn authorize(&self) -> Authorize {
        let random = Random::new();
        let [state, nonce, verifier] = [(); 3].map(|()| random.token().expose().clone());
        let params = [
            ("client_id", self.id.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("response_type", "code".to_owned()),
            ("scope", "openid profile email".to_owned()),
            ("state", state.clone()),
            ("nonce", nonce.clone()),
            ("code_challenge", sha256_b64(&verifier)),
            ("code_challenge_method", "S256".to_owned()),
        ];
        *self.sent.lock().unwrap() = Sent { state, nonce, verifier };
        let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Authorize { issuer: self.issuer.clone(), params }
    }

    /// The parameters of the response the browser brought to the redirect URI.
    #[track_caller]
    pub fn response(&self, browser: &Browser) -> Params {
        let page = &browser.page;
        let shown = format!("{} {}: {} {}", page.status, page.url, page.text("h1"), page.text("#problem"));
        assert!(page.away, "not back at the client but at {shown}");
        let there: Url = self.redirect_uri.parse().unwrap();
        assert_eq!((page.url.scheme(), page.url.host(), page.url.path()), (there.scheme(), there.host(), there.path()));
        if page.posted.is_empty() {
            // An empty fragment is there so that none of an earlier address survives the redirect.
            return match page.url.fragment() {
                Some(fragment) if !fragment.is_empty() => Params::parse(fragment).unwrap(),
                _ => query(&page.url),
            };
        }
        page.posted.iter().fold(Params::new(), |params, (name, value)| params.with(name, value))
    }

    /// The code the browser brought, `state` and `iss` checked.
    #[track_caller]
    pub fn code(&self, browser: &Browser) -> String {
        let response = self.response(browser);
        assert_eq!(response.get("state"), Some(self.sent.lock().unwrap().state.as_str()), "{response:?}");
        assert_eq!(response.get("iss"), Some(self.issuer.as_str()));
        response.get("code").unwrap_or_else(|| panic!("no code but {:?}", response.get("error"))).to_owned()
    }

    /// Asserts that the browser brought an error, `state` and `iss` with it.
    #[track_caller]
    pub fn assert_refused(&self, browser: &Browser, error: &str) {
        let response = self.response(browser);
        assert_eq!(response.get("error"), Some(error), "{:?}", response.get("error_description"));
        assert_eq!(response.get("state"), Some(self.sent.lock().unwrap().state.as_str()));
        assert_eq!(response.get("iss"), Some(self.issuer.as_str()));
        assert_eq!(response.get("code"), None);
    }

    /// The verifier of the latest request.
    pub fn verifier(&self) -> String {
        self.sent.lock().unwrap().verifier.clone()
    }

    /// The nonce of the latest request.
    pub fn nonce(&self) -> String {
        self.sent.lock().unwrap().nonce.clone()
    }

    /// The parameters that redeem a code of the latest request.
    pub fn redemption(&self, code: &str) -> Vec<(String, String)> {
        let verifier = self.verifier();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &verifier),
        ];
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Redeems a code; the response is as it must be.
    pub async fn redeem(&self, code: &str) -> Tokens {
        let tokens = self.tokens(self.try_redeem(code).await).await;
        if !tokens.id_token.is_empty() {
            assert_eq!(tokens.id["nonce"].as_str(), Some(self.nonce()).as_deref());
        }
        tokens
    }

    /// Redeems a code, for better or worse.
    pub async fn try_redeem(&self, code: &str) -> Reply {
        self.call("/token", &self.redemption(code)).await
    }

    /// Uses a refresh token; the response is as it must be.
    pub async fn refresh(&self, refresh_token: &str) -> Tokens {
        self.tokens(self.try_refresh(refresh_token, None).await).await
    }

    /// Uses a refresh token, for better or worse.
    pub async fn try_refresh(&self, refresh_token: &str, scope: Option<&str>) -> Reply {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        fields.extend(scope.map(|scope| ("scope", scope)));
        self.post("/token", &fields).await
    }

    pub async fn userinfo(&self, access_token: &str) -> Reply {
        self.send(Request::get("/userinfo").bearer(access_token)).await
    }

    /// The claims of userinfo.
    pub async fn claims(&self, tokens: &Tokens) -> Value {
        self.userinfo(&tokens.access).await.expect(200).json()
    }

    pub async fn introspect(&self, token: &str) -> Value {
        self.post("/introspect", &[("token", token)]).await.expect(200).json()
    }

    pub async fn revoke(&self, token: &str) {
        self.post("/revoke", &[("token", token)]).await.expect(200);
    }

    /// A form request with the client's credentials.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.call(path, &fields).await
    }

    /// A form request with the client's credentials.
    pub async fn call(&self, path: &str, fields: &[(String, String)]) -> Reply {
        self.send(self.request(path, fields)).await
    }

    /// A form request with the client's credentials, not yet sent.
    pub fn request(&self, path: &str, fields: &[(String, String)]) -> Request {
        let mut fields = fields.to_vec();
        let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
        let mut request = Request::post(path);
        match &self.credentials {
            Credentials::None => add("client_id", self.id.clone()),
            Credentials::Bare => {}
            Credentials::Basic(secret) => request = request.basic(&self.id, secret),
            Credentials::Post(secret) => {
                add("client_id", self.id.clone());
                add("client_secret", secret.clone());
            }
            Credentials::Key(key) => {
                add("client_assertion_type", ASSERTION_TYPE.to_owned());
                add("client_assertion", jose::sign(key, "JWT", &self.assertion()).unwrap());
            }
        }
        request.form(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The claims of a client assertion.
    pub fn assertion(&self) -> Value {
        let now = self.clock.now().0;
        let jti = Random::new().handle();
        json!({ "iss": self.id, "sub": self.id, "aud": self.issuer, "iat": now, "exp": now + 60, "jti": jti })
    }

    pub async fn send(&self, request: Request) -> Reply {
        send(self.address, &self.host, request).await
    }

    /// Goes the whole way: a person signs in, allows all that is asked, and the client redeems the code.
    pub async fn sign_in(&self, browser: &mut Browser, world: &World, email: &str) -> Tokens {
        self.sign_in_for(browser, world, email, "openid profile email").await
    }

    /// The whole way for a scope.
    pub async fn sign_in_for(&self, browser: &mut Browser, world: &World, email: &str, scope: &str) -> Tokens {
        browser.open(&self.authorize().with("scope", scope).url()).await;
        if !browser.is_away() && browser.page.url.path() == "/sign-in" {
            browser.sign_in(world, email).await;
        }
        if !browser.is_away() && browser.page.url.path() == "/consent" {
            browser.tick_all().press("allow").await;
        }
        let code = self.code(browser);
        self.redeem(&code).await
    }

    /// Checks a token response and verifies its ID token [OIDC Core §3.1.3.7].
    pub async fn tokens(&self, reply: Reply) -> Tokens {
        let reply = reply.expect(200);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let response = reply.json();
        let text = |name: &str| response[name].as_str().map(str::to_owned);
        assert_eq!(response["token_type"], "Bearer");
        assert!(response["expires_in"].as_i64().is_some_and(|seconds| (1..=600).contains(&seconds)));
        let access = text("access_token").unwrap();
        let id_token = text("id_token").unwrap_or_default();
        let id = if id_token.is_empty() { Value::Null } else { self.verify(&id_token, &access).await };
        Tokens { access, refresh: text("refresh_token"), id, id_token, response }
    }

    async fn verify(&self, id_token: &str, access_token: &str) -> Value {
        let jwks = self.send(Request::get("/jwks")).await.expect(200).json();
        let keys = JwkSet::parse(&jwks).unwrap();
        let header = tokens::part(id_token, 0);
        let alg: Alg = header["alg"].as_str().unwrap().parse().unwrap();
        let audience = [self.id.as_str()];
        let algs = [alg];
        let expected = Expected::upstream_id_token(&algs, &self.issuer, Audience::Only(&audience), None);
        jose::verify(id_token, &keys, &expected, self.clock.now()).expect("a valid ID token");
        let claims = tokens::part(id_token, 1);
        assert_eq!(claims["at_hash"].as_str(), Some(half_hash(alg, access_token)).as_deref());
        assert!(claims["auth_time"].is_i64() && claims["iat"].is_i64() && claims["exp"].is_i64(), "{claims}");
        claims
    }
}

/// The only type of client assertion there is [RFC 7523 §2.2].
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An authorization request in the making.
#[derive(Clone, Debug)]
pub struct Authorize {
    issuer: String,
    pub params: Vec<(String, String)>,
}

impl Authorize {
    /// Sets a parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self.and(name, value)
    }

    /// Adds a parameter, though it may be there already.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a parameter out.
    pub fn without(mut self, name: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self
    }

    /// Leaves PKCE out.
    pub fn without_pkce(self) -> Self {
        self.without("code_challenge").without("code_challenge_method")
    }

    pub fn query(&self) -> String {
        self.params.iter().fold(Params::new(), |params, (name, value)| params.with(name, value)).to_urlencoded()
    }

    pub fn url(&self) -> String {
        format!("{}/authorize?{}", self.issuer, self.query())
    }

    /// The parameters as a form would send them.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
