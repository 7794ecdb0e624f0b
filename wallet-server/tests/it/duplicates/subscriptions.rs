//! Duplicates of Subscribe, ChangePlan, CancelSubscription, ResumeSubscription and RecordPayment.

use wallet_client::v1::{self, CancelTime, EntryKind};

use super::{FRESH, at_once, available, entries_after, mismatch, one_effect};
use crate::subscriptions::{PLANS, change, end, payment, resume, subscribe};

/// The subscription that all 33 answers show. Asserts that exactly one of them is fresh.
fn sold(answers: Vec<(Option<v1::Wallet>, bool)>) -> v1::Subscription {
    let wallet =
        one_effect(answers.into_iter().map(|(wallet, replayed)| (wallet.unwrap(), replayed)).collect());
    wallet.subscription.expect("it is subscribed")
}

each_fleet! {
    config = wallet_server::Config { catalog: Some(PLANS.to_owned()), ..wallet_server::Config::default() };

    async fn of_equal_subscriptions_one_is_sold(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers = at_once(&servers, |client, _| async move { client.subscribe(subscribe("a", "creator")).await });
        let answers = answers.await.into_iter().map(|answer| (answer.wallet, answer.replayed)).collect();
        assert_eq!(sold(answers).plan_id, "creator");
        assert_eq!(available(&client).await, 130);
        assert_eq!(mismatch(client.subscribe(subscribe("a", "pro")).await), ["plan_id"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Subscribed]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_upgrades_one_gives_the_difference(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        let answers = at_once(&servers, |client, _| async move { client.change_plan(change("b", "pro")).await });
        let answers = answers.await.into_iter().map(|answer| (answer.wallet, answer.replayed)).collect();
        assert_eq!(sold(answers).plan_id, "pro");
        assert_eq!(available(&client).await, 200);
        assert_eq!(mismatch(client.change_plan(change("b", "creator")).await), ["plan_id"]);
        assert_eq!(entries_after(&client, FRESH + 1).await, [EntryKind::PlanChanged]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_cancels_and_resumptions_one_happens_each(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        let ends = at_once(&servers, |client, _| async move {
            client.cancel_subscription(end("b", CancelTime::AtPeriodEnd)).await
        });
        let ends = ends.await.into_iter().map(|answer| (answer.wallet, answer.replayed)).collect();
        assert!(sold(ends).pending.is_some());
        let resumed = at_once(&servers, |client, _| async move { client.resume_subscription(resume("c")).await });
        let resumed = resumed.await.into_iter().map(|answer| (answer.wallet, answer.replayed)).collect();
        assert_eq!(sold(resumed).pending, None);
        assert_eq!(mismatch(client.cancel_subscription(end("b", CancelTime::Now)).await), ["when"]);
        assert_eq!(mismatch(client.resume_subscription(resume("b")).await), ["request_id"]);
        let entries = [EntryKind::SubscriptionCancelled, EntryKind::SubscriptionResumed];
        assert_eq!(entries_after(&client, FRESH + 1).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_payments_one_pays(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let first = client.subscribe(subscribe("a", "prepaid")).await.unwrap().wallet.unwrap().subscription.unwrap();
        let answers = at_once(&servers, |client, _| async move { client.record_payment(payment("b")).await });
        let answers = answers.await.into_iter().map(|answer| (answer.wallet, answer.replayed)).collect();
        let paid = sold(answers).paid_through_time.unwrap();
        assert_eq!(paid.seconds - first.paid_through_time.unwrap().seconds, crate::subscriptions::WEEK, "one week more");
        assert_eq!(entries_after(&client, FRESH + 1).await, [EntryKind::PaymentRecorded]);
        assert!(servers[0].verify().await.is_clean());
    }
}
