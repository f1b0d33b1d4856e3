//! `comity keys`.

use clap::Subcommand;

use super::{Failure, open, say};
use crate::app;
use crate::jose::Alg;
use crate::model::{Clock, UnixTime};
use crate::settings::Settings;

/// Signing keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List all keys with their schedule.
    List,
    /// Replace signing keys now. The old ones go on verifying until the last token signed with them has ended.
    Rotate {
        /// Only the key of this algorithm: `RS256`, `PS256`, `ES256` or `EdDSA`.
        #[arg(long)]
        alg: Option<String>,
    },
    /// Forget a key now, because somebody else has it: whatever it signed is no longer believed. A successor signs.
    Remove {
        /// Its name, as `list` shows it.
        kid: String,
    },
    /// Seal with the first master key whatever an older one sealed; the older one can go once this has succeeded.
    Reseal,
}

/// Account keys sealed anew between two looks at the database.
const PAGE: i64 = 500;

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Failure> {
    let store = open(settings).await?;
    let now = Clock::system().now();
    match command {
        Command::List => {
            for key in store.signing_keys().await? {
                let state = match (key.retired_at, key.remove_at) {
                    (Some(_), Some(remove)) => format!("verifies until {}", remove.to_rfc3339()),
                    (Some(_), None) => "verifies".to_owned(),
                    (None, _) if key.active_at > now => format!("signs from {}", key.active_at.to_rfc3339()),
                    (None, _) => "signs".to_owned(),
                };
                say(format_args!("{}\t{}\tcreated {}\t{state}", key.kid, key.alg, key.created_at.to_rfc3339()))?;
            }
        }
        Command::Rotate { alg } => {
            let alg: Option<Alg> = alg.map(|alg| alg.parse()).transpose()?;
            let keys = app::keys(settings, &store, now).await?;
            for kid in keys.rotate(alg, now).await? {
                say(kid)?;
            }
            warn_of_caches(now);
        }
        Command::Remove { kid } => {
            let keys = app::keys(settings, &store, now).await?;
            if !keys.remove(&kid, now).await? {
                return Err(format!("there is no key {kid:?}").into());
            }
            warn_of_caches(now);
        }
        Command::Reseal => {
            let mut after = None;
            while let Some(last) = store.rewrap_keys(after, PAGE).await? {
                after = Some(last);
            }
            say("everything is sealed with the first master key")?;
        }
    }
    Ok(())
}

fn warn_of_caches(now: UnixTime) {
    let soon = (now + 300).to_rfc3339();
    eprintln!("relying parties may cache the old key set until {soon}; running servers know within a second");
}
