//! PauseSubscription: no period begins after those that are paid, until the subscription is resumed.

use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, EntryKind, ErrorReason, SubscriptionStatus};

use crate::shorthand::{credits_of, facts, later, mismatch, refused, until, violations};
use crate::subscriptions::{
    WEEK, about_to_end, end, entries_after, now, pause, payment, resume, shop, subscribe, subscription,
    subscription_of, wallet,
};

each_database! {
    async fn a_paused_subscription_gives_nothing_until_it_is_resumed(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "creator").await;
        let done = client.pause_subscription(pause("a")).await.unwrap();
        assert_eq!((done.replayed, done.revision), (false, 3));
        let to_come = subscription_of(done.wallet);
        assert_eq!((to_come.status(), to_come.next_renewal_time), (SubscriptionStatus::Active, None));
        assert_eq!(to_come.pause, Some(v1::SubscriptionPause { start_time: boundary, until_time: None }));
        until(&client, "w", boundary).await;

        let paused = wallet(&client).await;
        assert_eq!(paused.plan_id, "", "the catalog has no default plan");
        let paused = subscription_of(Some(paused));
        assert_eq!((paused.plan_id.as_str(), paused.status()), ("creator", SubscriptionStatus::Paused));
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        let recorded = entries_after(&client, 3, 2).await;
        assert_eq!(recorded, [(EntryKind::GrantExpired, boundary), (EntryKind::PauseBegan, boundary)]);
        assert!(client.pause_subscription(pause("a")).await.unwrap().replayed);

        let resumed = client.resume_subscription(resume("b")).await.unwrap();
        let begun = subscription_of(resumed.wallet);
        assert_eq!((begun.status(), begun.pause.as_ref()), (SubscriptionStatus::Active, None));
        assert_eq!((begun.anchor_time, begun.period_start_time), (resumed.decide_time, resumed.decide_time));
        assert_eq!(begun.period_end_time, later(resumed.decide_time, WEEK));
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_pause_ends_when_it_was_to_and_the_next_period_waits_for_its_payment(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "prepaid").await;
        let over = later(boundary, 2);
        let request = v1::PauseSubscriptionRequest { until_time: over, ..pause("a") };
        client.pause_subscription(request.clone()).await.unwrap();
        assert_eq!(mismatch(client.pause_subscription(pause("a")).await), ["until_time"]);
        until(&client, "w", over).await;
        let unpaid = subscription(&client).await;
        assert_eq!((unpaid.status(), unpaid.period_start_time), (SubscriptionStatus::PastDue, over));
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        client.record_payment(payment("paid")).await.unwrap();
        let paid = subscription(&client).await;
        assert_eq!((paid.status(), paid.period_end_time), (SubscriptionStatus::Active, later(over, WEEK)));
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn refusals_name_what_is_in_the_way(server: Server) {
        let client = shop(&server).await;
        refused(
            client.pause_subscription(pause("a")).await,
            ErrorReason::SubscriptionNotFound,
            Code::NotFound,
        );
        client.subscribe(subscribe("sold", "creator")).await.unwrap();
        let past = v1::PauseSubscriptionRequest { until_time: now(&client).await, ..pause("a") };
        let shown = violations(client.pause_subscription(past).await);
        assert!(shown[0].starts_with("until_time: must be after the beginning of the pause"), "{shown:?}");
        let bare = v1::PauseSubscriptionRequest::default();
        let expected = ["wallet_id: must not be empty", "request_id: must not be empty"];
        assert_eq!(violations(client.pause_subscription(bare).await), expected);
        client.cancel_subscription(end("b", CancelTime::AtPeriodEnd)).await.unwrap();
        let refusal = client.pause_subscription(pause("a")).await;
        let refusal = refused(refusal, ErrorReason::SubscriptionEnds, Code::FailedPrecondition);
        assert!(facts(&refusal).contains("end_time="));
    }

    async fn a_paused_subscription_takes_no_payment(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "prepaid").await;
        client.pause_subscription(pause("a")).await.unwrap();
        until(&client, "w", boundary).await;
        refused(
            client.record_payment(payment("p")).await,
            ErrorReason::SubscriptionPaused,
            Code::FailedPrecondition,
        );
    }
}
