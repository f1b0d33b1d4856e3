//! Where the measured server lives: its folder, settings, keys and ports.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use comity::model::Random;
use comity::settings::{Settings, Source};
use tempfile::TempDir;

use crate::Failure;
use crate::clients;
use crate::machine::{Cores, on};
use crate::process::{Process, free_port};
use crate::services::Services;

/// The address of metadata, in every provider.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A server's place. Goes with its folder.
pub struct Site {
    /// The public listener's port.
    pub port: u16,
    /// The private listener's.
    pub private_port: u16,
    program: PathBuf,
    cores: Vec<usize>,
    folder: TempDir,
}

impl Site {
    /// A new one on these services, or on a file and memory.
    pub fn new(program: PathBuf, cores: &Cores, services: Option<&Services>) -> Result<Self, Failure> {
        let folder = TempDir::with_prefix("comity-load-")?;
        let (port, private_port) = (free_port()?, free_port()?);
        let site = Self { port, private_port, program, cores: cores.server.clone(), folder };
        let file = format!("sqlite:{}", site.path("comity.sqlite").display());
        let (database, cache) = services
            .map_or((file.as_str(), "memory"), |services| (services.database.as_str(), services.cache.as_str()));
        let folder = site.folder.path().display();
        // What is not said here is as it comes.
        let settings = format!(
            r#"profile = "test"
server = {{ issuer = "http://localhost:{port}", listen = "127.0.0.1:{port}", private_listen = "127.0.0.1:{private_port}" }}
database = {{ url = "{database}" }}
cache = {{ url = "{cache}" }}
keys = {{ master_key_files = ["{folder}/master.key"] }}
clients = {{ file = "{folder}/clients.toml" }}
mail = {{ transport = "sink" }}
"#
        );
        std::fs::write(site.path("settings.toml"), settings)?;
        std::fs::write(site.path("clients.toml"), clients::as_toml())?;
        std::fs::write(site.path("master.key"), BASE64_STANDARD.encode(Random::new().bytes::<32>()))?;
        Ok(site)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The settings the server starts with.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let source = Source { file: Some(self.path("settings.toml")), layer: None, environment: Vec::new() };
        Ok(source.load()?)
    }

    /// Starts the server; gives it with the time until it first told its metadata.
    pub async fn start(&self) -> Result<(Process, Duration), Failure> {
        let mut command = on(&self.cores, &self.program);
        command.args(["serve", "--config"]).arg(self.path("settings.toml")).current_dir(self.folder.path()).env_clear();
        let began = Instant::now();
        let mut process = Process::start(command, &self.path("log"))?;
        let took = process.answers(self.port, DISCOVERY, began).await?;
        Ok((process, took))
    }
}
