//! What makes one provider differ from the next, as data and a few functions; the phases they plug into are
//! [`authorize`](super::authorize) and [`token`](super::token).

use std::sync::Arc;

use axum::Router;
use serde_json::Value;

use super::authorize::{Authorization, Refusal};
use super::call::Call;
use super::quirk::Endpoint;
use super::settings::ProviderClient;
use super::simulator::Simulator;
use super::state::Grant;
use super::token::{Redeemed, TokenFault};
use crate::model::Random;

/// How an authorization response travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// Which challenges are understood; others are ignored, as the providers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pkce {
    None,
    S256,
    S256OrPlain,
}

/// One line of the consent page.
#[derive(Debug)]
pub(super) struct Item {
    /// The scope that asks for it.
    pub(super) scope: &'static str,
    /// Korean, English, Japanese.
    pub(super) label: [&'static str; 3],
    pub(super) is_optional: bool,
}

/// What a user with an existing connection is asked once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reask {
    Nothing,
    Declined,
    Everything,
}

pub(super) type Parameters = Vec<(String, String)>;

pub(super) struct Profile {
    /// Korean, English, Japanese.
    pub(super) name: [&'static str; 3],
    /// Background and text colour of the provider's button.
    pub(super) colours: (&'static str, &'static str),
    pub(super) routes: fn() -> Router<Simulator>,
    /// First match by prefix (`*` before a suffix), a version segment left out.
    pub(super) endpoints: &'static [(&'static str, Endpoint)],

    pub(super) scope_delimiters: &'static [char],
    pub(super) modes: &'static [Mode],
    pub(super) pkce: Pkce,
    pub(super) items: &'static [Item],
    /// The item that stands for the email address.
    pub(super) email_item: &'static str,
    /// Appended to the callback URL.
    pub(super) callback_fragment: &'static str,
    /// Status and code of the error page for an unknown application.
    pub(super) unknown_client: (u16, &'static str),
    /// Status and code of the error page for an unregistered callback.
    pub(super) redirect_mismatch: (u16, &'static str),
    /// Rules of this provider alone, checked once the callback is known.
    pub(super) check: fn(&Simulator, &Call, &Authorization) -> Result<(), Refusal>,
    pub(super) asks_for: fn(&Authorization, &Item) -> bool,
    pub(super) reask: fn(&Authorization) -> Reask,
    /// What is sent back on cancel.
    pub(super) cancelled: &'static [(&'static str, &'static str)],
    /// Adds to what is sent back with a code.
    pub(super) arrive: fn(&Simulator, &Authorization, &Grant, &mut Parameters),

    pub(super) code: fn(&Random) -> String,
    pub(super) code_lifetime: i64,
    pub(super) authenticate: fn(&Simulator, &Call) -> Result<Arc<ProviderClient>, TokenFault>,
    /// Whether the token request must name the callback once more.
    pub(super) repeats_redirect_uri: bool,
    pub(super) reply: fn(&Simulator, &Call, &Redeemed) -> Result<Value, TokenFault>,
    pub(super) fault: fn(&TokenFault) -> (u16, Value),
    /// A connection dies when nobody asked who the user is within these seconds.
    pub(super) unlink_unread_after: Option<i64>,
}

impl Profile {
    pub(super) fn endpoint(&self, path: &str) -> Endpoint {
        let bare = path
            .strip_prefix("/v")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(version, _)| version.contains('.') && version.starts_with(|first: char| first.is_ascii_digit()))
            .map_or_else(|| path.to_owned(), |(_, rest)| format!("/{rest}"));
        self.endpoints
            .iter()
            .find(|(pattern, _)| match pattern.strip_prefix('*') {
                Some(suffix) => bare.ends_with(suffix),
                None => bare.starts_with(pattern),
            })
            .map_or(Endpoint::Other, |(_, endpoint)| *endpoint)
    }
}

/// An item is asked for when its scope is.
pub(super) fn as_requested(request: &Authorization, item: &Item) -> bool {
    request.scope.iter().any(|scope| scope == item.scope)
}

/// Nothing is added to code and state.
pub(super) fn only_code(_: &Simulator, _: &Authorization, _: &Grant, _: &mut Parameters) {}
