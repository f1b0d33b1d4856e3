//! What a person's recorded answers mean for one line.

use super::evaluate::Question;
use super::rules::{Basis, Purpose, ScopeRule};
use super::verdict::Reason;
use crate::model::client::Relationship;
use crate::model::consent::{Consent, Decision};

/// How a line stands with the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The purpose stands on another ground and the receiver is not another company: there is nothing to ask.
    NotNeeded,
    /// They said yes, to this version, and it holds.
    Given,
    /// They have not said yes.
    Lacking(Reason),
}

/// The standing of a line, and whether it is to be asked about in this request.
pub(super) fn standing(
    row: &ScopeRule,
    claim: &str,
    purpose: &Purpose,
    essential: bool,
    question: &Question<'_>,
) -> (Standing, bool) {
    if purpose.basis != Basis::Consent && question.client.relationship != Relationship::ThirdParty {
        return (Standing::NotNeeded, false);
    }
    let latest = latest(row, claim, question);
    let standing = latest.map_or(Standing::Lacking(Reason::ConsentMissing), |consent| read(consent, purpose, question));
    // An answer given since the request began is its answer, whatever it was: a page must not come back at once.
    let is_answered = latest.is_some_and(|consent| consent.decided_at >= question.began_at);
    let is_open = match standing {
        Standing::NotNeeded => false,
        Standing::Given => question.reconfirm,
        Standing::Lacking(Reason::ConsentDeclined) => essential || question.reconfirm,
        Standing::Lacking(_) => true,
    };
    (standing, is_open && !is_answered)
}

fn latest<'a>(row: &ScopeRule, claim: &str, question: &Question<'a>) -> Option<&'a Consent> {
    let is_about = |consent: &&Consent| {
        consent.account == question.facts.account.id
            && consent.client == question.client.id
            && consent.scope == row.scope
            && consent.claim == claim
            && consent.purpose == row.purpose
    };
    question.consents.iter().filter(is_about).max_by_key(|consent| consent.decided_at)
}

fn read(consent: &Consent, purpose: &Purpose, question: &Question<'_>) -> Standing {
    if consent.decision == Decision::Withdrawn {
        return Standing::Lacking(Reason::ConsentWithdrawn);
    }
    // Not `<`: after a roll-back the text in force is one the person has not seen either.
    if consent.purpose_version != purpose.version {
        return Standing::Lacking(Reason::ConsentOutdated);
    }
    if consent.expires_at.is_some_and(|end| end <= question.now) {
        return Standing::Lacking(Reason::ConsentExpired);
    }
    match consent.decision {
        Decision::Given => Standing::Given,
        Decision::Declined => Standing::Lacking(Reason::ConsentDeclined),
        Decision::Withdrawn => Standing::Lacking(Reason::ConsentWithdrawn),
    }
}
