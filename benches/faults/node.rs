//! A node: the program itself, started, killed, replaced.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::balancer::is_ready;
use crate::site::{Site, free_port, signal};

pub struct Node {
    pub name: &'static str,
    pub port: u16,
    pub private: u16,
    /// Whether it says that it is about to stop, and serves on for a while.
    pub drains: bool,
    log: PathBuf,
    process: Option<Child>,
}

impl Node {
    pub fn new(name: &'static str, site: &Site) -> Self {
        let log = site.path(&format!("{name}.log"));
        Self { name, port: free_port(), private: free_port(), drains: false, log, process: None }
    }

    /// Starts it with a build and waits until it is ready.
    pub async fn start(&mut self, site: &Site, program: &Path) {
        self.drains = !is_old(program);
        let settings = site.configure(self.name, [self.port, self.private], !self.drains);
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(settings).env_clear().stdin(Stdio::null());
        self.process = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_ready(self.private).await {
            assert!(
                Instant::now() < deadline && self.is_running(),
                "node {} does not start:\n{}",
                self.name,
                self.tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        signal(process.id(), "TERM");
        let deadline = Instant::now() + Duration::from_secs(30);
        while process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "node {} does not stop:\n{}", self.name, self.tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    /// What it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn tail(&self) -> String {
        let text = self.log();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a build is of before `server.drain_seconds` and databases of several hosts: it would refuse both.
fn is_old(program: &Path) -> bool {
    let defaults = Command::new(program).args(["config", "defaults"]).output().unwrap();
    !String::from_utf8_lossy(&defaults.stdout).contains("\ndrain_seconds")
}
