//! Fills a store through the same methods the server uses: people with names, addresses, accepted terms, answers,
//! sessions and grants.

use std::sync::Arc;

use comity::app::{Extras, open_store, save_clients_of};
use comity::model::account::{Attribute, Stage, Verification};
use comity::model::client::Client;
use comity::model::consent::{Acceptance, Consent, Decision};
use comity::model::contact::ContactKind;
use comity::model::digest::sha256;
use comity::model::grant::{Family, Sector};
use comity::model::session::{Authentication, Session};
use comity::model::{AccountId, Clock, Random, Secret, UnixTime};
use comity::policy::release::{AskLine, Facts, Question, ReleaseRules, evaluate};
use comity::protocol::{ClaimsRequest, Scope};
use comity::settings::Settings;
use comity::store::{NewAccount, NewContact, NewRefresh, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Failure;
use crate::clients;
use crate::flows::Visitor;

const DAY: i64 = 86_400;
/// The time over which people signed up: their identifiers, ordered by time, then lie all over the tables.
pub const SIGN_UPS: i64 = 300 * DAY;
/// People who are written at the same time.
const PARALLEL: usize = 24;

/// What all people have in common.
struct Seed {
    store: Store,
    settings: Settings,
    rules: ReleaseRules,
    clients: Vec<Client>,
    random: Random,
    now: UnixTime,
    count: usize,
    /// Tells the people of this run from those of others in the same database.
    run: String,
}

/// Writes so many people, each with a session; gives their browsers.
pub async fn people(settings: &Settings, count: usize) -> Result<Vec<Visitor>, Failure> {
    let mut settings = settings.clone();
    hurry(&mut settings);
    let store = open_store(&settings, &Extras::default()).await?;
    let (clock, random) = (Clock::system(), Random::new());
    if store.clients().await?.iter().any(|known| !known.client.redirect_uris.is_empty() && !is_ours(&known.client)) {
        return Err("the database has relying parties of somebody else: the run wants an empty one".into());
    }
    save_clients_of(&clients::as_toml(), "the load", &store, &clock).await?;
    let mut known = Vec::new();
    for id in clients::of_people() {
        known.extend(store.client(&id.as_str().into()).await?.map(|registered| (*registered.client).clone()));
    }
    let (rules, run) = (settings.release_rules(), random.handle().to_lowercase());
    let now = clock.now();
    let seed = Arc::new(Seed { store: store.clone(), settings, rules, clients: known, random, now, count, run });
    let mut visitors = Vec::with_capacity(count);
    let mut tasks: JoinSet<Result<Visitor, String>> = JoinSet::new();
    for number in 0..count {
        if tasks.len() >= PARALLEL {
            visitors.extend(tasks.join_next().await.transpose()?.transpose()?);
        }
        let seed = Arc::clone(&seed);
        tasks.spawn(async move { seed.person(number).await.map_err(|error| error.to_string()) });
    }
    while let Some(done) = tasks.join_next().await {
        visitors.push(done??);
    }
    store.close().await;
    Ok(visitors)
}

/// Filling need not survive a power failure.
fn hurry(settings: &mut Settings) {
    settings.database.max_connections = u32::try_from(PARALLEL).unwrap_or(16);
    settings.database.acquire_timeout_seconds = 60;
    let url = settings.database.url.expose();
    if url.starts_with("postgres") && !url.contains('?') {
        settings.database.url = Secret::new(format!("{url}?options=-c%20synchronous_commit%3Doff"));
    }
}

fn is_ours(client: &Client) -> bool {
    client.redirect_uris.iter().all(|uri| uri == clients::REDIRECT_URI)
}

impl Seed {
    async fn person(&self, number: usize) -> Result<Visitor, Failure> {
        let client = self.clients.get(number % self.clients.len()).ok_or("no client")?;
        let share = i64::try_from(number)? * SIGN_UPS / i64::try_from(self.count)?;
        let signed_up = self.now - SIGN_UPS - DAY + share;
        let account = self.store.register_account(self.new_account(number, signed_up)?, signed_up).await?;
        self.store.subject(account, &Sector::public(), signed_up).await?;
        self.answer(account, client).await?;
        let (session, cookie) = self.session(account).await?;
        self.grant(account, client, &session).await?;
        let browser = self.random.token();
        let cookies = format!("comity_session={}; comity_browser={}", cookie.expose(), browser.expose());
        Ok(Visitor { client: client.id.to_string(), cookies })
    }

    fn new_account(&self, number: usize, signed_up: UnixTime) -> Result<NewAccount, Failure> {
        let required = self.settings.documents.iter().filter(|document| document.required);
        let acceptances = required.map(|document| {
            let locale = "en".parse()?;
            let (document, version) = (document.id.clone(), document.version);
            let hash = "0123456789012345678901234567890123456789012".to_owned();
            Ok::<_, Failure>(Acceptance { document, version, hash, locale, accepted_at: signed_up })
        });
        let attribute = |name: &str, value: Value| Attribute {
            name: name.to_owned(),
            value,
            source: "user".to_owned(),
            verification: Verification::Unverified,
            observed_at: signed_up,
        };
        Ok(NewAccount {
            stage: Stage::Registered,
            locale: "en".parse()?,
            zoneinfo: "Asia/Seoul".to_owned(),
            contact: Some(NewContact {
                kind: ContactKind::Email,
                value: format!("person-{number}@{}.example", self.run.replace('_', "-")),
                verified: true,
            }),
            identity: None,
            password_hash: None,
            attributes: vec![
                attribute("name", json!(format!("Person Number {number}"))),
                attribute("given_name", json!("Person")),
                attribute("family_name", json!(format!("Number {number}"))),
                attribute("birthdate", json!("1990-01-31")),
            ],
            acceptances: acceptances.collect::<Result<_, _>>()?,
        })
    }

    /// Says yes to everything a client may ask for.
    async fn answer(&self, account: AccountId, client: &Client) -> Result<(), Failure> {
        let asked_at = self.now - 10 * DAY;
        let consents: Vec<Consent> = self
            .lines(account, client)
            .await?
            .into_iter()
            .map(|line| Consent {
                account,
                client: client.id.clone(),
                scope: line.scope,
                claim: line.claim,
                purpose: line.purpose,
                purpose_version: line.purpose_version,
                decision: Decision::Given,
                decided_at: asked_at,
                expires_at: line.remember.map(|seconds| asked_at + seconds),
            })
            .collect();
        let evidence = json!({ "page": "consent", "locale": "en" });
        Ok(self.store.record_consents(account, &client.id, consents, &evidence, asked_at).await?)
    }

    async fn lines(&self, account: AccountId, client: &Client) -> Result<Vec<AskLine>, Failure> {
        let profile = self.store.profile(account).await?.ok_or("an account is missing")?;
        let unreachable = std::collections::BTreeSet::new();
        let facts = Facts {
            account: &profile.account,
            attributes: &profile.attributes,
            contacts: &profile.contacts,
            memberships: &profile.memberships,
            unreachable: &unreachable,
            pairwise_key: None,
        };
        let scope = Scope::from_values(&client.release.scopes);
        let claims = ClaimsRequest::default();
        let question = Question {
            client,
            scope: &scope,
            claims: &claims,
            facts: &facts,
            consents: &[],
            began_at: self.now,
            reconfirm: false,
            now: self.now,
        };
        Ok(evaluate(&self.rules, &question).ask())
    }

    async fn session(&self, account: AccountId) -> Result<(Session, Secret<String>), Failure> {
        let cookie = self.random.token();
        let authentication = Authentication {
            time: self.now - 60,
            amr: vec!["otp".to_owned()],
            acr: "urn:comity:acr:1".to_owned(),
            connection: None,
        };
        let session = Session {
            id: self.random.id(self.now),
            account,
            authentication,
            created_at: self.now,
            last_seen_at: self.now,
            expires_at: self.now + self.settings.session.absolute_seconds,
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(),
        };
        self.store.start_session(&session, &sha256(cookie.expose().as_bytes()), None, self.now).await?;
        Ok((session, cookie))
    }

    /// A grant with a refresh token that nobody uses.
    async fn grant(&self, account: AccountId, client: &Client, session: &Session) -> Result<(), Failure> {
        let family = Family {
            id: self.random.id(self.now),
            account,
            client: client.id.clone(),
            session: Some(session.id),
            scope: client.release.scopes.iter().cloned().collect(),
            authentication: session.authentication.clone(),
            nonce: Some(self.random.handle()),
            claims: None,
            created_at: self.now,
            revoked_at: None,
        };
        let tokens = &self.settings.tokens;
        let refresh = NewRefresh {
            hash: self.random.bytes(),
            expires_at: self.now + tokens.refresh_seconds,
            idle_seconds: Some(tokens.refresh_idle_seconds),
        };
        self.store.open_family(&family, Some(&self.random.bytes()), Some(refresh), self.now).await?;
        Ok(())
    }
}
