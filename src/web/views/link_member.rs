//! Connecting a member number.

use askama::Template;

use super::{ClientView, Page, Problem};
use crate::model::member::ProofLevel;

/// One step of connecting a number. See [`LinkMemberStep`] for what each posts; `do=cancel` leaves.
#[derive(Debug, Template)]
#[template(path = "pages/link_member.html")]
pub struct LinkMember<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who sent the person here; `None` from the account page.
    pub client: Option<ClientView<'a>>,
    /// The programme's name.
    pub programme: &'a str,
    /// The step.
    pub step: LinkMemberStep<'a>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// The steps of connecting a number.
#[derive(Clone, Copy, Debug)]
pub enum LinkMemberStep<'a> {
    /// Posts `do=continue` with `number`.
    Number {
        /// As typed before.
        number: &'a str,
        /// What a number looks like, e.g. `1234 567 890`; empty when not stated.
        example: &'a str,
    },
    /// Posts `do=continue` with `method`.
    Choose {
        /// The number, masked.
        number: &'a str,
        /// What the programme offers.
        proofs: &'a [ProofChoice<'a>],
    },
    /// Posts `do=verify` with `code`, or `do=resend`.
    Otp {
        /// The contact the programme sent to, masked by it.
        hint: &'a str,
    },
    /// Posts `do=verify` with `pin`.
    Pin,
    /// Posts `do=verify` with `family_name` and `birthdate`.
    Kba,
    /// Connected. Posts `do=continue`.
    Done {
        /// The number, masked.
        number: &'a str,
        /// The tier's name, when known.
        tier: Option<&'a str>,
        /// How well it is proven.
        level: ProofLevel,
        /// Names of the relying parties that will see it.
        shared_with: &'a [&'a str],
    },
    /// The programme does not answer. Posts `do=continue` to go on without.
    Later,
    /// Too many tries for now. Posts `do=continue` to go on without.
    Locked,
}

impl LinkMember<'_> {
    fn title_key(&self) -> &'static str {
        match self.step {
            LinkMemberStep::Number { .. } => "link_member.title",
            LinkMemberStep::Choose { .. } => "link_member.choose_title",
            LinkMemberStep::Otp { .. } => "link_member.otp_title",
            LinkMemberStep::Pin => "link_member.pin_title",
            LinkMemberStep::Kba => "link_member.kba_title",
            LinkMemberStep::Done { .. } => "link_member.done_title",
            LinkMemberStep::Later => "link_member.later_title",
            LinkMemberStep::Locked => "link_member.locked_title",
        }
    }

    fn proof_text(&self) -> &str {
        if let LinkMemberStep::Done { level, .. } = self.step { self.page.t(proof_key(level)) } else { "" }
    }
}

/// The key of a proof level's name.
pub(super) const fn proof_key(level: ProofLevel) -> &'static str {
    match level {
        ProofLevel::Low => "proof.low",
        ProofLevel::Substantial => "proof.substantial",
        ProofLevel::High => "proof.high",
    }
}

/// One way to prove a number.
#[derive(Clone, Copy, Debug)]
pub struct ProofChoice<'a> {
    /// Which.
    pub method: ProofMethod,
    /// The masked contact of an [`ProofMethod::Otp`], when known beforehand.
    pub hint: Option<&'a str>,
}

/// Ways to prove a number on our pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofMethod {
    /// A code to the contact the programme has.
    Otp,
    /// The programme's PIN or password.
    Pin,
    /// Name and birth date.
    Kba,
}

impl ProofMethod {
    /// The value posted as `method`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Pin => "pin",
            Self::Kba => "kba",
        }
    }

    const fn label_key(self) -> &'static str {
        match self {
            Self::Otp => "link_member.method_otp",
            Self::Pin => "link_member.method_pin",
            Self::Kba => "link_member.method_kba",
        }
    }

    const fn note_key(self) -> &'static str {
        match self {
            Self::Otp => "link_member.method_otp_note",
            Self::Pin => "link_member.method_pin_note",
            Self::Kba => "link_member.method_kba_note",
        }
    }
}
