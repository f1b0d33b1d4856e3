//! A code, and a link with the same effect, sent to a mailbox. Whoever returns it has proven the mailbox: nothing
//! about an account is said before that, so that nobody learns which addresses have one.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::continuation::Continuation;
use super::{Accounts, Entry, TooMany};
use crate::cache::Slot;
use crate::model::contact::ContactKind;
use crate::model::digest::{b64, constant_time_eq, hmac_sha256, sha256};
use crate::model::{AccountId, Fault, Secret};
use crate::policy::identifier::Identifier;

/// Digits of a code.
const DIGITS: usize = 6;

/// What was sent, by transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    email: String,
    code: String,
    link: String,
}

/// What a link leads to, by the hash of its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTarget {
    /// The transaction it belongs to.
    pub txn: String,
    /// Hash of the binding cookie of the browser that asked for it.
    pub browser: String,
}

/// Ten minutes at most; the operator may say less.
const CODES: Slot<Pending> = Slot::sealed("email-code", 600);
const LINKS: Slot<LinkTarget> = Slot::new("email-link", 600);

/// What to put into the mail.
#[derive(Clone, Debug)]
pub struct SentCode {
    /// The canonical address.
    pub email: String,
    /// The digits.
    pub code: Secret<String>,
    /// The link's token.
    pub link: Secret<String>,
}

/// What asking for a code came to.
#[derive(Clone, Debug)]
pub enum CodeSent {
    /// Send this.
    Send(SentCode),
    /// The text is no address.
    NotAnAddress,
    /// This mailbox had enough codes for now.
    TooMany,
}

/// What returning a code came to.
#[derive(Clone, Debug)]
pub enum CodeAnswer {
    /// The mailbox belongs to this account.
    Enter(Entry),
    /// The mailbox is proven and belongs to nobody yet: a new account awaits its terms.
    SignUp,
    /// Not the code that was sent.
    Wrong,
    /// The code is over: expired, used, or tried too often. A new one may be sent.
    Over,
}

impl Accounts {
    /// Makes a code for an address, replacing the transaction's earlier one.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn make_code(&self, txn: &str, browser: &str, typed: &str) -> Result<CodeSent, Fault> {
        let Ok(email) = Identifier::email(typed) else { return Ok(CodeSent::NotAnAddress) };
        let email = email.into_string();
        if let Err(TooMany) = self.count_code(&email, Some(browser)).await? {
            return Ok(CodeSent::TooMany);
        }
        if let Some(earlier) = self.0.cache.take(&CODES, txn).await? {
            self.0.cache.remove(&LINKS, &earlier.link).await?;
        }
        let code = self.0.random.digits(DIGITS);
        let link = self.0.random.token();
        let link_hash = b64(&sha256(link.expose().as_bytes()));
        let pending = Pending { email: email.clone(), code: bound(txn, code.expose()), link: link_hash.clone() };
        let seconds = i64::try_from(self.0.policy.code_seconds).unwrap_or(i64::MAX).min(CODES.ttl_seconds());
        self.0.cache.put(&CODES.lasting(seconds), txn, &pending).await?;
        let target = LinkTarget { txn: txn.to_owned(), browser: browser.to_owned() };
        self.0.cache.put(&LINKS.lasting(seconds), &link_hash, &target).await?;
        Ok(CodeSent::Send(SentCode { email, code, link }))
    }

    /// The address the transaction's code went to, for the page that asks for it.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn code_address(&self, txn: &str) -> Result<Option<String>, Fault> {
        Ok(self.0.cache.get(&CODES, txn).await?.map(|pending| pending.email))
    }

    /// Where a link leads, without using it up: mail scanners follow links.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn link_target(&self, token: &str) -> Result<Option<LinkTarget>, Fault> {
        Ok(self.0.cache.get(&LINKS, &b64(&sha256(token.as_bytes()))).await?)
    }

    /// Takes a typed code. Every try counts before it is compared, so that parallel guesses gain nothing.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn return_code(&self, txn: &str, browser: &str, typed: &str) -> Result<CodeAnswer, Fault> {
        let typed = digits(typed);
        let Some(pending) = self.0.cache.get(&CODES, txn).await? else { return Ok(CodeAnswer::Over) };
        let tries = self.0.cache.count("code-tries", &pending.link, 3600).await?;
        // The code stays: one of the tries that were in time may be about to take it.
        if tries > self.0.policy.code_tries {
            return Ok(CodeAnswer::Over);
        }
        // A new code gives new tries, a new code or transaction does not give new guesses at the mailbox.
        let Ok(known) = self.count_guess(&pending.email, browser).await? else { return Ok(CodeAnswer::Over) };
        if !constant_time_eq(bound(txn, &typed).as_bytes(), pending.code.as_bytes()) {
            return Ok(CodeAnswer::Wrong);
        }
        self.redeem_code(txn, &pending, browser, known).await
    }

    /// Takes a link, from a browser already known to be the one that asked for it.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn return_link(&self, token: &str, browser: &str) -> Result<(String, CodeAnswer), Fault> {
        let hash = b64(&sha256(token.as_bytes()));
        let target = self.0.cache.get(&LINKS, &hash).await?.filter(|target| target.browser == browser);
        let Some(LinkTarget { txn, .. }) = target else { return Ok((String::new(), CodeAnswer::Over)) };
        // A link proves the mailbox it was sent to, not whichever one the transaction asked about since.
        let pending = self.0.cache.get(&CODES, &txn).await?.filter(|pending| pending.link == hash);
        let Some(pending) = pending else { return Ok((txn, CodeAnswer::Over)) };
        let known = self.knows_mailbox(&pending.email, browser).await?;
        let answer = self.redeem_code(&txn, &pending, browser, known).await?;
        Ok((txn, answer))
    }

    /// Uses up the code that was `checked`, of which there may be another by now: for another mailbox, perhaps.
    async fn redeem_code(&self, txn: &str, checked: &Pending, browser: &str, known: bool) -> Result<CodeAnswer, Fault> {
        // Read first: a database that does not answer costs nobody their code.
        let owners = self.0.store.verified_owners(ContactKind::Email, &checked.email).await?;
        // Of all that hold the right code, one takes it.
        let taken = self.0.cache.take(&CODES, txn).await?;
        if taken.is_none_or(|taken| taken != *checked) {
            return Ok(CodeAnswer::Over);
        }
        self.0.cache.remove(&LINKS, &checked.link).await?;
        let owner = self.owner_to_enter(txn, &owners).await?;
        self.remember_browser(&checked.email, owner, browser, known).await?;
        if let Some(account) = owner {
            return Ok(CodeAnswer::Enter(Entry { account, amr: "otp", connection: None }));
        }
        let arrival = match self.take_continuation(txn).await? {
            Some(
                Continuation::SignUp { arrival: Some(arrival), .. }
                | Continuation::Choose { arrival }
                | Continuation::LinkAny { arrival }
                | Continuation::Link { arrival, .. },
            ) => Some(arrival),
            Some(Continuation::SignUp { arrival: None, .. }) | None => None,
        };
        self.keep_continuation(txn, &Continuation::SignUp { email: Some(checked.email.clone()), arrival }).await?;
        Ok(CodeAnswer::SignUp)
    }

    /// Of several owners, the one a waiting link is about; else the only one there is.
    async fn owner_to_enter(&self, txn: &str, owners: &[AccountId]) -> Result<Option<AccountId>, Fault> {
        if owners.len() > 1
            && let Some(Continuation::Link { candidates, .. }) = self.continuation(txn).await?
            && let Some(candidate) = owners.iter().find(|owner| candidates.contains(owner))
        {
            return Ok(Some(*candidate));
        }
        Ok(owners.first().copied())
    }
}

/// The digits of what was typed: spaces fall away, full-width digits count.
pub(super) fn digits(typed: &str) -> String {
    typed.nfkc().filter(char::is_ascii_digit).take(DIGITS + 1).collect()
}

/// A code is worth nothing outside its transaction.
fn bound(txn: &str, code: &str) -> String {
    b64(&hmac_sha256(txn.as_bytes(), code.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::bench::bench;

    async fn send(accounts: &Accounts, email: &str) -> SentCode {
        match accounts.make_code("txn", "browser", email).await.unwrap() {
            CodeSent::Send(sent) => sent,
            other => panic!("{other:?}"),
        }
    }

    fn hash(sent: &SentCode) -> String {
        b64(&sha256(sent.link.expose().as_bytes()))
    }

    #[tokio::test]
    async fn a_code_and_its_link_open_the_account_once() {
        let bench = bench().await;
        let (accounts, mina) = (&bench.accounts, bench.person("mina@example.com").await);
        let sent = send(accounts, "Mina@Example.com").await;
        let answer = accounts.return_code("txn", "browser", sent.code.expose()).await.unwrap();
        assert!(matches!(answer, CodeAnswer::Enter(entry) if entry.account() == mina));
        assert!(matches!(accounts.return_code("txn", "browser", sent.code.expose()).await.unwrap(), CodeAnswer::Over));
        let (_, answer) = accounts.return_link(sent.link.expose(), "browser").await.unwrap();
        assert!(matches!(answer, CodeAnswer::Over));

        let sent = send(accounts, "mina@example.com").await;
        let (_, answer) = accounts.return_link(sent.link.expose(), "another").await.unwrap();
        assert!(matches!(answer, CodeAnswer::Over));
        let (txn, answer) = accounts.return_link(sent.link.expose(), "browser").await.unwrap();
        assert!(txn == "txn" && matches!(answer, CodeAnswer::Enter(_)));
        assert!(matches!(accounts.return_code("txn", "browser", sent.code.expose()).await.unwrap(), CodeAnswer::Over));
    }

    #[tokio::test]
    async fn guessing_ends_over_codes_and_transactions_but_not_for_those_known() {
        let bench = bench().await;
        let accounts = &bench.accounts;
        bench.person("mina@example.com").await;
        let sent = send(accounts, "mina@example.com").await;
        assert!(matches!(
            accounts.return_code("txn", "known", sent.code.expose()).await.unwrap(),
            CodeAnswer::Enter(_)
        ));
        for _ in 0..10 {
            bench.clock.advance(3600);
            let sent = send(accounts, "mina@example.com").await;
            let wrong = if sent.code.expose() == "000000" { "111111" } else { "000000" };
            for _ in 0..5 {
                assert!(matches!(accounts.return_code("txn", "stranger", wrong).await.unwrap(), CodeAnswer::Wrong));
            }
            assert!(matches!(
                accounts.return_code("txn", "stranger", sent.code.expose()).await.unwrap(),
                CodeAnswer::Over
            ));
        }
        let sent = send(accounts, "mina@example.com").await;
        let answer = accounts.return_code("txn", "stranger", sent.code.expose()).await.unwrap();
        assert!(matches!(answer, CodeAnswer::Over), "the right code comes too late for a stranger");
        let answer = accounts.return_code("txn", "known", sent.code.expose()).await.unwrap();
        assert!(matches!(answer, CodeAnswer::Enter(_)));
    }

    #[tokio::test]
    async fn a_code_lives_as_long_as_the_operator_says() {
        let bench = bench().await;
        let sent = send(&bench.accounts, "mina@example.com").await;
        bench.clock.advance(300);
        let answer = bench.accounts.return_code("txn", "browser", sent.code.expose()).await.unwrap();
        assert!(matches!(answer, CodeAnswer::Over));
        assert_eq!(bench.accounts.link_target(sent.link.expose()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_proof_of_one_mailbox_never_opens_another() {
        let bench = bench().await;
        let accounts = &bench.accounts;
        bench.person("victim@example.com").await;
        // Two requests of one transaction at once: both codes are made, the victim's is kept last, both links stay.
        let own = send(accounts, "attacker@example.com").await;
        let checked = accounts.0.cache.get(&CODES, "txn").await.unwrap().unwrap();
        send(accounts, "victim@example.com").await;
        let target = LinkTarget { txn: "txn".to_owned(), browser: "browser".to_owned() };
        accounts.0.cache.put(&LINKS, &hash(&own), &target).await.unwrap();
        let (_, answer) = accounts.return_link(own.link.expose(), "browser").await.unwrap();
        assert!(matches!(answer, CodeAnswer::Over));
        // The same between the comparison of a typed code and its use.
        assert!(matches!(accounts.redeem_code("txn", &checked, "browser", false).await.unwrap(), CodeAnswer::Over));
    }
}
