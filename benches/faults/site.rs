//! Where the nodes live: one folder of settings, keys and clients for both.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use comity::model::Random;
use comity::settings::{Settings, Source};
use tempfile::TempDir;

use crate::postgres::Postgres;
use crate::redis::Redis;

/// The address people and clients know, which only the balancer's requests name.
pub const HOST: &str = "localhost:8089";
pub const ISSUER: &str = "http://localhost:8089";
pub const CLIENT: &str = "shop";
pub const SECRET: &str = "a-secret-of-the-night-that-is-long-enough";
pub const REDIRECT_URI: &str = "https://shop.example/callback";

/// Replaces refresh tokens, and forgives no second use: what is accepted twice shows.
const CLIENTS: &str = r#"
[[client]]
client_id = "shop"
client_name = "Shop"
client_secret = "a-secret-of-the-night-that-is-long-enough"
redirect_uris = ["https://shop.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
rotate_refresh_tokens = true
refresh_grace_seconds = 0
[client.release]
scopes = ["openid", "profile", "email", "offline_access"]
"#;

pub struct Site {
    folder: TempDir,
    database: String,
    /// The primary alone.
    primary: String,
    cache: String,
}

impl Site {
    pub fn new(postgres: &Postgres, redis: &Redis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Self { folder, database: postgres.url(), primary: postgres.primary_url(), cache: redis.url() };
        std::fs::write(site.path("clients.toml"), CLIENTS).unwrap();
        std::fs::write(site.path("master.key"), BASE64_STANDARD.encode(Random::new().bytes::<32>())).unwrap();
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the settings of a node; gives their file. Builds of before that know fewer settings get fewer.
    pub fn configure(&self, name: &str, [port, private]: [u16; 2], is_old: bool) -> PathBuf {
        let folder = self.folder.path().display();
        let (drain, database) = if is_old { ("", &self.primary) } else { (", drain_seconds = 2", &self.database) };
        let settings = format!(
            r#"profile = "test"
server = {{ issuer = "{ISSUER}", listen = "127.0.0.1:{port}", private_listen = "127.0.0.1:{private}", shutdown_seconds = 10{drain} }}
log = {{ format = "json", filter = "warn,comity=info" }}
database = {{ url = "{database}", max_connections = 16, acquire_timeout_seconds = 3 }}
cache = {{ url = "{cache}" }}
keys = {{ master_key_files = ["{folder}/master.key"] }}
clients = {{ file = "{folder}/clients.toml" }}
sign_in = {{ attempts_per_minute = 1000000, codes_per_hour = 1000 }}
mail = {{ transport = "sink" }}
"#,
            cache = self.cache,
        );
        let file = self.path(&format!("{name}.toml"));
        std::fs::write(&file, settings).unwrap();
        file
    }

    /// The settings as the run itself reads them, to fill the database.
    pub fn settings(&self) -> Settings {
        let file = self.configure("run", [1, 2], false);
        Source { file: Some(file), layer: None, environment: Vec::new() }.load().unwrap()
    }
}

/// A port that is free, below those given to outgoing connections.
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

/// Sends a signal by the shell's own `kill`.
pub fn signal(process: u32, name: &str) {
    let words = ["-c", "kill -\"$1\" \"$2\"", "kill", name, &process.to_string()];
    assert!(Command::new("sh").args(words).status().unwrap().success());
}

/// Says so where PostgreSQL or Redis is missing, which is a failure where they are required.
pub fn services_are_installed() -> bool {
    let has = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    let postgres = has("postgres") || std::fs::read_dir("/usr/lib/postgresql").is_ok();
    if has("redis-server") && postgres {
        return true;
    }
    let required = std::env::var("COMITY_TEST_SERVICES").is_ok_and(|value| value == "required");
    assert!(!required, "COMITY_TEST_SERVICES=required, but postgres or redis-server is not installed");
    eprintln!("skipped: postgres or redis-server is not installed");
    false
}
