//! Answers on the consent page, and answers taken back.

use std::collections::BTreeMap;

use comity::model::consent::Decision;
use comity::protocol::Params;
use comity::store::{ConsentEvent, Store};

use super::people::Person;
use crate::support::lossy::{Door, Lost, Walker};

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Allowed, with the box of the address ticked or not.
    Allowed { email: bool },
    /// Took the address back.
    Withdrawn,
    /// Took everything back.
    Revoked,
}

/// What a person did, as their browser saw it.
#[derive(Default)]
pub struct Answers {
    answered: Vec<Deed>,
    lost: Option<Deed>,
}

/// Answers and takes back, until the server is gone.
pub async fn answer(door: &Door, session: &str) -> Answers {
    let mut answers = Answers::default();
    let mut email = true;
    while turn(door, session, email, &mut answers).await.is_ok() {
        email = !email;
    }
    answers
}

/// Everything that stands is taken back first: what was answered this very second is not asked again.
async fn turn(door: &Door, session: &str, email: bool, answers: &mut Answers) -> Result<(), Lost> {
    take_back(door, session, ("revoke_app", "hotel"), answers).await?;
    allow(door, session, email, answers).await?;
    if email {
        let id = Params::new().with("client", "hotel").with("scope", "email").with("claim", "email").to_urlencoded();
        take_back(door, session, ("revoke_claim", &id), answers).await?;
    }
    Ok(())
}

async fn allow(door: &Door, session: &str, email: bool, answers: &mut Answers) -> Result<(), Lost> {
    let query = Params::new()
        .with("client_id", "hotel")
        .with("redirect_uri", "https://hotel.example/callback")
        .with("response_type", "code")
        .with("scope", "openid profile email")
        .with("prompt", "consent")
        .with("state", "s")
        .with("nonce", "n")
        .with("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .with("code_challenge_method", "S256")
        .to_urlencoded();
    let mut walker = Walker::signed_in(&door.issuer, session);
    let page = walker.open(&format!("/authorize?{query}")).await?;
    assert_eq!(page.url.path(), "/consent", "{} {}", page.status, page.text("body"));
    let ticked = [("line.email.email", "yes")];
    let deed = Deed::Allowed { email };
    answers.lost = Some(deed);
    let (page, next) = walker.press(&page, "allow", if email { &ticked } else { &[] }).await?;
    let next = next.unwrap_or_else(|| panic!("{} {}", page.status, page.text("body")));
    assert!(next.query().is_some_and(|query| query.contains("code=")), "{next}");
    answers.settle(deed);
    Ok(())
}

async fn take_back(door: &Door, session: &str, (deed, id): (&str, &str), answers: &mut Answers) -> Result<(), Lost> {
    let query = Params::new().with("deed", deed).with("id", id).to_urlencoded();
    let mut walker = Walker::signed_in(&door.issuer, session);
    let page = walker.open(&format!("/account/confirm?{query}")).await?;
    if page.url.path() == "/account" {
        return Ok(());
    }
    let (deed, done) = match deed {
        "revoke_app" => (Deed::Revoked, "done=app_revoked"),
        _ => (Deed::Withdrawn, "done=claim_revoked"),
    };
    answers.lost = Some(deed);
    let (page, next) = walker.press(&page, "confirm", &[]).await?;
    assert!(next.is_some_and(|next| next.query() == Some(done)), "{} {}", page.status, page.text("body"));
    answers.settle(deed);
    Ok(())
}

impl Answers {
    fn settle(&mut self, deed: Deed) {
        self.lost = None;
        self.answered.push(deed);
    }

    /// Every answer given is in the ledger, in order; one that got no answer is there whole or not at all; and the
    /// current state is what the ledger adds up to. Gives how many were lost and how many of those had happened.
    pub async fn check(self, store: &Store, person: &mut Person) -> (u64, u64, u64) {
        assert!(store.verify_consent_chain(person.resident.account).await.unwrap(), "the ledger is broken");
        let entries = store.consent_events(person.resident.account).await.unwrap();
        let mut standing = BTreeMap::new();
        for entry in &entries {
            for answer in &entry.answers {
                standing.insert((answer.scope.clone(), answer.claim.clone()), answer.decision);
            }
            if deed_of(entry) == Deed::Revoked {
                standing.clear();
            }
        }
        let deeds: Vec<Deed> = entries.iter().map(deed_of).collect();
        let (before, new) = deeds.split_at(person.answers);
        assert_eq!(before.len(), person.answers);
        let (answered, rest) = new
            .split_at_checked(self.answered.len())
            .unwrap_or_else(|| panic!("answered {:?}, recorded {new:?}", self.answered));
        assert_eq!(answered, self.answered, "the ledger tells of other answers");
        match rest {
            [] => {}
            [one] => assert_eq!(Some(*one), self.lost, "an answer nobody gave"),
            more => panic!("answers nobody gave: {more:?}"),
        }
        let state = store.all_consents(person.resident.account).await.unwrap();
        let state: BTreeMap<_, _> =
            state.into_iter().map(|consent| ((consent.scope, consent.claim), consent.decision)).collect();
        assert_eq!(state, standing, "what stands is not what the ledger says");
        person.answers = deeds.len();
        (self.answered.len() as u64, u64::from(self.lost.is_some()), rest.len() as u64)
    }
}

fn deed_of(entry: &ConsentEvent) -> Deed {
    match entry.evidence["action"].as_str() {
        Some("grant_revoked") => Deed::Revoked,
        Some("withdrawn") => Deed::Withdrawn,
        _ => {
            let email = entry.answers.iter().find(|answer| answer.claim == "email").expect("a line about the address");
            Deed::Allowed { email: email.decision == Decision::Given }
        }
    }
}
