//! CancelSubscription: at the end of the period, or at once.

use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, EntryKind, ErrorReason};

use crate::harness::credits;
use crate::shorthand::{credits_of, entries, explicit, facts, mismatch, refused, settle, until, violations};
use crate::subscriptions::{
    about_to_end, change, end, entries_after, grants, pending, shop, subscribe, subscription_of, wallet,
};

/// Buys 200 credits that expire with the subscription.
async fn buy_bulk(client: &wallet_client::WalletClient) {
    let what = Some(v1::top_up_request::What::PackId("bulk".into()));
    client.top_up(v1::TopUpRequest { what, ..v1::TopUpRequest::amount("w", "t", credits(1)) }).await.unwrap();
}

each_database! {
    async fn a_cancelled_subscription_runs_to_the_end_of_its_period_and_no_longer(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "creator").await;
        buy_bulk(&client).await;
        let cancelled = client.cancel_subscription(end("a", CancelTime::Unspecified)).await.unwrap();
        assert_eq!((cancelled.replayed, cancelled.revision), (false, 4));
        let cancelled = subscription_of(cancelled.wallet);
        assert_eq!(pending(&cancelled), ("end", boundary));
        assert_eq!((cancelled.next_renewal_time, cancelled.period_end_time), (None, boundary));
        assert_eq!(credits_of(&client, "w").await, (230, 0, 0));
        until(&client, "w", boundary).await;

        let over = wallet(&client).await;
        assert_eq!((over.plan_id.as_str(), over.subscription), ("", None));
        let expected = [
            "period:1.0.0: 30 credits, 0 available, 0 held, 0 consumed, 30 expired",
            "top_up:t: 200 credits, 0 available, 0 held, 0 consumed, 200 expired",
        ];
        assert_eq!(grants(&client).await, expected);
        let expected = [(EntryKind::GrantExpired, boundary), (EntryKind::SubscriptionEnded, boundary)];
        assert_eq!(entries_after(&client, 4, 2).await, expected);
        client.subscribe(subscribe("anew", "creator")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn p1_cancelling_at_once_keeps_the_credits_that_were_paid(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        client.cancel_subscription(end("b", CancelTime::Now)).await.unwrap();
        assert_eq!(wallet(&client).await.subscription, None);
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn cancelling_at_once_ends_the_allowance_but_not_held_credits(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        buy_bulk(&client).await;
        client.top_up(v1::TopUpRequest::amount("w", "own", credits(7))).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(12)])).await.unwrap();
        let unused = v1::UnusedCredits::Expire.into();
        let request =
            v1::CancelSubscriptionRequest { reason: "chargeback".into(), unused, ..end("b", CancelTime::Now) };
        let done = client.cancel_subscription(request).await.unwrap();
        assert_eq!(done.wallet.unwrap().subscription, None);
        assert_eq!(credits_of(&client, "w").await, (7, 12, 0));
        let recorded = entries(&client, "w").await;
        let recorded = recorded.iter().find(|entry| entry.request_id == "b").unwrap();
        assert_eq!((recorded.kind(), recorded.reason.as_str()), (EntryKind::SubscriptionCancelled, "chargeback"));

        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let expected = [
            "period:1.0.0: 30 credits, 0 available, 0 held, 12 consumed, 18 expired",
            "top_up:own: 7 credits, 7 available, 0 held, 0 consumed, 0 expired",
            "top_up:t: 200 credits, 0 available, 0 held, 0 consumed, 200 expired",
        ];
        assert_eq!(grants(&client).await, expected);
        assert!(server.verify().await.is_clean());
    }

    async fn a_cancel_replaces_a_pending_change(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "pro")).await.unwrap();
        client.change_plan(change("b", "creator")).await.unwrap();
        let cancelled = client.cancel_subscription(end("c", CancelTime::AtPeriodEnd)).await.unwrap();
        assert_eq!(pending(&subscription_of(cancelled.wallet)).0, "end");
        let changed = client.change_plan(change("d", "creator")).await.unwrap();
        assert_eq!(pending(&subscription_of(changed.wallet)).0, "end");
    }

    async fn the_same_cancel_again_is_a_replay_and_another_under_its_id_a_mismatch(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        client.cancel_subscription(end("b", CancelTime::Now)).await.unwrap();
        let again = client.cancel_subscription(end("b", CancelTime::Now)).await.unwrap();
        assert!(again.replayed);
        assert_eq!(mismatch(client.cancel_subscription(end("b", CancelTime::AtPeriodEnd)).await), ["when"]);
        assert_eq!(mismatch(client.subscribe(subscribe("b", "creator")).await), ["request_id"]);
    }

    async fn without_a_subscription_there_is_nothing_to_cancel(server: Server) {
        let client = shop(&server).await;
        let refusal = client.cancel_subscription(end("a", CancelTime::Now)).await;
        let refusal = refused(refusal, ErrorReason::SubscriptionNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "revision=1 version=1 wallet_id=w");
        let bad = v1::CancelSubscriptionRequest { when: 9, reason: "x".repeat(1_025), ..Default::default() };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "when: 9 is not a cancel time",
            "reason: has 1025 bytes, at most 1024 are allowed",
        ];
        assert_eq!(violations(client.cancel_subscription(bad).await), expected);
    }
}
