//! One request of a person's browser: who it is, in which language, and what has to go back with the answer.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, ORIGIN, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::cookies::Cookie;
use super::error::Failure;
use super::forms::{query_of, read_form};
use super::state::Web;
use super::views::{ErrorKind, Page};
use crate::model::Locale;
use crate::model::digest::{b64, constant_time_eq, hmac_sha256, sha256_b64};
use crate::model::session::Session;
use crate::protocol::Params;

/// One request of a person's browser.
#[derive(Debug)]
pub struct Visit {
    /// Everything below.
    pub web: Web,
    /// The parameters of the address.
    pub query: Params,
    /// Path and query, for the language switcher.
    pub href: String,
    /// The path: forms post back to it.
    pub path: String,
    /// Hash of the binding cookie; stands for this browser.
    pub browser: String,
    /// The session, if the browser has one in force.
    pub session: Option<Session>,
    /// The language to answer in.
    pub locale: Locale,
    /// What the browser calls itself.
    pub user_agent: String,
    /// The network it comes from, cut to /24 or /64.
    pub network: String,
    /// The provider used last.
    pub last_connection: Option<String>,
    csrf: String,
    new_browser: bool,
    cookies: Vec<HeaderValue>,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let query = query_of(parts)?;
        let secure = web.secure;
        let mut cookies = Vec::new();
        let secret = Cookie::Browser.read(&parts.headers, secure).filter(|secret| secret.len() == 43);
        let new_browser = secret.is_none();
        let secret = secret.unwrap_or_else(|| {
            let secret = web.random.token().expose().clone();
            cookies.extend(Cookie::Browser.set(&secret, secure));
            secret
        });
        let session = match Cookie::Session.read(&parts.headers, secure) {
            Some(cookie) => web.accounts.session(&cookie).await?,
            None => None,
        };
        let locale = locale(web, &parts.headers, &query, &mut cookies);
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self {
            href: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            path: parts.uri.path().to_owned(),
            browser: sha256_b64(&secret),
            csrf: b64(&hmac_sha256(&web.csrf_key, secret.as_bytes())),
            user_agent: user_agent.to_owned(),
            network: network(web, parts),
            last_connection: Cookie::LastConnection.read(&parts.headers, secure),
            web: web.clone(),
            query,
            session,
            locale,
            new_browser,
            cookies,
        })
    }
}

impl Visit {
    /// The frame of a page of this visit.
    pub fn page<'a>(&'a self, txn: Option<&'a str>) -> Page<'a> {
        Page {
            texts: &self.web.texts,
            locale: &self.locale,
            zone: &self.web.zone,
            brand: &self.web.brand,
            theme: None,
            asset_version: &self.web.asset_version,
            nonce: "",
            csrf: &self.csrf,
            txn,
            action: &self.path,
            href: &self.href,
        }
    }

    /// The transaction the address names.
    pub fn txn(&self) -> Result<String, Failure> {
        self.query.get("txn").map(str::to_owned).ok_or(Failure::Page(ErrorKind::ExpiredFlow))
    }

    /// Whether the browser came without the cookie that binds it to its transactions.
    pub const fn is_new_browser(&self) -> bool {
        self.new_browser
    }

    /// Sets none of the cookies collected so far.
    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    /// Sets a cookie with the answer.
    pub fn set_cookie(&mut self, cookie: Cookie, value: &str) {
        self.cookies.extend(cookie.set(value, self.web.secure));
    }

    /// Removes a cookie with the answer.
    pub fn clear_cookie(&mut self, cookie: Cookie) {
        self.cookies.extend(cookie.clear(self.web.secure));
    }

    /// Adds this visit's cookies to an answer.
    pub fn send(self, mut response: Response) -> Response {
        for cookie in self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// A form a person sent from one of our pages: its origin and token are checked before any handler sees it.
#[derive(Debug)]
pub struct Submitted {
    /// The request.
    pub visit: Visit,
    /// What was filled in.
    pub fields: Params,
}

impl FromRequest<Web> for Submitted {
    type Rejection = Failure;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, web).await?;
        let fields = read_form(&parts.headers, body).await?;
        let token = fields.get("csrf").unwrap_or_default();
        if !comes_from_us(&parts.headers, &web.origin) || !constant_time_eq(token.as_bytes(), visit.csrf.as_bytes()) {
            return Err(Failure::Page(ErrorKind::BadForm));
        }
        Ok(Self { visit, fields })
    }
}

impl Submitted {
    /// What a field holds; empty when absent.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default()
    }

    /// The button that was pressed.
    pub fn pressed(&self) -> &str {
        self.field("do")
    }

    /// The transaction the form belongs to.
    pub fn txn(&self) -> Result<String, Failure> {
        self.fields.get("txn").map(str::to_owned).ok_or(Failure::Page(ErrorKind::ExpiredFlow))
    }
}

/// Whether the browser says the form came from one of our own pages. Old browsers say nothing, and browsers told
/// to send no referrer say `null`: for them the token decides alone.
fn comes_from_us(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let named = text(ORIGIN.as_str()).is_none_or(|named| named == origin || named == "null");
    site && named
}

fn locale(web: &Web, headers: &HeaderMap, query: &Params, cookies: &mut Vec<HeaderValue>) -> Locale {
    let asked = query.get("ui_locales");
    let stored = Cookie::Locale.read(headers, web.secure);
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let locale = web.texts.negotiate(asked, stored.as_deref(), None, accepted);
    if asked.is_some() && stored.as_deref() != Some(locale.as_str()) {
        cookies.extend(Cookie::Locale.set(locale.as_str(), web.secure));
    }
    locale
}

/// The address of a hop; some proxies write its port too.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|hop| hop.ip());
    hop.parse().ok().or_else(with_port)
}

/// The client's network: the socket's, or what a trusted proxy says of the hop before it.
fn network(web: &Web, parts: &Parts) -> String {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let Some(mut address) = peer.map(|peer| peer.to_canonical()) else { return "unknown".to_owned() };
    let trusted = |address: IpAddr| web.trusted_proxies.iter().any(|block| block.contains(address));
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        if !trusted(address) {
            break;
        }
        match hop_address(hop) {
            Some(hop) => address = hop.to_canonical(),
            None => break,
        }
    }
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_addresses_with_or_without_a_port() {
        for (hop, address) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7:51004", Some("192.0.2.7")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(hop_address(hop), address.map(|address| address.parse().unwrap()), "{hop}");
        }
    }
}
