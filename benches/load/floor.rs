//! A bare program that sends the same messages with the same signatures and does nothing else: no check, no record. No
//! provider on this HTTP stack and these signatures can go below what it costs.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use comity::jose::{Alg, SigningKey, half_hash, sign};
use comity::model::{Clock, Random};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

use crate::Failure;
use crate::clients::{self, ALGS, AUDIENCE, OPAQUE_MACHINE, REDIRECT_URI};
use crate::flows::Visitor;
use crate::machine::{Cores, on};
use crate::process::{Process, free_port};
use crate::site::DISCOVERY;

struct Floor {
    issuer: String,
    keys: HashMap<Alg, SigningKey>,
    algs: HashMap<String, Alg>,
    metadata: String,
    jwks: String,
    clock: Clock,
    random: Random,
}

type Shared = State<Arc<Floor>>;

/// Starts the program as a process of its own; gives it with its port.
pub async fn start(cores: &Cores, folder: &std::path::Path) -> Result<(Process, u16), Failure> {
    let port = free_port()?;
    let mut command: Command = on(&cores.server, std::env::current_exe()?);
    command.args(["--floor-server", &port.to_string()]);
    let began = Instant::now();
    let mut process = Process::start(command, &folder.join("floor.log"))?;
    process.answers(port, DISCOVERY, began).await?;
    Ok((process, port))
}

/// Everybody, signed in: nobody checks.
pub fn people() -> Vec<Visitor> {
    let visitor = |client| Visitor { client, cookies: "comity_session=of-nobody".to_owned() };
    clients::of_people().into_iter().map(visitor).collect()
}

/// Serves until the process ends.
pub async fn serve(port: u16) -> Result<(), Failure> {
    let router = Router::new()
        .route(DISCOVERY, get(async |State(floor): Shared| document(&floor.metadata)))
        .route("/jwks", get(async |State(floor): Shared| document(&floor.jwks)))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo))
        .route("/introspect", post(introspect))
        .with_state(Arc::new(Floor::new(port)?));
    Ok(axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, router).await?)
}

impl Floor {
    fn new(port: u16) -> Result<Self, Failure> {
        let issuer = format!("http://localhost:{port}");
        let mut keys = HashMap::new();
        let mut algs = HashMap::new();
        for alg in ALGS {
            keys.insert(alg, SigningKey::generate(alg, None)?);
            for client in [clients::website(alg), clients::application(alg), clients::machine(alg)] {
                algs.insert(client, alg);
            }
        }
        let jwks: Vec<_> = keys.values().map(SigningKey::public_jwk).collect();
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "introspection_endpoint": format!("{issuer}/introspect"),
            "jwks_uri": format!("{issuer}/jwks"),
            // About as long as a real one.
            "claims_supported": (0..60).map(|number| format!("a_claim_of_this_provider_{number}")).collect::<Vec<_>>(),
        });
        Ok(Self {
            jwks: json!({ "keys": jwks }).to_string(),
            metadata: metadata.to_string(),
            clock: Clock::system(),
            random: Random::new(),
            issuer,
            keys,
            algs,
        })
    }

    fn sign(&self, alg: Alg, typ: &str, claims: &Value) -> Result<String, Failure> {
        Ok(sign(self.keys.get(&alg).ok_or("no key")?, typ, claims)?)
    }

    fn tokens(&self, client: &str, form: &HashMap<String, String>) -> Result<Value, Failure> {
        let now = self.clock.now().0;
        if form.get("grant_type").is_some_and(|grant| grant == "client_credentials") {
            let token = if client == OPAQUE_MACHINE {
                self.random.token().expose().clone()
            } else {
                let alg = *self.algs.get(client).ok_or("no such client")?;
                let claims = json!({
                    "iss": self.issuer, "sub": client, "aud": AUDIENCE, "client_id": client, "exp": now + 600,
                    "iat": now, "jti": self.random.handle(), "scope": "orders.read",
                });
                self.sign(alg, "at+jwt", &claims)?
            };
            return Ok(
                json!({ "access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": "orders.read" }),
            );
        }
        let alg = *self.algs.get(client).ok_or("no such client")?;
        let access_token = self.random.token().expose().clone();
        let mut claims = json!({
            "iss": self.issuer, "sub": "u_somebody", "aud": client, "exp": now + 3600, "iat": now,
            "auth_time": now - 60, "acr": "urn:comity:acr:1", "amr": ["otp"], "at_hash": half_hash(alg, &access_token),
            "sid": "01890a5d-ac96-774b-bcce-b302099a8057",
        });
        // The code brings the nonce along: nothing is kept.
        if let (Some(code), Some(claims)) = (form.get("code"), claims.as_object_mut()) {
            claims.insert("nonce".to_owned(), code.split('.').nth(1).into());
        }
        Ok(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 600,
            "refresh_token": self.random.token().expose(),
            "id_token": self.sign(alg, "JWT", &claims)?,
            "scope": "openid profile email",
        }))
    }
}

async fn authorize(State(floor): Shared, RawQuery(query): RawQuery) -> Response {
    let query = fields(query.unwrap_or_default().as_bytes());
    let part = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let code = format!("{}.{}", floor.random.token().expose(), part("nonce"));
    let location = format!("{REDIRECT_URI}?code={code}&state={}&iss={}", part("state"), floor.issuer);
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

async fn token(State(floor): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let form = fields(&body);
    let client = client_of(&headers).unwrap_or_default();
    match floor.tokens(&client, &form) {
        Ok(tokens) => json_of(&tokens),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn userinfo() -> Response {
    json_of(&json!({
        "sub": "u_somebody", "name": "Person Number 1", "given_name": "Person", "family_name": "Number 1",
        "birthdate": "1990-01-31", "zoneinfo": "Asia/Seoul", "locale": "en", "updated_at": 1_760_000_000,
        "email": "person-1@people.example", "email_verified": true,
    }))
}

async fn introspect(State(floor): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let form = fields(&body);
    let now = floor.clock.now().0;
    json_of(&json!({
        "active": form.contains_key("token"), "iss": floor.issuer, "sub": "u_somebody", "aud": AUDIENCE,
        "client_id": client_of(&headers), "exp": now + 600, "iat": now, "jti": "AbCdEfGhIjKlMnOpQrStUv",
        "token_type": "Bearer", "scope": "openid profile email",
    }))
}

fn fields(text: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn client_of(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    Some(decoded.split_once(':')?.0.to_owned())
}

fn json_of(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], value.to_string()).into_response()
}

fn document(text: &str) -> Response {
    ([(CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}
