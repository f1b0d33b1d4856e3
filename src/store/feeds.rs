//! How far each programme's feed of changes has been read.

use super::error::Error;
use super::open::Store;
use crate::model::{ProgrammeId, UnixTime};

row!(CursorRow { position: String });

impl Store {
    /// Where reading a programme's changes goes on.
    pub async fn feed_cursor(&self, programme: &ProgrammeId) -> Result<Option<String>, Error> {
        let mut link = self.db.read().await?;
        let row = fetch_optional!(
            &mut link,
            CursorRow,
            "SELECT position FROM feed_cursors WHERE programme = $1",
            programme.as_str()
        )?;
        Ok(row.map(|row| row.position))
    }

    /// Notes how far a programme's changes have been taken in.
    pub async fn set_feed_cursor(&self, programme: &ProgrammeId, cursor: &str, now: UnixTime) -> Result<(), Error> {
        let mut link = self.db.write().await?;
        execute!(
            &mut link,
            "INSERT INTO feed_cursors (programme, position, updated_at) VALUES ($1, $2, $3) \
             ON CONFLICT (programme) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at",
            programme.as_str(),
            cursor,
            now.0
        )
        .map(drop)
    }
}
