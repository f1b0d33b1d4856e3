//! The back office as its audience sees it, and the door of the contract.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::model::{Clock, Random, UnixTime};

type Mailbox = Arc<Mutex<Vec<(String, String)>>>;

fn host() -> (LoyaltyHost, Mailbox) {
    let mailbox = Mailbox::default();
    let messages = Arc::clone(&mailbox);
    let clock = Clock::manual(UnixTime(1_795_435_200));
    let host = LoyaltyHost::skyway(Access::Bearer("s".into()), clock, Random::new(), move |to, text| {
        messages.lock().unwrap().push((to.to_owned(), text.to_owned()));
    });
    (host, mailbox)
}

async fn send(host: &LoyaltyHost, request: Request<Body>) -> (StatusCode, String) {
    let response = host.router().oneshot(request).await.unwrap();
    let status = response.status();
    (status, String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap())
}

async fn page(host: &LoyaltyHost, lang: &str) -> Html {
    let request = Request::get("/").header(header::ACCEPT_LANGUAGE, lang).body(Body::empty()).unwrap();
    let (status, html) = send(host, request).await;
    assert_eq!(status, StatusCode::OK);
    Html::parse_document(&html)
}

fn has(page: &Html, selector: &str) -> bool {
    page.select(&Selector::parse(selector).unwrap()).next().is_some()
}

async fn pull(host: &LoyaltyHost, form: &str) -> StatusCode {
    let request = Request::post("/levers").body(Body::from(form.to_owned())).unwrap();
    send(host, request).await.0
}

async fn call(host: &LoyaltyHost, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder().method(method).uri(format!("/api{path}")).header("authorization", "Bearer s");
    let (status, text) = send(host, request.body(body).unwrap()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_page_speaks_three_languages() {
    let (host, _) = host();
    for (asked, spoken) in [("ko-KR,ko;q=0.9", "ko"), ("ja", "ja"), ("fr, en;q=0.5", "en"), ("fr", "en"), ("", "en")] {
        let page = page(&host, asked).await;
        assert!(has(&page, &format!("html[lang={spoken}]")), "{asked}");
        assert!(!has(&page, "script, [style], [onclick]"));
        assert!(has(&page, "#languages a[href='/?lang=ja']"));
        assert!(has(&page, &format!("#tier-{MINA}[data-tier=gold]")));
    }
    let request = Request::get("/?lang=ja").header(header::ACCEPT_LANGUAGE, "ko").body(Body::empty()).unwrap();
    assert!(send(&host, request).await.1.contains("管理画面"));
}

#[tokio::test]
async fn every_lever_moves_what_it_says() {
    let (host, _) = host();
    assert_eq!(pull(&host, "lever=down&lang=ko").await, StatusCode::SEE_OTHER);
    assert!(host.is_down());
    let shown = page(&host, "en").await;
    assert!(has(&shown, "#host-state[data-state=down]") && has(&shown, "#host-up") && !has(&shown, "#host-down"));
    pull(&host, "lever=up").await;
    pull(&host, "lever=slow").await;
    assert_eq!((host.is_down(), host.slow_ms()), (false, 5000));
    assert!(has(&page(&host, "en").await, "#host-state[data-state=slow]"));
    pull(&host, "lever=fast").await;
    pull(&host, &format!("lever=promote&number={MINA}")).await;
    pull(&host, &format!("lever=points&number={MINA}&points=7")).await;
    let mina = host.member(MINA).unwrap();
    assert_eq!((mina.tier.as_str(), mina.points), ("platinum", 7));
    pull(&host, &format!("lever=promote&number={MINA}")).await;
    pull(&host, &format!("lever=demote&number={MINA}")).await;
    assert_eq!(host.member(MINA).unwrap().tier, "gold");
    assert!(has(&page(&host, "en").await, "#feed li"));
    pull(&host, "lever=reset").await;
    assert_eq!(host.member(MINA).unwrap().points, 18_250);
    for wrong in ["lever=explode", "", "lever=promote&number=1", "lever=points&number=0012345675&points=-1"] {
        assert_eq!(pull(&host, wrong).await, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let foreign =
        Request::post("/levers").header("sec-fetch-site", "cross-site").body(Body::from("lever=down")).unwrap();
    assert_eq!(send(&host, foreign).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_the_caller_with_the_credential_is_served() {
    let (host, _) = host();
    for credential in ["", "Bearer t", "bearer s", "Basic s", "Bearer "] {
        let request =
            Request::get("/api/capabilities").header("authorization", credential).body(Body::empty()).unwrap();
        assert_eq!(send(&host, request).await.0, StatusCode::UNAUTHORIZED, "{credential:?}");
    }
    assert_eq!(call(&host, "GET", "/capabilities", Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_number_gets_a_decoy_that_answers_like_the_real_thing() {
    let (host, mailbox) = host();
    let start = |number: &str| json!({ "programme": "skyway", "number": number, "method": "otp", "locale": "ja" });
    let (_, real) = call(&host, "POST", "/challenges", start(MINA)).await;
    let (_, decoy) = call(&host, "POST", "/challenges", start("0091093833")).await;
    let (_, again) = call(&host, "POST", "/challenges", start("0091093833")).await;
    assert_eq!(decoy["hint"], again["hint"]);
    assert_eq!(real["hint"].as_str().unwrap().chars().count(), decoy["hint"].as_str().unwrap().chars().count());
    assert_eq!(mailbox.lock().unwrap().len(), 1);
    assert!(mailbox.lock().unwrap()[0].1.contains("他人に教えない"));
    for left in [2, 1, 0, 0] {
        for challenge in [&real, &decoy] {
            let path = format!("/challenges/{}:verify", challenge["challenge_id"].as_str().unwrap());
            let answer = call(&host, "POST", &path, json!({ "code": "0000000" })).await;
            assert_eq!(answer, (StatusCode::OK, json!({ "verified": false, "attempts_left": left })));
        }
    }
}

#[tokio::test]
async fn a_repeated_request_is_carried_out_once() {
    let (host, mailbox) = host();
    let start = || {
        let body = json!({ "programme": "skyway", "number": MINA, "method": "otp" }).to_string();
        let request =
            Request::post("/api/challenges").header("authorization", "Bearer s").header("idempotency-key", "k");
        request.body(Body::from(body)).unwrap()
    };
    assert_eq!(send(&host, start()).await, send(&host, start()).await);
    assert_eq!(mailbox.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_does_not_follow_the_contract_is_a_problem() {
    let (host, _) = host();
    for (method, path, body, status, kind) in [
        ("POST", "/challenges", json!({}), 400, "denied"),
        ("POST", "/challenges", json!({ "programme": "x", "number": "1", "method": "otp" }), 404, "denied"),
        (
            "POST",
            "/challenges",
            json!({ "programme": "skyway", "number": "1", "method": "dna" }),
            422,
            "unknown_method",
        ),
        ("POST", "/challenges/x", json!({}), 404, "denied"),
        ("GET", "/members/nobody", Value::Null, 404, "denied"),
        ("PUT", "/links/nobody", json!({ "subject_ref": "s" }), 404, "denied"),
        ("GET", "/changes?cursor=c99", Value::Null, 410, "denied"),
        ("GET", "/nowhere", Value::Null, 404, "denied"),
    ] {
        let (found, problem) = call(&host, method, path, body).await;
        assert_eq!(found.as_u16(), status, "{method} {path}");
        assert_eq!(problem["type"], format!("urn:comity:loyalty:{kind}"), "{method} {path}");
    }
}
