//! Errors as the specifications word them.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// A registered error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Its registered name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status it comes with where it is sent as JSON or in `WWW-Authenticate`.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

error_codes! {
    /// A parameter is missing, repeated or malformed [RFC 6749 §5.2].
    InvalidRequest = "invalid_request", 400;
    /// Client authentication failed [RFC 6749 §5.2].
    InvalidClient = "invalid_client", 401;
    /// The code, refresh token or assertion does not hold [RFC 6749 §5.2].
    InvalidGrant = "invalid_grant", 400;
    /// The client may not do this [RFC 6749 §5.2].
    UnauthorizedClient = "unauthorized_client", 400;
    /// No such grant here [RFC 6749 §5.2].
    UnsupportedGrantType = "unsupported_grant_type", 400;
    /// No such response type here [RFC 6749 §4.1.2.1].
    UnsupportedResponseType = "unsupported_response_type", 400;
    /// No such scope, or wider than granted [RFC 6749 §5.2].
    InvalidScope = "invalid_scope", 400;
    /// The person or a policy said no [RFC 6749 §4.1.2.1].
    AccessDenied = "access_denied", 400;
    /// Our fault [RFC 6749 §4.1.2.1].
    ServerError = "server_error", 500;
    /// Our fault, and it should pass [RFC 6749 §4.1.2.1].
    TemporarilyUnavailable = "temporarily_unavailable", 503;
    /// `prompt=none` without a session [OIDC Core §3.1.2.6].
    LoginRequired = "login_required", 400;
    /// `prompt=none` where a page is needed [OIDC Core §3.1.2.6].
    InteractionRequired = "interaction_required", 400;
    /// `prompt=none` without stored consent [OIDC Core §3.1.2.6].
    ConsentRequired = "consent_required", 400;
    /// `prompt=none` where an account must be chosen [OIDC Core §3.1.2.6].
    AccountSelectionRequired = "account_selection_required", 400;
    /// No `request` parameter here [OIDC Core §3.1.2.6].
    RequestNotSupported = "request_not_supported", 400;
    /// No `request_uri` parameter here [OIDC Core §3.1.2.6].
    RequestUriNotSupported = "request_uri_not_supported", 400;
    /// The `request_uri` cannot be used [OIDC Core §3.1.2.6].
    InvalidRequestUri = "invalid_request_uri", 400;
    /// The request object cannot be used [OIDC Core §3.1.2.6].
    InvalidRequestObject = "invalid_request_object", 400;
    /// No `registration` parameter here [OIDC Core §3.1.2.6].
    RegistrationNotSupported = "registration_not_supported", 400;
    /// The required authentication was not reached [OIDC Unmet Authentication Requirements §2].
    UnmetAuthenticationRequirements = "unmet_authentication_requirements", 400;
    /// No such resource server [RFC 8707 §2].
    InvalidTarget = "invalid_target", 400;
    /// The access token does not hold [RFC 6750 §3.1].
    InvalidToken = "invalid_token", 401;
    /// The access token does not reach this far [RFC 6750 §3.1].
    InsufficientScope = "insufficient_scope", 403;
    /// The endpoint revokes no such tokens [RFC 7009 §2.2.1].
    UnsupportedTokenType = "unsupported_token_type", 400;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal in the other side's responsibility: a code, and a sentence for their developers. Serialises to the JSON
/// of RFC 6749 §5.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {description}")]
pub struct Refused {
    #[serde(rename = "error")]
    code: ErrorCode,
    #[serde(rename = "error_description", skip_serializing_if = "str::is_empty")]
    description: Cow<'static, str>,
}

impl Refused {
    /// A refusal. Characters the description must not hold [RFC 6749 §4.1.2.1, §5.2] become `_`; for quotation there
    /// is `'`.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        let description = if description.chars().all(is_describing) {
            description
        } else {
            Cow::Owned(description.chars().map(|c| if is_describing(c) { c } else { '_' }).collect())
        };
        Self { code, description }
    }

    /// Its code.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Its sentence: printable ASCII without `"` and `\`; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The HTTP status where it is sent as JSON.
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self { code, description: Cow::Borrowed("") }
    }
}

impl From<super::ParamsError> for Refused {
    fn from(error: super::ParamsError) -> Self {
        use super::ParamsError::{Malformed, Repeated, TooMany};
        let description: Cow<'static, str> = match error {
            // The name is the sender's own text: shown short, cleaned by `new`.
            Repeated(name) => format!("parameter {} is repeated", name.chars().take(40).collect::<String>()).into(),
            TooMany => "too many parameters".into(),
            Malformed => "the parameters are not well-formed".into(),
        };
        Self::new(ErrorCode::InvalidRequest, description)
    }
}

fn is_describing(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn serialises_as_the_token_endpoint_says_it() {
        let refused = Refused::new(ErrorCode::InvalidGrant, "the code is spent");
        let expected = json!({ "error": "invalid_grant", "error_description": "the code is spent" });
        assert_eq!(serde_json::to_value(&refused).unwrap(), expected);
        let bare = Refused::from(ErrorCode::InvalidClient);
        assert_eq!(serde_json::to_value(&bare).unwrap(), json!({ "error": "invalid_client" }));
        assert_eq!((bare.status(), refused.status()), (401, 400));
    }

    #[test]
    fn every_code_serialises_to_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..=503).contains(&code.status()));
        }
    }

    #[test]
    fn a_repeated_name_cannot_break_out_of_the_description() {
        let error = super::super::Params::parse("%22%5C%0Aé=1&%22%5C%0Aé=2").unwrap_err();
        assert_eq!(Refused::from(error).description(), "parameter ____ is repeated");
    }

    proptest! {
        #[test]
        fn descriptions_are_clean_by_construction(text: String) {
            let refused = Refused::new(ErrorCode::InvalidRequest, text);
            prop_assert!(refused.description().bytes().all(|b| (0x20..=0x7e).contains(&b) && b != b'"' && b != b'\\'));
        }
    }
}
