//! Numbers for Prometheus. Labels come from small fixed sets: never an id, an address or a path as it was asked for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignIn {
    method: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Grant {
    grant: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    room: &'static str,
    kind: &'static str,
}

/// Everything that is counted. Clones count together; two instances know nothing of each other.
#[derive(Clone)]
pub struct Metrics(Arc<Counts>);

struct Counts {
    registry: Registry,
    requests: Family<Request, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    sql: Family<Route, Counter>,
    cache: Family<Route, Counter>,
    sign_ins: Family<SignIn, Counter>,
    tokens: Family<Grant, Counter>,
    failures: Family<Failure, Counter>,
    password_queue: Gauge,
}

/// One password waiting to be hashed, or being hashed; leaves the queue when dropped.
#[derive(Debug)]
pub struct Queued(Gauge);

impl Metrics {
    /// The media type of [`encode`](Self::encode).
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("comity");
        registry.register("build", "The running version", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let counts = Counts {
            requests: registered(&mut registry, "http_requests", "HTTP requests answered", Family::default()),
            request_seconds: registered(
                &mut registry,
                "http_request_seconds",
                "Seconds from request to answer",
                Family::new_with_constructor(histogram),
            ),
            sql: registered(
                &mut registry,
                "request_sql_statements",
                "SQL statements requests waited for, those that begin and end transactions included",
                Family::default(),
            ),
            cache: registered(
                &mut registry,
                "request_cache_commands",
                "Cache commands requests waited for",
                Family::default(),
            ),
            sign_ins: registered(&mut registry, "sign_ins", "Sign-ins tried, by login method", Family::default()),
            tokens: registered(&mut registry, "tokens_issued", "Successful token requests", Family::default()),
            failures: registered(
                &mut registry,
                "failures",
                "Failures of our own side, by room: store, cache, outbound, mail",
                Family::default(),
            ),
            password_queue: registered(
                &mut registry,
                "password_queue",
                "Passwords being hashed or waiting for it",
                Gauge::default(),
            ),
            registry,
        };
        Self(Arc::new(counts))
    }

    /// Counts an answered request. `route` is the pattern that matched, e.g. `/clients/{id}`.
    pub fn request(&self, route: &str, method: &str, status: u16, seconds: f64) {
        let route = route.to_owned();
        let request = Request { route: route.clone(), method: known_method(method), status };
        self.0.requests.get_or_create(&request).inc();
        self.0.request_seconds.get_or_create(&Route { route }).observe(seconds);
    }

    /// Counts the round trips of an answered request to the database and to the cache.
    pub fn round_trips(&self, route: &str, sql: u32, cache: u32) {
        let route = Route { route: route.to_owned() };
        self.0.sql.get_or_create(&route).inc_by(u64::from(sql));
        self.0.cache.get_or_create(&route).inc_by(u64::from(cache));
    }

    /// Counts a try to sign in by `method` (`code`, `password`, a connection's id) that ended in `outcome`.
    pub fn sign_in(&self, method: &str, outcome: &'static str) {
        self.0.sign_ins.get_or_create(&SignIn { method: method.to_owned(), outcome }).inc();
    }

    /// Counts a successful token request of the grant type `grant`.
    pub fn token_issued(&self, grant: &'static str) {
        self.0.tokens.get_or_create(&Grant { grant }).inc();
    }

    /// Counts a failure of our own side: `store` unavailable, `cache` full, ….
    pub fn failure(&self, room: &'static str, kind: &'static str) {
        self.0.failures.get_or_create(&Failure { room, kind }).inc();
    }

    /// Counts a password into the hashing queue for as long as the returned value lives.
    pub fn password_queued(&self) -> Queued {
        self.0.password_queue.inc();
        Queued(self.0.password_queue.clone())
    }

    /// All numbers in the `OpenMetrics` text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// Clients may send any method they can think of; each would be a time series.
fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_can_be_read() {
        let metrics = Metrics::new();
        metrics.request("/token", "POST", 200, 0.004);
        metrics.clone().request("/token", "POST", 200, 7.0);
        metrics.request("/token", "BREW", 405, 0.0001);
        metrics.round_trips("/token", 3, 1);
        metrics.round_trips("/token", 2, 0);
        metrics.sign_in("kakao", "success");
        metrics.token_issued("authorization_code");
        metrics.failure("cache", "unavailable");
        let waiting = metrics.password_queued();
        let text = metrics.encode();
        for line in [
            "comity_http_requests_total{route=\"/token\",method=\"POST\",status=\"200\"} 2",
            "comity_http_requests_total{route=\"/token\",method=\"other\",status=\"405\"} 1",
            "comity_http_request_seconds_bucket{le=\"0.005\",route=\"/token\"} 2",
            "comity_http_request_seconds_count{route=\"/token\"} 3",
            "comity_request_sql_statements_total{route=\"/token\"} 5",
            "comity_request_cache_commands_total{route=\"/token\"} 1",
            "comity_sign_ins_total{method=\"kakao\",outcome=\"success\"} 1",
            "comity_tokens_issued_total{grant=\"authorization_code\"} 1",
            "comity_failures_total{room=\"cache\",kind=\"unavailable\"} 1",
            "comity_password_queue 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        drop(waiting);
        assert!(metrics.encode().contains("comity_password_queue 0\n"));
        assert!(!Metrics::new().encode().contains("kakao"));
    }
}
