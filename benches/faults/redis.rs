//! The Redis of the run.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::site::{free_port, signal};

pub struct Redis {
    process: Child,
    directory: TempDir,
    port: u16,
}

impl Redis {
    pub fn start() -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let process = spawn(directory.path(), port, true);
        let redis = Self { process, directory, port };
        redis.answers();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Asks it to end, and starts it again a second later, with what it kept or without.
    pub fn restart(&mut self, remembers: bool) {
        signal(self.process.id(), "TERM");
        self.process.wait().unwrap();
        std::thread::sleep(Duration::from_secs(1));
        self.process = spawn(self.directory.path(), self.port, remembers);
        self.answers();
    }

    fn answers(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(directory: &Path, port: u16, remembers: bool) -> Child {
    let keeps = if remembers { "yes" } else { "no" };
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", keeps, "--dir"]);
    command.arg(directory).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
