//! A relying party's web site: what the shop, the app and the hotel have in common.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::sync::Mutex;

use super::error::Error;
use super::panel::{Block, blocks};
use super::receipts::{Receipt, Receipts};
use super::registration::Registration;
use super::relying_party::RelyingParty;
use super::session::{Login, Session, Sessions};
use crate::demo::addresses::Addresses;
use crate::demo::page::{Frame, Visit, append_cookie, html, set_cookie, style};
use crate::demo::words::Words;
use crate::model::{Clock, Random};
use crate::outbound::Outbound;

/// One relying party: its sessions, its side of OpenID Connect, and what it received.
#[derive(Debug)]
pub(in crate::demo) struct Site {
    /// Its host's first label, and its `client_id`.
    pub(in crate::demo) name: &'static str,
    pub(in crate::demo) receipts: Receipts,
    pub(super) party: RelyingParty,
    pub(super) sessions: Sessions,
    pub(super) words: Arc<Words>,
    pub(super) addresses: Addresses,
    pub(super) clock: Clock,
    pub(super) random: Random,
    /// One refresh at a time: two at once would look like a theft.
    pub(super) refreshing: Mutex<()>,
}

/// What all sites are built from.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Ground {
    pub(in crate::demo) words: Arc<Words>,
    pub(in crate::demo) addresses: Addresses,
    pub(in crate::demo) outbound: Outbound,
    pub(in crate::demo) clock: Clock,
    pub(in crate::demo) random: Random,
}

impl Site {
    /// The relying party registered as `name`.
    pub(in crate::demo) fn new(name: &'static str, registration: Registration, ground: &Ground) -> Arc<Self> {
        let Ground { words, addresses, outbound, clock, random } = ground.clone();
        let party = RelyingParty::new(registration, addresses.issuer(), outbound, clock.clone(), random.clone());
        Arc::new(Self {
            name,
            receipts: Receipts::default(),
            party,
            sessions: Sessions::new(clock.clone(), random.clone()),
            words,
            addresses,
            clock,
            random,
            refreshing: Mutex::new(()),
        })
    }

    /// The name of its session cookie.
    fn cookie_name(&self) -> String {
        format!("{}_session", self.name)
    }

    /// The browser's session key.
    pub(super) fn key(&self, visit: &Visit) -> Option<String> {
        visit.cookie(&self.cookie_name())
    }

    /// An answer that gives the browser a new session key.
    pub(super) fn with_key(&self, mut response: Response, key: &str) -> Response {
        append_cookie(&mut response, &set_cookie(&self.cookie_name(), key));
        response
    }

    /// A page of this site.
    pub(super) fn page(&self, page: &impl Template, frame: &Frame) -> Response {
        html(page, frame, &self.addresses.issuer())
    }

    /// What every page of a relying party shows around its content.
    pub(super) fn shell(&self, visit: &Visit, session: &mut Session) -> Shell {
        let frame = visit.frame(&self.words, "/demo.css");
        let notice = session.notice.take();
        if notice.is_some() {
            self.sessions.change(self.key(visit).as_deref(), |kept| kept.notice = None);
        }
        Shell {
            frame,
            site: self.name,
            name: self.party.registration.client_name.clone(),
            stage: format!("{}?ui_locales={}", self.addresses.stage(), visit.lang.as_str()),
            account: format!("{}/account?ui_locales={}", self.addresses.issuer(), visit.lang.as_str()),
            notice,
            received: session.login.as_ref().map(|login| blocks(&Receipt::of(login))),
        }
    }

    /// A page that says what went wrong between us and the provider.
    pub(super) fn problem(&self, visit: &Visit, error: &Error) -> Response {
        let key = match error {
            Error::Refused { .. } => "rp.problem_refused",
            Error::Unreachable(_) => "rp.problem_unreachable",
            Error::Untrusted(_) => "rp.problem_untrusted",
        };
        self.problem_page(visit, key, &error.to_string())
    }

    pub(super) fn problem_page(&self, visit: &Visit, key: &'static str, details: &str) -> Response {
        let shell = self.shell(visit, &mut Session::default());
        let page = Problem { shell: &shell, key, details };
        let mut response = self.page(&page, &shell.frame);
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }
}

/// What every page of a relying party shows around its content.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) frame: Frame,
    pub(super) site: &'static str,
    pub(super) name: String,
    pub(super) stage: String,
    pub(super) account: String,
    pub(super) notice: Option<&'static str>,
    pub(super) received: Option<Vec<Block>>,
}

impl Shell {
    pub(super) fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.frame.t(key)
    }

    pub(super) fn t1(&self, key: &str, name: &str, value: impl AsRef<str>) -> String {
        self.frame.t1(key, name, value)
    }

    /// What a tier is called; its code when nobody knows it.
    pub(super) fn tier<'a>(&'a self, code: &'a str) -> &'a str {
        self.frame.find(&format!("tier.{code}")).unwrap_or(code)
    }
}

#[derive(Template)]
#[template(path = "demo/rp/problem.html")]
struct Problem<'a> {
    shell: &'a Shell,
    key: &'static str,
    details: &'a str,
}

#[derive(Template)]
#[template(path = "demo/rp/about.html")]
struct About<'a> {
    shell: &'a Shell,
    key: String,
}

/// The paths all relying parties have; each adds its own pages.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/sign-in", get(super::login::sign_in))
        .route("/callback", get(super::login::callback))
        .route("/sign-out", post(super::login::sign_out))
        .route("/signed-out", get(signed_out))
        .route("/about", get(about))
        .route("/demo.css", get(style))
}

async fn signed_out(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    site.sessions.change(site.key(&visit).as_deref(), |session| session.notice = Some("rp.signed_out"));
    Redirect::to("/").into_response()
}

/// The privacy policy the consent page links to.
async fn about(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let shell = site.shell(&visit, &mut Session::default());
    let page = About { shell: &shell, key: format!("{}.about", site.name) };
    site.page(&page, &shell.frame)
}

/// The full name as it came, else what there is.
pub(super) fn display_name(login: &Login) -> String {
    let text = |name: &str| login.userinfo.get(name).and_then(serde_json::Value::as_str);
    text("name").or_else(|| text("nickname")).or_else(|| text("email")).unwrap_or_default().to_owned()
}
