//! Serves a router on a socket until told to stop, then lets what is under way finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use super::patience::{Patience, Patient, Talk};

/// Bytes of headers at most.
const HEADER_LIMIT: usize = 32 * 1024;
/// Files left to the database, the cache, outbound calls and the log, where the system lets us have few.
const OTHER_FILES: usize = 128;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many there may be; more wait in the system's queue until one of these ends.
    pub connections: usize,
    /// How slow they may be.
    pub patience: Patience,
    /// How long requests under way are given once told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, patience: Patience::default(), farewell: Duration::ZERO }
    }
}

impl Limits {
    /// Fewer connections, where the system does not let this process open as many files.
    pub fn within_the_systems(mut self) -> Self {
        let Some(files) = std::fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(open_files) else {
            return self;
        };
        let possible = files.saturating_sub(OTHER_FILES).max(files / 2).max(1);
        if possible < self.connections {
            tracing::warn!(files, connections = possible, "the system's limit of open files allows fewer connections");
            self.connections = possible;
        }
        self
    }
}

/// The soft limit of open files, as the kernel writes it; `None` when there is none.
fn open_files(limits: &str) -> Option<usize> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

/// Serves until `stop` turns true, then gives requests under way time to finish.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((socket, peer, place)) => {
                let connection = Connection { socket, peer, place, patience: limits.patience };
                connection.serve(router.clone(), &graceful);
            }
            Err(error) => {
                // Out of file descriptors, mostly: those under way will give some back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.farewell, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still under way were cut off");
    }
}

/// A new connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (socket, peer) = listener.accept().await?;
    Ok((socket, peer, place))
}

struct Connection {
    socket: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    patience: Patience,
}

impl Connection {
    fn serve(self, router: Router, graceful: &GracefulShutdown) {
        let Self { socket, peer, place, patience } = self;
        // Small answers should not wait for a full packet.
        let _ = socket.set_nodelay(true);
        let talk = Arc::new(Talk::default());
        let socket = TokioIo::new(Patient::new(socket, talk.clone(), patience));
        let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            let turn = talk.begin(request.version() == hyper::Version::HTTP_2);
            request.extensions_mut().insert(ConnectInfo(peer));
            let router = router.clone();
            async move {
                let Ok(response) = router.oneshot(request.map(axum::body::Body::new)).await;
                drop(turn);
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        // The connection itself keeps the time: a timer for each request would cost more than most requests.
        builder.http1().header_read_timeout(None).max_buf_size(HEADER_LIMIT);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(16 * 1024).max_concurrent_streams(100);
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let connection = builder.serve_connection(socket, service);
            let connection = pin!(watcher.watch(connection.into_owned()));
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const QUICK: Duration = Duration::from_millis(500);
    const NEVER: Duration = Duration::from_secs(3600);

    /// A server of one route; it stops when the sender is dropped.
    async fn server(limits: Limits) -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let router = Router::new().route("/", get(async || "hello"));
        tokio::spawn(serve(listener, router, limits, stopped));
        (address, stop)
    }

    fn patience(headers: Duration, idle: Duration) -> Limits {
        Limits { patience: Patience { headers, idle, answer: NEVER }, ..Limits::default() }
    }

    /// Sends a request and reads its whole answer.
    async fn ask(socket: &mut TcpStream) {
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert_ne!(socket.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
        }
    }

    /// Reads until the other side closes.
    async fn rest(socket: &mut TcpStream) -> String {
        let mut rest = Vec::new();
        // A connection cut with bytes unread is reset: that is an end too.
        let _ = socket.read_to_end(&mut rest).await;
        String::from_utf8(rest).unwrap()
    }

    #[tokio::test]
    async fn who_connects_and_says_nothing_or_dribbles_headers_is_left() {
        let (address, _stop) = server(patience(QUICK, NEVER)).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(rest(&mut silent).await, "");
        let mut dribbling = TcpStream::connect(address).await.unwrap();
        dribbling.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        assert_eq!(rest(&mut dribbling).await, "");
        let mut second = TcpStream::connect(address).await.unwrap();
        ask(&mut second).await;
        second.write_all(b"GET / HT").await.unwrap();
        assert_eq!(rest(&mut second).await, "");
    }

    #[tokio::test]
    async fn silence_between_requests_is_borne_for_longer_but_not_for_ever() {
        let (address, _stop) = server(patience(NEVER, QUICK)).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        ask(&mut socket).await;
        assert_eq!(rest(&mut socket).await, "");
        let (address, _stop) = server(patience(QUICK, NEVER)).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        let mut witness = TcpStream::connect(address).await.unwrap();
        ask(&mut socket).await;
        // Headers' time has passed twice over once these two have been left, one after the other.
        assert_eq!(rest(&mut witness).await, "");
        assert_eq!(rest(&mut TcpStream::connect(address).await.unwrap()).await, "");
        ask(&mut socket).await;
    }

    #[tokio::test]
    async fn requests_sent_ahead_are_answered_in_their_order() {
        let (address, _stop) = server(Limits::default()).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        let one = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let last = "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        socket.write_all(format!("{one}{one}{last}").as_bytes()).await.unwrap();
        let answers = rest(&mut socket).await;
        let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "200", "404"], "{answers}");
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_until_one_ends() {
        let (address, _stop) = server(Limits { connections: 1, ..Limits::default() }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        ask(&mut first).await;
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        // The first goes on being served; the second has not been looked at.
        for _ in 0..20 {
            ask(&mut first).await;
        }
        assert!(second.try_read(&mut [0; 1]).is_err());
        drop(first);
        assert!(rest(&mut second).await.ends_with("hello"));
    }

    #[test]
    fn the_systems_limit_is_read_and_kept() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax cpu time  1  2  s\nMax open files            1024   4096  files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files  unlimited  unlimited  files"), None);
        assert!(Limits { connections: usize::MAX, ..Limits::default() }.within_the_systems().connections >= 1);
    }
}
