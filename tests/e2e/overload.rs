//! More comes in than can be done: what is begun is finished, the rest is told so at once, and those who watch the
//! server still see it.

use std::net::SocketAddr;

use comity::web::listen::{self, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::http::send;
use crate::support::people::PASSWORD;
use crate::support::{Reply, Request, World};

stories!(
    beyond_the_limit_503_at_once_and_what_is_begun_is_finished(
        "server.max_in_flight = 3\ndatabase.acquire_timeout_seconds = 30"
    ),
    a_body_that_does_not_come_takes_nobodys_place("server.max_in_flight = 1"),
    passwords_beyond_the_queue_are_told_so_and_codes_are_not("sign_in.hashing_queue = 1\nsign_in.hashing_threads = 1"),
);

/// The private listener, as an operator's machines ask it.
struct Watcher {
    address: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl Watcher {
    async fn of(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(listen::serve(listener, world.app().private_router(), Limits::default(), stopped));
        Self { address, _stop: stop }
    }

    async fn get(&self, path: &str) -> Reply {
        send(self.address, "localhost", Request::get(path)).await.expect(200)
    }

    async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text();
        let values = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        values.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
    }

    /// Waits until so many requests are under way.
    async fn until_under_way(&self, count: u64) {
        while self.metric("comity_requests_in_flight").await != count {
            tokio::task::yield_now().await;
        }
    }
}

async fn beyond_the_limit_503_at_once_and_what_is_begun_is_finished(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut refresh = Vec::new();
    for _ in 0..3 {
        let scope = "openid offline_access";
        let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
        refresh.push(tokens.refresh.unwrap());
    }
    let Some(lock) = world.lock() else { return };
    let watcher = Watcher::of(&world).await;
    let revocations = refresh.iter().map(|token| rp.request("/revoke", &[("token".to_owned(), token.clone())]));
    let begun: Vec<_> = revocations
        .map(|request| {
            let (address, host) = (world.address(), world.issuer().trim_start_matches("http://").to_owned());
            tokio::spawn(async move { send(address, &host, request).await })
        })
        .collect();
    watcher.until_under_way(3).await;
    // Machines and people are told so at once; the lock is still held.
    let reply = rp.post("/token", &[("grant_type", "client_credentials")]).await.expect(503);
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    assert!(reply.header("retry-after").is_some() && reply.header("cache-control") == Some("no-store"));
    let page = world.send(Request::get("/account").header("accept", "text/html").header("accept-language", "ko")).await;
    let page = page.expect(503);
    assert!(page.header("retry-after").is_some() && page.text().contains("lang=\"ko\""));
    assert!(page.text().contains(page.header("x-request-id").unwrap()));
    // What relying parties need to go on by themselves is served, and so are those who watch.
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        world.send(Request::get(path)).await.expect(200);
    }
    watcher.get("/health").await;
    watcher.get("/ready").await;
    assert_eq!(watcher.metric("comity_requests_shed_total").await, 2);
    assert_eq!(watcher.metric("comity_requests_in_flight").await, 3);
    drop(lock);
    for request in begun {
        request.await.unwrap().expect(200);
    }
    for token in &refresh {
        assert_eq!(rp.introspect(token).await["active"], false, "what was begun is done");
    }
    assert_eq!(watcher.metric("comity_requests_in_flight").await, 0);
    assert_eq!(watcher.metric("comity_requests_shed_total").await, 2);
}

async fn a_body_that_does_not_come_takes_nobodys_place(world: World) {
    let host = world.issuer().trim_start_matches("http://").to_owned();
    let body = "grant_type=client_credentials";
    let mut slow = TcpStream::connect(world.address()).await.unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    // The server says so when it has begun to wait for the body.
    let mut answer = vec![0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    slow.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 100 "));
    for _ in 0..3 {
        world.send(Request::get("/documents/terms")).await.expect(200);
        world
            .rp("web")
            .post("/token", &[("grant_type", "client_credentials")])
            .await
            .refused(400, "unauthorized_client");
    }
    // It is waited for, and answered like any other.
    slow.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("invalid_client"), "{answer}");
}

async fn passwords_beyond_the_queue_are_told_so_and_codes_are_not(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.set_password(account).await;
    let mut browsers = Vec::new();
    for _ in 0..8 {
        let mut browser = world.browser();
        browser.open(&world.rp("web").authorize().url()).await;
        browser.fill("email", "mina@example.com").press("use-password").await;
        browsers.push(browser);
    }
    let mut others = world.browser();
    let tries: Vec<_> = browsers
        .into_iter()
        .map(|mut browser| {
            tokio::spawn(async move {
                browser.fill("password", PASSWORD).press("continue").await;
                browser
            })
        })
        .collect();
    // Whoever has a code mailed waits for no password.
    world.rp("web").sign_in(&mut others, &world, "mina@example.com").await;
    let (mut entered, mut told) = (0, 0);
    for browser in tries {
        let browser = browser.await.unwrap();
        if browser.is_away() {
            entered += 1;
        } else {
            assert_eq!(browser.page.status, 503);
            assert!(browser.page.header("retry-after").is_some() && browser.page.has_field("password"));
            told += 1;
        }
    }
    assert!(entered >= 1, "{entered} entered, {told} were told to come again");
    assert_eq!(entered + told, 8);
}
