//! What a proxy in front of two nodes does, no more: keeps connections open, asks each node whether it is ready, sends
//! requests in turn to those that are, and tries another node when one cannot be connected to. A request that may have
//! been received is never repeated.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::{Reply, Request};

/// Longer than anything may take to be refused.
const PATIENCE: Duration = Duration::from_secs(12);
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// No whole answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The connection ended under the request: nobody knows what became of it.
    Lost,
    /// No node could be connected to.
    Refused,
    /// Nothing was said for a long time.
    Silent,
}

/// A node as the balancer knows it.
#[derive(Debug)]
pub struct Backend {
    pub name: &'static str,
    pub port: u16,
    pub private: u16,
    ready: AtomicBool,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    /// Requests that are with the node.
    under_way: AtomicUsize,
    /// Requests that were ever sent to it.
    sent: AtomicUsize,
}

impl Backend {
    /// Requests that are with the node, and those that ever were.
    pub fn requests(&self) -> (usize, usize) {
        (self.under_way.load(Ordering::SeqCst), self.sent.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
pub struct Balancer {
    pub backends: Vec<Backend>,
    host: HeaderValue,
    next: AtomicUsize,
    /// Requests that were sent to another node because the first could not be connected to.
    pub moved: AtomicUsize,
}

impl Balancer {
    pub fn new(host: &str, nodes: &[(&'static str, u16, u16)]) -> Arc<Self> {
        let backends = nodes.iter().map(|&(name, port, private)| Backend {
            name,
            port,
            private,
            ready: AtomicBool::new(false),
            idle: Mutex::default(),
            under_way: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
        });
        let balancer = Arc::new(Self {
            backends: backends.collect(),
            host: HeaderValue::from_str(host).unwrap(),
            next: AtomicUsize::new(0),
            moved: AtomicUsize::new(0),
        });
        for number in 0..balancer.backends.len() {
            let balancer = balancer.clone();
            tokio::spawn(async move {
                loop {
                    let backend = &balancer.backends[number];
                    backend.ready.store(is_ready(backend.private).await, Ordering::Relaxed);
                    tokio::time::sleep(PROBE_EVERY).await;
                }
            });
        }
        balancer
    }

    /// The next node that is ready; were none, any: they say what is wrong better than the balancer could.
    fn pick(&self, not: Option<usize>) -> usize {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.backends.len();
        let turns = || (0..count).map(|turn| (first + turn) % count).filter(|&number| Some(number) != not);
        let ready = turns().find(|&number| self.backends[number].ready.load(Ordering::Relaxed));
        ready.or_else(|| turns().next()).unwrap_or(first % count)
    }

    pub async fn send(&self, request: Request) -> Result<Reply, Gone> {
        let mut built = http::Request::new(Full::new(request.body));
        *built.method_mut() = request.method;
        *built.uri_mut() = request.target.parse().unwrap();
        *built.headers_mut() = request.headers;
        built.headers_mut().insert("host", self.host.clone());
        let mut failed = None;
        for _ in 0..3 {
            let number = self.pick(failed);
            let Some(mut sender) = self.connection(number).await else {
                self.backends[number].ready.store(false, Ordering::Relaxed);
                self.moved.fetch_add(1, Ordering::Relaxed);
                failed = Some(number);
                continue;
            };
            match self.exchange(number, &mut sender, built).await {
                Ok(reply) => {
                    // A connection that the node is about to close says so.
                    if reply.header("connection") != Some("close") {
                        self.backends[number].idle.lock().unwrap().push(sender);
                    }
                    return Ok(reply);
                }
                Err(Ok(unsent)) => built = unsent,
                Err(Err(gone)) => return Err(gone),
            }
        }
        Err(Gone::Refused)
    }

    /// A connection to a node, open already or new.
    async fn connection(&self, number: usize) -> Option<SendRequest<Full<Bytes>>> {
        let backend = &self.backends[number];
        loop {
            let Some(mut idle) = backend.idle.lock().unwrap().pop() else { break };
            if idle.ready().await.is_ok() {
                return Some(idle);
            }
        }
        let socket =
            timeout(Duration::from_secs(1), TcpStream::connect(("127.0.0.1", backend.port))).await.ok()?.ok()?;
        let _ = socket.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(socket)).await.ok()?;
        tokio::spawn(connection);
        Some(sender)
    }

    /// Sends it over this connection; gives the request back if nothing of it was sent.
    async fn exchange(
        &self,
        number: usize,
        sender: &mut SendRequest<Full<Bytes>>,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Reply, Result<http::Request<Full<Bytes>>, Gone>> {
        let backend = &self.backends[number];
        backend.under_way.fetch_add(1, Ordering::SeqCst);
        backend.sent.fetch_add(1, Ordering::SeqCst);
        let answer = timeout(PATIENCE, async {
            let response =
                sender.try_send_request(request).await.map_err(|mut error| error.take_message().ok_or(Gone::Lost))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|_| Err(Gone::Lost))?.to_bytes();
            Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body, node: backend.name })
        });
        let answer = answer.await.unwrap_or(Err(Err(Gone::Silent)));
        backend.under_way.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

/// Whether the node says it can serve.
pub async fn is_ready(private: u16) -> bool {
    let probe = async {
        let socket = TcpStream::connect(("127.0.0.1", private)).await.ok()?;
        let (mut sender, connection) = handshake(TokioIo::new(socket)).await.ok()?;
        let connection = tokio::spawn(connection);
        let mut request = http::Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = "/ready".parse().ok()?;
        request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        let status = sender.send_request(request).await.ok()?.status();
        connection.abort();
        Some(status == 200)
    };
    timeout(Duration::from_secs(2), probe).await.ok().flatten().unwrap_or(false)
}
