//! What is measured: each operation as a relying party does it, with a check of every answer.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use comity::jose::{self, Alg, Audience, Expected, JwkSet, Unverified};
use comity::model::Clock;
use http::header::AUTHORIZATION;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{self, Serializer};

use crate::Failure;
use crate::clients::{self, ALGS, AUDIENCE, OPAQUE_MACHINE, REDIRECT_URI, RESOURCE_SERVER, SCOPE, SECRET};
use crate::http::{Answer, Connection, basic};
use crate::site::DISCOVERY;

/// Fits [`CHALLENGE`]; the example of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Refresh tokens, and access tokens, an operation goes round on.
pub const SUPPLY: usize = 256;

/// An operation: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// From the authorization request to tokens, signed in and agreed before.
    SignIn(Alg),
    /// New tokens for a refresh token, which is replaced.
    Refresh(Alg),
    /// A machine's access token, signed.
    Machine(Alg),
    /// A machine's access token, sealed.
    OpaqueMachine,
    /// Claims for an access token.
    Userinfo,
    /// What an access token is worth.
    Introspection,
    /// Metadata.
    Discovery,
    /// Public keys.
    Jwks,
}

impl Row {
    /// All of them, in the order of the table.
    pub fn all() -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for of in [Self::SignIn as fn(Alg) -> Self, Self::Refresh, Self::Machine] {
            rows.extend(ALGS.iter().map(|alg| of(*alg)));
        }
        rows.extend([Self::OpaqueMachine, Self::Userinfo, Self::Introspection, Self::Discovery, Self::Jwks]);
        rows
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn(alg) => write!(f, "sso {alg}"),
            Self::Refresh(alg) => write!(f, "refresh {alg}"),
            Self::Machine(alg) => write!(f, "client_credentials {alg}"),
            Self::OpaqueMachine => f.write_str("client_credentials opaque"),
            Self::Userinfo => f.write_str("userinfo"),
            Self::Introspection => f.write_str("introspection"),
            Self::Discovery => f.write_str("discovery"),
            Self::Jwks => f.write_str("jwks"),
        }
    }
}

/// A browser that is signed in and has agreed to one client's requests.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The client.
    pub client: String,
    /// The `Cookie` header.
    pub cookies: String,
}

/// A provider under load, with all that is needed to ask it for things.
pub struct Flows {
    port: u16,
    issuer: String,
    paths: Paths,
    keys: JwkSet,
    visitors: HashMap<String, Vec<String>>,
    refresh_tokens: HashMap<Alg, Mutex<VecDeque<String>>>,
    access_tokens: Mutex<Vec<String>>,
    turn: AtomicUsize,
}

struct Paths {
    authorize: String,
    token: String,
    userinfo: String,
    introspect: String,
    jwks: String,
}

impl Flows {
    /// Learns where things are from the provider's own metadata.
    pub async fn new(port: u16, visitors: Vec<Visitor>) -> Result<Self, Failure> {
        let mut connection = Connection::open(port).await?;
        let metadata = connection.get(DISCOVERY, &[]).await?.json()?;
        let path = |name: &str| -> Result<String, Failure> {
            let url: Url = text(&metadata, name)?.parse()?;
            Ok(url.path().to_owned())
        };
        let paths = Paths {
            authorize: path("authorization_endpoint")?,
            token: path("token_endpoint")?,
            userinfo: path("userinfo_endpoint")?,
            introspect: path("introspection_endpoint")?,
            jwks: path("jwks_uri")?,
        };
        let keys = JwkSet::parse_published(&connection.get(&paths.jwks, &[]).await?.json()?)?;
        let mut by_client: HashMap<String, Vec<String>> = HashMap::new();
        for visitor in visitors {
            by_client.entry(visitor.client).or_default().push(visitor.cookies);
        }
        Ok(Self {
            port,
            issuer: text(&metadata, "issuer")?.to_owned(),
            paths,
            keys,
            visitors: by_client,
            refresh_tokens: ALGS.iter().map(|alg| (*alg, Mutex::default())).collect(),
            access_tokens: Mutex::default(),
            turn: AtomicUsize::new(0),
        })
    }

    /// A new connection to the provider.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(self.port).await
    }

    /// Collects what a row starts from: refresh tokens, access tokens that have not ended. Not measured.
    pub async fn prepare(&self, row: Row) -> Result<(), Failure> {
        let mut connection = self.connect().await?;
        match row {
            Row::Refresh(alg) => {
                let missing = SUPPLY.saturating_sub(lock(self.pool(alg)?).len());
                for _ in 0..missing {
                    let answer = self.sign_in(&mut connection, &clients::application(alg), alg).await?;
                    lock(self.pool(alg)?).push_back(text(&answer, "refresh_token")?.to_owned());
                }
            }
            Row::Userinfo | Row::Introspection => {
                let mut tokens = Vec::with_capacity(SUPPLY);
                for _ in 0..SUPPLY {
                    let answer = self.sign_in(&mut connection, &clients::website(Alg::EdDSA), Alg::EdDSA).await?;
                    tokens.push(text(&answer, "access_token")?.to_owned());
                }
                *lock(&self.access_tokens) = tokens;
            }
            _ => {}
        }
        Ok(())
    }

    /// Does an operation once, and checks the answer.
    pub async fn operate(&self, row: Row, connection: &mut Connection) -> Result<(), Failure> {
        match row {
            Row::SignIn(alg) => self.sign_in(connection, &clients::website(alg), alg).await.map(drop),
            Row::Refresh(alg) => self.refresh(connection, alg).await,
            Row::Machine(alg) => {
                let token = self.machine(connection, &clients::machine(alg)).await?;
                check_header(&token, alg)
            }
            Row::OpaqueMachine => {
                let token = self.machine(connection, OPAQUE_MACHINE).await?;
                ensure(!token.contains('.'), "an opaque access token", &token)
            }
            Row::Userinfo => self.userinfo(connection).await,
            Row::Introspection => self.introspect(connection).await,
            Row::Discovery => {
                let answer = connection.get(DISCOVERY, &[]).await?;
                contains(&answer, &self.issuer)
            }
            Row::Jwks => {
                let answer = connection.get(&self.paths.jwks, &[]).await?;
                contains(&answer, "\"keys\"")
            }
        }
    }

    /// Checks the signature of what a row issues, once: a relying party would each time.
    pub async fn verify(&self, row: Row, connection: &mut Connection) -> Result<(), Failure> {
        let now = Clock::system().now();
        match row {
            Row::SignIn(alg) => {
                let client = clients::website(alg);
                let answer = self.sign_in(connection, &client, alg).await?;
                let (algs, audience) = ([alg], [client.as_str()]);
                let expected = Expected::upstream_id_token(&algs, &self.issuer, Audience::Only(&audience), None);
                jose::verify(text(&answer, "id_token")?, &self.keys, &expected, now)?;
            }
            Row::Machine(alg) => {
                let token = self.machine(connection, &clients::machine(alg)).await?;
                let claims = jose::verify(&token, &self.keys, &Expected::access_token(&self.issuer), now)?;
                ensure(claims.audiences() == [AUDIENCE], "the audience in", &token)?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn sign_in(&self, connection: &mut Connection, client: &str, alg: Alg) -> Result<Value, Failure> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let cookies = self.visitor(client, turn)?;
        let (state, nonce) = (format!("state-{turn}"), format!("nonce-{turn}"));
        let offline = if client == clients::application(alg) { "%20offline_access" } else { "" };
        let path = format!(
            "{}?response_type=code&client_id={client}&redirect_uri={}&scope={}{offline}&state={state}&nonce={nonce}\
             &code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.paths.authorize,
            encoded(REDIRECT_URI),
            SCOPE.replace(' ', "%20"),
        );
        let answer = connection.get_with_cookies(&path, cookies).await?;
        let location = answer.location()?;
        let query = location.strip_prefix(REDIRECT_URI).and_then(|rest| rest.strip_prefix('?'));
        let mut code = None;
        let mut returned = None;
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "code" => code = Some(value),
                "state" => returned = Some(value),
                _ => {}
            }
        }
        let code = code.ok_or_else(|| answer.complaint("a code"))?;
        ensure(returned.as_deref() == Some(&*state), "the state in", location)?;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code)
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let tokens = connection.post(&self.paths.token, &basic(client, SECRET), form).await?.json()?;
        text(&tokens, "access_token")?;
        check_id_token(text(&tokens, "id_token")?, alg, Some(&nonce))?;
        Ok(tokens)
    }

    async fn refresh(&self, connection: &mut Connection, alg: Alg) -> Result<(), Failure> {
        let token = lock(self.pool(alg)?).pop_front().ok_or("too few refresh tokens for so many connections")?;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", &token)
            .finish();
        let client = clients::application(alg);
        let tokens = connection.post(&self.paths.token, &basic(&client, SECRET), form).await?.json()?;
        text(&tokens, "access_token")?;
        check_id_token(text(&tokens, "id_token")?, alg, None)?;
        let next = text(&tokens, "refresh_token")?;
        ensure(next != token, "a new refresh token, not", next)?;
        lock(self.pool(alg)?).push_back(next.to_owned());
        Ok(())
    }

    async fn machine(&self, connection: &mut Connection, client: &str) -> Result<String, Failure> {
        let form = "grant_type=client_credentials&scope=orders.read".to_owned();
        let tokens = connection.post(&self.paths.token, &basic(client, SECRET), form).await?.json()?;
        Ok(text(&tokens, "access_token")?.to_owned())
    }

    async fn userinfo(&self, connection: &mut Connection) -> Result<(), Failure> {
        let bearer = format!("Bearer {}", self.access_token()?);
        let answer = connection.get(&self.paths.userinfo, &[(AUTHORIZATION, &bearer)]).await?;
        let claims = answer.json()?;
        let (sub, email) = (claims.get("sub"), claims.get("email").and_then(Value::as_str));
        let right = sub.is_some_and(Value::is_string) && email.is_some_and(|email| email.contains('@'));
        if right { Ok(()) } else { Err(answer.complaint("sub and email")) }
    }

    async fn introspect(&self, connection: &mut Connection) -> Result<(), Failure> {
        let form = Serializer::new(String::new()).append_pair("token", &self.access_token()?).finish();
        let answer = connection.post(&self.paths.introspect, &basic(RESOURCE_SERVER, SECRET), form).await?;
        let active = answer.json()?.get("active").and_then(Value::as_bool);
        if active == Some(true) { Ok(()) } else { Err(answer.complaint("an active token")) }
    }

    fn visitor(&self, client: &str, turn: usize) -> Result<&str, Failure> {
        let visitors = self.visitors.get(client).ok_or("nobody is signed in for a client")?;
        let visitor = visitors.get(turn % visitors.len().max(1)).ok_or("nobody is signed in for a client")?;
        Ok(visitor)
    }

    fn access_token(&self) -> Result<String, Failure> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let tokens = lock(&self.access_tokens);
        Ok(tokens.get(turn % tokens.len().max(1)).ok_or("no access tokens")?.clone())
    }

    fn pool(&self, alg: Alg) -> Result<&Mutex<VecDeque<String>>, Failure> {
        self.refresh_tokens.get(&alg).ok_or_else(|| "an algorithm that is not compared".into())
    }
}

/// A member of a JSON object that is text.
pub fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, Failure> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name:?} in {object}").into())
}

/// A value as part of a query.
pub fn encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn ensure(right: bool, expected: &str, seen: &str) -> Result<(), Failure> {
    if right { Ok(()) } else { Err(format!("expected {expected} {seen}").into()) }
}

fn contains(answer: &Answer, word: &str) -> Result<(), Failure> {
    let right = answer.status == 200 && String::from_utf8_lossy(&answer.body).contains(word);
    if right { Ok(()) } else { Err(answer.complaint(word)) }
}

fn check_header(token: &str, alg: Alg) -> Result<(), Failure> {
    let unverified = Unverified::parse(token).map_err(|error| format!("{error}: {token}"))?;
    ensure(unverified.alg() == alg.to_string(), &format!("a token signed with {alg}, not"), token)
}

fn check_id_token(token: &str, alg: Alg, nonce: Option<&str>) -> Result<(), Failure> {
    check_header(token, alg)?;
    let unverified = Unverified::parse(token).map_err(|error| format!("{error}: {token}"))?;
    ensure(unverified.peek("sub").is_some(), "a sub in", token)?;
    ensure(nonce.is_none() || unverified.peek("nonce").as_deref() == nonce, "the nonce in", token)
}
