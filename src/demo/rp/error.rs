//! Why a relying party has nothing to show.

/// The OpenID Provider gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::demo) enum Error {
    /// It refused, with a registered code.
    #[error("{code}: {description}")]
    Refused {
        /// E.g. `invalid_grant`.
        code: String,
        /// Its own words.
        description: String,
    },
    /// It cannot be reached.
    #[error("the OpenID Provider does not answer: {0}")]
    Unreachable(String),
    /// It answered something that must not be believed.
    #[error("the answer of the OpenID Provider cannot be trusted: {0}")]
    Untrusted(String),
}

impl Error {
    /// Whether the grant is gone for good, so that only a new sign-in helps.
    pub(in crate::demo) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}
