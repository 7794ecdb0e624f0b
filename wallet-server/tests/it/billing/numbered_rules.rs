//! The rules of docs/billing.md by their numbers, over the wire. The scenarios of the core have more cases of each.
//! Rules about packs, charges and refunds are tested with their RPCs and with the products.

use tokio::task::JoinSet;
use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, ChangeTime, ErrorReason, SubscriptionStatus, UnusedCredits};

use crate::harness::credits;
use crate::products::Platform;
use crate::products::platform::{ALICE, at, op};
use crate::shorthand::{gift, refused, violations};
use crate::subscriptions::pending;

fn images(count: &str) -> v1::Operation {
    op("image", &[]).quantity("n", count)
}

/// Uses credits for a job.
async fn spend(platform: &Platform, job: &str, count: &str) {
    platform.run(job, images(count)).await;
    platform.deliver(job).await;
}

async fn pay(platform: &Platform, request: v1::RecordPaymentRequest) -> v1::Subscription {
    let wallet = platform.client.record_payment(request).await.expect("it is recorded").wallet;
    wallet.unwrap().subscription.expect("a subscription")
}

fn payment(id: &str) -> v1::RecordPaymentRequest {
    v1::RecordPaymentRequest::new(ALICE, id)
}

fn change(id: &str, plan: &str) -> v1::ChangePlanRequest {
    v1::ChangePlanRequest::new(ALICE, id, plan)
}

async fn subscription(platform: &Platform) -> v1::Subscription {
    platform.wallet().await.subscription.expect("a subscription")
}

product! {
    "../tests/it/billing/numbered_rules";

    async fn w1_rollover_goes_by_unit_and_not_by_the_place_of_an_allowance(platform: Platform) {
        platform.subscribe("trainer").await;
        spend(platform, "job", "60").await;
        platform.change_plan("keeper").await;
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(subscription(platform).await.plan_id, "keeper");
        assert_eq!(platform.credits().await, (140, 0));
    }

    async fn w2_a_cancel_takes_effect_at_the_end_of_what_was_paid(platform: Platform) {
        platform.subscribe("prepaid").await;
        pay(platform, payment("february")).await;
        let cancelled = platform.unsubscribe(CancelTime::AtPeriodEnd).await.subscription.unwrap();
        assert_eq!(pending(&cancelled), ("end", Some(at("2026-03-31T09:00:00Z"))));
        let beyond = platform.client.record_payment(payment("april")).await;
        refused(beyond, ErrorReason::SubscriptionEnds, Code::FailedPrecondition);
        platform.until("2026-03-31T08:59:59Z").await;
        assert_eq!(platform.credits().await, (30, 0));
        platform.until("2026-03-31T09:00:00Z").await;
        assert_eq!((platform.wallet().await.subscription, platform.credits().await), (None, (0, 0)));
    }

    async fn w3_credits_of_a_paid_year_outlive_the_plan_that_replaced_it(platform: Platform) {
        platform.subscribe("upfront").await;
        let at_once = v1::ChangePlanRequest {
            when: ChangeTime::Now.into(),
            unused: UnusedCredits::Keep.into(),
            ..change("c", "creator")
        };
        platform.client.change_plan(at_once).await.unwrap();
        assert_eq!(platform.credits().await, (1_230, 0));
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!((platform.wallet().await.subscription, platform.credits().await), (None, (1_200, 0)));
        platform.until("2027-01-31T08:59:59Z").await;
        assert_eq!(platform.credits().await, (1_200, 0));
        platform.until("2027-01-31T09:00:00Z").await;
        assert_eq!(platform.credits().await, (0, 0));
    }

    async fn w4_a_payment_after_the_boundary_counts_as_if_in_time(platform: Platform) {
        platform.subscribe("prepaid-pro").await;
        spend(platform, "job", "60").await;
        platform.until("2026-02-28T09:05:00Z").await;
        assert_eq!(subscription(platform).await.status(), SubscriptionStatus::PastDue);
        assert_eq!(pay(platform, payment("late")).await.status(), SubscriptionStatus::Active);
        assert_eq!(platform.credits().await, (140, 0));
    }

    async fn w5_an_upgrade_within_a_year_counts_what_was_given_in_advance(platform: Platform) {
        platform.subscribe("upfront").await;
        platform.days(1).await;
        platform.client.change_plan(change("c", "by-month")).await.unwrap();
        assert_eq!(platform.credits().await, (1_200, 0));
        platform.until("2027-01-31T08:59:59Z").await;
        let request =
            v1::ListGrantsRequest { wallet_id: ALICE.into(), include_closed: true, ..Default::default() };
        let grants = platform.client.list_grants(request).await.unwrap().grants;
        let amounts = grants.iter().filter_map(|grant| grant.amount.as_ref());
        let given: i64 = amounts.map(|amount| amount.amount).sum();
        assert!((1_316..=1_321).contains(&given), "a year of the better plan has 1,320: {given}");
    }

    async fn w6_a_plan_without_periods_is_cancelled_at_once_or_not_at_all(platform: Platform) {
        platform.subscribe("course").await;
        let request = v1::CancelSubscriptionRequest {
            wallet_id: ALICE.into(),
            request_id: "x".into(),
            when: CancelTime::AtPeriodEnd.into(),
            ..Default::default()
        };
        let found = violations(platform.client.cancel_subscription(request).await);
        assert!(found.len() == 1 && found[0].contains("CANCEL_TIME_NOW"), "{found:?}");
        assert_eq!(platform.unsubscribe(CancelTime::Now).await.subscription, None);
    }

    async fn p2_changes_within_a_month_give_at_most_what_the_best_plan_gives(platform: Platform) {
        platform.subscribe("creator").await;
        for n in 0..8 {
            platform.days(3).await;
            let to = if n % 2 == 0 { "pro" } else { "creator" };
            let request = v1::ChangePlanRequest { when: ChangeTime::Now.into(), ..change(&format!("c{n}"), to) };
            platform.client.change_plan(request).await.unwrap();
            let (available, _) = platform.credits().await;
            assert!((30..=100).contains(&available), "{available} after {n} changes");
        }
    }

    async fn s1_changes_to_and_fro_at_one_instant_gain_nothing(platform: Platform) {
        platform.subscribe("creator").await;
        for n in 0..6 {
            let to = if n % 2 == 0 { "week" } else { "creator" };
            platform.client.change_plan(change(&format!("c{n}"), to)).await.unwrap();
        }
        let shown = subscription(platform).await;
        assert_eq!((shown.plan_id.as_str(), pending(&shown)), ("creator", ("", None)));
        assert_eq!(platform.credits().await, (30, 0));
    }

    async fn s2_a_paid_year_is_used_up_before_a_lesser_plan_begins(platform: Platform) {
        platform.subscribe("annual").await;
        platform.until("2026-03-05T09:00:00Z").await;
        for to in ["creator", "free"] {
            platform.client.change_plan(change(to, to)).await.unwrap();
            let shown = subscription(platform).await;
            assert_eq!(shown.plan_id, "annual");
            assert_eq!(pending(&shown), (to, Some(at("2027-01-31T09:00:00Z"))));
        }
    }

    async fn s3_a_downgrade_begins_with_its_payment(platform: Platform) {
        platform.subscribe("prepaid-pro").await;
        platform.client.change_plan(change("c", "prepaid")).await.unwrap();
        platform.until("2026-02-28T09:00:00Z").await;
        let unpaid = subscription(platform).await;
        assert_eq!((unpaid.status(), pending(&unpaid).0), (SubscriptionStatus::PastDue, "prepaid"));
        assert_eq!(platform.credits().await, (0, 0));
        platform.days(1).await;
        let paid = pay(platform, payment("p")).await;
        assert_eq!((paid.status(), paid.plan_id.as_str()), (SubscriptionStatus::Active, "prepaid"));
        assert_eq!(paid.period_start_time, Some(at("2026-02-28T09:00:00Z")));
        assert_eq!(platform.credits().await, (30, 0));
    }

    async fn s4_a_payment_names_its_period_and_pays_it_once(platform: Platform) {
        let invoice = |id: &str| v1::PeriodPayment { payment_ref: id.into(), ..Default::default() };
        let sold = v1::SubscribeRequest {
            paid: Some(invoice("in_1")),
            ..v1::SubscribeRequest::new(ALICE, "s", "prepaid")
        };
        platform.client.subscribe(sold).await.unwrap();
        let first = v1::RecordPaymentRequest { paid: Some(invoice("in_1")), ..payment("first") };
        let again = platform.client.record_payment(first).await.unwrap();
        assert!(again.replayed, "the invoice of the sale pays no second period");
        let period = |id: &str, start: &str| payment(id).with_period_start_time(at(start));
        let present = platform.client.record_payment(period("present", "2026-01-31T09:00:00Z")).await;
        refused(present, ErrorReason::PeriodPaid, Code::FailedPrecondition);
        let next = pay(platform, period("next", "2026-02-28T09:00:00Z")).await;
        assert_eq!(next.paid_through_time, Some(at("2026-03-31T09:00:00Z")));
        let twice = platform.client.record_payment(period("twice", "2026-02-28T09:00:00Z")).await;
        refused(twice, ErrorReason::PeriodPaid, Code::FailedPrecondition);
        let found = violations(platform.client.record_payment(period("odd", "2026-02-27T09:00:00Z")).await);
        assert!(found.len() == 1 && found[0].starts_with("period_start_time"), "{found:?}");
    }

    async fn s5_a_users_cancel_after_a_renewal_returns_the_credits(platform: Platform) {
        platform.subscribe("creator").await;
        platform.until("2026-02-28T08:50:00Z").await;
        platform.reserve("job", images("20")).await.unwrap();
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.credits().await, (30, 20));
        let cancelled = platform.cancel("job").await;
        assert_eq!((cancelled.returned[0].amount, cancelled.forfeited.len()), (20, 0));
        assert_eq!(platform.credits().await, (50, 0));
    }

    async fn s8_the_number_of_open_grants_bounds_gifts_and_never_what_was_paid(platform: Platform) {
        let mut gifts = JoinSet::new();
        for n in 0..1_000 {
            let client = platform.client.clone();
            gifts.spawn(async move { client.grant(gift(ALICE, &format!("g{n}"), credits(1))).await });
        }
        for granted in gifts.join_all().await {
            granted.expect("up to 1,000 are open");
        }
        let more = platform.client.grant(gift(ALICE, "more", credits(1))).await;
        refused(more, ErrorReason::LimitExceeded, Code::FailedPrecondition);
        platform.client.top_up(v1::TopUpRequest::amount(ALICE, "paid", credits(50))).await.unwrap();
        platform.subscribe("creator").await;
        assert_eq!(platform.credits().await, (1_080, 0));
    }

    async fn s9_start_without_a_lease_begins_the_ttl_anew(platform: Platform) {
        platform.subscribe("creator").await;
        platform.reserve("job", images("20")).await.unwrap();
        platform.seconds(25 * 60).await;
        platform.start("job").await;
        platform.seconds(10 * 60).await;
        platform.deliver("job").await;
        assert_eq!(platform.credits().await, (10, 0));
    }

    async fn s10_any_past_anchor_is_taken_and_the_period_that_is_now_computed(platform: Platform) {
        platform.until("2026-04-15T09:00:00Z").await;
        let import = v1::SubscribeRequest {
            anchor_time: Some(at("2025-08-31T00:00:00Z")),
            ..v1::SubscribeRequest::new(ALICE, "import", "creator")
        };
        let imported = platform.client.subscribe(import).await.unwrap().wallet.unwrap().subscription.unwrap();
        assert_eq!(imported.period_start_time, Some(at("2026-03-31T00:00:00Z")));
        assert_eq!(imported.period_end_time, Some(at("2026-04-30T00:00:00Z")));
        platform.until("2026-05-01T00:00:00Z").await;
        assert_eq!(subscription(platform).await.period_end_time, Some(at("2026-05-31T00:00:00Z")));
    }

    async fn s11_an_upgrade_keeps_better_limits_and_a_resume_the_scheduled_change(platform: Platform) {
        let limits = [("concurrency".to_owned(), 9)].into();
        let overrides = Some(v1::PlanOverrides { limits, ..Default::default() });
        let sold = v1::SubscribeRequest { overrides, ..v1::SubscribeRequest::new(ALICE, "s", "creator") };
        platform.client.subscribe(sold).await.unwrap();
        platform.client.change_plan(change("up", "pro")).await.unwrap();
        let upgraded = subscription(platform).await;
        assert_eq!((upgraded.plan_id.as_str(), upgraded.limits["concurrency"]), ("pro", 9));
        platform.client.change_plan(change("down", "creator")).await.unwrap();
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        assert_eq!(pending(&subscription(platform).await).0, "end");
        let resume = v1::ResumeSubscriptionRequest { wallet_id: ALICE.into(), request_id: "r".into() };
        platform.client.resume_subscription(resume).await.unwrap();
        assert_eq!(pending(&subscription(platform).await).0, "creator");
    }
}
