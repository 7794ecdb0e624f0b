//! A wallet with an invariant violation is frozen and no other: detected when it is loaded, or when a decision does not
//! fit.

use wallet_client::v1::{self, ErrorReason, WalletStatus};
use wallet_client::{Code, WalletClient};

use crate::cli::run;
use crate::harness::{Database, Server, credits, video};
use crate::shorthand::{balance, refused, seconds, set_status, settle};

/// Executes SQL directly on the database, as no server does.
pub(crate) async fn tamper(database: &Database, sql: &str) {
    assert_eq!(database.execute(sql).await, 1, "{sql}");
}

async fn status(client: &WalletClient, wallet: &str) -> WalletStatus {
    let request = v1::GetWalletRequest { wallet_id: wallet.into() };
    client.get_wallet(request).await.unwrap().wallet.unwrap().status()
}

each_database! {
    async fn a_balance_that_differs_from_the_grants_freezes_its_wallet_only(server: Server) {
        let server = server.without_cache().await;
        let client = server.wallet("w", 100).await;
        server.wallet("other", 200).await;
        let short = v1::ReserveRequest { ttl: Some(seconds(1)), ..v1::ReserveRequest::new("w", "short", video("1")) };
        client.reserve(short).await.unwrap();
        tamper(&server.database, "UPDATE grants SET available = 93, consumed = -1 WHERE available = 92").await;

        let refusal = client.reserve(v1::ReserveRequest::new("w", "a", video("1"))).await;
        let refusal = refused(refusal, ErrorReason::WalletFrozen, Code::FailedPrecondition);
        assert_eq!(refusal.revision(), Some(3), "the refusal has the revision");
        for n in 0..3 {
            let id = format!("job-{n}");
            let answer = client.reserve(v1::ReserveRequest::new("w", &id, video("1"))).await;
            refused(answer, ErrorReason::WalletFrozen, Code::FailedPrecondition);
            client.reserve(v1::ReserveRequest::new("other", &id, video("1"))).await.unwrap();
        }
        let answer = client.top_up(v1::TopUpRequest::amount("w", "t", credits(1))).await;
        refused(answer, ErrorReason::WalletFrozen, Code::FailedPrecondition);

        // Reads work, and deadlines are not processed.
        assert_eq!(status(&client, "w").await, WalletStatus::Frozen);
        assert_eq!(status(&client, "other").await, WalletStatus::Active);
        assert_eq!(balance(&client, "w").await.open_reservations, 1);
    }

    async fn a_decision_that_does_not_fit_freezes_its_wallet_and_its_neighbours_commit(server: Server) {
        let server = server.without_cache().await;
        let client = server.wallet("w", 100).await;
        server.wallet("other", 200).await;
        client.reserve(v1::ReserveRequest::new("w", "a", video("5"))).await.unwrap();
        client.reserve(v1::ReserveRequest::new("other", "a", video("5"))).await.unwrap();
        // 50 credits instead of the 40 that are held: the number follows the text `credits`, doubled.
        let swap = match server.database.url.starts_with("sqlite:") {
            true => "unhex(replace(hex(allocations), '6372656469747350', '6372656469747364'))",
            false => "decode(replace(encode(allocations, 'hex'), '6372656469747350', '6372656469747364'), 'hex')",
        };
        let wrong = format!("UPDATE reservations SET allocations = {swap}
                     WHERE reservation_id = 'a' AND wallet_key = (SELECT wallet_key FROM wallet_profiles WHERE wallet_id = 'w')");
        tamper(&server.database, &wrong).await;
        let [mine, others] = ["w", "other"].map(|wallet| {
            let (client, wallet) = (client.clone(), wallet.to_owned());
            let usage = v1::Succeeded::usage([("duration_s", "5")]);
            tokio::spawn(async move { client.settle(settle(&wallet, "a", usage)).await })
        });
        refused(mine.await.unwrap(), ErrorReason::WalletFrozen, Code::FailedPrecondition);
        others.await.unwrap().unwrap();
        assert_eq!(status(&client, "w").await, WalletStatus::Frozen);
    }

    async fn a_frozen_wallet_is_unfrozen_once_its_ledger_is_clean_again(server: Server) {
        let server = server.without_cache().await;
        let client = server.wallet("w", 100).await;
        tamper(&server.database, "UPDATE grants SET available = 1, consumed = 99 WHERE available = 100").await;
        let answer = client.reserve(v1::ReserveRequest::new("w", "a", video("1"))).await;
        refused(answer, ErrorReason::WalletFrozen, Code::FailedPrecondition);
        let database = server.database.clone();
        drop(client);
        server.stop().await;

        let unfreeze = ["unfreeze", "w", "--database-url", &database.url];
        let still = run(&unfreeze, &[]);
        assert_eq!(still.code, Some(1), "{still:?}");
        assert!(still.stdout.contains("I2: grant top_up:"), "{}", still.stdout);
        assert!(still.stdout.ends_with("stays frozen: its ledger has problems\n"), "{}", still.stdout);

        tamper(&database, "UPDATE grants SET available = 100, consumed = 0 WHERE available = 1").await;
        let unfrozen = run(&unfreeze, &[]);
        let expected = "wallet w is no longer frozen; its status is unchanged\n";
        assert_eq!((unfrozen.code, unfrozen.stdout.as_str()), (Some(0), expected), "{unfrozen:?}");
        assert_eq!(run(&unfreeze, &[]).stdout, "wallet w was not frozen\n");
        let server = Server::start(database).await;
        server.client().await.reserve(v1::ReserveRequest::new("w", "a", video("1"))).await.unwrap();
        assert!(server.verify().await.is_clean());
    }

    async fn a_suspended_wallet_stays_suspended_when_it_is_unfrozen(server: Server) {
        let server = server.without_cache().await;
        let client = server.wallet("w", 100).await;
        client.update_wallet(set_status("w", "r", WalletStatus::Suspended)).await.unwrap();
        tamper(&server.database, "UPDATE grants SET available = 1, consumed = 99 WHERE available = 100").await;
        let answer = client.top_up(v1::TopUpRequest::amount("w", "t", credits(1))).await;
        refused(answer, ErrorReason::WalletFrozen, Code::FailedPrecondition);
        assert_eq!(status(&client, "w").await, WalletStatus::Frozen);
        let database = server.database.clone();
        drop(client);
        server.stop().await;

        tamper(&database, "UPDATE grants SET available = 100, consumed = 0 WHERE available = 1").await;
        tamper(&database, "UPDATE wallets SET status = 1 WHERE status = 2").await;
        let unfreeze = ["unfreeze", "w", "--database-url", &database.url];
        let still = run(&unfreeze, &[]);
        assert_eq!(still.code, Some(1), "{still:?}");
        assert!(still.stdout.contains("I16: has status 1, but is Suspended according to its entries"), "{}", still.stdout);

        tamper(&database, "UPDATE wallets SET status = 2 WHERE status = 1").await;
        assert_eq!(run(&unfreeze, &[]).stdout, "wallet w is no longer frozen; its status is unchanged\n");
        let server = Server::start(database).await;
        let client = server.client().await;
        assert_eq!(status(&client, "w").await, WalletStatus::Suspended);
        let answer = client.reserve(v1::ReserveRequest::new("w", "a", video("1"))).await;
        refused(answer, ErrorReason::WalletSuspended, Code::FailedPrecondition);
        client.update_wallet(set_status("w", "again", WalletStatus::Active)).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "a", video("1"))).await.unwrap();
        assert!(server.verify().await.is_clean());
    }
}
