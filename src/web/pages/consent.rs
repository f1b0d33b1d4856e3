//! What a client is to learn, line by line with the actual values, and the person's answer.

mod words;

use std::collections::BTreeSet;

use axum::response::Response;

use self::words::Words;
use super::flow::{Flow, client_view};
use crate::model::client::Client;
use crate::model::contact::ContactKind;
use crate::policy::identifier::mask;
use crate::policy::release::{AskLine, Purpose};
use crate::provider::authorize::Ask;
use crate::store::Profile;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::response_mode::answer;
use crate::web::views::{Consent, ConsentGroup, ConsentLine, Template};
use crate::web::visit::{Submitted, Visit};

/// Asks.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let flow = Flow::of_visit(visit).await?;
    let web = flow.visit.web.clone();
    let Some(session) = flow.visit.session.clone() else { return flow.go(paths::SIGN_IN) };
    let Some(ask) = web.provider.show_consent(&flow.transaction, &session).await? else {
        return flow.go(paths::SIGN_IN);
    };
    let who = who(&ask.profile);
    let words = Words { web: &web, locale: &flow.visit.locale };
    let values: Vec<String> = ask.lines.iter().map(|line| words.of(line)).collect();
    let fields: Vec<String> = ask.lines.iter().map(field).collect();
    let lines: Vec<(&AskLine, ConsentLine<'_>)> = ask
        .lines
        .iter()
        .zip(values.iter().zip(&fields))
        .map(|(line, (value, field))| {
            (line, ConsentLine { field, claim: &line.claim, value, voluntary: line.voluntary, ticked: false })
        })
        .collect();
    let groups = groups(&lines, &ask.client, &words);
    let groups: Vec<ConsentGroup<'_>> = groups.iter().map(Group::view).collect();
    let href = paths::with_txn(paths::CONSENT, flow.txn());
    let page = flow.page(paths::CONSENT, &href);
    let html = Consent {
        page: &page,
        client: client_view(&ask.client),
        legal_entity: &ask.client.legal_entity,
        relationship: ask.client.relationship,
        signed_in_as: &who,
        groups: &groups,
        only_new: ask.has_standing,
        offline: ask.request.scope.contains("offline_access"),
    }
    .render()?;
    flow.send(html)
}

/// Takes the answer. Which lines there are is computed anew, as far as they were shown: the form only says which boxes
/// are ticked.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    let web = flow.visit.web.clone();
    if fields.get("do") != Some("allow") {
        return flow.cancel().await;
    }
    let Some(session) = flow.visit.session.clone() else { return flow.go(paths::SIGN_IN) };
    let Some(Ask { client, lines, .. }) = web.provider.shown_consent(&flow.transaction, &session).await? else {
        return flow.go(paths::CONSENT);
    };
    let ticked: BTreeSet<(String, String)> = lines
        .iter()
        .filter(|line| fields.get(&field(line)) == Some("yes"))
        .map(|line| (line.scope.clone(), line.claim.clone()))
        .collect();
    web.consents.answer(&session, &client.id, &lines, &ticked, &flow.visit.locale).await?;
    let outcome = web.provider.consent_answered(flow.txn(), &session, &flow.visit.browser).await?;
    answer(flow.visit, outcome)
}

/// The name of a line's box.
fn field(line: &AskLine) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
    };
    format!("line.{}.{}", plain(&line.scope), plain(&line.claim))
}

fn who(profile: &Profile) -> String {
    let name = profile.attributes.iter().find(|attribute| attribute.name == "name");
    let address = profile.contacts.iter().find(|contact| contact.kind == ContactKind::Email);
    match (name.and_then(|name| name.value.as_str()), address) {
        (Some(name), _) => name.to_owned(),
        (None, Some(address)) => mask(&address.value),
        (None, None) => String::new(),
    }
}

struct Group<'a> {
    line: &'a AskLine,
    purpose: &'a str,
    recipients: String,
    retention: String,
    lines: Vec<ConsentLine<'a>>,
}

impl Group<'_> {
    fn view(&self) -> ConsentGroup<'_> {
        ConsentGroup {
            scope: &self.line.scope,
            purpose: self.purpose,
            recipients: &self.recipients,
            retention: &self.retention,
            remember_days: self.line.remember.map(|seconds| seconds.div_euclid(86_400)),
            lines: &self.lines,
        }
    }
}

/// Lines of one scope have one purpose.
fn groups<'a>(lines: &[(&'a AskLine, ConsentLine<'a>)], client: &Client, words: &Words<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (line, view) in lines {
        if let Some(group) = groups.iter_mut().find(|group| group.line.scope == line.scope) {
            group.lines.push(*view);
            continue;
        }
        let purpose = words.web.provider.rules().purpose(&line.purpose);
        groups.push(Group {
            line,
            purpose: purpose.map_or("", |purpose| purpose.text(words.locale)),
            recipients: recipients(client, purpose),
            retention: purpose.and_then(|it| it.retention.as_deref()).map(|it| words.period(it)).unwrap_or_default(),
            lines: vec![*view],
        });
    }
    groups
}

/// The company behind the client, and whom the purpose names besides.
fn recipients(client: &Client, purpose: Option<&Purpose>) -> String {
    let own = if client.legal_entity.is_empty() { &client.client_name } else { &client.legal_entity };
    let others = purpose.into_iter().flat_map(|purpose| &purpose.recipients).filter(|other| *other != own);
    std::iter::once(own).chain(others).map(String::as_str).collect::<Vec<_>>().join(", ")
}
