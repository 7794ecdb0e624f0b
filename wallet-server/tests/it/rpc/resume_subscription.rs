//! ResumeSubscription: undoes a cancel before it takes effect.

use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, EntryKind, ErrorReason};

use crate::shorthand::{credits_of, facts, kinds, mismatch, refused, until, violations};
use crate::subscriptions::{
    about_to_end, change, end, entries_after, pending, resume, shop, subscribe, subscription_of,
};

each_database! {
    async fn a_resumed_subscription_renews_as_if_never_cancelled(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "creator").await;
        client.cancel_subscription(end("a", CancelTime::AtPeriodEnd)).await.unwrap();
        let resumed = client.resume_subscription(resume("b")).await.unwrap();
        assert_eq!((resumed.replayed, resumed.revision), (false, 4));
        let resumed = subscription_of(resumed.wallet);
        assert_eq!((pending(&resumed), resumed.next_renewal_time), (("", None), boundary));
        assert_eq!(kinds(&client, "w").await.last(), Some(&EntryKind::SubscriptionResumed));
        until(&client, "w", boundary).await;
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        let expected = [(EntryKind::GrantExpired, boundary), (EntryKind::PeriodBegan, boundary)];
        assert_eq!(entries_after(&client, 4, 2).await, expected);
    }

    async fn resuming_does_not_undo_a_pending_change(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "pro")).await.unwrap();
        client.change_plan(change("b", "creator")).await.unwrap();
        let resumed = client.resume_subscription(resume("c")).await.unwrap();
        assert_eq!(pending(&subscription_of(resumed.wallet)).0, "creator");
    }

    async fn a_repeated_resume_is_a_replay_that_undoes_no_later_cancel(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        client.cancel_subscription(end("b", CancelTime::AtPeriodEnd)).await.unwrap();
        client.resume_subscription(resume("c")).await.unwrap();
        client.cancel_subscription(end("d", CancelTime::AtPeriodEnd)).await.unwrap();
        let again = client.resume_subscription(resume("c")).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 5));
        assert_eq!(pending(&subscription_of(again.wallet)).0, "end");
        assert_eq!(mismatch(client.resume_subscription(resume("d")).await), ["request_id"]);
    }

    async fn an_ended_subscription_does_not_resume(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        client.cancel_subscription(end("b", CancelTime::Now)).await.unwrap();
        let refusal = client.resume_subscription(resume("c")).await;
        let refusal = refused(refusal, ErrorReason::SubscriptionNotFound, Code::NotFound);
        assert!(facts(&refusal).ends_with("wallet_id=w"));
        let expected = ["wallet_id: must not be empty", "request_id: must not be empty"];
        let bare = v1::ResumeSubscriptionRequest::default();
        assert_eq!(violations(client.resume_subscription(bare).await), expected);
    }
}
