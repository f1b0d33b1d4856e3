//! Telling people what happened to their account: to every proven address, in their own language. A notice never
//! fails what it is about; one that cannot be sent is logged.

use std::time::Duration;

use super::state::Web;
use crate::mail::{Letter, Message, Notice};
use crate::model::contact::{Contact, ContactKind};
use crate::model::{AccountId, ConnectionId, Fault, Locale, ProgrammeId};
use crate::policy::identifier::mask;
use crate::store::Profile;
use crate::telemetry::log_fault;

/// How long an answer waits for its notices to be taken by the mail server. They go on without it, but a process that
/// stops waits for answers under way, not for notices.
const PATIENCE: Duration = Duration::from_millis(300);

/// A login at a provider was added.
pub async fn identity_linked(web: &Web, account: AccountId, connection: &ConnectionId) {
    let name = |locale: &Locale| web.federation.name(connection, locale).unwrap_or(connection.as_str());
    tell(web, account, None, |locale| Some(Notice::LoginMethodLinked { method: name(locale) })).await;
}

/// A login at a provider was removed.
pub async fn identity_unlinked(web: &Web, account: AccountId, connection: &ConnectionId) {
    let name = |locale: &Locale| web.federation.name(connection, locale).unwrap_or(connection.as_str());
    tell(web, account, None, |locale| Some(Notice::LoginMethodRemoved { method: name(locale) })).await;
}

/// A password was set or changed.
pub async fn password_changed(web: &Web, account: AccountId) {
    tell(web, account, None, |_| Some(Notice::PasswordChanged)).await;
}

/// An address was added and proven.
pub async fn contact_added(web: &Web, account: AccountId, address: &str) {
    let address = mask(address);
    tell(web, account, None, |_| Some(Notice::AddressAdded { address: &address })).await;
}

/// An address was removed. It hears of that too, if it was a proven mailbox.
pub async fn contact_removed(web: &Web, account: AccountId, removed: &Contact) {
    let address = mask(&removed.value);
    tell(web, account, Some(removed), |_| Some(Notice::AddressRemoved { address: &address })).await;
}

/// A member number, masked, was linked.
pub async fn member_linked(web: &Web, account: AccountId, programme: &ProgrammeId, number: &str) {
    let known = web.memberships.programme(programme);
    let notice = |locale: &Locale| Some(Notice::MembershipLinked { programme: known?.name(locale), number });
    tell(web, account, None, notice).await;
}

/// A member number, masked, was unlinked.
pub async fn member_unlinked(web: &Web, account: AccountId, programme: &ProgrammeId, number: &str) {
    let known = web.memberships.programme(programme);
    let name = |locale: &Locale| known.map_or(programme.as_str(), |known| known.name(locale));
    tell(web, account, None, |locale| Some(Notice::MembershipUnlinked { programme: name(locale), number })).await;
}

/// Writes one letter per address and sends them without making the person wait for a slow mail server.
async fn tell<'a>(
    web: &Web,
    account: AccountId,
    besides: Option<&Contact>,
    notice: impl FnOnce(&Locale) -> Option<Notice<'a>>,
) {
    let profile = match web.accounts.profile(account).await {
        Ok(Some(profile)) => profile,
        Ok(None) => return,
        Err(fault) => return log_fault(&fault),
    };
    let Some(notice) = notice(&profile.account.locale) else { return };
    let messages = match write(web, &profile, besides, &Letter::Notice(notice)) {
        Ok(messages) => messages,
        Err(fault) => return log_fault(&fault),
    };
    let mail = web.mail.clone();
    let sending = tokio::spawn(async move {
        for message in messages {
            if let Err(error) = mail.send(message).await {
                log_fault(&Fault::unavailable("send a notice", error));
            }
        }
    });
    // Whether it was done by then is all the same.
    drop(tokio::time::timeout(PATIENCE, sending).await);
}

fn write(web: &Web, profile: &Profile, besides: Option<&Contact>, letter: &Letter<'_>) -> Result<Vec<Message>, Fault> {
    let locale = &profile.account.locale;
    let say = |key: &str| web.texts.get(locale, key).to_owned();
    let mailboxes = profile.contacts.iter().chain(besides);
    mailboxes
        .filter(|contact| contact.kind == ContactKind::Email && contact.verified_at.is_some())
        .map(|contact| letter.write(&contact.value, locale, &web.letterhead, &say))
        .collect::<Result<_, _>>()
        .map_err(|error| Fault::new("write a notice", error))
}
