//! The database schema of the credit wallet, for SQLite and PostgreSQL: one migration per file, in order.
//!
//! The SQL is written once; [`Dialect`] holds the parts that differ.

mod dialect;
pub mod failpoints;
mod m0001_control_plane;
mod m0002_wallets;
mod m0003_ledger;
mod m0004_events;
mod m0005_feed;
mod m0006_webhooks;
mod m0007_nats;

pub use dialect::Dialect;
use sea_orm_migration::prelude::*;

/// Returns whether a database with this migration excludes a release whose newest migration is `newest`, which need not know
/// it. The name of a migration that removes something ends in `_after_` and the number of the migration with which releases
/// stopped using it, as in `m0012_old_prices_after_m0009`. All others only add.
pub fn excludes(migration: &str, newest: &str) -> bool {
    let first = migration.rsplit_once("_after_").map(|(_, first)| first);
    first.is_some_and(|first| is_number(first) && newest < first)
}

/// Returns whether a text is the number of a migration, as in `m0009`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('m').unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Applies the migrations in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_control_plane::Migration),
            Box::new(m0002_wallets::Migration),
            Box::new(m0003_ledger::Migration),
            Box::new(m0004_events::Migration),
            Box::new(m0005_feed::Migration),
            Box::new(m0006_webhooks::Migration),
            Box::new(m0007_nats::Migration),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_that_removes_something_excludes_releases_that_still_use_it() {
        assert!(!excludes("m0012_colours", "m0001_control_plane"));
        assert!(excludes("m0012_old_prices_after_m0009", "m0008_prices"));
        assert!(!excludes("m0012_old_prices_after_m0009", "m0009_new_prices"));
        assert!(!excludes("m0012_old_prices_after_m0009", "m0011_colours"));
        assert!(!excludes("m0012_expire_after_settle", "m0011_colours"));
    }

    #[test]
    fn migrations_are_numbered_in_order() {
        let names = Migrator::migrations().iter().map(|m| m.name().to_owned()).collect::<Vec<_>>();
        for (name, number) in names.iter().zip(1..) {
            assert!(name.starts_with(&format!("m{number:04}_")), "{name}");
        }
    }
}
