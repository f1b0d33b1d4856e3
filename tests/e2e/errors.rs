//! Bad input and bad days: each gets a clear, standard, localised answer with a number to quote, and loses nothing.

use comity::settings::{Profile, Source};
use http::Method;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::http::send_raw;
use crate::support::{Backend, Request, World, logs};

stories!(
    each_failure_has_its_page_and_number,
    machines_get_bare_answers,
    other_hosts_are_not_served,
    other_hosts_are_not_served_over_http2_either,
    broken_parameters_are_said_to_be_broken,
    what_is_too_much_is_refused,
    broken_cookies_are_no_cookies,
    odd_requests_never_break_the_server,
    errors_speak_the_readers_language,
    a_database_that_goes_away_is_503_and_nothing_is_lost,
    a_locked_database_is_503_and_nothing_is_lost("database.acquire_timeout_seconds = 1"),
    a_cut_wire_to_the_database_heals,
    a_cut_wire_to_the_cache_fails_closed_and_heals,
    a_number_quoted_is_in_the_log_and_secrets_are_not("database.acquire_timeout_seconds = 1"),
    state_forged_at_a_callback_is_a_page,
);

async fn each_failure_has_its_page_and_number(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for path in [
        "/nowhere",
        "/static/../Cargo.toml",
        "/static/none.css",
        "/documents/none",
        "/account/link/none",
        "/%2e%2e/etc/passwd",
    ] {
        browser.open(path).await;
        browser.assert_error(404);
    }
    for path in ["/sign-in", "/sign-in?txn=unknown", "/consent?txn=unknown", "/terms?txn=", "/sign-up?txn=%20"] {
        browser.open(path).await;
        browser.assert_error(400);
    }
    browser.open("/sign-in/link?token=unknown").await;
    assert!(browser.page.status < 500 && !browser.page.has("#confirm"));
    browser.post_from("https://evil.example/", "/account", &[("do", "sign_out")]).await;
    browser.assert_error(403);
    browser.post_from("https://evil.example/", "/documents/terms", &[]).await;
    browser.assert_error(405);
    browser.post_from("https://evil.example/", "/authorize", &[("state", &"x".repeat(70_000))]).await;
    browser.assert_error(413);
}

async fn machines_get_bare_answers(world: World) {
    let reply = world.send(Request::get("/nowhere")).await.expect(404);
    assert_eq!((reply.body.len(), reply.header("content-type")), (0, None));
    assert!(reply.header("x-request-id").is_some());
    for path in ["/token", "/introspect", "/revoke"] {
        let reply = world.send(Request::get(path)).await.expect(405);
        assert_eq!(reply.header("allow"), Some("POST"));
    }
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        let reply = world.send(Request::post(path).form([])).await.expect(405);
        assert!(reply.header("allow").unwrap().contains("GET"));
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        for path in ["/token", "/authorize", "/account", "/jwks"] {
            assert_eq!(world.send(Request::new(method.clone(), path)).await.status, 405, "{method} {path}");
        }
    }
}

async fn other_hosts_are_not_served(world: World) {
    for host in ["evil.example", "localhost", "localhost:1", "localhost.evil.example", "127.0.0.1", "", "[::1]"] {
        for path in ["/.well-known/openid-configuration", "/sign-in", "/token"] {
            let reply = world.send(Request::get(path).header("host", host)).await;
            assert!(matches!(reply.status, 400 | 421), "{host:?}: {}", reply.status);
        }
    }
    let ours = world.issuer().strip_prefix("http://").unwrap().to_owned();
    for raw in [
        "GET /jwks HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        format!("GET /jwks HTTP/1.1\r\nHost: {ours}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
        format!("GET http://evil.example/jwks HTTP/1.1\r\nHost: {ours}\r\nConnection: close\r\n\r\n"),
        "GET /jwks HTTP/1.0\r\n\r\n".to_owned(),
    ] {
        let answer = send_raw(world.address(), raw.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 421")
                || answer.starts_with("HTTP/1.1 400")
                || answer.starts_with("HTTP/1.0 421"),
            "{raw}{answer}"
        );
    }
    // What a proxy or an attacker says of the host changes no address.
    let request = Request::get("/.well-known/openid-configuration")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "https")
        .header("forwarded", "host=evil.example;proto=https");
    assert_eq!(world.send(request).await.expect(200).json()["issuer"], world.issuer());
    assert_eq!(world.send(Request::get("/jwks").header("host", &ours.to_uppercase())).await.status, 200);
}

async fn other_hosts_are_not_served_over_http2_either(world: World) {
    let ask = async |authority: &str| {
        let socket = tokio::net::TcpStream::connect(world.address()).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get(format!("http://{authority}/jwks")).body(Full::<bytes::Bytes>::default());
        let response = sender.send_request(request.unwrap()).await.unwrap();
        let status = response.status();
        let _ = response.into_body().collect().await;
        status.as_u16()
    };
    assert_eq!(ask(world.issuer().strip_prefix("http://").unwrap()).await, 200);
    assert_eq!(ask("evil.example").await, 421);
}

async fn broken_parameters_are_said_to_be_broken(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let mut stranger = world.browser();
    stranger.open(&world.rp("web").authorize().url()).await;
    let txn = stranger.page.url.query().unwrap().to_owned();
    for query in ["%", "a=%zz", "a=%ff%fe", "a=%00", "%00=a", "a=%C0%AF", "a=1&a=2", "client_id=web&client_id=web"] {
        for path in ["/authorize", "/sign-in", "/logout", "/account", "/consent", "/federation/google/callback"] {
            let reply = world.send(Request::get(&format!("{path}?{query}")).header("accept", "text/html")).await;
            assert!(matches!(reply.status, 400 | 404), "{path}?{query}: {}", reply.status);
            assert!(reply.text().contains(reply.header("x-request-id").unwrap()));
        }
    }
    for body in [&b"a=%ff"[..], b"\xff\xfe", b"csrf=%00", b"do=1&do=2", b"%"] {
        for path in ["/sign-in", "/sign-in/code", "/consent", "/account", "/authorize", "/logout"] {
            let request = Request::post(&format!("{path}?{txn}")).header("accept", "text/html").raw_form(body.to_vec());
            let reply = world.send(request).await;
            assert!(matches!(reply.status, 400 | 403), "{path}: {}", reply.status);
        }
    }
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", "application/xml", ""] {
        let mut request = Request::post("/sign-in").header("accept", "text/html").header("content-type", kind);
        request.body = "a=1".into();
        world.send(request).await.expect(400);
    }
    // The same as before for those who behave.
    browser.open(&world.rp("web").authorize().url()).await;
    assert!(browser.is_away());
}

async fn what_is_too_much_is_refused(world: World) {
    let big = "x".repeat(64 * 1024 + 1);
    let form = |path: &str| Request::post(path).header("accept", "text/html").form([("a", big.as_str())]);
    for path in ["/sign-in", "/consent", "/account", "/authorize", "/logout"] {
        world.send(form(path)).await.expect(413);
    }
    for path in ["/token", "/introspect", "/revoke"] {
        world.send(form(path)).await.refused(400, "invalid_request");
    }
    let many = (0..101).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    world.send(Request::get(&format!("/authorize?{many}"))).await.expect(400);
    let long = format!("GET /jwks HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "c".repeat(200_000));
    let answer = send_raw(world.address(), long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let deep = format!("{}{}", "{\"userinfo\":".repeat(500), "}".repeat(500));
    let mut browser = world.browser();
    let rp = world.rp("web");
    browser.open(&rp.authorize().with("claims", &deep).url()).await;
    rp.assert_refused(&browser, "invalid_request");
    let scopes = (0..3000).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    browser.open(&rp.authorize().with("scope", &scopes).url()).await;
    rp.assert_refused(&browser, "invalid_scope");
}

async fn broken_cookies_are_no_cookies(world: World) {
    let rp = world.rp("web");
    let target = format!("/authorize?{}", rp.authorize().with("prompt", "none").query());
    for cookie in [
        "comity_session=",
        "comity_session",
        "=;;=;comity_session==",
        "comity_session=\u{1f36a}",
        "comity_session=' OR 1=1 --",
        "comity_browser=short; comity_locale=../../x; comity_last=<b>",
        &format!("comity_session={}", "A".repeat(43)),
        &format!("comity_session={}", "A".repeat(5000)),
        "comity_locale=xx; comity_last=google",
    ] {
        let reply = world.send(Request::get(&target).header("cookie", cookie)).await.expect(303);
        assert!(reply.header("location").unwrap().contains("error=login_required"), "{cookie}");
    }
}

async fn odd_requests_never_break_the_server(world: World) {
    let host = world.issuer().strip_prefix("http://").unwrap().to_owned();
    for raw in [
        "\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\r\n\r\n".to_owned(),
        format!("GET /\u{0} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /sign-in?a=b c HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        format!("GET * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        format!("GET //evil.example/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
        ),
        format!("POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\nConnection: close\r\n\r\n"),
        format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\n123456"
        ),
        format!(
            "GET /account HTTP/1.1\r\nHost: {host}\r\nAccept-Language: {}\r\nConnection: close\r\n\r\n",
            "ko;q=9,".repeat(500)
        ),
        format!("GET /account HTTP/1.1\r\nHost: {host}\r\nUser-Agent: \u{1b}[31m\r\nConnection: close\r\n\r\n"),
    ] {
        let answer = send_raw(world.address(), raw.as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 5"), "{raw}\n{answer}");
    }
    world.send(Request::get("/jwks")).await.expect(200);
}

async fn errors_speak_the_readers_language(world: World) {
    let texts = world.app().web().texts.clone();
    for language in ["ko", "ja", "en"] {
        let locale = language.parse().unwrap();
        let mut browser = world.browser().reading(&format!("{language},*;q=0.5"));
        for (path, kind) in
            [("/nowhere", "not_found"), ("/sign-in?txn=x", "cookies_missing"), ("/authorize?client_id=x", "bad_client")]
        {
            browser.jar.clear();
            browser.open(path).await;
            assert_eq!(browser.page.text("h1"), texts.get(&locale, &format!("error.{kind}.title")));
            assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some(language));
        }
    }
    // What a client is told stays in English.
    let mut browser = world.browser().reading("ko");
    let rp = world.rp("web");
    browser.open(&rp.authorize().with("max_age", "x").url()).await;
    assert!(rp.response(&browser).get("error_description").unwrap().is_ascii());
}

async fn a_locked_database_is_503_and_nothing_is_lost(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("app");
    let scope = "openid offline_access";
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    let mut other = world.at_the_code_page("mina@example.com").await;
    browser.open(&rp.authorize().url()).await;
    let code = rp.code(&browser);
    let Some(lock) = world.lock() else { return };
    rp.try_refresh(tokens.refresh(), None).await.refused(503, "temporarily_unavailable");
    rp.post("/revoke", &[("token", tokens.refresh())]).await.refused(503, "temporarily_unavailable");
    other.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    other.assert_error(503);
    // Reading goes on.
    assert_eq!(world.rp("web").introspect("x").await["active"], false);
    rp.userinfo(&tokens.access).await.expect(200);
    lock.close().unwrap();
    rp.redeem(&code).await;
    rp.refresh(tokens.refresh()).await;
}

async fn a_database_that_goes_away_is_503_and_nothing_is_lost(mut world: World) {
    if world.backend() == Backend::Sqlite {
        return;
    }
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let scope = "openid offline_access";
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    let app = world.rp("app");
    let rotating = app.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    world.store().close().await;
    browser.open(&rp.authorize().url()).await;
    browser.assert_error(503);
    assert_eq!(browser.page.header("retry-after"), Some("5"));
    browser.open("/account").await;
    browser.assert_error(503);
    for (path, fields) in [
        ("/token", [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())]),
        ("/introspect", [("token", tokens.access.as_str()), ("x", "")]),
        ("/revoke", [("token", tokens.refresh()), ("x", "")]),
    ] {
        let reply = rp.post(path, &fields).await;
        reply.refused(503, "temporarily_unavailable");
        assert!(!reply.text().contains("active") && reply.header("retry-after").is_some());
        let all = reply.text().to_lowercase();
        assert!(["sql", "pool", "postgres", "closed"].iter().all(|word| !all.contains(word)), "{all}");
    }
    app.try_refresh(rotating.refresh(), None).await.refused(503, "temporarily_unavailable");
    let reply = rp.userinfo(&tokens.access).await;
    assert_eq!(reply.status, 503);
    // What needs no database goes on.
    world.send(Request::get("/jwks")).await.expect(200);
    world.send(Request::get("/.well-known/openid-configuration")).await.expect(200);
    world.restart().await;
    assert_eq!(rp.introspect(&tokens.access).await["active"], true);
    rp.refresh(tokens.refresh()).await;
    app.refresh(rotating.refresh()).await;
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.code(&browser);
}

async fn a_cut_wire_to_the_database_heals(mut world: World) {
    let Some(wire) = world.wire("DATABASE__URL").await else { return };
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let app = world.rp("app");
    let scope = "openid offline_access";
    let tokens = app.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    browser.open(&app.authorize().url()).await;
    let code = app.code(&browser);
    wire.cut();
    let reply = app.try_refresh(tokens.refresh(), None).await;
    reply.refused(503, "temporarily_unavailable");
    browser.open("/account").await;
    browser.assert_error(503);
    wire.mend();
    // It recovers unaided, in a moment: who looks for a primary takes a breath between two looks.
    let mut status = 0;
    for _ in 0..200 {
        status = app.userinfo(&tokens.access).await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(status, 200);
    app.refresh(tokens.refresh()).await;
    assert_eq!(app.try_redeem(&code).await.status, 200);
    browser.open("/account").await;
    browser.assert_at("/account");
}

async fn a_cut_wire_to_the_cache_fails_closed_and_heals(mut world: World) {
    let Some(wire) = world.wire("CACHE__URL").await else { return };
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.ask_for_code("mina@example.com").await;
    let page = browser.page.clone();
    wire.cut();
    let code = world.code_mailed_to("mina@example.com");
    browser.fill("code", &code).press("continue").await;
    browser.assert_error(503);
    rp.try_redeem("anything").await.refused(503, "temporarily_unavailable");
    wire.mend();
    for _ in 0..50 {
        browser.page = page.clone();
        browser.fill("code", &code).press("continue").await;
        if browser.page.status != 503 {
            break;
        }
    }
    let code = rp.code(&browser);
    rp.redeem(&code).await;
}

async fn a_number_quoted_is_in_the_log_and_secrets_are_not(world: World) {
    logs::capture();
    let mut browser = world.signed_in("canary-mailbox@example.com", "Canary Person").await;
    let rp = world.rp("web");
    let tokens =
        rp.sign_in_for(&mut browser, &world, "canary-mailbox@example.com", "openid email offline_access").await;
    browser
        .open(&rp.authorize().with("state", "canary-state").with("login_hint", "canary-hint@example.com").url())
        .await;
    let code = rp.response(&browser).get("code").unwrap().to_owned();
    rp.try_redeem(&code).await.expect(200);
    let mailed = world.link_mailed_to("canary-mailbox@example.com");
    let session = browser.cookie("comity_session").unwrap();
    browser.open("/nowhere?canary-query=1").await;
    let number = browser.page.text("#trace");
    assert!(!logs::lines_with(&[&number, "404"]).is_empty(), "the number is in no line");
    let lock = world.lock();
    if lock.is_none() {
        world.store().close().await;
    }
    let reply = rp.post("/revoke", &[("token", tokens.refresh())]).await.expect(503);
    assert!(!logs::lines_with(&[reply.header("x-request-id").unwrap(), "ERROR"]).is_empty());
    let link = mailed.split_once("token=").unwrap().1;
    for secret in [
        "canary-mailbox",
        "Canary Person",
        "canary-state",
        "canary-hint",
        "canary-query",
        code.as_str(),
        tokens.access.as_str(),
        tokens.refresh(),
        &tokens.id_token,
        &session,
        link,
        "web-secret-of-the-tests",
        &rp.verifier(),
    ] {
        assert_eq!(logs::lines_with(&[secret]), Vec::<String>::new(), "{secret} is in the log");
    }
}

async fn state_forged_at_a_callback_is_a_page(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for target in [
        "/federation/google/callback?state=forged&code=forged",
        "/federation/google/callback",
        "/federation/none/callback?state=x&code=y",
        "/federation/google/callback?error=access_denied&state=forged",
        "/federation/google/callback?resume=forged",
        "/federation/..%2fadmin/callback?state=x",
    ] {
        browser.open(target).await;
        assert!(matches!(browser.page.status, 400 | 404), "{target}: {}", browser.page.status);
        browser.assert_error(browser.page.status);
    }
    browser
        .post_from("https://evil.example/", "/federation/apple/callback", &[("state", "forged"), ("code", "x")])
        .await;
    assert!(matches!(browser.page.status, 400 | 404));
}

#[test]
fn broken_settings_name_the_place_and_show_no_secret() {
    let load = |text: &str| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("settings.toml");
        std::fs::write(&file, text).unwrap();
        Source { file: Some(file), layer: None, environment: Vec::new() }.load().map(|settings| settings.profile)
    };
    for (text, word) in [
        ("[server\nissuer = 1", "settings.toml"),
        ("[server]\nissuer = 7", "server.issuer"),
        ("[server]\nisuser = \"x\"", "isuser"),
        ("[tokens]\ncode_seconds = 61", "tokens.code_seconds"),
        ("[tokens]\naccess_seconds = 0", "tokens.access_seconds"),
        ("[server]\nissuer = \"http://id.example.com\"", "https"),
        ("[server]\nissuer = \"https://id.example.com/?x=1\"", "query"),
        ("[keys]\nalgs = [\"ES256\"]", "RS256"),
        ("[keys]\nmaster_key_files = []", "keys.master_key_files"),
        ("[mail]\ntransport = \"sink\"", "mail.transport"),
        ("[database]\nurl = [\"postgres://u:hunter2@h/d\"]", "database.url"),
        ("[locales]\nzoneinfo = \"Mars/Olympus\"", "Mars/Olympus"),
    ] {
        let error = load(text).unwrap_err().to_string();
        assert!(error.contains(word), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let missing = Source { file: Some("/nowhere/settings.toml".into()), ..Source::default() }.load().unwrap_err();
    assert!(missing.to_string().contains("/nowhere/settings.toml"));
    assert_eq!(load("profile = \"test\"\n").unwrap(), Profile::Test);
}

#[tokio::test]
async fn a_missing_or_wrong_master_key_is_said_at_start() {
    use comity::app::{App, Extras};
    use comity::model::Secret;
    let directory = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", directory.path().join("comity.sqlite").display());
    let settings = || {
        let environment = vec![("COMITY_DATABASE__URL".to_owned(), database.clone())];
        let layer = Some("profile = \"test\"\n[mail]\ntransport = \"sink\"\n");
        Source { file: None, layer, environment }.load().unwrap()
    };
    let none = App::build(settings(), Extras::default()).await.unwrap_err().to_string();
    assert!(none.contains("master key"), "{none}");
    let with = |byte: u8| Extras {
        master_keys: vec![Secret::new([byte; 32])],
        signing_keys: crate::support::keys::stored(comity::model::UnixTime(0)),
        ..Extras::default()
    };
    App::build(settings(), with(1)).await.unwrap().store().close().await;
    let wrong = App::build(settings(), with(2)).await.unwrap_err().to_string();
    assert!(!wrong.is_empty());
    App::build(settings(), with(1)).await.unwrap();
}
