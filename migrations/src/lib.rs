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
