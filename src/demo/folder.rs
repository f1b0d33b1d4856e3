//! The folder a demo keeps its state in: the database, two keys, and the settings in force.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::addresses::Addresses;
use crate::jose::{Alg, SigningKey};
use crate::model::Random;

/// How the files in `config/` name the folder.
const WRITTEN_FOLDER: &str = "demo-data/";
const SETTINGS: &str = "demo.toml";
const CLIENTS: &str = "demo-clients.toml";
const MASTER_KEY: &str = "master.key";
const APPLE_KEY: &str = "apple.p8";
const DATABASE: [&str; 3] = ["comity.sqlite", "comity.sqlite-wal", "comity.sqlite-shm"];

/// The folder, with everything in it that a start needs.
#[derive(Debug)]
pub(super) struct Folder {
    /// The settings in force.
    pub(super) settings: String,
    /// The relying parties in force.
    pub(super) clients: String,
    /// Where the settings are.
    pub(super) settings_file: PathBuf,
    /// The key we prove ourselves to Apple with, PEM.
    pub(super) apple_key: String,
}

impl Folder {
    /// Makes what is missing and writes the settings for these addresses. `reset` forgets the past: it removes the
    /// files a demo makes, and no others.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(super) fn open(path: &Path, reset: bool, addresses: Addresses, random: &Random) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        if reset {
            for name in DATABASE.into_iter().chain([SETTINGS, CLIENTS, MASTER_KEY, APPLE_KEY]) {
                match fs::remove_file(path.join(name)) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        keep(&path.join(MASTER_KEY), || Ok(BASE64_STANDARD.encode(random.bytes::<32>())))?;
        let apple_key = keep(&path.join(APPLE_KEY), new_key)?;
        let text = |written: &str| addresses.rewritten(written).replace(WRITTEN_FOLDER, &quotable(path));
        let settings = text(include_str!("../../config/demo.toml"));
        let clients = text(include_str!("../../config/demo-clients.toml"));
        fs::write(path.join(SETTINGS), &settings)?;
        fs::write(path.join(CLIENTS), &clients)?;
        Ok(Self { settings, clients, settings_file: path.join(SETTINGS), apple_key })
    }
}

/// A path for use inside a TOML string, with its trailing slash.
fn quotable(path: &Path) -> String {
    format!("{}/", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

/// What a secret file holds; made on the first time, readable by its owner alone.
fn keep(path: &Path, make: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = make()?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
            Ok(text)
        }
        kept => kept,
    }
}

/// A new P-256 key in PEM.
fn new_key() -> io::Result<String> {
    let key = SigningKey::generate(Alg::ES256, None).map_err(io::Error::other)?;
    let der = BASE64_STANDARD.encode(key.to_pkcs8().map_err(io::Error::other)?.expose());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for (position, character) in der.chars().enumerate() {
        if position > 0 && position % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Profile, Source, clients_from};

    fn open(path: &Path, reset: bool) -> Folder {
        Folder::open(path, reset, Addresses::new(4711), &Random::new()).unwrap()
    }

    #[test]
    fn the_settings_hold_for_the_port_and_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = open(place.path(), false);
        assert!(!folder.settings.contains(":8080") && !folder.settings.contains("demo-data/"));
        let source = Source { file: Some(folder.settings_file.clone()), ..Source::default() };
        let settings = source.load().unwrap();
        assert_eq!(settings.profile, Profile::Demo);
        assert_eq!(settings.server.issuer.as_str(), "http://localhost:4711/");
        assert_eq!(settings.connections.len(), 6);
        assert_eq!(settings.documents.len(), 3);
        let clients = clients_from(&folder.clients, "the demo's clients").unwrap();
        assert!(clients.len() >= 3);
    }

    #[test]
    fn production_refuses_the_demo() {
        let place = tempfile::tempdir().unwrap();
        let folder = open(place.path(), false);
        let source = Source {
            file: Some(folder.settings_file),
            layer: None,
            environment: vec![("COMITY_PROFILE".to_owned(), "production".to_owned())],
        };
        let refused = source.load().unwrap_err().to_string();
        assert!(refused.contains("demo secret") && refused.contains("https"), "{refused}");
    }

    #[test]
    fn keys_stay_until_a_reset_which_spares_strange_files() {
        let place = tempfile::tempdir().unwrap();
        let first = open(place.path(), false);
        let again = open(place.path(), false);
        assert_eq!(first.apple_key, again.apple_key);
        SigningKey::from_pem(Alg::ES256, None, &first.apple_key).unwrap();
        let strange = place.path().join("strange.txt");
        fs::write(&strange, "mine").unwrap();
        fs::write(place.path().join("comity.sqlite"), "").unwrap();
        let reset = open(place.path(), true);
        assert_ne!(first.apple_key, reset.apple_key);
        assert!(strange.exists() && !place.path().join("comity.sqlite").exists());
    }
}
