//! L2 — the only HTTP client: every request to somebody else's server leaves through [`Outbound`].
//!
//! https to public addresses only, checked on the address connected to; no redirects, no proxies, bounded time,
//! size and concurrency, and errors that tell a stranger nothing about the network inside. Hosts a deployment
//! names (`allow_hosts`) may be plain or private.
//!
//! Never here: what the answer means, retries, caching. A new special-purpose range goes into `address`.

mod address;
mod client;
mod error;
mod guard;
mod limit;
mod request;
#[cfg(test)]
mod tests;

pub use client::{Outbound, OutboundSettings};
pub use error::Error;
pub use request::{Request, Response};
