//! Whether each statement finds its rows by an index: what scans a table is quick in tests and slow in earnest.

use std::collections::BTreeSet;
use std::path::Path;

use super::Bench;
use crate::store::db::Link;
use crate::store::{person, sweep, tokens};

row!(PlanRow { detail: String });

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
    let mut link = store.db.write().await.unwrap();
    let mut scans = Vec::new();
    for statement in statements().into_iter().chain([CONTROL.to_owned()]) {
        let plan = match link {
            Link::Sqlite(_) => sqlite_plan(&mut link, &statement).await,
            // Only a transaction is sure to be one connection's.
            Link::Postgres(_) => postgres_plan(&store, &statement).await,
        };
        if let Some(scan) = plan {
            scans.push(format!("{statement}: {scan}"));
        }
    }
    assert!(scans.pop().is_some_and(|scan| scan.starts_with(CONTROL)), "a scan would be noticed");
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

/// The table a statement scans, if any.
async fn sqlite_plan(link: &mut Link, statement: &str) -> Option<String> {
    let sql = lasting(format!("EXPLAIN QUERY PLAN {statement}"));
    let plan = fetch_all!(link, PlanRow, sql).unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    let scanned = plan.iter().filter_map(|row| row.detail.strip_prefix("SCAN "));
    let is_value = |name: &str| name == "CONSTANT ROW" || name.ends_with("VALUES CLAUSE");
    let is_table = |name: &&str| !is_value(name) && !SMALL.contains(&name.split(' ').next().unwrap());
    scanned.into_iter().find(is_table).map(str::to_owned)
}

/// The table a statement would scan although it had rather not, or whose index it reads from end to end.
async fn postgres_plan(store: &Bench, statement: &str) -> Option<String> {
    if statement.starts_with("INSERT ") {
        return None;
    }
    let mut tx = store.db.begin().await.unwrap();
    let count = (1..=12).filter(|number| statement.contains(&format!("${number}"))).max().unwrap_or(0);
    // The store says what its values are; here it is guessed, which this alone makes impossible.
    let statement = (1..=count).fold(statement.to_owned(), |statement, number| {
        statement.replace(&format!("${number} IS NULL"), &format!("CAST(${number} AS UUID) IS NULL"))
    });
    let nothing = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let prepare = format!(
        "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS {statement}"
    );
    tx.script(lasting(prepare)).await.unwrap();
    let sql = lasting(format!("EXPLAIN (COSTS OFF) EXECUTE asked{nothing}"));
    let plan = match &mut tx {
        Link::Postgres(link) => sqlx::query_scalar::<_, String>(sql).fetch_all(link.connection()).await.unwrap(),
        Link::Sqlite(_) => Vec::new(),
    };
    tx.script("DEALLOCATE asked").await.unwrap();
    tx.roll_back().await;
    let is_small = |line: &str| SMALL.iter().any(|table| line.contains(&format!(" on {table}")));
    let whole = plan.iter().zip(plan.iter().skip(1).map(String::as_str).chain([""])).find(|(line, next)| {
        let scans = line.contains("Seq Scan on")
            || (line.contains("Index") && line.contains("Scan using") && !next.contains("Index Cond"));
        scans && !is_small(line)
    });
    whole.map(|_| plan.join("\n"))
}

/// The store runs texts that are part of the program: here they become so.
fn lasting(sql: String) -> &'static str {
    Box::leak(sql.into_boxed_str())
}
