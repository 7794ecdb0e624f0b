//! Duplicates of RefundTopUp, RecordRefund, RecordChargeback, ReverseChargeback, ReverseCharge, RefundSubscription and
//! CloseWallet.

use wallet_client::v1::{self, EntryKind};

use super::{FRESH, at_once, available, entries_after, mismatch, one_effect};
use crate::harness::credits;
use crate::shorthand::{charge_back, explicit, paid_back, refund, refund_subscription, reverse, settle};
use crate::subscriptions::{shop, subscribe};

each_fleet! {
    async fn of_equal_refunds_one_pays_out(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers =
            at_once(&servers, |client, _| async move { client.refund_top_up(refund("w", "r", "first")).await })
                .await;
        let done = answers.into_iter().map(|a| ((a.amounts, a.grants), a.replayed)).collect();
        let (amounts, grants) = one_effect(done);
        assert_eq!((amounts[0].amount, grants[0].paid_out, available(&client).await), (100, 100, 0));

        let requested_time = grants[0].create_time;
        let other = v1::RefundTopUpRequest { requested_time, ..refund("w", "r", "second") };
        assert_eq!(mismatch(client.refund_top_up(other).await), ["requested_time", "top_up_id"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::TopUpRefunded]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_records_of_a_refund_one_takes_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 0).await;
        let bought = v1::TopUpRequest::amount("w", "t", credits(100));
        let paid_amount = Some(v1::Money::new("EUR", 1_000));
        client.top_up(v1::TopUpRequest { paid_amount, ..bought }).await.unwrap();
        let answers = at_once(&servers, |client, _| async move {
            client.record_refund(paid_back("w", "r", "t", 400)).await
        })
        .await;
        let done = answers.into_iter().map(|a| ((a.taken, a.grants), a.replayed)).collect();
        let (taken, grants) = one_effect(done);
        assert_eq!((taken[0].amount, grants[0].paid_out, available(&client).await), (40, 40, 60));

        assert_eq!(mismatch(client.record_refund(paid_back("w", "r", "t", 500)).await), ["refunded_total"]);
        let last = entries_after(&client, 0).await;
        assert_eq!(last[last.len() - 2..], [EntryKind::ToppedUp, EntryKind::RefundRecorded]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_records_of_a_period_s_refund_one_takes_credits(servers: Vec<Server>) {
        let client = shop(&servers[0]).await;
        let sold = client.subscribe(subscribe("s", "creator-yearly")).await.unwrap().wallet.unwrap();
        let start = sold.subscription.unwrap().period_start_time.unwrap();
        let refund =
            move |cents| v1::RecordRefundRequest::period("w", "r", start, v1::Money::new("EUR", cents));
        let answers =
            at_once(&servers, move |client, _| async move { client.record_refund(refund(12_000)).await }).await;
        let done = answers.into_iter().map(|a| ((a.grants, a.withheld), a.replayed)).collect();
        let (grants, withheld) = one_effect(done);
        assert_eq!((grants[0].paid_out, withheld[0].amount, available(&client).await), (1_500, 52, 0));

        assert_eq!(mismatch(client.record_refund(refund(11_999)).await), ["refunded_total"]);
        assert_eq!(entries_after(&client, 0).await.last(), Some(&EntryKind::RefundRecorded));
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_reversals_one_returns_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let some = || v1::ReverseChargeRequest { amounts: vec![credits(10)], ..reverse("w", "r", "j") };
        let answers =
            at_once(&servers, move |client, _| async move { client.reverse_charge(some()).await }).await;
        let done = answers.into_iter().map(|a| (a.reservation.unwrap(), a.replayed)).collect();
        assert_eq!((one_effect(done).reversed[0].amount, available(&client).await), (10, 70));

        assert_eq!(mismatch(client.reverse_charge(reverse("w", "r", "k")).await), ["amounts", "reservation_id"]);
        let entries = [EntryKind::Reserved, EntryKind::Settled, EntryKind::ChargeReversed];
        assert_eq!(entries_after(&client, FRESH).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_refunds_of_a_year_one_ends_it(servers: Vec<Server>) {
        let client = shop(&servers[0]).await;
        for server in &servers[1..] {
            shop(server).await;
        }
        client.subscribe(subscribe("s", "creator-yearly")).await.unwrap();
        let answers = at_once(&servers, |client, _| async move {
            client.refund_subscription(refund_subscription("w", "r")).await
        })
        .await;
        let done = answers.into_iter().map(|a| ((a.refund, a.unused_credits, a.unused_time), a.replayed)).collect();
        assert!(one_effect(done).0.unwrap().minor_units >= 11_999);
        assert_eq!(entries_after(&client, 2).await, [EntryKind::SubscriptionRefunded]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_chargebacks_one_makes_debt(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let answers = at_once(&servers, |client, _| async move {
            client.record_chargeback(charge_back("w", "c", "first")).await
        })
        .await;
        let done = answers.into_iter().map(|a| ((a.revoked, a.owed, a.grants), a.replayed)).collect();
        let (revoked, owed, _) = one_effect(done);
        assert_eq!((revoked[0].amount, owed[0].amount), (60, 40));

        assert_eq!(mismatch(client.record_chargeback(charge_back("w", "c", "other")).await), ["top_up_id"]);
        let entries = [EntryKind::Reserved, EntryKind::Settled, EntryKind::ChargedBack];
        assert_eq!(entries_after(&client, FRESH).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_withdrawals_of_a_chargeback_one_returns_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.record_chargeback(charge_back("w", "c", "first")).await.unwrap();
        let won = || v1::ReverseChargebackRequest::top_up("w", "won", "first");
        let answers =
            at_once(&servers, move |client, _| async move { client.reverse_chargeback(won()).await }).await;
        let done = answers.into_iter().map(|a| (a.wallet.unwrap().status, a.replayed)).collect();
        assert_eq!((one_effect(done), available(&client).await), (v1::WalletStatus::Active as i32, 100));
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::ChargedBack, EntryKind::ChargebackReversed]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_closes_one_revokes_the_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let close = || v1::CloseWalletRequest::new("w", "closed");
        let answers = at_once(&servers, move |client, _| async move { client.close_wallet(close()).await }).await;
        let done = answers.into_iter().map(|a| (a.wallet.unwrap().status, a.replayed)).collect();
        assert_eq!(one_effect(done), v1::WalletStatus::Closed as i32);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::WalletClosed]);
        assert!(servers[0].verify().await.is_clean());
    }
}
