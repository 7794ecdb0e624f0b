//! Reserve: the amounts that are set aside, and the grants they come from.

use std::collections::HashMap;

use wallet_client::v1::{self, EntryKind, ErrorReason, ReservationState, Source};
use wallet_client::{Code, Error};

use crate::harness::{credits, video};
use crate::shorthand::{
    POLICIES, balance, by, credits_of, explicit, facts, figures, gift, kinds, later, publish, refused,
    seconds,
};

each_database! {
    async fn credits_are_held_and_the_reservation_shows_every_detail(server: Server) {
        let client = server.wallet("w", 100).await;
        let labels = HashMap::from([("project".to_owned(), "film".to_owned())]);
        let request =
            v1::ReserveRequest::new("w", "j", video("5")).with_actor("ann").label("project", "film");
        let done = client.reserve(request).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 3, 3));
        assert_eq!((done.queue_priority, done.features.len(), done.limits.len()), (0, 0, 0), "no plan");

        let held = done.reservation.unwrap();
        assert_eq!((held.wallet_id.as_str(), held.reservation_id.as_str()), ("w", "j"));
        assert_eq!(held.state(), ReservationState::Held);
        assert_eq!(held.operation, Some(video("5")));
        assert_eq!(
            (figures(&held.amounts), figures(&held.max_amounts)),
            ("40 credits".into(), "48 credits".into())
        );
        let [line] = held.lines.as_slice() else { panic!("{:?}", held.lines) };
        let line = [&line.label, &line.quantity, &line.unit, &line.exact_amount];
        assert_eq!(line, ["Seconds", "5", "credits", "40"]);
        assert_eq!((held.catalog_version, held.rule_id.as_str()), (1, "video-standard"));
        assert_eq!(held.overage_policy(), v1::OveragePolicy::ChargeIfAvailable);
        let fee = v1::CancelFee { unit: "credits".into(), held_percent: 0, processing_percent: 50 };
        assert_eq!((held.cancel_fees, figures(&held.cancel_fee_now)), (vec![fee], "0 credits".into()));
        assert_eq!((held.actor.as_str(), held.labels), ("ann", labels));
        assert_eq!((held.attempt, held.worker.as_str(), held.start_time), (0, "", None));
        assert_eq!(held.reserve_time, done.decide_time);
        assert_eq!(held.deadline, later(done.decide_time, 1_800));
        assert_eq!((held.reserve_revision, held.finish_revision), (3, 0));
        let [from] = held.allocations.as_slice() else { panic!("{:?}", held.allocations) };
        assert_eq!(
            (from.grant_id.as_str(), from.source(), from.held),
            ("top_up:first", Source::Purchased, 40)
        );

        assert_eq!(credits_of(&client, "w").await, (60, 40, 0));
        assert_eq!(balance(&client, "w").await.open_reservations, 1);
    }

    async fn a_job_that_starts_at_once_is_processing(server: Server) {
        let client = server.wallet("w", 100).await;
        let start = v1::StartOptions { lease: Some(seconds(90)), ..by("gpu-1", 2) };
        let request = v1::ReserveRequest::new("w", "j", video("5")).with_start(start);
        let done = client.reserve(request).await.unwrap();
        let running = done.reservation.unwrap();
        assert_eq!(running.state(), ReservationState::Processing);
        assert_eq!((running.worker.as_str(), running.attempt), ("gpu-1", 2));
        assert_eq!((running.lease, running.start_time), (Some(seconds(90)), done.decide_time));
        assert_eq!(running.deadline, later(done.decide_time, 90));
        assert_eq!(figures(&running.cancel_fee_now), "20 credits");
        let expected = [EntryKind::WalletCreated, EntryKind::ToppedUp, EntryKind::Reserved];
        assert_eq!(kinds(&client, "w").await, expected, "one entry for both");
    }

    async fn the_answer_has_the_figures_of_the_plan_that_workers_need(server: Server) {
        let client = server.wallet("w", 100).await;
        publish(&client, POLICIES).await;
        let done = client.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap();
        assert_eq!((done.features, done.queue_priority), (vec!["queue.slow".to_owned()], 2));
        assert_eq!(done.limits, HashMap::from([("seats".to_owned(), 3)]));
    }

    async fn the_same_job_again_is_the_same_reservation(server: Server) {
        let client = server.wallet("w", 100).await;
        let first = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let again = v1::ReserveRequest {
            ttl: Some(seconds(5)),
            limits: vec![credits(1)],
            labels: HashMap::from([("other".to_owned(), "words".to_owned())]),
            ..v1::ReserveRequest::new("w", "j", video("5.0"))
        };
        let again = client.reserve(again).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!(again.reservation, first.reservation);
        assert_eq!((again.revision, again.version), (first.revision, first.version));

        client.start(crate::shorthand::start("w", "j", "gpu-2", 1)).await.unwrap();
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(5))).await.unwrap();
        let later = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let (shown, before) = (later.reservation.unwrap(), first.reservation.unwrap());
        assert!(later.replayed);
        assert_eq!((shown.state(), shown.worker.as_str()), (ReservationState::Processing, "gpu-2"));
        assert_eq!((shown.amounts, shown.allocations), (before.amounts, before.allocations));
        assert_eq!((later.revision, credits_of(&client, "w").await), (5, (65, 40, 0)));
    }

    async fn with_start_a_worker_takes_a_job_that_was_reserved_before(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let start = async |worker: &str, attempt| {
            let start = Some(by(worker, attempt));
            client.reserve(v1::ReserveRequest { start, ..v1::ReserveRequest::new("w", "j", video("5")) }).await
        };
        for (worker, attempt, replayed) in [("gpu-1", 1, false), ("gpu-1", 1, true), ("gpu-2", 2, false)] {
            let taken = start(worker, attempt).await.unwrap();
            let job = taken.reservation.unwrap();
            assert_eq!((taken.replayed, job.state()), (replayed, ReservationState::Processing));
            assert_eq!((job.worker.as_str(), job.attempt), (worker, attempt));
        }
        refused(start("gpu-1", 1).await, ErrorReason::StaleAttempt, Code::Aborted);
        assert_eq!(credits_of(&client, "w").await, (60, 40, 0));
    }

    async fn another_job_under_the_same_id_is_a_mismatch_that_names_the_fields(server: Server) {
        let client = server.wallet("w", 100).await;
        client
            .reserve(v1::ReserveRequest::new("w", "j", video("5")).with_actor("ann"))
            .await
            .unwrap();
        let mismatch =
            |answer| facts(&refused(answer, ErrorReason::IdempotencyMismatch, Code::AlreadyExists));
        for (request, fields) in [
            (v1::ReserveRequest::new("w", "j", video("6")).with_actor("ann"), "operation"),
            (v1::ReserveRequest::new("w", "j", video("5")).with_actor("bob"), "actor"),
            (v1::ReserveRequest::new("w", "j", video("7")), "actor,operation"),
            (explicit("w", "j", vec![credits(40)]), "actor,amounts,operation"),
        ] {
            let expected = format!("fields={fields} revision=3 state=HELD version=3 wallet_id=w");
            assert_eq!(mismatch(client.reserve(request).await), expected);
        }
        assert_eq!(credits_of(&client, "w").await, (60, 40, 0));
    }

    async fn a_shortfall_shows_remedies_and_the_same_id_works_after_a_top_up(server: Server) {
        let client = server.wallet("w", 15).await;
        let refusal = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await;
        let refusal = refused(refusal, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert_eq!(
            facts(&refusal),
            "available=15 packs=starter,creator plans=free,creator,pro required=40 revision=2 shortfall=25 \
             unit=credits version=2 wallet_id=w"
        );
        assert_eq!(credits_of(&client, "w").await, (15, 0, 0));
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(25))).await.unwrap();
        let done = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        assert!(!done.replayed);
        assert_eq!(credits_of(&client, "w").await, (0, 40, 0));
    }

    async fn all_units_are_held_or_none(server: Server) {
        let client = server.wallet("w", 5).await;
        let both = || explicit("w", "j", vec![credits(10), v1::Amount::new("trainings", 1)]);
        let refusal = client.reserve(both()).await;
        let refusal = refused(refusal, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert_eq!(
            facts(&refusal),
            "available=5 available.credits=5 available.trainings=0 plans=pro required=10 \
             required.credits=10 required.trainings=1 revision=2 shortfall=5 shortfall.credits=5 \
             shortfall.trainings=1 unit=credits version=2 wallet_id=w"
        );
        client.top_up(v1::TopUpRequest::amount("w", "t", v1::Amount::new("trainings", 1))).await.unwrap();
        let refusal = client.reserve(both()).await;
        let refusal = refused(refusal, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        let [short] = refusal.shortfalls() else { panic!("{:?}", refusal.detail) };
        assert_eq!((short.unit.as_str(), short.missing), ("credits", 5));
        client.top_up(v1::TopUpRequest::amount("w", "c", credits(5))).await.unwrap();
        let held = client.reserve(both()).await.unwrap().reservation.unwrap();
        assert_eq!(figures(&held.amounts), "10 credits, 1 trainings");
        assert_eq!((held.catalog_version, held.rule_id.as_str(), held.operation), (0, "", None));
        assert_eq!(credits_of(&client, "w").await, (0, 10, 0));
    }

    async fn credits_are_taken_by_source_then_priority_then_expiry(server: Server) {
        let client = server.wallet("w", 10).await;
        let soon = later(balance(&client, "w").await.read_time, 3_600);
        let give = |id: &str, source: Source, priority| v1::GrantRequest {
            source: source.into(),
            priority,
            ..gift("w", id, credits(10))
        };
        for request in [
            give("referral", Source::Referral, 0),
            give("free-late", Source::Free, 7),
            give("free-never", Source::Free, 0),
            v1::GrantRequest { expire_time: soon, ..give("free-soon", Source::Free, 0) },
        ] {
            client.grant(request).await.unwrap();
        }
        let held = client.reserve(explicit("w", "j", vec![credits(45)])).await.unwrap().reservation.unwrap();
        let taken: Vec<_> = held.allocations.iter().map(|a| (a.grant_id.as_str(), a.held)).collect();
        let expected = [
            ("grant:free-soon", 10),
            ("grant:free-never", 10),
            ("grant:free-late", 10),
            ("top_up:first", 10),
            ("grant:referral", 5),
        ];
        assert_eq!(taken, expected);
    }

    async fn a_price_above_the_callers_limit_is_refused_before_anything_else(server: Server) {
        let client = server.wallet("w", 15).await;
        let request = v1::ReserveRequest::new("w", "j", video("5")).with_limits([credits(39)]);
        let refusal = refused(client.reserve(request).await, ErrorReason::PriceAboveLimit, Code::Aborted);
        assert_eq!(facts(&refusal), "limit=39 price=40 revision=2 unit=credits version=2 wallet_id=w");
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(25))).await.unwrap();
        let request = v1::ReserveRequest::new("w", "j", video("5")).with_limits([credits(40)]);
        client.reserve(request).await.unwrap();
    }

    async fn a_quote_keeps_its_price_when_the_catalog_changes_and_is_the_same_job(server: Server) {
        let client = server.wallet("w", 100).await;
        let ask = || v1::EstimateRequest {
            wallet_id: "w".into(),
            operation: Some(video("1")),
            ..Default::default()
        };
        let quote = client.estimate(ask()).await.unwrap();
        publish(&client, POLICIES).await;
        assert_eq!(figures(&client.estimate(ask()).await.unwrap().amounts), "80 credits");
        let price = Some(v1::reserve_request::Price::QuoteToken(quote.quote_token));
        let quoted = v1::ReserveRequest { price, ..v1::ReserveRequest::new("w", "j", video("1")) };
        let held = client.reserve(quoted.clone()).await.unwrap().reservation.unwrap();
        assert_eq!((figures(&held.amounts), held.catalog_version), ("8 credits".into(), 1));
        assert_eq!(held.operation, Some(video("1")));
        for again in [quoted, v1::ReserveRequest::new("w", "j", video("1"))] {
            let again = client.reserve(again).await.unwrap();
            assert!(again.replayed);
            assert_eq!(again.reservation, Some(held.clone()));
        }
    }

    async fn a_job_that_costs_nothing_is_reserved_too(server: Server) {
        let client = server.wallet("w", 0).await;
        let held = client.reserve(explicit("w", "j", vec![credits(0)])).await.unwrap().reservation.unwrap();
        assert_eq!((figures(&held.amounts), held.allocations.len()), ("0 credits".into(), 0));
        assert_eq!(balance(&client, "w").await.open_reservations, 1);
    }

    async fn a_wallet_that_is_missing_or_suspended_reserves_nothing(server: Server) {
        let client = server.wallet("w", 100).await;
        let refusal = refused(
            client.reserve(v1::ReserveRequest::new("nobody", "j", video("5"))).await,
            ErrorReason::WalletNotFound,
            Code::NotFound,
        );
        assert_eq!(refusal.metadata["wallet_id"], "nobody");
        client.update_wallet(crate::shorthand::set_status("w", "r", v1::WalletStatus::Suspended)).await.unwrap();
        let refusal = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await;
        let refusal = refused(refusal, ErrorReason::WalletSuspended, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "revision=3 version=3 wallet_id=w");
    }

    async fn a_wallet_in_debt_reserves_nothing_until_it_is_repaid(server: Server) {
        let client = server.client().await;
        publish(&client, POLICIES).await;
        crate::rpc::settle::owe_twenty(&client, "w").await;
        let free = || explicit("w", "k", vec![credits(0)]);
        let refusal = refused(client.reserve(free()).await, ErrorReason::InDebt, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "debt=20 revision=4 unit=credits version=4 wallet_id=w");
        client.top_up(v1::TopUpRequest::amount("w", "repaid", credits(20))).await.unwrap();
        client.reserve(free()).await.unwrap();
    }

    async fn a_finished_job_is_not_reserved_again_and_an_equal_call_shows_its_end(server: Server) {
        use crate::shorthand::{cancel, fail, settle};
        let client = server.wallet("w", 200).await;
        for id in ["s", "f", "c"] {
            client.reserve(v1::ReserveRequest::new("w", id, video("5"))).await.unwrap();
        }
        client.settle(settle("w", "s", v1::Succeeded::default())).await.unwrap();
        client.settle(fail("w", "f", "OOM")).await.unwrap();
        client.cancel(cancel("w", "c", v1::CancelReason::User)).await.unwrap();
        for (id, reason, state) in [
            ("s", ErrorReason::ReservationSettled, "SETTLED"),
            ("f", ErrorReason::ReservationFailed, "FAILED"),
            ("c", ErrorReason::ReservationCancelled, "CANCELLED"),
        ] {
            let start = Some(v1::StartOptions { worker: "gpu-1".into(), ..Default::default() });
            let started = v1::ReserveRequest { start, ..v1::ReserveRequest::new("w", id, video("5")) };
            let longer = v1::ReserveRequest::new("w", id, video("6"));
            for refusal in [client.reserve(started).await, client.reserve(longer).await] {
                let refusal = refused(refusal, reason, Code::FailedPrecondition);
                assert_eq!(facts(&refusal), format!("revision=8 state={state} version=8 wallet_id=w"));
            }
            let equal = client.reserve(v1::ReserveRequest::new("w", id, video("5"))).await.unwrap_err();
            assert_eq!(equal.reason(), Some(reason));
            let Error::Ended(ended) = equal else { panic!("{equal:?}") };
            assert_eq!(ended.state().as_str_name(), format!("RESERVATION_STATE_{state}"));
        }
        assert!(server.verify().await.is_clean());
    }

    async fn a_rule_may_let_its_holds_last_for_days(server: Server) {
        let client = server.wallet("w", 100).await;
        publish(&client, POLICIES).await;
        for (kind, days) in [("output", 3), ("full", 1)] {
            let operation = v1::Operation::new(kind).quantity("n", "10");
            let request = v1::ReserveRequest { ttl: Some(seconds(600_000)), ..v1::ReserveRequest::new("w", kind, operation) };
            let held = client.reserve(request).await.unwrap().reservation.unwrap();
            assert_eq!(held.deadline, later(held.reserve_time, days * 86_400), "{kind}");
        }
        assert!(server.verify().await.is_clean());
    }

    async fn an_expired_hold_is_not_reserved_again(server: Server) {
        let client = server.wallet("w", 100).await;
        let expired = crate::shorthand::expired_hold(&client, "w", "j").await;
        assert_eq!(expired.state(), ReservationState::Expired);
        let refusal = client.reserve(v1::ReserveRequest::new("w", "j", video("6"))).await;
        let refusal = refused(refusal, ErrorReason::ReservationExpired, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "revision=4 state=EXPIRED version=4 wallet_id=w");
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
    }

    async fn an_operation_without_a_price_names_the_attribute_at_fault(server: Server) {
        let client = server.wallet("w", 100).await;
        let unpriced =
            v1::Operation::new("video.generate").attribute("model", "standard").attribute("resoluton", "4k");
        let refusal = client.reserve(v1::ReserveRequest::new("w", "j", unpriced.quantity("duration_s", "5"))).await;
        let refusal = refused(refusal, ErrorReason::NoPriceRule, Code::InvalidArgument);
        assert_eq!(facts(&refusal), "kind=video.generate revision=2 unknown=resoluton version=2 wallet_id=w");
    }
}
