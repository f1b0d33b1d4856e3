//! Stops calling a host that fails, and finds out when it is back.

use std::collections::VecDeque;

use crate::model::UnixTime;

/// How many of the latest calls are judged.
const WINDOW: usize = 20;
/// How many of them must have failed: half.
const TRIP: usize = WINDOW / 2;
/// Seconds until an open breaker lets one call through.
const OPEN_SECONDS: i64 = 10;

/// Whether a call may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// As always.
    Pass,
    /// As the one call that finds out whether the host is back.
    Probe,
    /// No.
    Refuse,
}

/// The state of one host as seen from this process.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: VecDeque<bool>,
    open_since: Option<UnixTime>,
}

impl Breaker {
    /// Asks whether a call may go out; a probe postpones the next one.
    pub(super) fn admit(&mut self, now: UnixTime) -> Admission {
        match self.open_since {
            None => Admission::Pass,
            Some(since) if now.since(since) >= OPEN_SECONDS => {
                self.open_since = Some(now);
                Admission::Probe
            }
            Some(_) => Admission::Refuse,
        }
    }

    /// Takes note of how a call ended.
    pub(super) fn record(&mut self, failed: bool, now: UnixTime) {
        if self.open_since.is_some() {
            if failed {
                self.open_since = Some(now);
            } else {
                *self = Self::default();
            }
            return;
        }
        if self.failures.len() == WINDOW {
            self.failures.pop_front();
        }
        self.failures.push_back(failed);
        if self.failures.iter().filter(|failed| **failed).count() >= TRIP {
            self.open_since = Some(now);
            self.failures.clear();
        }
    }

    /// Whether the latest call went well; `true` before the first.
    pub(super) fn is_well(&self) -> bool {
        self.open_since.is_none() && !self.failures.back().copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixTime = UnixTime(1000);

    fn tripped() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..TRIP {
            assert_eq!(breaker.admit(T), Admission::Pass);
            breaker.record(true, T);
        }
        breaker
    }

    #[test]
    fn half_of_twenty_failures_open_it() {
        let mut breaker = Breaker::default();
        for round in 0..9 {
            breaker.record(true, T);
            breaker.record(false, T);
            assert_eq!(breaker.admit(T), Admission::Pass, "{round}");
        }
        breaker.record(true, T);
        assert_eq!(breaker.admit(T), Admission::Refuse);
    }

    #[test]
    fn less_than_half_never_opens_it() {
        let mut breaker = Breaker::default();
        for call in 0..300 {
            breaker.record(call % 3 == 0, T);
            assert_eq!(breaker.admit(T), Admission::Pass);
        }
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let mut breaker = tripped();
        assert_eq!(breaker.admit(T + 9), Admission::Refuse);
        assert_eq!(breaker.admit(T + 10), Admission::Probe);
        assert_eq!(breaker.admit(T + 10), Admission::Refuse);
        breaker.record(true, T + 12);
        assert_eq!(breaker.admit(T + 21), Admission::Refuse);
        assert_eq!(breaker.admit(T + 22), Admission::Probe);
        breaker.record(false, T + 22);
        assert_eq!(breaker.admit(T + 22), Admission::Pass);
        assert!(breaker.is_well());
    }

    #[test]
    fn a_probe_that_never_reports_does_not_shut_it_for_good() {
        let mut breaker = tripped();
        assert_eq!(breaker.admit(T + 10), Admission::Probe);
        assert_eq!(breaker.admit(T + 20), Admission::Probe);
    }
}
