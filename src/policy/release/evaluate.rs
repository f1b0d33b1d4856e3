//! The formula, applied to one request.

use std::collections::BTreeSet;

use serde_json::Value;

use super::consent::{Standing, standing};
use super::membership::{Entry, entries, joined};
use super::rules::{ClaimRule, Delivery, ReleaseRules, ScopeRule};
use super::shape::shaped;
use super::source::Source;
use super::transform::{Surroundings, Transform};
use super::validate::is_reserved;
use super::verdict::{Line, Reason, Release, Verdict};
use crate::model::account::{Account, Attribute, Status};
use crate::model::client::Client;
use crate::model::consent::Consent;
use crate::model::contact::Contact;
use crate::model::member::Membership;
use crate::model::{ProgrammeId, UnixTime};
use crate::protocol::{ClaimRequest, ClaimsRequest, Scope};

/// What is known of the person; computed by the rooms above.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its attributes, from every source.
    pub attributes: &'a [Attribute],
    /// Its contacts, verified or not.
    pub contacts: &'a [Contact],
    /// Its memberships in any state.
    pub memberships: &'a [Membership],
    /// Programmes whose host did not answer the last time it was asked.
    pub unreachable: &'a BTreeSet<ProgrammeId>,
    /// The key of the transform `pairwise_hash`; without it that transform yields nothing.
    pub pairwise_key: Option<&'a [u8; 32]>,
}

/// A request to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// By which scope.
    pub scope: &'a Scope,
    /// By which `claims` parameter [OIDC Core §5.5].
    pub claims: &'a ClaimsRequest,
    /// About whom.
    pub facts: &'a Facts<'a>,
    /// What the person answered this client so far.
    pub consents: &'a [Consent],
    /// When the authorization request began: answers given since then belong to it and are not asked again. Where
    /// nobody can be asked, `now`.
    pub began_at: UnixTime,
    /// Whether answers from before count for the release only, and are asked anew (`prompt=consent`).
    pub reconfirm: bool,
    /// The time.
    pub now: UnixTime,
}

/// How single claims were asked for, beyond the scope.
type Wanted<'a> = Vec<(Delivery, &'a ClaimRequest)>;

struct Evaluation<'a> {
    rules: &'a ReleaseRules,
    question: &'a Question<'a>,
}

/// Judges every claim a request asks for. Pure: equal questions get equal answers.
pub fn evaluate(rules: &ReleaseRules, question: &Question<'_>) -> Release {
    let evaluation = Evaluation { rules, question };
    let mut lines = Vec::new();
    for scope in question.scope.iter() {
        evaluation.add_scope(scope, &mut lines);
    }
    for name in question.claims.names().filter(|name| !is_reserved(base_of(name))) {
        // A line its scope may not bring along leaves the request to the claims the client may ask for singly.
        if !lines.iter().any(|line: &Line| line.by_scope && is_same_claim(&line.claim, name)) {
            lines.push(evaluation.single(name));
        }
    }
    let scope = evaluation.granted(&lines);
    Release { lines, scope }
}

impl<'a> Evaluation<'a> {
    fn add_scope(&self, scope: &str, lines: &mut Vec<Line>) {
        let Some(row) = self.rules.row(scope, &self.question.client.id) else {
            let is_known = self.rules.rows().iter().any(|row| row.scope == scope);
            let reason = if is_known { Reason::ScopeNotAllowed } else { Reason::UnknownScope };
            lines.push(Line { scope: scope.to_owned(), ..denied("", reason) });
            return;
        };
        if row.claims.is_empty() {
            lines.push(self.permission(row));
        }
        for (claim, rule) in &row.claims {
            let tags = rule.source.tags(self.question.facts);
            let names = std::iter::once(claim.clone()).chain(tags.iter().map(|tag| format!("{claim}#{tag}")));
            lines.extend(names.map(|name| self.line(row, rule, &name, true)));
        }
    }

    /// A claim asked for by the `claims` parameter alone: the first row allowed to the client governs it.
    fn single(&self, name: &str) -> Line {
        let client = self.question.client;
        let base = base_of(name);
        let rows = self.rules.rows().iter().filter_map(|row| Some((row, row.claims.get(base)?)));
        let mut known = rows
            .filter(|(row, _)| self.rules.row(&row.scope, &client.id).is_some_and(|chosen| std::ptr::eq(chosen, *row)));
        let first = known.clone().next();
        let chosen = known.find(|(row, _)| client.release.scopes.contains(&row.scope)).or(first);
        match chosen {
            Some((row, rule)) => self.line(row, rule, name, false),
            None => denied(name, Reason::UnknownClaim),
        }
    }

    /// A scope without claims.
    fn permission(&self, row: &ScopeRule) -> Line {
        let line = self.blank(row, "");
        let is_allowed = self.question.client.release.scopes.contains(&row.scope);
        let allowed = if is_allowed { Ok((Value::Null, Vec::new())) } else { Err(Reason::ScopeNotAllowed) };
        let verdict = self.gate(row).and(allowed);
        self.with_consent(line, row, verdict)
    }

    fn line(&self, row: &ScopeRule, rule: &ClaimRule, name: &str, is_asked_by_scope: bool) -> Line {
        let client = &self.question.client.release;
        let names = [base_of(name), name];
        let from_scope = client.scopes.contains(&row.scope) && !names.iter().any(|name| client.except.contains(*name));
        let is_listed = names.iter().any(|name| client.claims.contains(*name));
        let is_allowed = from_scope || (is_listed && !is_asked_by_scope);
        let found = self.gate(row).and_then(|()| match is_allowed {
            true => self.value(rule, name),
            false if client.scopes.contains(&row.scope) => Err(Reason::ClaimNotAllowed),
            false if is_asked_by_scope => Err(Reason::ScopeNotAllowed),
            false => Err(Reason::ClaimNotAllowed),
        });
        let mut line = self.blank(row, name);
        line.by_scope = is_asked_by_scope && is_allowed;
        line.voluntary = rule.voluntary.unwrap_or(line.voluntary);
        if is_asked_by_scope {
            line.deliver.clone_from(&row.deliver);
        }
        if is_allowed {
            let wanted = self.wanted(name);
            line.essential = wanted.iter().any(|(_, request)| request.essential);
            let fits = |request: &ClaimRequest| found.as_ref().map_or(true, |(value, _)| request.accepts(value));
            line.deliver.extend(wanted.iter().filter(|(_, request)| fits(request)).map(|(delivery, _)| *delivery));
        }
        let mut line = self.with_consent(line, row, found);
        // Only after consent: whether the person is asked must not tell what the value is.
        if line.is_released() && line.deliver.is_empty() {
            line.verdict = Verdict::Denied(Reason::ValueMismatch);
        }
        line
    }

    /// What must hold before a line is looked at more closely.
    fn gate(&self, row: &ScopeRule) -> Result<(), Reason> {
        let account = self.question.facts.account;
        let is_live = self.rules.purpose(&row.purpose).is_some_and(|purpose| purpose.is_live(self.question.now));
        if self.question.client.disabled {
            Err(Reason::ClientDisabled)
        } else if account.status != Status::Active {
            Err(Reason::AccountNotActive)
        } else if !is_live {
            Err(Reason::PurposeNotLive)
        } else if row.min_stage.is_some_and(|least| account.stage < least) {
            Err(Reason::StageTooLow)
        } else {
            Ok(())
        }
    }

    fn value(&self, rule: &ClaimRule, name: &str) -> Result<(Value, Vec<Entry>), Reason> {
        let Question { client, facts, now, .. } = *self.question;
        let (base, tag) = name.split_once('#').map_or((name, None), |(base, tag)| (base, Some(tag)));
        if matches!(rule.source, Source::Loyalty(_)) {
            if tag.is_some() {
                return Err(Reason::NotAvailable);
            }
            let entries = entries(rule, client, facts, &self.rules.release.freshness, now)?;
            return Ok(match rule.transform {
                Some(Transform::Exists) => (true.into(), Vec::new()),
                _ => (joined(entries.iter()), entries),
            });
        }
        let raw = rule.source.value(tag, facts).ok_or(Reason::NotAvailable)?;
        let around = Surroundings { facts, client, claim: base, zones: &self.rules.zones, now };
        let made = match rule.transform {
            Some(transform) => transform.apply(&raw, &around).ok_or(Reason::NotAvailable)?,
            None => raw,
        };
        shaped(base, made).map(|value| (value, Vec::new())).ok_or(Reason::NotAvailable)
    }

    fn with_consent(&self, mut line: Line, row: &ScopeRule, found: Result<(Value, Vec<Entry>), Reason>) -> Line {
        let purpose = self.rules.purpose(&row.purpose);
        let (Ok((value, entries)), Some(purpose)) = (&found, purpose) else {
            line.verdict = Verdict::Denied(found.err().unwrap_or(Reason::PurposeNotLive));
            return line;
        };
        let (standing, asks) = standing(row, line.base(), purpose, line.essential, self.question);
        line.asks = asks;
        line.value = Some(value.clone());
        line.consented = standing == Standing::Given;
        line.verdict = match standing {
            Standing::NotNeeded | Standing::Given => {
                line.entries.clone_from(entries);
                Verdict::Released(value.clone())
            }
            Standing::Lacking(reason) => Verdict::Denied(reason),
        };
        line
    }

    fn blank(&self, row: &ScopeRule, name: &str) -> Line {
        let purpose = self.rules.purpose(&row.purpose);
        Line {
            scope: row.scope.clone(),
            purpose: row.purpose.clone(),
            purpose_version: purpose.map_or(0, |purpose| purpose.version),
            basis: purpose.map(|purpose| purpose.basis),
            voluntary: purpose.is_none_or(|purpose| !purpose.required),
            remember: row.remember.map(super::period::Period::as_seconds),
            ..denied(name, Reason::PurposeNotLive)
        }
    }

    fn wanted(&self, name: &str) -> Wanted<'a> {
        let claims = self.question.claims;
        let sections = [(Delivery::UserInfo, &claims.userinfo), (Delivery::IdToken, &claims.id_token)];
        let asked = sections.into_iter().flat_map(|(delivery, section)| {
            let found = section.iter().filter(|(asked, _)| is_same_claim(asked, name));
            found.map(move |(_, request)| (delivery, request))
        });
        asked.collect()
    }

    fn granted(&self, lines: &[Line]) -> Scope {
        let client = self.question.client;
        self.question.scope.filtered(|scope| {
            let mut permissions = lines.iter().filter(|line| line.claim.is_empty() && line.scope == scope);
            client.release.scopes.contains(scope)
                && self.rules.row(scope, &client.id).is_some_and(|row| self.gate(row).is_ok())
                && permissions.all(Line::is_released)
        })
    }
}

fn denied(name: &str, reason: Reason) -> Line {
    Line {
        scope: String::new(),
        claim: name.to_owned(),
        purpose: String::new(),
        purpose_version: 0,
        basis: None,
        verdict: Verdict::Denied(reason),
        deliver: BTreeSet::new(),
        essential: false,
        voluntary: true,
        remember: None,
        by_scope: false,
        consented: false,
        asks: false,
        value: None,
        entries: Vec::new(),
    }
}

fn base_of(name: &str) -> &str {
    name.split_once('#').map_or(name, |(base, _)| base)
}

/// Claim names are case-sensitive, language tags are not [OIDC Core §5.2].
fn is_same_claim(a: &str, b: &str) -> bool {
    match (a.split_once('#'), b.split_once('#')) {
        (Some((base_a, tag_a)), Some((base_b, tag_b))) => base_a == base_b && tag_a.eq_ignore_ascii_case(tag_b),
        _ => a == b,
    }
}
