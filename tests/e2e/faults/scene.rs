//! A server that is in use: somebody is signed in, a client holds tokens and a code, somebody else is about to sign in.

use std::time::{Duration, Instant};

use comity::model::Random;
use http::Method;

use crate::support::lossy::{Door, Walker};
use crate::support::phone::{self, PHONE, member, refresh_token};
use crate::support::process::{Server, Site};
use crate::support::resident::Resident;
use crate::support::{Page, Reply, Request};

/// Nothing that fails may take longer to say so; twice what the settings grant the database.
pub const QUICK: Duration = Duration::from_secs(3);

pub struct Scene {
    pub site: Site,
    pub server: Server,
    pub door: Door,
    pub resident: Resident,
    pub access: String,
    pub refresh: String,
    /// A code that is not redeemed yet, and its verifier.
    pub code: (String, String),
    /// A code that is.
    pub used_code: (String, String),
    /// A refresh token whose successor was used.
    pub used_refresh: String,
    /// Somebody else's browser, on the sign-in page.
    pub stranger: (Walker, Page),
}

impl Scene {
    pub async fn set(site: Site) -> Self {
        site.write("clients.toml", PHONE);
        site.configure("");
        let store = site.store().await;
        let resident = Resident::register(&store, "mina@example.com").await;
        store.close().await;
        let server = site.start().await;
        let door = Door::of(&site);
        let [code, used_code, dead_code] = [code(&door, &resident), code(&door, &resident), code(&door, &resident)];
        let (code, used_code, dead_code) = (code.await, used_code.await, dead_code.await);
        let tokens = phone::redeem(&door, &used_code.0, &used_code.1).await.unwrap();
        let (access, refresh) = (member(&tokens, "access_token"), refresh_token(&tokens));
        let first = refresh_token(&phone::redeem(&door, &dead_code.0, &dead_code.1).await.unwrap());
        let second = refresh_token(&phone::refresh(&door, &first).await.unwrap());
        phone::refresh(&door, &second).await.unwrap();
        let mut walker = Walker::new(&door.issuer);
        let page =
            walker.open(&phone::authorization_url(&door, &Random::new().token().expose().clone())).await.unwrap();
        assert_eq!(page.url.path(), "/sign-in");
        let stranger = (walker, page);
        Self { site, server, door, resident, access, refresh, code, used_code, used_refresh: first, stranger }
    }

    /// A page as the resident gets it, in Korean, and how long it took.
    pub async fn page(&self, path: &str) -> (Page, Duration) {
        let mut walker = Walker::signed_in(&self.door.issuer, &self.resident.cookie).reading("ko");
        let url = format!("{}{path}", self.door.issuer).parse().unwrap();
        let began = Instant::now();
        let (page, _) = walker.step(Method::GET, &url, &[]).await.unwrap();
        (page, began.elapsed())
    }

    /// The pages that need the records, each with what it is asked by.
    pub fn pages(&self) -> Vec<String> {
        let authorize = phone::authorization_url(&self.door, "a-verifier-of-the-tests-that-is-long-enough-xx");
        let authorize = authorize.trim_start_matches(&self.door.issuer).to_owned();
        let mut pages = vec![authorize, "/logout?client_id=phone".to_owned()];
        pages.extend(
            ["/account", "/account/profile", "/account/password", "/account/confirm?deed=revoke_app&id=phone"]
                .map(str::to_owned),
        );
        pages
    }

    /// The requests of machines that need the records.
    pub fn calls(&self) -> Vec<Request> {
        let token = [("client_id", "phone"), ("token", self.access.as_str())];
        vec![
            phone::refreshment(&self.refresh),
            Request::get("/userinfo").bearer(&self.access),
            Request::post("/userinfo").bearer(&self.access),
            Request::post("/introspect").form(token),
            Request::post("/revoke").form(token),
        ]
    }

    pub async fn call(&self, request: Request) -> (Reply, Duration) {
        let began = Instant::now();
        let reply = self.door.send(request).await.unwrap();
        (reply, began.elapsed())
    }

    /// Asserts that a page says, in the reader's language and with a number to quote, that it may work later; and that
    /// the log knows the number.
    pub fn assert_page_unavailable(&self, page: &Page, took: Duration, quick: Duration) {
        let what = format!("{} {} after {took:?}: {}", page.url, page.status, page.text("body"));
        assert_eq!(page.status, 503, "{what}");
        assert!(took < quick, "{what}");
        assert!(page.header("retry-after").is_some(), "{what}");
        assert!(page.html.contains("<html lang=\"ko\""), "{what}");
        let trace = page.text("#trace");
        assert_eq!(page.header("x-request-id"), Some(trace.as_str()), "{what}");
        self.assert_logged(&trace);
    }

    /// Asserts the same of an answer to a machine.
    pub fn assert_call_unavailable(&self, reply: &Reply, took: Duration, quick: Duration) {
        let what = format!("{} after {took:?}: {}", reply.status, reply.text());
        assert_eq!(reply.status, 503, "{what}");
        assert!(took < quick, "{what}");
        assert!(reply.header("retry-after").is_some(), "{what}");
        assert_eq!(reply.json()["error"], "temporarily_unavailable");
        self.assert_logged(reply.header("x-request-id").unwrap());
    }

    /// Asserts that an error was logged for a request, with its cause. The log is written beside the answers: the line
    /// may come a moment after one.
    fn assert_logged(&self, trace: &str) {
        let is_it = |line: &str| line.contains(trace) && line.contains("\"level\":\"ERROR\"");
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.site.log().lines().any(is_it) {
            assert!(Instant::now() < deadline, "no error is logged for request {trace}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the server is ready again, by itself and within seconds.
    pub async fn recovered(&mut self) {
        let began = Instant::now();
        let private = Door::private(&self.site);
        loop {
            let ready = private.send(Request::get("/ready")).await.unwrap();
            let page = self.page("/account").await.0;
            if ready.status == 200 && page.status == 200 {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "not recovered: {} {}", ready.text(), page.status);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Nothing was lost: the session, the tokens, and what was used up stays so.
    pub async fn assert_nothing_is_lost(&self) {
        let door = &self.door;
        assert_eq!(self.page("/account").await.0.url.path(), "/account");
        assert_eq!(door.send(Request::get("/userinfo").bearer(&self.access)).await.unwrap().status, 200);
        let next = refresh_token(&phone::refresh(door, &self.refresh).await.unwrap());
        phone::assert_refused(&phone::refresh(door, &self.used_refresh).await.unwrap(), "a used refresh token");
        refresh_token(&phone::refresh(door, &next).await.unwrap());
        let (code, verifier) = &self.used_code;
        phone::assert_refused(&phone::redeem(door, code, verifier).await.unwrap(), "a used code");
        phone::assert_refused(&phone::refresh(door, &next).await.unwrap(), "a token of a code used twice");
        let store = self.site.store().await;
        let events = store.events(Some(self.resident.account), None, 1000).await.unwrap();
        for (expected, event) in (1..).zip(&events) {
            assert_eq!(event.sequence, expected, "a gap in the events");
        }
        store.close().await;
    }
}

async fn code(door: &Door, resident: &Resident) -> (String, String) {
    let verifier = Random::new().token().expose().clone();
    (phone::authorize(door, &resident.cookie, &verifier).await.unwrap(), verifier)
}
