//! A borrowed connection.

use std::sync::Arc;

use rusqlite::{Connection, ToSql};
use tokio::sync::OwnedMutexGuard;

use super::slot::Slot;
use super::statement::{self, Record};
use super::{Connections, Sqlite};
use crate::store::error::Error;
use crate::trips;

/// What a connection was borrowed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// To read.
    Reading,
    /// For statements each of which is a unit of work: it has a connection while it runs.
    Statement,
    /// For one unit of work, which is open.
    Unit,
}

/// A borrowed connection.
pub(in crate::store) struct SqliteLink {
    sqlite: Arc<Connections>,
    scope: Scope,
    /// Whether a unit of work is open on what is lent.
    open: bool,
    slot: Option<OwnedMutexGuard<Slot>>,
}

impl SqliteLink {
    pub(super) fn new(sqlite: &Sqlite, scope: Scope) -> Self {
        Self { sqlite: Arc::clone(&sqlite.0), scope, open: false, slot: None }
    }

    pub(super) fn lent(sqlite: &Sqlite, scope: Scope, slot: OwnedMutexGuard<Slot>) -> Self {
        Self { sqlite: Arc::clone(&sqlite.0), scope, open: scope == Scope::Unit, slot: Some(slot) }
    }

    /// Gets ready to run a statement.
    pub(in crate::store) async fn ready(&mut self, sql: &str) -> Result<(), Error> {
        if self.scope == Scope::Statement {
            let sqlite = Sqlite(Arc::clone(&self.sqlite));
            if sql.starts_with("SELECT") {
                self.slot = Some(sqlite.lend_reader().await?);
            } else {
                self.slot = Some(sqlite.lend_begun().await?);
                self.open = true;
            }
        }
        Ok(())
    }

    /// Runs a statement; gives the number of rows it touched.
    pub(in crate::store) fn execute(&self, sql: &str, values: &[&dyn ToSql]) -> Result<u64, Error> {
        Ok(statement::execute(self.connection()?, sql, values)?)
    }

    /// Runs a statement and gives its row, if it has one.
    pub(in crate::store) fn fetch_optional<R: Record>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Result<Option<R>, Error> {
        Ok(statement::fetch_optional(self.connection()?, sql, values)?)
    }

    /// Runs a statement and gives all its rows.
    pub(in crate::store) fn fetch_all<R: Record>(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<R>, Error> {
        Ok(statement::fetch_all(self.connection()?, sql, values)?)
    }

    /// Makes the statement stand, if it was a unit of work by itself.
    pub(in crate::store) async fn settled<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        if self.scope != Scope::Statement {
            return outcome;
        }
        if outcome.is_ok() && self.open {
            self.make_it_stand().await?;
        }
        self.let_go();
        outcome
    }

    /// Runs a script.
    pub(in crate::store) async fn script(&mut self, sql: &str) -> Result<(), Error> {
        self.ready(sql).await?;
        let outcome = self.connection().and_then(|connection| Ok(connection.execute_batch(sql)?));
        self.settled(outcome).await
    }

    pub(in crate::store::db) async fn commit(mut self) -> Result<(), Error> {
        trips::sql();
        self.make_it_stand().await
    }

    pub(in crate::store::db) fn roll_back(mut self) {
        trips::sql();
        self.let_go();
    }

    /// The connection for one statement.
    pub(in crate::store) fn connection(&self) -> Result<&Connection, Error> {
        trips::sql();
        self.slot.as_ref().map(|slot| &slot.connection).ok_or_else(|| Error::fault("a statement without a connection"))
    }

    async fn make_it_stand(&mut self) -> Result<(), Error> {
        let Some(mut slot) = self.slot.take() else { return Ok(()) };
        self.open = false;
        if !self.sqlite.commits.are_shared(&mut slot) {
            slot.commit()?;
            drop(slot);
            self.sqlite.wrote(1);
            return Ok(());
        }
        let (told, leads) = slot.await_commit()?;
        if leads {
            self.sqlite.settle_soon();
        } else {
            self.sqlite.settle_if_many(&mut slot);
        }
        drop(slot);
        match told.await {
            Ok(outcome) => outcome.map_err(|lost| Error::Unavailable(Box::new(lost))),
            Err(closed) => Err(Error::Unavailable(Box::new(closed))),
        }
    }

    /// Gives the connection back, with nothing open on it.
    fn let_go(&mut self) {
        if let Some(mut slot) = self.slot.take()
            && self.open
        {
            slot.take_back();
        }
        self.open = false;
    }
}

impl Drop for SqliteLink {
    fn drop(&mut self) {
        // Cancelled or given up in the middle: SQLite's write lock must not stay taken.
        self.let_go();
    }
}
