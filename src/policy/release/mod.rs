//! Attribute release: which claim goes to which relying party, decided in one place for tokens, userinfo,
//! introspection, events, the consent page and `explain`.
//!
//! `released = requested ∩ client allowlist ∩ purpose live ∩ (consent | other basis) ∩ stage/proof ∩ available`:
//! [`evaluate`] judges line by line and keeps the reason of each refusal. Nothing here invents a value: what is
//! unknown, too old or not proven well enough is absent, which is not the same as false.
//!
//! A scope or claim is a row in `config/release.toml`; a source is an arm of `source.rs`, a transform one of
//! `transform.rs`, a field of memberships one of `membership.rs`.

mod age;
mod consent;
mod evaluate;
mod membership;
mod period;
mod rules;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod transform;
mod validate;
mod verdict;

pub use evaluate::{Facts, Question, evaluate};
pub use membership::{Field, Freshness};
pub use period::Period;
pub use rules::{Basis, ClaimRule, DEFAULTS, Delivery, Purpose, ReleaseRules, ReleaseTable, ScopeRule};
pub use source::{Source, best_attribute};
pub use transform::Transform;
pub use verdict::{AskLine, Explained, Line, Reason, Release, Verdict};
