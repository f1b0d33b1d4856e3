//! Statements and rows of SQLite.

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, Error, Row, ToSql};

/// What a row of SQLite is read into.
pub(in crate::store) trait Record: Sized {
    /// Takes its own columns of a row.
    fn read(columns: &mut Columns<'_>) -> Result<Self, Error>;
}

/// The columns of one row.
pub(in crate::store) struct Columns<'r> {
    row: &'r Row<'r>,
    /// The column after the one taken last: records mostly name them in the order of the statement.
    next: usize,
}

impl<'r> Columns<'r> {
    const fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The value of the column of a name.
    pub(in crate::store) fn take<T: FromSql>(&mut self, name: &str) -> Result<T, Error> {
        let statement = self.row.as_ref();
        let index = match statement.column_name(self.next) {
            Ok(here) if here == name => self.next,
            _ => statement.column_index(name)?,
        };
        self.next = index + 1;
        self.row.get(index)
    }
}

/// Runs a statement; gives the number of rows it touched.
pub(super) fn execute(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<u64, Error> {
    let touched = prepare(connection, sql, values)?.raw_execute()?;
    Ok(u64::try_from(touched).unwrap_or(u64::MAX))
}

/// Runs a statement and gives its row, if it has one.
pub(super) fn fetch_optional<R: Record>(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<Option<R>, Error> {
    let mut statement = prepare(connection, sql, values)?;
    let writes = !statement.readonly();
    let mut rows = statement.raw_query();
    let record = rows.next()?.map(|row| R::read(&mut Columns::of(row))).transpose()?;
    if writes && record.is_some() {
        // Foreign keys are checked when the statement ends.
        rows.next()?;
    }
    Ok(record)
}

/// Runs a statement and gives all its rows.
pub(super) fn fetch_all<R: Record>(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<R>, Error> {
    let mut statement = prepare(connection, sql, values)?;
    let mut rows = statement.raw_query();
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(R::read(&mut Columns::of(row))?);
    }
    Ok(records)
}

/// The statement with its values bound. SQLite numbers `$1`, `$2` by where they first stand in the text, so each is
/// found by its name.
fn prepare<'c>(connection: &'c Connection, sql: &str, values: &[&dyn ToSql]) -> Result<CachedStatement<'c>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let count = statement.parameter_count();
    for index in 1..=count {
        let name = statement.parameter_name(index).unwrap_or_default();
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = value.ok_or(Error::InvalidParameterCount(values.len(), count))?;
        statement.raw_bind_parameter(index, *value)?;
    }
    Ok(statement)
}
