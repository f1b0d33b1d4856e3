//! One listener, many houses: the `Host` header decides who answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::response::Response;
use tower::ServiceExt;

/// Who answers for which host.
pub(super) struct Houses {
    /// By host name, without the port.
    pub(super) by_host: BTreeMap<String, Router>,
    /// `/demo` on the OP's own host.
    pub(super) stage: Router,
    /// Everything else: it refuses hosts that are not its own.
    pub(super) op: Router,
}

/// The router of the one listener.
pub(super) fn router(houses: Houses) -> Router {
    Router::new().fallback(dispatch).with_state(Arc::new(houses))
}

async fn dispatch(State(houses): State<Arc<Houses>>, request: Request) -> Response {
    let house = houses.of(&request).clone();
    match house.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl Houses {
    fn of(&self, request: &Request) -> &Router {
        let header = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        let host = header.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
        let name = host.unwrap_or_default().split(':').next().unwrap_or_default().to_ascii_lowercase();
        let path = request.uri().path();
        if name == "localhost" && (path == "/demo" || path.starts_with("/demo/")) {
            return &self.stage;
        }
        self.by_host.get(&name).unwrap_or(&self.op)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};

    use super::*;

    async fn answer(host: &str, path: &str) -> String {
        let named = |name: &'static str| Router::new().fallback(async move || name);
        let houses = Houses {
            by_host: BTreeMap::from([("shop.localhost".to_owned(), named("shop"))]),
            stage: named("stage"),
            op: named("op"),
        };
        let request = Request::get(path).header(HOST, host).body(Body::empty()).unwrap();
        let response = router(houses).oneshot(request).await.unwrap();
        String::from_utf8(to_bytes(response.into_body(), 100).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn hosts_are_told_apart() {
        for (host, path, expected) in [
            ("shop.localhost:8080", "/", "shop"),
            ("SHOP.localhost", "/demo", "shop"),
            ("localhost:8080", "/", "op"),
            ("localhost:8080", "/demo", "stage"),
            ("localhost:8080", "/demo/do", "stage"),
            ("localhost:8080", "/demonstration", "op"),
            ("evil.example", "/demo", "op"),
            ("xshop.localhost:8080", "/", "op"),
        ] {
            assert_eq!(answer(host, path).await, expected, "{host}{path}");
        }
    }
}
