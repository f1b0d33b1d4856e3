//! The command line of Comity.

use std::process::ExitCode;

use clap::Parser;
use comity::cli::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    match comity::cli::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("comity: {error}");
            ExitCode::FAILURE
        }
    }
}
