//! Codes and the refresh tokens that follow from them.

use crate::support::Reply;
use crate::support::lossy::{Door, Lost};
use crate::support::phone::{assert_refused, authorize, redeem, refresh, refresh_token, revoke};
use comity::model::Random;

/// What one code came to, as its client knows it.
pub struct Chain {
    code: String,
    verifier: String,
    /// Refresh tokens that were exchanged.
    used: Vec<String>,
    newest: Option<String>,
    fate: Fate,
}

/// What the client knows of its last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Redeeming,
    Refreshing,
    Revoking,
    Revoked,
}

/// What was checked, for the record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub codes: u64,
    pub refreshes: u64,
    pub revocations: u64,
    /// Requests whose answer the kill swallowed, and of those the ones that had happened.
    pub lost: u64,
    pub lost_but_done: u64,
    /// Codes that were issued, not redeemed, and still worked.
    pub survived: u64,
    /// Replays that were refused.
    pub replays: u64,
    /// Families that were opened for certain, and that may have been.
    pub families: u64,
    pub maybe_families: u64,
}

/// Fetches tokens, refreshes and now and then revokes them, until the server is gone.
pub async fn fetch(door: &Door, session: &str) -> Vec<Chain> {
    let mut chains = Vec::new();
    while fetch_one(door, session, &mut chains).await.is_ok() {}
    chains
}

async fn fetch_one(door: &Door, session: &str, chains: &mut Vec<Chain>) -> Result<(), Lost> {
    let verifier = Random::new().token().expose().clone();
    let code = authorize(door, session, &verifier).await?;
    chains.push(Chain { code, verifier, used: Vec::new(), newest: None, fate: Fate::Answered });
    let chain = chains.last_mut().unwrap();
    let [dice] = Random::new().bytes::<1>();
    // Some codes are left alone for a moment.
    if dice % 8 == 0 {
        return Ok(());
    }
    chain.fate = Fate::Redeeming;
    let reply = chain.redeem(door).await?;
    assert_eq!(reply.status, 200, "a fresh code: {}", reply.text());
    (chain.newest, chain.fate) = (Some(refresh_token(&reply)), Fate::Answered);
    for _ in 0..dice % 4 {
        chain.fate = Fate::Refreshing;
        let reply = refresh(door, chain.newest.as_ref().unwrap()).await?;
        assert_eq!(reply.status, 200, "a fresh refresh token: {}", reply.text());
        chain.used.extend(chain.newest.replace(refresh_token(&reply)));
        chain.fate = Fate::Answered;
    }
    if dice >= 192 {
        chain.fate = Fate::Revoking;
        let token = chain.newest.as_ref().unwrap();
        let reply = revoke(door, token).await?;
        assert_eq!(reply.status, 200, "{}", reply.text());
        chain.fate = Fate::Revoked;
    }
    Ok(())
}

impl Chain {
    async fn redeem(&self, door: &Door) -> Result<Reply, Lost> {
        redeem(door, &self.code, &self.verifier).await
    }

    /// Holds the chain against the server that was started again. `keeps_codes` says whether codes survive.
    pub async fn check(mut self, door: &Door, keeps_codes: bool, tally: &mut Tally) {
        tally.codes += u64::from(self.newest.is_some());
        tally.families += u64::from(self.newest.is_some());
        tally.refreshes += self.used.len() as u64;
        if self.newest.is_none() {
            return self.check_code(door, keeps_codes, tally).await;
        }
        if !self.check_newest(door, tally).await {
            self.assert_dead(door, tally).await;
            return;
        }
        // Either the code or a used token comes again. Both end the family, for good.
        if self.used.is_empty() || self.code.as_bytes()[0].is_multiple_of(2) {
            tally.replays += 1;
            assert_refused(&self.redeem(door).await.unwrap(), "a code that was redeemed before the crash");
        } else {
            tally.replays += 1;
            let oldest = &self.used[0];
            assert_refused(&refresh(door, oldest).await.unwrap(), "a refresh token used before the crash");
        }
        self.assert_dead(door, tally).await;
    }

    /// A code without an answer: it opens one family at most, whoever asks how often.
    async fn check_code(&mut self, door: &Door, keeps_codes: bool, tally: &mut Tally) {
        let (first, second) = tokio::join!(self.redeem(door), self.redeem(door));
        let replies = [first.unwrap(), second.unwrap()];
        let won = replies.iter().filter(|reply| reply.status == 200).count();
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_refused(reply, "a code tried twice");
        }
        assert!(won <= 1, "a code was redeemed twice");
        if self.fate == Fate::Redeeming {
            tally.lost += 1;
            tally.lost_but_done += u64::from(won == 0);
            tally.maybe_families += 1;
        } else {
            assert_eq!(won, usize::from(keeps_codes), "a code that nobody had redeemed");
            tally.survived += won as u64;
            tally.families += won as u64;
        }
        tally.replays += 1;
        assert_refused(&self.redeem(door).await.unwrap(), "a code tried three times");
        if let Some(reply) = replies.iter().find(|reply| reply.status == 200) {
            self.newest = Some(refresh_token(reply));
            self.assert_dead(door, tally).await;
        }
    }

    /// The newest refresh token works, unless it was revoked; gives whether it did.
    async fn check_newest(&mut self, door: &Door, tally: &mut Tally) -> bool {
        let newest = self.newest.clone().unwrap();
        let reply = refresh(door, &newest).await.unwrap();
        match self.fate {
            Fate::Revoked => {
                tally.revocations += 1;
                assert_refused(&reply, "a token revoked before the crash");
                return false;
            }
            Fate::Revoking => {
                tally.lost += 1;
                if reply.status == 400 {
                    tally.lost_but_done += 1;
                    return false;
                }
            }
            Fate::Refreshing => tally.lost += 1,
            Fate::Answered | Fate::Redeeming => {}
        }
        assert_eq!(reply.status, 200, "the newest refresh token ({:?}): {}", self.fate, reply.text());
        let successor = refresh_token(&reply);
        // Whether the lost request had happened or not, the client gets one successor and always the same.
        let again = refresh(door, &newest).await.unwrap();
        assert_eq!(again.status, 200, "{}", again.text());
        assert_eq!(refresh_token(&again), successor, "a second successor of one refresh token");
        let reply = refresh(door, &successor).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        self.used.extend([newest, successor]);
        self.newest = Some(refresh_token(&reply));
        true
    }

    /// Nothing of the family works any more.
    async fn assert_dead(&self, door: &Door, tally: &mut Tally) {
        for token in self.used.iter().chain(&self.newest) {
            tally.replays += 1;
            assert_refused(&refresh(door, token).await.unwrap(), "a token of a family that ended");
        }
    }
}
