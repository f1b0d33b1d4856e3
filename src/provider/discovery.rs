//! Provider metadata [OIDC Discovery §3, RFC 8414 §2], generated from what is built and switched on.

use std::collections::BTreeSet;

use super::client_auth::AUTH_METHODS;
use super::grants::GRANTS;
use super::{Provider, paths};
use crate::jose::Alg;
use crate::model::client::AuthMethod;
use crate::protocol::ProviderMetadata;

/// Authentication contexts a session can reach.
pub const ACR_VALUES: &[&str] = &["urn:comity:acr:1"];

impl Provider {
    /// The metadata document.
    pub fn metadata(&self) -> ProviderMetadata {
        let url = |path: &str| format!("{}{path}", self.issuer());
        let algs: Vec<String> =
            self.0.keys.ring().algs(self.0.clock.now()).into_iter().map(|alg| alg.to_string()).collect();
        let assertion_algs: Vec<String> = Alg::ALL.iter().map(ToString::to_string).collect();
        let methods = |public: bool| -> Vec<String> {
            AUTH_METHODS
                .iter()
                .filter(|method| public || **method != AuthMethod::None)
                .map(|method| method.as_str().to_owned())
                .collect()
        };
        let mut scopes: BTreeSet<&str> = self.0.rules.scopes();
        scopes.extend(["openid", "offline_access"]);
        let mut claims: Vec<String> =
            ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"].map(str::to_owned).to_vec();
        claims.extend(self.0.rules.claims().into_iter().map(str::to_owned));
        ProviderMetadata {
            issuer: self.issuer().to_owned(),
            authorization_endpoint: url(paths::AUTHORIZE),
            token_endpoint: url(paths::TOKEN),
            userinfo_endpoint: url(paths::USERINFO),
            jwks_uri: url(paths::JWKS),
            introspection_endpoint: Some(url(paths::INTROSPECT)),
            revocation_endpoint: Some(url(paths::REVOKE)),
            end_session_endpoint: Some(url(paths::END_SESSION)),
            scopes_supported: scopes.into_iter().map(str::to_owned).collect(),
            response_types_supported: vec!["code".to_owned()],
            response_modes_supported: ["query", "fragment", "form_post"].map(str::to_owned).to_vec(),
            grant_types_supported: GRANTS.iter().map(|grant| grant.as_str().to_owned()).collect(),
            acr_values_supported: ACR_VALUES.iter().map(|acr| (*acr).to_owned()).collect(),
            subject_types_supported: ["public", "pairwise"].map(str::to_owned).to_vec(),
            id_token_signing_alg_values_supported: algs,
            token_endpoint_auth_methods_supported: methods(true),
            token_endpoint_auth_signing_alg_values_supported: assertion_algs.clone(),
            introspection_endpoint_auth_signing_alg_values_supported: assertion_algs.clone(),
            revocation_endpoint_auth_signing_alg_values_supported: assertion_algs,
            introspection_endpoint_auth_methods_supported: methods(false),
            revocation_endpoint_auth_methods_supported: methods(true),
            prompt_values_supported: ["none", "login", "consent", "select_account"].map(str::to_owned).to_vec(),
            claims_supported: claims,
            ui_locales_supported: self.0.ui_locales.clone(),
            code_challenge_methods_supported: vec!["S256".to_owned()],
            claims_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
            ..ProviderMetadata::default()
        }
    }
}
