//! The id of a request.

use std::fmt;

use crate::model::Random;

/// Names one request in the log, in the `x-request-id` header and on error pages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// A fresh id.
    pub fn new(random: &Random) -> Self {
        Self(random.handle())
    }

    /// The id a trusted proxy gave: 8 to 64 letters, digits, `-`, `_` or `.`.
    pub fn from_proxy(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        ((8..=64).contains(&text.len()) && text.bytes().all(is_plain)).then(|| Self(text.to_owned()))
    }

    /// The id as text; safe in headers, HTML and logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_proxies_are_taken_only_if_plain() {
        let fresh = RequestId::new(&Random::new());
        assert_eq!(RequestId::from_proxy(fresh.as_str()), Some(fresh));
        assert!(RequestId::from_proxy("0af7651916cd43dd-8448.eb_2").is_some());
        for text in [
            "",
            "short",
            "12345678 ",
            "12345678\r\nx: y",
            "<script>alert(1)</script>",
            &"a".repeat(65),
            "열두자리아이디",
        ] {
            assert_eq!(RequestId::from_proxy(text), None, "{text}");
        }
    }
}
