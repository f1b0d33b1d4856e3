//! Browsers that proved somebody before: guesses of strangers never keep them out.

use super::error::Error;
use super::open::Store;
use super::vault::Root;
use crate::model::UnixTime;

row!(KnownRow { expires_at: i64 });

impl Store {
    /// Whether a browser is known to have proven `owner`, by whatever name owners go.
    pub async fn knows_browser(&self, owner: &str, browser: &str, now: UnixTime) -> Result<bool, Error> {
        let id = name(self.root().await?, owner, browser);
        let mut link = self.db.read().await?;
        let known =
            fetch_optional!(&mut link, KnownRow, "SELECT expires_at FROM known_browsers WHERE id = $1", id.as_slice())?;
        Ok(known.is_some_and(|row| now.0 < row.expires_at))
    }

    /// Remembers until `end` that a browser proved `owner`, who may go by another name too.
    pub async fn remember_browser(
        &self,
        owner: &str,
        also: Option<&str>,
        browser: &str,
        end: UnixTime,
    ) -> Result<(), Error> {
        let root = self.root().await?;
        let id = name(root, owner, browser);
        let also = also.filter(|also| *also != owner).map(|also| name(root, also, browser));
        let mut link = self.db.write().await?;
        match also {
            None => execute!(
                &mut link,
                "INSERT INTO known_browsers (id, expires_at) VALUES ($1, $2) \
                 ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
                id.as_slice(),
                end.0
            ),
            Some(also) => execute!(
                &mut link,
                "INSERT INTO known_browsers (id, expires_at) VALUES ($1, $3), ($2, $3) \
                 ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
                id.as_slice(),
                also.as_slice(),
                end.0
            ),
        }
        .map(drop)
    }
}

/// Neither owner nor browser can be told from it.
fn name(root: &Root, owner: &str, browser: &str) -> Vec<u8> {
    root.blind_index("known-browser", &format!("{owner}:{browser}"))
}
