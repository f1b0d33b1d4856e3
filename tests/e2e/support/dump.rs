//! Everything a world's database and cache hold, as bytes: what a thief would search.

use std::path::PathBuf;
use std::process::Command;

use super::world::World;

impl World {
    /// Whether the database, as it lies on disk or as its own tool writes it out, holds a text in the clear.
    pub fn database_holds(&self, text: &str) -> bool {
        // PostgreSQL writes bytes as digits.
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap();
        let hex: String = text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        let dump = self.database();
        [text, &hex].iter().any(|text| holds(&dump, text))
    }

    /// Whether a cache outside this process holds a text in the clear.
    pub async fn cache_holds(&self, text: &str) -> bool {
        match self.services() {
            Some(services) => holds(&cached(&services.cache).await, text),
            None => false,
        }
    }

    fn database(&self) -> Vec<u8> {
        if let Some(services) = self.services() {
            let dump = Command::new(pg_dump()).arg("--data-only").arg(&services.database).output().unwrap();
            assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
            return dump.stdout;
        }
        let files = std::fs::read_dir(self.directory()).unwrap().map(|entry| entry.unwrap().path());
        let database = files.filter(|path| path.to_string_lossy().contains(".sqlite"));
        database.flat_map(|path| std::fs::read(path).unwrap()).collect()
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn cached(url: &str) -> Vec<u8> {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let mut bytes = Vec::new();
    for key in keys {
        bytes.extend(key.as_bytes());
        let value: Result<Vec<u8>, _> = redis::cmd("GET").arg(&key).query_async(&mut connection).await;
        bytes.extend(value.unwrap_or_default());
    }
    bytes
}

fn pg_dump() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = versions.map(|entry| entry.path().join("bin/pg_dump")).filter(|path| path.exists()).max();
    installed.unwrap_or_else(|| PathBuf::from("pg_dump"))
}
