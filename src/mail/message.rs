//! A mail ready to be sent.

use std::fmt;

use crate::model::Locale;

/// One mail to one reader. Its `Debug` form names the language only: bodies hold codes, addresses are personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The address of the reader.
    pub to: String,
    /// The language it is written in.
    pub locale: Locale,
    /// The subject.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("locale", &self.locale).finish_non_exhaustive()
    }
}
