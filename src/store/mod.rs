//! L2 — durable records, in SQLite or PostgreSQL.
//!
//! What must survive a crash lives here: accounts, identities, sessions, grants, consents, memberships, keys and the
//! outbox. A public method of [`Store`] is one unit of work: it opens its own transaction, writes its events in that
//! same transaction and never hands one out; it makes no outbound call. Single use is one conditional statement.
//!
//! SQL text is written once for both engines (`sql.rs`); no method asks which one it talks to. Personal data is sealed
//! under the account's own key (`vault.rs`) and found by blind indexes; times are seconds in `BIGINT`. Rows nearly every
//! request needs are kept in memory (`copies.rs`).
//!
//! To add a record: a migration of the same file name for each engine, a file per aggregate, and a topic in
//! `conformance/` that executes every new statement. An upgrade must leave the previous release working.

#[macro_use]
mod sql;

mod accounts;
mod clients;
#[cfg(test)]
mod conformance;
mod consents;
mod contacts;
mod copies;
mod credentials;
mod db;
mod erase;
mod error;
mod families;
mod feeds;
mod identities;
mod keys;
mod known_browsers;
mod lagging;
mod ledger;
mod link_notices;
mod members;
mod migrations;
mod open;
mod outbox;
mod parts;
mod person;
#[cfg(test)]
pub(crate) mod private_postgres;
mod profile;
mod register;
mod revocation;
mod sessions;
mod settings;
mod subjects;
mod sweep;
mod tokens;
mod vault;

pub use clients::RegisteredClient;
pub use consents::ConnectedApp;
pub use error::Error;
pub use families::{NewRefresh, Opened};
pub use identities::NewIdentity;
pub use lagging::Lagging;
pub use ledger::{Answer, ConsentEvent};
pub use link_notices::LinkNotice;
pub use members::{Linked, NewMembership};
pub use open::Store;
pub use person::Person;
pub use profile::Profile;
pub use register::{NewAccount, NewContact};
pub use settings::{DatabaseSettings, Durability, Isolation};
pub use tokens::{RefreshRecord, Rotation};
pub use vault::Vault;
