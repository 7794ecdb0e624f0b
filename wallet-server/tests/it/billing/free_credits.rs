//! A default plan with a term: free credits in each of its windows, over the wire.

use wallet_client::v1::{CancelTime, EntryKind};

use crate::products::platform::{ALICE, at};
use crate::shorthand::balance;

product! {
    "../tests/it/billing/free";

    async fn w6_the_sweeper_gives_free_credits_of_a_default_plan_in_every_window(platform: Platform) {
        assert_eq!(platform.by_source().await, "FREE 5");
        platform.days(3).await;
        let given = platform.ledger().await.into_iter().filter(|entry| entry.kind() == EntryKind::AllowanceGiven);
        let days: Vec<_> = given.filter_map(|entry| entry.effective_time).collect();
        let expected = ["2026-02-01T09:00:00Z", "2026-02-02T09:00:00Z", "2026-02-03T09:00:00Z"].map(at);
        assert_eq!(days, expected, "before anybody used the wallet");
        assert_eq!(platform.by_source().await, "FREE 5");
        let next = balance(&platform.client, ALICE).await.next_renewal_time;
        assert_eq!(next, Some(at("2026-02-04T09:00:00Z")));
    }

    async fn while_a_subscription_runs_there_are_no_free_credits(platform: Platform) {
        platform.subscribe("pro").await;
        platform.days(2).await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 100");
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        platform.until("2026-03-01T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "FREE 5", "from the end of the subscription on");
    }
}
