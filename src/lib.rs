//! Comity, a self-hosted OpenID Provider for progressive identity: it signs people in with social logins or a mailed
//! code, links them to loyalty numbers, and releases to each relying party what was agreed to, claim by claim.
//!
//! # Layers
//! A room names only rooms below it; rooms of one layer do not know each other. What two of them need sinks lower, or
//! [`web`] composes them in plain lines (`federation.complete`, `accounts.arrive`, `provider.signed_in`).
//!
//! | | rooms | |
//! |---|---|---|
//! | L4 | [`web`], [`jobs`], [`cli`], `demo` | HTTP and HTML; background work; commands; the stage |
//! | L3 | [`provider`], [`federation`], [`accounts`], [`membership`], [`consent`] | what Comity can do |
//! | L2 | [`store`], [`cache`], [`outbound`], [`mail`] | what lasts, what may be forgotten, calls, mails |
//! | L1 | [`policy`] | decisions: release, linking, passwords, identifiers, member numbers |
//! | L0 | [`protocol`], [`jose`], [`model`] | messages, signatures, nouns |
//!
//! Beside them stand [`app`] (puts the rooms together), [`settings`], [`telemetry`], [`trips`] and [`i18n`].
//!
//! # What must stay true
//! - `protocol`, `jose`, `model` and `policy` do no I/O. `policy` decides: model in, verdict out, no clock, no store.
//! - Only `web` and `demo` name axum, only `store` sqlx and rusqlite, only `cache/redis` redis, only `federation`
//!   openidconnect.
//! - No global state. Time comes from [`model::Clock`], randomness from [`model::Random`], HTTP from [`outbound`].
//! - A transaction never leaves a method of [`store::Store`]; single use is one conditional statement.
//! - *Refused* (the caller's fault: standard code, fixed text) and *fault* (ours: logged with its request's number) are
//!   different types. Outcomes are enums, not errors.
//! - A secret is a [`model::Secret`]; a half-way state is another type than a session.
//!
//! # The walk of `/authorize`
//! 1. `web/endpoints/authorize.rs` reads parameters and session, and calls [`provider::Provider::authorize`].
//! 2. `authorize/validate.rs`: `verify_callback` — until a client's redirect URI is verified a failure is a page — then
//!    `validate`, whose failures go to the client.
//! 3. `authorize/advance.rs` loads the facts and asks the pure `authorize/decide.rs`: sign in, prove yourself anew, select
//!    an account, accept terms, consent, issue, or refuse. `prompt=none` turns every page into its error code.
//! 4. Issue: a code in the cache, and a redirect. A page: the transaction in the cache, and a redirect to that page.
//! 5. Each page ends in the provider again — `signed_in`, `select_account`, `consent_answered`, `resume` — which is step
//!    3. No page knows which one comes next.
//!
//! # Where do I add…
//! | | |
//! |---|---|
//! | a provider of logins | a file in `federation/connectors/`, its entry in `PRESETS`, an icon |
//! | a grant | a file in `provider/grants/` and its entry in `GRANTS` |
//! | a rule of `prompt` | an arm in `provider/authorize/decide.rs` |
//! | a way for clients to authenticate | an arm in `provider/client_auth.rs` |
//! | a scope, a claim, a purpose | a row in `config/release.toml` or the settings |
//! | a page | handler, view and template of one name in `web/pages`, `web/views`, `templates/pages` |
//! | a language | `config/locales/<language>.toml` and `mail.<language>.toml` |
//! | a loyalty host's transport | a file in `membership/host/` |
//! | a durable record | a migration per engine, a file in `store/`, a topic in `store/conformance/` |
//! | a setting | its field in `settings/`, its line in `config/default.toml`, its check in `validate.rs` |
//!
//! The long version is `docs/ARCHITECTURE.md`.

pub mod accounts;
pub mod app;
pub mod cache;
pub mod cli;
pub mod consent;
#[cfg(feature = "demo")]
pub mod demo;
pub mod federation;
pub mod i18n;
pub mod jobs;
pub mod jose;
pub mod mail;
pub mod membership;
pub mod model;
pub mod outbound;
pub mod policy;
pub mod protocol;
pub mod provider;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod trips;
pub mod web;
