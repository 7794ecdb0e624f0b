//! RefundSubscription: a yearly subscription ends, and the lower of two shares of its price is refunded.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason};

use crate::harness::credits;
use crate::shorthand::{
    credits_of, entries, explicit, later, mismatch, refund_subscription, refused, settle,
};
use crate::subscriptions::{now, shop, subscribe, wallet};

const DAY: i64 = 86_400;

/// Sells a year for 120 euros that began this many days ago.
async fn sold(client: &wallet_client::WalletClient, days_ago: i64) {
    let anchor_time = later(now(client).await, -days_ago * DAY);
    client.subscribe(v1::SubscribeRequest { anchor_time, ..subscribe("s", "creator-yearly") }).await.unwrap();
}

fn cents(answer: &v1::RefundSubscriptionResponse) -> i64 {
    answer.refund.as_ref().unwrap().minor_units
}

each_database! {
    async fn an_unused_year_is_refunded_by_time_and_ends(server: Server) {
        let client = shop(&server).await;
        sold(&client, 100).await;
        let look = v1::RefundSubscriptionRequest { validate_only: true, ..refund_subscription("w", "r") };
        let shown = client.refund_subscription(look).await.unwrap();
        assert_eq!(wallet(&client).await.revision, 2, "nothing is written");
        let done = client.refund_subscription(refund_subscription("w", "r")).await.unwrap();
        assert_eq!((done.replayed, done.revision), (false, 3));
        let time = done.unused_time.unwrap();
        assert_eq!(cents(&done), 12_000 * time.numerator / time.denominator);
        assert!((8_700..8_730).contains(&cents(&done)) && cents(&shown) - cents(&done) <= 1, "{done:?}");
        assert_eq!(done.unused_credits, Some(v1::Fraction { numerator: 1, denominator: 1 }));
        assert_eq!(done.wallet.as_ref().unwrap().subscription, None);
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reason.as_str()), (EntryKind::SubscriptionRefunded, "moving"));

        let again = client.refund_subscription(refund_subscription("w", "r")).await.unwrap();
        assert!(again.replayed);
        assert_eq!((&again.refund, again.unused_time), (&done.refund, done.unused_time));
        assert!(server.verify().await.is_clean());
    }

    async fn a_half_used_year_is_refunded_by_credits_and_a_running_job_continues(server: Server) {
        let client = shop(&server).await;
        sold(&client, 1).await;
        for id in ["done", "runs"] {
            client.reserve(explicit("w", id, vec![credits(600)])).await.unwrap();
        }
        client.settle(settle("w", "done", v1::Succeeded::default())).await.unwrap();
        let done = client.refund_subscription(refund_subscription("w", "r")).await.unwrap();
        assert_eq!(done.unused_credits, Some(v1::Fraction { numerator: 300, denominator: 1_500 }));
        assert_eq!(cents(&done), 2_400);
        assert_eq!(credits_of(&client, "w").await, (0, 600, 0));
        client.settle(settle("w", "runs", v1::Succeeded::default())).await.unwrap();
        assert!(server.verify().await.is_clean());
    }

    async fn s14_an_unused_plan_is_refunded_in_full_within_its_window(server: Server) {
        let client = shop(&server).await;
        let plans = client.list_plans(v1::ListPlansRequest {}).await.unwrap().plans;
        let fair = plans.iter().find(|plan| plan.plan_id == "fair").and_then(|plan| plan.refund).unwrap();
        assert_eq!((fair.window.map(|window| window.seconds), fair.only_unused, fair.unused_share), (Some(DAY), true, false));
        let sold = |id: &str, days_ago: i64| {
            let (client, request) = (client.clone(), subscribe(id, "fair"));
            async move {
                let anchor_time = later(now(&client).await, -days_ago * DAY);
                client.subscribe(v1::SubscribeRequest { anchor_time, ..request }).await.unwrap();
            }
        };
        let cause = |answer| refused(answer, ErrorReason::NotRefundable, Code::FailedPrecondition).metadata["cause"].clone();
        sold("s", 1).await;
        let late: Result<v1::RefundSubscriptionResponse, _> = client.refund_subscription(refund_subscription("w", "r")).await;
        assert_eq!(cause(late), "TOO_LATE");
        let asked = v1::RefundSubscriptionRequest {
            requested_time: later(now(&client).await, -3_600),
            ..refund_subscription("w", "r")
        };
        let done = client.refund_subscription(asked).await.unwrap();
        assert_eq!((cents(&done), done.in_full), (700, true));
        sold("t", 0).await;
        client.reserve(explicit("w", "job", vec![credits(2)])).await.unwrap();
        assert_eq!(cause(client.refund_subscription(refund_subscription("w", "q")).await), "HOLDS_OUTSTANDING");
        client.settle(settle("w", "job", v1::Succeeded::default())).await.unwrap();
        assert_eq!(cause(client.refund_subscription(refund_subscription("w", "q")).await), "CREDITS_USED");
        assert!(server.verify().await.is_clean());
    }

    async fn only_a_yearly_plan_with_a_price_is_refunded(server: Server) {
        let client = shop(&server).await;
        let none = client.refund_subscription(refund_subscription("w", "r")).await;
        refused(none, ErrorReason::SubscriptionNotFound, Code::NotFound);
        client.subscribe(subscribe("s", "creator")).await.unwrap();
        let week = client.refund_subscription(refund_subscription("w", "r")).await;
        let week = refused(week, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(week.metadata["cause"], "NOT_OFFERED");
        assert_eq!(mismatch(client.refund_subscription(refund_subscription("w", "s")).await), ["request_id"]);
    }
}
