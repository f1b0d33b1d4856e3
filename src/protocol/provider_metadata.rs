//! The discovery document [OIDC Discovery §3, RFC 8414 §2, OIDC RP-Initiated Logout §2.1].

use serde::{Deserialize, Serialize};

/// What the provider says of itself. Registered names only; absent members are left out, never `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderMetadata {
    /// Issuer identifier: the prefix the document is served under.
    pub issuer: String,
    /// Authorization endpoint.
    pub authorization_endpoint: String,
    /// Token endpoint.
    pub token_endpoint: String,
    /// Userinfo endpoint.
    pub userinfo_endpoint: String,
    /// The JWK Set.
    pub jwks_uri: String,
    /// Client registration endpoint [OIDC Registration §3].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Logout endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// Session iframe [OIDC Session Management §3.3].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_session_iframe: Option<String>,
    /// Introspection endpoint [RFC 7662].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// Revocation endpoint [RFC 7009].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Pushed authorization requests [RFC 9126 §5].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Scope values; `openid` among them.
    pub scopes_supported: Vec<String>,
    /// Response types.
    pub response_types_supported: Vec<String>,
    /// Response modes.
    pub response_modes_supported: Vec<String>,
    /// Grants.
    pub grant_types_supported: Vec<String>,
    /// `acr` values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values_supported: Vec<String>,
    /// Kinds of `sub`.
    pub subject_types_supported: Vec<String>,
    /// `alg` of ID tokens; `RS256` among them.
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// `alg` of signed userinfo responses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo_signing_alg_values_supported: Vec<String>,
    /// `alg` of request objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<String>,
    /// Client authentication at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// `alg` of client assertions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Client authentication at the introspection endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// `alg` of client assertions there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Client authentication at the revocation endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// `alg` of client assertions there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Values of `display`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub display_values_supported: Vec<String>,
    /// Values of `prompt` [OIDC Prompt Create §4.2].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// Kinds of claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claim_types_supported: Vec<String>,
    /// Claims that may be released.
    pub claims_supported: Vec<String>,
    /// Languages of claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims_locales_supported: Vec<String>,
    /// Languages of the pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// PKCE methods.
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether the `claims` parameter works.
    pub claims_parameter_supported: bool,
    /// Whether the `request` parameter works.
    pub request_parameter_supported: bool,
    /// Whether the `request_uri` parameter works. Stated always: its default is `true`.
    pub request_uri_parameter_supported: bool,
    /// Whether a `request_uri` must be registered first.
    pub require_request_uri_registration: bool,
    /// Whether responses carry `iss` [RFC 9207 §3].
    pub authorization_response_iss_parameter_supported: bool,
    /// Front-channel logout [OIDC Front-Channel Logout §3].
    pub frontchannel_logout_supported: bool,
    /// Whether it carries `iss` and `sid`.
    pub frontchannel_logout_session_supported: bool,
    /// Back-channel logout [OIDC Back-Channel Logout §2.1].
    pub backchannel_logout_supported: bool,
    /// Whether it carries `sid`.
    pub backchannel_logout_session_supported: bool,
    /// Documentation for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
    /// The operator's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_policy_uri: Option<String>,
    /// The operator's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_tos_uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn no_member_is_null_and_defaults_are_stated() {
        let document = serde_json::to_value(ProviderMetadata::default()).unwrap();
        let members = document.as_object().unwrap();
        assert!(members.values().all(|value| *value != Value::Null));
        assert_eq!(members["request_uri_parameter_supported"], false);
        assert_eq!(members["request_parameter_supported"], false);
        assert!(members["code_challenge_methods_supported"].is_array());
        assert!(!members.contains_key("registration_endpoint") && !members.contains_key("ui_locales_supported"));
    }
}
