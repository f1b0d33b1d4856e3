//! Connecting a member number: the number, a way to prove it, the proof, and what came of it. One address with steps;
//! the number and the challenge stay on our side, under the transaction the address names as `link`.

mod steps;

use std::net::IpAddr;

use axum::extract::Path;
use axum::response::Response;

use self::steps::{Ceremony, fault};
use crate::membership::{Answer, Begin, Begun, Kept, Method, Proven, StartedLink};
use crate::protocol::Params;
use crate::web::error::Failure;
use crate::web::notices;
use crate::web::response_mode::see_other;
use crate::web::views::{ErrorKind, LinkMemberStep, Problem};
use crate::web::visit::{Submitted, Visit};

/// Shows the step the address names.
pub async fn show(Path(programme): Path<String>, visit: Visit) -> Result<Response, Failure> {
    let ceremony = match Ceremony::begin(visit, &programme).await? {
        Ok(ceremony) => ceremony,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Some(id) = ceremony.visit.query.get("done").map(str::to_owned) {
        return ceremony.done(&id).await;
    }
    let Some(link) = ceremony.link() else { return ceremony.number("", None) };
    if let Some(started) = ceremony.started(&link).await? {
        return ceremony.proof(&started, None);
    }
    ceremony.choose(&link, None).await
}

/// Takes what a step asked for.
pub async fn submit(Path(programme): Path<String>, form: Submitted) -> Result<Response, Failure> {
    let Submitted { visit, fields } = form;
    let ceremony = match Ceremony::begin(visit, &programme).await? {
        Ok(ceremony) => ceremony,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let pressed = fields.get("do").unwrap_or_default();
    if pressed == "cancel" || ceremony.visit.query.get("step") == Some("leave") {
        return ceremony.leave();
    }
    let Some(link) = ceremony.link() else { return ceremony.take_number(&fields).await };
    match ceremony.started(&link).await? {
        Some(_) if pressed == "resend" => ceremony.resend(&link).await,
        Some(started) => ceremony.take_proof(&started, &fields).await,
        None => ceremony.take_method(&link, &fields).await,
    }
}

impl Ceremony {
    async fn take_number(self, fields: &Params) -> Result<Response, Failure> {
        let typed = fields.get("number").unwrap_or_default();
        let memberships = self.visit.web.memberships.clone();
        let kept = memberships.keep_number(self.holder(), &self.programme, typed).await.map_err(fault)?;
        match kept {
            Kept::InvalidNumber(_) => self.number(typed, Some(Problem::NumberInvalid)),
            Kept::UnknownProgramme => Err(Failure::Page(ErrorKind::NotFound)),
            Kept::Waiting { transaction, number } => {
                if let [only] = *self.settings()?.proofs.as_slice() {
                    return self.challenge(transaction.expose(), number.as_str(), only).await;
                }
                let location = self.address(&[("link", transaction.expose())]);
                see_other(self.visit, &location)
            }
        }
    }

    async fn take_method(self, link: &str, fields: &Params) -> Result<Response, Failure> {
        let memberships = &self.visit.web.memberships;
        let kept = memberships.kept_number(link, self.holder(), &self.programme).await.map_err(fault)?;
        let Some(number) = kept else { return self.number("", Some(Problem::FormExpired)) };
        let chosen = fields.get("method").unwrap_or_default();
        match self.settings()?.proofs.iter().copied().find(|method| method.as_str() == chosen) {
            Some(method) => self.challenge(link, number.as_str(), method).await,
            None => self.choose(link, Some(Problem::ChoiceRequired)).await,
        }
    }

    /// Has the host challenge the number kept as `link`.
    async fn challenge(self, link: &str, number: &str, method: Method) -> Result<Response, Failure> {
        let wish = Begin {
            holder: self.holder(),
            programme: &self.programme,
            number,
            method,
            ip: address_in(&self.visit.network),
            locale: &self.visit.locale,
        };
        let begun = self.visit.web.memberships.begin(wish).await.map_err(fault)?;
        match begun {
            Begun::MethodNotOffered => self.choose(link, Some(Problem::ChoiceRequired)).await,
            begun => self.challenged(begun),
        }
    }

    fn challenged(self, begun: Begun) -> Result<Response, Failure> {
        match begun {
            Begun::Started(started) => {
                let location = self.address(&[("link", started.transaction.expose())]);
                see_other(self.visit, &location)
            }
            Begun::InvalidNumber(_) => self.number("", Some(Problem::NumberInvalid)),
            Begun::UnknownProgramme => Err(Failure::Page(ErrorKind::NotFound)),
            Begun::Limited { retry_after } => self.wait(retry_after),
            Begun::MethodNotOffered | Begun::TryLater => self.end(LinkMemberStep::Later),
        }
    }

    async fn resend(self, link: &str) -> Result<Response, Failure> {
        let (ip, memberships) = (address_in(&self.visit.network), self.visit.web.memberships.clone());
        let begun = memberships.begin_again(link, self.holder(), ip, &self.visit.locale).await.map_err(fault)?;
        match begun {
            Some(begun) => self.challenged(begun),
            None => self.number("", Some(Problem::FormExpired)),
        }
    }

    async fn take_proof(self, started: &StartedLink, fields: &Params) -> Result<Response, Failure> {
        let field = |name: &str| fields.get(name).unwrap_or_default().into();
        let answer = match started.method {
            Method::Otp => Answer::Code(field("code")),
            Method::Pin => Answer::Pin(field("pin")),
            Method::Kba => Answer::Knowledge { family_name: field("family_name"), birthdate: field("birthdate") },
        };
        let web = self.visit.web.clone();
        let (link, ip) = (started.transaction.expose(), address_in(&self.visit.network));
        match web.memberships.prove(link, self.holder(), &answer, ip).await.map_err(fault)? {
            Proven::Linked(linked) => {
                let account = self.session.account;
                notices::member_linked(&web, account, &linked.programme, &linked.masked_number).await;
                let location = self.address(&[("done", &linked.membership.to_string())]);
                see_other(self.visit, &location)
            }
            Proven::AlreadyYours(membership) => {
                let location = self.address(&[("done", &membership.to_string())]);
                see_other(self.visit, &location)
            }
            Proven::Wrong { attempts_left: 0 } => self.number("", Some(Problem::ProofWrong)),
            Proven::Wrong { .. } => self.proof(started, Some(Problem::ProofWrong)),
            Proven::Malformed => self.proof(started, Some(Problem::FieldInvalid)),
            Proven::NotPossible => self.number("", Some(Problem::NumberRefused)),
            Proven::Expired => self.number("", Some(Problem::FormExpired)),
            Proven::Limited { retry_after } => self.wait(retry_after),
            Proven::TryLater => self.end(LinkMemberStep::Later),
        }
    }
}

/// An address within the network of a visit, for counting: limits go by network.
fn address_in(network: &str) -> Option<IpAddr> {
    network.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_counted_by_an_address_within() {
        assert_eq!(address_in("192.0.2.0/24"), Some("192.0.2.0".parse().unwrap()));
        assert_eq!(address_in("2001:db8:1:2::/64"), Some("2001:db8:1:2::".parse().unwrap()));
        assert_eq!(address_in("unknown"), None);
    }
}
