//! What people saw, second by second.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::login::Failure;

/// A login that ended.
struct Entry {
    at: Duration,
    took: Duration,
    failure: Option<Failure>,
}

/// How logins of a span ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub ok: usize,
    pub unavailable: usize,
    pub lost: usize,
    pub refused: usize,
    pub forgotten: usize,
    pub wrong: usize,
}

impl Sum {
    pub const fn failures(&self) -> usize {
        self.unavailable + self.lost + self.refused + self.forgotten + self.wrong
    }
}

/// The books of the night.
pub struct Books {
    began: Instant,
    entries: Mutex<Vec<Entry>>,
    headlines: Mutex<Vec<(Duration, String)>>,
}

impl Books {
    pub fn open() -> Self {
        Self { began: Instant::now(), entries: Mutex::default(), headlines: Mutex::default() }
    }

    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn record(&self, began: Instant, outcome: Result<(), Failure>) {
        let entry = Entry { at: self.now(), took: began.elapsed(), failure: outcome.err() };
        self.entries.lock().unwrap().push(entry);
    }

    /// Writes down that something happened.
    pub fn headline(&self, text: &str) {
        self.headlines.lock().unwrap().push((self.now(), text.to_owned()));
    }

    /// How logins ended that ended between these times.
    pub fn sum(&self, from: Duration, to: Duration) -> Sum {
        let mut sum = Sum::default();
        for entry in self.entries.lock().unwrap().iter().filter(|entry| entry.at >= from && entry.at < to) {
            *match entry.failure {
                None => &mut sum.ok,
                Some(Failure::Unavailable) => &mut sum.unavailable,
                Some(Failure::Lost) => &mut sum.lost,
                Some(Failure::Refused) => &mut sum.refused,
                Some(Failure::Forgotten) => &mut sum.forgotten,
                Some(Failure::Wrong(_)) => &mut sum.wrong,
            } += 1;
        }
        sum
    }

    /// The last failure since a time.
    pub fn last_failure(&self, since: Duration) -> Option<Duration> {
        let entries = self.entries.lock().unwrap();
        entries.iter().filter(|entry| entry.at >= since && entry.failure.is_some()).map(|entry| entry.at).max()
    }

    /// What was wrong.
    pub fn wrongs(&self) -> Vec<(Duration, String)> {
        let entries = self.entries.lock().unwrap();
        let wrong = entries.iter().filter_map(|entry| match &entry.failure {
            Some(Failure::Wrong(what)) => Some((entry.at, what.clone())),
            _ => None,
        });
        wrong.collect()
    }

    pub fn print_head() {
        println!(
            "{:>5} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8}",
            "s", "ok", "503", "lost", "refused", "again", "WRONG", "p50 ms", "p99 ms"
        );
    }

    /// Prints a second that is over.
    pub fn print(&self, second: u64) {
        let (from, to) = (Duration::from_secs(second), Duration::from_secs(second + 1));
        for (_, text) in self.headlines.lock().unwrap().iter().filter(|(at, _)| *at >= from && *at < to) {
            println!("      -- {text}");
        }
        let Sum { ok, unavailable, lost, refused, forgotten, wrong } = self.sum(from, to);
        let mut times: Vec<Duration> = {
            let entries = self.entries.lock().unwrap();
            let of_second = entries.iter().filter(|entry| entry.at >= from && entry.at < to && entry.failure.is_none());
            of_second.map(|entry| entry.took).collect()
        };
        times.sort_unstable();
        let percentile =
            |share: usize| times.get(times.len() * share / 100).map_or(0.0, |took| took.as_secs_f64() * 1000.0);
        println!(
            "{second:>5} {ok:>6} {unavailable:>6} {lost:>6} {refused:>8} {forgotten:>6} {wrong:>6} {:>8.1} {:>8.1}",
            percentile(50),
            percentile(99)
        );
    }
}
