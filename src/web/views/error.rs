//! When a page is the only answer left, and short messages.

use askama::Template;

use super::Page;

/// What happened, as far as people care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The application is not registered here.
    BadClient,
    /// The application sent an address that is not registered.
    BadRedirect,
    /// The request of the application cannot be understood.
    BadRequest,
    /// The sign-in took too long or was finished elsewhere.
    ExpiredFlow,
    /// The browser did not send the cookie we set.
    CookiesMissing,
    /// The form did not come from our page, or is too old.
    BadForm,
    /// Too many tries.
    TooManyTries,
    /// We, or something we need, are out of order.
    Unavailable,
    /// There is no such page.
    NotFound,
    /// Not this method.
    BadMethod,
    /// Too much was sent.
    TooLarge,
    /// Something broke.
    Fault,
}

impl ErrorKind {
    /// One of each, for tests.
    #[cfg(test)]
    pub(super) const ALL: [Self; 12] = [
        Self::BadClient,
        Self::BadRedirect,
        Self::BadRequest,
        Self::ExpiredFlow,
        Self::CookiesMissing,
        Self::BadForm,
        Self::TooManyTries,
        Self::Unavailable,
        Self::NotFound,
        Self::BadMethod,
        Self::TooLarge,
        Self::Fault,
    ];

    const fn stem(self) -> &'static str {
        match self {
            Self::BadClient => "bad_client",
            Self::BadRedirect => "bad_redirect",
            Self::BadRequest => "bad_request",
            Self::ExpiredFlow => "expired_flow",
            Self::CookiesMissing => "cookies_missing",
            Self::BadForm => "bad_form",
            Self::TooManyTries => "too_many_tries",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::BadMethod => "bad_method",
            Self::TooLarge => "too_large",
            Self::Fault => "fault",
        }
    }
}

/// What happened, what to do next, and a number to quote.
#[derive(Debug, Template)]
#[template(path = "pages/error.html")]
pub struct ErrorPage<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// What happened.
    pub kind: ErrorKind,
    /// For the application's developer: the `error_description`, in English.
    pub detail: Option<&'a str>,
    /// The request's identifier.
    pub trace: &'a str,
    /// Where to begin again.
    pub retry_href: Option<&'a str>,
}

impl ErrorPage<'_> {
    fn title(&self) -> &str {
        let key = format!("error.{}.title", self.kind.stem());
        self.page.texts.find(self.page.locale, &key).unwrap_or_default()
    }

    fn text(&self) -> &str {
        let key = format!("error.{}.text", self.kind.stem());
        self.page.texts.find(self.page.locale, &key).unwrap_or_default()
    }
}

/// Something to know before going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind<'a> {
    /// A message is on its way to the masked address.
    CheckMail(&'a str),
    /// The address is proven.
    EmailVerified(&'a str),
    /// The deed needs a fresh sign-in.
    Reauthenticate,
    /// A login was added, by the provider's name.
    IdentityLinked(&'a str),
    /// The browser inside an app cannot go on with this provider; another browser can.
    OpenInBrowser(&'a str),
}

/// A short message with one way on.
#[derive(Debug, Template)]
#[template(path = "pages/notice.html")]
pub struct Notice<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// What.
    pub kind: NoticeKind<'a>,
    /// Where to go on to.
    pub continue_href: Option<&'a str>,
}

impl Notice<'_> {
    fn text(&self, part: &str) -> String {
        let (stem, name) = match self.kind {
            NoticeKind::CheckMail(address) => ("check_mail", address),
            NoticeKind::EmailVerified(address) => ("email_verified", address),
            NoticeKind::Reauthenticate => ("reauthenticate", ""),
            NoticeKind::IdentityLinked(name) => ("identity_linked", name),
            NoticeKind::OpenInBrowser(name) => ("open_in_browser", name),
        };
        self.page.t1(&format!("notice.{stem}.{part}"), "name", name)
    }
}
