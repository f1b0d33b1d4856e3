//! Drives one operation over several connections at once, and reads what it cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::Failure;
use crate::flows::{Flows, Row};
use crate::http::Connection;
use crate::machine::{cpu_seconds, cpu_seconds_of_family, resident_mib};

/// Whose resources are read.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// The server's process.
    pub server: u32,
    /// The private listener that tells round trips.
    pub private_port: Option<u16>,
    /// PostgreSQL's first process.
    pub postgres: Option<u32>,
    /// Redis' process.
    pub redis: Option<u32>,
}

/// What an operation costs at one concurrency: medians over the runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Connections at once.
    pub concurrency: usize,
    /// Operations that were counted.
    pub operations: usize,
    /// Milliseconds of the server's CPU time per operation.
    pub cpu_ms: f64,
    /// Operations per second.
    pub per_second: f64,
    /// The middle latency in milliseconds.
    pub p50_ms: f64,
    /// The latency 99 of 100 stay below.
    pub p99_ms: f64,
    /// PostgreSQL's CPU time per operation.
    pub postgres_ms: Option<f64>,
    /// Redis' CPU time per operation.
    pub redis_ms: Option<f64>,
    /// SQL statements per operation.
    pub sql: Option<f64>,
    /// Cache commands per operation.
    pub cache: Option<f64>,
    /// Mebibytes of the server before and after.
    pub resident_mib: [f64; 2],
}

#[derive(Clone, Copy)]
struct Reading {
    cpu: f64,
    postgres: Option<f64>,
    redis: Option<f64>,
}

struct Run {
    operations: usize,
    seconds: f64,
    spent: Reading,
    latencies: Vec<Duration>,
}

/// Drives a row `runs` times for `seconds`, after a warm-up, over this many connections.
pub async fn drive(
    flows: &Arc<Flows>,
    row: Row,
    concurrency: usize,
    (runs, seconds): (usize, f64),
    watched: Watched,
) -> Result<Figures, Failure> {
    let mut connections = Vec::with_capacity(concurrency);
    for _ in 0..concurrency {
        connections.push(flows.connect().await?);
    }
    let before = resident_mib(watched.server)?;
    let warmed = run(flows, row, connections, seconds / 4.0, watched).await?;
    connections = warmed.1;
    let trips = round_trips(watched).await?;
    let mut measured = Vec::with_capacity(runs);
    for _ in 0..runs {
        let (figures, returned) = run(flows, row, connections, seconds, watched).await?;
        connections = returned;
        measured.push(figures);
    }
    let operations: usize = measured.iter().map(|run| run.operations).sum();
    let trips_after = round_trips(watched).await?;
    let per_operation = |pick: fn(&(f64, f64)) -> f64| {
        let (before, after) = (trips.as_ref()?, trips_after.as_ref()?);
        Some((pick(after) - pick(before)) / count(operations))
    };
    let cost = |pick: &dyn Fn(&Reading) -> Option<f64>| {
        let each: Option<Vec<f64>> =
            measured.iter().map(|run| Some(pick(&run.spent)? * 1000.0 / count(run.operations))).collect();
        each.map(median)
    };
    let latency = |share: f64| {
        let each = measured.iter().map(|run| {
            let mut sorted = run.latencies.clone();
            sorted.sort_unstable();
            percentile(&sorted, share)
        });
        median(each.collect())
    };
    Ok(Figures {
        concurrency,
        operations,
        cpu_ms: cost(&|spent| Some(spent.cpu)).unwrap_or_default(),
        per_second: median(measured.iter().map(|run| count(run.operations) / run.seconds).collect()),
        p50_ms: latency(0.5),
        p99_ms: latency(0.99),
        postgres_ms: cost(&|spent| spent.postgres),
        redis_ms: cost(&|spent| spent.redis),
        sql: per_operation(|trips| trips.0),
        cache: per_operation(|trips| trips.1),
        resident_mib: [before, resident_mib(watched.server)?],
    })
}

async fn run(
    flows: &Arc<Flows>,
    row: Row,
    connections: Vec<Connection>,
    seconds: f64,
    watched: Watched,
) -> Result<(Run, Vec<Connection>), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let (before, began) = (read(watched)?, Instant::now());
    let deadline = began + Duration::from_secs_f64(seconds);
    let mut tasks: JoinSet<Result<(Connection, Vec<Duration>), String>> = JoinSet::new();
    for mut connection in connections {
        let (flows, stop) = (Arc::clone(flows), Arc::clone(&stop));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < deadline && !stop.load(Ordering::Relaxed) {
                let asked = Instant::now();
                if let Err(error) = flows.operate(row, &mut connection).await {
                    stop.store(true, Ordering::Relaxed);
                    return Err(format!("{row}: {error}"));
                }
                latencies.push(asked.elapsed());
            }
            Ok((connection, latencies))
        });
    }
    let (mut connections, mut latencies) = (Vec::new(), Vec::new());
    while let Some(ended) = tasks.join_next().await {
        let (connection, mut own) = ended??;
        connections.push(connection);
        latencies.append(&mut own);
    }
    let seconds = began.elapsed().as_secs_f64();
    let spent = read(watched)?.since(before);
    Ok((Run { operations: latencies.len(), seconds, spent, latencies }, connections))
}

fn read(watched: Watched) -> Result<Reading, Failure> {
    Ok(Reading {
        cpu: cpu_seconds(watched.server)?,
        postgres: watched.postgres.map(cpu_seconds_of_family),
        redis: watched.redis.map(cpu_seconds_of_family),
    })
}

impl Reading {
    fn since(self, before: Self) -> Self {
        let part = |after: Option<f64>, before: Option<f64>| Some(after? - before?);
        Self {
            cpu: self.cpu - before.cpu,
            postgres: part(self.postgres, before.postgres),
            redis: part(self.redis, before.redis),
        }
    }
}

/// SQL statements and cache commands of all requests so far, where the server tells.
async fn round_trips(watched: Watched) -> Result<Option<(f64, f64)>, Failure> {
    let Some(port) = watched.private_port else { return Ok(None) };
    let answer = Connection::open(port).await?.get("/metrics", &[]).await?;
    let text = String::from_utf8(answer.body.to_vec())?;
    let sum = |name: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    };
    Ok(Some((sum("comity_request_sql_statements_total"), sum("comity_request_cache_commands_total"))))
}

#[allow(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn count(number: usize) -> f64 {
    number.max(1) as f64
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let at = (count(sorted.len()) * share) as usize;
    let latency = sorted.get(at.min(sorted.len().saturating_sub(1)));
    latency.map(Duration::as_secs_f64).unwrap_or_default() * 1000.0
}
