//! The comparison of the schema with that of the migrations. Without a constraint, an index or a trigger the database
//! accepts rows that no server writes.
//!
//! SQLite keeps the text of each statement, so the migrations run again on a database in memory. PostgreSQL rewrites
//! them: `schema/postgres.txt` has its description of a fresh database, and a test compares it.

use std::collections::BTreeMap;

use crate::store::{Backend, ReadTx, SchemaObject, StoreError, fresh_schema};
use crate::verify::faults::Faults;

const POSTGRES: &str = include_str!("schema/postgres.txt");

/// Reports the differences of the schema as faults of the database.
pub(super) async fn check(
    snapshot: &ReadTx,
    backend: Backend,
    faults: &mut Faults,
) -> Result<(), StoreError> {
    faults.about_the_database();
    for difference in differences(snapshot, backend).await? {
        faults.add(0, &difference);
    }
    Ok(())
}

/// Returns the objects that are missing or changed, and additional triggers and rules on the tables of the ledger.
/// Other additional objects are allowed.
pub(crate) async fn differences(snapshot: &ReadTx, backend: Backend) -> Result<Vec<String>, StoreError> {
    let expected = match backend {
        Backend::Sqlite => fresh_schema().await?,
        Backend::Postgres => POSTGRES.lines().filter_map(object).collect(),
    };
    Ok(compare(expected, snapshot.schema().await?))
}

fn compare(expected: Vec<SchemaObject>, there: Vec<SchemaObject>) -> Vec<String> {
    let mut differences = Vec::new();
    let tables: Vec<String> =
        expected.iter().filter_map(|(name, _)| name.strip_prefix("table ")).map(str::to_owned).collect();
    let is_on_our_table = |name: &str| {
        let of = name.strip_prefix("trigger ").or_else(|| name.strip_prefix("rule "));
        of.and_then(|name| name.split('.').next())
            .is_some_and(|table| tables.iter().any(|ours| ours == table))
    };
    let mut there: BTreeMap<String, String> = there.into_iter().collect();
    for (name, definition) in expected {
        match there.remove(&name) {
            None => differences.push(format!("has no {name}")),
            Some(is) if is != definition => {
                differences.push(format!("has {name} as {is}, not {definition}"));
            }
            Some(_) => {}
        }
    }
    for (name, definition) in there.iter().filter(|(name, _)| is_on_our_table(name)) {
        differences.push(format!("has the additional {name}: {definition}"));
    }
    differences
}

/// Parses a line of `schema/postgres.txt`.
fn object(line: &str) -> Option<SchemaObject> {
    line.split_once(": ").map(|(name, definition)| (name.to_owned(), definition.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::Postgres;
    use crate::store::Store;

    /// Run it with `WALLET_WRITE_SCHEMA=1` to update the file after a change of the migrations.
    #[tokio::test]
    async fn the_file_describes_a_fresh_postgres_database() {
        let url = Postgres::shared().create_database();
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let there = store.snapshot().await.unwrap().schema().await.unwrap();
        let lines: Vec<String> =
            there.iter().map(|(name, definition)| format!("{name}: {definition}\n")).collect();
        assert!(lines.len() > 100, "{lines:?}");
        if std::env::var_os("WALLET_WRITE_SCHEMA").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/verify/schema/postgres.txt");
            std::fs::write(path, lines.concat()).unwrap();
        }
        assert!(
            lines.concat() == POSTGRES,
            "update the file: WALLET_WRITE_SCHEMA=1 scripts/test -p wallet-server --lib schema"
        );
    }
}
