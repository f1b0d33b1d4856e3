//! What all pages of the stage have in common: the visitor's language and cookie, the frame, the headers.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use jiff::tz::{Offset, TimeZone};
use url::form_urlencoded;

use super::words::{Lang, Words};
use crate::model::UnixTime;

const LANGUAGE_COOKIE: &str = "demo_language";

/// One request of a person's browser to a page of the stage.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) lang: Lang,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    chose_language: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let asked = query.iter().filter(|(name, _)| name == "ui_locales");
        let asked = asked.flat_map(|(_, list)| list.split(' ')).find_map(Lang::of_tag);
        let stored = cookie(&parts.headers, LANGUAGE_COOKIE).as_deref().and_then(Lang::of_tag);
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Browsers list their languages in order of preference, whatever the weights say.
        let accepted = accepted.split(',').filter_map(|item| item.split(';').next()).find_map(Lang::of_tag);
        Ok(Self {
            lang: asked.or(stored).or(accepted).unwrap_or(Lang::En),
            path: parts.uri.path().to_owned(),
            query,
            headers: parts.headers.clone(),
            chose_language: asked.is_some(),
        })
    }
}

impl Visit {
    /// A parameter of the address; an empty one counts as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        cookie(&self.headers, name)
    }

    /// Whether a form was sent from a page of another site. Browsers too old to say so have the cookie's `SameSite`.
    pub(super) fn is_foreign(&self) -> bool {
        self.headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
    }

    /// The frame of a page of this visit.
    pub(super) fn frame(&self, words: &Arc<Words>, css: &'static str) -> Frame {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(name, _)| name != "ui_locales"));
        Frame {
            words: Arc::clone(words),
            lang: self.lang,
            languages: Lang::ALL,
            css,
            path: self.path.clone(),
            query: query.finish(),
            keep_language: self.chose_language,
            refresh_seconds: None,
        }
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.to_owned())
}

/// A cookie for one host that scripts cannot read.
pub(super) fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")
}

/// What the layout of every page needs.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    words: Arc<Words>,
    pub(super) lang: Lang,
    /// Those of the switcher.
    pub(super) languages: [Lang; 3],
    /// Where the style sheet is.
    pub(super) css: &'static str,
    path: String,
    query: String,
    keep_language: bool,
    /// The page loads itself anew after so many seconds.
    pub(super) refresh_seconds: Option<u32>,
}

impl Frame {
    /// The text of a key.
    pub(super) fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.words.get(self.lang, key)
    }

    /// The text of a key that the page may do without.
    pub(super) fn find(&self, key: &str) -> Option<&str> {
        self.words.find(self.lang, key)
    }

    /// The text of a key with its placeholder filled.
    pub(super) fn t1(&self, key: &str, name: &str, value: impl AsRef<str>) -> String {
        self.words.get(self.lang, key).replace(&format!("{{{name}}}"), value.as_ref())
    }

    /// This page in another language.
    // Templates pass arguments by reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn href_in(&self, lang: &Lang) -> String {
        let separator = if self.query.is_empty() { "" } else { "&" };
        format!("{}?{}{separator}ui_locales={}", self.path, self.query, lang.as_str())
    }
}

/// A page with its headers. Its forms may lead to its own host and to `form_targets`, separated by spaces.
pub(super) fn html(page: &impl Template, frame: &Frame, form_targets: &str) -> Response {
    let Ok(body) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {form_targets}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let mut response = Html(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    if frame.keep_language {
        append_cookie(&mut response, &set_cookie(LANGUAGE_COOKIE, frame.lang.as_str()));
    }
    response
}

/// Adds a `Set-Cookie` header to an answer.
pub(super) fn append_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// The style sheet of all pages of the stage.
pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../static/demo/demo.css")).into_response()
}

/// The fields of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// What a field holds; empty when absent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// A time of day in Seoul, where the stage stands.
pub(super) fn time_of_day(time: UnixTime) -> String {
    in_seoul(time, "%H:%M:%S")
}

/// A day there and the time of day.
pub(super) fn day_and_time(time: UnixTime) -> String {
    in_seoul(time, "%Y-%m-%d %H:%M:%S")
}

fn in_seoul(time: UnixTime, format: &str) -> String {
    // Korea has known no summer time since 1988.
    let seoul = TimeZone::fixed(Offset::constant(9));
    jiff::Timestamp::from_second(time.0)
        .map_or_else(|_| time.to_string(), |moment| seoul.to_datetime(moment).strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn visit(uri: &str, headers: &[(&str, &str)]) -> Visit {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        Visit::from_request_parts(&mut parts, &()).await.unwrap()
    }

    #[tokio::test]
    async fn the_language_asked_for_wins_over_the_stored_and_the_browsers() {
        let japanese = [("accept-language", "ja-JP,ko;q=0.5"), ("cookie", "a=b; demo_language=en")];
        assert_eq!(visit("/?ui_locales=fr+ko", &japanese).await.lang, Lang::Ko);
        assert_eq!(visit("/", &japanese).await.lang, Lang::En);
        assert_eq!(visit("/", &japanese[..1]).await.lang, Lang::Ja);
        assert_eq!(visit("/", &[]).await.lang, Lang::En);
    }

    #[tokio::test]
    async fn the_switcher_keeps_the_rest_of_the_address() {
        let words = Arc::new(Words::load().unwrap());
        let frame = visit("/checkout?fare=icn-nrt&ui_locales=en", &[]).await.frame(&words, "/demo.css");
        assert_eq!(frame.href_in(&Lang::Ko), "/checkout?fare=icn-nrt&ui_locales=ko");
    }

    #[tokio::test]
    async fn forms_of_other_sites_are_told_apart() {
        for (site, foreign) in [("cross-site", true), ("same-site", true), ("same-origin", false), ("none", false)] {
            assert_eq!(visit("/", &[("sec-fetch-site", site)]).await.is_foreign(), foreign, "{site}");
        }
        assert!(!visit("/", &[]).await.is_foreign());
    }
}
