//! Applications in browsers: their scripts may read what the endpoints answer them, and nobody else's may.

use http::Method;

use crate::support::{Reply, Request, World};

stories!(
    an_application_in_a_browser_gets_by,
    other_sites_read_nothing,
    confidential_clients_have_no_business_in_browsers,
    pages_are_for_nobodys_scripts,
    a_client_that_is_switched_off_is_a_stranger,
);

const SPA: &str = "https://spa.example";
const CLIENT: &str = r#"
[[client]]
client_id = "spa"
client_name = "Single Page"
token_endpoint_auth_method = "none"
redirect_uris = ["https://spa.example/callback", "http://localhost:5173/callback", "com.example.spa:/callback"]
grant_types = ["authorization_code", "refresh_token"]
[client.release]
scopes = ["openid", "email", "offline_access"]
"#;

fn preflight(path: &str, origin: &str) -> Request {
    Request::new(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization")
}

#[track_caller]
fn assert_shared(reply: &Reply, origin: &str) {
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin), "{} {}", reply.status, reply.text());
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert!(reply.headers.get_all("vary").iter().any(|value| value == "origin"));
}

#[track_caller]
fn assert_not_shared(reply: &Reply) {
    for name in ["origin", "methods", "headers", "credentials"] {
        assert_eq!(reply.header(&format!("access-control-allow-{name}")), None, "{} {name}", reply.status);
    }
}

async fn an_application_in_a_browser_gets_by(world: World) {
    world.register(CLIENT).await;
    world.person("mina@example.com", "Mina Kim").await;
    for (path, methods) in [("/token", "POST"), ("/revoke", "POST"), ("/userinfo", "GET, POST")] {
        for origin in [SPA, "http://localhost:5173"] {
            let reply = world.send(preflight(path, origin)).await.expect(204);
            assert_shared(&reply, origin);
            assert_eq!(reply.header("access-control-allow-methods"), Some(methods));
            assert_eq!(reply.header("access-control-allow-headers"), Some("authorization, content-type"));
        }
    }
    let rp = world.rp("spa").at("https://spa.example/callback");
    let mut browser = world.browser();
    let scope = "openid email offline_access";
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    let refresh = [("grant_type", "refresh_token"), ("client_id", "spa")];
    let refresh = Request::post("/token")
        .header("origin", SPA)
        .form(refresh.into_iter().chain([("refresh_token", tokens.refresh.as_deref().unwrap())]));
    let reply = world.send(refresh).await.expect(200);
    assert_shared(&reply, SPA);
    // What went wrong must be readable too.
    let broken = [("grant_type", "authorization_code"), ("client_id", "spa"), ("code", "unknown")];
    let reply = world.send(Request::post("/token").header("origin", SPA).form(broken)).await;
    assert!(reply.status == 400, "{}", reply.text());
    assert_shared(&reply, SPA);
    let userinfo = Request::get("/userinfo").header("origin", SPA);
    assert_shared(&world.send(userinfo.clone().bearer(&tokens.access)).await.expect(200), SPA);
    let reply = world.send(userinfo.bearer("expired")).await.expect(401);
    assert_shared(&reply, SPA);
    assert_eq!(reply.header("access-control-expose-headers"), Some("www-authenticate, x-request-id"));
    let revoke = [("client_id", "spa"), ("token", tokens.access.as_str())];
    assert_shared(&world.send(Request::post("/revoke").header("origin", SPA).form(revoke)).await.expect(200), SPA);
}

async fn other_sites_read_nothing(world: World) {
    world.register(CLIENT).await;
    world.register(&CLIENT.replace("spa", "other")).await;
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("spa").at("https://spa.example/callback");
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", "openid email").await;
    for origin in [
        "null",
        "",
        "*",
        "https://evil.example",
        "https://spa.example.evil.example",
        "https://evilspa.example",
        "https://spa.example:8443",
        "http://spa.example",
        "https://SPA.example",
        "https://spa.example/",
        "https://spa.example/callback",
        "com.example.spa:",
        "com.example.spa://",
    ] {
        for path in ["/token", "/userinfo", "/revoke"] {
            assert_not_shared(&world.send(preflight(path, origin)).await);
        }
        let unknown = [("grant_type", "authorization_code"), ("client_id", "spa"), ("code", "unknown")];
        assert_not_shared(&world.send(Request::post("/token").header("origin", origin).form(unknown)).await);
        let userinfo = Request::get("/userinfo").header("origin", origin);
        assert_not_shared(&world.send(userinfo.clone().bearer(&tokens.access)).await.expect(200));
        assert_not_shared(&world.send(userinfo.bearer("unknown")).await.expect(401));
    }
    // One application does not read what was meant for another, and two origins at once are none.
    let other = Request::get("/userinfo").header("origin", "https://other.example");
    assert_not_shared(&world.send(other.bearer(&tokens.access)).await.expect(200));
    let of_other = [("grant_type", "authorization_code"), ("client_id", "other"), ("code", "unknown")];
    assert_not_shared(&world.send(Request::post("/token").header("origin", SPA).form(of_other)).await);
    assert_not_shared(&world.send(preflight("/token", SPA).header("origin", "https://evil.example")).await);
    // Without a question there is no answer.
    world.send(Request::new(Method::OPTIONS, "/token").header("origin", SPA)).await.expect(405);
}

async fn confidential_clients_have_no_business_in_browsers(world: World) {
    for path in ["/token", "/userinfo", "/revoke"] {
        assert_not_shared(&world.send(preflight(path, "https://shop.example")).await);
    }
    let request = Request::post("/token").header("origin", "https://shop.example");
    let fields = [("grant_type", "authorization_code"), ("client_id", "web"), ("code", "unknown")];
    assert_not_shared(&world.send(request.basic("web", "web-secret-of-the-tests").form(fields)).await);
}

async fn pages_are_for_nobodys_scripts(world: World) {
    world.register(CLIENT).await;
    for path in ["/authorize", "/logout", "/sign-in", "/account", "/consent", "/introspect", "/", "/nowhere"] {
        assert_not_shared(&world.send(preflight(path, SPA)).await);
        assert_not_shared(&world.send(Request::get(path).header("origin", SPA)).await);
    }
    // What is the same for everybody anybody may read, and with it goes no cookie.
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        let reply = world.send(Request::get(path).header("origin", "https://evil.example")).await.expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
}

async fn a_client_that_is_switched_off_is_a_stranger(world: World) {
    world.register(CLIENT).await;
    world.send(preflight("/token", SPA)).await.expect(204);
    world.change_client("spa", |client| client.disabled = true).await;
    assert_not_shared(&world.send(preflight("/token", SPA)).await);
    let fields = [("grant_type", "authorization_code"), ("client_id", "spa"), ("code", "unknown")];
    assert_not_shared(&world.send(Request::post("/token").header("origin", SPA).form(fields)).await);
}
