//! The portal: what we know of a person, and the switches.

use askama::Template;

use super::{Connection, Page, Problem};
use crate::model::UnixTime;
use crate::model::account::Stage;
use crate::model::member::ProofLevel;

/// The portal's home. Buttons post `remove_contact`, `unlink_identity`, `unlink_member`, `end_session`, `revoke_app`,
/// `revoke_claim` with the row's id; `add_email` with `email`; `connection` and `link_programme` with an id;
/// `do=end_other_sessions`, `do=sign_out`.
#[derive(Debug, Template)]
#[template(path = "pages/account.html")]
pub struct Account<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// The person's name.
    pub name: &'a str,
    /// How much we know.
    pub stage: Stage,
    /// Since when.
    pub since: UnixTime,
    /// Attributes.
    pub profile: &'a [ProfileRow<'a>],
    /// Where they are edited.
    pub profile_href: &'a str,
    /// Addresses.
    pub contacts: &'a [ContactRow<'a>],
    /// Linked logins.
    pub identities: &'a [IdentityRow<'a>],
    /// Logins that may be added.
    pub connections: &'a [Connection<'a>],
    /// Where a password is set; `None` where the deployment has none.
    pub password_href: Option<&'a str>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Linked member numbers.
    pub memberships: &'a [MembershipRow<'a>],
    /// Programmes a number may be linked of.
    pub programmes: &'a [Programme<'a>],
    /// Signed-in browsers.
    pub sessions: &'a [SessionRow<'a>],
    /// Relying parties with access.
    pub apps: &'a [AppRow<'a>],
    /// What was just done: a key below `done`, e.g. `identity_unlinked`.
    pub done: Option<&'a str>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

impl Account<'_> {
    fn done_text(&self) -> Option<&str> {
        let key = format!("done.{}", self.done?);
        self.page.texts.find(self.page.locale, &key)
    }

    fn stage_key(&self) -> &'static str {
        match self.stage {
            Stage::LiteUnverified => "stage.lite_unverified",
            Stage::Lite => "stage.lite",
            Stage::Registered => "stage.registered",
            Stage::Member => "stage.member",
        }
    }
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct ProfileRow<'a> {
    /// The claim.
    pub claim: &'a str,
    /// Its value, ready to read.
    pub value: &'a str,
    /// Who said so, by name; `None` for the person.
    pub from: Option<&'a str>,
    /// Whether it is proven.
    pub verified: bool,
}

/// One address.
#[derive(Clone, Copy, Debug)]
pub struct ContactRow<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// The address.
    pub value: &'a str,
    /// Whether it is proven.
    pub verified: bool,
    /// Whether it may go; the last way to reach or recover stays.
    pub removable: bool,
}

impl ContactRow<'_> {
    /// Whether a code could be mailed there to prove it.
    fn confirmable(&self) -> bool {
        !self.verified && self.value.contains('@')
    }
}

/// One linked login.
#[derive(Clone, Copy, Debug)]
pub struct IdentityRow<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// The provider's name.
    pub connection: &'a str,
    /// The provider's icon.
    pub icon: Option<&'a str>,
    /// What tells it from others of the provider: an address or a name.
    pub label: &'a str,
    /// When it was linked.
    pub linked_at: UnixTime,
    /// Whether it may go; the last way to sign in stays.
    pub removable: bool,
}

/// One linked member number.
#[derive(Clone, Copy, Debug)]
pub struct MembershipRow<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// The programme's name.
    pub programme: &'a str,
    /// The number, masked.
    pub number: &'a str,
    /// The tier's name, when known.
    pub tier: Option<&'a str>,
    /// When the tier was read.
    pub as_of: Option<UnixTime>,
    /// Whether that is longer ago than it should be.
    pub stale: bool,
    /// How well it is proven.
    pub proof: ProofLevel,
}

impl MembershipRow<'_> {
    fn proof_key(&self) -> &'static str {
        super::link_member::proof_key(self.proof)
    }
}

/// One programme a number may be linked of.
#[derive(Clone, Copy, Debug)]
pub struct Programme<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// One signed-in browser.
#[derive(Clone, Copy, Debug)]
pub struct SessionRow<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Browser and system, e.g. `Safari · iPhone`.
    pub device: &'a str,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last used.
    pub last_seen_at: UnixTime,
    /// Whether it is this one.
    pub current: bool,
}

/// One relying party with access.
#[derive(Clone, Copy, Debug)]
pub struct AppRow<'a> {
    /// Its `client_id`.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The company behind it; empty when unknown.
    pub legal_entity: &'a str,
    /// Its home page.
    pub href: Option<&'a str>,
    /// Since when.
    pub since: UnixTime,
    /// When it last used its access.
    pub last_used: Option<UnixTime>,
    /// What it may receive.
    pub claims: &'a [AppClaim<'a>],
}

/// One claim a relying party may receive.
#[derive(Clone, Copy, Debug)]
pub struct AppClaim<'a> {
    /// What its button posts as `revoke_claim`; `None` where it is not based on consent.
    pub id: Option<&'a str>,
    /// The claim.
    pub claim: &'a str,
    /// The purpose's text; empty when there is none.
    pub purpose: &'a str,
    /// What was delivered so far.
    pub received: Option<Received>,
}

/// Deliveries of one claim.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// The first.
    pub first: UnixTime,
    /// The last.
    pub last: UnixTime,
    /// How many.
    pub count: i64,
}

/// Setting or changing the password. Posts `do=save` with `new_password` (and `password` when there is one), or
/// `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/set_password.html")]
pub struct SetPassword<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// The address it goes with, for password managers.
    pub email: &'a str,
    /// Whether there is one already, to be typed first.
    pub has_password: bool,
    /// The least number of characters.
    pub min: usize,
    /// What went wrong.
    pub problem: Option<Problem>,
}
