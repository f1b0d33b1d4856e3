//! How often each operation goes to the database and to the cache and back, once all that is made on first use is there.
//!
//! Round trips are what a request costs beside its own computation, so their number is a promise: whoever changes one
//! changes the table below, and knows it. Both sets of backends pay the same.

use std::collections::BTreeMap;

use comity::demo::simulators::Provider;
use comity::model::client::AccessTokenFormat;

use crate::support::{Browser, Request, Rp, Stage, Tokens};

stage_stories!(each_operation_costs_what_the_table_says);

/// Operation, SQL statements (those that begin and end transactions included), cache commands.
const COSTS: &[(&str, u64, u64)] = &[
    ("discovery", 0, 0),
    ("keys", 0, 0),
    ("authorize, signed in", 2, 1),
    ("token, code", 6, 1),
    ("token, code once more", 6, 1),
    ("token, code nobody gave out", 1, 1),
    ("authorize, signed in, offline access", 2, 1),
    ("token, code with offline access", 7, 1),
    ("authorize, signed in, consents given", 2, 1),
    ("token, code of another company", 7, 1),
    ("token, code with claims asked for singly", 6, 1),
    ("authorize, signed in an hour ago", 3, 1),
    ("token, refresh", 2, 0),
    ("token, refresh that rotates", 6, 0),
    ("token, refresh of an app", 6, 0),
    ("token, client credentials", 0, 0),
    ("introspect, a machine's", 1, 0),
    ("token, client credentials, opaque", 0, 0),
    ("userinfo", 1, 0),
    ("introspect", 1, 0),
    ("introspect, refresh token", 1, 0),
    ("userinfo, opaque", 1, 0),
    ("introspect, opaque", 1, 0),
    ("revoke", 1, 0),
    ("revoke, refresh token", 6, 0),
    ("account page", 11, 0),
    ("userinfo, a member's", 1, 0),
    ("authorize, nobody signed in", 0, 2),
    ("sign-in page", 0, 2),
    ("sign-in, address", 1, 7),
    ("sign-in, code", 9, 14),
    ("sign-in anew, address", 2, 7),
    ("sign-in anew, code", 6, 12),
    ("authorize, consent lacking", 2, 2),
    ("consent page", 2, 1),
    ("consent given", 17, 6),
    ("sign-in, to a provider", 0, 3),
    ("sign-in, back from a provider", 10, 7),
    ("logout", 8, 0),
];

const MINA: &str = "mina@example.com";
const OFFLINE: &str = "openid profile email offline_access";

/// Reads the counters of a stage's server before and after.
struct Meter<'a> {
    stage: &'a Stage,
    paid: Vec<(&'static str, u64, u64)>,
}

impl Meter<'_> {
    /// Has every client read: copies of them are made on first use, and outdated by time and by changes.
    async fn warm(&self) {
        for id in ["web", "plain", "app", "hotel", "robot", "api"] {
            let reply = self.stage.rp(id).post("/token", &[("grant_type", "none")]).await;
            reply.refused(400, "unsupported_grant_type");
        }
    }

    /// What one request to `route` costs that happens within `work`; what else happens there is not counted.
    async fn at<T>(&mut self, operation: &'static str, route: &str, work: impl Future<Output = T>) -> T {
        let before = self.counters();
        let done = work.await;
        let after = self.counters();
        let paid = |what: &str| {
            let name = format!("comity_{what}_total{{route=\"{route}\"");
            let sum = |counters: &BTreeMap<String, u64>| -> u64 {
                counters.iter().filter(|(counter, _)| counter.starts_with(&name)).map(|(_, count)| count).sum()
            };
            sum(&after) - sum(&before)
        };
        assert_eq!(paid("http_requests"), 1, "{operation} is one request to {route}");
        self.paid.push((operation, paid("request_sql_statements"), paid("request_cache_commands")));
        done
    }

    fn counters(&self) -> BTreeMap<String, u64> {
        let text = self.stage.app().web().metrics.encode();
        let counters = text.lines().filter_map(|line| line.rsplit_once(' '));
        counters.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?))).collect()
    }

    /// A code, as it comes to who is signed in and has allowed everything before.
    async fn authorize(&mut self, operation: &'static str, rp: &Rp, browser: &mut Browser, scope: &str) -> String {
        let url = rp.authorize().with("scope", scope).url();
        self.at(operation, "/authorize", browser.open(&url)).await;
        rp.code(browser)
    }

    async fn redeem(&mut self, operation: &'static str, rp: &Rp, code: &str) -> Tokens {
        let reply = self.at(operation, "/token", rp.try_redeem(code)).await;
        rp.tokens(reply).await
    }

    async fn refresh(&mut self, operation: &'static str, rp: &Rp, token: &str) -> Tokens {
        let reply = self.at(operation, "/token", rp.try_refresh(token, None)).await;
        rp.tokens(reply).await
    }

    async fn userinfo(&mut self, operation: &'static str, rp: &Rp, token: &str) {
        self.at(operation, "/userinfo", rp.userinfo(token)).await.expect(200);
    }

    async fn introspect(&mut self, operation: &'static str, rp: &Rp, token: &str) {
        let answer = self.at(operation, "/introspect", rp.introspect(token)).await;
        assert_eq!(answer["active"], true);
    }
}

async fn each_operation_costs_what_the_table_says(stage: Stage) {
    stage.person(MINA, "Mina Kim").await;
    let mut browser = stage.browser();
    for rp in ["web", "plain", "app", "hotel"].map(|id| stage.rp(id)) {
        let tokens = rp.sign_in_for(&mut browser, &stage, MINA, OFFLINE).await;
        rp.claims(&tokens).await;
    }
    let mut meter = Meter { stage: &stage, paid: Vec::new() };
    documents(&mut meter).await;
    meter.warm().await;
    codes(&mut meter, &mut browser).await;
    refreshing(&mut meter, &mut browser).await;
    machines(&mut meter).await;
    looking(&mut meter, &mut browser).await;
    meter.warm().await;
    signing_in(&mut meter).await;
    consenting(&mut meter).await;
    at_a_provider(&mut meter).await;
    ending(&mut meter, &mut browser).await;
    let Meter { paid, .. } = meter;
    let differences: Vec<_> = paid.iter().filter(|row| !COSTS.contains(row)).collect();
    let table: Vec<String> = paid.iter().map(|row| format!("    {row:?},")).collect();
    let table = table.join("\n");
    assert!(differences.is_empty() && paid.len() == COSTS.len(), "differ: {differences:?}; all of it:\n{table}");
}

async fn documents(meter: &mut Meter<'_>) {
    for (operation, path) in [("discovery", "/.well-known/openid-configuration"), ("keys", "/jwks")] {
        meter.at(operation, path, meter.stage.send(Request::get(path))).await.expect(200);
    }
}

/// The round trip of who is signed in already.
async fn codes(meter: &mut Meter<'_>, browser: &mut Browser) {
    let (web, hotel) = (meter.stage.rp("web"), meter.stage.rp("hotel"));
    let code = meter.authorize("authorize, signed in", &web, browser, "openid profile email").await;
    meter.redeem("token, code", &web, &code).await;
    meter.at("token, code once more", "/token", web.try_redeem(&code)).await.expect(400);
    meter.at("token, code nobody gave out", "/token", web.try_redeem("of-nobody")).await.expect(400);
    let code = meter.authorize("authorize, signed in, offline access", &web, browser, OFFLINE).await;
    meter.redeem("token, code with offline access", &web, &code).await;
    let code = meter.authorize("authorize, signed in, consents given", &hotel, browser, OFFLINE).await;
    meter.redeem("token, code of another company", &hotel, &code).await;
    let claims = web.authorize().with("claims", r#"{"userinfo":{"email":{"essential":true}}}"#);
    browser.open(&claims.url()).await;
    let code = web.code(browser);
    meter.redeem("token, code with claims asked for singly", &web, &code).await;
    // A page that shows an old session notes that it is in use.
    meter.stage.advance(3600);
    meter.warm().await;
    meter.authorize("authorize, signed in an hour ago", &web, browser, "openid").await;
}

async fn refreshing(meter: &mut Meter<'_>, browser: &mut Browser) {
    for (id, steady, rotating) in [
        ("web", "token, refresh", false),
        ("plain", "token, refresh that rotates", true),
        ("app", "token, refresh of an app", true),
    ] {
        let rp = meter.stage.rp(id);
        let first = rp.sign_in_for(browser, meter.stage, MINA, OFFLINE).await;
        let next = meter.refresh(steady, &rp, first.refresh()).await;
        assert_eq!(next.refresh.is_some(), rotating);
    }
}

async fn machines(meter: &mut Meter<'_>) {
    let robot = meter.stage.rp("robot");
    let fields = [("grant_type", "client_credentials"), ("scope", "orders.read")];
    let token = meter.at("token, client credentials", "/token", robot.post("/token", &fields)).await.expect(200);
    let token = token.json()["access_token"].as_str().unwrap().to_owned();
    meter.introspect("introspect, a machine's", &meter.stage.rp("api"), &token).await;
    meter.stage.change_client("robot", |robot| robot.access_token_format = AccessTokenFormat::Opaque).await;
    meter.warm().await;
    meter.at("token, client credentials, opaque", "/token", robot.post("/token", &fields)).await.expect(200);
}

async fn looking(meter: &mut Meter<'_>, browser: &mut Browser) {
    let (web, plain) = (meter.stage.rp("web"), meter.stage.rp("plain"));
    let tokens = web.sign_in_for(browser, meter.stage, MINA, OFFLINE).await;
    meter.userinfo("userinfo", &web, &tokens.access).await;
    meter.introspect("introspect", &web, &tokens.access).await;
    meter.introspect("introspect, refresh token", &web, tokens.refresh()).await;
    let tokens = plain.sign_in_for(browser, meter.stage, MINA, OFFLINE).await;
    meter.userinfo("userinfo, opaque", &plain, &tokens.access).await;
    meter.introspect("introspect, opaque", &plain, &tokens.access).await;
    meter.at("revoke", "/revoke", plain.revoke(&tokens.access)).await;
    meter.at("revoke, refresh token", "/revoke", plain.revoke(tokens.refresh())).await;
    meter.at("account page", "/account", browser.open("/account")).await;
    meter.stage.link_mina(browser).await;
    let (tokens, _) = meter.stage.fares(browser).await;
    meter.userinfo("userinfo, a member's", &meter.stage.rp("shop"), &tokens.access).await;
}

/// By a code that is mailed, in a new browser and in one that is known.
async fn signing_in(meter: &mut Meter<'_>) {
    let (web, mut browser) = (meter.stage.rp("web"), meter.stage.browser());
    meter.at("authorize, nobody signed in", "/authorize", browser.open(&web.authorize().url())).await;
    let there = browser.page.url.to_string();
    meter.at("sign-in page", "/sign-in", browser.open(&there)).await;
    browser.fill("email", MINA);
    meter.at("sign-in, address", "/sign-in", browser.press("continue")).await;
    browser.assert_at("/sign-in/code");
    browser.fill("code", &meter.stage.code_mailed_to(MINA));
    meter.at("sign-in, code", "/sign-in/code", browser.press("continue")).await;
    web.code(&browser);
    browser.open(&web.authorize().with("prompt", "login").url()).await;
    browser.fill("email", MINA);
    meter.at("sign-in anew, address", "/sign-in", browser.press("continue")).await;
    browser.fill("code", &meter.stage.code_mailed_to(MINA));
    meter.at("sign-in anew, code", "/sign-in/code", browser.press("continue")).await;
    web.code(&browser);
}

async fn consenting(meter: &mut Meter<'_>) {
    let hotel = meter.stage.rp("hotel");
    let mut browser = meter.stage.signed_in("ken@example.com", "Ken Sato").await;
    let url = hotel.authorize().url();
    meter.at("authorize, consent lacking", "/authorize", browser.open(&url)).await;
    browser.assert_at("/consent");
    let there = browser.page.url.to_string();
    meter.at("consent page", "/consent", browser.open(&there)).await;
    browser.tick_all();
    meter.at("consent given", "/consent", browser.press("allow")).await;
    hotel.code(&browser);
}

async fn at_a_provider(meter: &mut Meter<'_>) {
    let web = meter.stage.rp("web");
    web.sign_in_at(&mut meter.stage.browser(), Provider::Google, "mina").await;
    let mut browser = meter.stage.browser();
    browser.open(&web.authorize().url()).await;
    meter.at("sign-in, to a provider", "/sign-in", browser.press("connection-google")).await;
    let route = "/federation/{connection}/callback";
    meter.at("sign-in, back from a provider", route, browser.pass("mina")).await;
    web.code(&browser);
}

async fn ending(meter: &mut Meter<'_>, browser: &mut Browser) {
    let web = meter.stage.rp("web");
    let tokens = web.sign_in(browser, meter.stage, MINA).await;
    let url = format!("/logout?id_token_hint={}", tokens.id_token);
    meter.at("logout", "/logout", browser.open(&url)).await;
    browser.assert_at("/signed-out");
}
