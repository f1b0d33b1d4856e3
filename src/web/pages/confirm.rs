//! Being sure before something is taken away. The address names the deed and what it is about, and both are looked up
//! anew each time: the page can be left for a fresh proof and come back to.

use axum::response::Response;

use super::account;
use super::step_up::{sign_in, step_up};
use crate::accounts::{Removal, Severed};
use crate::membership::Unlinked;
use crate::model::contact::Contact;
use crate::model::member::Membership;
use crate::model::session::Session;
use crate::model::{ClientId, ConnectionId, Fault, IdentityId};
use crate::policy::identifier::mask;
use crate::protocol::Params;
use crate::web::error::Failure;
use crate::web::headers::{self, FormTargets};
use crate::web::response_mode::see_other;
use crate::web::state::Web;
use crate::web::views::{Confirm, Deed, ErrorKind, Page, Template};
use crate::web::visit::{Submitted, Visit};
use crate::web::{notices, paths};

/// Deeds with a button per row on the account page, by the button's name.
pub const DEEDS: [&str; 5] = ["unlink_identity", "unlink_member", "remove_contact", "revoke_app", "revoke_claim"];

/// Where a deed is confirmed.
pub fn href(deed: &str, id: &str) -> String {
    let query = Params::new().with("deed", deed).with("id", id).to_urlencoded();
    format!("{}?{query}", paths::ACCOUNT_CONFIRM)
}

/// A deed about something this account really has.
enum Asked {
    UnlinkIdentity { id: IdentityId, connection: ConnectionId, name: String },
    UnlinkMember { membership: Box<Membership>, name: String, number: String },
    RemoveContact(Box<Contact>),
    RevokeApp { client: ClientId, name: String },
    RevokeClaim { given: Given, name: String },
    EndOtherSessions,
}

/// One standing answer, as the account page names it in its buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Who receives.
    pub client: ClientId,
    /// Under which scope.
    pub scope: String,
    /// What.
    pub claim: String,
}

impl Given {
    /// As one text.
    pub fn to_text(&self) -> String {
        let client = self.client.as_str();
        Params::new().with("client", client).with("scope", &*self.scope).with("claim", &*self.claim).to_urlencoded()
    }

    fn parse(text: &str) -> Option<Self> {
        let parts = Params::parse(text).ok()?;
        let part = |name: &str| parts.get(name).map(str::to_owned);
        Some(Self { client: part("client")?.into(), scope: part("scope")?, claim: part("claim")? })
    }
}

impl Asked {
    /// The deed, if there is anything to do.
    async fn find(visit: &Visit, session: &Session, deed: &str, id: &str) -> Result<Option<Self>, Fault> {
        let web = &visit.web;
        Ok(match deed {
            "unlink_identity" => Self::find_identity(visit, session, id).await?,
            "unlink_member" => Self::find_member(visit, session, id).await?,
            "remove_contact" => {
                let profile = web.accounts.profile(session.account).await?;
                let mut contacts = profile.into_iter().flat_map(|profile| profile.contacts);
                contacts.find(|contact| contact.id.to_string() == id).map(Box::new).map(Self::RemoveContact)
            }
            "revoke_app" => {
                let client = ClientId::from(id);
                let apps = web.consents.apps(session.account).await?;
                match apps.into_iter().find(|app| app.client == client) {
                    Some(_) => Some(Self::RevokeApp { name: name(web, &client).await?, client }),
                    None => None,
                }
            }
            "revoke_claim" => match Given::parse(id) {
                Some(given) => Some(Self::RevokeClaim { name: name(web, &given.client).await?, given }),
                None => None,
            },
            "end_other_sessions" => Some(Self::EndOtherSessions),
            _ => None,
        })
    }

    async fn find_identity(visit: &Visit, session: &Session, id: &str) -> Result<Option<Self>, Fault> {
        let identities = visit.web.accounts.identities(session.account).await?;
        Ok(identities.into_iter().find(|identity| identity.id.to_string() == id).map(|identity| {
            let connection = identity.key.connection;
            let name = visit.web.federation.name(&connection, &visit.locale).unwrap_or(connection.as_str()).to_owned();
            Self::UnlinkIdentity { id: identity.id, connection, name }
        }))
    }

    async fn find_member(visit: &Visit, session: &Session, id: &str) -> Result<Option<Self>, Fault> {
        let profile = visit.web.accounts.profile(session.account).await?;
        let mut memberships = profile.into_iter().flat_map(|profile| profile.memberships);
        Ok(memberships.find(|membership| membership.id.to_string() == id).map(|membership| {
            let programme = visit.web.memberships.programme(&membership.programme);
            let name = programme.map_or(membership.programme.as_str(), |it| it.name(&visit.locale)).to_owned();
            let number = mask(&membership.number);
            Self::UnlinkMember { membership: Box::new(membership), name, number }
        }))
    }

    /// Whether it takes away something the account is protected by.
    const fn needs_fresh_proof(&self) -> bool {
        matches!(self, Self::UnlinkIdentity { .. } | Self::UnlinkMember { .. } | Self::RemoveContact(_))
    }

    fn view(&self) -> Deed<'_> {
        match self {
            Self::UnlinkIdentity { name, .. } => Deed::UnlinkIdentity(name),
            Self::UnlinkMember { name, number, .. } => Deed::UnlinkMember(name, number),
            Self::RemoveContact(contact) => Deed::RemoveContact(&contact.value),
            Self::RevokeApp { name, .. } => Deed::RevokeApp(name),
            Self::RevokeClaim { given, name } => Deed::RevokeClaim(&given.claim, name),
            Self::EndOtherSessions => Deed::EndOtherSessions,
        }
    }

    /// Does it, and gives what to say on the account page.
    async fn act(&self, web: &Web, session: &Session) -> Result<News, Fault> {
        let account = session.account;
        match self {
            Self::UnlinkIdentity { id, connection, .. } => {
                let (removal, severed) = web.accounts.sever(session, *id).await?;
                if let Some(severed) = severed {
                    take_back(web, severed);
                    notices::identity_unlinked(web, account, connection).await;
                }
                Ok(News::of(&removal, "done=identity_unlinked"))
            }
            Self::RemoveContact(contact) => {
                let removal = web.accounts.remove_contact(session, contact.id).await?;
                if removal == Removal::Done {
                    notices::contact_removed(web, account, contact).await;
                }
                Ok(News::of(&removal, "done=contact_removed"))
            }
            Self::UnlinkMember { membership, number, .. } => unlink_member(web, session, membership, number).await,
            Self::RevokeApp { client, .. } => {
                web.consents.revoke_app(account, client).await?;
                Ok(News::Tell("done=app_revoked"))
            }
            Self::RevokeClaim { given, .. } => {
                web.consents.withdraw(account, &given.client, &given.scope, &given.claim).await?;
                Ok(News::Tell("done=claim_revoked"))
            }
            Self::EndOtherSessions => {
                web.accounts.end_other_sessions(session).await?;
                Ok(News::Tell("done=sessions_ended"))
            }
        }
    }
}

/// What a deed came to.
enum News {
    /// To be told on the account page.
    Tell(&'static str),
    /// There was nothing to do.
    None,
    /// A fresh proof is missing.
    StepUp,
}

impl News {
    const fn of(removal: &Removal, done: &'static str) -> Self {
        match removal {
            Removal::Done => Self::Tell(done),
            Removal::LastWayIn => Self::Tell("problem=last_method"),
            Removal::Unknown => Self::None,
            Removal::StepUp => Self::StepUp,
        }
    }
}

async fn unlink_member(web: &Web, session: &Session, membership: &Membership, number: &str) -> Result<News, Fault> {
    if !web.accounts.is_fresh(session) {
        return Ok(News::StepUp);
    }
    let unlinked = web.memberships.unlink(session.account, membership.id).await;
    match unlinked.map_err(|error| Fault::unavailable("unlink a member number", error))? {
        Unlinked::NotYours => Ok(News::None),
        Unlinked::Unlinked => {
            notices::member_unlinked(web, session.account, &membership.programme, number).await;
            Ok(News::Tell("done=member_unlinked"))
        }
    }
}

async fn name(web: &Web, client: &ClientId) -> Result<String, Fault> {
    let known = web.provider.client(client).await?;
    Ok(known.map_or_else(|| client.to_string(), |known| known.client_name.clone()))
}

/// Tells the provider, which may be slow or down, behind the person's back: the link is gone here already.
fn take_back(web: &Web, severed: Severed) {
    let federation = web.federation.clone();
    drop(tokio::spawn(async move {
        let Severed { identity, tokens } = severed;
        let revoked = federation.revoke(&identity.key, &tokens).await;
        tracing::info!(
            connection = identity.key.connection.as_str(),
            ?revoked,
            "told the provider of an unlinked login"
        );
    }));
}

/// Asks.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let here = href(visit.query.get("deed").unwrap_or_default(), visit.query.get("id").unwrap_or_default());
    let Some(session) = visit.session.clone() else { return sign_in(visit, &here).await };
    let (deed, id) = (visit.query.get("deed").unwrap_or_default(), visit.query.get("id").unwrap_or_default());
    let Some(asked) = Asked::find(&visit, &session, deed, id).await? else { return see_other(visit, paths::ACCOUNT) };
    if asked.needs_fresh_proof() && !visit.web.accounts.is_fresh(&session) {
        return step_up(visit, &here).await;
    }
    let html = {
        let page = Page { href: &here, ..visit.page(None) };
        Confirm { page: &page, deed: asked.view(), fields: &[("deed", deed), ("id", id)] }.render()?
    };
    let secure = visit.web.secure;
    Ok(visit.send(headers::page(html, &FormTargets::own(), secure)))
}

/// Acts.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let Submitted { visit, fields } = form;
    let (deed, id) = (fields.get("deed").unwrap_or_default(), fields.get("id").unwrap_or_default());
    let here = href(deed, id);
    let Some(session) = visit.session.clone() else { return sign_in(visit, &here).await };
    match fields.get("do") {
        Some("confirm") => {}
        Some("cancel") => return see_other(visit, paths::ACCOUNT),
        _ => return Err(Failure::Page(ErrorKind::BadForm)),
    }
    let Some(asked) = Asked::find(&visit, &session, deed, id).await? else { return see_other(visit, paths::ACCOUNT) };
    match asked.act(&visit.web, &session).await? {
        News::Tell(news) => see_other(visit, &account::with(news)),
        News::None => see_other(visit, paths::ACCOUNT),
        News::StepUp => step_up(visit, &here).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_in_one_text() {
        let given = Given { client: "a b&c".into(), scope: "membership".to_owned(), claim: "name#ko=1".to_owned() };
        assert_eq!(Given::parse(&given.to_text()), Some(given));
        for broken in ["", "client=a", "client=a&scope=&claim=x", "client=a&client=b&scope=c&claim=d"] {
            assert_eq!(Given::parse(broken), None, "{broken}");
        }
    }
}
