//! L4 — the stage of `comity demo`: simulators of providers and of a loyalty host, sample relying parties, a mailbox
//! and a guided tour, all in one process on one listener, told apart by host name.
//!
//! Nothing here is part of the product: the cargo feature `demo` leaves it out. The same connector code talks to a
//! simulator and to the real provider; only URLs and credentials differ. What it configures is `config/demo.toml` and
//! `config/demo-clients.toml`, which the stage shows line by line.
//!
//! A new host is an entry in `house`; a new relying party a file in `rp`; a new step of the script one in `stage`.

mod addresses;
mod banner;
mod dispatch;
mod folder;
mod house;
pub mod loyalty_host;
mod mailbox;
mod page;
mod rp;
mod run;
pub mod simulators;
mod stage;
#[cfg(test)]
mod tests;
mod words;

pub use addresses::Addresses;
pub use house::{Demo, Error, Options, build, build_with};
pub use mailbox::{Letter, Mailbox};
pub use run::run;
