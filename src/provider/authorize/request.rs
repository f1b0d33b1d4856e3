//! A validated authorization request, and the transaction that carries it through the pages.

use serde::{Deserialize, Serialize};

use super::callback::Callback;
use crate::cache::Slot;
use crate::model::{AccountId, Locale, SessionId, UnixTime};
use crate::protocol::{Challenge, ClaimsRequest, Prompt, Scope};

/// An authorization request in which every parameter is known to be well formed and allowed for its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where the response goes.
    pub callback: Callback,
    /// The scopes asked for that the client may ask for.
    pub scope: Scope,
    /// Returned in the ID token as it came.
    pub nonce: Option<String>,
    /// The PKCE challenge, method S256 [RFC 7636 §4.3].
    pub code_challenge: Option<Challenge>,
    /// What the client wants shown.
    pub prompt: Prompt,
    /// Seconds since sign-in at most.
    pub max_age: Option<i64>,
    /// The `claims` parameter [OIDC Core §5.5].
    pub claims: ClaimsRequest,
    /// Authentication contexts wished for, best first.
    pub acr_values: Vec<String>,
    /// Authentication contexts one of which is indispensable [OIDC Core §5.5.1.1].
    pub essential_acr: Vec<String>,
    /// What to prefill on the sign-in page.
    pub login_hint: Option<String>,
    /// Languages wished for, best first.
    pub ui_locales: Vec<Locale>,
    /// The `sub` the person must have, by `id_token_hint` or the `claims` parameter.
    pub expected_subject: Option<String>,
}

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A relying party's request.
    Client(Box<Request>),
    /// A page of our own.
    Home {
        /// A path below the issuer, checked when the transaction began.
        return_to: String,
        /// Whether the person must prove themselves even if a session exists.
        fresh: bool,
    },
}

/// A request on its way through the pages. Kept on our side; the browser holds only its id, and a cookie that binds
/// the id to this browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The opaque id in page URLs.
    pub id: String,
    /// Hash of the browser's binding cookie.
    pub browser: String,
    /// What it is for.
    pub target: Target,
    /// When it began.
    pub created_at: UnixTime,
    /// The session that signed in within this transaction, and whose it is.
    pub signed_in: Option<(SessionId, AccountId)>,
    /// The account chosen on the selection page.
    pub selected: Option<AccountId>,
    /// What the consent page asked last.
    pub shown: Option<Shown>,
    /// Who answered the consent page.
    pub consent_answered: Option<AccountId>,
}

/// What a consent page asked, and of whom: an answer is an answer to this and to nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Whose page it was.
    pub account: AccountId,
    /// Its lines, each as one text.
    pub lines: Vec<String>,
}

/// Pending transactions: half an hour is ample for a person to find their mail.
pub const TRANSACTIONS: Slot<Transaction> = Slot::new("transaction", 1800);

impl Transaction {
    /// The relying party's request, unless it is a sign-in to our own pages.
    pub fn request(&self) -> Option<&Request> {
        match &self.target {
            Target::Client(request) => Some(request),
            Target::Home { .. } => None,
        }
    }
}
