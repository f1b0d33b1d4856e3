//! L3 — we are the relying party: signing in with Google, Apple, Kakao, Naver, LINE and their like.
//!
//! [`Federation::begin`] sends a browser away, [`Federation::complete`] sees it come back and says who it is, or how it
//! failed: each [`Failure`] leaves the sign-in it was part of alive. Two engines (`oidc`, `oauth2`) do all the work;
//! a provider is data in `connectors/`. The result is evidence: which account it belongs to is decided elsewhere, and
//! never by an e-mail address.
//!
//! Never here: accounts, sessions, cookies, pages, and tokens a browser or an app hands us.
//! A new provider goes into `connectors/`, a new answer to "what was wrong" into [`Reason`].

mod begin;
mod complete;
mod connection;
mod connections;
mod connector;
mod connectors;
mod discovery;
mod failure;
mod http;
mod id_token;
mod jwks;
mod login;
mod oauth2;
mod oidc;
mod pending;
mod profile;
mod remote;
mod revoke;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;

pub use complete::Completed;
pub use connections::{ConnectionButton, Federation, InvalidConnections};
pub use connector::ClientAuth;
pub use failure::{Failure, Reason, Revoked};
pub use pending::{Begin, CallbackParams, Intent};
pub use profile::{Attributes, EmailTrust, UpstreamProfile};
pub use settings::{ButtonSettings, ConnectionSettings, EndpointSettings, TrustEmail};
