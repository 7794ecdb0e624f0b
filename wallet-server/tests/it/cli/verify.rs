//! `verify`: exit code 0 for a clean ledger, 1 for one that was touched or cut.

use sea_orm::ConnectionTrait;
use wallet_client::{amount, job, purchase, usage};

use super::run;
use crate::harness::{Database, Server, credits, video};
use crate::words::{fail, settle};

/// A ledger with a bit of everything, and nobody serving it.
async fn ledger(server: Server) -> Database {
    let client = server.wallet("w", 100).await;
    client.top_up(purchase("w", "t", amount("trainings", 1))).await.unwrap();
    for (id, seconds) in [("open", "1"), ("settled", "5"), ("failed", "2")] {
        client.reserve(job("w", id, video(seconds))).await.unwrap();
    }
    client.settle(settle("w", "settled", usage([("duration_s", "4")]))).await.unwrap();
    client.settle(fail("w", "failed", "OOM")).await.unwrap();
    server.wallet("v", 7).await;
    let database = server.database.clone();
    server.stop().await;
    database
}

/// What no server would do.
async fn tamper(database: &Database, sql: &str) {
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    let done = connection.execute_unprepared(sql).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql} touches nothing");
    connection.close().await.unwrap();
}

fn verify(database: &Database, more: &[&str]) -> super::Ended {
    run(&[&["verify", "--database-url", &database.url], more].concat(), &[])
}

/// The digest that a clean ledger's report has.
fn digest(report: &str) -> &str {
    let line = report.lines().find(|line| line.contains("digest")).expect("a digest");
    line.split_whitespace().last().expect("a digest")
}

each_database! {
    async fn a_clean_ledger_has_a_digest_and_the_same_one_again(server: Server) {
        let database = ledger(server).await;
        let first = verify(&database, &[]);
        assert_eq!(first.code, 0, "{first:?}");
        assert_eq!(verify(&database, &["--expect", digest(&first.stdout)]).code, 0);
        let other = verify(&database, &["--expect", "0000"]);
        assert_eq!(other.code, 1);
        assert!(other.stdout.contains("not the expected one"), "{}", other.stdout);
    }

    async fn a_ledger_that_has_grown_has_another_digest(server: Server) {
        let database = ledger(server).await;
        let before = verify(&database, &[]).stdout;
        let server = Server::start(database.clone()).await;
        server.client().await.top_up(purchase("v", "more", credits(1))).await.unwrap();
        server.stop().await;
        let grown = verify(&database, &["--expect", digest(&before)]);
        assert_eq!(grown.code, 1);
        assert_ne!(digest(&grown.stdout), digest(&before));
    }

    async fn it_may_look_while_a_server_runs(server: Server) {
        server.wallet("w", 100).await;
        let looked = verify(&server.database, &[]);
        assert_eq!(looked.code, 0, "{looked:?}");
    }

    async fn a_balance_that_was_raised_is_found(server: Server) {
        let database = ledger(server).await;
        tamper(&database, "UPDATE wallet_balances SET available = available + 1 WHERE unit = 'credits'")
            .await;
        let found = verify(&database, &[]);
        assert_eq!(found.code, 1, "{found:?}");
        assert!(found.stdout.contains("credits"), "{}", found.stdout);
    }

    async fn credits_moved_within_a_grant_are_found(server: Server) {
        let database = ledger(server).await;
        tamper(
            &database,
            "UPDATE grants SET available = available + 1, consumed = consumed - 1 WHERE consumed > 0",
        )
        .await;
        assert_eq!(verify(&database, &[]).code, 1);
    }

    async fn a_reservation_that_changed_its_state_is_found(server: Server) {
        let database = ledger(server).await;
        tamper(&database, "UPDATE reservations SET state = 3 WHERE state = 4").await;
        assert_eq!(verify(&database, &[]).code, 1);
    }
}

#[test]
fn a_database_that_is_not_there_is_no_clean_ledger() {
    let missing = run(&["verify", "--database-url", "sqlite:///nowhere/wallet.db"], &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("does not exist"), "{}", missing.stderr);
}
