//! ChangePlan: upgrades at once, downgrades at the end of the period, and previews of both.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, Term, TermUnit};

use crate::shorthand::{credits_of, facts, later, mismatch, refused, until, violations};
use crate::subscriptions::{
    WEEK, about_to_end, change, end, entries_after, grants, listed, now, parts, pending, shop, subscribe,
    subscription, subscription_of, wallet,
};

/// Sells Creator with two thirds of its week left.
async fn two_thirds_left(client: &wallet_client::WalletClient) {
    let anchor_time = later(now(client).await, -WEEK / 3);
    client.subscribe(v1::SubscribeRequest { anchor_time, ..subscribe("sold", "creator") }).await.unwrap();
}

each_database! {
    async fn an_upgrade_applies_at_once_with_the_difference_for_the_rest_of_the_period(server: Server) {
        let client = shop(&server).await;
        two_thirds_left(&client).await;
        let before = subscription(&client).await;
        let done = client.change_plan(change("up", "pro")).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.grants.len()), (false, 3, 0));
        let after = subscription_of(done.wallet);
        assert_eq!((after.plan_id.as_str(), pending(&after)), ("pro", ("", None)));
        assert_eq!(after.anchor_time, before.anchor_time);
        assert_eq!(after.period_end_time, before.period_end_time);
        // From Creator (30) to Pro (100): two thirds of the difference of 70 are 46.7.
        let expected = [
            "period:1.0.0: 30 credits, 30 available, 0 held, 0 consumed, 0 expired",
            "period:2.0.0#1: 1 trainings, 1 available, 0 held, 0 consumed, 0 expired",
            "period:2.0.0: 47 credits, 47 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(grants(&client).await, expected);
        assert!(listed(&client).await.iter().all(|grant| grant.expire_time == before.period_end_time));
        assert_eq!(entries_after(&client, 2, 1).await, [(EntryKind::PlanChanged, done.decide_time)]);
        assert!(server.verify().await.is_clean());
    }

    async fn more_seats_apply_at_once_and_fewer_at_the_end_of_the_period(server: Server) {
        let client = shop(&server).await;
        let anchor_time = later(now(&client).await, -WEEK / 3);
        let seats = |n| Some(n);
        let three = v1::SubscribeRequest { anchor_time, quantity: seats(3), ..subscribe("sold", "pro") };
        let sold = subscription_of(client.subscribe(three).await.unwrap().wallet);
        assert_eq!((sold.quantity, sold.allowances[0].amount.as_ref().unwrap().amount), (3, 300));
        assert_eq!(credits_of(&client, "w").await, (300, 0, 0));
        let plan = client.get_entitlements(v1::GetEntitlementsRequest { wallet_id: "w".into() }).await.unwrap();
        assert_eq!(plan.limits["concurrency"], 15);

        let five = v1::ChangePlanRequest { quantity: seats(5), ..change("up", "pro") };
        let up = client.change_plan(five.clone()).await.unwrap();
        // Two seats of 100 for two thirds of the week.
        assert_eq!((subscription_of(up.wallet).quantity, credits_of(&client, "w").await), (5, (434, 0, 0)));
        assert!(client.change_plan(five).await.unwrap().replayed);

        let down = v1::ChangePlanRequest { quantity: seats(1), ..change("down", "pro") };
        let down = subscription_of(client.change_plan(down).await.unwrap().wallet);
        let Some(v1::subscription::Pending::Change(to_come)) = &down.pending else { panic!("{down:?}") };
        assert_eq!((down.quantity, to_come.quantity, to_come.effective_time), (5, 1, down.period_end_time));
        assert_eq!(mismatch(client.change_plan(change("down", "pro")).await), ["quantity"]);
        for wrong in [-1, 0, 10_001] {
            let request = v1::ChangePlanRequest { quantity: seats(wrong), ..change("x", "pro") };
            let expected = format!("quantity: must be from 1 to 10000 seats, is {wrong}");
            assert_eq!(violations(client.change_plan(request).await), [expected]);
        }
        assert!(server.verify().await.is_clean());
    }

    async fn a_downgrade_applies_at_the_end_of_the_period(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "pro").await;
        let chosen = client.change_plan(change("down", "creator")).await.unwrap();
        let chosen = subscription_of(chosen.wallet);
        assert_eq!((chosen.plan_id.as_str(), pending(&chosen)), ("pro", ("creator", boundary)));
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
        until(&client, "w", boundary).await;

        let now = subscription(&client).await;
        assert_eq!((now.plan_id.as_str(), pending(&now)), ("creator", ("", None)));
        assert_eq!((now.period_start_time, now.period_end_time), (boundary, later(boundary, WEEK)));
        assert_eq!(wallet(&client).await.plan_id, "creator");
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        let recorded = entries_after(&client, 3, 3).await;
        let expiry = (EntryKind::GrantExpired, boundary);
        assert_eq!(recorded, [expiry, expiry, (EntryKind::PlanChanged, boundary)]);
        assert!(server.verify().await.is_clean());
    }

    async fn a_pending_change_is_undone_by_the_current_plan_and_replaced_by_another(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "pro")).await.unwrap();
        for (request, plan, expected) in [("b", "creator", "creator"), ("c", "nothing", "nothing"), ("d", "pro", "")] {
            let chosen = subscription_of(client.change_plan(change(request, plan)).await.unwrap().wallet);
            assert_eq!((chosen.plan_id.as_str(), pending(&chosen).0), ("pro", expected));
        }
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
    }

    async fn a_plan_of_another_term_starts_a_new_period_and_old_credits_keep_their_end(server: Server) {
        let client = shop(&server).await;
        two_thirds_left(&client).await;
        let old = subscription(&client).await;
        let done = client.change_plan(change("yearly", "creator-yearly")).await.unwrap();
        let new = subscription_of(done.wallet);
        assert_eq!((new.term, new.anchor_time), (Some(Term::new(TermUnit::Year, 1)), done.decide_time));
        assert_eq!(new.next_renewal_time, later(done.decide_time, WEEK), "the next weekly training");
        let shown: Vec<_> = listed(&client).await;
        let expires = |id: &str| shown.iter().find(|grant| grant.grant_id == id).unwrap().expire_time;
        assert_eq!(expires("period:1.0.0"), old.period_end_time);
        assert_eq!(expires("period:2.0.0"), new.period_end_time);
        assert_eq!(expires("period:2.0.0#1"), later(done.decide_time, WEEK));
        let expected = [
            "period:1.0.0: 30 credits, 30 available, 0 held, 0 consumed, 0 expired",
            "period:2.0.0#1: 1 trainings, 1 available, 0 held, 0 consumed, 0 expired",
            "period:2.0.0: 1500 credits, 1500 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(grants(&client).await, expected);
    }

    async fn a_preview_shows_what_is_given_kept_and_lost_and_when(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator-yearly")).await.unwrap();
        let paid = subscription(&client).await.paid_through_time;
        let look = |request| v1::ChangePlanRequest { validate_only: true, ..request };
        let later = client.change_plan(look(change("b", "creator"))).await.unwrap();
        assert_eq!((later.effective_time, later.grants.len(), later.lost.len()), (paid, 0, 0));
        let amounts = |amounts: &[v1::Amount]| {
            amounts.iter().map(|one| format!("{} {}", one.amount, one.unit)).collect::<Vec<_>>()
        };
        assert_eq!(amounts(&later.kept), ["1500 credits", "1 trainings"]);
        let now = || v1::ChangePlanRequest { when: v1::ChangeTime::Now.into(), ..change("c", "creator") };
        let expiring = client.change_plan(look(now())).await.unwrap();
        assert_eq!((expiring.effective_time, expiring.grants.len()), (expiring.decide_time, 1));
        assert_eq!(amounts(&expiring.lost), ["1500 credits", "1 trainings"]);
        let keeping = v1::ChangePlanRequest { unused: v1::UnusedCredits::Keep.into(), ..now() };
        let kept = client.change_plan(look(keeping.clone())).await.unwrap();
        assert_eq!((amounts(&kept.kept).len(), kept.lost.len()), (2, 0));
        client.change_plan(keeping).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (1530, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_previewed_change_is_the_change_that_happens(server: Server) {
        let client = shop(&server).await;
        two_thirds_left(&client).await;
        let look = |request: &str, plan: &str| v1::ChangePlanRequest { validate_only: true, ..change(request, plan) };
        let shown = client.change_plan(look("up", "pro")).await.unwrap();
        assert_eq!((shown.replayed, shown.revision), (false, 3));
        let expected = [
            "period:2.0.0: 47 credits, 47 available, 0 held, 0 consumed, 0 expired",
            "period:2.0.0#1: 1 trainings, 1 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(shown.grants.iter().map(parts).collect::<Vec<_>>(), expected);
        let down = client.change_plan(look("down", "nothing")).await.unwrap();
        let (issued, down) = (down.grants.len(), subscription_of(down.wallet));
        assert_eq!((issued, pending(&down)), (0, ("nothing", down.period_end_time)));
        assert_eq!(entries_after(&client, 2, 0).await, [], "nothing was written");
        assert_eq!(subscription(&client).await.plan_id, "creator");

        let done = client.change_plan(change("up", "pro")).await.unwrap();
        assert_eq!((done.replayed, done.revision), (false, 3));
        let (mut shown, mut done) = (shown.wallet.unwrap(), done.wallet.unwrap());
        (shown.version, done.version) = (0, 0);
        assert_eq!(shown, done);
        let again = client.change_plan(look("up", "pro")).await.unwrap();
        assert_eq!((again.replayed, again.revision, again.grants.len()), (true, 3, 0));
    }

    async fn a_preview_is_refused_like_the_change_itself(server: Server) {
        let client = shop(&server).await;
        for validate_only in [false, true] {
            let ask = |plan: &str| v1::ChangePlanRequest { validate_only, ..change("a", plan) };
            let refusal = client.change_plan(ask("pro")).await;
            let refusal = refused(refusal, ErrorReason::SubscriptionNotFound, Code::NotFound);
            assert_eq!(facts(&refusal), "revision=1 version=1 wallet_id=w");
            let nobody = v1::ChangePlanRequest { wallet_id: "nobody".into(), ..ask("pro") };
            refused(client.change_plan(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
            let bare = v1::ChangePlanRequest { validate_only, ..Default::default() };
            let expected = [
                "wallet_id: must not be empty",
                "request_id: must not be empty",
                "plan_id: must not be empty",
            ];
            assert_eq!(violations(client.change_plan(bare).await), expected);
        }
        client.subscribe(subscribe("s", "creator")).await.unwrap();
        for validate_only in [false, true] {
            let ask = v1::ChangePlanRequest { validate_only, ..change("a", "gold") };
            let refusal = refused(client.change_plan(ask).await, ErrorReason::PlanNotFound, Code::NotFound);
            assert_eq!(facts(&refusal), "plan_id=gold revision=2 version=2 wallet_id=w");
        }
    }

    async fn the_same_change_again_gives_nothing_more_and_another_under_its_id_is_a_mismatch(server: Server) {
        let client = shop(&server).await;
        two_thirds_left(&client).await;
        client.change_plan(change("up", "pro")).await.unwrap();
        let again = client.change_plan(change("up", "pro")).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 3));
        assert_eq!(credits_of(&client, "w").await, (77, 0, 0));
        assert_eq!(mismatch(client.change_plan(change("up", "creator")).await), ["plan_id"]);
        let other = client.cancel_subscription(end("up", v1::CancelTime::AtPeriodEnd)).await;
        assert_eq!(mismatch(other), ["request_id"]);
    }
}
