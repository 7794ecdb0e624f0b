//! Servers and databases for tests: an in-process server on port 0, or the binary as a process that can be killed.

mod database;
mod names;
mod postgres;
mod process;
mod server;

pub(crate) use database::Database;
pub(crate) use names::{credits, unique, video};
pub(crate) use process::Process;
pub(crate) use server::Server;

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
