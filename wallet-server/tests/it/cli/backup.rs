//! The command `backup`: a verified copy of a SQLite database that is in use.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Ended, run};
use crate::harness::{Database, Server, credits};
use crate::shorthand::{credits_of, gift};

fn backup(database: &Database, file: &Path) -> Ended {
    run(&["backup", "--database-url", &database.url, file.to_str().expect("text")], &[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_under_load_has_all_commands_that_were_answered_before_and_serves() {
    let server = Server::start(Database::sqlite()).await;
    let client = server.wallet("w", 0).await;
    let given = Arc::new(AtomicU64::new(0));
    let load = {
        let (client, given) = (client.clone(), Arc::clone(&given));
        tokio::spawn(async move {
            for n in 0_u64.. {
                client.grant(gift("w", &format!("g{n}"), credits(1))).await.unwrap();
                given.store(n + 1, Ordering::SeqCst);
            }
        })
    };
    while given.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wallet.db");
    let before = given.load(Ordering::SeqCst);
    let ended = backup(&server.database, &file);
    let after = given.load(Ordering::SeqCst);
    load.abort();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("digest"), "{ended:?}");
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("partial")), "{names:?}");

    // A second backup does not replace the first.
    let again = backup(&server.database, &file);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("wallet.db exists already"), "{again:?}");

    let restored = Server::start(Database::within(folder)).await;
    let client = restored.client().await;
    let (available, ..) = credits_of(&client, "w").await;
    let available = u64::try_from(available).unwrap();
    // One grant may have been committed and not yet counted by the caller.
    assert!((before..=after + 1).contains(&available), "{before} {available} {after}");
    client.grant(gift("w", "after", credits(1))).await.unwrap();
    assert!(restored.verify().await.is_clean());
}

#[test]
fn a_backup_of_a_missing_database_or_of_postgresql_is_refused_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    let missing = format!("sqlite://{}", folder.path().join("none.db").display());
    let text = file.to_str().unwrap();
    let ended = run(&["backup", "--database-url", &missing, text], &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("does not exist"), "{ended:?}");
    let postgres = Database::postgres();
    let ended = run(&["backup", "--database-url", &postgres.url, text], &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("pg_dump"), "{ended:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
