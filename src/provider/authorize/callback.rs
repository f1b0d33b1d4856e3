//! Where a response may go. A [`Callback`] exists only once client and redirect URI are verified, and only through a
//! `Callback` can anything be sent to a client.

use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::model::ClientId;
use crate::protocol::{AuthorizationResponse, Refused, ResponseMode};

/// A verified place to send a response to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The client that is registered for it.
    pub client: ClientId,
    /// The URI as requested, which is byte for byte as registered.
    pub redirect_uri: String,
    /// How the response travels.
    pub mode: ResponseMode,
    /// The client's own value, returned as it came.
    pub state: Option<String>,
}

/// A response on its way to a client's redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// Where to.
    pub redirect_uri: String,
    /// What.
    pub response: AuthorizationResponse,
}

impl Callback {
    /// An error response [RFC 6749 §4.1.2.1].
    pub fn refuse(&self, issuer: &str, refused: &Refused) -> Outcome {
        self.send(AuthorizationResponse::refused(self.mode, refused, self.state.as_deref(), issuer))
    }

    /// A successful response with `code`, and `iss` against mix-up [RFC 9207 §2].
    pub fn respond(&self, issuer: &str, code: &str) -> Outcome {
        let response = AuthorizationResponse::new(self.mode).with("code", code);
        self.send(response.with_some("state", self.state.as_deref()).with("iss", issuer))
    }

    fn send(&self, response: AuthorizationResponse) -> Outcome {
        Outcome::Return(Return { redirect_uri: self.redirect_uri.clone(), response })
    }
}
