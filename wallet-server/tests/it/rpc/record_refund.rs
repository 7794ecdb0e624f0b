//! RecordRefund: the payment provider has refunded a purchase, and the wallet claws back the credits of that share.

use wallet_client::v1::{self, EntryKind, ErrorReason, SubscriptionStatus, UsedCredits, WalletStatus};
use wallet_client::{Code, WalletClient};

use crate::harness::credits;
use crate::shorthand::{
    charge_back, credits_of, entries, explicit, fail, figures, mismatch, paid_back, refund, refused, settle,
    until, violations,
};
use crate::subscriptions::{about_to_end, payment, shop, subscribe, subscription};

/// Buys 100 credits for 10 euros.
async fn bought(client: &WalletClient, id: &str) {
    let paid = v1::Money::new("EUR", 1_000);
    let request = v1::TopUpRequest::amount("w", id, credits(100));
    client.top_up(v1::TopUpRequest { paid_amount: Some(paid), ..request }).await.unwrap();
}

async fn cause(client: &WalletClient, request: v1::RecordRefundRequest) -> String {
    let refusal = client.record_refund(request).await;
    refused(refusal, ErrorReason::NotRefundable, Code::FailedPrecondition).metadata["cause"].clone()
}

each_database! {
    async fn parts_of_a_refund_take_their_share_and_a_failed_one_returns_it(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "t").await;
        let look = paid_back("w", "r", "t", 250).with_validate_only(true);
        let shown = client.record_refund(look).await.unwrap();
        let done = client.record_refund(paid_back("w", "r", "t", 250)).await.unwrap();
        assert_eq!((&shown.taken, &shown.grants, &shown.balances), (&done.taken, &done.grants, &done.balances));
        assert_eq!((figures(&done.taken).as_str(), done.replayed), ("25 credits", false));
        assert_eq!((done.grants[0].available, done.grants[0].paid_out), (75, 25));
        assert_eq!(done.refunded_total.unwrap().minor_units, 250);
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.request_id.as_str()), (EntryKind::RefundRecorded, "r"));
        assert_eq!(entry.reason, "paid back");
        assert!(client.record_refund(paid_back("w", "r", "t", 250)).await.unwrap().replayed);
        let more = client.record_refund(paid_back("w", "s", "t", 1_000)).await.unwrap();
        assert_eq!((figures(&more.taken).as_str(), credits_of(&client, "w").await), ("75 credits", (0, 0, 0)));
        let failed = client.record_refund(paid_back("w", "u", "t", 100)).await.unwrap();
        assert_eq!(figures(&failed.given_back), "90 credits");
        assert_eq!(credits_of(&client, "w").await, (90, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn used_credits_are_forgiven_or_owed(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "t").await;
        for (job, amount) in [("used", 60), ("runs", 30), ("fails", 10)] {
            client.reserve(explicit("w", job, vec![credits(amount)])).await.unwrap();
        }
        client.settle(settle("w", "used", v1::Succeeded::default())).await.unwrap();
        let owing = paid_back("w", "r", "t", 500).with_used(UsedCredits::Owe);
        let done = client.record_refund(owing.clone()).await.unwrap();
        assert_eq!((figures(&done.owed).as_str(), credits_of(&client, "w").await), ("10 credits", (0, 40, 10)));
        client.settle(settle("w", "runs", v1::Succeeded::default())).await.unwrap();
        client.settle(fail("w", "fails", "GPU")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (0, 0, 40));
        client.reverse_charge(crate::shorthand::reverse("w", "v", "used")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (20, 0, 0));
        let forgiven = client.record_refund(paid_back("w", "f", "t", 1_000)).await.unwrap();
        assert_eq!((figures(&forgiven.taken).as_str(), forgiven.owed.len()), ("20 credits", 0));
        assert_eq!(mismatch(client.record_refund(paid_back("w", "r", "t", 400)).await), ["refunded_total", "used"]);
        assert!(server.verify().await.is_clean());
    }

    async fn refunds_and_chargebacks_of_one_purchase_are_told_apart(server: Server) {
        let client = server.wallet("w", 0).await;
        for id in ["refunded", "disputed", "both"] {
            bought(&client, id).await;
        }
        client.top_up(v1::TopUpRequest::amount("w", "unpriced", credits(5))).await.unwrap();
        client.refund_top_up(refund("w", "f", "refunded")).await.unwrap();
        client.record_refund(paid_back("w", "b", "both", 500)).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "disputed")).await.unwrap();
        assert_eq!(cause(&client, paid_back("w", "r", "refunded", 500)).await, "ALREADY_REFUNDED");
        assert_eq!(cause(&client, paid_back("w", "r", "disputed", 500)).await, "CHARGED_BACK");
        assert_eq!(cause(&client, paid_back("w", "r", "unpriced", 500)).await, "NO_PRICE");
        let missing = client.record_refund(paid_back("w", "r", "none", 1)).await;
        refused(missing, ErrorReason::TopUpNotFound, Code::NotFound);
        let twice = client.refund_top_up(refund("w", "g", "both")).await;
        let twice = refused(twice, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(twice.metadata["cause"], "ALREADY_REFUNDED");
        client.record_chargeback(charge_back("w", "d", "both")).await.unwrap();
        let won = v1::ReverseChargebackRequest::top_up("w", "w", "both");
        let wallet = client.reverse_chargeback(won).await.unwrap().wallet.unwrap();
        assert_eq!(wallet.status(), WalletStatus::Suspended);
        assert_eq!(credits_of(&client, "w").await, (55, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_refunded_year_takes_its_credits_and_refuses_another_refund(server: Server) {
        let client = shop(&server).await;
        let start = client.subscribe(subscribe("s", "creator-yearly")).await.unwrap().wallet.unwrap();
        let start = start.subscription.unwrap().period_start_time.unwrap();
        client.reserve(explicit("w", "job", vec![credits(600)])).await.unwrap();
        let of_year = |id, cents| v1::RecordRefundRequest::period("w", id, start, v1::Money::new("EUR", cents));
        let done = client.record_refund(of_year("r", 9_600)).await.unwrap();
        // 80 % of the year: 41 of the 52 trainings to come, and 900 of the credits that are not held.
        assert_eq!((figures(&done.taken).as_str(), credits_of(&client, "w").await), ("900 credits", (0, 600, 0)));
        assert_eq!(figures(&done.withheld), "42 trainings");
        client.settle(fail("w", "job", "GPU")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (300, 0, 0));
        let refusal = client.refund_subscription(crate::shorthand::refund_subscription("w", "f")).await;
        let refusal = refused(refusal, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["cause"], "ALREADY_REFUNDED");
        assert_eq!(mismatch(client.record_refund(paid_back("w", "r", "t", 9_600)).await), ["period_start_time", "top_up_id"]);
        assert!(server.verify().await.is_clean());
    }

    async fn a_period_that_was_paid_ahead_is_unpaid_after_its_refund(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "prepaid").await;
        let paid = v1::PeriodPayment { payment_ref: "in_2".into(), amount: Some(v1::Money::new("EUR", 500)) };
        client.record_payment(payment("p").with_paid(paid)).await.unwrap();
        let of_payment = |id, cents| v1::RecordRefundRequest::payment_ref("w", id, "in_2", v1::Money::new("EUR", cents));
        let found = violations(client.record_refund(of_payment("r", 499)).await);
        assert_eq!(found, ["refunded_total: must be 500 EUR (minor units), the whole price: the period has not begun"]);
        let done = client.record_refund(of_payment("r", 500)).await.unwrap();
        assert_eq!((done.grants.len(), done.refunded_total.as_ref().unwrap().minor_units), (0, 500));
        let again = client.record_refund(of_payment("r", 500)).await.unwrap();
        assert_eq!((again.replayed, again.refunded_total), (true, done.refunded_total));
        assert_eq!(cause(&client, of_payment("less", 400)).await, "ALREADY_REFUNDED");
        assert!(!client.record_refund(of_payment("same", 500)).await.unwrap().replayed);
        until(&client, "w", boundary).await;
        assert_eq!(subscription(&client).await.status(), SubscriptionStatus::PastDue);
        assert!(server.verify().await.is_clean());
    }

    async fn a_total_is_in_the_currency_of_the_purchase_and_at_most_its_price(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "t").await;
        let found = violations(client.record_refund(paid_back("w", "r", "t", 1_001)).await);
        assert_eq!(found, ["refunded_total: must not be above the price, 1000 EUR (minor units)"]);
        let total = Some(v1::Money::new("USD", 1));
        let other = v1::RecordRefundRequest { refunded_total: total, ..paid_back("w", "r", "t", 1) };
        let found = violations(client.record_refund(other).await);
        assert_eq!(found, ["refunded_total: must be in EUR, the currency of the payment"]);
    }
}
