//! The macros that run one SQL text on either engine, do a unit of work in a transaction and read rows.
//!
//! They are macros because each engine's library has types of its own: the text and its values are written once and
//! compiled for both.

/// Runs a statement on whichever connection a link holds. SQLite runs it here and now; PostgreSQL is given so long to
/// answer, and no longer.
macro_rules! ask {
    ($link:expr, $how:ident $(::<$row:ty>)?, $sql:expr, [$($value:expr),*], $connection:ident => $query:expr, $then:expr) => {
        match $link {
            $crate::store::db::Link::Sqlite(link) => match link.ready($sql).await {
                Ok(()) => {
                    let outcome = link.$how$(::<$row>)?($sql, &[$(&$value as &dyn rusqlite::ToSql),*]);
                    link.settled(outcome).await
                }
                Err(error) => Err(error),
            },
            $crate::store::db::Link::Postgres(link) => {
                let ($connection, patience) = link.asking();
                let answer = tokio::time::timeout(patience, $query).await;
                link.answered(answer).map($then)
            }
        }
    };
}

/// Runs a statement; gives the number of rows it touched.
macro_rules! execute {
    ($link:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        ask!(
            $link, execute, $sql, [$($value),*],
            connection => sqlx::query($sql)$(.bind($value))*.execute(connection), |done| done.rows_affected()
        )
    };
}

/// Runs a statement and gives its row, if it has one.
macro_rules! fetch_optional {
    ($link:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        ask!(
            $link, fetch_optional::<$row>, $sql, [$($value),*],
            connection => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(connection), |row| row
        )
    };
}

/// Runs a statement and gives all its rows.
macro_rules! fetch_all {
    ($link:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        ask!(
            $link, fetch_all::<$row>, $sql, [$($value),*],
            connection => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(connection), |rows| rows
        )
    };
}

/// Does a unit of work in a transaction: commits when the block ends well, takes all back when it fails, and starts
/// over when it lost a race. `return Ok(…)` inside the block ends it well.
macro_rules! unit {
    ($store:expr, $tx:ident => $work:block) => {{
        let mut attempt = 1_u32;
        loop {
            let mut begun = $store.db.begin().await?;
            let worked = async {
                let $tx = &mut begun;
                let value = $work;
                Ok::<_, $crate::store::Error>(value)
            }
            .await;
            let outcome = match worked {
                Ok(value) => begun.commit().await.map(|()| value),
                Err(error) => {
                    begun.roll_back().await;
                    Err(error)
                }
            };
            match outcome {
                Err(error) if error.is_lost_race() && attempt < $crate::store::db::ATTEMPTS => {
                    $crate::store::db::back_off(&$store.random, attempt).await;
                    attempt += 1;
                }
                outcome => break outcome,
            }
        }
    }};
}

/// Declares a row: each field is the column of its name. With `=`, each part reads its own columns of one row. A
/// statement best names the columns in the order of the fields.
macro_rules! row {
    ($name:ident = $($part:ident: $type:ty),* $(,)?) => {
        pub(super) struct $name { $(pub(super) $part: $type),* }
        impl $crate::store::db::Record for $name {
            fn read(columns: &mut $crate::store::db::Columns<'_>) -> Result<Self, rusqlite::Error> {
                Ok(Self { $($part: <$type as $crate::store::db::Record>::read(columns)?),* })
            }
        }
        impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &'r sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
                Ok(Self { $($part: sqlx::FromRow::from_row(row)?),* })
            }
        }
    };
    ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        pub(super) struct $name { $(pub(super) $field: $type),* }
        impl $crate::store::db::Record for $name {
            fn read(columns: &mut $crate::store::db::Columns<'_>) -> Result<Self, rusqlite::Error> {
                Ok(Self { $($field: columns.take(stringify!($field))?),* })
            }
        }
        impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &'r sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?),* })
            }
        }
    };
}
