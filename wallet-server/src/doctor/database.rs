//! The database as a program: its version, safety, schema, clock, space and housekeeping.

use std::time::Duration;

use wallet_core::Timestamp;

use crate::clock::{Clock, MAX_JUMP, MAX_SKEW};
use crate::doctor::Finding;
use crate::grpc::ClientKey;
use crate::settings::Settings;
use crate::store::{DatabaseUrl, OldTransaction, Space, Store, StoreError, TableVacuum};
use crate::verify;

/// The free space below which commits may soon fail.
const LITTLE_SPACE: u64 = 256 << 20;

/// The free space below which an operator should act, even if the database is small.
const SOME_SPACE: u64 = 1 << 30;

/// The age from which a transaction is too old: PostgreSQL keeps all rows that were replaced since it began.
const OLD: Duration = Duration::from_secs(15 * 60);

/// The number of dead rows that a small table may have.
const DEAD_ROWS: i64 = 50_000;

pub(super) async fn version(store: &Store, url: &DatabaseUrl) -> Result<Finding, StoreError> {
    Ok(Finding::ok("database", format!("{} answers at {url}", store.version().await?)))
}

/// Examines the settings without which acknowledged commits can be lost.
pub(super) async fn durability(store: &Store, accepted: bool) -> Result<Finding, StoreError> {
    const CHECK: &str = "durability";
    let faults = store.unsafe_settings().await?;
    let text = format!("credits that were acknowledged may be lost: {}", faults.join(", "));
    Ok(match (faults.is_empty(), accepted) {
        (true, _) => Finding::ok(CHECK, "acknowledged commits survive a crash"),
        (false, true) => Finding::warning(CHECK, text, "change it before data is kept here"),
        (false, false) => Finding::error(CHECK, text, "change it: no server starts on this database"),
    })
}

pub(super) async fn migrations(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "schema";
    let found = store.migrations().await?;
    Ok(match (found.missing.as_slice(), found.unknown.as_slice()) {
        ([], []) => Finding::ok(CHECK, "all migrations of this release are applied"),
        ([], unknown) => {
            let text = format!("a newer release has applied {}", unknown.join(", "));
            match found.exclusive() {
                None => Finding::warning(CHECK, text, "run doctor of the newest release in use"),
                Some(_) => Finding::error(CHECK, text, "install a newer release: this one does not start"),
            }
        }
        (missing, unknown) => {
            let text = format!("missing migrations: {}, the first is {}", missing.len(), missing[0]);
            let next = match unknown {
                [] => "back the database up, then `wallet-server migrate`",
                _ => "install the newest release in use, which has applied others",
            };
            Finding::error(CHECK, text, next)
        }
    })
}

/// Compares tables, columns, constraints, indexes and triggers with those of the migrations.
pub(super) async fn objects(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "indexes";
    let snapshot = store.snapshot().await?;
    let differences = verify::schema_differences(&snapshot, store.backend()).await?;
    Ok(match differences.as_slice() {
        [] => Finding::ok(CHECK, "tables, indexes, constraints and triggers are complete and valid"),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            let text = format!("the database {first}{more}");
            Finding::error(
                CHECK,
                text,
                "restore it as migrations/src defines it; `wallet-server verify` lists all",
            )
        }
    })
}

/// Compares this machine's clock with that of the database, and with the newest time in the ledger.
pub(super) async fn clock(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "clock";
    let theirs = store.database_time().await?;
    let ours = Clock::system().now();
    if let Some((theirs, round_trip)) = theirs {
        let theirs = theirs.plus(round_trip / 2);
        let apart = distance(ours, theirs);
        let text = format!("the clocks of the database and of this machine are {apart:.1?} apart");
        let next = "correct the wrong one, for example with NTP";
        if apart > MAX_JUMP {
            return Ok(Finding::error(CHECK, text, format!("{next}: no server starts")));
        }
        if apart > MAX_SKEW {
            return Ok(Finding::warning(CHECK, text, next));
        }
    }
    let newest = store.last_time().await?;
    let now = theirs.map_or(ours, |(theirs, _)| theirs);
    if newest > now.plus(MAX_SKEW) {
        let text = format!("the newest time of a wallet, {newest}, is ahead of the clock");
        let next = "correct the clock; after a use of --manual-clock take another database";
        return Ok(Finding::warning(CHECK, text, next));
    }
    Ok(Finding::ok(CHECK, "the clocks agree"))
}

fn distance(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

/// Examines the disk of a SQLite file. `None` for PostgreSQL.
pub(super) fn disk(store: &Store) -> Result<Option<Finding>, StoreError> {
    Ok(store.space()?.map(of_space))
}

fn of_space(space: Space) -> Finding {
    const CHECK: &str = "disk";
    let mib = |bytes: u64| bytes >> 20;
    let text = format!("{} MiB are free, and the database has {} MiB", mib(space.free), mib(space.used));
    let next = "make room: commits fail on a full disk";
    if space.free < LITTLE_SPACE {
        Finding::error(CHECK, text, next)
    } else if space.free < SOME_SPACE.max(space.used) {
        Finding::warning(CHECK, text, format!("{next}, and a backup needs as much as the database"))
    } else {
        Finding::ok(CHECK, text)
    }
}

/// Examines whether PostgreSQL removes the old versions of rows. `None` for SQLite.
pub(super) async fn vacuum(store: &Store) -> Result<Option<Finding>, StoreError> {
    let tables = store.vacuum().await?;
    Ok((!tables.is_empty()).then(|| of_tables(&tables)))
}

fn of_tables(tables: &[TableVacuum]) -> Finding {
    const CHECK: &str = "vacuum";
    let names = |of: &dyn Fn(&TableVacuum) -> bool| -> Vec<&str> {
        tables.iter().filter(|table| of(table)).map(|table| table.table.as_str()).collect()
    };
    let manual = names(&|table| !table.is_automatic);
    if !manual.is_empty() {
        let text = format!("autovacuum is off for {}", manual.join(", "));
        return Finding::warning(CHECK, text, "turn it on: these tables grow with every command");
    }
    let full = names(&|table| table.dead > DEAD_ROWS.max(table.live));
    if !full.is_empty() {
        let text = format!("these tables have more dead rows than live ones: {}", full.join(", "));
        let next = "`VACUUM ANALYZE` them, and look for old transactions";
        return Finding::warning(CHECK, text, next);
    }
    Finding::ok(CHECK, "autovacuum keeps up")
}

/// Examines the oldest transaction. `None` for SQLite.
pub(super) async fn transactions(store: &Store) -> Result<Option<Finding>, StoreError> {
    if store.backend() == crate::store::Backend::Sqlite {
        return Ok(None);
    }
    Ok(Some(of_transaction(store.oldest_transaction().await?)))
}

fn of_transaction(oldest: Option<OldTransaction>) -> Finding {
    const CHECK: &str = "transactions";
    match oldest {
        Some(OldTransaction { owner, age }) if age >= OLD => {
            let text = format!("{owner} has had a transaction open for {} minutes", age.as_secs() / 60);
            let next = "end it: until then no dead row is removed, and tables grow";
            Finding::warning(CHECK, text, next)
        }
        _ => Finding::ok(CHECK, "none is old"),
    }
}

/// Examines whether API keys that exist are required, and whether those of certificates exist. `None` if they are and
/// do.
pub(super) async fn keys(store: &Store, settings: &Settings) -> Result<Option<Finding>, StoreError> {
    if settings.server.key_pepper_file.is_some() {
        return keys_of_certificates(store, &settings.server.tls_client_keys).await;
    }
    if !store.has_keys().await? {
        return Ok(None);
    }
    let text = "the database has API keys, but callers need none";
    Ok(Some(Finding::warning("keys", text, "set key_pepper_file")))
}

async fn keys_of_certificates(store: &Store, known: &[ClientKey]) -> Result<Option<Finding>, StoreError> {
    for known in known {
        if store.key(known.id()).await?.is_none() {
            let text = format!("there is no key for {known} of tls_client_keys");
            let next = "correct the id; `wallet-server keys list` shows those of the keys";
            return Ok(Some(Finding::warning("keys", text, next)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn little_space_is_an_error_and_less_than_a_backup_needs_a_warning() {
        let level = |free: u64, used: u64| of_space(Space { free: free << 20, used: used << 20 }).level;
        assert_eq!(level(255, 1), Level::Error);
        assert_eq!((level(256, 1), level(1_023, 1)), (Level::Warning, Level::Warning));
        assert_eq!((level(1_024, 1), level(1_024, 1_025)), (Level::Ok, Level::Warning));
        let shown = of_space(Space { free: 300 << 20, used: 7 << 20 }).to_string();
        let expected = "warning  disk: 300 MiB are free, and the database has 7 MiB. Next: make room: ";
        assert!(shown.starts_with(expected), "{shown}");
    }

    #[test]
    fn old_transactions_and_tables_full_of_dead_rows_are_warnings() {
        let open = |minutes: u64| {
            let age = Duration::from_secs(minutes * 60);
            of_transaction(Some(OldTransaction { owner: "process 1 (psql, idle)".to_owned(), age }))
        };
        assert_eq!((open(14).level, open(15).level), (Level::Ok, Level::Warning));
        assert!(open(15).text.contains("process 1 (psql, idle) has had a transaction open for 15 minutes"));
        assert_eq!(of_transaction(None).level, Level::Ok);
        let table = |live, dead| {
            of_tables(&[TableVacuum { table: "wallets".to_owned(), live, dead, is_automatic: true }]).level
        };
        assert_eq!((table(10, 50_000), table(10, 50_001)), (Level::Ok, Level::Warning));
        assert_eq!((table(90_000, 90_000), table(90_000, 90_001)), (Level::Ok, Level::Warning));
    }
}
