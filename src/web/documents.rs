//! What relying parties fetch again and again: the metadata and the keys. Written once for each change of the keys and
//! then only handed out.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use super::state::Site;
use crate::jose::KeyRing;
use crate::model::digest::{b64, sha256};
use crate::model::{Fault, UnixTime};

/// Seconds a copy may be used without asking, at most: so long may a key that had to be replaced at once go unseen.
const MAX_AGE: i64 = 300;

/// Both documents, as they were written last.
pub struct Documents {
    cache_control: HeaderValue,
    metadata: Document,
    jwks: Document,
}

impl Documents {
    /// Nothing written yet. No copy may outlast `publish_ahead`, the seconds a key is published before it signs.
    pub fn new(publish_ahead: i64) -> Self {
        let policy = match publish_ahead.clamp(0, MAX_AGE) {
            0 => "no-cache".to_owned(),
            age => format!("public, max-age={age}"),
        };
        let cache_control = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("no-cache"));
        Self { cache_control, metadata: Document::default(), jwks: Document::default() }
    }

    /// The provider metadata, or 304 where the asker has it already.
    ///
    /// # Errors
    /// A [`Fault`] when it cannot be written.
    pub async fn metadata(&self, site: &Site, asked: &HeaderMap) -> Result<Response, Fault> {
        look(site).await;
        let edition = self.metadata.edition(site, |_, _| site.provider.metadata())?;
        Ok(self.answer(&edition, asked))
    }

    /// The public keys, or 304 where the asker has them already.
    ///
    /// # Errors
    /// A [`Fault`] when they cannot be written.
    pub async fn jwks(&self, site: &Site, asked: &HeaderMap) -> Result<Response, Fault> {
        look(site).await;
        let edition = self.jwks.edition(site, KeyRing::jwks)?;
        Ok(self.answer(&edition, asked))
    }

    /// Any page may read them: there is nothing in them that is somebody's.
    fn answer(&self, edition: &Edition, asked: &HeaderMap) -> Response {
        let known = is_known(asked, edition.etag.as_bytes());
        let body = if known { Bytes::new() } else { edition.body.clone() };
        let mut response = HttpResponse::new(body.into());
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(ETAG, edition.etag.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        response
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Documents")
    }
}

/// One document in its latest edition.
#[derive(Default)]
struct Document(RwLock<Option<Arc<Edition>>>);

/// A document as one set of keys makes it.
struct Edition {
    ring: Arc<KeyRing>,
    /// When one of those keys begins or ceases to sign or to be published.
    until: Option<UnixTime>,
    body: Bytes,
    etag: HeaderValue,
}

impl Document {
    /// The edition of now: the latest one, unless the keys have changed since or time has changed what they are for.
    fn edition<T: Serialize>(
        &self,
        site: &Site,
        write: impl FnOnce(&KeyRing, UnixTime) -> T,
    ) -> Result<Arc<Edition>, Fault> {
        let (ring, now) = (site.provider.keys().ring(), site.clock.now());
        // A poisoned lock still holds a whole edition: it is only ever replaced by assignment.
        let latest = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(latest) = latest.filter(|latest| latest.is_current(&ring, now)) {
            return Ok(latest);
        }
        let body = serde_json::to_vec(&write(&ring, now)).map_err(|error| Fault::new("write a document", error))?;
        let edition = Arc::new(Edition { until: ring.next_change(now), ring, etag: etag(&body)?, body: body.into() });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(edition.clone());
        Ok(edition)
    }
}

impl Edition {
    fn is_current(&self, ring: &Arc<KeyRing>, now: UnixTime) -> bool {
        Arc::ptr_eq(&self.ring, ring) && self.until.is_none_or(|until| now < until)
    }
}

/// Looks for keys made elsewhere. Where more waits than may, nobody waits for that too: these documents are served even
/// then, without a bound, because they need nothing.
async fn look(site: &Site) {
    if !site.load.is_full() {
        site.provider.keys().look().await;
    }
}

/// A strong entity tag: the same on every node, as long as the bytes are the same [RFC 9110 §8.8.3].
fn etag(body: &[u8]) -> Result<HeaderValue, Fault> {
    let tag: String = b64(&sha256(body)).chars().take(22).collect();
    HeaderValue::try_from(format!("\"{tag}\"")).map_err(|error| Fault::new("write an entity tag", error))
}

/// Whether the asker holds a copy with this tag [RFC 9110 §13.1.2].
fn is_known(asked: &HeaderMap, tag: &[u8]) -> bool {
    asked.get_all(IF_NONE_MATCH).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(|held| {
        let held = held.trim_ascii();
        held == b"*" || held.strip_prefix(b"W/").unwrap_or(held) == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (IF_NONE_MATCH, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_tag_is_recognised_in_every_form_it_may_come_in() {
        for known in [&["\"a\""][..], &["W/\"a\""], &["\"b\", \"a\""], &["\"b\"", " \"a\" "], &["*"]] {
            assert!(is_known(&asked(known), b"\"a\""), "{known:?}");
        }
        for unknown in [&[][..], &["\"b\""], &["a"], &["\"a"], &["\"a\"\"b\""], &["w/\"a\""], &[""], &[","]] {
            assert!(!is_known(&asked(unknown), b"\"a\""), "{unknown:?}");
        }
    }

    #[test]
    fn tags_are_as_different_as_the_bytes() {
        assert_eq!(etag(b"{}").unwrap(), etag(b"{}").unwrap());
        assert_ne!(etag(b"{}").unwrap(), etag(b"{ }").unwrap());
        assert!(etag(b"").unwrap().to_str().unwrap().starts_with('"'));
    }

    #[test]
    fn no_copy_outlasts_the_time_a_key_is_published_ahead() {
        for (ahead, policy) in [(86_400, "public, max-age=300"), (60, "public, max-age=60"), (0, "no-cache")] {
            assert_eq!(Documents::new(ahead).cache_control, policy);
        }
    }
}
