//! How often a number may be tried, without the owner being locked out for good.

use std::net::IpAddr;

use super::error::Error;
use super::room::Inner;
use crate::cache::{Slot, Tick};
use crate::model::{AccountId, ProgrammeId, UnixTime};
use crate::policy::member_number::MemberNumber;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A counter of tries, with the one of tries that did not count after all.
struct Counter {
    tries: &'static str,
    refunds: &'static str,
    window: i64,
}

const BY_ACCOUNT: Counter = Counter { tries: "link_tries_account", refunds: "link_refunds_account", window: DAY };
const BY_NUMBER: Counter = Counter { tries: "link_tries_number", refunds: "link_refunds_number", window: HOUR };
const BY_NETWORK: Counter = Counter { tries: "link_tries_network", refunds: "link_refunds_network", window: HOUR };

impl Counter {
    /// One try that did not count.
    const fn refund<'a>(&self, key: &'a str) -> Tick<'a> {
        Tick { name: self.refunds, key, window_seconds: self.window }
    }
}

/// Numbers shut until a time.
const SHUT: Slot<UnixTime> = Slot::new("link_number_shut", DAY);
/// Breaches already told of.
const TOLD: Slot<bool> = Slot::new("link_abuse_told", HOUR);

/// One try at proving a number.
pub(super) struct Try<'a> {
    pub account: AccountId,
    pub programme: &'a ProgrammeId,
    pub number: &'a str,
    pub ip: Option<IpAddr>,
}

impl<'a> Try<'a> {
    pub(super) fn new(
        account: AccountId,
        programme: &'a ProgrammeId,
        number: &'a MemberNumber,
        ip: Option<IpAddr>,
    ) -> Self {
        Self { account, programme, number: number.as_str(), ip }
    }

    fn number_key(&self) -> String {
        format!("{} {}", self.programme, self.number)
    }
}

/// Whether a try may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Go,
    /// Not before so many seconds have passed.
    Wait(i64),
}

impl Inner {
    /// Counts a try and says whether it may go on. The host's answer plays no part, so that a refusal says nothing
    /// about the number.
    ///
    /// Only too many tries of the *number* shut it: were the account's or the network's limit to do so, one account
    /// could shut one number after another.
    pub(super) async fn admit(&self, attempt: &Try<'_>, now: UnixTime) -> Result<Admission, Error> {
        let number = attempt.number_key();
        if let Some(until) = self.cache.get(&SHUT, &number).await? {
            return Ok(Admission::Wait(until.since(now).max(1)));
        }
        if self.count(&BY_ACCOUNT, &attempt.account.to_string()).await? > self.limits.account_per_day {
            self.report_abuse(attempt, &attempt.account.to_string(), now).await?;
            return Ok(Admission::Wait(DAY));
        }
        if let Some(network) = attempt.ip.map(network)
            && self.count(&BY_NETWORK, &network).await? > self.limits.ip_per_hour
        {
            self.report_abuse(attempt, &network, now).await?;
            return Ok(Admission::Wait(HOUR));
        }
        if self.count(&BY_NUMBER, &number).await? > self.limits.number_per_hour {
            let seconds = self.limits.number_lock_seconds;
            self.cache.put_new(&SHUT.lasting(seconds), &number, &(now + seconds)).await?;
            self.report_abuse(attempt, &number, now).await?;
            return Ok(Admission::Wait(seconds));
        }
        Ok(Admission::Go)
    }

    /// Takes a try back that the host could not judge: an outage must not shut anybody out.
    pub(super) async fn refund(&self, attempt: &Try<'_>) -> Result<(), Error> {
        let (account, number) = (attempt.account.to_string(), attempt.number_key());
        let network = attempt.ip.map(network);
        let mut ticks = vec![BY_ACCOUNT.refund(&account), BY_NUMBER.refund(&number)];
        ticks.extend(network.iter().map(|network| BY_NETWORK.refund(network)));
        self.cache.count_all(&ticks).await?;
        Ok(())
    }

    /// Forgets the tries of a number whose owner has been found.
    pub(super) async fn forgive(&self, attempt: &Try<'_>) -> Result<(), Error> {
        let number = attempt.number_key();
        self.cache.reset_count(BY_NUMBER.tries, &number).await?;
        self.cache.reset_count(BY_NUMBER.refunds, &number).await?;
        Ok(())
    }

    async fn count(&self, counter: &Counter, key: &str) -> Result<u64, Error> {
        let tries = self.cache.count(counter.tries, key, counter.window).await?;
        let refunds = if tries > 1 { self.cache.peek_count(counter.refunds, key).await? } else { 0 };
        Ok(tries.saturating_sub(refunds))
    }

    /// Raises `membership.link_abuse` once in a while per breach, not once per refused try.
    async fn report_abuse(&self, attempt: &Try<'_>, breach: &str, now: UnixTime) -> Result<(), Error> {
        if self.cache.put_new(&TOLD, breach, &true).await? {
            tracing::warn!(account = %attempt.account, programme = %attempt.programme, "too many tries to link a number");
            self.store.report_link_abuse(attempt.account, attempt.programme, now).await?;
        }
        Ok(())
    }
}

/// The network an address belongs to: /24 or /64, within which addresses are had for nothing.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_network() {
        assert_eq!(network("192.0.2.7".parse().unwrap()), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.9".parse().unwrap()), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2::5".parse().unwrap()), "2001:db8:1:2::/64");
    }
}
