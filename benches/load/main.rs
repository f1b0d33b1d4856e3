//! The load harness: `cargo bench --bench load`, and after `--` what `--help` tells.
//!
//! Starts the optimised server as a process of its own on each store, fills the store, drives every operation of
//! docs/performance.md over keep-alive connections and reads from `/proc` what the server spent. Every answer is
//! checked: a wrong one ends the run with what was seen. Beside Comity it measures, by the same driver in the same run,
//! npm `oidc-provider` and a bare program that shows what no provider can go below.
//!
//! - `options` what a run can be told · `machine` cores, CPU time, memory · `process`, `services`, `site` what is started
//! - `clients`, `seed` who is there · `flows` the operations · `drive` repeats and reads · `report` the tables

#![allow(unreachable_pub, reason = "a program: nothing is reachable from outside")]

mod clients;
mod drive;
mod flows;
mod http;
mod machine;
mod options;
mod process;
mod report;
mod seed;
mod services;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use drive::{Watched, drive, median};
use flows::{Flows, Row, Visitor};
use machine::{Cores, Machine, resident_mib};
use options::{Options, Stores};
use report::{Contender, Measured, POSTGRES, Report, SQLITE};
use services::Services;
use site::Site;

/// Why a run ended early.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = Options::parse().settled();
    let cores = Cores::divide(options.server_cores);
    cores.enter_driver();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(measure(&options, &cores)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options, cores: &Cores) -> Result<(), Failure> {
    let mut report = Report {
        date: options.date.clone().unwrap_or_else(|| jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
        machine: Machine { cores: cores.server.len() + cores.driver.len(), ..Machine::describe() },
        accounts: options.accounts,
        grants: options.grants.unwrap_or(options.accounts),
        server_cores: cores.server.len(),
        compared: options.compared(),
        contenders: Vec::new(),
    };
    if options.store != Stores::Postgres {
        report.contenders.push(comity(SQLITE, options, cores, None).await?);
    }
    if options.store != Stores::Sqlite {
        let services = match (&options.database_url, &options.redis_url) {
            (Some(database), Some(cache)) => Some(Services::given(database, cache)),
            _ => Services::start(cores)?,
        };
        if let Some(services) = services {
            report.contenders.push(comity(POSTGRES, options, cores, Some(&services)).await?);
        }
    }
    println!("{}", report.as_markdown());
    if let Some(earlier) = &options.compare {
        println!("{}", report.beside(&Report::read(earlier)?));
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

/// Measures Comity on a store.
async fn comity(
    name: &str,
    options: &Options,
    cores: &Cores,
    services: Option<&Services>,
) -> Result<Contender, Failure> {
    let program = options.binary.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_comity")));
    let site = Site::new(program, cores, services)?;
    let (first, first_start) = site.start().await?;
    first.stop();
    note(&format!("{name}: filling"));
    let visitors = seed::people(&site.settings()?, options.active).await?;
    let starts = if options.quick { 1 } else { 3 };
    let mut took = Vec::new();
    for _ in 1..starts {
        let (process, start) = site.start().await?;
        process.stop();
        took.push(start.as_secs_f64() * 1000.0);
    }
    let (process, start) = site.start().await?;
    took.push(start.as_secs_f64() * 1000.0);
    let watched = Watched {
        server: process.id(),
        private_port: Some(site.private_port),
        postgres: services.and_then(|services| services.postgres),
        redis: services.and_then(|services| services.redis),
    };
    let contender = load(name, options, site.port, visitors, watched).await;
    let contender = contender.map_err(|error| format!("{name}: {error}\n{}", process.last_words()))?;
    process.stop();
    let first_start_ms = Some(first_start.as_secs_f64() * 1000.0);
    Ok(Contender { start_ms: Some(median(took)), first_start_ms, ..contender })
}

/// Drives every row on a provider that runs.
async fn load(
    name: &str,
    options: &Options,
    port: u16,
    visitors: Vec<Visitor>,
    watched: Watched,
) -> Result<Contender, Failure> {
    // What starting took is not part of what waiting needs.
    tokio::time::sleep(Duration::from_millis(if options.quick { 0 } else { 1000 })).await;
    let idle_mib = resident_mib(watched.server)?;
    let flows = Arc::new(Flows::new(port, visitors).await?);
    let mut rows = Vec::new();
    let wanted = |row: &Row| {
        let name = row.to_string().to_lowercase();
        options.rows.is_empty() || options.rows.iter().any(|start| name.starts_with(&start.to_lowercase()))
    };
    for row in Row::all().into_iter().filter(wanted) {
        let mut connection = flows.connect().await?;
        flows.verify(row, &mut connection).await.map_err(|error| format!("{row}: {error}"))?;
        let mut figures = Vec::new();
        for concurrency in &options.concurrency {
            flows.prepare(row).await.map_err(|error| format!("{row}: {error}"))?;
            figures.push(drive(&flows, row, *concurrency, (options.runs, options.seconds), watched).await?);
        }
        let compared = figures.iter().find(|figures| figures.concurrency == options.compared());
        if let Some(figures) = compared {
            note(&format!(
                "{name}: {row}: {:.3} ms CPU, {} per second",
                figures.cpu_ms,
                report::thousands(figures.per_second)
            ));
        }
        rows.push(Measured { row: row.to_string(), figures });
    }
    let loaded_mib = resident_mib(watched.server)?;
    Ok(Contender { name: name.to_owned(), rows, idle_mib, loaded_mib, ..Contender::default() })
}

/// Says on standard error how far things are.
pub fn note(line: &str) {
    eprintln!("{line}");
}
