//! Why there is no answer. The texts are the same for whatever could map a network from outside.

type Source = Box<dyn std::error::Error + Send + Sync>;

/// There is no usable answer from the remote server. What exactly went wrong is in the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guard does not let this request out.
    #[error("the remote server could not be reached")]
    Forbidden,
    /// No name, no route, no connection, no TLS session, or it broke off.
    #[error("the remote server could not be reached")]
    Unreachable,
    /// The deadline passed, be it in the queue for the host, connecting, or reading.
    #[error("the remote server could not be reached")]
    Timeout,
    /// It sends us elsewhere.
    #[error("the remote server gave no usable answer")]
    Redirect,
    /// It sends more than we read.
    #[error("the remote server gave no usable answer")]
    TooLarge,
    /// It sends something else than we asked for, or what it sends cannot be read.
    #[error("the remote server gave no usable answer")]
    Unreadable,
    /// The request itself cannot be written, e.g. a header with a line break.
    #[error("the request is malformed")]
    Request(#[source] Source),
    /// The client cannot be set up, e.g. the file of extra certificate authorities is unreadable.
    #[error("the HTTP client cannot be set up")]
    Settings(#[source] Source),
}
