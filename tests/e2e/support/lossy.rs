//! HTTP to a server that may end at any moment: what is lost is lost, and says so.

use std::net::SocketAddr;
use std::time::Duration;

use comity::protocol::Params;
use http::{HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::cookies::{Cookie, Jar};
use super::http::{Reply, Request};
use super::page::Page;
use super::process::Site;

/// No whole answer came: nobody knows what became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// Sends a request; the answer must be whole.
pub async fn send(address: SocketAddr, host: &str, request: Request) -> Result<Reply, Lost> {
    send_within(address, host, request, Duration::from_secs(60)).await
}

/// Sends a request and waits for at most `patience`.
pub async fn send_within(address: SocketAddr, host: &str, request: Request, patience: Duration) -> Result<Reply, Lost> {
    let exchange = async {
        let socket = TcpStream::connect(address).await.map_err(|_| Lost)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(|_| Lost)?;
        let connection = Aborts(tokio::spawn(connection));
        let mut built = http::Request::new(Full::new(request.body));
        *built.method_mut() = request.method;
        *built.uri_mut() = request.target.parse().unwrap();
        *built.headers_mut() = request.headers;
        built.headers_mut().insert("host", HeaderValue::from_str(host).unwrap());
        let (parts, body) = sender.send_request(built).await.map_err(|_| Lost)?.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        drop(connection);
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    };
    tokio::time::timeout(patience, exchange).await.unwrap_or(Err(Lost))
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Door {
    pub issuer: String,
    host: String,
    address: SocketAddr,
}

impl Door {
    /// The public listener of a site.
    pub fn of(site: &Site) -> Self {
        Self { issuer: site.issuer(), host: site.host(), address: site.address }
    }

    /// The private one.
    pub fn private(site: &Site) -> Self {
        Self { issuer: site.issuer(), host: site.private.to_string(), address: site.private }
    }

    pub async fn send(&self, request: Request) -> Result<Reply, Lost> {
        send(self.address, &self.host, request).await
    }
}

/// Ends a task with its owner.
struct Aborts<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborts<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A browser in a hurry: cookies, forms, one step at a time. Names below `localhost` are served here.
#[derive(Clone, Debug)]
pub struct Walker {
    issuer: Url,
    pub jar: Jar,
    language: &'static str,
}

impl Walker {
    pub fn new(issuer: &str) -> Self {
        Self { issuer: issuer.parse().unwrap(), jar: Jar::default(), language: "en" }
    }

    /// The same with a session of the issuer.
    pub fn signed_in(issuer: &str, cookie: &str) -> Self {
        let mut walker = Self::new(issuer);
        let host = walker.issuer.host_str().unwrap().to_owned();
        let (name, value) = ("comity_session".to_owned(), cookie.to_owned());
        walker.jar.put(Cookie { host, name, value, attributes: String::new() });
        walker
    }

    /// The same for somebody who reads this language.
    pub const fn reading(mut self, language: &'static str) -> Self {
        self.language = language;
        self
    }

    /// The value of the session cookie.
    pub fn session(&self) -> Option<String> {
        self.jar.find(self.issuer.host_str().unwrap(), "comity_session").map(|cookie| cookie.value.clone())
    }

    /// Types an address and follows redirects, up to a page or a host nobody serves here.
    pub async fn open(&mut self, target: &str) -> Result<Page, Lost> {
        let url = self.issuer.join(target).unwrap();
        self.follow(url).await
    }

    /// Follows redirects from an address.
    pub async fn follow(&mut self, mut url: Url) -> Result<Page, Lost> {
        for _ in 0..10 {
            match self.step(Method::GET, &url, &[]).await? {
                (_, Some(next)) => url = next,
                (page, None) => return Ok(page),
            }
        }
        panic!("redirects without end at {url}");
    }

    /// Presses a button; gives the reply as it is, and where it leads.
    pub async fn press(
        &mut self,
        page: &Page,
        button: &str,
        filled: &[(&str, &str)],
    ) -> Result<(Page, Option<Url>), Lost> {
        let filled: Vec<_> =
            filled.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
        let shown = || format!("no button {button} at {} {}: {}", page.status, page.url, page.text("body"));
        let form = page.form_of(button, &filled).unwrap_or_else(|| panic!("{}", shown()));
        let url = page.url.join(&form.action).unwrap();
        self.step(Method::POST, &url, &form.fields).await
    }

    /// Presses a button and follows redirects.
    pub async fn press_on(&mut self, page: &Page, button: &str, filled: &[(&str, &str)]) -> Result<Page, Lost> {
        match self.press(page, button, filled).await? {
            (_, Some(next)) => self.follow(next).await,
            (page, None) => Ok(page),
        }
    }

    /// Sends a form.
    pub async fn post(&mut self, url: &Url, fields: &[(&str, &str)]) -> Result<(Page, Option<Url>), Lost> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.step(Method::POST, url, &fields).await
    }

    /// One request.
    pub async fn step(
        &mut self,
        method: Method,
        url: &Url,
        fields: &[(String, String)],
    ) -> Result<(Page, Option<Url>), Lost> {
        let host = url.host_str().unwrap_or_default();
        if !(url.scheme() == "http" && (host == "localhost" || host.ends_with(".localhost"))) {
            return Ok((Page { url: url.clone(), away: true, ..Page::blank() }, None));
        }
        let port = url.port().unwrap_or(80);
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::new(method.clone(), &target)
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Test/1.0")
            .header("accept", "text/html,*/*;q=0.8")
            .header("accept-language", self.language);
        if let Some(cookies) = self.jar.header(url, false) {
            request = request.header("cookie", &cookies);
        }
        if method == Method::POST {
            request = request.header("origin", &url.origin().ascii_serialization());
            let params = fields.iter().fold(Params::new(), |params, (name, value)| params.with(name, value));
            request = request.raw_form(params.to_urlencoded());
        }
        let reply = send(SocketAddr::from(([127, 0, 0, 1], port)), &format!("{host}:{port}"), request).await?;
        self.jar.keep(url, &reply.headers);
        let next = reply.header("location").map(|location| url.join(location).unwrap());
        let page = Page {
            url: url.clone(),
            status: reply.status,
            html: reply.text(),
            headers: reply.headers,
            away: false,
            posted: Vec::new(),
        };
        Ok((page, next))
    }
}
