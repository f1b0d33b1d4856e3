//! The loyalty host of the stage: SkyWay Club, an airline programme with a handful of members.
//!
//! It answers the contract of `docs/loyalty-connector.md` as a host should — decoys for unknown numbers, a few tries per
//! challenge, entity tags, an ordered feed of changes — and misbehaves on demand: down, slow, lying. It shares no code
//! with `membership`, so that each checks the other's reading of the contract.
//!
//! A new call of the contract is a handler in `api`; a new misbehaviour is a variant in `lies`; a new member is a row
//! in `members`. It must never be reachable in production: the `demo` feature is off there.

mod access;
mod api;
mod back_office;
mod challenges;
mod control;
mod exchange;
mod feed;
mod lies;
mod members;
#[cfg(test)]
mod tests;
mod words;

pub use access::Access;
pub use control::LoyaltyHost;
pub use exchange::{Exchange, LoggedRequest};
pub use lies::Lie;
pub use members::{KEN, LEA, MINA, Member, MemberStatus, TIERS};
