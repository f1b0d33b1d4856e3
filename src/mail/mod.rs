//! L2 — mail to people: a [`Letter`] becomes a [`Message`] in the reader's language, and [`Mail`] delivers it over
//! SMTP or keeps it where a test or the demo can read it.
//!
//! The words are in `config/locales/mail.<language>.toml`, the looks in `templates/mail/`; links come from the
//! deployment's configuration, never from a request. Never here: to whom mail may go and how often.
//! A new notice is a variant of [`Notice`] and its two texts in every language.

mod error;
mod letter;
mod message;
mod sink;
mod smtp;
#[cfg(test)]
mod tests;
mod transport;

pub use error::Error;
pub use letter::{Letter, Letterhead, Notice};
pub use message::Message;
pub use sink::Sink;
pub use smtp::{Security, SmtpSettings};
pub use transport::Mail;
