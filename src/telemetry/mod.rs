//! What operators see: the log, the metrics, and the id that ties an error page to its log line.
//!
//! One event is one line, whatever an attacker puts into a value. Never here: secrets, personal data, query strings;
//! what may be logged is decided where it is logged. A new metric is a field of [`Metrics`] and the method that counts.

mod json;
mod lines;
mod log;
mod metrics;
mod request_id;

pub use lines::LogGuard;
pub use log::{Error, LogFormat, LogSettings, check, init, log_fault};
pub use metrics::{Answered, Metrics, UnderWay};
pub use request_id::RequestId;
