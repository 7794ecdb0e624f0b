//! The schema compared with what the migrations make: a constraint, an index or a trigger that is missing lets in what
//! no server would write.
//!
//! SQLite keeps the very texts, so the migrations run once more on a database in memory. PostgreSQL puts texts into
//! words of its own: what it says of a fresh database is in `schema/postgres.txt`, which a test compares.

use std::collections::BTreeMap;

use crate::store::{Backend, ReadTx, SchemaObject, StoreError, fresh_schema};
use crate::verify::faults::Faults;

const POSTGRES: &str = include_str!("schema/postgres.txt");

/// What is missing, changed, or acts on its own without being ours. Other objects are the operator's business.
pub(super) async fn check(
    snapshot: &ReadTx,
    backend: Backend,
    faults: &mut Faults,
) -> Result<(), StoreError> {
    let expected = match backend {
        Backend::Sqlite => fresh_schema().await?,
        Backend::Postgres => POSTGRES.lines().filter_map(object).collect(),
    };
    let there = snapshot.schema().await?;
    faults.about_the_database();
    compare(expected, there, faults);
    Ok(())
}

fn compare(expected: Vec<SchemaObject>, there: Vec<SchemaObject>, faults: &mut Faults) {
    let tables: Vec<String> =
        expected.iter().filter_map(|(name, _)| name.strip_prefix("table ")).map(str::to_owned).collect();
    let acts = |name: &str| {
        let of = name.strip_prefix("trigger ").or_else(|| name.strip_prefix("rule "));
        of.and_then(|name| name.split('.').next())
            .is_some_and(|table| tables.iter().any(|ours| ours == table))
    };
    let mut there: BTreeMap<String, String> = there.into_iter().collect();
    for (name, definition) in expected {
        match there.remove(&name) {
            None => faults.add(0, &format!("has no {name}")),
            Some(is) => {
                faults.unless(is == definition, 0, || format!("has {name} as {is}, not {definition}"))
            }
        }
    }
    for (name, definition) in there.iter().filter(|(name, _)| acts(name)) {
        faults.add(0, &format!("has {name} beside ours: {definition}"));
    }
}

/// A line of the file.
fn object(line: &str) -> Option<SchemaObject> {
    line.split_once(": ").map(|(name, definition)| (name.to_owned(), definition.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::Postgres;
    use crate::store::Store;

    /// Set `WALLET_WRITE_SCHEMA` to write what PostgreSQL says into the file after a migration has changed.
    #[tokio::test]
    async fn the_file_says_what_postgres_says_of_a_fresh_database() {
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
            "write it: WALLET_WRITE_SCHEMA=1 scripts/test -p wallet-server --lib schema"
        );
    }
}
