//! Logins, and what must be true of each answer.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use comity::model::Random;
use comity::model::digest::sha256_b64;
use comity::protocol::Params;
use serde_json::Value;

use crate::balancer::{Balancer, Gone};
use crate::browser::Browser;
use crate::http::{Reply, Request};
use crate::people::{PASSWORD, Person};
use crate::site::{CLIENT, ISSUER, REDIRECT_URI, SECRET};

/// Why a login came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 503, and when to come again.
    Unavailable,
    /// The connection ended under a request.
    Lost,
    /// No node could be connected to.
    Refused,
    /// What Redis kept of the login was forgotten with it: the person begins again.
    Forgotten,
    /// Never.
    Wrong(String),
}

/// A refresh token that was given out and not used since.
struct Held {
    person: usize,
    refresh: String,
}

/// A code, and what proves whose it is.
struct Code {
    value: String,
    verifier: String,
    nonce: String,
    /// How often Redis had forgotten when it was made.
    memory: u64,
}

pub struct Shop {
    pub balancer: Arc<Balancer>,
    pub people: Vec<Person>,
    /// Counts the times that Redis forgot everything, before and after.
    pub memory: AtomicU64,
    held: Mutex<Vec<Held>>,
    random: Random,
}

/// Refresh tokens kept at most.
const HELD: usize = 500;

impl Shop {
    pub fn new(balancer: Arc<Balancer>, people: Vec<Person>) -> Self {
        Self { balancer, people, memory: AtomicU64::new(0), held: Mutex::default(), random: Random::new() }
    }

    pub fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    /// A number below `limit`.
    pub fn chance(&self, limit: usize) -> usize {
        usize::from_le_bytes(self.random.bytes()) % limit
    }

    /// Single sign-on: authorize, token, userinfo. Now and then the code is used twice, one after the other or at once.
    pub async fn sign_on(&self, person: usize, twice: Option<Twice>) -> Result<(), Failure> {
        let session = format!("comity_session={}", self.people[person].session);
        let (code, reply) = self.authorize(|target| Request::get(target).header("cookie", &session)).await?;
        let code = code_in(&reply, code)?;
        if twice == Some(Twice::AtOnce) {
            return self.race(person, &code).await;
        }
        let tokens = self.redeem(person, &code).await?;
        self.ask_about(person, &tokens).await?;
        if twice == Some(Twice::Again) {
            return self.reuse(person, &code, &tokens).await;
        }
        self.hold(person, &tokens);
        Ok(())
    }

    /// A whole sign-in by password, in a browser without a session.
    pub async fn sign_in(&self, person: usize) -> Result<(), Failure> {
        // One sign-in of a person at a time: the browser is busy.
        let Some(mut jar) = self.people[person].jar.lock().unwrap().take() else { return Ok(()) };
        jar.remove("comity_session");
        let mut browser = Browser { balancer: &self.balancer, jar };
        let outcome = self.walk(person, &mut browser).await;
        *self.people[person].jar.lock().unwrap() = Some(browser.jar);
        outcome
    }

    async fn walk(&self, person: usize, browser: &mut Browser<'_>) -> Result<(), Failure> {
        let memory = self.memory.load(Ordering::SeqCst);
        let email = self.people[person].email.as_str();
        let (code, target) = self.new_code();
        let reply = browser.get(&target).await.map_err(gone)?;
        let page = self.page(browser.follow(reply).await, memory)?;
        let page = press(browser, &page, "use-password", &[("email", email)]).await?;
        let page = self.page(browser.follow(page).await, memory)?;
        let reply = press(browser, &page, "continue", &[("email", email), ("password", PASSWORD)]).await?;
        let mut page = self.page(browser.follow(reply).await, memory)?;
        if page.location().is_none() && page.text().contains("id=\"allow\"") {
            let reply = press(browser, &page, "allow", &[]).await?;
            page = self.page(browser.follow(reply).await, memory)?;
        }
        let code = code_in(&page, code)?;
        let tokens = self.redeem(person, &code).await?;
        self.ask_about(person, &tokens).await?;
        self.hold(person, &tokens);
        Ok(())
    }

    /// Uses a refresh token, now and then a used one.
    pub async fn refresh(&self) -> Result<(), Failure> {
        let held = {
            let mut held = self.held.lock().unwrap();
            if held.is_empty() {
                return Ok(());
            }
            let number = self.chance(held.len());
            held.swap_remove(number)
        };
        let tokens = self.renew(&held).await?;
        let next = text(&tokens, "refresh_token")?;
        if self.chance(10) == 0 {
            must_be_refused(&self.token(&refreshment(&held.refresh)).await?, "a used refresh token")?;
            return must_be_refused(&self.token(&refreshment(&next)).await?, "a refresh token of a stolen family");
        }
        self.hold(held.person, &tokens);
        Ok(())
    }

    /// Uses every refresh token there is: none may be lost. Gives how many were used.
    pub async fn use_up(&self) -> Result<usize, Failure> {
        let all = std::mem::take(&mut *self.held.lock().unwrap());
        for held in &all {
            self.renew(held).await?;
        }
        Ok(all.len())
    }

    async fn renew(&self, held: &Held) -> Result<Value, Failure> {
        let reply = self.token(&refreshment(&held.refresh)).await?;
        if reply.status != 200 {
            return Err(wrong("a refresh token that was given out is refused", &reply));
        }
        let tokens = reply.json();
        self.check_id_token(held.person, &tokens, None)?;
        Ok(tokens)
    }

    fn hold(&self, person: usize, tokens: &Value) {
        let mut held = self.held.lock().unwrap();
        if let Ok(refresh) = text(tokens, "refresh_token")
            && held.len() < HELD
        {
            held.push(Held { person, refresh });
        }
    }

    fn new_code(&self) -> (Code, String) {
        let (verifier, nonce) = (self.random.token().expose().clone(), self.random.handle());
        let query = Params::new()
            .with("client_id", CLIENT)
            .with("redirect_uri", REDIRECT_URI)
            .with("response_type", "code")
            .with("scope", "openid profile email offline_access")
            .with("state", &nonce)
            .with("nonce", &nonce)
            .with("code_challenge", sha256_b64(&verifier))
            .with("code_challenge_method", "S256")
            .to_urlencoded();
        let memory = self.memory.load(Ordering::SeqCst);
        (Code { value: String::new(), verifier, nonce, memory }, format!("/authorize?{query}"))
    }

    async fn authorize(&self, request: impl Fn(&str) -> Request) -> Result<(Code, Reply), Failure> {
        let (code, target) = self.new_code();
        let reply = self.ask(request(&target)).await?;
        Ok((code, reply))
    }

    async fn redeem(&self, person: usize, code: &Code) -> Result<Value, Failure> {
        let reply = self.token(&redemption(code)).await?;
        if is_invalid_grant(&reply) && self.forgot_since(code.memory) {
            return Err(Failure::Forgotten);
        }
        if reply.status != 200 {
            return Err(wrong("a code that was given out is refused", &reply));
        }
        let tokens = reply.json();
        self.check_id_token(person, &tokens, Some(&code.nonce))?;
        Ok(tokens)
    }

    /// Two at once: one at most may get tokens.
    async fn race(&self, person: usize, code: &Code) -> Result<(), Failure> {
        let fields = redemption(code);
        let (one, other) = tokio::join!(self.token(&fields), self.token(&fields));
        match [one, other] {
            [Ok(one), Ok(other)] if one.status == 200 && other.status == 200 => {
                Err(Failure::Wrong(format!("a code is redeemed twice: {} {}", one.node, other.node)))
            }
            [Ok(won), Ok(lost)] | [Ok(lost), Ok(won)] if won.status == 200 => {
                must_be_refused(&lost, "a code in a race")?;
                self.check_id_token(person, &won.json(), Some(&code.nonce))
            }
            [Err(failure), _] | [_, Err(failure)] => Err(failure),
            [Ok(_), Ok(_)] if self.forgot_since(code.memory) => Err(Failure::Forgotten),
            [Ok(one), Ok(_)] => Err(wrong("a code is redeemed by nobody", &one)),
        }
    }

    /// A used code is refused and takes the tokens it gave with it.
    async fn reuse(&self, person: usize, code: &Code, tokens: &Value) -> Result<(), Failure> {
        must_be_refused(&self.token(&redemption(code)).await?, "a used code")?;
        let held = Held { person, refresh: text(tokens, "refresh_token")? };
        must_be_refused(&self.token(&refreshment(&held.refresh)).await?, "a token of a code used twice")
    }

    /// What userinfo says must be about this person.
    async fn ask_about(&self, person: usize, tokens: &Value) -> Result<(), Failure> {
        let reply = self.ask(Request::get("/userinfo").bearer(&text(tokens, "access_token")?)).await?;
        let (claims, known) = (reply.json(), &self.people[person]);
        let is_right = claims["email"] == *known.email && claims["name"] == *known.name;
        if reply.status != 200 || !is_right {
            return Err(wrong(&format!("userinfo of {} is not theirs", known.email), &reply));
        }
        self.check_subject(person, &claims)
    }

    fn check_id_token(&self, person: usize, tokens: &Value, nonce: Option<&str>) -> Result<(), Failure> {
        let token = text(tokens, "id_token")?;
        let claims = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value = claims.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        if claims["iss"] != ISSUER || claims["aud"] != CLIENT || nonce.is_some_and(|nonce| claims["nonce"] != nonce) {
            return Err(Failure::Wrong(format!("an ID token for another request: {claims}")));
        }
        self.check_subject(person, &claims)
    }

    fn check_subject(&self, person: usize, claims: &Value) -> Result<(), Failure> {
        let mut known = self.people[person].subject.lock().unwrap();
        let told = claims["sub"].as_str().unwrap_or_default();
        let known = known.get_or_insert_with(|| told.to_owned());
        if known == told && !told.is_empty() {
            return Ok(());
        }
        Err(Failure::Wrong(format!("{} is {known}, not {told}", self.people[person].email)))
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Result<Reply, Failure> {
        self.ask(Request::post("/token", fields).basic(CLIENT, SECRET)).await
    }

    async fn ask(&self, request: Request) -> Result<Reply, Failure> {
        answered(self.balancer.send(request).await)
    }

    /// A page on the way; a record that Redis forgot sends the person back to the beginning.
    fn page(&self, reply: Result<Reply, Gone>, memory: u64) -> Result<Reply, Failure> {
        let reply = answered(reply)?;
        if reply.status == 400 && self.forgot_since(memory) {
            return Err(Failure::Forgotten);
        }
        Ok(reply)
    }

    fn forgot_since(&self, memory: u64) -> bool {
        self.memory.load(Ordering::SeqCst) != memory
    }
}

/// The code in a redirect back to the client, which must be the answer to this request.
fn code_in(reply: &Reply, mut code: Code) -> Result<Code, Failure> {
    let Some(query) = reply.location().and_then(|to| to.strip_prefix(REDIRECT_URI)?.strip_prefix('?')) else {
        return Err(wrong("no way back to the client", reply));
    };
    // An empty fragment keeps that of an earlier address from following along.
    let params = Params::parse(query.trim_end_matches('#')).map_err(|_| wrong("a malformed way back", reply))?;
    if params.get("error") == Some("temporarily_unavailable") {
        return Err(Failure::Unavailable);
    }
    if params.get("state") != Some(&code.nonce) || params.get("iss") != Some(ISSUER) {
        return Err(wrong("the answer to another request", reply));
    }
    params.get("code").ok_or_else(|| wrong("no code", reply))?.clone_into(&mut code.value);
    Ok(code)
}

/// How a code is used a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    Again,
    AtOnce,
}

async fn press(
    browser: &mut Browser<'_>,
    page: &Reply,
    button: &str,
    filled: &[(&str, &str)],
) -> Result<Reply, Failure> {
    match browser.press(page, button, filled).await {
        Some(reply) => answered(reply),
        None => Err(wrong(&format!("a page without {button}"), page)),
    }
}

fn redemption(code: &Code) -> [(&str, &str); 4] {
    let Code { value, verifier, .. } = code;
    [("grant_type", "authorization_code"), ("code", value), ("redirect_uri", REDIRECT_URI), ("code_verifier", verifier)]
}

fn refreshment(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

fn text(tokens: &Value, name: &str) -> Result<String, Failure> {
    let value = tokens[name].as_str().map(str::to_owned);
    value.ok_or_else(|| Failure::Wrong(format!("no {name} in {tokens}")))
}

fn is_invalid_grant(reply: &Reply) -> bool {
    reply.status == 400 && reply.json()["error"] == "invalid_grant"
}

fn must_be_refused(reply: &Reply, what: &str) -> Result<(), Failure> {
    if is_invalid_grant(reply) { Ok(()) } else { Err(wrong(&format!("{what} is not refused"), reply)) }
}

fn answered(reply: Result<Reply, Gone>) -> Result<Reply, Failure> {
    let reply = reply.map_err(gone)?;
    if reply.is_unavailable() {
        return Err(Failure::Unavailable);
    }
    if reply.status >= 500 {
        return Err(wrong("an error that is not 503", &reply));
    }
    Ok(reply)
}

fn gone(gone: Gone) -> Failure {
    match gone {
        Gone::Lost => Failure::Lost,
        Gone::Refused => Failure::Refused,
        Gone::Silent => Failure::Wrong("no answer at all".to_owned()),
    }
}

fn wrong(what: &str, reply: &Reply) -> Failure {
    let body: String = reply.text().chars().take(600).collect();
    let to = reply.header("location").unwrap_or_default();
    let id = reply.header("x-request-id").unwrap_or_default();
    Failure::Wrong(format!("{what}: {} by {} ({id}) {to} {body}", reply.status, reply.node))
}
