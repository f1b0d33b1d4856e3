//! What there is to write about, and how it is put into words.

use askama::Template;
use url::Url;

use super::error::Error;
use super::message::Message;
use crate::model::{Locale, Secret};

/// Inserted names longer than this are cut: a subject line is no place for somebody else's essay.
const LONGEST_INSERT: usize = 120;

/// Who writes: the same for all mails of a deployment.
#[derive(Clone, Debug)]
pub struct Letterhead {
    /// The name people know the service by.
    pub service: String,
    /// Where they look after their account.
    pub account_url: Url,
}

/// Something to write to a person.
#[derive(Clone, Debug)]
pub enum Letter<'a> {
    /// The code to sign in with, and a link that carries it.
    SignInCode {
        /// The code.
        code: &'a Secret<String>,
        /// The link, for the browser in which signing in began.
        link: Option<&'a Url>,
        /// Minutes until both expire.
        minutes: i64,
    },
    /// The code that proves an address to be theirs.
    AddressCode {
        /// The code.
        code: &'a Secret<String>,
        /// Minutes until it expires.
        minutes: i64,
    },
    /// Somebody tried to sign up with this address, which has an account: the page does not tell, the mailbox may.
    AddressTaken,
    /// Something happened to the account that its owner must hear of.
    Notice(Notice<'a>),
}

/// What happened to an account.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A device signed in for the first time.
    NewSignIn {
        /// The device in a few words.
        device: &'a str,
    },
    /// A login method was added.
    LoginMethodLinked {
        /// Its name, e.g. `Kakao`.
        method: &'a str,
    },
    /// A login method was removed.
    LoginMethodRemoved {
        /// Its name.
        method: &'a str,
    },
    /// The password was set or changed.
    PasswordChanged,
    /// An e-mail address was added.
    AddressAdded {
        /// The address, masked.
        address: &'a str,
    },
    /// An e-mail address was removed, perhaps this one.
    AddressRemoved {
        /// The address, masked.
        address: &'a str,
    },
    /// Another e-mail address took the place of this one.
    AddressChanged {
        /// The new address, masked as policy wants it.
        address: &'a str,
    },
    /// A membership number was linked.
    MembershipLinked {
        /// The name of the programme.
        programme: &'a str,
        /// The number, masked.
        number: &'a str,
    },
    /// A membership number was unlinked.
    MembershipUnlinked {
        /// The name of the programme.
        programme: &'a str,
        /// The number, masked.
        number: &'a str,
    },
    /// A membership number went to another account.
    MembershipMoved {
        /// The name of the programme.
        programme: &'a str,
        /// The number, masked.
        number: &'a str,
    },
}

type Inserts<'a> = Vec<(&'static str, &'a str)>;

/// The text of a key below `mail.` with values in the place of its `{names}`.
type Say<'s> = &'s dyn Fn(&str, &[(&str, &str)]) -> String;

struct Button<'a> {
    lead: String,
    label: String,
    url: &'a str,
}

struct Content<'a> {
    subject: String,
    lead: String,
    code: Option<&'a str>,
    validity: String,
    button: Option<Button<'a>>,
    advice: String,
}

#[derive(Template)]
#[template(path = "mail/letter.txt", escape = "none")]
struct TextBody<'a> {
    lead: &'a str,
    code: Option<&'a str>,
    validity: &'a str,
    button: &'a Option<Button<'a>>,
    advice: &'a str,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct HtmlBody<'a> {
    lang: &'a str,
    service: &'a str,
    subject: &'a str,
    lead: &'a str,
    code: Option<&'a str>,
    validity: &'a str,
    button: &'a Option<Button<'a>>,
    advice: &'a str,
    footer: &'a str,
}

impl Letter<'_> {
    /// Writes the letter to `to`. `texts` gives the text of a key (`mail.code.subject`) in the language of `locale`.
    pub fn write(
        &self,
        to: &str,
        locale: &Locale,
        head: &Letterhead,
        texts: &dyn Fn(&str) -> String,
    ) -> Result<Message, Error> {
        let say = |key: &str, inserts: &[(&str, &str)]| {
            let mut inserts = inserts.to_vec();
            inserts.push(("service", &head.service));
            fill(&texts(&format!("mail.{key}")), &inserts)
        };
        let content = self.content(head, &say);
        let footer = say("footer", &[]);
        let Content { subject, lead, code, validity, button, advice } = &content;
        let text = TextBody { lead, code: *code, validity, button, advice, footer: &footer };
        let html = HtmlBody {
            lang: locale.as_str(),
            service: &head.service,
            subject,
            lead,
            code: *code,
            validity,
            button,
            advice,
            footer: &footer,
        };
        Ok(Message {
            to: to.to_owned(),
            locale: locale.clone(),
            text: text.render().map_err(|error| Error::Fault(error.into()))?,
            html: html.render().map_err(|error| Error::Fault(error.into()))?,
            subject: content.subject,
        })
    }

    fn content<'a>(&'a self, head: &'a Letterhead, say: Say<'_>) -> Content<'a> {
        let account = |section: &str| Button {
            lead: String::new(),
            label: say(&format!("{section}.button"), &[]),
            url: head.account_url.as_str(),
        };
        let plain = |section: &str, code: Option<&'a Secret<String>>, minutes: i64| Content {
            subject: say(&format!("{section}.subject"), &[]),
            lead: say(&format!("{section}.lead"), &[]),
            code: code.map(|code| code.expose().as_str()),
            validity: code.map_or_else(String::new, |_| {
                say(&format!("{section}.validity"), &[("minutes", &minutes.to_string())])
            }),
            button: None,
            advice: say(&format!("{section}.advice"), &[]),
        };
        match self {
            Letter::SignInCode { code, link, minutes } => {
                let button = link.map(|url| Button {
                    lead: say("code.link_lead", &[]),
                    label: say("code.link", &[]),
                    url: url.as_str(),
                });
                Content { button, ..plain("code", Some(code), *minutes) }
            }
            Letter::AddressCode { code, minutes } => plain("verify", Some(code), *minutes),
            Letter::AddressTaken => {
                Content { button: Some(account("address_taken")), ..plain("address_taken", None, 0) }
            }
            Letter::Notice(notice) => {
                let (section, inserts) = notice.section();
                Content {
                    subject: say(&format!("notice.{section}.subject"), &inserts),
                    lead: say(&format!("notice.{section}.lead"), &inserts),
                    code: None,
                    validity: String::new(),
                    button: Some(account("notice")),
                    advice: say("notice.advice", &[]),
                }
            }
        }
    }
}

impl<'a> Notice<'a> {
    fn section(&self) -> (&'static str, Inserts<'a>) {
        match *self {
            Self::NewSignIn { device } => ("new_sign_in", vec![("device", device)]),
            Self::LoginMethodLinked { method } => ("login_method_linked", vec![("method", method)]),
            Self::LoginMethodRemoved { method } => ("login_method_removed", vec![("method", method)]),
            Self::PasswordChanged => ("password_changed", Vec::new()),
            Self::AddressAdded { address } => ("address_added", vec![("address", address)]),
            Self::AddressRemoved { address } => ("address_removed", vec![("address", address)]),
            Self::AddressChanged { address } => ("address_changed", vec![("address", address)]),
            Self::MembershipLinked { programme, number } => {
                ("membership_linked", vec![("programme", programme), ("number", number)])
            }
            Self::MembershipUnlinked { programme, number } => {
                ("membership_unlinked", vec![("programme", programme), ("number", number)])
            }
            Self::MembershipMoved { programme, number } => {
                ("membership_moved", vec![("programme", programme), ("number", number)])
            }
        }
    }
}

/// Puts values in the place of `{names}`, each once: a value that looks like a placeholder stays what it is.
fn fill(text: &str, inserts: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let insert = after.split_once('}').and_then(|(name, rest)| {
            let (_, value) = inserts.iter().find(|(known, _)| *known == name)?;
            Some((value, rest))
        });
        rest = if let Some((value, rest)) = insert {
            filled.push_str(&one_line(value));
            rest
        } else {
            filled.push('{');
            after
        };
    }
    filled + rest
}

/// A value fit for a line of text: no controls, no invisible or direction-changing characters, not too long.
fn one_line(value: &str) -> String {
    let is_tricky = |c: char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let words: String =
        value.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_tricky(*c)).collect();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_INSERT {
        return line;
    }
    let mut cut: String = line.chars().take(LONGEST_INSERT - 1).collect();
    cut.push('…');
    cut
}
