//! Becoming known: the pages from the first address to the session.

use askama::Template;

use super::{ClientView, Connection, DocumentChoice, Page, Problem};

/// Why somebody is asked to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignInReason {
    /// Nobody is signed in.
    #[default]
    SignIn,
    /// `prompt=login` or `max_age`: the same person, once more.
    Again,
    /// What follows is worth a fresh proof.
    StepUp,
    /// To prove that an account exists already, so that a new login can be added to it.
    Link,
}

impl SignInReason {
    /// The key of the sentence that explains it.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::SignIn => "sign_in.reason_sign_in",
            Self::Again => "sign_in.reason_again",
            Self::StepUp => "sign_in.reason_step_up",
            Self::Link => "sign_in.reason_link",
        }
    }
}

/// E-mail first, or a provider. Posts `do=continue` with `email`, `do=password` with `email`, `connection=<id>` or
/// `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/sign_in.html")]
pub struct SignIn<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks; `None` on the way to the account page.
    pub client: Option<ClientView<'a>>,
    /// Why.
    pub reason: SignInReason,
    /// The address from `login_hint` or as typed before.
    pub email: &'a str,
    /// The providers, in the order to show.
    pub connections: &'a [Connection<'a>],
    /// Whether a password may be used.
    pub password: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// The six digits we sent. Posts `do=verify` with `code`, `do=resend`, `do=other` or `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/code.html")]
pub struct Code<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// The address it went to, masked.
    pub sent_to: &'a str,
    /// How long it is valid.
    pub minutes: i64,
    /// Whether it was just sent again.
    pub resent: bool,
    /// Whether another way exists.
    pub other: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// What a link in a message leads to. GET shows it, POST `do=confirm` acts; `do=resend` sends another.
#[derive(Debug, Template)]
#[template(path = "pages/magic_link.html")]
pub struct MagicLink<'a> {
    /// The frame; its `txn` is the link's token.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// What can be done with it.
    pub state: MagicLinkState<'a>,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MagicLinkState<'a> {
    /// One press confirms the masked address.
    Ready(&'a str),
    /// Opened in another browser than the one that asked for it.
    Elsewhere,
    /// Used or too old.
    Gone,
}

/// A password. Posts `do=verify` with `email` and `password`, `do=code` or `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/password.html")]
pub struct Password<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// The address typed before.
    pub email: &'a str,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// The end of a first sign-in. Posts `do=continue` with `name`, `email` when it may be typed, and `accept.<id>=yes` per
/// ticked document; or `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/sign_up.html")]
pub struct SignUp<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// The provider that supplied name and address, by its name.
    pub from: Option<&'a str>,
    /// The name, supplied or typed.
    pub name: &'a str,
    /// The address, supplied, proven or typed.
    pub email: &'a str,
    /// Whether the address is settled and only shown.
    pub email_settled: bool,
    /// What to agree to.
    pub documents: &'a [DocumentChoice<'a>],
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Which of the accounts of this browser [OIDC Core §3.1.2.1, `prompt=select_account`]. Posts `account=<id>`, `do=other`
/// or `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/select_account.html")]
pub struct SelectAccount<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// The accounts signed in here.
    pub accounts: &'a [AccountChoice<'a>],
}

/// An account to choose.
#[derive(Clone, Copy, Debug)]
pub struct AccountChoice<'a> {
    /// What its button posts.
    pub id: &'a str,
    /// The person's name.
    pub name: &'a str,
    /// An address, masked.
    pub address: &'a str,
}
