//! What can be wrong with what a person sent.

use super::Page;

/// The message in the error slot of a form. Texts never tell whether an account or a member exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// That is no e-mail address.
    EmailInvalid,
    /// Not the code we sent, or no longer.
    CodeWrong,
    /// The code is too old; a new one is on its way or one tap away.
    CodeExpired,
    /// Address and password do not belong together.
    PasswordWrong,
    /// A new password must have this many characters.
    PasswordShort(usize),
    /// A new password is on the list of known ones.
    PasswordCommon,
    /// A new password is longer than can be kept.
    PasswordLong,
    /// A name is needed.
    NameRequired,
    /// A required box is not ticked.
    TermsRequired,
    /// A field of the profile was not understood.
    FieldInvalid,
    /// One of the choices must be made.
    ChoiceRequired,
    /// That is no number of this programme.
    NumberInvalid,
    /// The proof did not fit; number and secret are not told apart.
    ProofWrong,
    /// This cannot be connected; without a reason.
    NumberRefused,
    /// Too many tries; wait.
    TooManyTries,
    /// Codes were sent too often; wait.
    TooManyCodes,
    /// The provider's page was left.
    ConnectionCancelled,
    /// The provider's answer could not be used.
    ConnectionRefused,
    /// The provider does not answer.
    ConnectionUnavailable,
    /// The identity belongs to another account.
    IdentityTaken,
    /// The address, just proven, belongs to another account.
    AddressTaken,
    /// It is the last way to sign in.
    LastMethod,
    /// The form is too old, or came from elsewhere.
    FormExpired,
    /// Something else is out of order; later perhaps.
    Unavailable,
}

impl Problem {
    /// One of each, for tests.
    #[cfg(test)]
    pub(super) const ALL: [Self; 24] = [
        Self::EmailInvalid,
        Self::CodeWrong,
        Self::CodeExpired,
        Self::PasswordWrong,
        Self::PasswordShort(15),
        Self::PasswordCommon,
        Self::PasswordLong,
        Self::NameRequired,
        Self::TermsRequired,
        Self::FieldInvalid,
        Self::ChoiceRequired,
        Self::NumberInvalid,
        Self::ProofWrong,
        Self::NumberRefused,
        Self::TooManyTries,
        Self::TooManyCodes,
        Self::ConnectionCancelled,
        Self::ConnectionRefused,
        Self::ConnectionUnavailable,
        Self::IdentityTaken,
        Self::AddressTaken,
        Self::LastMethod,
        Self::FormExpired,
        Self::Unavailable,
    ];

    const fn key(self) -> &'static str {
        match self {
            Self::EmailInvalid => "problem.email_invalid",
            Self::CodeWrong => "problem.code_wrong",
            Self::CodeExpired => "problem.code_expired",
            Self::PasswordWrong => "problem.password_wrong",
            Self::PasswordShort(_) => "problem.password_short",
            Self::PasswordCommon => "problem.password_common",
            Self::PasswordLong => "problem.password_long",
            Self::NameRequired => "problem.name_required",
            Self::TermsRequired => "problem.terms_required",
            Self::FieldInvalid => "problem.field_invalid",
            Self::ChoiceRequired => "problem.choice_required",
            Self::NumberInvalid => "problem.number_invalid",
            Self::ProofWrong => "problem.proof_wrong",
            Self::NumberRefused => "problem.number_refused",
            Self::TooManyTries => "problem.too_many_tries",
            Self::TooManyCodes => "problem.too_many_codes",
            Self::ConnectionCancelled => "problem.connection_cancelled",
            Self::ConnectionRefused => "problem.connection_refused",
            Self::ConnectionUnavailable => "problem.connection_unavailable",
            Self::IdentityTaken => "problem.identity_taken",
            Self::AddressTaken => "problem.address_taken",
            Self::LastMethod => "problem.last_method",
            Self::FormExpired => "problem.form_expired",
            Self::Unavailable => "problem.unavailable",
        }
    }

    /// Whether something typed is at fault, rather than the moment.
    pub(super) const fn about_input(self) -> bool {
        !matches!(
            self,
            Self::TermsRequired
                | Self::ChoiceRequired
                | Self::NumberRefused
                | Self::TooManyTries
                | Self::TooManyCodes
                | Self::ConnectionCancelled
                | Self::ConnectionRefused
                | Self::ConnectionUnavailable
                | Self::IdentityTaken
                | Self::AddressTaken
                | Self::LastMethod
                | Self::FormExpired
                | Self::Unavailable
        )
    }

    /// The message in the language of the page.
    pub fn text(&self, page: &Page<'_>) -> String {
        let min = if let Self::PasswordShort(min) = self { min.to_string() } else { String::new() };
        page.t1(self.key(), "min", min)
    }
}
