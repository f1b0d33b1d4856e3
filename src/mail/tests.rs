//! Every letter in every language, and delivery to a small SMTP server on this machine.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Error, Letter, Letterhead, Mail, Message, Notice, Security, SmtpSettings};
use crate::model::{Clock, Locale, Random, Secret, UnixTime};

const LANGUAGES: [(&str, &str); 3] = [
    ("ko", include_str!("../../config/locales/mail.ko.toml")),
    ("en", include_str!("../../config/locales/mail.en.toml")),
    ("ja", include_str!("../../config/locales/mail.ja.toml")),
];

fn keys(table: &toml::Table, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(inner) => found.extend(keys(inner, &format!("{prefix}{name}."))),
            _ => assert!(found.insert(format!("{prefix}{name}"))),
        }
    }
    found
}

fn text(table: &toml::Table, key: &str) -> String {
    let mut parts = key.split('.');
    let first = table.get(parts.next().unwrap()).unwrap_or_else(|| panic!("{key}"));
    let value = parts.fold(first, |value, part| value.get(part).unwrap_or_else(|| panic!("{key} is missing")));
    value.as_str().unwrap().to_owned()
}

fn head() -> Letterhead {
    Letterhead { service: "SkyWay".to_owned(), account_url: "https://id.skyway.example/account".parse().unwrap() }
}

fn write(language: &str, letter: &Letter<'_>) -> Message {
    let source = LANGUAGES.iter().find(|(known, _)| *known == language).unwrap().1;
    let table: toml::Table = source.parse().unwrap();
    letter.write("mina@example.com", &language.parse().unwrap(), &head(), &|key| text(&table, key)).unwrap()
}

fn every_letter<'a>(code: &'a Secret<String>, link: &'a Url) -> Vec<Letter<'a>> {
    let mut letters = vec![
        Letter::SignInCode { code, link: Some(link), minutes: 10 },
        Letter::SignInCode { code, link: None, minutes: 10 },
        Letter::AddressCode { code, minutes: 10 },
        Letter::AddressTaken,
    ];
    let (programme, number) = ("SkyWay Club", "•••• 123");
    letters.extend(
        [
            Notice::NewSignIn { device: "Chrome, macOS" },
            Notice::LoginMethodLinked { method: "Kakao" },
            Notice::LoginMethodRemoved { method: "LINE" },
            Notice::PasswordChanged,
            Notice::AddressAdded { address: "m•••@example.net" },
            Notice::AddressRemoved { address: "m•••@example.net" },
            Notice::AddressChanged { address: "m•••@example.org" },
            Notice::MembershipLinked { programme, number },
            Notice::MembershipUnlinked { programme, number },
            Notice::MembershipMoved { programme, number },
        ]
        .map(Letter::Notice),
    );
    letters
}

#[test]
fn every_letter_is_written_in_every_language_and_every_text_is_used() {
    let (code, link) = (Secret::from("493027"), "https://id.skyway.example/link?t=a&b=1".parse().unwrap());
    let mut tables = LANGUAGES.map(|(_, source)| source.parse::<toml::Table>().unwrap()).into_iter();
    let known = keys(&tables.next().unwrap(), "");
    for table in tables {
        assert_eq!(keys(&table, ""), known);
    }
    for (language, source) in LANGUAGES {
        let table: toml::Table = source.parse().unwrap();
        let locale: Locale = language.parse().unwrap();
        let used = RefCell::new(BTreeSet::new());
        let texts = |key: &str| {
            used.borrow_mut().insert(key.to_owned());
            text(&table, key)
        };
        for letter in every_letter(&code, &link) {
            let message = letter.write("mina@example.com", &locale, &head(), &texts).unwrap();
            for part in [&message.subject, &message.text, &message.html] {
                assert!(!part.contains(['{', '}']) && !part.trim().is_empty(), "{letter:?}\n{part}");
            }
            assert!(message.html.contains(&format!("<html lang=\"{language}\">")));
            assert!(!message.text.contains("\n\n\n") && !message.subject.contains("493027"));
            let has_code = matches!(letter, Letter::SignInCode { .. } | Letter::AddressCode { .. });
            assert_eq!(message.text.contains("\n    493027\n"), has_code, "{}", message.text);
            assert_eq!(message.html.contains(">493027<"), has_code);
        }
        assert_eq!(used.into_inner(), known);
    }
}

#[test]
fn no_korean_particle_that_depends_on_the_name_follows_an_insert() {
    for part in LANGUAGES[0].1.split('}').skip(1) {
        assert!(
            !part.starts_with(['을', '를', '이', '가', '은', '는', '과', '와', '로', '으', '아', '야']),
            "}}{part}"
        );
    }
}

#[test]
fn a_letter_reads_as_text_and_as_html() {
    let (code, link) = (Secret::from("493027"), "https://id.skyway.example/link?t=a&b=1".parse().unwrap());
    let message = write("en", &Letter::SignInCode { code: &code, link: Some(&link), minutes: 10 });
    assert_eq!(message.subject, "Your SkyWay sign-in code");
    let expected = "Enter this code on the sign-in page.

    493027

It works once, within 10 minutes.

If you're reading this in the browser where you started, you can also continue with this button.
Continue signing in:
https://id.skyway.example/link?t=a&b=1

If you didn't try to sign in, you can ignore this mail. Don't share the code with anyone. We'll never ask you for it.

-- 
Sent by SkyWay. This mailbox isn't monitored, so replies won't reach us.
";
    assert_eq!(message.text.trim_end(), expected.trim_end());
    assert!(message.html.contains("href=\"https://id.skyway.example/link?t=a&#38;b=1\""), "{}", message.html);
    let notice = write("en", &Letter::Notice(Notice::PasswordChanged));
    assert!(notice.text.contains("Review your account:\nhttps://id.skyway.example/account\n\nIf this was you"));
    assert!(!format!("{message:?}").contains("mina") && !format!("{message:?}").contains("493027"));
}

#[test]
fn inserted_names_can_change_neither_markup_nor_lines_nor_other_inserts() {
    let device = "<b>\u{202e}evil</b>\r\nBcc: x@example.com {method}\u{0}\u{85}";
    let message = write("en", &Letter::Notice(Notice::NewSignIn { device }));
    assert!(message.text.contains("new device: <b>evil</b> Bcc: x@example.com {method}\n"), "{}", message.text);
    assert!(!message.html.contains("<b>") && message.html.contains("&#60;b&#62;evil"));
    let long = "x".repeat(5_000);
    let message = write("en", &Letter::Notice(Notice::NewSignIn { device: &long }));
    assert!(message.text.len() < 600 && message.text.contains("xxx…"));
}

fn message(to: &str, subject: &str) -> Message {
    Message {
        to: to.to_owned(),
        locale: "ko".parse().unwrap(),
        subject: subject.to_owned(),
        text: "코드 493027\n.\n..dots\n".to_owned(),
        html: "<p>코드 493027</p>".to_owned(),
    }
}

#[tokio::test]
async fn a_sink_keeps_the_latest_and_refuses_what_a_server_would() {
    let mail = Mail::sink();
    for number in 0..1_005 {
        mail.send(message("mina@example.com", &format!("number {number}"))).await.unwrap();
    }
    let sink = mail.as_sink().unwrap();
    assert_eq!(sink.messages().len(), 1_000);
    assert_eq!(sink.messages()[0].subject, "number 5");
    assert_eq!(sink.latest_to("mina@example.com").unwrap().subject, "number 1004");
    assert_eq!(sink.latest_to("bora@example.com"), None);
    sink.clear();
    for (to, subject) in [
        ("mina@example.com", "hello\r\nBcc: x@example.com"),
        ("mina@example.com\r\nRCPT TO:<x@example.com>", "hello"),
        ("mina@example.com, x@example.com", "hello"),
        ("Mina <mina@example.com>", "hello"),
        ("mina", "hello"),
        ("", "hello"),
    ] {
        assert!(matches!(mail.send(message(to, subject)).await, Err(Error::Refused(_))), "{to:?} {subject:?}");
    }
    assert!(sink.messages().is_empty());
}

/// Speaks enough SMTP to take mail, writes down all it hears, and refuses recipients by their name.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), heard: Arc::default() };
        let running = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = running.clone();
                tokio::spawn(async move { server.converse(stream).await });
            }
        });
        server
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test ESMTP\r\n").await?;
        let mut in_data = false;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            self.heard.lock().unwrap().push(line.trim_end_matches("\r\n").to_owned());
            let reply = match line.split([' ', '\r']).next().unwrap_or_default() {
                _ if in_data => {
                    in_data = line != ".\r\n";
                    if in_data { "" } else { "250 accepted\r\n" }
                }
                "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
                "AUTH" => "235 welcome\r\n",
                "RCPT" if line.contains("<gone@") => "550 no such mailbox\r\n",
                "RCPT" if line.contains("<busy@") => "451 try later\r\n",
                "RCPT" if line.contains("<hung@") => std::future::pending().await,
                "DATA" => {
                    in_data = true;
                    "354 go on\r\n"
                }
                _ => "250 ok\r\n",
            };
            stream.write_all(reply.as_bytes()).await?;
            line.clear();
        }
        Ok(())
    }

    fn settings(&self) -> SmtpSettings {
        SmtpSettings {
            host: self.address.ip().to_string(),
            port: Some(self.address.port()),
            security: Security::None,
            username: None,
            password: None,
            from: "SkyWay 계정 <no-reply@skyway.example>".to_owned(),
            timeout_seconds: 5,
        }
    }

    fn mail(&self) -> Mail {
        open(&self.settings()).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn open(settings: &SmtpSettings) -> Result<Mail, Error> {
    Mail::smtp(settings, Clock::manual(UnixTime(1_900_000_000)), Random::new())
}

#[tokio::test]
async fn a_mail_reaches_the_server_whole() {
    let server = Server::start().await;
    let mail = server.mail();
    assert!(mail.as_sink().is_none());
    mail.send(message("mina@example.com", "로그인 코드 안내입니다. 이 제목은 한 줄에 담기에는 조금 길어요"))
        .await
        .unwrap();
    let heard = server.heard();
    assert_eq!(heard[0], "EHLO skyway.example");
    assert!(heard.iter().any(|line| line.starts_with("MAIL FROM:<no-reply@skyway.example>")), "{heard:#?}");
    assert_eq!(
        heard.iter().filter(|line| line.starts_with("RCPT ")).collect::<Vec<_>>(),
        ["RCPT TO:<mina@example.com>"]
    );
    for header in [
        "To: mina@example.com",
        "Date: Sun, 17 Mar 2030 17:46:40 +0000",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(heard.iter().any(|line| line == header), "{header} in {heard:#?}");
    }
    assert!(heard.iter().any(|line| line.starts_with("Message-ID: <") && line.ends_with("@skyway.example>")));
    assert!(heard.iter().any(|line| line.starts_with("Subject: =?utf-8?b?")));
    assert!(heard.iter().any(|line| line.starts_with("Content-Type: multipart/alternative;")));
    assert!(heard.iter().all(|line| line.is_ascii() && line.len() < 998));
    assert!(!heard.iter().any(|line| line.starts_with("AUTH")));
    assert_eq!(heard.last().unwrap(), ".");
}

#[tokio::test]
async fn a_connection_is_used_again_unless_its_dialogue_broke_off() {
    let server = Server::start().await;
    let mail = server.mail();
    let dialogues = || server.heard().iter().filter(|line| line.starts_with("EHLO")).count();
    for _ in 0..3 {
        mail.send(message("mina@example.com", "hello")).await.unwrap();
    }
    assert_eq!(dialogues(), 1);
    // Given up by its caller while the server is silent, as when a browser goes away.
    let (giving_up, hung) = (mail.clone(), message("hung@example.com", "hello"));
    let sending = tokio::spawn(async move { giving_up.send(hung).await });
    while !server.heard().contains(&"RCPT TO:<hung@example.com>".to_owned()) {
        tokio::task::yield_now().await;
    }
    sending.abort();
    assert!(sending.await.unwrap_err().is_cancelled());
    mail.send(message("mina@example.com", "hello")).await.unwrap();
    assert_eq!(dialogues(), 2);
    assert_eq!(server.heard().iter().filter(|line| *line == ".").count(), 4);
}

#[tokio::test]
async fn credentials_are_used_where_given() {
    let server = Server::start().await;
    let settings = SmtpSettings {
        username: Some("comity".to_owned()),
        password: Some(Secret::from("open sesame")),
        ..server.settings()
    };
    open(&settings).unwrap().send(message("mina@example.com", "hello")).await.unwrap();
    assert!(server.heard().contains(&"AUTH PLAIN AGNvbWl0eQBvcGVuIHNlc2FtZQ==".to_owned()));
    assert!(!format!("{settings:?}").contains("sesame"));
}

#[tokio::test]
async fn refusals_and_delays_are_told_apart() {
    let server = Server::start().await;
    let mail = server.mail();
    assert!(matches!(mail.send(message("gone@example.com", "hello")).await, Err(Error::Refused(_))));
    assert!(matches!(mail.send(message("busy@example.com", "hello")).await, Err(Error::Unavailable(_))));
    mail.send(message("mina@example.com", "hello")).await.unwrap();
    let impatient = open(&SmtpSettings { timeout_seconds: 1, ..server.settings() }).unwrap();
    assert!(matches!(impatient.send(message("hung@example.com", "hello")).await, Err(Error::Unavailable(_))));
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let lost = open(&SmtpSettings { port: Some(nobody), ..server.settings() }).unwrap();
    assert!(matches!(lost.send(message("mina@example.com", "hello")).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_where_tls_is_wanted() {
    let server = Server::start().await;
    let settings = SmtpSettings {
        security: Security::Starttls,
        username: Some("comity".to_owned()),
        password: Some(Secret::from("open sesame")),
        ..server.settings()
    };
    let mail = open(&settings).unwrap();
    assert!(mail.send(message("mina@example.com", "hello")).await.is_err());
    assert!(
        server.heard().iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")),
        "{:?}",
        server.heard()
    );
}

#[tokio::test]
async fn settings_that_cannot_work_stop_the_start() {
    let good = Server::start().await.settings();
    for settings in [
        SmtpSettings { host: "mail.example.com".to_owned(), ..good.clone() },
        SmtpSettings { host: "10.0.0.1".to_owned(), ..good.clone() },
        SmtpSettings { from: "SkyWay".to_owned(), ..good.clone() },
        SmtpSettings { username: Some("comity".to_owned()), ..good.clone() },
        SmtpSettings { password: Some(Secret::from("open sesame")), ..good.clone() },
    ] {
        assert!(matches!(open(&settings), Err(Error::Settings(_))), "{settings:?}");
    }
    let parsed: SmtpSettings = toml::from_str("host = 'mail.example.com'\nfrom = 'a@example.com'").unwrap();
    assert_eq!(parsed.security, Security::Tls);
    assert!(toml::from_str::<SmtpSettings>("host = 'a'\nfrom = 'a@example.com'\nsecurty = 'none'").is_err());
}
