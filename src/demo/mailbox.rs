//! `mail.localhost`: every mail of the OP and every text message of the loyalty host, newest first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use regex::Regex;

use super::addresses::Addresses;
use super::page::{Frame, Visit, html, style, time_of_day};
use super::words::Words;
use crate::mail::Sink;
use crate::model::{Clock, UnixTime};

const KEPT: usize = 200;

/// The mailbox of everybody on the stage. Clones share it.
#[derive(Clone, Debug)]
pub struct Mailbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    code: Regex,
    link: Regex,
    state: Mutex<Received>,
}

#[derive(Debug, Default)]
struct Received {
    sink: Option<Sink>,
    letters: VecDeque<Letter>,
    count: usize,
}

/// One mail or text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Counts up from 1.
    pub number: usize,
    /// An address or a telephone number.
    pub to: String,
    /// Empty for a text message.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// When it was noticed.
    pub at: UnixTime,
    /// The six digits in it.
    pub code: Option<String>,
    /// The first link in it.
    pub link: Option<String>,
}

impl Mailbox {
    /// An empty one.
    ///
    /// # Errors
    /// When its search patterns are malformed.
    pub(super) fn new(clock: Clock) -> Result<Self, regex::Error> {
        let code = Regex::new(r"(?:^|[^0-9])([0-9]{6})(?:[^0-9]|$)")?;
        let link = Regex::new(r"https?://[^\s<>]+")?;
        Ok(Self(Arc::new(Inner { clock, code, link, state: Mutex::default() })))
    }

    /// Shows the mails of this sink from now on.
    pub(super) fn attach(&self, sink: Sink) {
        self.received().sink = Some(sink);
    }

    /// Takes in a text message.
    pub(super) fn deliver(&self, to: &str, text: &str) {
        let mut received = self.collected();
        self.add(&mut received, to, "", text);
    }

    /// Everything received, newest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.collected().letters.iter().rev().cloned().collect()
    }

    /// With the sink's new mails in it, before anything that comes later.
    fn collected(&self) -> MutexGuard<'_, Received> {
        let mut received = self.received();
        let messages = received.sink.as_ref().map(|sink| {
            let messages = sink.messages();
            sink.clear();
            messages
        });
        for message in messages.unwrap_or_default() {
            self.add(&mut received, &message.to, &message.subject, &message.text);
        }
        received
    }

    fn add(&self, received: &mut Received, to: &str, subject: &str, text: &str) {
        received.count += 1;
        if received.letters.len() >= KEPT {
            received.letters.pop_front();
        }
        let link = self.0.link.find(text).map(|found| found.as_str().to_owned());
        // Digits inside a link are no code.
        let bare = self.0.link.replace_all(text, "");
        let code = self.0.code.captures(&bare).and_then(|found| found.get(1)).map(|code| code.as_str().to_owned());
        received.letters.push_back(Letter {
            number: received.count,
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: text.trim().to_owned(),
            at: self.0.clock.now(),
            code,
            link,
        });
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct Shown {
    mailbox: Mailbox,
    words: Arc<Words>,
    addresses: Addresses,
}

/// The mailbox's page.
pub(super) fn router(mailbox: Mailbox, words: Arc<Words>, addresses: Addresses) -> Router {
    Router::new().route("/", get(page)).route("/demo.css", get(style)).with_state(Shown { mailbox, words, addresses })
}

#[derive(Template)]
#[template(path = "demo/mailbox/mailbox.html")]
struct Page {
    frame: Frame,
    stage: String,
    rows: Vec<Row>,
    still: bool,
}

struct Row {
    letter: Letter,
    at: String,
    /// Whether no newer letter has a code, and a link.
    has_newest_code: bool,
    has_newest_link: bool,
}

impl Row {
    fn all(letters: Vec<Letter>) -> Vec<Self> {
        let newest = |has: fn(&Letter) -> bool| letters.iter().find(|letter| has(letter)).map(|letter| letter.number);
        let (code, link) = (newest(|letter| letter.code.is_some()), newest(|letter| letter.link.is_some()));
        let row = |letter: Letter| Self {
            at: time_of_day(letter.at),
            has_newest_code: Some(letter.number) == code,
            has_newest_link: Some(letter.number) == link,
            letter,
        };
        letters.into_iter().map(row).collect()
    }
}

async fn page(State(shown): State<Shown>, visit: Visit) -> Response {
    let mut frame = visit.frame(&shown.words, "/demo.css");
    let still = visit.query("still").is_some();
    if !still {
        frame.refresh_seconds = Some(3);
    }
    let stage = format!("{}?ui_locales={}", shown.addresses.stage(), visit.lang.as_str());
    let rows = Row::all(shown.mailbox.letters());
    let page = Page { frame, stage, rows, still };
    html(&page, &page.frame, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Mail, Message};

    fn mailbox() -> Mailbox {
        Mailbox::new(Clock::manual(UnixTime(0))).unwrap()
    }

    #[test]
    fn code_and_link_are_found() {
        let mailbox = mailbox();
        for (text, code, link) in [
            ("[SkyWay Club] 인증번호는 482915입니다.", Some("482915"), None),
            (
                "Code 000123\nhttp://localhost:8080/sign-in/link?t=987654",
                Some("000123"),
                Some("http://localhost:8080/sign-in/link?t=987654"),
            ),
            ("http://localhost:8080/a?code=123456", None, Some("http://localhost:8080/a?code=123456")),
            ("Member 0012345675 was linked", None, None),
        ] {
            mailbox.deliver("+821055550112", text);
            let letter = mailbox.letters().remove(0);
            assert_eq!((letter.code.as_deref(), letter.link.as_deref()), (code, link), "{text}");
        }
    }

    #[tokio::test]
    async fn mails_and_messages_stand_in_the_order_they_came() {
        let (mailbox, mail) = (mailbox(), Mail::sink());
        mailbox.attach(mail.as_sink().unwrap().clone());
        let send = async |subject: &str| {
            let message = Message {
                to: "mina@example.kr".to_owned(),
                locale: "ko".parse().unwrap(),
                subject: subject.to_owned(),
                text: String::new(),
                html: String::new(),
            };
            mail.send(message).await.unwrap();
        };
        send("first").await;
        mailbox.deliver("+82", "second");
        send("third").await;
        let order: Vec<_> = mailbox.letters().iter().map(|it| format!("{}{}", it.subject, it.text)).collect();
        assert_eq!(order, ["third", "second", "first"]);
        assert_eq!(mailbox.letters().len(), 3);
    }
}
