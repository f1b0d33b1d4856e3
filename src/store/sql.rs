//! The macros that run one SQL text on either engine, do a unit of work in a transaction and read rows.
//!
//! They are macros because sqlx types a query by its database: the text and its values are written once and compiled
//! for both.

/// Runs one expression on whichever connection a [`Link`](super::db::Link) holds.
macro_rules! on {
    ($link:expr, $connection:ident => $query:expr) => {
        match $link {
            $crate::store::db::Link::Sqlite(link) => {
                let $connection = link.connection();
                $query
            }
            $crate::store::db::Link::Postgres(link) => {
                let $connection = link.connection();
                $query
            }
        }
    };
}

/// Runs a statement on whichever connection a link holds. PostgreSQL is given so long to answer, and no longer.
macro_rules! ask {
    ($link:expr, $connection:ident => $query:expr, $then:expr) => {
        match $link {
            $crate::store::db::Link::Sqlite(link) => {
                let $connection = link.connection();
                $query.await.map($then).map_err($crate::store::Error::from)
            }
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
        ask!($link, connection => sqlx::query($sql)$(.bind($value))*.execute(connection), |done| done.rows_affected())
    };
}

/// Runs a statement and gives its row, if it has one.
macro_rules! fetch_optional {
    ($link:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        ask!($link, connection => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(connection), |row| row)
    };
}

/// Runs a statement and gives all its rows.
macro_rules! fetch_all {
    ($link:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        ask!($link, connection => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(connection), |rows| rows)
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

/// Declares a row: each field is the column of its name. With `=`, each part reads its own columns of one row.
macro_rules! row {
    ($name:ident = $($part:ident: $type:ty),* $(,)?) => {
        pub(super) struct $name { $(pub(super) $part: $type),* }
        row!(@join $name, sqlx::sqlite::SqliteRow, $($part),*);
        row!(@join $name, sqlx::postgres::PgRow, $($part),*);
    };
    (@join $name:ident, $row:ty, $($part:ident),*) => {
        impl<'r> sqlx::FromRow<'r, $row> for $name {
            fn from_row(row: &'r $row) -> Result<Self, sqlx::Error> {
                Ok(Self { $($part: sqlx::FromRow::from_row(row)?),* })
            }
        }
    };
    ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        pub(super) struct $name { $(pub(super) $field: $type),* }
        row!(@read $name, sqlx::sqlite::SqliteRow, $($field),*);
        row!(@read $name, sqlx::postgres::PgRow, $($field),*);
    };
    (@read $name:ident, $row:ty, $($field:ident),*) => {
        impl<'r> sqlx::FromRow<'r, $row> for $name {
            fn from_row(row: &'r $row) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?),* })
            }
        }
    };
}
