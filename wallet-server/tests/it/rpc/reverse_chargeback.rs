//! ReverseChargeback: a dispute was won, and credits, debt and status are as they were.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, WalletStatus};

use crate::harness::credits;
use crate::shorthand::{charge_back, credits_of, entries, explicit, mismatch, refused, set_status, settle};

fn won(request: &str, top_up: &str) -> v1::ReverseChargebackRequest {
    v1::ReverseChargebackRequest::top_up("w", request, top_up).with_reason("the bank decided")
}

each_database! {
    async fn credits_debt_and_status_are_as_before_the_chargeback(server: Server) {
        let client = server.wallet("w", 0).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", credits(50))).await.unwrap();
        for job in ["used", "runs"] {
            client.reserve(explicit("w", job, vec![credits(20)])).await.unwrap();
        }
        client.settle(settle("w", "used", v1::Succeeded::default())).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (10, 20, 0));
        client.record_chargeback(charge_back("w", "c", "t")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 20, 20));
        let done = client.reverse_chargeback(won("r", "t")).await.unwrap();
        assert_eq!((done.replayed, done.wallet.as_ref().unwrap().status()), (false, WalletStatus::Active));
        assert_eq!(credits_of(&client, "w").await, (10, 20, 0));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.request_id.as_str()), (EntryKind::ChargebackReversed, "r"));
        assert_eq!(entry.reason, "the bank decided");
        assert!(client.reverse_chargeback(won("r", "t")).await.unwrap().replayed);
        client.settle(settle("w", "runs", v1::Succeeded::default())).await.unwrap();
        client.reserve(explicit("w", "next", vec![credits(10)])).await.unwrap();
        assert!(server.verify().await.is_clean());
    }

    async fn debt_that_was_repaid_returns_as_credits(server: Server) {
        let client = server.wallet("w", 0).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", credits(50))).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(50)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "t")).await.unwrap();
        client.top_up(v1::TopUpRequest::amount("w", "u", credits(30))).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 0, 20));
        client.reverse_chargeback(won("r", "t")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        let list = v1::ListGrantsRequest { wallet_id: "w".into(), ..Default::default() };
        let grants = client.list_grants(list).await.unwrap().grants;
        let correction = &grants[0];
        assert_eq!((correction.grant_id.as_str(), correction.available), ("correction:r", 30));
        assert_eq!((correction.source(), &correction.expire_time), (v1::Source::Adjustment, &None));
        assert!(server.verify().await.is_clean());
    }

    async fn a_purchase_that_is_not_charged_back_is_refused(server: Server) {
        let client = server.wallet("w", 0).await;
        for id in ["a", "b"] {
            client.top_up(v1::TopUpRequest::amount("w", id, credits(5))).await.unwrap();
        }
        let sound = client.reverse_chargeback(won("r", "a")).await;
        refused(sound, ErrorReason::NotChargedBack, Code::FailedPrecondition);
        let missing = client.reverse_chargeback(won("r", "c")).await;
        refused(missing, ErrorReason::TopUpNotFound, Code::NotFound);
        client.record_chargeback(charge_back("w", "c", "a")).await.unwrap();
        client.update_wallet(set_status("w", "s", WalletStatus::Suspended)).await.unwrap();
        let done = client.reverse_chargeback(won("r", "a")).await.unwrap();
        assert_eq!(done.wallet.unwrap().status(), WalletStatus::Suspended, "the platform suspended it too");
        assert_eq!(mismatch(client.reverse_chargeback(won("r", "b")).await), ["top_up_id"]);
        assert!(server.verify().await.is_clean());
    }
}
