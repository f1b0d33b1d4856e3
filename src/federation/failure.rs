//! How an upstream login ends when it does not end well. The sign-in it was part of survives in every case.

use url::Url;

use crate::cache;
use crate::model::Fault;

/// Why an upstream login gave no identity. `txn` names the sign-in to go back to.
#[derive(Debug)]
pub enum Failure {
    /// The person changed their mind at the provider.
    Cancelled {
        /// Where to go back to.
        txn: String,
    },
    /// Something about the answer was wrong; trying the same again is unlikely to help.
    Refused {
        /// Where to go back to.
        txn: String,
        /// What was wrong.
        reason: Reason,
    },
    /// The provider cannot be reached or is out of order; trying later may help.
    Unavailable {
        /// Where to go back to.
        txn: String,
    },
    /// The provider lost our `state` in a way it is known for. The browser goes to `location` to try once more.
    Retry {
        /// Where to go back to if the person does not want to.
        txn: String,
        /// The new authorization request.
        location: Url,
    },
    /// No login of this browser is pending here: expired, used, of another browser, or made up; or there is no such
    /// connection.
    Unknown,
    /// Ours: we cannot say.
    Fault(Fault),
}

impl From<cache::Error> for Failure {
    fn from(error: cache::Error) -> Self {
        const CONTEXT: &str = "pending upstream logins";
        Self::Fault(match error {
            cache::Error::Fault(_) => Fault::new(CONTEXT, error),
            cache::Error::Unavailable(_) | cache::Error::Full => Fault::unavailable(CONTEXT, error),
        })
    }
}

/// What was wrong with an upstream's answer. Texts for people are found by [`Reason::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The connection was switched off meanwhile.
    ConnectionDisabled,
    /// The answer belongs to a login at another connection.
    ConnectionMismatch,
    /// The answer names another issuer, or none where one must be named [RFC 9207 §2.4].
    IssuerMismatch,
    /// The callback lacks its parts.
    MalformedCallback,
    /// The provider said no.
    ProviderRefused,
    /// The provider did not take the code.
    CodeRejected,
    /// The provider does not know us: a matter of configuration.
    ClientRejected,
    /// The token answer is not what it should be.
    MalformedTokens,
    /// The ID token is not believed.
    IdTokenRejected,
    /// The profile was refused or is not what it should be.
    ProfileRejected,
    /// Profile and ID token speak of different people.
    SubjectMismatch,
    /// The tenant is not among the allowed ones.
    TenantRefused,
    /// No usable identifier of the person.
    SubjectMissing,
}

impl Reason {
    /// The key of its text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionDisabled => "connection_disabled",
            Self::ConnectionMismatch => "connection_mismatch",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::MalformedCallback => "malformed_callback",
            Self::ProviderRefused => "provider_refused",
            Self::CodeRejected => "code_rejected",
            Self::ClientRejected => "client_rejected",
            Self::MalformedTokens => "malformed_tokens",
            Self::IdTokenRejected => "id_token_rejected",
            Self::ProfileRejected => "profile_rejected",
            Self::SubjectMismatch => "subject_mismatch",
            Self::TenantRefused => "tenant_refused",
            Self::SubjectMissing => "subject_missing",
        }
    }
}

/// Why an engine stopped. Becomes a [`Failure`] where the transaction is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stopped {
    /// The answer is wrong.
    #[error("{}", .0.as_str())]
    Refused(Reason),
    /// There is no answer.
    #[error("unavailable")]
    Unavailable,
}

impl From<Reason> for Stopped {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl Stopped {
    pub(super) fn of(self, txn: String) -> Failure {
        match self {
            Self::Refused(reason) => Failure::Refused { txn, reason },
            Self::Unavailable => Failure::Unavailable { txn },
        }
    }
}

/// How taking back a link upstream ended. Never a reason not to unlink here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The provider agreed.
    Done,
    /// The provider offers no such call, or we hold no token for it.
    NotOffered,
    /// The provider refused or did not answer; the person may remove us there themselves.
    Failed,
}
