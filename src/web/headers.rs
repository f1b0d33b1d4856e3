//! Security headers of pages.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

/// Where the forms of a page may lead. Browsers hold redirects after a form to this too, so that a page whose form
/// ends at a client or a provider must name where those live.
#[derive(Clone, Debug, Default)]
pub struct FormTargets(Vec<String>);

impl FormTargets {
    /// Only our own pages.
    pub fn own() -> Self {
        Self::default()
    }

    /// Also any https address: providers redirect between hosts of theirs, clients between theirs.
    pub fn https(mut self) -> Self {
        self.0.push("https:".to_owned());
        self
    }

    /// Also where this URI leads, when that is not https: a native application's scheme, a loopback address.
    pub fn and(mut self, uri: &str) -> Self {
        if let Some(source) = source(uri) {
            self.0.push(source);
        }
        self
    }

    /// Also this source, as the policy writes it.
    pub fn source(mut self, source: String) -> Self {
        self.0.push(source);
        self
    }

    fn directive(&self) -> String {
        let mut directive = "form-action 'self'".to_owned();
        for source in &self.0 {
            directive.push(' ');
            directive.push_str(source);
        }
        directive
    }
}

fn source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match url.scheme() {
        "https" => None,
        "http" => Some(url.origin().ascii_serialization()),
        scheme => Some(format!("{scheme}:")),
    }
}

/// A page with all the headers it needs. Scripts come from our own files or not at all.
pub fn page(html: String, targets: &FormTargets, secure: bool) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' https: data:; {}; base-uri 'none'; \
         frame-ancestors 'none'",
        targets.directive()
    );
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(&policy);
    headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static("default-src 'none'")));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    if secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_where_the_page_says_and_nowhere_else() {
        let targets =
            FormTargets::own().and("com.skyway.go:/cb").and("http://127.0.0.1:7000/cb").and("https://x.example");
        assert_eq!(targets.directive(), "form-action 'self' com.skyway.go: http://127.0.0.1:7000");
        assert_eq!(FormTargets::own().and("not a uri").directive(), "form-action 'self'");
    }
}
