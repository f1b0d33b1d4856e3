//! Why the cache has no answer.

use crate::model::Fault;

/// The cache has no answer; the caller must refuse what it was about to allow.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server cannot be reached, is too slow, or does not accept writes.
    #[error("the cache is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The memory set aside for records is used up; old records are never dropped for new ones.
    #[error("the cache is full")]
    Full,
    /// A record is not what its slot says, or the address of the server is malformed.
    #[error("the cache failed")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Full => Self::unavailable("the cache does not answer", error),
            Error::Fault(_) => Self::new("the cache", error),
        }
    }
}
