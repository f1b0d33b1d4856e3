//! Brings the schema up to date. Scripts are embedded, run once each and in order, all of them in one transaction.

use super::db::{ATTEMPTS, Db, Link, back_off};
use super::error::Error;
use super::vault::sha256;
use crate::model::Random;

struct Migration {
    version: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $file:literal) => {
        Migration {
            version: $version,
            sqlite: include_str!(concat!("migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("migrations/postgres/", $file, ".sql")),
        }
    };
}

const MIGRATIONS: [Migration; 2] = [migration!(1, "0001_first"), migration!(2, "0002_link_notices")];

row!(AppliedRow { version: i64, checksum: Vec<u8> });

/// Runs what has not run yet. Nodes that start together take turns; a schema newer than this program is left alone,
/// because every release works on its successor's schema. The lock is a row: engines that are like PostgreSQL have no
/// other, and may make the slower node start over.
pub(super) async fn migrate(db: &Db, random: &Random) -> Result<(), Error> {
    create_table(db).await?;
    let mut attempt = 1;
    loop {
        match migrate_once(db).await {
            Err(error) if error.is_lost_race() && attempt < ATTEMPTS => back_off(random, attempt).await,
            outcome => return outcome,
        }
        attempt += 1;
    }
}

async fn migrate_once(db: &Db) -> Result<(), Error> {
    let mut link = db.begin().await?;
    link.be_patient();
    match run(&mut link).await {
        Ok(()) => link.commit().await,
        Err(error) => {
            link.roll_back().await;
            Err(error)
        }
    }
}

/// PostgreSQL may refuse `IF NOT EXISTS` to the slower of two nodes; asked again, it finds the table.
async fn create_table(db: &Db) -> Result<(), Error> {
    const SQL: &str = "CREATE TABLE IF NOT EXISTS comity_migrations \
        (version BIGINT NOT NULL PRIMARY KEY, checksum BYTEA NOT NULL)";
    let mut attempts = 3;
    loop {
        attempts -= 1;
        let mut link = db.write().await?;
        link.be_patient();
        match execute!(&mut link, SQL) {
            Err(_) if attempts > 0 => {}
            outcome => return outcome.map(drop),
        }
    }
}

async fn run(link: &mut Link) -> Result<(), Error> {
    // The row of version 0 is a lock: whoever writes it second waits for the first to commit.
    execute!(
        &mut *link,
        "INSERT INTO comity_migrations (version, checksum) VALUES (0, $1) \
         ON CONFLICT (version) DO UPDATE SET checksum = excluded.checksum",
        [0_u8].as_slice()
    )?;
    let applied = fetch_all!(&mut *link, AppliedRow, "SELECT version, checksum FROM comity_migrations")?;
    for migration in &MIGRATIONS {
        let script = if matches!(link, Link::Sqlite(_)) { migration.sqlite } else { migration.postgres };
        let checksum = sha256(script.as_bytes());
        match applied.iter().find(|row| row.version == migration.version) {
            Some(row) if row.checksum == checksum => continue,
            Some(_) => return Err(Error::fault("a migration that already ran was changed since")),
            None => {}
        }
        link.script(script).await?;
        execute!(
            &mut *link,
            "INSERT INTO comity_migrations (version, checksum) VALUES ($1, $2)",
            migration.version,
            checksum
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn versions_count_up_from_one() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, i64::try_from(index).unwrap() + 1);
        }
    }

    #[test]
    fn both_engines_get_the_same_tables_and_indexes() {
        for migration in &MIGRATIONS {
            let portable = migration
                .postgres
                .replace("UUID", "BLOB")
                .replace("BYTEA", "BLOB")
                .replace("BIGINT", "INTEGER")
                .replace("\n);", "\n) STRICT, WITHOUT ROWID;");
            assert_eq!(portable, migration.sqlite);
        }
    }
}
