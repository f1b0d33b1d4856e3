//! `comity demo`.

use tokio::sync::watch;

use super::banner;
use super::house::{Error, Options, build};
use crate::app::wait_for_signal;
use crate::telemetry;

/// Runs a demo until the process is told to stop.
///
/// # Errors
/// An [`Error`] when it cannot start.
pub async fn run(options: Options) -> Result<(), Error> {
    let dir = options.dir.clone();
    let demo = build(options).await?;
    let _log = telemetry::init(demo.log()).inspect_err(|error| eprintln!("comity: nothing will be logged: {error}"));
    println!("{}", banner::text(demo.addresses(), demo.simulators(), &dir));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(demo.serve(stopped));
    wait_for_signal().await;
    let _ = stop.send(true);
    let _ = serving.await;
    Ok(())
}
