//! The people of the storm, and the books kept over all rounds.

use std::fmt;
use std::time::Duration;

use comity::model::{AccountId, EventId};
use comity::store::Store;

use super::chains::Tally;
use super::google::Google;
use super::{ROUNDS, Seen};
use crate::support::lossy::Door;
use crate::support::process::Site;
use crate::support::resident::Resident;

/// Somebody with an account and a session.
pub struct Person {
    pub resident: Resident,
    /// Entries of the ledger that are accounted for.
    pub answers: usize,
    news: News,
}

impl Person {
    pub const fn new(resident: Resident) -> Self {
        Self { resident, answers: 0, news: News { last: None, sequence: 0 } }
    }

    async fn news(&mut self, store: &Store) -> Vec<String> {
        self.news.read(store, self.resident.account).await
    }
}

/// The events of an account, read up to one of them.
#[derive(Default)]
struct News {
    last: Option<EventId>,
    sequence: i64,
}

impl News {
    /// The kinds of the events since the last time; their numbers have no gap.
    async fn read(&mut self, store: &Store, account: AccountId) -> Vec<String> {
        let mut kinds = Vec::new();
        loop {
            let events = store.events(Some(account), self.last, 500).await.unwrap();
            if events.is_empty() {
                return kinds;
            }
            for event in events {
                self.sequence += 1;
                assert_eq!(event.sequence, self.sequence, "a gap in the events of an account");
                self.last = Some(event.id);
                kinds.push(event.kind);
            }
        }
    }
}

/// What all rounds came to.
#[derive(Default)]
pub struct Books {
    pub restarts: Duration,
    chains: Tally,
    answers: u64,
    accounts: u64,
    links: u64,
    lost: u64,
    lost_but_done: u64,
}

impl Books {
    /// Holds what was seen against the server that was started again, and against the records.
    pub async fn check(&mut self, site: &Site, google: &Google, people: &mut [Person], seen: Seen) {
        let door = Door::of(site);
        // Opened now and not before: whatever the killed process left in the files was put right by its successor.
        let store = site.store().await;
        for (number, answers) in seen.answers {
            let (answered, lost, done) = answers.check(&store, &mut people[number]).await;
            self.answers += answered;
            self.lost += lost;
            self.lost_but_done += done;
        }
        for newcomer in seen.newcomers {
            let account = newcomer.check(&door, &store, google).await;
            if let Some(account) = account {
                let news = News::default().read(&store, account).await;
                assert_eq!(news.iter().filter(|kind| *kind == "account.created").count(), 1, "{news:?}");
            }
            self.count(newcomer.was_answered(), account.is_some());
            self.accounts += u64::from(newcomer.was_answered());
        }
        for (number, link) in seen.links {
            let stands = link.check(&store, google, people[number].resident.account).await;
            self.count(link.was_answered(), stands);
            self.links += u64::from(link.was_answered());
        }
        let keeps_codes = site.services().is_some();
        for (number, chains) in seen.chains {
            let mut tally = Tally::default();
            for chain in chains {
                chain.check(&door, keeps_codes, &mut tally).await;
            }
            let news = people[number].news(&store).await;
            let opened = news.iter().filter(|kind| *kind == "grant.created").count() as u64;
            let possible = tally.families..=tally.families + tally.maybe_families;
            assert!(possible.contains(&opened), "{opened} families, not {possible:?}");
            self.chains.add(&tally);
        }
        for person in people {
            person.news(&store).await;
            person.resident.prove(&store).await;
        }
        store.close().await;
    }

    fn count(&mut self, answered: bool, stands: bool) {
        self.lost += u64::from(!answered);
        self.lost_but_done += u64::from(!answered && stands);
    }

    /// A storm in which nothing happened would prove nothing; a slow machine still has to do this much.
    pub fn assert_they_were_worth_it(&self, site: &Site) {
        let rounds = u64::from(ROUNDS);
        let Tally { codes, refreshes, revocations, lost, replays, survived, .. } = self.chains;
        assert!(codes > rounds / 2 && refreshes > rounds / 2 && revocations > 0 && replays > rounds, "{self}");
        assert!(self.answers > rounds / 4 && self.accounts > rounds / 10 && self.links > rounds / 20, "{self}");
        assert!(lost + self.lost > rounds / 2, "{self}");
        assert_eq!(survived > 0, site.services().is_some(), "{self}");
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.codes += other.codes;
        self.refreshes += other.refreshes;
        self.revocations += other.revocations;
        self.lost += other.lost;
        self.lost_but_done += other.lost_but_done;
        self.survived += other.survived;
        self.replays += other.replays;
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { codes, refreshes, revocations, survived, replays, lost, lost_but_done, .. } = self.chains;
        write!(
            f,
            "{codes} codes, {refreshes} refreshes, {revocations} revocations, {} answers, {} accounts and {} links stood; \
             {replays} replays were refused; {survived} codes survived; {} answers were lost, of deeds that were done {}; \
             restarts took {} ms on average",
            self.answers,
            self.accounts,
            self.links,
            lost + self.lost,
            lost_but_done + self.lost_but_done,
            self.restarts.as_millis() / u128::from(ROUNDS)
        )
    }
}
