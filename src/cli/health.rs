//! `comity health`: asks the server running beside this process whether it can serve. For container health checks,
//! where there is no other HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Failure, say};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of answer that are read: a status line and one sentence.
const ANSWER_LIMIT: u64 = 4096;

/// Asks the private listener for `/ready`; succeeds when it answers 200.
pub(super) async fn run(private_listen: Option<SocketAddr>) -> Result<(), Failure> {
    let listen = private_listen.ok_or("server.private_listen is switched off: there is nothing to ask")?;
    let address = from_here(listen);
    let answer = timeout(PATIENCE, ask(address))
        .await
        .map_err(|_| format!("{address} did not answer within {} seconds", PATIENCE.as_secs()))?
        .map_err(|error| format!("{address} cannot be asked: {error}"))?;
    let sentence = verdict(&answer)?;
    say(sentence)
}

/// Where a listener is reached from its own machine: one on every address is asked on the loopback address.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The sentence of a good answer; the one of a bad answer as the failure.
fn verdict(answer: &str) -> Result<&str, Failure> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    let sentence = body.lines().next().unwrap_or_default();
    match status {
        "200" => Ok(sentence),
        _ if sentence.is_empty() => Err(format!("not ready: status {status:?}").into()),
        _ => Err(format!("not ready: {sentence}").into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("127.0.0.2:1", "127.0.0.2:1"),
            ("10.1.2.3:80", "10.1.2.3:80"),
        ] {
            assert_eq!(from_here(listen.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn only_a_200_is_good() {
        assert_eq!(verdict("HTTP/1.1 200 OK\r\nx: y\r\n\r\nready\n").unwrap(), "ready");
        for (answer, reason) in [
            ("HTTP/1.1 503 No\r\n\r\nthe cache does not answer\n", "not ready: the cache does not answer"),
            ("HTTP/1.1 404 Not Found\r\n\r\n", "not ready: status \"404\""),
            ("SSH-2.0-OpenSSH", "not ready: status \"\""),
            ("", "not ready: status \"\""),
        ] {
            assert_eq!(verdict(answer).unwrap_err().to_string(), reason);
        }
    }

    #[tokio::test]
    async fn the_answer_of_a_listener_decides() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"GET /ready HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n").await.unwrap();
        });
        run(Some(address)).await.unwrap();
        server.await.unwrap();
        assert!(run(Some(address)).await.is_err(), "nobody listens any more");
        assert!(run(None).await.is_err());
    }
}
