//! What the token, introspection and userinfo endpoints answer.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Scope;

/// A successful token response [RFC 6749 §5.1, OIDC Core §3.1.3.3].
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// How it is used.
    pub token_type: TokenType,
    /// Its life in seconds.
    pub expires_in: i64,
    /// The refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The scope granted.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// The ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// How an access token is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TokenType {
    /// By whoever bears it [RFC 6750].
    #[default]
    Bearer,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .field("refreshable", &self.refresh_token.is_some())
            .field("identifies", &self.id_token.is_some())
            .finish_non_exhaustive()
    }
}

/// An introspection response [RFC 7662 §2.2].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntrospectionResponse {
    active: bool,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl IntrospectionResponse {
    /// The token is good; `members` say what for. A member `active` among them is dropped.
    pub fn active(mut members: Map<String, Value>) -> Self {
        members.remove("active");
        Self { active: true, members }
    }

    /// The token is not good, or not the caller's business: exactly `{"active":false}`.
    pub fn inactive() -> Self {
        Self { active: false, members: Map::new() }
    }

    /// Whether the token is good.
    pub const fn is_active(&self) -> bool {
        self.active
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_members_are_left_out() {
        let mut response = TokenResponse {
            access_token: "a".into(),
            token_type: TokenType::Bearer,
            expires_in: 600,
            refresh_token: None,
            scope: Scope::new(),
            id_token: None,
        };
        let bare = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 600 });
        assert_eq!(serde_json::to_value(&response).unwrap(), bare);
        response.scope = "openid email".parse().unwrap();
        response.id_token = Some("i".into());
        response.refresh_token = Some("r".into());
        let full = json!({
            "access_token": "a", "token_type": "Bearer", "expires_in": 600,
            "refresh_token": "r", "scope": "openid email", "id_token": "i"
        });
        assert_eq!(serde_json::to_value(&response).unwrap(), full);
    }

    #[test]
    fn debug_shows_no_token() {
        let response = TokenResponse {
            access_token: "SECRET".into(),
            token_type: TokenType::Bearer,
            expires_in: 1,
            refresh_token: Some("SECRET".into()),
            scope: Scope::new(),
            id_token: Some("SECRET".into()),
        };
        assert!(!format!("{response:?}").contains("SECRET"));
    }

    #[test]
    fn an_inactive_token_says_nothing_else() {
        assert_eq!(serde_json::to_string(&IntrospectionResponse::inactive()).unwrap(), r#"{"active":false}"#);
        let members = json!({ "active": false, "sub": "s" });
        let active = IntrospectionResponse::active(members.as_object().unwrap().clone());
        assert_eq!(serde_json::to_value(active).unwrap(), json!({ "active": true, "sub": "s" }));
    }
}
