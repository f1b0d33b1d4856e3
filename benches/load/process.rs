//! Programs that are started, watched and ended.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::http::Connection;

/// A running program; killed when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose output goes to `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, Failure> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Its number. `taskset` replaces itself, so that this is the program's own.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `GET path` on this port answers 200; gives how long that took.
    pub async fn answers(&mut self, port: u16, path: &str, began: Instant) -> Result<Duration, Failure> {
        loop {
            if let Ok(mut connection) = Connection::open(port).await
                && connection.get(path, &[]).await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(began.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("ended with {status}:\n{}", self.last_words()).into());
            }
            if began.elapsed() > Duration::from_secs(60) {
                return Err(format!("no answer within a minute:\n{}", self.last_words()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Asks it to end, and waits.
    pub fn stop(mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(20);
        lines.into_iter().skip(from).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback address that is free, below those given to outgoing connections.
pub fn free_port() -> Result<u16, Failure> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000)?;
    let free = (0..10_000).find_map(|_| {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        std::net::TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    });
    free.ok_or_else(|| "no free port".into())
}
