//! `comity config`.

use clap::Subcommand;

use super::{Failure, say};
use crate::app;
use crate::settings::{Settings, Source, clients_from, defaults};
use crate::telemetry;

/// Looks at the settings.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say whether the settings and the clients file can be used, and what is wrong with them.
    Check,
    /// Print every setting with its default and its meaning.
    Defaults,
}

pub(super) async fn run(command: &Command, source: &Source) -> Result<(), Failure> {
    match command {
        Command::Check => {
            let settings = source.load()?;
            telemetry::check(&settings.log)?;
            let clients = check_clients(&settings)?;
            app::check(&settings).await?;
            say(format_args!("the settings are fine; the issuer is {}", settings.server.issuer))?;
            if let Some(clients) = clients {
                say(format_args!("the clients file is fine; it has {clients} clients"))?;
            }
        }
        Command::Defaults => say(defaults())?,
    }
    Ok(())
}

/// The number of clients in the settings' file, if there is one.
fn check_clients(settings: &Settings) -> Result<Option<usize>, Failure> {
    let Some(path) = &settings.clients.file else { return Ok(None) };
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("clients.file: {origin}: {error}"))?;
    let clients = clients_from(&text, &origin).map_err(|error| format!("clients.file: {error}"))?;
    Ok(Some(clients.len()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::*;
    use crate::jose::{Alg, SigningKey};

    const SECRETS: [&str; 8] = [
        "database-url",
        "redis-url",
        "smtp-password",
        "kakao-secret",
        "google-secret",
        "apple-key.p8",
        "master-key",
        "loyalty-key.pem",
    ];

    /// An example with everything that is commented out switched on.
    fn switched_on(text: &str) -> String {
        let row = |line: &str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| is_key(key));
        let is_row = |line: &&str| line.strip_prefix("# ").is_none_or(row);
        text.lines().filter(is_row).map(|line| line.trim_start_matches("# ")).collect::<Vec<_>>().join("\n")
    }

    fn is_key(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    /// What the file of a secret holds.
    fn held(secret: &str) -> String {
        let pem = |key: &[u8]| {
            let text = BASE64_STANDARD.encode(key);
            let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
        };
        match secret {
            "database-url" => "postgres://comity:secret@localhost/comity\n".to_owned(),
            "redis-url" => "redis://:secret@localhost\n".to_owned(),
            "master-key" => BASE64_STANDARD.encode([7; 32]),
            "apple-key.p8" | "loyalty-key.pem" => {
                pem(SigningKey::generate(Alg::ES256, None).unwrap().to_pkcs8().unwrap().expose())
            }
            _ => "secret\n".to_owned(),
        }
    }

    #[tokio::test]
    async fn the_examples_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        for secret in SECRETS {
            fs::write(folder.path().join(secret), held(secret)).unwrap();
        }
        let clients = fs::canonicalize("config/clients.toml").unwrap();
        let example = fs::read_to_string("config/comity.example.toml").unwrap();
        for text in [example.clone(), switched_on(&example)] {
            let text = text
                .replace("/run/secrets", &folder.path().display().to_string())
                .replace("/etc/comity/clients.toml", &clients.display().to_string());
            let file = folder.path().join("comity.toml");
            fs::write(&file, text).unwrap();
            let source = Source { file: Some(file), ..Source::default() };
            let settings = source.load().unwrap();
            assert_eq!(check_clients(&settings).unwrap(), Some(4));
            run(&Command::Check, &source).await.unwrap();
        }
        assert!(switched_on(&example).contains("\n[[connections]]\nid = \"kakao\"\n"));
    }

    #[tokio::test]
    async fn a_missing_clients_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("comity.toml");
        let text =
            "profile = \"demo\"\n[server]\nissuer = \"http://localhost:8080\"\n[clients]\nfile = \"gone.toml\"\n";
        fs::write(&file, text).unwrap();
        let source = Source { file: Some(file), ..Source::default() };
        assert!(run(&Command::Check, &source).await.unwrap_err().to_string().contains("gone.toml"));
    }
}
