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

const MIGRATIONS: [Migration; 3] =
    [migration!(1, "0001_first"), migration!(2, "0002_link_notices"), migration!(3, "0003_known_browsers")];

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

    /// The statements of a script, in capitals, without comments.
    fn statements(script: &str) -> Vec<String> {
        let lines = script.lines().map(|line| line.split("--").next().unwrap());
        let code = lines.collect::<Vec<_>>().join(" ").to_uppercase();
        let each = code.split(';').map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        each.filter(|text| !text.is_empty()).collect()
    }

    /// Whether a statement leaves those of the release before it working, in a script that creates `created`.
    fn is_additive(statement: &str, created: &[&str]) -> bool {
        let words: Vec<&str> = statement.split([' ', '(']).filter(|word| !word.is_empty()).collect();
        let is_new = |table: &str| created.contains(&table);
        match *words.as_slice() {
            ["CREATE", "TABLE" | "INDEX", ..] | ["INSERT", "INTO", ..] => true,
            // A column the release before does not write must do without it.
            ["ALTER", "TABLE", _, "ADD", "COLUMN", ..] => {
                let free = !statement.contains("NOT NULL") || statement.contains(" DEFAULT ");
                free && !["UNIQUE", "PRIMARY KEY", "CHECK"].iter().any(|word| statement.contains(word))
            }
            // What the release before writes twice must not be refused.
            ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] => is_new(table),
            _ => false,
        }
    }

    #[test]
    fn an_upgrade_leaves_the_release_before_it_working() {
        for migration in &MIGRATIONS[1..] {
            for script in [migration.sqlite, migration.postgres] {
                let statements = statements(script);
                let created: Vec<&str> = statements
                    .iter()
                    .filter_map(|statement| statement.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next())
                    .collect();
                for statement in &statements {
                    assert!(is_additive(statement, &created), "migration {}: {statement}", migration.version);
                }
            }
        }
    }

    #[test]
    fn what_takes_something_away_is_noticed() {
        let is_fine = |script: &str| statements(script).iter().all(|statement| is_additive(statement, &["NEW"]));
        for fine in [
            "-- why\nCREATE TABLE new (a BIGINT NOT NULL PRIMARY KEY, b TEXT NOT NULL UNIQUE);",
            "ALTER TABLE old ADD COLUMN a BIGINT; ALTER TABLE old\n  ADD COLUMN b TEXT NOT NULL DEFAULT '';",
            "CREATE INDEX old_a ON old (a); CREATE UNIQUE INDEX new_b ON new (b);",
            "INSERT INTO versions (name, value) VALUES ('rules', 1);",
        ] {
            assert!(is_fine(fine), "{fine}");
        }
        for harmful in [
            "DROP TABLE old;",
            "drop index old_a;",
            "ALTER TABLE old DROP COLUMN a;",
            "ALTER TABLE old RENAME COLUMN a TO b;",
            "ALTER TABLE old RENAME TO older;",
            "ALTER TABLE old ALTER COLUMN a TYPE TEXT;",
            "ALTER TABLE old ALTER COLUMN a SET NOT NULL;",
            "ALTER TABLE old ADD COLUMN a BIGINT NOT NULL;",
            "ALTER TABLE old ADD COLUMN a BIGINT UNIQUE;",
            "ALTER TABLE old ADD CONSTRAINT c CHECK (a > 0);",
            "CREATE UNIQUE INDEX old_a ON old (a);",
            "CREATE TRIGGER t BEFORE INSERT ON old BEGIN SELECT 1; END;",
            "UPDATE old SET a = 1;",
            "DELETE FROM old;",
        ] {
            assert!(!is_fine(harmful), "{harmful}");
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
