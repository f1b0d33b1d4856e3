//! A document of a provider, kept in memory: discovery metadata or keys.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::failure::Stopped;
use crate::model::UnixTime;

/// How long an outdated copy still serves while the provider does not answer.
const STALE_IF_ERROR: i64 = 24 * 3600;
/// The least time between two requests for something newer than a fresh copy, or after a failure while an old copy
/// serves.
const RETRY_AFTER: i64 = 60;
/// How long a failure answers for the next ones when there is no copy at all: logins must not queue up behind a
/// provider that times out.
const FAIL_FAST: i64 = 5;
/// The bounds of how long a copy counts as fresh, whatever the provider says.
const FRESHNESS: std::ops::RangeInclusive<i64> = 60..=24 * 3600;

/// A copy of a remote document, fetched by one login at a time.
#[derive(Debug)]
pub(super) struct Remote<T> {
    copy: RwLock<Option<Copy<T>>>,
    /// Held while fetching; the time of the last extra or failed request.
    attempt: Mutex<Option<UnixTime>>,
}

#[derive(Debug)]
struct Copy<T> {
    document: Arc<T>,
    fetched_at: UnixTime,
    fresh_until: UnixTime,
}

impl<T> Clone for Copy<T> {
    fn clone(&self) -> Self {
        Self { document: Arc::clone(&self.document), ..*self }
    }
}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self { copy: RwLock::new(None), attempt: Mutex::new(None) }
    }
}

impl<T> Remote<T> {
    /// The document: the copy while it is fresh, else what `fetch` brings together with its lifetime in seconds, else
    /// a copy not older than a day.
    pub(super) async fn get<F>(&self, now: UnixTime, fetch: impl FnOnce() -> F) -> Result<Arc<T>, Stopped>
    where
        F: Future<Output = Result<(T, i64), Stopped>>,
    {
        if let Some(document) = self.fresh(now) {
            return Ok(document);
        }
        let mut attempt = self.attempt.lock().await;
        if let Some(document) = self.fresh(now) {
            return Ok(document);
        }
        let stale = self.copy().filter(|copy| now.since(copy.fetched_at) <= STALE_IF_ERROR);
        match &stale {
            Some(copy) if !due(*attempt, RETRY_AFTER, now) => return Ok(Arc::clone(&copy.document)),
            None if !due(*attempt, FAIL_FAST, now) => return Err(Stopped::Unavailable),
            _ => {}
        }
        match fetch().await {
            Ok((document, lifetime)) => Ok(self.keep(document, lifetime, now)),
            Err(stopped) => {
                *attempt = Some(now);
                stale.map(|copy| copy.document).ok_or(stopped)
            }
        }
    }

    /// A newer document than `seen`, which lacked something; at most one request a minute, and `seen` again when
    /// there is nothing newer.
    pub(super) async fn newer<F>(&self, seen: Arc<T>, now: UnixTime, fetch: impl FnOnce() -> F) -> Arc<T>
    where
        F: Future<Output = Result<(T, i64), Stopped>>,
    {
        let mut attempt = self.attempt.lock().await;
        match self.copy() {
            Some(copy) if !Arc::ptr_eq(&copy.document, &seen) => copy.document,
            _ if !due(*attempt, RETRY_AFTER, now) => seen,
            _ => {
                *attempt = Some(now);
                match fetch().await {
                    Ok((document, lifetime)) => self.keep(document, lifetime, now),
                    Err(_) => seen,
                }
            }
        }
    }

    fn copy(&self) -> Option<Copy<T>> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self, now: UnixTime) -> Option<Arc<T>> {
        self.copy().filter(|copy| now < copy.fresh_until).map(|copy| copy.document)
    }

    fn keep(&self, document: T, lifetime: i64, now: UnixTime) -> Arc<T> {
        let document = Arc::new(document);
        let fresh_until = now + lifetime.clamp(*FRESHNESS.start(), *FRESHNESS.end());
        let copy = Copy { document: Arc::clone(&document), fetched_at: now, fresh_until };
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = Some(copy);
        document
    }
}

fn due(attempt: Option<UnixTime>, interval: i64, now: UnixTime) -> bool {
    attempt.is_none_or(|attempt| now.since(attempt) >= interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(remote: &Remote<u32>, now: i64, answer: Result<u32, Stopped>) -> Result<u32, Stopped> {
        let fetch = || async { answer.map(|document| (document, 300)) };
        remote.get(UnixTime(now), fetch).await.map(|document| *document)
    }

    async fn newer(remote: &Remote<u32>, seen: u32, now: i64, answer: u32) -> u32 {
        let current = remote.copy().map_or_else(|| Arc::new(seen), |copy| copy.document);
        *remote.newer(current, UnixTime(now), || async { Ok((answer, 300)) }).await
    }

    #[tokio::test]
    async fn a_fresh_copy_is_not_fetched_again() {
        let remote = Remote::default();
        assert_eq!(get(&remote, 0, Ok(1)).await, Ok(1));
        assert_eq!(get(&remote, 299, Ok(2)).await, Ok(1));
        assert_eq!(get(&remote, 300, Ok(2)).await, Ok(2));
    }

    #[tokio::test]
    async fn an_outdated_copy_serves_for_a_day_of_errors() {
        let remote = Remote::default();
        assert_eq!(get(&remote, 0, Err(Stopped::Unavailable)).await, Err(Stopped::Unavailable));
        assert_eq!(get(&remote, FAIL_FAST - 1, Ok(1)).await, Err(Stopped::Unavailable));
        assert_eq!(get(&remote, FAIL_FAST, Ok(1)).await, Ok(1));
        let last = FAIL_FAST + STALE_IF_ERROR;
        assert_eq!(get(&remote, last, Err(Stopped::Unavailable)).await, Ok(1));
        assert_eq!(get(&remote, last + FAIL_FAST, Err(Stopped::Unavailable)).await, Err(Stopped::Unavailable));
    }

    #[tokio::test]
    async fn an_unknown_key_refreshes_once_a_minute() {
        let remote = Remote::default();
        assert_eq!(get(&remote, 0, Ok(1)).await, Ok(1));
        assert_eq!(newer(&remote, 1, 1, 2).await, 2);
        assert_eq!(newer(&remote, 2, 60, 3).await, 2);
        assert_eq!(newer(&remote, 2, 61, 3).await, 3);
    }
}
