//! Why a server cannot be put together.

/// The server cannot be put together. The text says which part, and why.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct Error {
    part: &'static str,
    reason: String,
}

impl Error {
    /// Names the part that failed, with all causes of its error.
    pub fn new(part: &'static str, error: &dyn std::error::Error) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            reason = format!("{reason}: {next}");
            cause = next.source();
        }
        Self { part, reason }
    }

    pub(super) fn text(part: &'static str, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into() }
    }
}

/// Says which part of the server a failure is of.
pub(super) trait In<T> {
    fn part(self, part: &'static str) -> Result<T, Error>;
}

impl<T, E: std::error::Error> In<T> for Result<T, E> {
    fn part(self, part: &'static str) -> Result<T, Error> {
        self.map_err(|error| Error::new(part, &error))
    }
}
