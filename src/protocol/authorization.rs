//! The pieces of an authorization request [RFC 6749 §4.1.1, OIDC Core §3.1.2.1] and of its response.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Params, Refused};
use crate::model::Locale;

/// What leaves the authorization endpoint: a non-empty set of `code`, `id_token` and `token`
/// [OAuth 2.0 Multiple Response Types §3, §5].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResponseType {
    code: bool,
    id_token: bool,
    token: bool,
}

impl ResponseType {
    /// `code`, the default and for most clients the only one.
    pub const CODE: Self = Self { code: true, id_token: false, token: false };

    /// Whether a code is asked for.
    pub const fn has_code(self) -> bool {
        self.code
    }

    /// Whether an ID token leaves the authorization endpoint, which makes `nonce` mandatory.
    pub const fn has_id_token(self) -> bool {
        self.id_token
    }

    /// Whether an access token leaves the authorization endpoint.
    pub const fn has_token(self) -> bool {
        self.token
    }

    /// The mode that holds when none is asked for: a query for `code` alone, else the fragment.
    pub const fn default_mode(self) -> ResponseMode {
        if self.id_token || self.token { ResponseMode::Fragment } else { ResponseMode::Query }
    }

    /// The mode the response must take. Tokens never travel in a query
    /// [OAuth 2.0 Multiple Response Types §2.1, §3].
    pub fn mode(self, asked: Option<&str>) -> Result<ResponseMode, Refused> {
        let mode = match asked {
            None => return Ok(self.default_mode()),
            Some(asked) => asked.parse::<ResponseMode>()?,
        };
        if mode == ResponseMode::Query && self != Self::CODE {
            return Err(Refused::new(ErrorCode::InvalidRequest, "response_mode query is not for this response_type"));
        }
        Ok(mode)
    }
}

impl FromStr for ResponseType {
    type Err = Refused;
    fn from_str(text: &str) -> Result<Self, Refused> {
        let unsupported = || Refused::new(ErrorCode::UnsupportedResponseType, "unsupported response_type");
        let mut asked = Self { code: false, id_token: false, token: false };
        for part in text.split(' ') {
            let flag = match part {
                "code" => &mut asked.code,
                "id_token" => &mut asked.id_token,
                "token" => &mut asked.token,
                _ => return Err(unsupported()),
            };
            if std::mem::replace(flag, true) {
                return Err(unsupported());
            }
        }
        Ok(asked)
    }
}

impl fmt::Display for ResponseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.code, "code"), (self.id_token, "id_token"), (self.token, "token")];
        let mut parts = parts.into_iter().filter(|(present, _)| *present).map(|(_, name)| name);
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|name| write!(f, " {name}"))
    }
}

impl TryFrom<String> for ResponseType {
    type Error = Refused;
    fn try_from(text: String) -> Result<Self, Refused> {
        text.parse()
    }
}

impl From<ResponseType> for String {
    fn from(response_type: ResponseType) -> Self {
        response_type.to_string()
    }
}

/// How the response travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect.
    Query,
    /// In its fragment.
    Fragment,
    /// In a form the browser posts [OAuth 2.0 Form Post Response Mode].
    FormPost,
}

impl ResponseMode {
    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

impl FromStr for ResponseMode {
    type Err = Refused;
    fn from_str(text: &str) -> Result<Self, Refused> {
        [Self::Query, Self::Fragment, Self::FormPost]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "unsupported response_mode"))
    }
}

/// Which pages must or must not be shown [OIDC Core §3.1.2.1]. `none` excludes the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prompt {
    /// No page at all.
    pub none: bool,
    /// Prove who you are, whatever session there is.
    pub login: bool,
    /// Ask for consent, whatever was stored.
    pub consent: bool,
    /// Let the person choose an account.
    pub select_account: bool,
    /// Begin with sign-up [OIDC Prompt Create §4].
    pub create: bool,
}

impl Prompt {
    /// Reads the parameter. Values nobody has defined are passed over; an absent parameter is the empty set.
    pub fn parse(text: Option<&str>) -> Result<Self, Refused> {
        let mut prompt = Self::default();
        let mut values = 0_usize;
        for value in text.unwrap_or_default().split(' ').filter(|value| !value.is_empty()) {
            values = values.saturating_add(1);
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                "create" => prompt.create = true,
                _ => {}
            }
        }
        if prompt.none && values > 1 {
            return Err(Refused::new(ErrorCode::InvalidRequest, "prompt none excludes other values"));
        }
        Ok(prompt)
    }
}

/// The kind of window the pages are shown in; anything unknown is a page [OIDC Core §3.1.2.1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// A full page.
    #[default]
    Page,
    /// A small window.
    Popup,
    /// A touch device.
    Touch,
    /// A feature phone.
    Wap,
}

impl Display {
    /// Reads the parameter; never an error.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("popup") => Self::Popup,
            Some("touch") => Self::Touch,
            Some("wap") => Self::Wap,
            _ => Self::Page,
        }
    }
}

/// Reads `max_age`: whole seconds, not negative. Absurdly large values count as the largest we can hold.
pub fn parse_max_age(text: Option<&str>) -> Result<Option<i64>, Refused> {
    match text {
        None => Ok(None),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(digits.parse().unwrap_or(i64::MAX)))
        }
        Some(_) => Err(Refused::new(ErrorCode::InvalidRequest, "max_age is not a number of seconds")),
    }
}

/// Reads `ui_locales` or `claims_locales`: languages in order of preference, malformed ones passed over.
pub fn parse_locales(text: Option<&str>) -> Vec<Locale> {
    text.unwrap_or_default().split(' ').filter_map(|tag| tag.parse().ok()).take(20).collect()
}

/// Reads `acr_values`: contexts in order of preference.
pub fn parse_acr_values(text: Option<&str>) -> Vec<String> {
    let values = text.unwrap_or_default().split(' ').filter(|value| !value.is_empty());
    values.take(20).map(str::to_owned).collect()
}

/// What is sent back to the client through the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// How it travels.
    pub mode: ResponseMode,
    /// What it says.
    pub params: Params,
}

impl AuthorizationResponse {
    /// An empty response; add `code` and its kin with [`with`](Self::with).
    pub fn new(mode: ResponseMode) -> Self {
        Self { mode, params: Params::new() }
    }

    /// An error response [RFC 6749 §4.1.2.1] with `state` as it came and `iss` [RFC 9207 §2].
    pub fn refused(mode: ResponseMode, refused: &Refused, state: Option<&str>, issuer: &str) -> Self {
        let description = Some(refused.description()).filter(|description| !description.is_empty());
        let params = Params::new()
            .with("error", refused.code().as_str())
            .with_some("error_description", description)
            .with_some("state", state)
            .with("iss", issuer);
        Self { mode, params }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.push(name, value);
        self
    }

    /// Adds a parameter if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        Self { mode: self.mode, params: self.params.with_some(name, value) }
    }

    /// The address to redirect to; `None` when the response is a form to post. The registered query is kept
    /// [RFC 6749 §3.1.2].
    pub fn location(&self, redirect_uri: &str) -> Option<String> {
        let encoded = self.params.to_urlencoded();
        match self.mode {
            // A browser carries the fragment of an earlier address over to a redirect that has none: an empty one
            // of our own stops whatever was planted there.
            ResponseMode::Query => Some(format!("{}#", append_query(redirect_uri, &encoded))),
            ResponseMode::Fragment => Some(format!("{redirect_uri}#{encoded}")),
            ResponseMode::FormPost => None,
        }
    }
}

/// Appends encoded parameters to an address that may have a query but no fragment.
pub(super) fn append_query(uri: &str, encoded: &str) -> String {
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{encoded}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn response_types_are_sets() {
        for (text, canonical, mode) in [
            ("code", "code", ResponseMode::Query),
            ("id_token", "id_token", ResponseMode::Fragment),
            ("token id_token", "id_token token", ResponseMode::Fragment),
            ("id_token code", "code id_token", ResponseMode::Fragment),
            ("code token", "code token", ResponseMode::Fragment),
            ("token code id_token", "code id_token token", ResponseMode::Fragment),
        ] {
            let response_type: ResponseType = text.parse().unwrap();
            assert_eq!(response_type.to_string(), canonical);
            assert_eq!(response_type.default_mode(), mode, "{text}");
            assert_eq!(serde_json::to_value(response_type).unwrap(), canonical);
        }
        for text in ["", " ", "none", "code code", "code  token", " code", "Code", "code,token", "code none"] {
            let refused = text.parse::<ResponseType>().unwrap_err();
            assert_eq!(refused.code(), ErrorCode::UnsupportedResponseType, "{text:?}");
        }
    }

    #[test]
    fn tokens_never_travel_in_a_query() {
        let mode = |response_type: &str, asked| response_type.parse::<ResponseType>().unwrap().mode(asked);
        assert_eq!(mode("code", Some("query")), Ok(ResponseMode::Query));
        assert_eq!(mode("code", Some("fragment")), Ok(ResponseMode::Fragment));
        assert_eq!(mode("code", Some("form_post")), Ok(ResponseMode::FormPost));
        assert_eq!(mode("code", None), Ok(ResponseMode::Query));
        for response_type in ["id_token", "code id_token", "code token", "token"] {
            assert!(mode(response_type, Some("query")).is_err(), "{response_type}");
            assert_eq!(mode(response_type, Some("form_post")), Ok(ResponseMode::FormPost));
        }
        assert!(mode("code", Some("web_message")).is_err());
    }

    #[test]
    fn prompts() {
        assert_eq!(Prompt::parse(None), Ok(Prompt::default()));
        let both = Prompt { login: true, consent: true, ..Prompt::default() };
        assert_eq!(Prompt::parse(Some("consent login unheard_of")), Ok(both));
        assert_eq!(Prompt::parse(Some("none")), Ok(Prompt { none: true, ..Prompt::default() }));
        for text in ["none login", "login none", "none none", "none unheard_of"] {
            assert_eq!(Prompt::parse(Some(text)).unwrap_err().code(), ErrorCode::InvalidRequest, "{text}");
        }
    }

    #[test]
    fn max_age_is_a_whole_number_of_seconds() {
        assert_eq!(parse_max_age(None), Ok(None));
        assert_eq!(parse_max_age(Some("0")), Ok(Some(0)));
        assert_eq!(parse_max_age(Some("99999999999999999999")), Ok(Some(i64::MAX)));
        for text in ["", "-1", "+1", "1.5", "1 ", "x", "١"] {
            assert!(parse_max_age(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn hints_never_fail() {
        assert_eq!(Display::parse(Some("hologram")), Display::Page);
        assert_eq!(Display::parse(Some("popup")), Display::Popup);
        let locales = parse_locales(Some("ko-KR  -- en 日本 ja"));
        assert_eq!(locales.iter().map(Locale::as_str).collect::<Vec<_>>(), ["ko-KR", "en", "ja"]);
        assert_eq!(parse_acr_values(Some(" 1 2 ")), ["1", "2"]);
        assert!(parse_acr_values(None).is_empty());
    }

    #[test]
    fn responses_keep_the_registered_query() {
        let location = |mode, uri| AuthorizationResponse::new(mode).with("code", "a b").location(uri);
        let query = |uri| location(ResponseMode::Query, uri).unwrap();
        assert_eq!(query("https://rp/cb"), "https://rp/cb?code=a+b#");
        assert_eq!(query("https://rp/cb?"), "https://rp/cb?code=a+b#");
        assert_eq!(query("https://rp/cb?x=%2F"), "https://rp/cb?x=%2F&code=a+b#");
        assert_eq!(query("https://rp/cb?x&"), "https://rp/cb?x&code=a+b#");
        assert_eq!(query("app.example:/cb"), "app.example:/cb?code=a+b#");
        assert_eq!(location(ResponseMode::Fragment, "https://rp/cb?x=1").unwrap(), "https://rp/cb?x=1#code=a+b");
        assert_eq!(location(ResponseMode::FormPost, "https://rp/cb"), None);
    }

    #[test]
    fn errors_carry_state_and_issuer() {
        let refused = Refused::new(ErrorCode::LoginRequired, "no session");
        let response = AuthorizationResponse::refused(ResponseMode::Query, &refused, Some("s"), "https://op");
        assert_eq!(
            response.params.iter().collect::<Vec<_>>(),
            [("error", "login_required"), ("error_description", "no session"), ("state", "s"), ("iss", "https://op")]
        );
        let bare = Refused::from(ErrorCode::AccessDenied);
        let response = AuthorizationResponse::refused(ResponseMode::Query, &bare, None, "https://op");
        assert_eq!(response.params.to_urlencoded(), "error=access_denied&iss=https%3A%2F%2Fop");
    }

    proptest! {
        #[test]
        fn state_comes_back_as_it_went(state in "[^\0]{1,200}") {
            let response = AuthorizationResponse::new(ResponseMode::Query).with("state", &state);
            let location = url::Url::parse(&response.location("https://rp.example/cb?x=1").unwrap()).unwrap();
            prop_assert_eq!(location.host_str(), Some("rp.example"));
            let returned = Params::parse(location.query().unwrap()).unwrap();
            prop_assert_eq!(returned.get("state"), Some(state.as_str()));
            prop_assert_eq!(returned.get("x"), Some("1"));
        }

        #[test]
        fn no_response_breaks_out_of_its_header(name in "[a-z]{1,5}", value: String, fragment: bool) {
            let mode = if fragment { ResponseMode::Fragment } else { ResponseMode::Query };
            let location = AuthorizationResponse::new(mode).with(&name, value).location("https://rp/cb").unwrap();
            prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(location.matches('#').count(), 1);
        }
    }
}
