//! The whole house on a port of its own.

use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use tokio::sync::watch;
use tower::ServiceExt;
use url::Url;

use super::house::{Demo, Options, build};

struct Answer {
    status: StatusCode,
    location: String,
    text: String,
}

/// One request to a host of the demo, without its port.
async fn ask(demo: &Demo, method: Method, host: &str, path: &str, body: &str) -> Answer {
    let port = demo.addresses().issuer().rsplit(':').next().unwrap().to_owned();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, format!("{host}:{port}"))
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = demo.router().oneshot(request).await.unwrap();
    let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let location = header(LOCATION);
    let status = response.status();
    let body = to_bytes(response.into_body(), 1024 * 1024).await.unwrap();
    Answer { status, location, text: String::from_utf8_lossy(&body).into_owned() }
}

async fn get(demo: &Demo, host: &str, path: &str) -> Answer {
    ask(demo, Method::GET, host, path, "").await
}

async fn raise(place: &tempfile::TempDir) -> Demo {
    build(Options { port: 0, dir: place.path().to_owned(), reset: true }).await.unwrap()
}

#[tokio::test]
async fn every_host_shows_its_page_in_every_language() {
    let place = tempfile::tempdir().unwrap();
    let demo = raise(&place).await;
    for lang in ["ko", "en", "ja"] {
        let pages = [("localhost", "/demo"), ("shop.localhost", "/"), ("go.localhost", "/"), ("hotel.localhost", "/")];
        for (host, path) in pages.into_iter().chain([("mail.localhost", "/"), ("shop.localhost", "/about")]) {
            let answer = get(&demo, host, &format!("{path}?ui_locales={lang}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{host}{path}");
            assert!(answer.text.contains(&format!("<html lang=\"{lang}\">")), "{host}{path} {lang}");
        }
    }
    for provider in ["google", "apple", "kakao", "naver", "line", "facebook", "loyalty"] {
        assert_eq!(get(&demo, &format!("{provider}.localhost"), "/").await.status, StatusCode::OK, "{provider}");
    }
    assert_eq!(get(&demo, "stranger.localhost", "/").await.status, StatusCode::MISDIRECTED_REQUEST);
    let stage = get(&demo, "localhost", "/demo").await.text;
    assert_eq!(stage.matches("data-done=\"false\"").count(), 5);
    assert!(stage.contains("id=\"customer-nobody\"") && stage.contains("clients = [&#34;hotel&#34;]"));
}

#[tokio::test]
async fn the_levers_of_the_stage_move_the_loyalty_host() {
    let place = tempfile::tempdir().unwrap();
    let demo = raise(&place).await;
    let act = async |name: &str| ask(&demo, Method::POST, "localhost", "/demo/do", &format!("do={name}")).await;
    let shop = demo.addresses().origin("shop");
    assert!(act("take-down").await.location.starts_with(&format!("{shop}/sign-in?")));
    assert!(demo.loyalty_host().is_down());
    assert!(act("promote").await.location.starts_with(&format!("{shop}/?live=1")));
    assert!(!demo.loyalty_host().is_down());
    assert_eq!(demo.loyalty_host().member(super::loyalty_host::MINA).unwrap().tier, "platinum");
    act("promote").await;
    assert_eq!(demo.loyalty_host().member(super::loyalty_host::MINA).unwrap().tier, "gold");
    assert_eq!(act("nothing").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_sign_in_begins_with_pkce_and_ends_only_in_the_browser_it_began_in() {
    let place = tempfile::tempdir().unwrap();
    let demo = raise(&place).await;
    let (stop, stopped) = watch::channel(false);
    let (router, addresses) = (demo.router(), demo.addresses());
    // The shop reaches the OP over the network.
    let serving = tokio::spawn(demo.serve(stopped));
    let request = |uri: &str, cookie: &str| {
        let host = addresses.origin("shop").trim_start_matches("http://").to_owned();
        let request = Request::get(uri).header(HOST, host).header(COOKIE, cookie).body(Body::empty()).unwrap();
        router.clone().oneshot(request)
    };

    let response = request("/sign-in?after=//evil.example", "").await.unwrap();
    let url = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(url.origin().ascii_serialization(), addresses.issuer());
    assert_eq!(parameter("code_challenge_method").as_deref(), Some("S256"));
    assert!(parameter("nonce").is_some() && parameter("scope").unwrap().contains("membership.number"));

    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let callback = format!("/callback?error=access_denied&state={}", parameter("state").unwrap());
    assert_eq!(request(&callback, "").await.unwrap().status(), StatusCode::BAD_GATEWAY, "another browser");
    let mixed_up = format!("{callback}&iss=https%3A%2F%2Fevil.example");
    assert_eq!(request(&mixed_up, &cookie).await.unwrap().status(), StatusCode::BAD_GATEWAY, "another provider");
    assert_eq!(request(&callback, &cookie).await.unwrap().status(), StatusCode::BAD_GATEWAY, "a second time");
    stop.send(true).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let demo = raise(&place).await;
    for (host, path) in [
        ("shop.localhost", "/sign-out"),
        ("shop.localhost", "/book"),
        ("go.localhost", "/refresh"),
        ("go.localhost", "/replay"),
        ("localhost", "/demo/do"),
    ] {
        let request = Request::post(path)
            .header(HOST, host)
            .header("sec-fetch-site", "cross-site")
            .body(Body::from("do=take-down&fare=icn-nrt"))
            .unwrap();
        let response = demo.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{host}{path}");
    }
    assert!(!demo.loyalty_host().is_down());
}
