//! L4 — HTTP: the only room that knows axum, cookies and HTML. It turns requests into calls of the rooms below and
//! their outcomes into answers; it decides nothing. A handler reads, calls, maps.
//!
//! Every route is in `router.rs`. A new page is a handler in `pages/`, a view in `views/`, a template and texts, all
//! of one name; a new endpoint is a file in `endpoints/`. What every request goes through is `edge.rs`; what a
//! browser's request is made of, `visit.rs`. The faces of failures are in `error.rs`.

pub mod assets;
pub mod cookies;
pub mod cors;
pub mod documents;
pub mod edge;
pub mod endpoints;
pub mod error;
pub mod forms;
pub mod headers;
pub mod letters;
pub mod listen;
pub mod load;
pub mod notices;
pub mod pages;
pub mod paths;
pub mod patience;
pub mod private;
pub mod proxies;
pub mod response_mode;
pub mod router;
pub mod state;
pub mod views;
pub mod visit;
