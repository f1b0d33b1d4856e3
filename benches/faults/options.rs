//! What the run is told.

use std::path::PathBuf;

use clap::Parser;

/// Two nodes under load, and what happens in the night.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// A short run at a low rate.
    #[arg(long)]
    quick: bool,
    /// Logins begun per second: 200, or 20 when quick.
    #[arg(long)]
    rate: Option<u32>,
    /// The build that is rolled out, instead of this one.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_comity"))]
    pub program: PathBuf,
    /// The build that runs before, from which the nodes are rolled to the other: the same, unless said.
    #[arg(long)]
    previous: Option<PathBuf>,
    /// Keeps the nodes' logs in this folder.
    #[arg(long)]
    pub logs: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    pub fn rate(&self) -> u32 {
        self.rate.unwrap_or(if self.quick { 20 } else { 200 }).max(1)
    }

    /// People who have an account.
    pub const fn people(&self) -> usize {
        if self.quick { 40 } else { 400 }
    }

    /// Seconds of calm before, between and after events.
    pub const fn calm_seconds(&self) -> u64 {
        if self.quick { 2 } else { 5 }
    }

    pub fn previous(&self) -> &PathBuf {
        self.previous.as_ref().unwrap_or(&self.program)
    }
}
