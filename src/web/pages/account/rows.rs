//! What the account page shows: gathered once, lent to the view.

use super::apps::{Connected, connected};
use super::facts::{Browser, Login, Member, Said, browsers, buttons, login, member, name, programmes, said};
use crate::accounts::{may_go, ways_in};
use crate::federation::ConnectionButton;
use crate::model::Fault;
use crate::model::session::Session;
use crate::store::Profile;
use crate::web::paths;
use crate::web::views::{
    Account, AppRow, Connection, ContactRow, IdentityRow, MembershipRow, Page, Problem, ProfileRow, Programme,
    SessionRow,
};
use crate::web::visit::Visit;

/// Everything on the page.
pub(super) struct Portal {
    profile: Profile,
    name: String,
    attributes: Vec<Said>,
    /// Address, identifier, and whether it may go.
    contacts: Vec<(String, String, bool, bool)>,
    identities: Vec<Login>,
    may_unlink: bool,
    buttons: Vec<ConnectionButton>,
    has_password: bool,
    may_have_password: bool,
    memberships: Vec<Member>,
    programmes: Vec<(String, String)>,
    sessions: Vec<Browser>,
    apps: Vec<Connected>,
}

impl Portal {
    /// Gathers it; `None` when the account is gone.
    pub(super) async fn load(visit: &Visit, session: &Session) -> Result<Option<Self>, Fault> {
        let (web, locale, account) = (&visit.web, &visit.locale, session.account);
        let accounts = &web.accounts;
        let Some(profile) = accounts.profile(account).await? else { return Ok(None) };
        let identities = accounts.identities(account).await?;
        let sessions = accounts.sessions(account).await?;
        let has_password = accounts.has_password(account).await?;
        let apps = connected(web, account, locale).await?;
        let passwords = accounts.policy().passwords;
        let ways = ways_in(&identities, &profile.contacts, passwords && has_password);
        let buttons = buttons(web, locale);
        let contacts = profile.contacts.iter().map(|contact| {
            let verified = contact.verified_at.is_some();
            (contact.value.clone(), contact.id.to_string(), verified, may_go(contact, &profile.contacts))
        });
        Ok(Some(Self {
            name: name(&profile),
            attributes: said(web, locale, &profile),
            contacts: contacts.collect(),
            identities: identities.into_iter().map(|identity| login(web, locale, &buttons, identity)).collect(),
            may_unlink: ways.may_lose_one(),
            buttons,
            has_password,
            may_have_password: passwords && ways.verified_contacts > 0,
            memberships: profile.memberships.iter().map(|it| member(web, locale, it)).collect(),
            programmes: programmes(web, locale, &profile.memberships),
            sessions: browsers(sessions, session),
            apps,
            profile,
        }))
    }

    /// The time zone the person lives in.
    pub(super) fn zone(&self) -> &str {
        &self.profile.account.zoneinfo
    }

    /// Lends the view to `use_it`.
    pub(super) fn with_view<R>(
        &self,
        page: &Page<'_>,
        done: Option<&str>,
        problem: Option<Problem>,
        use_it: impl FnOnce(&Account<'_>) -> R,
    ) -> R {
        let claims: Vec<_> = self.apps.iter().map(Connected::claims).collect();
        let apps: Vec<AppRow<'_>> = self.apps.iter().zip(&claims).map(|(app, claims)| app.row(claims)).collect();
        let (profile, contacts, identities) = (self.profile_rows(), self.contact_rows(), self.identity_rows());
        let (connections, memberships, sessions) = (self.connections(), self.membership_rows(), self.session_rows());
        let programmes: Vec<Programme<'_>> = self.programmes.iter().map(|(id, name)| Programme { id, name }).collect();
        use_it(&Account {
            page,
            name: &self.name,
            stage: self.profile.account.stage,
            since: self.profile.account.created_at,
            profile: &profile,
            profile_href: paths::ACCOUNT_PROFILE,
            contacts: &contacts,
            identities: &identities,
            connections: &connections,
            password_href: self.may_have_password.then_some(paths::ACCOUNT_PASSWORD),
            has_password: self.has_password,
            memberships: &memberships,
            programmes: &programmes,
            sessions: &sessions,
            apps: &apps,
            done,
            problem,
        })
    }

    fn profile_rows(&self) -> Vec<ProfileRow<'_>> {
        let rows = self.attributes.iter();
        rows.map(|said| ProfileRow {
            claim: &said.claim,
            value: &said.value,
            from: said.from.as_deref(),
            verified: said.verified,
        })
        .collect()
    }

    fn contact_rows(&self) -> Vec<ContactRow<'_>> {
        let rows = self.contacts.iter();
        rows.map(|(value, id, verified, removable)| ContactRow {
            id,
            value,
            verified: *verified,
            removable: *removable,
        })
        .collect()
    }

    fn identity_rows(&self) -> Vec<IdentityRow<'_>> {
        let rows = self.identities.iter();
        rows.map(|login| IdentityRow {
            id: &login.id,
            connection: &login.name,
            icon: login.icon.as_deref(),
            label: &login.label,
            linked_at: login.linked_at,
            removable: self.may_unlink,
        })
        .collect()
    }

    fn connections(&self) -> Vec<Connection<'_>> {
        let rows = self.buttons.iter();
        rows.map(|button| Connection {
            id: button.id.as_str(),
            name: &button.name,
            icon: Some(&button.icon),
            last_used: false,
        })
        .collect()
    }

    fn membership_rows(&self) -> Vec<MembershipRow<'_>> {
        let rows = self.memberships.iter();
        rows.map(|member| MembershipRow {
            id: &member.id,
            programme: &member.programme,
            number: &member.number,
            tier: member.tier.as_deref(),
            as_of: member.as_of,
            stale: member.stale,
            proof: member.proof,
        })
        .collect()
    }

    fn session_rows(&self) -> Vec<SessionRow<'_>> {
        let rows = self.sessions.iter();
        rows.map(|browser| SessionRow {
            id: &browser.id,
            device: &browser.device,
            created_at: browser.session.created_at,
            last_seen_at: browser.session.last_seen_at,
            current: browser.current,
        })
        .collect()
    }
}
