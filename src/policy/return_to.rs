//! Where a page of ours may send the browser next: our own origin and nowhere else [RFC 9700 §4.11.2].

use std::fmt;

use url::Url;

const LONGEST: usize = 2048;

/// A path on our own origin, with query, safe to put in a `Location` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Takes a path-absolute reference such as `/account?tab=apps`; `None` for anything a browser could read as
    /// another origin, or might rewrite into one.
    pub fn parse(text: &str) -> Option<Self> {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let refused = text.len() > LONGEST
            || !text.starts_with('/')
            // Not `//host` nor `/.//host`: empty and dot segments have no use, and a client may collapse them.
            || path.contains("//")
            || path.split('/').any(is_dot_segment)
            || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if refused || !stays_on_origin(text) { None } else { Some(Self(text.to_owned())) }
    }

    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    decoded == "." || decoded == ".."
}

/// Asks the parser browsers follow what the reference resolves to.
fn stays_on_origin(text: &str) -> bool {
    let Ok(base) = Url::parse("https://origin.invalid/") else { return false };
    base.join(text).is_ok_and(|url| {
        url.origin() == base.origin() && url.username().is_empty() && url.password().is_none() && url.port().is_none()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn own_paths_are_taken_as_they_are() {
        for text in ["/", "/account", "/account/", "/account?tab=apps&x=%2F%2Fevil", "/a?next=//evil", "/a#top"] {
            assert_eq!(ReturnTo::parse(text).map(|path| path.0).as_deref(), Some(text));
        }
    }

    #[test]
    fn anything_that_may_leave_the_origin_is_refused() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for text in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\u{7f}",
            " /a",
            "/a b",
            "/.//evil.example",
            "/..//evil.example",
            "/%2e%2E//evil",
            "/a//b",
            "/ü",
            "@evil.example",
            "/a\0",
            "?x",
            "#x",
            "\t//evil",
            &long,
        ] {
            assert_eq!(ReturnTo::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_resolves_to_our_origin(text in "[/\\\\.%2eE?#@:a\t]{0,12}") {
            if let Some(path) = ReturnTo::parse(&text) {
                let base = Url::parse("https://id.example/x/y").unwrap();
                let url = base.join(path.as_str()).unwrap();
                prop_assert_eq!(url.origin(), base.origin());
                prop_assert!(!url.path().starts_with("//"));
            }
        }
    }
}
