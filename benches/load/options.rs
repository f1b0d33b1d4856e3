//! What a run can be told.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures Comity under load: CPU time per operation, rates, latencies, memory, start-up and round trips.
///
/// Starts the optimised server on private stores, fills them, and drives each operation over keep-alive connections.
/// docs/performance.md tells what the figures mean.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo bench --bench load --", version)]
pub struct Options {
    /// A smoke of a few seconds: every operation works and its answer is right. Nothing is worth quoting.
    #[arg(long)]
    pub quick: bool,
    /// Where durable records are kept. Stores that are not installed are skipped.
    #[arg(long, value_enum, default_value_t = Stores::Both)]
    pub store: Stores,
    /// An empty PostgreSQL database of yours to measure on; the run fills it. Implies --store postgres.
    #[arg(long, value_name = "URL", requires = "redis_url")]
    pub database_url: Option<String>,
    /// The Redis that goes with --database-url.
    #[arg(long, value_name = "URL", requires = "database_url")]
    pub redis_url: Option<String>,
    /// Connections that are driven at the same time. The first that is 16, else the last, is the one compared.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    pub concurrency: Vec<usize>,
    /// Seconds of each run.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Runs of each operation at each concurrency; their median counts.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// Accounts in the store.
    #[arg(long, default_value_t = Self::ACCOUNTS)]
    pub accounts: usize,
    /// Grants in the store, each with a refresh token; as many as accounts when absent.
    #[arg(long)]
    pub grants: Option<usize>,
    /// Accounts that are used; the others only make the tables long.
    #[arg(long, default_value_t = 3_000)]
    pub active: usize,
    /// Operations to measure, by the beginning of their names, e.g. `sso,userinfo`; all when absent.
    #[arg(long, value_delimiter = ',')]
    pub rows: Vec<String>,
    /// Cores the server may use; the driver and the services get the others.
    #[arg(long, default_value_t = 1)]
    pub server_cores: usize,
    /// Another build of Comity to measure.
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// Leave npm oidc-provider out.
    #[arg(long)]
    pub no_peer: bool,
    /// Leave the bare program out that shows what no provider can go below.
    #[arg(long)]
    pub no_floor: bool,
    /// Compare 10,000 accounts with 1,000,000 (--accounts says otherwise) instead of filling the table.
    #[arg(long)]
    pub scale: bool,
    /// Write the figures as JSON.
    #[arg(long, value_name = "PATH")]
    pub json: Option<PathBuf>,
    /// Compare with the JSON of an earlier run.
    #[arg(long, value_name = "PATH")]
    pub compare: Option<PathBuf>,
    /// Write the tables between the markers of this name in docs/performance.md.
    #[arg(long, value_name = "SECTION", num_args = 0..=1, default_missing_value = "last")]
    pub write_docs: Option<String>,
    /// Measure nothing: print the tables of the JSON of an earlier run.
    #[arg(long, value_name = "PATH")]
    pub from: Option<PathBuf>,
    /// Only the first table.
    #[arg(long)]
    pub brief: bool,
    /// The commit to put on the tables; that of the working directory when absent.
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// The date to put on the tables; today when absent.
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Serve the bare program on this port, and nothing else.
    #[arg(long, hide = true, value_name = "PORT")]
    pub floor_server: Option<u16>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// Where durable records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stores {
    /// A file, with the cache in memory.
    Sqlite,
    /// PostgreSQL, with the cache in Redis.
    Postgres,
    /// One after the other.
    Both,
}

impl Options {
    const ACCOUNTS: usize = 10_000;

    /// What was asked for, with what follows from it.
    pub fn settled(mut self) -> Self {
        if self.quick {
            self.concurrency = vec![4];
            self.seconds = 0.15;
            self.runs = 1;
            self.accounts = self.accounts.min(120);
            self.active = self.active.min(60);
            self.no_peer = true;
        }
        if self.scale {
            self.concurrency = vec![self.compared()];
            if self.accounts == Self::ACCOUNTS {
                self.accounts = 1_000_000;
            }
        }
        if self.database_url.is_some() {
            self.store = Stores::Postgres;
        }
        self.accounts = self.accounts.max(self.active.min(60));
        self.active = self.active.clamp(60, self.accounts.max(60));
        self
    }

    /// Whether an operation is to be measured.
    pub fn wants(&self, row: &str) -> bool {
        let row = row.to_lowercase();
        self.rows.is_empty() || self.rows.iter().any(|start| row.starts_with(&start.to_lowercase()))
    }

    /// The concurrency whose figures are compared with goals.
    pub fn compared(&self) -> usize {
        let usual = self.concurrency.iter().copied().find(|concurrency| *concurrency == 16);
        usual.or_else(|| self.concurrency.last().copied()).unwrap_or(1)
    }
}
