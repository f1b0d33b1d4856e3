//! Puts each contender up, has it driven through the rows, and takes it down.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::drive::{Watched, drive, median};
use crate::flows::{Flows, Row, Visitor};
use crate::machine::{Cores, resident_mib};
use crate::options::Options;
use crate::peer::Peer;
use crate::report::{Contender, FLOOR, Measured, PEER, thousands, thousands_of};
use crate::services::Services;
use crate::site::Site;
use crate::{Failure, ballast, floor, note, seed};

/// Measures Comity on a store.
pub async fn comity(
    name: &str,
    options: &Options,
    cores: &Cores,
    services: Option<&Services>,
) -> Result<Contender, Failure> {
    let program = options.binary.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_comity")));
    let site = Site::new(program, cores, services)?;
    let (first, first_start) = site.start().await?;
    first.stop();
    note(&format!("{name}: filling with {} accounts", thousands_of(options.accounts)));
    let settings = site.settings()?;
    let visitors = seed::people(&settings, options.active).await?;
    let grants = options.grants.unwrap_or(options.accounts);
    let more = options.accounts.saturating_sub(options.active);
    ballast::add(settings.database.url.expose(), more, grants.saturating_sub(options.active)).await?;
    let mut took = Vec::new();
    for _ in 1..if options.quick { 1 } else { 3 } {
        let (process, start) = site.start().await?;
        process.stop();
        took.push(milliseconds(start));
    }
    let (process, start) = site.start().await?;
    took.push(milliseconds(start));
    let watched = Watched {
        server: process.id(),
        private_port: Some(site.private_port),
        postgres: services.and_then(|services| services.postgres),
        redis: services.and_then(|services| services.redis),
    };
    let contender = load(name, options, site.port, visitors, watched).await;
    let contender = contender.map_err(|error| format!("{name}: {error}\n{}", process.last_words()))?;
    process.stop();
    Ok(Contender { start_ms: Some(median(took)), first_start_ms: Some(milliseconds(first_start)), ..contender })
}

/// Measures the bare program.
pub async fn floor(options: &Options, cores: &Cores) -> Result<Contender, Failure> {
    let folder = tempfile::tempdir()?;
    let (process, port) = floor::start(cores, folder.path()).await?;
    let watched = Watched { server: process.id(), private_port: None, postgres: None, redis: None };
    load(FLOOR, options, port, floor::people(), watched).await
}

/// Measures npm `oidc-provider`, where it can be had.
pub async fn peer(options: &Options, cores: &Cores) -> Result<Option<Contender>, Failure> {
    let Some(peer) = Peer::start(cores).await? else { return Ok(None) };
    let watched = Watched { server: peer.process.id(), private_port: None, postgres: None, redis: None };
    let contender = match peer.people().await {
        Ok(visitors) => load(PEER, options, peer.port, visitors, watched).await,
        Err(error) => Err(error),
    };
    let contender = contender.map_err(|error| format!("{PEER}: {error}\n{}", peer.process.last_words()))?;
    Ok(Some(Contender { start_ms: Some(milliseconds(peer.start)), ..contender }))
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
    for row in Row::all().into_iter().filter(|row| options.wants(&row.to_string())) {
        let mut connection = flows.connect().await?;
        flows.verify(row, &mut connection).await.map_err(|error| format!("{row}: {error}"))?;
        let mut figures = Vec::new();
        for concurrency in &options.concurrency {
            flows.prepare(row).await.map_err(|error| format!("{row}: {error}"))?;
            figures.push(drive(&flows, row, *concurrency, (options.runs, options.seconds), watched).await?);
        }
        if let Some(figures) = figures.iter().find(|figures| figures.concurrency == options.compared()) {
            let (cpu, rate) = (figures.cpu_ms, thousands(figures.per_second));
            note(&format!("{name}: {row}: {cpu:.3} ms CPU, {rate} per second"));
        }
        rows.push(Measured { row: row.to_string(), figures });
    }
    let loaded_mib = resident_mib(watched.server)?;
    Ok(Contender { name: name.to_owned(), rows, idle_mib, loaded_mib, ..Contender::default() })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
