//! Numbers for Prometheus. Labels come from small fixed sets: never an id, an address or a path as it was asked for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

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
    shed: Family<Route, Counter>,
    in_flight: Gauge,
    password_queue: Gauge,
    /// What the families above hold of each route, at hand without making labels.
    routes: RwLock<HashMap<String, RouteCounts>>,
}

/// The counters of one route.
struct RouteCounts {
    seconds: Histogram,
    sql: Counter,
    cache: Counter,
    /// By method and status; a route has a handful.
    answers: Vec<(&'static str, u16, Counter)>,
}

impl RouteCounts {
    /// Counts; `false` when an answer of this kind has no counter yet.
    fn count(&self, answered: &Answered<'_>, method: &'static str) -> bool {
        let known = |(name, status, _): &&(&str, u16, Counter)| *name == method && *status == answered.status;
        let Some((_, _, answers)) = self.answers.iter().find(known) else { return false };
        answers.inc();
        self.seconds.observe(answered.seconds);
        self.sql.inc_by(u64::from(answered.sql));
        self.cache.inc_by(u64::from(answered.cache));
        true
    }
}

/// An answered request.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The pattern that matched, e.g. `/clients/{id}`.
    pub route: &'a str,
    /// The method.
    pub method: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// Seconds from request to answer.
    pub seconds: f64,
    /// SQL statements it waited for.
    pub sql: u32,
    /// Cache commands it waited for.
    pub cache: u32,
}

/// How much is being done at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnderWay {
    /// Requests being answered.
    pub requests: usize,
    /// Passwords being hashed or waiting for it.
    pub passwords: usize,
}

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
            shed: registered(
                &mut registry,
                "requests_shed",
                "Requests answered 503 at once because too many were under way",
                Family::default(),
            ),
            in_flight: registered(&mut registry, "requests_in_flight", "Requests being answered", Gauge::default()),
            password_queue: registered(
                &mut registry,
                "password_queue",
                "Passwords being hashed or waiting for it",
                Gauge::default(),
            ),
            registry,
            routes: RwLock::default(),
        };
        Self(Arc::new(counts))
    }

    /// Counts an answered request and its round trips.
    pub fn answered(&self, answered: &Answered<'_>) {
        let method = known_method(answered.method);
        let routes = self.0.routes.read().unwrap_or_else(PoisonError::into_inner);
        if routes.get(answered.route).is_some_and(|route| route.count(answered, method)) {
            return;
        }
        drop(routes);
        let label = || Route { route: answered.route.to_owned() };
        let mut routes = self.0.routes.write().unwrap_or_else(PoisonError::into_inner);
        let counts = routes.entry(answered.route.to_owned()).or_insert_with(|| RouteCounts {
            seconds: self.0.request_seconds.get_or_create(&label()).clone(),
            sql: self.0.sql.get_or_create(&label()).clone(),
            cache: self.0.cache.get_or_create(&label()).clone(),
            answers: Vec::new(),
        });
        if !counts.count(answered, method) {
            let request = Request { route: answered.route.to_owned(), method, status: answered.status };
            counts.answers.push((method, answered.status, self.0.requests.get_or_create(&request).clone()));
            counts.count(answered, method);
        }
    }

    /// Counts a request that was turned away because too many were under way.
    pub fn shed(&self, route: &str) {
        self.0.shed.get_or_create(&Route { route: route.to_owned() }).inc();
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

    /// Notes what is being done at the moment; to be told before the numbers are read.
    pub fn under_way(&self, now: UnderWay) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.0.in_flight.set(number(now.requests));
        self.0.password_queue.set(number(now.passwords));
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
        let answered = Answered { route: "/token", method: "POST", status: 200, seconds: 0.004, sql: 3, cache: 1 };
        metrics.answered(&answered);
        metrics.clone().answered(&Answered { seconds: 7.0, sql: 2, cache: 0, ..answered });
        metrics.answered(&Answered { method: "BREW", status: 405, seconds: 0.0001, sql: 0, cache: 0, ..answered });
        metrics.shed("/token");
        metrics.sign_in("kakao", "success");
        metrics.token_issued("authorization_code");
        metrics.failure("cache", "unavailable");
        metrics.under_way(UnderWay { requests: 3, passwords: 1 });
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
            "comity_requests_shed_total{route=\"/token\"} 1",
            "comity_requests_in_flight 3",
            "comity_password_queue 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        metrics.under_way(UnderWay::default());
        assert!(metrics.encode().contains("comity_password_queue 0\n"));
        assert!(!Metrics::new().encode().contains("kakao"));
    }
}
