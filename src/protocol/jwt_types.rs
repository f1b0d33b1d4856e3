//! The values of header parameter `typ`: one per kind of token, so that none passes for another [RFC 8725 §3.11].

/// An ID token or a signed userinfo response.
pub const JWT: &str = "JWT";
/// An access token [RFC 9068 §2.1].
pub const ACCESS_TOKEN: &str = "at+jwt";
/// A logout token [OIDC Back-Channel Logout §2.4].
pub const LOGOUT_TOKEN: &str = "logout+jwt";
/// A security event token [RFC 8417 §2.3].
pub const SECURITY_EVENT: &str = "secevent+jwt";
/// A signed introspection response [RFC 9701 §5].
pub const INTROSPECTION: &str = "token-introspection+jwt";
/// A client assertion.
pub const CLIENT_AUTHENTICATION: &str = "client-authentication+jwt";
