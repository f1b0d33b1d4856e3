//! Simulators of six identity providers for the demo and for tests: the real paths, the real answers, the real quirks.
//!
//! Each is an axum router to be mounted under a host of its own; a connector reaches it by other URLs and credentials
//! alone. [`Simulators`] builds them, makes them misbehave ([`Quirk`]), tells what they were asked ([`LogEntry`]) and what
//! they have to tell ([`Notice`]).
//! They trust nobody's code but their own: nothing here may use the rooms that talk to providers, or a mistake would
//! be made twice and found by nobody. They sign nobody in for real and must never be reachable in production.
//!
//! A new provider is a file in `providers` — a `Profile` and its own endpoints — plus its test identities in `person`.

mod authorize;
mod browser;
mod call;
mod id_token;
mod keys;
mod notice;
mod observe;
mod page;
mod person;
mod profile;
mod providers;
mod quirk;
mod reply;
mod resource;
mod settings;
mod simulator;
mod state;
#[cfg(test)]
mod tests;
mod texts;
mod token;

pub use call::LogEntry;
pub use keys::SimulatorKeys;
pub use notice::{Notice, NoticeRequest};
pub use person::Person;
pub use quirk::{Endpoint, Quirk};
pub use settings::{AppleKey, BaseUrl, Provider, ProviderClient, SimulatorSettings, UnknownProvider};
pub use simulator::Simulators;
