//! Cancel: the fee for stopping a job, and the payer of that fee.

use wallet_client::Code;
use wallet_client::v1::{self, CancelReason, EntryKind, ErrorReason, ReservationState, Source};

use crate::harness::{credits, video};
use crate::shorthand::{
    balance, by, cancel, credits_of, explicit, facts, figures, gift, kinds, later, mismatch, refused, settle,
    until,
};

/// A Reserve of 25 credits.
fn odd(id: &str, started: bool) -> v1::ReserveRequest {
    v1::ReserveRequest {
        start: started.then(|| by("gpu", 1)),
        ..v1::ReserveRequest::new("w", id, video("3.125"))
    }
}

/// The sums of a receipt: charged, the fees within it, returned.
fn sums(cancelled: &v1::CancelResponse) -> [String; 3] {
    let bill = cancelled.reservation.as_ref().unwrap();
    [&bill.charged, &bill.fees, &bill.returned].map(|amounts| figures(amounts))
}

each_database! {
    async fn a_user_pays_half_of_a_started_job_rounded_in_their_favour(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(odd("j", true)).await.unwrap();
        let cancelled = client.cancel(cancel("w", "j", CancelReason::User)).await.unwrap();
        assert_eq!(sums(&cancelled), ["12 credits", "12 credits", "13 credits"]);
        assert_eq!((cancelled.replayed, cancelled.revision, cancelled.version), (false, 4, 4));
        assert_eq!(cancelled.balances[0].available.as_ref().unwrap().amount, 88);
        let stopped = cancelled.reservation.unwrap();
        assert_eq!(
            (stopped.state(), stopped.cancel_reason()),
            (ReservationState::Cancelled, CancelReason::User)
        );
        assert_eq!((stopped.finish_time, stopped.finish_revision), (cancelled.decide_time, 4));
        let [part] = stopped.allocations.as_slice() else { panic!("{:?}", stopped.allocations) };
        assert_eq!((part.held, part.charged, part.returned), (25, 12, 13));
    }

    async fn nothing_is_charged_before_the_start_or_for_a_platform_cancel(server: Server) {
        let client = server.wallet("w", 100).await;
        for (id, started, reason) in
            [("held", false, CancelReason::User), ("running", true, CancelReason::Platform)]
        {
            client.reserve(odd(id, started)).await.unwrap();
            let cancelled = client.cancel(cancel("w", id, reason)).await.unwrap();
            assert_eq!(sums(&cancelled), ["0 credits", "", "25 credits"], "{id}");
        }
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
    }

    async fn a_training_that_was_started_is_spent(server: Server) {
        let client = server.wallet("w", 0).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", v1::Amount::new("trainings", 2))).await.unwrap();
        let training = v1::ReserveRequest::new("w", "j", v1::Operation::new("lora.train").quantity("images", "30"));
        client.reserve(v1::ReserveRequest { start: Some(by("gpu", 1)), ..training }).await.unwrap();
        let cancelled = client.cancel(cancel("w", "j", CancelReason::User)).await.unwrap();
        assert_eq!(sums(&cancelled), ["1 trainings", "1 trainings", "0 trainings"]);
    }

    async fn a_fee_above_the_callers_limit_stops_nothing(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(odd("j", true)).await.unwrap();
        let at_most =
            |fee| v1::CancelRequest { max_fees: vec![credits(fee)], ..cancel("w", "j", CancelReason::User) };
        let refusal =
            refused(client.cancel(at_most(11)).await, ErrorReason::FeeAboveLimit, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "fee=12 max_fee=11 revision=3 unit=credits version=3 wallet_id=w");
        assert_eq!(credits_of(&client, "w").await, (75, 25, 0));
        assert_eq!(sums(&client.cancel(at_most(12)).await.unwrap())[1], "12 credits");
    }

    async fn a_repeated_cancel_returns_the_same_receipt_after_later_changes(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(odd("j", true)).await.unwrap();
        let first = client.cancel(cancel("w", "j", CancelReason::User)).await.unwrap();
        client.reserve(odd("k", false)).await.unwrap();
        let again = v1::CancelRequest {
            allow_missing: true,
            max_fees: vec![credits(0)],
            ..cancel("w", "j", CancelReason::User)
        };
        let again = client.cancel(again).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!((again.reservation, again.revision), (first.reservation, 5));
        assert_eq!(mismatch(client.cancel(cancel("w", "j", CancelReason::Platform)).await), ["reason"]);
    }

    async fn a_job_cancelled_before_it_was_reserved_is_never_reserved(server: Server) {
        let client = server.wallet("w", 100).await;
        let refusal = client.cancel(cancel("w", "j", CancelReason::User)).await;
        let refusal = refused(refusal, ErrorReason::ReservationNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "revision=2 version=2 wallet_id=w");

        let early = || v1::CancelRequest { allow_missing: true, ..cancel("w", "j", CancelReason::User) };
        let tombstone = client.cancel(early()).await.unwrap();
        assert_eq!((tombstone.replayed, tombstone.revision), (false, 3));
        let shown = tombstone.reservation.clone().unwrap();
        assert_eq!((shown.state(), shown.operation), (ReservationState::Cancelled, None));
        let refusal = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await;
        refused(refusal, ErrorReason::ReservationCancelled, Code::FailedPrecondition);
        let again = client.cancel(early()).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.reservation, tombstone.reservation);
        let expected = [EntryKind::WalletCreated, EntryKind::ToppedUp, EntryKind::Cancelled];
        assert_eq!(
            (kinds(&client, "w").await, credits_of(&client, "w").await),
            (expected.to_vec(), (100, 0, 0))
        );
        let nobody = v1::CancelRequest { wallet_id: "nobody".into(), ..early() };
        refused(client.cancel(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
    }

    async fn cancelling_a_settled_or_failed_job_reports_its_state(server: Server) {
        let client = server.wallet("w", 100).await;
        for id in ["s", "f"] {
            client.reserve(odd(id, true)).await.unwrap();
        }
        client.settle(settle("w", "s", v1::Succeeded::default())).await.unwrap();
        client.settle(crate::shorthand::fail("w", "f", "OOM")).await.unwrap();
        for (id, reason, state) in [
            ("s", ErrorReason::ReservationSettled, "SETTLED"),
            ("f", ErrorReason::ReservationFailed, "FAILED"),
        ] {
            let refusal = client.cancel(cancel("w", id, CancelReason::User)).await;
            let refusal = refused(refusal, reason, Code::FailedPrecondition);
            assert_eq!(facts(&refusal), format!("revision=6 state={state} version=6 wallet_id=w"));
        }
    }

    async fn an_expired_hold_costs_nothing_and_is_not_settled_late(server: Server) {
        let client = server.wallet("w", 100).await;
        let expired = crate::shorthand::expired_hold(&client, "w", "j").await;
        let done = client.cancel(cancel("w", "j", CancelReason::User)).await.unwrap();
        assert_eq!((done.replayed, done.revision), (false, 5));
        let cancelled = done.reservation.clone().unwrap();
        assert_eq!((cancelled.state(), cancelled.cancel_reason()), (ReservationState::Cancelled, CancelReason::User));
        assert_eq!((&cancelled.allocations, &cancelled.returned), (&expired.allocations, &expired.returned));
        assert!(cancelled.fees.is_empty() && !cancelled.settled_late);

        let late = v1::SettleRequest { accept_late: true, ..settle("w", "j", v1::Succeeded::default()) };
        let late = refused(client.settle(late).await, ErrorReason::ReservationCancelled, Code::FailedPrecondition);
        assert_eq!(facts(&late), "revision=5 state=CANCELLED version=5 wallet_id=w");
        let again = client.cancel(cancel("w", "j", CancelReason::User)).await.unwrap();
        assert_eq!((again.replayed, again.reservation), (true, done.reservation));
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn s5_returns_into_an_expired_grant_become_grace_whoever_cancels(server: Server) {
        let client = server.wallet("w", 0).await;
        let soon = later(balance(&client, "w").await.read_time, 3);
        let grant = v1::GrantRequest { expire_time: soon, ..gift("w", "g", credits(50)) };
        client.grant(grant).await.unwrap();
        for id in ["user", "platform"] {
            client.reserve(explicit("w", id, vec![credits(20)])).await.unwrap();
        }
        until(&client, "w", soon).await;
        assert_eq!(credits_of(&client, "w").await, (0, 40, 0), "a hold pins its credits");

        let own = client.cancel(cancel("w", "user", CancelReason::User)).await.unwrap().reservation.unwrap();
        assert_eq!((figures(&own.returned), figures(&own.forfeited)), ("20 credits".into(), String::new()));
        assert_eq!(own.allocations[0].grace_grant_id, "grace:user");
        let kept = client.cancel(cancel("w", "platform", CancelReason::Platform)).await.unwrap();
        assert_eq!(kept.balances[0].by_source[0].source(), Source::Grace);
        let kept = kept.reservation.unwrap();
        assert_eq!((figures(&kept.returned), figures(&kept.forfeited)), ("20 credits".into(), String::new()));
        assert_eq!(kept.allocations[0].grace_grant_id, "grace:platform");
        assert_eq!(credits_of(&client, "w").await, (40, 0, 0));
        assert!(server.verify().await.is_clean());
    }
}
