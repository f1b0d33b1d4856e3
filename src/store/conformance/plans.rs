//! Whether each statement finds its rows by an index: what scans a table is quick in tests and slow in earnest.

use std::collections::BTreeSet;
use std::path::Path;

use super::Bench;
use crate::store::db::Link;
use crate::store::{person, sweep, tokens};

/// Tables with a row a client, a key or a version: all of them are read at once.
const SMALL: [&str; 5] = ["clients", "client_secrets", "signing_keys", "versions", "comity_migrations"];

/// The statements of the room: every literal that begins as one, and those that are put together.
fn statements() -> BTreeSet<String> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let put_together = [
        person::BY_ACCOUNT,
        person::BY_FAMILY,
        person::BY_REFRESH_TOKEN,
        tokens::USE_FAMILY,
        tokens::USE_FAMILY_RETURNING,
        sweep::LOOK,
        sweep::REMOVE_SPENT,
    ];
    let mut found: BTreeSet<String> = put_together.map(str::to_owned).into();
    for entry in std::fs::read_dir(room).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != "rs") || path.ends_with("person.rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for literal in text.split('"').skip(1).step_by(2) {
            // As the compiler reads it: a backslash swallows the line's end and the spaces after it.
            let mut parts = literal.split("\\\n");
            let first = parts.next().unwrap().to_owned();
            let literal = parts.fold(first, |whole, part| whole + part.trim_start());
            let begins = ["SELECT ", "UPDATE ", "DELETE ", "INSERT "].iter().any(|verb| literal.starts_with(verb));
            // What ends in a space is a piece of one that is put together.
            if begins && !literal.ends_with(' ') {
                found.insert(literal);
            }
        }
    }
    assert!(found.len() > 80, "{}", found.len());
    found
}

pub(super) async fn every_statement_finds_its_rows_by_an_index(store: Bench) {
    const CONTROL: &str = "SELECT id FROM accounts WHERE zoneinfo = $1";
    let mut link = store.db.read().await.unwrap();
    let mut scans = Vec::new();
    for statement in statements().into_iter().chain([CONTROL.to_owned()]) {
        let scan = match &mut link {
            Link::Sqlite(link) => sqlite_scan(link.connection().unwrap(), &statement),
            Link::Postgres(link) => postgres_scan(link.connection(), &statement).await,
        };
        scans.extend(scan.map(|scan| format!("{statement}: {scan}")));
    }
    assert!(scans.pop().is_some_and(|scan| scan.starts_with(CONTROL)), "a scan would be noticed");
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

/// The table a statement scans, if any.
fn sqlite_scan(connection: &rusqlite::Connection, statement: &str) -> Option<String> {
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).expect(statement);
    let plan = explained.raw_query().mapped(|row| row.get::<_, String>("detail")).map(Result::unwrap);
    let is_value = |name: &str| name == "CONSTANT ROW" || name.ends_with("VALUES CLAUSE");
    let is_table = |name: &String| !is_value(name) && !SMALL.contains(&name.split(' ').next().unwrap());
    plan.filter_map(|step| step.strip_prefix("SCAN ").map(str::to_owned)).find(is_table)
}

/// The plan of a statement that scans a table although it had rather not, or reads an index from end to end.
async fn postgres_scan(connection: &mut sqlx::PgConnection, statement: &str) -> Option<String> {
    if statement.starts_with("INSERT ") {
        return None;
    }
    let count = (1..=12).filter(|number| statement.contains(&format!("${number}"))).max().unwrap_or(0);
    // The store says what its values are; here it is guessed, which this alone makes impossible.
    let statement = (1..=count).fold(statement.to_owned(), |statement, number| {
        statement.replace(&format!("${number} IS NULL"), &format!("CAST(${number} AS UUID) IS NULL"))
    });
    let prepare =
        format!("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE asked AS {statement}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut *connection).await.expect(&statement);
    let nothing = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN (COSTS OFF) EXECUTE asked{nothing}"));
    let rows = sqlx::raw_sql(explain).fetch_all(&mut *connection).await.unwrap();
    sqlx::raw_sql("DEALLOCATE asked").execute(connection).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    let nexts = plan.iter().skip(1).map(String::as_str).chain([""]);
    let reads_all = |(line, next): (&String, &str)| {
        let is_small = SMALL.iter().any(|table| line.contains(&format!(" on {table}")));
        let whole_index = line.contains("Index") && line.contains("Scan using") && !next.contains("Index Cond");
        !is_small && (line.contains("Seq Scan on") || whole_index)
    };
    plan.iter().zip(nexts).any(reads_all).then(|| plan.join("\n"))
}
