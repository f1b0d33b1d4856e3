//! Where records are kept: the database and the cache of the settings, opened.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::error::In;
use super::{Error, Extras};
use crate::cache::Cache;
use crate::jose::Sealer;
use crate::model::{Clock, Random, Secret};
use crate::settings::Settings;
use crate::store::{Store, Vault};

/// Opens the settings' database and migrates it.
///
/// # Errors
/// An [`Error`] when it cannot be reached, or the master key is missing.
pub async fn open_store(settings: &Settings, extras: &Extras) -> Result<Store, Error> {
    let mut keys = extras.master_keys.clone();
    for file in &settings.keys.master_key_files {
        keys.push(read_master_key(file)?);
    }
    if keys.is_empty() {
        return Err(Error::text("keys.master_key_files", "no master key is given"));
    }
    let vault = Vault::new(keys).part("keys.master_key_files")?;
    if let Some(path) = settings.database.url.expose().strip_prefix("sqlite:")
        && !path.starts_with(':')
        && let Some(folder) = Path::new(path).parent()
    {
        std::fs::create_dir_all(folder).part("database.url")?;
    }
    let store = Store::open(&settings.database, vault, extras.random.clone()).await.part("database")?;
    let store = store.with_clock(extras.clock.clone());
    store.migrate().await.part("database")?;
    Ok(store)
}

/// Reads a master key: 32 bytes as base64, or as hexadecimal.
fn read_master_key(path: &PathBuf) -> Result<Secret<[u8; 32]>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::text("keys.master_key_files", format!("{}: {error}", path.display())))?;
    let text = text.trim();
    let bytes = if text.len() == 64 { unhex(text) } else { BASE64_STANDARD.decode(text).ok() };
    bytes
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(Secret::new)
        .ok_or_else(|| Error::text("keys.master_key_files", format!("{} does not hold 32 bytes", path.display())))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pairs = digits?;
    pairs.chunks_exact(2).map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok()).collect()
}

/// Connects the settings' cache.
pub(super) async fn open_cache(
    settings: &Settings,
    store: &Store,
    random: &Random,
    clock: &Clock,
) -> Result<Cache, Error> {
    if settings.cache.url.expose() == "memory" {
        return Ok(Cache::memory(clock.clone()));
    }
    let sealer = Sealer::new(store.vault().key("cache"), random.clone());
    Cache::redis(&settings.cache.url, sealer, clock.clone()).await.part("cache")
}
