//! The SQLite file, its journal or its lock is deleted or replaced under load. From then on the server acknowledges
//! nothing; it reports the cause and exits with an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;
use wallet_client::{RetryPolicy, WalletClient, v1};

use super::client;
use crate::harness::{Database, Process, credits};

const CALLERS: usize = 8;
/// Calls that each caller tries after the loss.
const MORE: usize = 20;

/// The way in which the file is lost.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Deleted,
    Renamed,
    ReplacedByAnother,
    /// Overwritten as by `cp`, which keeps the inode.
    OverwrittenWithLess,
}

impl Loss {
    fn happens_to(self, file: &Path) {
        let beside = file.with_extension("beside");
        match self {
            Loss::Deleted => fs::remove_file(file).expect("deleted"),
            Loss::Renamed => fs::rename(file, beside).expect("renamed"),
            Loss::ReplacedByAnother => {
                fs::copy(file, &beside).expect("a copy");
                fs::rename(beside, file).expect("renamed");
            }
            Loss::OverwrittenWithLess => fs::write(file, "SQLite format 3\0").expect("overwritten"),
        }
    }
}

mod nothing_is_acknowledged_once_the_file_is_lost_and_the_server_ends {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        for (loss, file) in [
            (Loss::Deleted, "wallet.db"),
            (Loss::Renamed, "wallet.db"),
            (Loss::ReplacedByAnother, "wallet.db"),
            (Loss::OverwrittenWithLess, "wallet.db"),
            (Loss::Deleted, "wallet.db-wal"),
            (Loss::ReplacedByAnother, "wallet.db-wal"),
            (Loss::Deleted, "wallet.db-shm"),
            (Loss::Deleted, "wallet.lock"),
        ] {
            lose(loss, file).await;
        }
    }
}

async fn lose(loss: Loss, name: &str) {
    let database = Database::sqlite();
    let folder = PathBuf::from(database.url.strip_prefix("sqlite://").expect("a file"));
    let file = folder.with_file_name(name);
    let (mut process, log) = Process::start_logged(&database);
    let client = client(&process, RetryPolicy::never()).await;
    let create = v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() };
    client.create_wallet(create).await.expect("a wallet");

    let lost = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(call(client.clone(), caller, lost.clone()));
    }
    while fs::metadata(folder.with_file_name("wallet.db-wal")).map_or(0, |wal| wal.len()) < 100_000 {
        tokio::task::yield_now().await;
    }
    loss.happens_to(&file);
    lost.store(true, Ordering::SeqCst);
    let acknowledged: usize = callers.join_all().await.into_iter().sum();
    assert_eq!(acknowledged, 0, "{name} was {loss:?}, and calls that came after it were acknowledged");

    drop(client);
    let status = process.end();
    let output = log.join().expect("the standard error");
    assert_eq!(status.code(), Some(2), "{name} was {loss:?}: {output}");
    assert!(
        output.contains("the database is lost") && output.contains(name),
        "{name} was {loss:?}: {output}"
    );
}

/// Buys until the file is lost and then [`MORE`] times. Returns how many of the later calls were acknowledged.
async fn call(client: WalletClient, caller: usize, lost: Arc<AtomicBool>) -> usize {
    let (mut acknowledged, mut after) = (0, 0);
    for n in 0.. {
        let is_lost = lost.load(Ordering::SeqCst);
        let bought = client.top_up(v1::TopUpRequest::amount("w", format!("{caller}-{n}"), credits(1))).await;
        acknowledged += usize::from(is_lost && bought.is_ok());
        after += usize::from(is_lost);
        if after == MORE {
            break;
        }
    }
    acknowledged
}
