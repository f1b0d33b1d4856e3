//! The client against a small server on this machine that misbehaves in every way its paths name.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use super::{Error, Outbound, OutboundSettings, Request};
use crate::model::Secret;

#[derive(Clone)]
struct Server {
    address: SocketAddr,
    body_bytes_sent: Arc<AtomicUsize>,
    hung: Arc<Notify>,
}

const BLOCK: &[u8] = &[b'x'; 16 * 1024];
const TLS_HANDSHAKE_RECORD: u8 = 0x16;

impl Server {
    async fn start() -> Self {
        Self::start_with(None).await
    }

    /// One that proves to be `tls.localhost` by a certificate of the test authority.
    async fn start_tls() -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("fixtures/server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("fixtures/server-key.pem")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Self::start_with(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), body_bytes_sent: Arc::default(), hung: Arc::default() };
        let running = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, tls) = (running.clone(), tls.clone());
                // Whatever the client does to the connection is fine with this server.
                tokio::spawn(async move {
                    match tls {
                        None => server.answer(stream).await,
                        Some(tls) => server.answer(tls.accept(stream).await?).await,
                    }
                });
            }
        });
        server
    }

    fn url(&self, host: &str, path: &str) -> Url {
        Url::parse(&format!("http://{host}:{}{path}", self.address.port())).unwrap()
    }

    async fn answer(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let request = read_request(&mut stream).await?;
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        match path.as_str() {
            "/json" => stream.write_all(&reply("application/json; charset=UTF-8", r#"{"ok":true}"#)).await,
            "/html" => stream.write_all(&reply("text/html", "<p>hello</p>")).await,
            "/untyped" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await
            }
            "/error" => {
                let head =
                    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close";
                stream.write_all(format!("{head}\r\n\r\nno").as_bytes()).await
            }
            "/redirect" => {
                let location = format!("location: http://{}/json", self.address);
                let head =
                    format!("HTTP/1.1 302 Found\r\n{location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).await
            }
            "/echo" => stream.write_all(&reply("text/plain", &request)).await,
            "/announced" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n").await?;
                self.pour(&mut stream).await
            }
            "/unannounced" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
                self.pour(&mut stream).await
            }
            "/drip" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx").await?;
                std::future::pending().await
            }
            "/broken" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx").await,
            "/noise" => stream.write_all(b"\x00\x01 not http at all\r\n\r\n").await,
            _ => {
                self.hung.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn pour(&self, stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        while self.body_bytes_sent.fetch_add(BLOCK.len(), Ordering::SeqCst) < 10 * 1024 * 1024 {
            stream.write_all(BLOCK).await?;
        }
        Ok(())
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let read = stream.read(&mut buffer).await?;
        if buffer[0] == TLS_HANDSHAKE_RECORD {
            return Ok("GET /noise".to_owned());
        }
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn reply(content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("content-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close");
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").into_bytes()
}

fn outbound() -> Outbound {
    Outbound::new(&OutboundSettings { allow_hosts: vec!["localhost".to_owned()], ..Default::default() }).unwrap()
}

#[tokio::test]
async fn names_below_localhost_lead_here_where_allowed_and_nowhere_else() {
    let server = Server::start().await;
    let response = outbound().fetch(Request::get(server.url("kakao.localhost", "/json")).accept_json()).await.unwrap();
    assert!(response.is_success());
    assert_eq!(response.json::<Value>().unwrap(), json!({"ok": true}));
    let strict = Outbound::new(&OutboundSettings::default()).unwrap();
    for host in ["kakao.localhost", "localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let url = server.url(host, "/json");
        assert!(!strict.permits(&url));
        assert!(matches!(strict.fetch(Request::get(url)).await, Err(Error::Forbidden)), "{host}");
    }
}

#[tokio::test]
async fn a_redirect_is_no_answer() {
    let server = Server::start().await;
    let outcome = outbound().fetch(Request::get(server.url("localhost", "/redirect"))).await;
    assert!(matches!(outcome, Err(Error::Redirect)));
}

#[tokio::test]
async fn a_large_body_is_cut_off_at_the_limit() {
    for path in ["/announced", "/unannounced"] {
        let server = Server::start().await;
        let outcome = outbound().fetch(Request::get(server.url("localhost", path))).await;
        assert!(matches!(outcome, Err(Error::TooLarge)), "{path}");
        // What the sockets buffer beside the 256 KiB read is the system's business; all ten megabytes never fit.
        assert!(server.body_bytes_sent.load(Ordering::SeqCst) < 10 * 1024 * 1024, "{path}");
        let small = outbound().fetch(Request::get(server.url("localhost", "/json")).max_body(4)).await;
        assert!(matches!(small, Err(Error::TooLarge)));
    }
}

#[tokio::test]
async fn the_deadline_holds_for_a_silent_and_for_a_dripping_server() {
    let server = Server::start().await;
    for path in ["/silent", "/drip"] {
        let started = Instant::now();
        let request = Request::get(server.url("localhost", path)).deadline(Duration::from_millis(100));
        let error = outbound().fetch(request).await.unwrap_err();
        assert!(matches!(error, Error::Timeout), "{path} {error:?}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_successful_answer_of_another_type_is_unreadable() {
    let server = Server::start().await;
    for path in ["/html", "/untyped"] {
        let outcome = outbound().fetch(Request::get(server.url("localhost", path)).accept_json()).await;
        assert!(matches!(outcome, Err(Error::Unreadable)), "{path}");
    }
    assert!(outbound().fetch(Request::get(server.url("localhost", "/html"))).await.is_ok());
    let error = outbound().fetch(Request::get(server.url("localhost", "/error")).accept_json()).await.unwrap();
    assert_eq!(error.status, 400);
    assert!(matches!(error.json::<Value>(), Err(Error::Unreadable)));
}

#[tokio::test]
async fn broken_servers_and_wrong_tls_all_read_the_same() {
    let server = Server::start().await;
    let mut https = server.url("localhost", "/json");
    https.set_scheme("https").unwrap();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let nobody = Url::parse(&format!("http://localhost:{closed}/")).unwrap();
    let forbidden = Url::parse("https://169.254.169.254/").unwrap();
    for url in [https, nobody, server.url("localhost", "/broken"), server.url("localhost", "/noise"), forbidden] {
        let error = outbound().fetch(Request::get(url.clone())).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable | Error::Forbidden), "{url} {error:?}");
        assert_eq!(error.to_string(), "the remote server could not be reached");
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[tokio::test]
async fn a_certificate_must_be_of_a_known_authority_and_for_the_host() {
    let server = Server::start_tls().await;
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/src/outbound/fixtures/authority.pem");
    let settings = OutboundSettings {
        allow_hosts: vec!["localhost".to_owned()],
        extra_ca_file: Some(authority.into()),
        ..Default::default()
    };
    let trusting = Outbound::new(&settings).unwrap();
    let url = |host: &str| Url::parse(&format!("https://{host}:{}/json", server.address.port())).unwrap();
    let answer = trusting.fetch(Request::get(url("tls.localhost")).accept_json()).await.unwrap();
    assert!(answer.is_success());
    for (client, host) in [(&trusting, "other.localhost"), (&outbound(), "tls.localhost")] {
        let error = client.fetch(Request::get(url(host))).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable), "{host} {error:?}");
        assert_eq!(error.to_string(), "the remote server could not be reached");
    }
}

#[tokio::test]
async fn requests_carry_what_they_were_given() {
    let server = Server::start().await;
    let url = || server.url("localhost", "/echo");
    let form = Request::post_form(url(), &[("code", "a b&c"), ("name", "미나")]).bearer(&Secret::from("t0k3n"));
    let echo = outbound().fetch(form.header("x-test", "1")).await.unwrap();
    let echo = String::from_utf8(echo.body.to_vec()).unwrap();
    assert!(echo.starts_with("POST /echo HTTP/1.1\r\n"));
    for part in [
        "content-type: application/x-www-form-urlencoded\r\n",
        "authorization: Bearer t0k3n\r\n",
        "x-test: 1\r\n",
        "user-agent: comity/",
        "\r\n\r\ncode=a+b%26c&name=%EB%AF%B8%EB%82%98",
    ] {
        assert!(echo.contains(part), "{part} in {echo}");
    }
    assert!(!echo.to_lowercase().contains("accept-encoding"));
    let put = outbound().fetch(Request::put_json(url(), &json!({"tier": "gold"}))).await.unwrap();
    assert!(String::from_utf8_lossy(&put.body).ends_with("\r\n\r\n{\"tier\":\"gold\"}"));
    let delete = outbound().fetch(Request::delete(url())).await.unwrap();
    assert!(delete.body.starts_with(b"DELETE /echo"));
}

#[tokio::test]
async fn a_header_cannot_be_split() {
    let server = Server::start().await;
    let request = Request::get(server.url("localhost", "/echo")).header("x-test", "1\r\nx-evil: 2");
    assert!(matches!(outbound().fetch(request).await, Err(Error::Request(_))));
    let shown = format!("{:?}", Request::get(server.url("localhost", "/?secret")).bearer(&Secret::from("t0k3n")));
    assert!(!shown.contains("secret") && !shown.contains("t0k3n"), "{shown}");
}

#[tokio::test]
async fn one_hung_host_holds_up_only_itself() {
    let server = Server::start().await;
    let allow_hosts = vec!["localhost".to_owned()];
    let outbound = Outbound::new(&OutboundSettings { allow_hosts, per_host: 1, ..Default::default() }).unwrap();
    let (hanging, url) = (outbound.clone(), server.url("a.localhost", "/silent"));
    let hung = tokio::spawn(async move { hanging.fetch(Request::get(url)).await });
    server.hung.notified().await;
    let queued = Request::get(server.url("a.localhost", "/json")).deadline(Duration::from_millis(50));
    assert!(matches!(outbound.fetch(queued).await, Err(Error::Timeout)));
    assert!(outbound.fetch(Request::get(server.url("b.localhost", "/json"))).await.is_ok());
    hung.abort();
    assert!(hung.await.unwrap_err().is_cancelled());
    assert!(outbound.fetch(Request::get(server.url("a.localhost", "/json"))).await.is_ok());
}

#[tokio::test]
async fn client_libraries_get_the_same_client() {
    let server = Server::start().await;
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(server.url("localhost", "/echo").as_str())
        .header("accept", "application/json")
        .body(b"grant_type=authorization_code".to_vec())
        .unwrap();
    let client = outbound();
    // The shape such libraries ask for: a function from request to future.
    let call = |request| client.exchange(request);
    let response = call(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let echo = String::from_utf8(response.into_body()).unwrap();
    assert!(echo.contains("accept: application/json\r\n") && echo.ends_with("grant_type=authorization_code"));
    let redirected = http::Request::get(server.url("localhost", "/redirect").as_str()).body(Vec::new()).unwrap();
    assert!(matches!(call(redirected).await, Err(Error::Redirect)));
}

#[test]
fn a_file_of_authorities_without_any_stops_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path().to_owned(), "/nowhere/ca.pem".into()] {
        let settings = OutboundSettings { extra_ca_file: Some(path), ..Default::default() };
        assert!(matches!(Outbound::new(&settings), Err(Error::Settings(_))));
    }
}
