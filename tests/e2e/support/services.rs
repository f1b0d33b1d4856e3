//! PostgreSQL and Redis of this process's own, where they are installed. Both end with the process, however it ends.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::private_postgres::PrivatePostgres;

/// A database and a cache for one server.
pub struct Services {
    /// The database.
    pub database: String,
    /// The cache.
    pub cache: String,
}

impl Services {
    /// New ones; `None`, with a line that says so, where a program is missing.
    pub fn new() -> Option<Self> {
        let postgres = PrivatePostgres::shared()?;
        let redis = PrivateRedis::shared()?;
        Some(Self { database: postgres.create_database(), cache: redis.next_url() })
    }
}

impl Drop for Services {
    /// Gives the disk back: a database is not small.
    fn drop(&mut self) {
        let Some((server, name)) = self.database.rsplit_once('/') else { return };
        let statement = format!("DROP DATABASE {name} WITH (FORCE)");
        let mut psql = Command::new(psql());
        psql.args(["-q", "-d", &format!("{server}/postgres"), "-c", &statement]);
        let _ = psql.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

pub fn psql() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = versions.map(|entry| entry.path().join("bin/psql")).filter(|path| path.exists()).max();
    installed.unwrap_or_else(|| PathBuf::from("psql"))
}

struct PrivateRedis {
    port: u16,
    next: AtomicU32,
    _supervisor: Child,
}

/// Databases of the one server: each world has its own.
const DATABASES: u32 = 8192;

/// Waits for its standard input to close, then ends the server.
const SUPERVISOR: &str = r#"
trap : INT TERM
dir=$(mktemp -d)
redis-server --bind 127.0.0.1 --port "$1" --databases "$2" --save "" --appendonly no --dir "$dir" >/dev/null 2>&1 &
server=$!
read -r _
kill "$server"
wait
rm -rf "$dir"
"#;

impl PrivateRedis {
    fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PrivateRedis>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            let required = std::env::var("COMITY_TEST_SERVICES").is_ok_and(|value| value == "required");
            assert!(!required, "COMITY_TEST_SERVICES=required, but redis-server is not installed");
            eprintln!("skipped: redis-server is not installed");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut supervisor = Command::new("sh");
        supervisor.args(["-c", SUPERVISOR, "supervisor", &port.to_string(), &DATABASES.to_string()]);
        let supervisor = supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self { port, next: AtomicU32::new(0), _supervisor: supervisor })
    }

    fn next_url(&self) -> String {
        let database = self.next.fetch_add(1, Ordering::Relaxed) % DATABASES;
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }
}
