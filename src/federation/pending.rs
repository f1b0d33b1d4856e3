//! What is remembered between sending a browser away and seeing it again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cache::Slot;
use crate::model::{AccountId, ConnectionId, UnixTime};

/// How long a login may take at the provider, in seconds.
pub(super) const LIFETIME: i64 = 600;

/// Pending logins by `state`. Taken, never read: each answer counts once.
pub(super) const PENDING: Slot<Pending> = Slot::sealed("upstream-login", LIFETIME);
/// The login a browser is about to finish at a provider that may lose its `state`.
pub(super) const RETRIES: Slot<Retry> = Slot::new("upstream-retry", LIFETIME);
/// Form posts waiting for the browser to come back with its cookie.
pub(super) const HELD: Slot<CallbackParams> = Slot::sealed("upstream-form-post", LIFETIME);

/// What a login at a provider is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// To sign in, or to sign up.
    SignIn,
    /// To add the identity to this account, whose owner is signed in.
    Link(AccountId),
    /// To prove this account's owner is still there.
    Reauthenticate(AccountId),
}

/// What a login begins with.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The sign-in it is part of.
    pub txn: String,
    /// A hash of the browser's own secret. Only the same browser can finish.
    pub browser: String,
    /// What it is for.
    pub intent: Intent,
    /// The address the person typed on our own page. Never a value that came from a relying party.
    pub login_hint: Option<String>,
}

/// A login under way.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) connection: ConnectionId,
    pub(super) txn: String,
    pub(super) browser: String,
    pub(super) intent: Intent,
    pub(super) nonce: String,
    pub(super) code_verifier: Option<String>,
    pub(super) begun_at: UnixTime,
}

/// What is needed to begin again.
#[derive(Serialize, Deserialize)]
pub(super) struct Retry {
    pub(super) txn: String,
    pub(super) intent: Intent,
}

/// What came back to the callback address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackParams {
    pub(super) state: Option<String>,
    pub(super) code: Option<String>,
    pub(super) iss: Option<String>,
    pub(super) error: Option<String>,
    pub(super) user: Option<String>,
}

/// Longer values are not answers of any provider.
const MAX_VALUE: usize = 4096;

impl CallbackParams {
    /// Picks what matters out of decoded query or form parameters. A parameter that is repeated or endless makes the
    /// whole callback worth nothing.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut params = Self::default();
        let mut seen = Vec::new();
        for (name, value) in pairs {
            let field = match name {
                "state" => &mut params.state,
                "code" => &mut params.code,
                "iss" => &mut params.iss,
                "error" => &mut params.error,
                "user" => &mut params.user,
                _ => continue,
            };
            if seen.contains(&name) || value.len() > MAX_VALUE {
                return Self::default();
            }
            seen.push(name);
            *field = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        params
    }
}

impl fmt::Debug for CallbackParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackParams").field("error", &self.error).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_endless_parameters_void_the_callback() {
        let sound = CallbackParams::from_pairs([("state", "s"), ("code", "c"), ("scope", "a"), ("scope", "b")]);
        assert_eq!((sound.state.as_deref(), sound.code.as_deref()), (Some("s"), Some("c")));
        for first in ["s", ""] {
            assert_eq!(CallbackParams::from_pairs([("state", first), ("state", "t")]), CallbackParams::default());
        }
        let endless = "x".repeat(MAX_VALUE + 1);
        assert_eq!(CallbackParams::from_pairs([("state", "s"), ("code", &endless)]), CallbackParams::default());
        assert_eq!(CallbackParams::from_pairs([("code", "")]).code, None);
    }

    #[test]
    fn codes_do_not_show_in_logs() {
        let params = CallbackParams::from_pairs([("state", "s3cret"), ("code", "c0de"), ("error", "access_denied")]);
        let shown = format!("{params:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("c0de") && shown.contains("access_denied"));
    }
}
