//! Where each endpoint lives below the issuer: the router and discovery read the same names.

/// OpenID Provider metadata [OIDC Discovery §4].
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// Authorization server metadata [RFC 8414 §3].
pub const OAUTH_AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
/// Public keys [RFC 7517 §5].
pub const JWKS: &str = "/jwks";
/// Authorization endpoint [RFC 6749 §3.1].
pub const AUTHORIZE: &str = "/authorize";
/// Token endpoint [RFC 6749 §3.2].
pub const TOKEN: &str = "/token";
/// UserInfo endpoint [OIDC Core §5.3].
pub const USERINFO: &str = "/userinfo";
/// Introspection endpoint [RFC 7662 §2].
pub const INTROSPECT: &str = "/introspect";
/// Revocation endpoint [RFC 7009 §2].
pub const REVOKE: &str = "/revoke";
/// End-session endpoint [OIDC RP-Initiated Logout §2].
pub const END_SESSION: &str = "/logout";
