//! The commands of the `comity` binary: what an operator does without a browser.
//!
//! A command parses its words, loads the settings, and calls the rooms; it prints what people or scripts need on
//! standard output and nothing else. A new command is a file here and an arm of `Command`.

mod client;
mod config;
mod health;
mod keys;
mod user;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::app::{self, Extras};
use crate::settings::{Settings, Source};
use crate::store::Store;
use crate::telemetry;

/// A self-hosted OpenID Provider for progressive identity.
///
/// Settings come from the built-in defaults, then the file given by --config, then the environment
/// (`COMITY_SERVER__ISSUER=https://id.example.com`). `comity config defaults` prints every setting with its meaning.
#[derive(Debug, Parser)]
#[command(name = "comity", version, arg_required_else_help = true)]
pub struct Arguments {
    /// The settings file.
    #[arg(long, short, global = true, env = "COMITY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop (Ctrl-C or SIGTERM). Migrates the database first.
    Serve,
    /// Show everything on this machine: the provider, simulators of social logins and of a loyalty host, relying
    /// parties, and a guided stage at `http://localhost:8080/demo`.
    #[cfg(feature = "demo")]
    Demo {
        /// The port of the one listener.
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// The folder the demo's state is kept in.
        #[arg(long, default_value = "demo-data", value_name = "FOLDER")]
        dir: PathBuf,
        /// Forget the state of earlier runs first.
        #[arg(long)]
        reset: bool,
    },
    /// Bring the database to this version's shape; safe to repeat, and beside a running server.
    Migrate,
    /// Ask the server running on this machine whether it can serve; for container health checks.
    Health,
    /// Look at the settings.
    #[command(subcommand)]
    Config(config::Command),
    /// Relying parties.
    #[command(subcommand)]
    Client(client::Command),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// People.
    #[command(subcommand)]
    User(user::Command),
}

/// What a command ends with when it does not succeed: one line for the operator.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Carries a command out.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let source = Source::of_process(arguments.config);
    match arguments.command {
        Command::Serve => {
            let settings = source.load()?;
            let _log = telemetry::init(&settings.log)?;
            Ok(app::serve(settings).await?)
        }
        #[cfg(feature = "demo")]
        Command::Demo { port, dir, reset } => Ok(crate::demo::run(crate::demo::Options { port, dir, reset }).await?),
        Command::Migrate => {
            open(&source.load()?).await?;
            say("the database is up to date")
        }
        Command::Health => health::run(source.load()?.server.private_listen).await,
        Command::Config(command) => config::run(&command, &source).await,
        Command::Client(command) => client::run(command, &source.load()?).await,
        Command::Keys(command) => keys::run(command, &source.load()?).await,
        Command::User(command) => user::run(&command, &source.load()?).await,
    }
}

/// Prints a line on standard output. A reader that has heard enough, such as `head`, is no failure.
fn say(line: impl fmt::Display) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The settings' database, migrated.
async fn open(settings: &Settings) -> Result<Store, Failure> {
    Ok(app::open_store(settings, &Extras::default()).await?)
}
