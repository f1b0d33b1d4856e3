//! `application/x-www-form-urlencoded` parameters, of a query or a body.

use std::fmt;

use url::form_urlencoded;

/// The only parameters that may come more than once [RFC 8707 §2, RFC 8693 §2.1].
const REPEATABLE: [&str; 2] = ["resource", "audience"];
const MAX_PARAMS: usize = 100;
const MAX_LENGTH: usize = 64 * 1024;

/// Parameters in their order. No name occurs twice, save `resource` and `audience`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why parameters are refused: `invalid_request`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A parameter came more than once [RFC 6749 §3.1]; two readers could see two different requests.
    #[error("parameter {0:?} is repeated")]
    Repeated(String),
    /// More than 100 parameters, or more than 64 KB.
    #[error("too many parameters")]
    TooMany,
    /// A broken percent escape, text that is not UTF-8, or a NUL.
    #[error("malformed parameters")]
    Malformed,
}

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes a query or a form body.
    pub fn parse(encoded: &str) -> Result<Self, ParamsError> {
        if encoded.len() > MAX_LENGTH {
            return Err(ParamsError::TooMany);
        }
        let pairs = || encoded.split('&').filter(|pair| !pair.is_empty());
        if pairs().take(MAX_PARAMS + 1).count() > MAX_PARAMS {
            return Err(ParamsError::TooMany);
        }
        let mut params = Self::new();
        for pair in pairs() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_urldecode(name).ok_or(ParamsError::Malformed)?;
            let value = form_urldecode(value).ok_or(ParamsError::Malformed)?;
            if !REPEATABLE.contains(&name.as_str()) && params.0.iter().any(|(earlier, _)| *earlier == name) {
                return Err(ParamsError::Repeated(name));
            }
            params.0.push((name, value));
        }
        Ok(params)
    }

    /// Appends a parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.push(name, value);
        self
    }

    /// Appends a parameter if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Appends a parameter.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value of a parameter; one without a value counts as absent [RFC 6749 §3.1].
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// The values of a parameter that may be repeated.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(candidate, value)| *candidate == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// All parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameters encoded for a query, a fragment or a form body.
    pub fn to_urlencoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}

/// Shows names only: values are secrets as often as not.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Decodes one name or value strictly: every `%` is followed by two hex digits, the result is UTF-8 without NUL.
pub(super) fn form_urldecode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_decoded_once() {
        let params = Params::parse("a=1+2%2B3&&b&c==x=&d=%2541&e=%EA%B0%80").unwrap();
        assert_eq!(params.get("a"), Some("1 2+3"));
        assert_eq!(params.get("b"), None, "without a value");
        assert_eq!(params.get("c"), Some("=x="));
        assert_eq!(params.get("d"), Some("%41"));
        assert_eq!(params.get("e"), Some("가"));
        assert_eq!(params.get("f"), None);
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        for encoded in ["a=1&a=1", "a=1&b=2&a=", "a&a", "a=1&%61=2", "state=x&state=y", "=1&=2"] {
            assert!(matches!(Params::parse(encoded), Err(ParamsError::Repeated(_))), "{encoded}");
        }
        let params = Params::parse("resource=a&resource=b&audience=c&audience=d").unwrap();
        assert_eq!(params.get_all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(Params::parse("A=1&a=1").is_ok(), "names are case sensitive");
    }

    #[test]
    fn malformed_encodings_are_refused() {
        for encoded in ["a=%", "a=%4", "a=%zz", "a=%+1", "%=1", "a=%FF", "a=%C0%80", "a=%00", "a\0=1", "%00a=1"] {
            assert_eq!(Params::parse(encoded), Err(ParamsError::Malformed), "{encoded}");
        }
    }

    #[test]
    fn floods_are_refused() {
        let many = |count: usize| (0..count).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
        assert!(Params::parse(&many(100)).is_ok());
        assert_eq!(Params::parse(&many(101)), Err(ParamsError::TooMany));
        assert_eq!(Params::parse(&"a".repeat(MAX_LENGTH + 1)), Err(ParamsError::TooMany));
        assert!(Params::parse(&"&".repeat(MAX_LENGTH)).unwrap().is_empty());
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", Params::new().with("client_secret", "hunter2"));
        assert!(shown.contains("client_secret") && !shown.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn parsing_is_total(encoded: String) {
            let _ = Params::parse(&encoded);
        }

        #[test]
        fn what_is_encoded_decodes_to_itself(values in prop::collection::vec("[^\0]*", 0..5)) {
            let params = values.iter().enumerate()
                .fold(Params::new(), |params, (i, value)| params.with(format!("p&={i}"), value));
            prop_assert_eq!(Params::parse(&params.to_urlencoded()), Ok(params));
        }
    }
}
