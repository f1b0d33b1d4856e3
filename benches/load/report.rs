//! The figures of a run, and the tables made of them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::drive::Figures;
use crate::flows::Row;
use crate::machine::Machine;

/// A run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// When.
    pub date: String,
    /// Where, and of which commit.
    pub machine: Machine,
    /// Accounts in the stores.
    pub accounts: usize,
    /// Grants in the stores.
    pub grants: usize,
    /// Cores the server was held to; 0 when it was not.
    pub server_cores: usize,
    /// The concurrency that is compared with goals.
    pub compared: usize,
    /// Everybody measured.
    pub contenders: Vec<Contender>,
}

/// One provider on one store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contender {
    /// Which: one of the constants below, or one of them with a number of accounts.
    pub name: String,
    /// What each operation costs, by its name.
    pub rows: Vec<Measured>,
    /// Mebibytes before the first request of the load.
    pub idle_mib: f64,
    /// Mebibytes after the last.
    pub loaded_mib: f64,
    /// Milliseconds from the process' start to its first answer, everything being there already.
    pub start_ms: Option<f64>,
    /// The same on an empty database, without keys.
    pub first_start_ms: Option<f64>,
}

/// An operation at each concurrency.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The operation.
    pub row: String,
    /// What it costs.
    pub figures: Vec<Figures>,
}

/// One of a contender's values.
type Pick = fn(&Contender) -> Option<f64>;

/// The bare program.
pub const FLOOR: &str = "floor";
/// npm oidc-provider.
pub const PEER: &str = "oidc-provider";
/// Comity on SQLite.
pub const SQLITE: &str = "sqlite";
/// Comity on PostgreSQL and Redis.
pub const POSTGRES: &str = "postgres";

/// Goals in milliseconds of CPU time per operation: on SQLite, and on PostgreSQL with Redis.
const GOALS: [(&str, f64, f64); 14] = [
    ("sso RS256", 0.75, 0.50),
    ("sso ES256", 0.45, 0.20),
    ("sso EdDSA", 0.45, 0.20),
    ("refresh RS256", 0.55, 0.42),
    ("refresh ES256", 0.25, 0.12),
    ("refresh EdDSA", 0.25, 0.12),
    ("client_credentials RS256", 0.33, 0.33),
    ("client_credentials ES256", 0.04, 0.04),
    ("client_credentials EdDSA", 0.04, 0.04),
    ("client_credentials opaque", 0.10, 0.03),
    ("userinfo", 0.08, 0.04),
    ("introspection", 0.08, 0.04),
    ("discovery", 0.01, 0.01),
    ("jwks", 0.01, 0.01),
];
/// Goals of memory (idle, loaded; mebibytes) and of start-up (known store, first time; milliseconds).
const MEMORY_GOALS: [f64; 2] = [40.0, 60.0];
const START_GOALS: [(&str, f64, f64); 2] = [(SQLITE, 60.0, 1000.0), (POSTGRES, 150.0, 1000.0)];

impl Contender {
    /// What an operation costs at a concurrency.
    pub fn figures(&self, row: &str, concurrency: usize) -> Option<&Figures> {
        let measured = self.rows.iter().find(|measured| measured.row == row)?;
        measured.figures.iter().find(|figures| figures.concurrency == concurrency)
    }
}

impl Report {
    /// Reads the JSON of an earlier run.
    pub fn read(path: &std::path::Path) -> Result<Self, Failure> {
        Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
    }

    fn contender(&self, name: &str) -> Option<&Contender> {
        self.contenders.iter().find(|contender| contender.name == name)
    }

    fn figures(&self, name: &str, row: &str, concurrency: usize) -> Option<&Figures> {
        self.contender(name)?.figures(row, concurrency)
    }

    /// Whether anybody was asked for it.
    fn has(&self, row: &str) -> bool {
        self.contenders.iter().any(|contender| contender.figures(row, self.compared).is_some())
    }

    /// Everything, as Markdown.
    pub fn as_markdown(&self) -> String {
        let tables = [self.heading(), self.goals(), self.loads(), self.trips()];
        tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The first table, as Markdown.
    pub fn in_brief(&self) -> String {
        [self.heading(), self.goals()].join("\n")
    }

    fn heading(&self) -> String {
        let Machine { processor, cores, memory_gib, kernel, commit } = &self.machine;
        let held = match self.server_cores {
            0 => "shared by server and driver".to_owned(),
            1 => "the server on one of them, the driver and the services on others".to_owned(),
            number => format!("the server on {number} of them, the driver and the services on others"),
        };
        format!(
            "{}, commit {commit}, {processor}, {cores} cores ({held}), {memory_gib:.0} GiB, Linux {kernel}; {} accounts, {} \
             grants.\n",
            self.date,
            thousands_of(self.accounts),
            thousands_of(self.grants)
        )
    }

    /// CPU time and rate beside floor, peer and goal.
    fn goals(&self) -> String {
        let mut table = String::from(
            "| operation | floor | oidc-provider | Comity, SQLite | goal | Comity, PostgreSQL + Redis | goal |\n\
             |---|--:|--:|--:|--:|--:|--:|\n",
        );
        for (row, sqlite, postgres) in GOALS {
            if !self.has(row) {
                continue;
            }
            let cell = |name: &str| self.figures(name, row, self.compared).map_or_else(none, cost_and_rate);
            let [floor, peer, on_sqlite, on_postgres] = [FLOOR, PEER, SQLITE, POSTGRES].map(cell);
            let goal = |name: &str, goal: f64| {
                verdict(self.figures(name, row, self.compared).map(|figures| figures.cpu_ms), goal, 2)
            };
            let _ = writeln!(
                table,
                "| {row} | {floor} | {peer} | {on_sqlite} | {} | {on_postgres} | {} |",
                goal(SQLITE, sqlite),
                goal(POSTGRES, postgres)
            );
        }
        self.processes(&mut table);
        table
    }

    fn processes(&self, table: &mut String) {
        let rows: [(&str, &str, Pick); 4] = [
            ("memory idle", "MiB", |contender| Some(contender.idle_mib)),
            ("memory after that load", "MiB", |contender| Some(contender.loaded_mib)),
            ("start to first answer", "ms", |contender| contender.start_ms),
            ("start to first answer, empty database", "ms", |contender| contender.first_start_ms),
        ];
        for (index, (row, unit, pick)) in rows.into_iter().enumerate() {
            let value = |name: &str| self.contender(name).and_then(pick);
            let cell = |name: &str| value(name).map_or_else(none, |value| format!("{value:.0} {unit}"));
            let [floor, peer, on_sqlite, on_postgres] = [FLOOR, PEER, SQLITE, POSTGRES].map(cell);
            let goal = |name: &str| {
                let start = START_GOALS.iter().find(|(store, ..)| *store == name);
                let goals = [MEMORY_GOALS, start.map(|(_, known, first)| [*known, *first]).unwrap_or_default()];
                let goal = goals.iter().flatten().nth(index).copied().unwrap_or_default();
                verdict(value(name), goal, 0)
            };
            let _ = writeln!(
                table,
                "| {row} | {floor} | {peer} | {on_sqlite} | {} | {on_postgres} | {} |",
                goal(SQLITE),
                goal(POSTGRES)
            );
        }
    }

    /// Rate and latency at each concurrency.
    fn loads(&self) -> String {
        let mut concurrencies: Vec<usize> = Vec::new();
        for figures in self.contenders.iter().flat_map(|contender| &contender.rows).flat_map(|row| &row.figures) {
            if !concurrencies.contains(&figures.concurrency) {
                concurrencies.push(figures.concurrency);
            }
        }
        let mut table =
            String::from("Operations per second · p50 / p99 in ms, by connections at once:\n\n| operation | on |");
        for concurrency in &concurrencies {
            let _ = write!(table, " {concurrency} |");
        }
        table.push_str("\n|---|---|");
        table.push_str(&"--:|".repeat(concurrencies.len()));
        table.push('\n');
        for row in Row::all().iter().map(ToString::to_string).filter(|row| self.has(row)) {
            for contender in self.contenders.iter().filter(|contender| contender.name != FLOOR) {
                let cells = concurrencies.iter().map(|concurrency| {
                    contender.figures(&row, *concurrency).map_or_else(none, |figures| {
                        let Figures { per_second, p50_ms, p99_ms, .. } = figures;
                        format!("{} · {p50_ms:.2} / {p99_ms:.2}", thousands(*per_second))
                    })
                });
                let _ = writeln!(table, "| {row} | {} | {} |", contender.name, cells.collect::<Vec<_>>().join(" | "));
            }
        }
        table
    }

    /// Round trips, and what they cost others.
    fn trips(&self) -> String {
        if self.contender(SQLITE).is_none() && self.contender(POSTGRES).is_none() {
            return String::new();
        }
        let mut table = String::from(
            "Round trips per operation, and CPU ms of the services:\n\n\
             | operation | SQL, SQLite | SQL, PostgreSQL | cache | PostgreSQL | Redis |\n|---|--:|--:|--:|--:|--:|\n",
        );
        for row in Row::all().iter().map(ToString::to_string).filter(|row| self.has(row)) {
            let [sqlite, postgres] = [SQLITE, POSTGRES].map(|name| self.figures(name, &row, self.compared));
            let number =
                |value: Option<f64>, digits: usize| value.map_or_else(none, |value| format!("{value:.digits$}"));
            let _ = writeln!(
                table,
                "| {row} | {} | {} | {} | {} | {} |",
                number(sqlite.and_then(|figures| figures.sql), 2),
                number(postgres.and_then(|figures| figures.sql), 2),
                number(postgres.or(sqlite).and_then(|figures| figures.cache), 2),
                number(postgres.and_then(|figures| figures.postgres_ms), 3),
                number(postgres.and_then(|figures| figures.redis_ms), 3),
            );
        }
        table
    }

    /// CPU time per operation in a small and in a large store, and how one compares with the other.
    pub fn as_scale(&self) -> String {
        let mut text = format!("{}\nCPU ms per operation, by accounts:\n", self.heading());
        for store in [SQLITE, POSTGRES] {
            let sizes: Vec<&Contender> =
                self.contenders.iter().filter(|contender| contender.name.starts_with(store)).collect();
            let [small, large] = sizes.as_slice() else { continue };
            let _ = write!(
                text,
                "\n| operation | {} | {} | ratio | ≤ 1.15 |\n|---|--:|--:|--:|:-:|\n",
                small.name, large.name
            );
            for Measured { row, .. } in &small.rows {
                let costs = [small, large].map(|contender| contender.figures(row, self.compared));
                if let [Some(small), Some(large)] = costs {
                    let ratio = large.cpu_ms / small.cpu_ms.max(f64::MIN_POSITIVE);
                    let mark = if ratio <= 1.15 { '✓' } else { '✗' };
                    let _ =
                        writeln!(text, "| {row} | {:.3} | {:.3} | {ratio:.2} | {mark} |", small.cpu_ms, large.cpu_ms);
                }
            }
        }
        text
    }

    /// CPU time per operation beside that of an earlier run.
    pub fn beside(&self, earlier: &Self) -> String {
        let mut table = format!(
            "CPU ms per operation, commit {} → {}:\n\n| operation | on | before | now | ratio |\n|---|---|--:|--:|--:|\n",
            earlier.machine.commit, self.machine.commit
        );
        for contender in &self.contenders {
            for Measured { row, .. } in &contender.rows {
                let now = contender.figures(row, self.compared);
                let before = earlier.figures(&contender.name, row, self.compared);
                if let (Some(now), Some(before)) = (now, before) {
                    let (now, before) = (now.cpu_ms, before.cpu_ms);
                    let ratio = now / before.max(f64::MIN_POSITIVE);
                    let _ = writeln!(table, "| {row} | {} | {before:.3} | {now:.3} | {ratio:.2} |", contender.name);
                }
            }
        }
        table
    }
}

fn none() -> String {
    "–".to_owned()
}

fn cost_and_rate(figures: &Figures) -> String {
    format!("{:.3} · {}", figures.cpu_ms, thousands(figures.per_second))
}

fn verdict(value: Option<f64>, goal: f64, digits: usize) -> String {
    let mark = match value {
        Some(value) if value <= goal => " ✓",
        Some(_) => " ✗",
        None => "",
    };
    format!("≤ {goal:.digits$}{mark}")
}

/// A count with its thousands apart.
#[allow(clippy::cast_precision_loss, reason = "a number of accounts")]
pub fn thousands_of(number: usize) -> String {
    thousands(number as f64)
}

/// A whole number with its thousands apart.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
