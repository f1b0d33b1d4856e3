//! A login we have not seen before meets the accounts we have.

use askama::Template;

use super::{ClientView, Page, Problem};

/// "I'm new" or "I already have an account"; with candidates, an offer to connect. Posts `do=new`, `do=existing` (sign
/// in to the account first), `do=prove` with `candidate=<id>` (a code to its mailbox) or `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/link_account.html")]
pub struct LinkAccount<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// The provider just used, by its name.
    pub from: &'a str,
    /// Accounts that may be connected, once their owner is proven; never shown for an unproven address.
    pub candidates: &'a [Candidate<'a>],
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// An account that may be meant, masked.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The value posted as `candidate`.
    pub id: &'a str,
    /// The person's name, masked.
    pub name: &'a str,
    /// An address, masked.
    pub address: &'a str,
}
