//! L3 — loyalty programmes: linking a member number to an account, and what the programme's host says of the member.
//!
//! [`Membership::begin`] and [`Membership::prove`] are the ceremony of linking; [`Membership::refresh_due`],
//! [`Membership::catch_up`] and [`Membership::send_notices`] are the background work; [`Membership::refresh_stale`]
//! is the short wait a userinfo request may afford. Sign-in never waits for a host.
//!
//! Never here: what is released to whom (that is `policy`), pages and mails (that is `web`). A person's answer to a
//! proof lives in a `Secret` on its way to the host: it is not stored, queued, logged or retried.
//! A new transport is a file in `host/` and a variant of its settings; a new proof is a variant of [`Method`].
//! The contract with hosts is docs/loyalty-connector.md.

mod error;
mod host;
mod kept;
mod limits;
mod link;
mod notices;
mod proof;
mod prove;
mod room;
mod settings;
mod sync;
#[cfg(test)]
mod tests;

pub use error::{Error, InvalidSettings};
pub use kept::Kept;
pub use link::{Begin, Begun, Holder, StartedLink};
pub use proof::{Answer, Method};
pub use prove::{Linked, Proven, Unlinked};
pub use room::Membership;
pub use settings::{
    CredentialSettings, HostSettings, HttpHostSettings, LimitSettings, MembershipSettings, NumberSettings,
    ProgrammeSettings, RefreshSettings, TierSettings,
};
pub use sync::Round;
