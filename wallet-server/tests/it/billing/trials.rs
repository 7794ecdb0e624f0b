//! Trials, over the wire: once per wallet, and the plan that follows.

use wallet_client::Code;
use wallet_client::v1::error_detail::Detail;
use wallet_client::v1::{self, CancelTime, ErrorReason, subscription};

use crate::products::platform::{at, subscribe};
use crate::shorthand::refused;

product! {
    "../tests/it/billing/plans";

    async fn a_trial_gives_way_to_the_plan_that_follows(platform: Platform) {
        let sold = platform.subscribe("taste").await.subscription.unwrap();
        let Some(subscription::Pending::Change(change)) = sold.pending else { panic!("{sold:?}") };
        assert_eq!((change.plan_id.as_str(), change.effective_time), ("quarter", Some(at("2026-02-14T09:00:00Z"))));
        platform.days(14).await;
        assert_eq!(platform.wallet().await.plan_id, "quarter");
        assert_eq!(platform.credits().await, (100, 0));
    }

    async fn a_second_trial_is_refused(platform: Platform) {
        platform.subscribe("taste").await;
        platform.unsubscribe(CancelTime::Now).await;
        let again = v1::SubscribeRequest { request_id: "again".into(), ..subscribe("taste") };
        let refusal = platform.client.subscribe(again).await;
        let refusal = refused(refusal, ErrorReason::PlanUsed, Code::FailedPrecondition);
        let Some(Detail::PlanUsed(used)) = refusal.detail else { panic!("{refusal:?}") };
        assert_eq!(used.plan_id, "taste");
    }

    async fn the_list_of_plans_shows_trials(platform: Platform) {
        let plans = platform.client.list_plans(v1::ListPlansRequest {}).await.unwrap().plans;
        let shown = plans.iter().find(|plan| plan.plan_id == "taste").unwrap();
        assert_eq!((shown.once, shown.then_plan_id.as_str()), (true, "quarter"));
        assert!(plans.iter().filter(|plan| plan.once).count() == 1);
    }
}
