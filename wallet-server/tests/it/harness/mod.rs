//! Servers and databases for tests: an in-process server on port 0, or the binary as a process that can be killed.

mod cut;
mod database;
mod disk;
mod eventually;
pub(crate) mod frames;
mod keys;
mod kill;
mod names;
#[cfg(feature = "nats")]
mod nats;
mod postgres;
mod process;
mod proxy;
mod seed;
mod server;
mod shell;
mod strace;
mod trace;

pub(crate) use cut::restore;
pub(crate) use database::Database;
pub(crate) use disk::{Disk, Loss};
pub(crate) use eventually::eventually;
pub(crate) use keys::{Front, id_of, with_key};
pub(crate) use names::{credits, micros, tool, video};
#[cfg(feature = "nats")]
pub(crate) use nats::Nats;
pub(crate) use postgres::{Postgres, free_port};
pub(crate) use process::{BINARY, Process};
pub(crate) use proxy::Proxy;
pub(crate) use seed::seed;
pub(crate) use server::Server;
pub(crate) use shell::Shell;
pub(crate) use trace::{Folder, Trace};

/// Declares tests that run on a fresh server over SQLite and over PostgreSQL:
///
/// `each_database! { async fn a_sentence(server: Server) { ... } }` makes `a_sentence::sqlite` and
/// `a_sentence::postgres`.
macro_rules! each_database {
    ($($(#[$meta:meta])* async fn $name:ident($server:ident: Server) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn given($server: crate::harness::Server) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                given(crate::harness::Server::start(crate::harness::Database::sqlite()).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                given(crate::harness::Server::start(crate::harness::Database::postgres()).await).await;
            }
        }
    )+};
}

/// Declares tests that run on a server per database, and on two servers that share a PostgreSQL:
///
/// `each_fleet! { async fn a_sentence(servers: Vec<Server>) { ... } }` makes `a_sentence::sqlite`,
/// `a_sentence::postgres` and `a_sentence::two_servers::postgres`. With `config = ...;` first, the servers of a fleet
/// share that configuration, and therefore a manual clock in it.
macro_rules! each_fleet {
    (config = $config:expr; $($(#[$meta:meta])* async fn $name:ident($servers:ident: Vec<Server>) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn given($servers: Vec<crate::harness::Server>) $body

            async fn on(database: crate::harness::Database, how_many: usize) {
                let config = $config;
                let mut servers = Vec::new();
                for _ in 0..how_many {
                    let server = crate::harness::Server::start_with(database.clone(), config.clone()).await;
                    servers.push(server);
                }
                given(servers).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(crate::harness::Database::sqlite(), 1).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(crate::harness::Database::postgres(), 1).await;
            }

            mod two_servers {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    super::on(crate::harness::Database::postgres(), 2).await;
                }
            }
        }
    )+};
    ($($tests:tt)+) => {
        each_fleet! { config = wallet_server::Config::default(); $($tests)+ }
    };
}
