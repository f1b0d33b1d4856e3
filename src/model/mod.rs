//! L0 — the nouns that outlive a request, and the two things no other room may make up for itself:
//! the time ([`Clock`]) and randomness ([`Random`]).
//!
//! This room does no I/O and knows no HTTP, no SQL and no configuration file. A noun belongs here when more
//! than one room above speaks of it; a type used by one room lives in that room.

pub mod account;
pub mod client;
pub mod consent;
pub mod contact;
pub mod digest;
pub mod event;
pub mod fault;
pub mod grant;
pub mod identity;
pub mod ids;
pub mod json;
pub mod key;
pub mod locale;
pub mod member;
pub mod random;
pub mod secret;
pub mod session;
pub mod time;

pub use fault::Fault;
pub use ids::{
    AccountId, ClientId, ConnectionId, ContactId, EventId, FamilyId, IdentityId, MembershipId, ProgrammeId, SessionId,
};
pub use locale::Locale;
pub use random::Random;
pub use secret::Secret;
pub use time::{Clock, UnixTime};
