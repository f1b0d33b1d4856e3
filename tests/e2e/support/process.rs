//! The program itself: started on settings of its own, killed, started again. For what only a process can show.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use comity::model::{Secret, UnixTime};
use comity::store::{DatabaseSettings, Store, Vault};
use tempfile::TempDir;

use super::lossy;
use super::services::Services;
use super::{Backend, Request};

const CLIENTS: &str = include_str!("clients.toml");
const MASTER_KEY: [u8; 32] = [7; 32];

/// Where a server lives: its folder, settings, database, cache and port. Any number of processes may be started on it.
pub struct Site {
    pub address: SocketAddr,
    pub private: SocketAddr,
    pub database: String,
    pub cache: String,
    /// How long a server goes on serving when it is told to stop.
    pub drain_seconds: u64,
    directory: TempDir,
    services: Option<Services>,
}

impl Site {
    /// A new one on these backends; `None`, with a line that says so, where they are not installed.
    pub fn new(backend: Backend) -> Option<Self> {
        let services = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Services::new()?),
        };
        let directory = TempDir::new().unwrap();
        let file = format!("sqlite:{}", directory.path().join("comity.sqlite").display());
        let (database, cache) = services
            .as_ref()
            .map_or((file, "memory".to_owned()), |services| (services.database.clone(), services.cache.clone()));
        let [address, private] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
        let site = Self { address, private, database, cache, drain_seconds: 0, directory, services };
        site.write("clients.toml", CLIENTS);
        site.write("master.key", &BASE64_STANDARD.encode(MASTER_KEY));
        site.configure("");
        Some(site)
    }

    /// A new one whose records are in this database of PostgreSQL.
    pub fn on_database(url: String) -> Option<Self> {
        let mut site = Self::new(Backend::Postgres)?;
        site.database.clone_from(&url);
        site.services.as_mut()?.database = url;
        site.configure("");
        Some(site)
    }

    /// The address of what really keeps the records, whatever `database` says.
    pub const fn services(&self) -> Option<&Services> {
        self.services.as_ref()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of this site.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn issuer(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// The `Host` header of requests.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Writes the settings file anew, with more at its end.
    pub fn configure(&self, more: &str) {
        self.write("settings.toml", &self.settings(more));
    }

    /// The text of the settings file.
    pub fn settings(&self, more: &str) -> String {
        format!(
            r#"profile = "test"
server = {{ issuer = "{issuer}", listen = "{address}", private_listen = "{private}", drain_seconds = {drain}, shutdown_seconds = 10 }}
log = {{ format = "json", filter = "info" }}
database = {{ url = "{database}", max_connections = 8, acquire_timeout_seconds = 1 }}
cache = {{ url = "{cache}" }}
keys = {{ master_key_files = ["{folder}/master.key"] }}
clients = {{ file = "{folder}/clients.toml" }}
sign_in = {{ attempts_per_minute = 1000000, codes_per_hour = 1000 }}
mail = {{ transport = "sink" }}
outbound = {{ allow_hosts = ["localhost"] }}
{more}
"#,
            issuer = self.issuer(),
            address = self.address,
            private = self.private,
            drain = self.drain_seconds,
            database = self.database,
            cache = self.cache,
            folder = self.directory.path().display(),
        )
    }

    /// The program with these words and this site's settings; nothing of the test's environment reaches it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_comity"));
        command.args(words).arg("--config").arg(self.path("settings.toml")).current_dir(self.directory.path());
        command.env_clear().stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, which must come soon.
    pub fn run(&self, words: &[&str]) -> Output {
        finish(self.command(words))
    }

    /// Starts the server and waits until it answers.
    pub async fn start(&self) -> Server {
        let mut server = self.launch();
        server.wait_until_it_answers(self).await;
        server
    }

    /// Starts the server.
    pub fn launch(&self) -> Server {
        self.spawn(self.command(&["serve"]))
    }

    /// Starts the server so that a file that may not grow is an error and not the process's end.
    pub fn launch_ignoring_file_limits(&self) -> Server {
        let program = self.command(&["serve"]);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
        command.current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> Server {
        let log = self.path("log");
        let output = File::options().create(true).append(true).open(&log).unwrap();
        let child = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        Server { child, log }
    }

    /// What the servers of this site have said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The records, opened beside the server.
    pub async fn store(&self) -> Store {
        let url = self.services.as_ref().map_or(&self.database, |services| &services.database);
        let settings = DatabaseSettings { max_connections: 3, ..DatabaseSettings::new(url) };
        let vault = Vault::new(vec![Secret::new(MASTER_KEY)]).unwrap();
        let store = Store::open(&settings, vault, comity::model::Random::new()).await.unwrap();
        store.migrate().await.unwrap();
        store
    }
}

/// A running server; killed when dropped, however the test ends.
pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Ends it without warning.
    pub fn kill(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by the shell's own `kill`: TERM, STOP, CONT.
    pub fn signal(&self, name: &str) {
        let words = ["-c", "kill -\"$1\" \"$2\"", "kill", name, &self.child.id().to_string()];
        assert!(Command::new("sh").args(words).status().unwrap().success());
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended; it must end within `patience`.
    pub async fn ended(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server did not end:\n{}", tail(&self.log));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Polls until the server answers, at most 30 seconds.
    pub async fn wait_until_it_answers(&mut self, site: &Site) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let probe = lossy::send(site.address, &site.host(), Request::get("/jwks")).await;
            if probe.is_ok_and(|reply| reply.status == 200) {
                return;
            }
            assert!(self.is_running(), "the server ended:\n{}", tail(&self.log));
            assert!(Instant::now() < deadline, "the server did not answer:\n{}", tail(&self.log));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command to its end; kills it after 30 seconds.
pub fn finish(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("it did not end: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// A port of the loopback address that is free and stays so: no system gives these to outgoing connections.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    for _ in 0..10_000 {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// The system's time: that of a program that was really started.
pub fn now() -> UnixTime {
    comity::model::Clock::system().now()
}

/// The end of a log, for messages.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Says on the test's own output how something went.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
