//! Subscribe: the sale of a plan, and the periods that follow.

use chrono::{DateTime, Months};
use prost_types::Timestamp;
use wallet_client::Code;
use wallet_client::v1::matcher::Accepts;
use wallet_client::v1::{
    self, Decision, EntryKind, ErrorReason, Renewal, Source, SubscriptionStatus, Term, TermUnit,
};

use crate::harness::{credits, video};
use crate::shorthand::{
    balance, credits_of, entries, explicit, facts, figures, later, mismatch, publish, refused, until,
    violations,
};
use crate::subscriptions::{
    PLANS, WEEK, about_to_end, entries_after, grants, images, listed, now, pending, shop, subscribe,
    subscription, subscription_of, wallet,
};

/// The same time of day a month later, on the last day of that month if it is shorter.
fn a_month_later(from: Option<Timestamp>) -> Option<Timestamp> {
    let Timestamp { seconds, nanos } = from?;
    let later = DateTime::from_timestamp(seconds, 0)?.checked_add_months(Months::new(1))?;
    Some(Timestamp { seconds: later.timestamp(), nanos })
}

each_database! {
    async fn the_first_allowances_are_issued_at_once_for_a_period_of_one_term(server: Server) {
        let client = server.wallet("w", 0).await;
        let done = client.subscribe(subscribe("order-1", "pro")).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 2, 2));
        let sold = done.wallet.unwrap();
        assert_eq!((sold.plan_id.as_str(), sold.revision), ("pro", 2));
        let subscription = sold.subscription.unwrap();
        assert_eq!((subscription.plan_id.as_str(), subscription.status()), ("pro", SubscriptionStatus::Active));
        assert_eq!((subscription.term, subscription.renewal()), (Some(Term::new(TermUnit::Month, 1)), Renewal::Automatic));
        assert_eq!((subscription.rank, subscription.pending.is_none()), (2, true));
        let end = a_month_later(done.decide_time);
        let begin = [subscription.anchor_time, subscription.period_start_time];
        assert_eq!(begin, [done.decide_time; 2]);
        let ends = [subscription.period_end_time, subscription.paid_through_time, subscription.next_renewal_time];
        assert_eq!(ends, [end; 3]);
        assert_eq!(subscription.dunning_end_time, None);
        let allowances: Vec<_> = subscription.allowances.iter().filter_map(|a| a.amount.clone()).collect();
        assert_eq!(figures(&allowances), "4000 credits, 4 trainings");

        let expected = [
            "period:1.0.0#1: 4 trainings, 4 available, 0 held, 0 consumed, 0 expired",
            "period:1.0.0: 4000 credits, 4000 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(grants(&client).await, expected);
        for grant in listed(&client).await {
            assert_eq!((grant.source(), grant.reason.as_str()), (Source::Subscription, "pro"));
            assert_eq!((grant.effective_time, grant.expire_time), (done.decide_time, end));
        }
        assert_eq!(balance(&client, "w").await.next_renewal_time, end);
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.request_id.as_str()), (EntryKind::Subscribed, "order-1"));
        assert_eq!(entry.effective_time, done.decide_time);
        assert!(server.verify().await.is_clean());
    }

    async fn a_period_that_ends_is_followed_by_the_next_and_nothing_rolls_over(server: Server) {
        let client = shop(&server).await;
        let end = about_to_end(&client, "pro").await;
        client.reserve(explicit("w", "spent", vec![credits(12)])).await.unwrap();
        client.settle(crate::shorthand::settle("w", "spent", v1::Succeeded::default())).await.unwrap();
        client.reserve(explicit("w", "running", vec![credits(5)])).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (83, 5, 0));
        let before = wallet(&client).await.revision;
        until(&client, "w", end).await;

        assert_eq!(credits_of(&client, "w").await, (100, 5, 0), "a running job keeps its credits");
        let subscription = subscription(&client).await;
        assert_eq!(subscription.period_start_time, end);
        let ends = [subscription.period_end_time, subscription.paid_through_time, subscription.next_renewal_time];
        assert_eq!(ends, [later(end, WEEK); 3]);
        client.settle(crate::shorthand::settle("w", "running", v1::Succeeded::default())).await.unwrap();
        let expected = [
            "period:1.0.0#1: 1 trainings, 0 available, 0 held, 0 consumed, 1 expired",
            "period:1.0.0: 100 credits, 0 available, 0 held, 17 consumed, 83 expired",
            "period:1.1.0#1: 1 trainings, 1 available, 0 held, 0 consumed, 0 expired",
            "period:1.1.0: 100 credits, 100 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(grants(&client).await, expected);
        let recorded = entries_after(&client, before, 4).await;
        let expiry = (EntryKind::GrantExpired, end);
        assert_eq!(recorded[..3], [expiry, expiry, (EntryKind::PeriodBegan, end)]);
        assert_eq!(recorded[3].0, EntryKind::Settled);
        assert!(server.verify().await.is_clean());
    }

    async fn sold_allowances_stay_and_entitlements_follow_the_catalog(server: Server) {
        let client = shop(&server).await;
        let end = about_to_end(&client, "creator").await;
        let dearer = PLANS.replace("amount = 30 }]\nlimits = { concurrency = 2,", "amount = 20 }]\nlimits = { concurrency = 9,");
        publish(&client, &dearer).await;
        until(&client, "w", end).await;
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        let request = v1::GetEntitlementsRequest { wallet_id: "w".into() };
        assert_eq!(client.get_entitlements(request).await.unwrap().limits["concurrency"], 9);
    }

    async fn negotiated_terms_are_applied_shown_and_enforced(server: Server) {
        let client = shop(&server).await;
        let overrides = v1::PlanOverrides {
            allowances: vec![credits(500), v1::Amount::new("trainings", 3)],
            limits: [("concurrency".to_owned(), 1), ("regions".to_owned(), 4)].into(),
            rank: Some(20),
            entitlements: None,
        };
        let request = v1::SubscribeRequest { overrides: Some(overrides), ..subscribe("deal", "creator") };
        let sold = subscription_of(client.subscribe(request).await.unwrap().wallet);
        let limits = [("concurrency".to_owned(), 1), ("regions".to_owned(), 4)].into();
        assert_eq!((&sold.limits, sold.rank), (&limits, 20));
        let expected = [
            "period:1.0.0#1: 3 trainings, 3 available, 0 held, 0 consumed, 0 expired",
            "period:1.0.0: 500 credits, 500 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(grants(&client).await, expected);

        let first = client.reserve(explicit("w", "a", vec![credits(1)])).await.unwrap();
        assert_eq!((first.limits, first.queue_priority), (limits, 2));
        assert_eq!(first.features, ["queue.slow"]);
        let second = client.reserve(explicit("w", "b", vec![credits(1)])).await;
        let refusal = refused(second, ErrorReason::ConcurrencyLimit, Code::ResourceExhausted);
        assert_eq!((refusal.metadata["limit"].as_str(), refusal.metadata["open"].as_str()), ("1", "1"));
    }

    async fn negotiated_entitlements_are_shown_and_enforced_instead_of_the_plans(server: Server) {
        let client = shop(&server).await;
        let kind = v1::Matcher { accepts: Some(Accepts::Prefix("image.".into())) };
        let negotiated = v1::EntitlementSet {
            entitlements: vec![v1::Entitlement {
                kind: Some(kind),
                attributes: Default::default(),
                max: [("count".to_owned(), "60".to_owned())].into(),
            }],
        };
        let overrides =
            v1::PlanOverrides { entitlements: Some(negotiated.clone()), ..Default::default() };
        let request = v1::SubscribeRequest { overrides: Some(overrides), ..subscribe("deal", "nothing") };
        let sold = subscription_of(client.subscribe(request).await.unwrap().wallet);
        assert_eq!(sold.entitlements.as_ref(), Some(&negotiated));
        let ask = v1::GetEntitlementsRequest { wallet_id: "w".into() };
        let shown = client.get_entitlements(ask).await.unwrap();
        assert_eq!((shown.plan_id.as_str(), shown.unrestricted), ("nothing", false));
        assert_eq!(shown.entitlements, negotiated.entitlements);

        let more = client.reserve(v1::ReserveRequest::new("w", "a", images("61"))).await;
        let refusal = refused(more, ErrorReason::LimitExceeded, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["maximum"], "60");
        let short = client.reserve(v1::ReserveRequest::new("w", "a", images("60"))).await;
        let refusal = refused(short, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert_eq!(refusal.plans(), ["creator-yearly", "pro"]);
        let bare = v1::PlanOverrides {
            entitlements: Some(v1::EntitlementSet { entitlements: vec![v1::Entitlement::default()] }),
            ..Default::default()
        };
        let request = v1::SubscribeRequest { overrides: Some(bare), ..subscribe("bad", "pro") };
        let shown = violations(client.subscribe(request).await);
        let path = "overrides.entitlements.entitlements[0].kind";
        assert_eq!(shown, [format!("{path}: is required: any_of, prefix or whole_numbers")]);
    }

    async fn a_worker_gets_the_plan_and_a_shortfall_the_next_renewal(server: Server) {
        let client = shop(&server).await;
        let end = subscription_of(client.subscribe(subscribe("a", "pro")).await.unwrap().wallet).period_end_time;
        let done = client.reserve(v1::ReserveRequest::new("w", "j", images("60"))).await.unwrap();
        assert_eq!((done.queue_priority, done.features), (7, vec!["queue.fast".to_owned()]));
        assert_eq!(done.limits, [("concurrency".to_owned(), 5)].into());

        let ask = v1::EstimateRequest {
            wallet_id: "w".into(),
            operation: Some(images("50")),
            ..Default::default()
        };
        let short = client.estimate(ask).await.unwrap();
        assert_eq!((short.decision(), short.next_renewal_time), (Decision::InsufficientCredits, end));
        assert_eq!((figures(&short.shortfall), short.pack_ids), ("10 credits".to_owned(), vec!["bulk".into(), "single".to_owned()]));
        let refusal = client.reserve(v1::ReserveRequest::new("w", "k", images("50"))).await;
        let refusal = refused(refusal, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        let shown = refusal.metadata["next_renewal_time"].parse::<DateTime<chrono::Utc>>().unwrap();
        assert_eq!(Some(shown.timestamp()), end.map(|end| end.seconds));
    }

    async fn a_pack_is_sold_on_its_plans_only(server: Server) {
        let client = shop(&server).await;
        let buy = |id: &str| v1::TopUpRequest {
            what: Some(v1::top_up_request::What::PackId("bulk".into())),
            ..v1::TopUpRequest::amount("w", id, credits(1))
        };
        let refusal = refused(client.top_up(buy("t")).await, ErrorReason::PackNotAvailable, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "pack_id=bulk plans=creator,pro revision=1 version=1 wallet_id=w");
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        client.top_up(buy("t")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (230, 0, 0));
    }

    async fn the_same_sale_again_gives_nothing_more_and_another_under_its_id_is_a_mismatch(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        let again = client.subscribe(subscribe("a", "creator")).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 2));
        assert_eq!(subscription_of(again.wallet).plan_id, "creator");
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        let other = v1::SubscribeRequest {
            overrides: Some(v1::PlanOverrides { rank: Some(9), ..Default::default() }),
            anchor_time: now(&client).await,
            ..subscribe("a", "pro")
        };
        assert_eq!(mismatch(client.subscribe(other).await), ["anchor_time", "overrides", "plan_id"]);
    }

    async fn a_wallet_has_one_subscription_to_an_existing_plan(server: Server) {
        let client = shop(&server).await;
        let refusal = client.subscribe(subscribe("a", "gold")).await;
        let refusal = refused(refusal, ErrorReason::PlanNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "plan_id=gold revision=1 version=1 wallet_id=w");
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        let refusal = client.subscribe(subscribe("b", "pro")).await;
        let refusal = refused(refusal, ErrorReason::AlreadySubscribed, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "plan_id=creator revision=2 version=2 wallet_id=w");
        let nobody = v1::SubscribeRequest { wallet_id: "nobody".into(), ..subscribe("a", "pro") };
        refused(client.subscribe(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
    }

    async fn s10_any_past_anchor_is_taken_and_the_period_that_is_now_computed(server: Server) {
        let client = shop(&server).await;
        let now = now(&client).await;
        let request = v1::SubscribeRequest { anchor_time: later(now, 60), ..subscribe("a", "creator") };
        let named = violations(client.subscribe(request).await);
        assert!(matches!(named.as_slice(), [one] if one.starts_with("anchor_time: must be at most now")), "{named:?}");
        let anchor_time = later(now, 60 - 9 * WEEK);
        let request = v1::SubscribeRequest { anchor_time, ..subscribe("a", "creator") };
        let sold = subscription_of(client.subscribe(request).await.unwrap().wallet);
        assert_eq!(sold.anchor_time, anchor_time);
        assert_eq!((sold.period_start_time, sold.period_end_time), (later(now, 60 - WEEK), later(now, 60)));
        assert_eq!(pending(&sold), ("", None));
    }

    async fn every_bad_field_is_named_at_once_and_unknown_units_when_it_is_decided(server: Server) {
        let client = shop(&server).await;
        let overrides = v1::PlanOverrides { allowances: vec![credits(-1)], rank: Some(-1), ..Default::default() };
        let request = v1::SubscribeRequest { overrides: Some(overrides), ..Default::default() };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "plan_id: must not be empty",
            "overrides.allowances[0].amount: is -1, 0 to 1000000000000000 is allowed",
            "overrides.rank: is -1, must not be negative",
        ];
        assert_eq!(violations(client.subscribe(request).await), expected);
        let overrides = v1::PlanOverrides { allowances: vec![v1::Amount::new("gems", 1)], ..Default::default() };
        let request = v1::SubscribeRequest { overrides: Some(overrides), ..subscribe("a", "pro") };
        let expected = ["overrides.allowances: the catalog has no unit gems"];
        assert_eq!(violations(client.subscribe(request).await), expected);
    }

    async fn without_the_right_plan_an_estimate_names_the_plans_that_allow_it(server: Server) {
        let client = server.wallet("w", 100).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        let ask = |operation| v1::EstimateRequest {
            wallet_id: "w".into(),
            operation: Some(operation),
            ..Default::default()
        };
        let long = client.estimate(ask(video("60"))).await.unwrap();
        assert_eq!((long.decision(), long.entitling_plan_ids), (Decision::LimitExceeded, vec!["pro".to_owned()]));
        let short = client.estimate(ask(video("30"))).await.unwrap();
        assert_eq!((short.decision(), short.entitling_plan_ids.len()), (Decision::Allowed, 0));
    }
}
