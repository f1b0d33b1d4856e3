//! A server from its start to its end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{App, Error, Extras, check};
use crate::settings::Settings;
use crate::web::listen::{self, Limits};

/// Serves on the settings' addresses until the process is told to stop, then lets requests under way finish.
///
/// # Errors
/// An [`Error`] when a part cannot be put together or an address cannot be bound.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let (listen, private) = (settings.server.listen, settings.server.private_listen);
    let patience = Duration::from_secs(settings.server.shutdown_seconds);
    let connections = settings.server.max_connections;
    let drain = Duration::from_secs(settings.server.drain_seconds);
    let issuer = settings.server.issuer.to_string();
    // Whatever can be wrong without the database is found before the database is touched.
    check(&settings).await?;
    let public = bind(listen, "server.listen").await?;
    let private = match private {
        Some(address) => Some(bind(address, "server.private_listen").await?),
        None => None,
    };
    let app = App::build(settings, Extras::default()).await?;
    let (stop, stopped) = watch::channel(false);
    let jobs = app.jobs().start(&stopped);
    tracing::info!(issuer, %listen, "serving");
    let quiet = Limits { farewell: patience, ..Limits::default() };
    let private =
        private.map(|listener| tokio::spawn(listen::serve(listener, app.private_router(), quiet, stopped.clone())));
    let limits = Limits { connections, ..quiet }.within_the_systems();
    let public = tokio::spawn(listen::serve(public, app.router(), limits, stopped));
    wait_for_signal().await;
    app.drain(drain).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    let _ = public.await;
    if let Some(private) = private {
        let _ = private.await;
    }
    // A job in the middle of a long round is cut off; the next start takes it up again.
    if tokio::time::timeout(patience, jobs.join_all()).await.is_err() {
        tracing::warn!("background work still under way was cut off");
    }
    // What was answered is stored already: a database that has fallen silent is not waited for.
    if tokio::time::timeout(patience, app.store().close()).await.is_err() {
        tracing::warn!("the database did not close in time");
    }
    Ok(())
}

async fn bind(address: SocketAddr, part: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| Error::text(part, format!("{address}: {error}")))
}

/// Returns when the process is told to stop: Ctrl-C, or SIGTERM.
pub async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
