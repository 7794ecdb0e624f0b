//! RecordChargeback: unspent credits are revoked, spent ones become debt, and the wallet is suspended.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, WalletStatus};

use crate::harness::credits;
use crate::shorthand::{
    charge_back, credits_of, entries, explicit, facts, figures, mismatch, refused, reservation, set_status,
    settle, violations,
};
use crate::subscriptions::{shop, subscribe};

each_database! {
    async fn unspent_credits_are_revoked_and_spent_ones_become_debt(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let done = client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 5, 5));
        assert_eq!((figures(&done.revoked).as_str(), figures(&done.owed).as_str()), ("60 credits", "40 credits"));
        assert_eq!((done.grants[0].consumed, done.grants[0].revoked), (40, 60));
        assert_eq!(done.balances[0].debt.as_ref().unwrap().amount, 40);
        assert_eq!(credits_of(&client, "w").await, (0, 0, 40));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reason.as_str()), (EntryKind::ChargedBack, "dispute"));
        let next = client.reserve(explicit("w", "k", vec![credits(1)])).await;
        refused(next, ErrorReason::WalletSuspended, Code::FailedPrecondition);

        client.top_up(v1::TopUpRequest::amount("w", "more", credits(50))).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (10, 0, 0));
        let again = client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 6));
        assert_eq!((again.revoked, again.owed), (done.revoked, done.owed));
        assert!(server.verify().await.is_clean());
    }

    async fn a_running_jobs_share_becomes_debt_or_is_revoked_when_it_returns(server: Server) {
        let client = server.wallet("w", 100).await;
        for id in ["used", "failed"] {
            client.reserve(explicit("w", id, vec![credits(30)])).await.unwrap();
        }
        client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 60, 0));
        client.settle(settle("w", "used", v1::Succeeded::default())).await.unwrap();
        client.settle(crate::shorthand::fail("w", "failed", "GPU")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 0, 30));
        let used = reservation(&client, "w", "used").await;
        let lines: Vec<_> =
            used.allocations.iter().map(|a| (a.grant_id.as_str(), a.held, a.charged, a.forfeited)).collect();
        assert_eq!(lines, [("top_up:first", 30, 0, 30), ("", 0, 30, 0)]);
        assert_eq!((figures(&used.charged), figures(&used.forfeited)), ("30 credits".into(), "30 credits".into()));
        assert!(server.verify().await.is_clean());
    }

    async fn other_credits_repay_the_debt_and_a_payment_names_the_purchase(server: Server) {
        let client = server.wallet("w", 0).await;
        let payment = v1::ExternalRef { provider: "stripe".into(), id: "pi_1".into() };
        let bought = v1::TopUpRequest {
            external_ref: Some(payment.clone()),
            ..v1::TopUpRequest::amount("w", "t", credits(100))
        };
        client.top_up(bought).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        client.top_up(v1::TopUpRequest::amount("w", "other", credits(90))).await.unwrap();
        let dispute = v1::RecordChargebackRequest {
            payment: Some(v1::record_chargeback_request::Payment::ExternalRef(payment)),
            ..charge_back("w", "c", "")
        };
        let done = client.record_chargeback(dispute).await.unwrap();
        assert_eq!((figures(&done.revoked).as_str(), figures(&done.owed).as_str()), ("60 credits", "40 credits"));
        assert_eq!(done.balances[0].debt.as_ref().unwrap().amount, 0);
        assert_eq!(credits_of(&client, "w").await, (50, 0, 0));
        client.update_wallet(set_status("w", "ok", WalletStatus::Active)).await.unwrap();
        client.reserve(explicit("w", "k", vec![credits(50)])).await.unwrap();
        assert!(server.verify().await.is_clean());
    }

    async fn returns_from_a_hold_repay_the_debt_of_a_chargeback(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        client.grant(crate::shorthand::gift("w", "g", credits(70))).await.unwrap();
        client.reserve(explicit("w", "runs", vec![credits(130)])).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 130, 40));
        client.settle(settle("w", "runs", v1::Succeeded {
            cost: Some(v1::succeeded::Cost::Amounts(v1::ActualAmounts { amounts: vec![credits(20)] })),
        })).await.unwrap();
        let runs = reservation(&client, "w", "runs").await;
        let mut lines: Vec<_> = runs.allocations.iter()
            .map(|a| (a.grant_id.as_str(), a.held, a.charged, a.returned, a.forfeited)).collect();
        lines.sort_unstable();
        assert_eq!(lines, [("grant:g", 70, 20, 50, 0), ("top_up:first", 60, 0, 0, 60)]);
        assert_eq!(credits_of(&client, "w").await, (10, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_reactivated_wallet_is_still_in_debt(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        client.update_wallet(set_status("w", "ok", WalletStatus::Active)).await.unwrap();
        let next = client.reserve(explicit("w", "k", vec![credits(1)])).await;
        let next = refused(next, ErrorReason::InDebt, Code::FailedPrecondition);
        assert_eq!(facts(&next), "debt=40 revision=6 unit=credits version=6 wallet_id=w");
    }

    async fn a_purchase_is_charged_back_once(server: Server) {
        let client = server.wallet("w", 100).await;
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(5))).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        assert_eq!(mismatch(client.record_chargeback(charge_back("w", "c", "second")).await), ["top_up_id"]);
        let twice = client.record_chargeback(charge_back("w", "d", "first")).await;
        let twice = refused(twice, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(facts(&twice), "cause=CHARGED_BACK revision=4 version=4 wallet_id=w");
        let missing = client.record_chargeback(charge_back("w", "d", "third")).await;
        refused(missing, ErrorReason::TopUpNotFound, Code::NotFound);
        assert_eq!(credits_of(&client, "w").await, (5, 0, 0));
    }

    async fn a_charged_back_period_gives_nothing_more_and_makes_debt_of_its_use(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("s", "creator-yearly")).await.unwrap();
        let wallet = client.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await.unwrap().wallet.unwrap();
        let start = wallet.subscription.unwrap().period_start_time.unwrap();
        let before = credits_of(&client, "w").await.0;
        client.reserve(explicit("w", "j", vec![credits(5)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let dispute = || v1::RecordChargebackRequest::period("w", "c", start);
        let done = client.record_chargeback(dispute()).await.unwrap();
        assert_eq!(figures(&done.owed), "5 credits");
        assert_eq!(figures(&done.withheld), "52 trainings");
        assert_eq!((before, done.grants[0].available), (1_500, 0));
        assert_eq!(credits_of(&client, "w").await, (0, 0, 5));
        let again = client.record_chargeback(dispute()).await.unwrap();
        assert_eq!((again.replayed, again.revoked, again.withheld), (true, done.revoked, done.withheld));
        let refund = v1::RecordRefundRequest::period("w", "r", start, v1::Money::new("EUR", 1));
        let refusal = refused(client.record_refund(refund).await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["cause"], "CHARGED_BACK");
        let won = v1::ReverseChargebackRequest::period("w", "won", start);
        let wallet = client.reverse_chargeback(won).await.unwrap().wallet.unwrap();
        assert_eq!(wallet.status(), WalletStatus::Active);
        assert_eq!(credits_of(&client, "w").await, (before - 5, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn the_reference_of_a_payment_names_its_period(server: Server) {
        let client = shop(&server).await;
        let paid = v1::PeriodPayment { payment_ref: "in_1".into(), amount: None };
        let sold = client.subscribe(subscribe("s", "creator-yearly").with_paid(paid)).await.unwrap();
        let start = sold.wallet.unwrap().subscription.unwrap().period_start_time.unwrap();
        let before = credits_of(&client, "w").await.0;
        let dispute = v1::RecordChargebackRequest::payment_ref("w", "c", "in_1");
        client.record_chargeback(dispute).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        let by_start = v1::RecordChargebackRequest::period("w", "c", start);
        assert!(client.record_chargeback(by_start).await.unwrap().replayed);
        let unknown = v1::ReverseChargebackRequest::payment_ref("w", "won", "in_2");
        let faults = violations(client.reverse_chargeback(unknown).await);
        assert!(faults[0].starts_with("payment_ref: must be the reference of one of the last 24"), "{faults:?}");
        let won = v1::ReverseChargebackRequest::payment_ref("w", "won", "in_1");
        client.reverse_chargeback(won).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (before, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_period_that_has_not_begun_is_not_charged_back(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("s", "creator-yearly")).await.unwrap();
        let wallet = client.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await.unwrap().wallet.unwrap();
        let end = wallet.subscription.unwrap().period_end_time.unwrap();
        let dispute = v1::RecordChargebackRequest::period("w", "c", end);
        let faults = violations(client.record_chargeback(dispute).await);
        assert!(faults[0].starts_with("period_start_time: must be the start of a period that has begun"), "{faults:?}");
    }
}
