//! How often somebody may try: counted in one atomic step, and a counter that does not answer refuses.

use super::Accounts;
use crate::cache::Tick;
use crate::model::{AccountId, Fault};

/// Somebody tried too often; the way on is named where this is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// Wrong passwords an account takes from browsers it does not know, all together, in an hour and in a day
/// [NIST SP 800-63B §3.2.2].
const STRANGERS: [(&str, u64, i64); 2] = [("passwords-strangers", 20, 3600), ("passwords-strangers-day", 100, 86_400)];
/// Wrong passwords one browser may offer for one account in an hour.
const ONE_BROWSER: u64 = 10;
/// Codes a mailbox takes in a day from browsers it does not know until one is right, however many were sent. The
/// mailed link cannot be guessed, and works beyond that.
const GUESSES: u64 = 50;

/// Seconds a browser that proved an account or a mailbox stays known for it: guesses of strangers never keep it out.
const KNOWN: i64 = 90 * 86_400;

impl Accounts {
    /// Counts an attempt of a network address (already cut to its /24 or /64).
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn count_attempt(&self, network: &str) -> Result<Result<(), TooMany>, Fault> {
        self.count("attempts", network, self.0.policy.attempts_per_minute, 60).await
    }

    /// Counts a sign-in a network address begins: each is a record we keep until it ends.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn count_beginning(&self, network: &str) -> Result<Result<(), TooMany>, Fault> {
        self.count("beginnings", network, self.0.policy.attempts_per_minute.saturating_mul(10), 60).await
    }

    /// Counts a letter a network address has us send: each mailbox has a limit of its own, but mailboxes are many.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn count_letter(&self, network: &str) -> Result<Result<(), TooMany>, Fault> {
        self.count("letters", network, self.0.policy.attempts_per_minute.saturating_mul(10), 3600).await
    }

    /// Counts a code about to be sent to a mailbox. Who proved it before from this browser is counted apart.
    pub(super) async fn count_code(&self, email: &str, browser: Option<&str>) -> Result<Result<(), TooMany>, Fault> {
        let (mailbox, limit) = (mailbox(email), self.0.policy.codes_per_hour);
        match browser {
            Some(browser) if self.knows_browser(&mailbox, browser).await? => {
                self.count("codes-known", &format!("{mailbox}:{browser}"), limit, 3600).await
            }
            _ => self.count("codes", &mailbox, limit, 3600).await,
        }
    }

    /// Counts a code about to be compared, over all transactions: no number of them makes guessing worth while. Says
    /// whether the browser is known for the mailbox, and the guess not counted.
    pub(super) async fn count_guess(&self, email: &str, browser: &str) -> Result<Result<bool, TooMany>, Fault> {
        let mailbox = mailbox(email);
        if self.knows_browser(&mailbox, browser).await? {
            return Ok(Ok(true));
        }
        Ok(self.count("code-guesses", &mailbox, GUESSES, 86_400).await?.map(|()| false))
    }

    /// Counts a password about to be checked. Counters run by account, so that all its addresses share them.
    pub(super) async fn count_password(
        &self,
        account: Option<AccountId>,
        typed: &str,
        browser: &str,
    ) -> Result<Result<(), TooMany>, Fault> {
        let key = account.map_or_else(|| mailbox(typed), |account| account.to_string());
        let this_browser = format!("{key}:{browser}");
        let mut counters = vec![("passwords-browser", this_browser.as_str(), ONE_BROWSER, 3600)];
        if account.is_none() || !self.knows_browser(&key, browser).await? {
            counters.extend(STRANGERS.map(|(name, limit, seconds)| (name, key.as_str(), limit, seconds)));
        }
        let ticks = counters.iter().map(|&(name, key, _, window_seconds)| Tick { name, key, window_seconds });
        let counts = self.0.cache.count_all(&ticks.collect::<Vec<_>>()).await?;
        let is_over = counts.iter().zip(&counters).any(|(count, (_, _, limit, _))| count > limit);
        Ok(if is_over { Err(TooMany) } else { Ok(()) })
    }

    /// Remembers that this browser, `known` for it before or not, proved the mailbox, and the account if it opened one.
    pub(super) async fn remember_browser(
        &self,
        email: &str,
        account: Option<AccountId>,
        browser: &str,
        known: bool,
    ) -> Result<(), Fault> {
        let mailbox = mailbox(email);
        // An owner who comes back in a known browser says nothing about who guessed meanwhile.
        if !known {
            self.0.cache.reset_count("code-guesses", &mailbox).await?;
        }
        let account = account.map(|account| account.to_string());
        if let Some(account) = &account {
            self.0.cache.reset_count("passwords-browser", &format!("{account}:{browser}")).await?;
        }
        let end = self.0.clock.now() + KNOWN;
        Ok(self.0.store.remember_browser(&mailbox, account.as_deref(), browser, end).await?)
    }

    /// Whether this browser proved the mailbox before.
    pub(super) async fn knows_mailbox(&self, email: &str, browser: &str) -> Result<bool, Fault> {
        self.knows_browser(&mailbox(email), browser).await
    }

    async fn knows_browser(&self, whose: &str, browser: &str) -> Result<bool, Fault> {
        Ok(self.0.store.knows_browser(whose, browser, self.0.clock.now()).await?)
    }

    async fn count(
        &self,
        name: &'static str,
        key: &str,
        limit: u64,
        seconds: i64,
    ) -> Result<Result<(), TooMany>, Fault> {
        let count = self.0.cache.count(name, key, seconds).await?;
        Ok(if count > limit { Err(TooMany) } else { Ok(()) })
    }
}

fn mailbox(email: &str) -> String {
    crate::model::digest::sha256_b64(email)
}
