//! The load harness: `cargo bench --bench load`, and after `--` what `--help` tells.
//!
//! Starts the optimised server as a process of its own on each store, fills the store, drives every operation of
//! docs/performance.md over keep-alive connections and reads from `/proc` what the server spent. Every answer is
//! checked: a wrong one ends the run with what was seen. Beside Comity it measures, by the same driver in the same run,
//! npm `oidc-provider` and a bare program that shows what no provider can go below.
//!
//! - `options` what a run can be told · `machine` cores, CPU time, memory · `process`, `services`, `site` what is started
//! - `clients`, `seed`, `ballast` who is there · `peer`, `floor` who is measured besides · `contend` one after the other
//! - `flows` the operations · `drive` repeats and reads · `report`, `docs` the tables

#![allow(unreachable_pub, reason = "a program: nothing is reachable from outside")]

mod ballast;
mod clients;
mod contend;
mod docs;
mod drive;
mod floor;
mod flows;
mod http;
mod machine;
mod options;
mod peer;
mod process;
mod report;
mod seed;
mod services;
mod site;

use std::process::ExitCode;

use clap::Parser;

use machine::{Cores, Machine};
use options::{Options, Stores};
use report::{Contender, POSTGRES, Report, SQLITE};
use services::Services;

/// Why a run ended early.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = Options::parse().settled();
    // The bare program is where it was put.
    let cores = if options.floor_server.is_some() { Cores::default() } else { Cores::divide(options.server_cores) };
    cores.leave_the_servers();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(&options, &cores)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options, cores: &Cores) -> Result<(), Failure> {
    if let Some(port) = options.floor_server {
        return floor::serve(port).await;
    }
    if let Some(path) = &options.from {
        return tell(options, &Report::read(path)?);
    }
    let mut report = Report {
        date: options.date.clone().unwrap_or_else(|| jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
        machine: Machine::describe(cores, options.commit.as_deref()),
        accounts: options.accounts,
        grants: options.grants.unwrap_or(options.accounts),
        server_cores: cores.server.len(),
        compared: options.compared(),
        contenders: Vec::new(),
    };
    if options.scale {
        for accounts in [options.active.max(10_000), options.accounts] {
            let sized = Options {
                accounts,
                grants: options.grants.filter(|_| accounts == options.accounts),
                ..options.clone()
            };
            report.contenders.extend(stores(&sized, cores, &format!(" {}", report::thousands_of(accounts))).await?);
        }
    } else {
        if !options.no_floor {
            report.contenders.push(contend::floor(options, cores).await?);
        }
        if !options.no_peer {
            report.contenders.extend(contend::peer(options, cores).await?);
        }
        report.contenders.extend(stores(options, cores, "").await?);
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    tell(options, &report)
}

/// Prints what there is to tell, and writes it into the documentation where that is wanted.
fn tell(options: &Options, report: &Report) -> Result<(), Failure> {
    let tables = match (options.scale, options.brief) {
        (true, _) => report.as_scale(),
        (false, true) => report.in_brief(),
        (false, false) => report.as_markdown(),
    };
    println!("{tables}");
    if let Some(earlier) = &options.compare {
        println!("{}", report.beside(&Report::read(earlier)?));
    }
    options.write_docs.as_deref().map_or(Ok(()), |section| docs::write(section, &tables))
}

/// Measures Comity on the stores that are wanted.
async fn stores(options: &Options, cores: &Cores, suffix: &str) -> Result<Vec<Contender>, Failure> {
    let mut contenders = Vec::new();
    if options.store != Stores::Postgres {
        contenders.push(contend::comity(&format!("{SQLITE}{suffix}"), options, cores, None).await?);
    }
    if options.store != Stores::Sqlite {
        let services = match (&options.database_url, &options.redis_url) {
            (Some(database), Some(cache)) => Some(Services::given(database, cache)),
            _ => Services::start(cores)?,
        };
        if let Some(services) = services {
            contenders.push(contend::comity(&format!("{POSTGRES}{suffix}"), options, cores, Some(&services)).await?);
        }
    }
    Ok(contenders)
}

/// Says on standard error how far things are.
pub fn note(line: &str) {
    eprintln!("{line}");
}
