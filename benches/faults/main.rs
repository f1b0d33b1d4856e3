//! Two nodes over one PostgreSQL and one Redis, logins without a pause, and what happens in the night: a node is killed,
//! the other is replaced by a new build, Redis is restarted, PostgreSQL's primary is lost. Prints what people saw, second
//! by second, and ends with 1 if anything was answered wrongly, or did not work again by itself.
//!
//! A build under way elsewhere makes a machine too slow for the full rate, which is said and not taken for a fault.
//!
//! `cargo bench --bench faults`; `-- --quick` for a short run at a low rate, `-- --help` for the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a run whose scenery cannot be set up has nothing to say"
)]
#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod balancer;
mod books;
mod browser;
mod driver;
mod events;
mod http;
mod login;
mod node;
mod options;
mod people;
mod postgres;
mod redis;
mod site;

use std::process::ExitCode;

use clap::Parser;

use self::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    if !site::services_are_installed() {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let is_well = runtime.block_on(events::night(&options));
    runtime.shutdown_background();
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
