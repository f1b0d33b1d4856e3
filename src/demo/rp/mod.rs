//! The relying parties of the stage: a shop and an app of the airline itself, and a hotel that is another company.
//!
//! They know the OpenID Provider from its discovery document alone and speak to it through the `openidconnect` crate,
//! as anybody's relying party would; nothing here may use the rooms that answer them. What they received is kept
//! for the stage to show ([`Receipts`](receipts::Receipts)).
//!
//! A new relying party is a row in `config/demo-clients.toml`, a file here with its pages, and its host in `house`.

mod error;
pub(super) mod fares;
pub(super) mod go;
pub(super) mod hotel;
mod login;
pub(super) mod member;
pub(super) mod panel;
pub(super) mod receipts;
mod registration;
mod relying_party;
mod session;
pub(super) mod shop;
pub(super) mod site;
mod token_store;

pub(super) use receipts::{Receipt, Receipts};
pub(super) use registration::Registration;
pub(super) use site::Site;
