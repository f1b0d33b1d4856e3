//! L0 — the messages of OAuth 2.0 and OpenID Connect as types.
//!
//! Reading is strict and total: any text gives a value or a [`Refused`] that is safe to send back. There is no HTTP
//! here, no I/O, no clock and no knowledge of clients: what a request *may* ask is decided by the rooms above.
//! A parameter with a grammar of its own gets a type in the file named after its message.

mod authorization;
mod bearer;
mod claims;
mod client_auth;
pub mod client_metadata;
mod error;
pub mod jwt_types;
mod logout;
mod params;
mod pkce;
mod provider_metadata;
mod redirect_uri;
mod scope;
mod token;

pub use authorization::{
    AuthorizationResponse, Display, Prompt, ResponseMode, ResponseType, parse_acr_values, parse_locales, parse_max_age,
};
pub use bearer::{bearer_challenge, parse_bearer};
pub use claims::{ClaimRequest, ClaimsRequest};
pub use client_auth::{JWT_BEARER, Presented};
pub use error::{ErrorCode, Refused};
pub use logout::{EndSessionRequest, LogoutToken};
pub use params::{Params, ParamsError};
pub use pkce::Challenge;
pub use provider_metadata::ProviderMetadata;
pub use redirect_uri::redirect_uri_matches;
pub use scope::Scope;
pub use token::{IntrospectionResponse, TokenResponse, TokenType};
