//! Being sure, and leaving.

use askama::Template;

use super::Page;

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// Removing a login, by the provider's name.
    UnlinkIdentity(&'a str),
    /// Removing a member number, by programme and masked number.
    UnlinkMember(&'a str, &'a str),
    /// Removing an address.
    RemoveContact(&'a str),
    /// Ending a relying party's access, by its name.
    RevokeApp(&'a str),
    /// No longer sharing one claim: its name, the relying party's.
    RevokeClaim(&'a str, &'a str),
    /// Ending all other sessions.
    EndOtherSessions,
}

/// One question, two answers. Posts `do=confirm` with the fields, or `do=cancel`.
#[derive(Debug, Template)]
#[template(path = "pages/confirm.html")]
pub struct Confirm<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// What.
    pub deed: Deed<'a>,
    /// Further hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}

impl Confirm<'_> {
    const fn stem(&self) -> &'static str {
        match self.deed {
            Deed::UnlinkIdentity(_) => "confirm.unlink_identity",
            Deed::UnlinkMember(..) => "confirm.unlink_member",
            Deed::RemoveContact(_) => "confirm.remove_contact",
            Deed::RevokeApp(_) => "confirm.revoke_app",
            Deed::RevokeClaim(..) => "confirm.revoke_claim",
            Deed::EndOtherSessions => "confirm.end_other_sessions",
        }
    }

    fn text(&self, part: &str) -> String {
        let key = format!("{}.{part}", self.stem());
        let (name, number) = match self.deed {
            Deed::UnlinkIdentity(name) | Deed::RemoveContact(name) | Deed::RevokeApp(name) => (name, ""),
            Deed::UnlinkMember(programme, number) => (programme, number),
            Deed::RevokeClaim(claim, app) => (app, self.page.claim(claim)),
            Deed::EndOtherSessions => ("", ""),
        };
        self.page.t2(&key, "name", name, "item", number)
    }
}

/// Whether to sign out [OIDC RP-Initiated Logout §2]. Posts `do=sign_out` or `do=stay`.
#[derive(Debug, Template)]
#[template(path = "pages/logout.html")]
pub struct Logout<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// The relying party that asks, by its name.
    pub client: Option<&'a str>,
    /// The person, by name or masked address.
    pub signed_in_as: Option<&'a str>,
}

/// Signed out; loads the front-channel logout pages of relying parties [OIDC Front-Channel Logout §2] and goes on even
/// if they do not answer.
#[derive(Debug, Template)]
#[template(path = "pages/signed_out.html")]
pub struct SignedOut<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Addresses to load in frames.
    pub frames: &'a [&'a str],
    /// Where to go on to by itself: the registered `post_logout_redirect_uri`, complete.
    pub continue_href: Option<&'a str>,
    /// Where to sign in again.
    pub sign_in_href: Option<&'a str>,
}
