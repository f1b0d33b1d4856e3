//! Cookies: which there are, how they are read and set [RFC 6265bis §4.1.3].

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// Seconds a browser keeps a cookie: browsers cap at 400 days. What ends a session is the server's record.
const MAX_AGE: i64 = 400 * 86_400;

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The secret of the session.
    Session,
    /// Binds transactions to this browser, and lets it be known again as one that signed in before.
    Browser,
    /// The language chosen on a page.
    Locale,
    /// The provider used last, to show it first.
    LastConnection,
}

impl Cookie {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "comity_session",
            Self::Browser => "comity_browser",
            Self::Locale => "comity_locale",
            Self::LastConnection => "comity_last",
        }
    }

    fn full_name(self, secure: bool) -> String {
        let prefix = if secure { "__Host-" } else { "" };
        format!("{prefix}{}", self.name())
    }

    /// Its value in a request, if it was sent exactly once and is made of the characters we use.
    pub fn read(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let name = self.full_name(secure);
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        // A second one of the same name was planted by somebody else: trust neither.
        let alone = values.next().is_none();
        let ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (alone && (1..=128).contains(&value.len()) && value.bytes().all(ours)).then(|| value.to_owned())
    }

    /// The header that sets it.
    pub fn set(self, value: &str, secure: bool) -> Option<HeaderValue> {
        self.header(value, MAX_AGE, secure)
    }

    /// The header that removes it.
    pub fn clear(self, secure: bool) -> Option<HeaderValue> {
        self.header("", 0, secure)
    }

    fn header(self, value: &str, max_age: i64, secure: bool) -> Option<HeaderValue> {
        let secure_attribute = if secure { "; Secure" } else { "" };
        let name = self.full_name(secure);
        let text = format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure_attribute}");
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_cookie_comes_back_as_it_was_set() {
        let set = Cookie::Session.set("abc", true).unwrap();
        let text = set.to_str().unwrap();
        assert!(text.starts_with("__Host-comity_session=abc; Path=/; "));
        assert!(text.contains("; HttpOnly; SameSite=Lax; Secure"));
        assert_eq!(Cookie::Session.read(&headers("x=1; __Host-comity_session=abc"), true).as_deref(), Some("abc"));
        assert_eq!(Cookie::Session.read(&headers("comity_session=abc"), false).as_deref(), Some("abc"));
    }

    #[test]
    fn planted_and_malformed_cookies_are_no_cookies() {
        for planted in [
            "comity_session=abc",
            "__Host-comity_session=abc; __Host-comity_session=def",
            "__Host-comity_session=",
            "__Host-comity_session=a b",
            "__Host-comity_session=\"abc\"",
            "__host-comity_session=abc",
        ] {
            assert_eq!(Cookie::Session.read(&headers(planted), true), None, "{planted}");
        }
        let long = format!("__Host-comity_session={}", "a".repeat(129));
        assert_eq!(Cookie::Session.read(&headers(&long), true), None);
    }
}
