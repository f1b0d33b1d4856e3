//! The way out.

use lettre::Address;

use super::error::Error;
use super::message::Message;
use super::sink::Sink;
use super::smtp::{Smtp, SmtpSettings};
use crate::model::{Clock, Random};

#[derive(Clone, Debug)]
enum Route {
    Smtp(Smtp),
    Sink(Sink),
}

/// Delivers mail. Clones share connections, or the sink.
#[derive(Clone, Debug)]
pub struct Mail(Route);

impl Mail {
    /// Delivers through an SMTP server; connects when the first mail is sent.
    pub fn smtp(settings: &SmtpSettings, clock: Clock, random: Random) -> Result<Self, Error> {
        Ok(Self(Route::Smtp(Smtp::new(settings, clock, random)?)))
    }

    /// Delivers nowhere and keeps what it is given.
    pub fn sink() -> Self {
        Self(Route::Sink(Sink::default()))
    }

    /// What was kept, if this is a sink.
    pub fn as_sink(&self) -> Option<&Sink> {
        match &self.0 {
            Route::Sink(sink) => Some(sink),
            Route::Smtp(_) => None,
        }
    }

    /// Hands `message` over; the server has accepted it once this returns.
    pub async fn send(&self, message: Message) -> Result<(), Error> {
        let to: Address = message.to.parse().map_err(|error| Error::Refused(Box::new(error)))?;
        if message.subject.chars().chain(message.to.chars()).any(char::is_control) {
            return Err(Error::Refused("a control character in a header".into()));
        }
        match &self.0 {
            Route::Smtp(smtp) => smtp.send(to, message).await,
            Route::Sink(sink) => {
                sink.keep(message);
                Ok(())
            }
        }
    }
}
