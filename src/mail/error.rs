//! Why a mail did not go out.

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The mail did not go out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Trying again cannot help: the address is malformed, or the server refuses this mail for good.
    #[error("the mail is refused")]
    Refused(#[source] Source),
    /// The server cannot be reached, or asks to try again later.
    #[error("the mail server is unavailable")]
    Unavailable(#[source] Source),
    /// The settings cannot work, e.g. no encryption to a server elsewhere.
    #[error("mail cannot be set up")]
    Settings(#[source] Source),
    /// A template or a header could not be written.
    #[error("the mail cannot be written")]
    Fault(#[source] Source),
}
