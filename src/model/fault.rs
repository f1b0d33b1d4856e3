//! A failure of ours.

use std::error::Error;

/// Something on our side failed: logged once at the edge with the request's id, shown to nobody else.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Fault {
    context: &'static str,
    unavailable: bool,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl Fault {
    /// A defect or an impossible state.
    pub fn new(context: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { context, unavailable: false, source: source.into() }
    }

    /// A dependency that does not answer: the caller may try again (HTTP 503).
    pub fn unavailable(context: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { context, unavailable: true, source: source.into() }
    }

    /// Whether trying again later makes sense.
    pub const fn is_unavailable(&self) -> bool {
        self.unavailable
    }
}
