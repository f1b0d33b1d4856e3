//! A browser's cookie jar [RFC 6265bis].

use http::HeaderMap;
use url::Url;

/// A cookie as the jar keeps it. Ours never name a domain or a path of their own.
#[derive(Clone, Debug)]
pub struct Cookie {
    pub host: String,
    pub name: String,
    pub value: String,
    /// Everything after the value, as it came.
    pub attributes: String,
}

#[derive(Clone, Debug, Default)]
pub struct Jar(Vec<Cookie>);

impl Jar {
    /// Takes the cookies of a reply.
    pub fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        for header in headers.get_all("set-cookie") {
            let text = header.to_str().unwrap();
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let attributes = attributes.trim();
            let has = |wanted: &str| attributes.split("; ").any(|attribute| attribute.eq_ignore_ascii_case(wanted));
            let trustworthy = url.scheme() == "https" || url.host_str().is_some_and(is_loopback);
            assert!(!attributes.to_ascii_lowercase().contains("domain="), "a cookie for a whole domain: {text}");
            if (has("Secure") && !trustworthy) || (name.starts_with("__Host-") && !(has("Secure") && has("Path=/"))) {
                continue;
            }
            let host = url.host_str().unwrap().to_owned();
            self.0.retain(|cookie| !(cookie.host == host && cookie.name == name));
            if !has("Max-Age=0") {
                let cookie =
                    Cookie { host, name: name.to_owned(), value: value.to_owned(), attributes: attributes.to_owned() };
                self.0.push(cookie);
            }
        }
    }

    /// The `Cookie` header for a request; `cross_site_write` is a cross-site request that is not a GET.
    pub fn header(&self, url: &Url, cross_site_write: bool) -> Option<String> {
        let host = url.host_str()?;
        let lax_goes = |cookie: &Cookie| !cross_site_write || cookie.attributes.contains("SameSite=None");
        let pairs: Vec<String> = self
            .0
            .iter()
            .filter(|cookie| cookie.host == host && lax_goes(cookie))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn find(&self, host: &str, name: &str) -> Option<&Cookie> {
        let bare = |name: &str| name.trim_start_matches("__Host-").to_owned();
        self.0.iter().find(|cookie| cookie.host == host && bare(&cookie.name) == name)
    }

    pub fn put(&mut self, cookie: Cookie) {
        self.0.retain(|kept| !(kept.host == cookie.host && kept.name == cookie.name));
        self.0.push(cookie);
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|cookie| cookie.name.trim_start_matches("__Host-") != name);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]"
}
