//! Why the room has no answer, and why it does not start.

use crate::model::ProgrammeId;
use crate::{cache, store};

/// Ours to mend: callers answer 503 or `server_error`. What a host or a person does wrong is an outcome instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody knows how often a number was tried, or what the link in progress is: refused, never unlimited.
    #[error("the cache has no answer")]
    Cache(#[from] cache::Error),
    /// Links cannot be read or written.
    #[error("the store has no answer")]
    Store(#[from] store::Error),
}

/// A programme's settings cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// A value contradicts itself or another.
    #[error("membership programme {programme}: {what}")]
    Programme {
        /// Which programme.
        programme: ProgrammeId,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two programmes share an id.
    #[error("membership programme {0} is configured twice")]
    Twice(ProgrammeId),
    /// A credential's file cannot be read.
    #[error("membership programme {programme}: cannot read {path}")]
    File {
        /// Which programme.
        programme: ProgrammeId,
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
