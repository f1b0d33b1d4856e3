//! Endpoints for machines: parameters in, JSON out. No cookies but at the authorization endpoint, no pages.

pub mod authorize;
pub mod discovery;
pub mod introspect;
pub mod jwks;
pub mod logout;
pub mod message;
pub mod revoke;
pub mod token;
pub mod userinfo;
