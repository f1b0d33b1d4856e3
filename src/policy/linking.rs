//! What happens when a login at an upstream provider is seen for the first time.
//!
//! An e-mail address is a hint, never a key: equal addresses may lead to an *offer*, and the existing account proves
//! itself before anything is joined. An address nobody proved owns nothing.

use crate::model::account::{Stage, Status};
use crate::model::{AccountId, UnixTime};

/// Seconds a proof made on the existing account stays good for a link.
pub const PROOF_LIFETIME: i64 = 600;
/// Seconds since sign-in within which a login method may be added or removed.
pub const FRESH_FOR: i64 = 300;

/// What a provider's word about an e-mail address is worth, by the connection's own rule, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailTrust {
    /// The provider does not vouch for it.
    #[default]
    Unverified,
    /// A forwarding address made for us: it reaches the person, and nobody else knows them by it.
    Relay,
    /// The provider says it is verified; nothing more is known of how.
    Verified,
    /// The provider runs the mailbox or dependably proves it, and says it is verified.
    Authoritative,
}

/// A finished login at an upstream provider.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// The account this very identity (connection, issuer, subject) is linked to, if any.
    pub known: Option<(AccountId, Status)>,
    /// The canonical address it came with.
    pub email: Option<&'a str>,
    /// What the provider's word about it is worth.
    pub trust: EmailTrust,
}

/// An account that claims the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalOwner {
    /// Which.
    pub account: AccountId,
    /// Whether it is in use.
    pub status: Status,
    /// How much is known of the person.
    pub stage: Stage,
    /// Whether this account proved the address to us.
    pub verified: bool,
    /// Whether it has a login of its own: password, passkey, linked identity.
    pub has_credential: bool,
    /// Whether it has a membership.
    pub has_membership: bool,
    /// Whether a second factor is set up.
    pub has_mfa: bool,
}

/// The deployment's choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkingPolicy {
    /// Whether an authoritative provider may join a lite account that has nothing to lose without a further proof.
    pub auto_link_lite: bool,
}

/// The proof the existing account owes before the identity is linked to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofNeeded {
    /// Its own session, passkey, password or a code to the address, with its second factor where there is one.
    ExistingAccount,
    /// A code to the mailbox first; only then may the person see, masked, which accounts there are, and choose.
    MailboxThenChoice,
}

/// How a new account may hold the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewContact {
    /// Not at all: there is none.
    None,
    /// As claimed; a code proves it before it counts.
    Unverified,
    /// As proven.
    Verified,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkingVerdict {
    /// The identity is known: sign in.
    SignIn(AccountId),
    /// The identity is known and its account is not in use.
    Refuse,
    /// Accounts own the address: offer to link, once one of them has proven itself.
    OfferLink {
        /// The accounts that proved the address.
        candidates: Vec<AccountId>,
        /// What is owed first.
        proof: ProofNeeded,
    },
    /// Link without a further question, and tell the person.
    AutoLink(AccountId),
    /// Nothing dependable is known: ask "I'm new" or "I already have an account".
    AskNewOrExisting,
    /// Nobody proved the address: make a new account.
    New {
        /// How it may hold the address.
        contact: NewContact,
        /// Accounts that merely claimed the address, which the provider's word now proves to be another's: apply
        /// [`voided_by_proof`] to each.
        void: Vec<AccountId>,
    },
}

/// Decides a federated login (the table of first logins; OWASP and the pre-hijacking literature are behind each arm).
pub fn first_login(upstream: &Upstream<'_>, owners: &[LocalOwner], policy: LinkingPolicy) -> LinkingVerdict {
    if let Some((account, status)) = upstream.known {
        return if status == Status::Active { LinkingVerdict::SignIn(account) } else { LinkingVerdict::Refuse };
    }
    let vouched = matches!(upstream.trust, EmailTrust::Authoritative | EmailTrust::Verified);
    if upstream.email.is_none_or(str::is_empty) || !vouched {
        return LinkingVerdict::AskNewOrExisting;
    }
    let authoritative = upstream.trust == EmailTrust::Authoritative;
    let living = owners.iter().filter(|owner| !matches!(owner.status, Status::Merged | Status::Erased));
    let (proven, claiming): (Vec<&LocalOwner>, Vec<&LocalOwner>) = living.partition(|owner| owner.verified);
    match proven.as_slice() {
        [] => LinkingVerdict::New {
            contact: new_contact(upstream),
            void: if authoritative { claiming.iter().map(|owner| owner.account).collect() } else { Vec::new() },
        },
        [owner] if authoritative && policy.auto_link_lite && has_nothing_to_lose(owner) => {
            LinkingVerdict::AutoLink(owner.account)
        }
        [owner] => LinkingVerdict::OfferLink { candidates: vec![owner.account], proof: ProofNeeded::ExistingAccount },
        several => LinkingVerdict::OfferLink {
            candidates: several.iter().map(|owner| owner.account).collect(),
            proof: ProofNeeded::MailboxThenChoice,
        },
    }
}

/// How an account made from this login may hold its address. Only a provider with authority over the mailbox makes it
/// verified: with less, whoever controls a careless provider could wait in the account for the mailbox's owner.
pub fn new_contact(upstream: &Upstream<'_>) -> NewContact {
    match (upstream.email, upstream.trust) {
        (None | Some(""), _) => NewContact::None,
        (Some(_), EmailTrust::Authoritative) => NewContact::Verified,
        (Some(_), _) => NewContact::Unverified,
    }
}

fn has_nothing_to_lose(owner: &LocalOwner) -> bool {
    owner.status == Status::Active
        && owner.stage == Stage::Lite
        && !owner.has_credential
        && !owner.has_membership
        && !owner.has_mfa
}

/// What an account loses once somebody proves the address it had only claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voided {
    /// Nothing: it proved the address itself.
    Nothing,
    /// The claim: the unverified contact and any pending change to it.
    Claim,
    /// All that was made while unproven: credentials, links, sessions, tokens, pending changes, attributes.
    Everything,
}

/// What becomes void for `owner` when the mailbox is proven, by the same person or by another: an account that never
/// proved any address keeps nothing that may have been planted in it.
pub const fn voided_by_proof(owner: &LocalOwner) -> Voided {
    match (owner.verified, owner.stage) {
        (true, _) => Voided::Nothing,
        (false, Stage::LiteUnverified) => Voided::Everything,
        (false, _) => Voided::Claim,
    }
}

/// Whether a sign-in is recent enough to add or remove a login method.
pub const fn is_fresh(signed_in_at: UnixTime, now: UnixTime) -> bool {
    let age = now.since(signed_in_at);
    age >= 0 && age <= FRESH_FOR
}

/// A proof made on the existing account, for one pending link and nothing else. Single use is the cache's business.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinkProof {
    /// What it was made for.
    pub bound_to: LinkTarget,
    /// When it was made.
    pub proven_at: UnixTime,
}

/// Everything a link proof is bound to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinkTarget {
    /// The pending transaction.
    pub transaction: String,
    /// The browser's own secret, hashed.
    pub browser: String,
    /// The account that proved itself.
    pub account: AccountId,
    /// The connection of the identity to be linked.
    pub connection: String,
    /// Its issuer.
    pub issuer: String,
    /// Its subject there.
    pub subject: String,
}

impl LinkProof {
    /// Whether the proof is for exactly this link and still in time.
    pub fn covers(&self, target: &LinkTarget, now: UnixTime) -> bool {
        let age = now.since(self.proven_at);
        self.bound_to == *target && (0..=PROOF_LIFETIME).contains(&age)
    }
}

/// The ways into an account: logins, and contacts that receive a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaysIn {
    /// Linked identities that still work.
    pub identities: usize,
    /// Passwords and passkeys.
    pub credentials: usize,
    /// Verified contacts to which the deployment sends sign-in codes.
    pub verified_contacts: usize,
}

impl WaysIn {
    /// Whether one way in may be removed: never the last.
    pub const fn may_lose_one(self) -> bool {
        self.identities.saturating_add(self.credentials).saturating_add(self.verified_contacts) > 1
    }
}

#[cfg(test)]
#[path = "linking_tests.rs"]
mod tests;
