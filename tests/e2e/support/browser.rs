//! A browser: cookies, redirects, forms, and the rules browsers hold pages to.

use std::net::SocketAddr;

use comity::protocol::Params;
use http::Method;
use url::Url;

use super::cookies::{Cookie, Jar, is_loopback};
use super::http::{Reply, Request, send};
use super::page::Page;
use super::world::World;

/// One step on the way to a page.
#[derive(Clone, Debug)]
pub struct Hop {
    pub method: Method,
    pub url: Url,
    pub status: u16,
}

/// A browser of one person.
#[derive(Clone, Debug)]
pub struct Browser {
    /// What is shown.
    pub page: Page,
    /// The steps of the last navigation.
    pub hops: Vec<Hop>,
    pub jar: Jar,
    /// A public name that is served at an address here, as if TLS ended in front of it.
    public: Option<(String, SocketAddr)>,
    issuer: Url,
    /// The node the issuer's name leads to.
    node: SocketAddr,
    keeps_cookies: bool,
    language: String,
    filled: Vec<(String, Option<String>)>,
}

/// Where a navigation starts from.
struct Start {
    /// The page, if it was a page and not the address bar.
    from: Option<Url>,
    /// Its `form-action`, if it was a form.
    form_action: Option<String>,
    /// Whether it keeps its address to itself.
    no_referrer: bool,
}

impl Browser {
    pub fn new(issuer: Url, address: SocketAddr) -> Self {
        let host = issuer.host_str().unwrap().to_owned();
        let public = (!is_loopback(&host)).then_some((host, address));
        Self {
            page: Page::blank(),
            hops: Vec::new(),
            jar: Jar::default(),
            public,
            issuer,
            node: address,
            keeps_cookies: true,
            language: "en".to_owned(),
            filled: Vec::new(),
        }
    }

    /// A browser that keeps no cookies.
    pub fn without_cookies(mut self) -> Self {
        self.keeps_cookies = false;
        self
    }

    /// From now on the issuer's name leads to this node.
    pub const fn turn_to(&mut self, node: &World) {
        self.node = node.address();
    }

    /// A browser of somebody who reads these languages (`Accept-Language`).
    pub fn reading(mut self, language: &str) -> Self {
        language.clone_into(&mut self.language);
        self
    }

    /// Types an address, whole or below the issuer.
    pub async fn open(&mut self, url: &str) -> &Page {
        let url = self.issuer.join(url).unwrap();
        let start = Start { from: None, form_action: None, no_referrer: false };
        self.navigate(Method::GET, url, None, start).await
    }

    /// Follows a link or script from a page of another site.
    pub async fn open_from(&mut self, from: &str, url: &str) -> &Page {
        let url = self.issuer.join(url).unwrap();
        let start = Start { from: Some(from.parse().unwrap()), form_action: None, no_referrer: false };
        self.navigate(Method::GET, url, None, start).await
    }

    /// Sends a form from a page of another site.
    pub async fn post_from(&mut self, from: &str, url: &str, fields: &[(&str, &str)]) -> &Page {
        let url = self.issuer.join(url).unwrap();
        let start = Start { from: Some(from.parse().unwrap()), form_action: None, no_referrer: false };
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.navigate(Method::POST, url, Some(fields), start).await
    }

    /// Fills a field of the page.
    #[track_caller]
    pub fn fill(&mut self, field: &str, value: &str) -> &mut Self {
        assert!(self.page.has_field(field), "no field {field} at {}: {}", self.page.url, self.page.text("main"));
        self.filled.push((field.to_owned(), Some(value.to_owned())));
        self
    }

    /// Puts a value where the page has no such field: what only an attacker does.
    pub fn forge(&mut self, field: &str, value: &str) -> &mut Self {
        self.filled.push((format!("+{field}"), Some(value.to_owned())));
        self.filled.push((field.to_owned(), None));
        self
    }

    /// Ticks a box, named by its id.
    #[track_caller]
    pub fn tick(&mut self, id: &str) -> &mut Self {
        assert!(self.page.has(&format!("input[id={id:?}]")), "no box {id}: {}", self.page.text("main"));
        self.filled.push((id.to_owned(), Some(String::new())));
        self
    }

    /// Ticks every box.
    pub fn tick_all(&mut self) -> &mut Self {
        let ids = self.page.all("input[type=checkbox]", |input| input.value().id().map(str::to_owned));
        self.filled.extend(ids.into_iter().flatten().map(|id| (id, Some(String::new()))));
        self
    }

    /// Clears a box, named by its id.
    #[track_caller]
    pub fn untick(&mut self, id: &str) -> &mut Self {
        assert!(self.page.has(&format!("input[id={id:?}]")), "no box {id}: {}", self.page.text("main"));
        self.filled.push((id.to_owned(), None));
        self
    }

    /// Presses a button or follows a link, named by its id.
    pub async fn press(&mut self, id: &str) -> &Page {
        let filled = std::mem::take(&mut self.filled);
        let mut start = Start {
            from: Some(self.page.url.clone()),
            form_action: self.form_action(),
            no_referrer: self.page.header("referrer-policy") == Some("no-referrer"),
        };
        if let Some(href) = self.page.attribute(&format!("a[id={id:?}]"), "href") {
            start.form_action = None;
            let url = self.page.url.join(&href).unwrap();
            return self.navigate(Method::GET, url, None, start).await;
        }
        let Some(mut form) = self.page.form_of(id, &filled) else {
            panic!("no button {id} at {}: {}", self.page.url, self.page.text("main"))
        };
        let forged = filled.iter().filter_map(|(name, value)| Some((name.strip_prefix('+')?, value.clone()?)));
        form.fields.extend(forged.map(|(name, value)| (name.to_owned(), value)));
        let mut url = self.page.url.join(&form.action).unwrap();
        if form.is_post {
            return self.navigate(Method::POST, url, Some(form.fields), start).await;
        }
        url.query_pairs_mut().clear().extend_pairs(&form.fields);
        self.navigate(Method::GET, url, None, start).await
    }

    /// The form a button would send, as it is.
    #[track_caller]
    pub fn form(&self, button: &str) -> Vec<(String, String)> {
        self.page.form_of(button, &self.filled).expect("the button").fields
    }

    /// Loads the page again.
    pub async fn reload(&mut self) -> &Page {
        let url = self.page.url.to_string();
        self.open(&url).await
    }

    /// Signs in on the sign-in page, by the code that is mailed.
    pub async fn sign_in(&mut self, world: &World, email: &str) -> &Page {
        self.ask_for_code(email).await;
        self.fill("code", &world.code_mailed_to(email)).press("continue").await
    }

    /// Types an address on the sign-in page and goes on to the page that asks for the code.
    pub async fn ask_for_code(&mut self, email: &str) -> &Page {
        self.fill("email", email).press("continue").await;
        self.assert_at("/sign-in/code");
        &self.page
    }

    /// Asserts which page of ours is shown.
    #[track_caller]
    pub fn assert_at(&self, path: &str) {
        let shown = format!("{} {}: {}", self.page.status, self.page.url, self.page.text("main"));
        assert!(!self.page.away && self.page.url.path() == path, "not at {path} but {shown}");
    }

    /// Asserts that an error page is shown, with this status and a number to quote; gives its heading.
    #[track_caller]
    pub fn assert_error(&self, status: u16) -> String {
        assert!(!self.page.away, "left for {}", self.page.url);
        assert_eq!(self.page.status, status, "{}", self.page.text("main"));
        let trace = self.page.text("#trace");
        assert!(!trace.is_empty(), "no number to quote: {}", self.page.text("main"));
        assert_eq!(self.page.header("x-request-id"), Some(trace.as_str()));
        self.page.text("h1")
    }

    /// Whether the way ended at a host nobody serves here.
    pub fn is_away(&self) -> bool {
        self.page.away
    }

    /// The message of a page that something is wrong with what was typed.
    pub fn problem(&self) -> String {
        self.page.text("#problem")
    }

    /// The value of a cookie of the issuer.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.find(self.issuer.host_str().unwrap(), name).map(|cookie| cookie.value.clone())
    }

    /// Plants a cookie at the issuer.
    pub fn plant_cookie(&mut self, name: &str, value: &str) {
        let host = self.issuer.host_str().unwrap().to_owned();
        self.jar.put(Cookie { host, name: name.to_owned(), value: value.to_owned(), attributes: String::new() });
    }

    fn form_action(&self) -> Option<String> {
        let policy = self.page.header("content-security-policy")?;
        policy.split(';').map(str::trim).find_map(|directive| directive.strip_prefix("form-action ")).map(str::to_owned)
    }

    async fn navigate(
        &mut self,
        method: Method,
        url: Url,
        fields: Option<Vec<(String, String)>>,
        start: Start,
    ) -> &Page {
        self.filled.clear();
        self.hops.clear();
        let (mut method, mut url, mut fields) = (method, url, fields);
        let mut cross_site = start.from.as_ref().is_some_and(|from| site(from) != site(&url));
        for _ in 0..20 {
            if let Some(policy) = &start.form_action {
                let page = start.from.as_ref().unwrap();
                assert!(form_may_lead_to(policy, page, &url), "the browser blocks {url}: form-action {policy}");
            }
            let Some(address) = self.address_of(&url) else {
                self.page = Page { url, away: true, posted: fields.unwrap_or_default(), ..Page::blank() };
                return &self.page;
            };
            let request = self.request(&method, &url, fields.as_deref(), &start, cross_site);
            let reply = send(address, &host_of(&url), request).await;
            self.hops.push(Hop { method: method.clone(), url: url.clone(), status: reply.status });
            if self.keeps_cookies {
                self.jar.keep(&url, &reply.headers);
            }
            let Some(target) = self.arrive(&url, reply) else { return &self.page };
            let mut next = url.join(&target).unwrap_or_else(|_| panic!("no address: {target}"));
            if next.fragment().is_none() {
                next.set_fragment(url.fragment());
            }
            cross_site |= site(&url) != site(&next);
            if !matches!(self.hops.last().unwrap().status, 307 | 308) {
                (method, fields) = (Method::GET, None);
            }
            url = next;
        }
        panic!("redirects without end at {url}");
    }

    /// Shows the page, unless the reply leads on.
    fn arrive(&mut self, url: &Url, reply: Reply) -> Option<String> {
        if let Some(location) = reply.header("location").filter(|_| (300..400).contains(&reply.status)) {
            return Some(location.to_owned());
        }
        let (url, html) = (url.clone(), reply.text());
        let Reply { status, headers, .. } = reply;
        self.page = Page { url, status, headers, html, away: false, posted: Vec::new() };
        self.page.refresh()
    }

    fn request(
        &self,
        method: &Method,
        url: &Url,
        fields: Option<&[(String, String)]>,
        start: &Start,
        cross_site: bool,
    ) -> Request {
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let relation = match &start.from {
            None => "none",
            Some(from) if from.origin() == url.origin() && !cross_site => "same-origin",
            Some(_) if !cross_site => "same-site",
            Some(_) => "cross-site",
        };
        let mut request = Request::new(method.clone(), &target)
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Test/1.0")
            .header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
            .header("accept-language", &self.language)
            .header("sec-fetch-site", relation)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        let cross_site_write = cross_site && method != Method::GET;
        if let Some(cookies) = self.jar.header(url, cross_site_write).filter(|_| self.keeps_cookies) {
            request = request.header("cookie", &cookies);
        }
        if method == Method::POST {
            let origin = start.from.as_ref().filter(|_| !start.no_referrer);
            let origin = origin.map_or_else(|| "null".to_owned(), |from| from.origin().ascii_serialization());
            request = request.header("origin", &origin);
        }
        match fields {
            Some(fields) => request.form(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            None => request,
        }
    }

    fn address_of(&self, url: &Url) -> Option<SocketAddr> {
        let host = url.host_str()?;
        if let Some((public, address)) = &self.public
            && public == host
        {
            return Some(*address);
        }
        if url.origin() == self.issuer.origin() {
            return Some(self.node);
        }
        let here = url.scheme() == "http" && (host == "localhost" || host.ends_with(".localhost"));
        here.then(|| SocketAddr::from(([127, 0, 0, 1], url.port().unwrap_or(80))))
    }
}

/// The parameters of an address's query.
pub fn query(url: &Url) -> Params {
    Params::parse(url.query().unwrap_or_default()).unwrap()
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Scheme and registrable domain: what `SameSite` is about. `localhost` is a top-level domain here.
fn site(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let mut labels = host.rsplit('.');
    let domain = match (labels.next(), labels.next()) {
        (Some(top), Some(name)) if host.parse::<std::net::Ipv4Addr>().is_err() => format!("{name}.{top}"),
        _ => host.to_owned(),
    };
    format!("{}://{domain}", url.scheme())
}

/// Whether `form-action` lets a form of `page` lead to `url`, redirects included [CSP3 §6.3.1].
fn form_may_lead_to(policy: &str, page: &Url, url: &Url) -> bool {
    policy.split(' ').any(|source| match source {
        "'self'" => page.origin() == url.origin(),
        "'none'" => false,
        scheme if scheme.ends_with(':') => url.scheme() == scheme.trim_end_matches(':'),
        source => {
            let origin = url.origin().ascii_serialization();
            match source.split_once("*.") {
                Some((scheme, rest)) => {
                    origin.strip_prefix(scheme).is_some_and(|host| host.ends_with(&format!(".{rest}")))
                }
                None => origin == source,
            }
        }
    })
}
