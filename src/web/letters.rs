//! Mails, written in the reader's language and handed to the mail server.

use super::state::Web;
use crate::mail::Letter;
use crate::model::{Fault, Locale};

/// Sends a letter. Its fate is the mail server's business from then on; that it took the letter is ours.
pub async fn send(web: &Web, to: &str, locale: &Locale, letter: &Letter<'_>) -> Result<(), Fault> {
    let say = |key: &str| web.texts.get(locale, key).to_owned();
    let message = letter.write(to, locale, &web.letterhead, &say).map_err(|error| Fault::new("write a mail", error))?;
    web.mail.send(message).await.map_err(|error| Fault::unavailable("send a mail", error))
}
