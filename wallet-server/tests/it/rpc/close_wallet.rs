//! CloseWallet: the end of a wallet, which can still be read.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, WalletStatus};

use crate::harness::credits;
use crate::shorthand::{charge_back, credits_of, entries, explicit, mismatch, refused, settle, violations};

fn close(request: &str) -> v1::CloseWalletRequest {
    v1::CloseWalletRequest::new("w", request).with_reason("asked to be forgotten")
}

each_database! {
    async fn a_closed_wallet_is_read_but_not_used(server: Server) {
        let client = server.wallet("w", 100).await;
        client.subscribe(crate::subscriptions::subscribe("s", "pro")).await.unwrap();
        let done = client.close_wallet(close("x")).await.unwrap();
        let wallet = done.wallet.unwrap();
        assert_eq!((done.replayed, wallet.status(), wallet.subscription), (false, WalletStatus::Closed, None));
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reason.as_str()), (EntryKind::WalletClosed, "asked to be forgotten"));
        assert!(client.close_wallet(close("x")).await.unwrap().replayed);
        let again = client.close_wallet(close("y")).await;
        refused(again, ErrorReason::WalletClosed, Code::FailedPrecondition);
        let bought = client.top_up(v1::TopUpRequest::amount("w", "t", credits(5))).await;
        refused(bought, ErrorReason::WalletClosed, Code::FailedPrecondition);
        let reserved = client.reserve(explicit("w", "j", vec![credits(1)])).await;
        refused(reserved, ErrorReason::WalletClosed, Code::FailedPrecondition);
        let same = client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
        assert_eq!((same.replayed, same.wallet.unwrap().status()), (true, WalletStatus::Closed), "the id stays in use");
        assert!(server.verify().await.is_clean());
    }

    async fn running_jobs_and_debt_come_first(server: Server) {
        let client = server.wallet("w", 50).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", credits(20))).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(70)])).await.unwrap();
        let running = client.close_wallet(close("x")).await;
        let running = refused(running, ErrorReason::OpenReservations, Code::FailedPrecondition);
        assert_eq!(running.metadata["open"], "1");
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "t")).await.unwrap();
        let owing = refused(client.close_wallet(close("x")).await, ErrorReason::InDebt, Code::FailedPrecondition);
        assert_eq!(owing.metadata["debt"], "20");
        client.top_up(v1::TopUpRequest::amount("w", "u", credits(25))).await.unwrap();
        client.close_wallet(close("x")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        assert_eq!(mismatch(client.close_wallet(close("c")).await), ["request_id"]);
        assert!(server.verify().await.is_clean());
    }

    async fn every_bad_field_is_named(server: Server) {
        let client = server.client().await;
        let expected = ["wallet_id: must not be empty", "request_id: must not be empty"];
        assert_eq!(violations(client.close_wallet(v1::CloseWalletRequest::default()).await), expected);
    }
}
