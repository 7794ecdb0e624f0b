//! Settle: the charge of a job, the credits returned, and the sources of overage.

use wallet_client::v1::{self, ErrorReason, ReservationState};
use wallet_client::{Code, WalletClient};

use crate::harness::{credits, video};
use crate::shorthand::{
    POLICIES, cancel, credits_of, entries, explicit, facts, fail, figures, mismatch, publish, refused,
    settle, start,
};

/// Creates a wallet that owes 20 credits, in 4 entries. The catalog is [`POLICIES`].
pub(crate) async fn owe_twenty(client: &WalletClient, wallet: &str) {
    let create = v1::CreateWalletRequest {
        wallet_id: wallet.into(),
        debt_limits: vec![credits(30)],
        ..Default::default()
    };
    client.create_wallet(create).await.unwrap();
    client.top_up(v1::TopUpRequest::amount(wallet, "first", credits(100))).await.unwrap();
    client
        .reserve(v1::ReserveRequest::new(wallet, "j", v1::Operation::new("negative").quantity("n", "100")))
        .await
        .unwrap();
    let settled = client.settle(settle(wallet, "j", v1::Succeeded::usage([("n", "120")]))).await.unwrap();
    assert_eq!(figures(&settled.reservation.unwrap().charged), "120 credits");
    assert_eq!(credits_of(client, wallet).await, (0, 0, 20));
}

/// The sums of a receipt: charged, returned, uncollected.
fn sums(settled: &v1::SettleResponse) -> [String; 3] {
    let bill = settled.reservation.as_ref().unwrap();
    [&bill.charged, &bill.returned, &bill.uncollected].map(|amounts| figures(amounts))
}

fn amounts(amounts: Vec<v1::Amount>) -> v1::Succeeded {
    v1::Succeeded { cost: Some(v1::succeeded::Cost::Amounts(v1::ActualAmounts { amounts })) }
}

each_database! {
    async fn a_settle_below_the_estimate_returns_the_rest(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let settled = client.settle(settle("w", "j", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        assert_eq!(sums(&settled), ["32 credits", "8 credits", ""]);
        assert_eq!((settled.replayed, settled.revision, settled.version), (false, 4, 4));
        let receipt = settled.reservation.unwrap();
        assert_eq!((receipt.state(), receipt.settled_late), (ReservationState::Settled, false));
        assert_eq!((receipt.finish_time, receipt.finish_revision), (settled.decide_time, 4));
        assert_eq!((receipt.deadline, figures(&receipt.cancel_fee_now)), (None, String::new()));
        assert_eq!(receipt.settled_quantities, [("duration_s".to_owned(), "4".to_owned())].into());
        let line = |line: &v1::PriceLine| (line.quantity.clone(), line.exact_amount.clone());
        assert_eq!(receipt.settled_lines.iter().map(line).collect::<Vec<_>>(), [("4".into(), "32".into())]);
        assert_eq!(receipt.lines.iter().map(line).collect::<Vec<_>>(), [("5".into(), "40".into())]);
        let [part] = receipt.allocations.as_slice() else { panic!("{:?}", receipt.allocations) };
        assert_eq!((part.held, part.charged, part.returned, part.forfeited), (40, 32, 8, 0));
        let [after] = settled.balances.as_slice() else { panic!("{:?}", settled.balances) };
        assert_eq!(after.available.as_ref().unwrap().amount, 68);
        assert_eq!(credits_of(&client, "w").await, (68, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_job_without_reported_usage_costs_what_was_reserved(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let settled = client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        assert_eq!(sums(&settled), ["40 credits", "0 credits", ""]);
        let receipt = settled.reservation.unwrap();
        assert!(receipt.settled_quantities.is_empty() && receipt.settled_lines.is_empty(), "{receipt:?}");
        let as_reserved = v1::Succeeded { cost: Some(v1::succeeded::Cost::AsReserved(v1::AsReserved {})) };
        assert!(client.settle(settle("w", "j", as_reserved)).await.unwrap().replayed, "the content is the same");
    }

    async fn three_of_four_images_are_charged_as_three(server: Server) {
        let client = server.wallet("w", 100).await;
        let four = v1::Operation::new("image.generate").attribute("model", "detailed").attribute("quality", "high");
        client.reserve(v1::ReserveRequest::new("w", "j", four.quantity("count", "4"))).await.unwrap();
        let settled = client.settle(settle("w", "j", v1::Succeeded::usage([("count", "3")]))).await.unwrap();
        assert_eq!(sums(&settled), ["9 credits", "3 credits", ""]);
        assert_eq!(settled.reservation.unwrap().state(), ReservationState::Settled);
    }

    async fn overage_is_charged_up_to_the_maximum_while_credits_last(server: Server) {
        for (id, top_up, seconds, expected) in [
            ("below-the-maximum", 100, "5.5", ["44 credits", "0 credits", ""]),
            ("above-the-maximum", 100, "10", ["48 credits", "0 credits", "32 credits"]),
            ("all-that-was-left", 43, "6", ["43 credits", "0 credits", "5 credits"]),
        ] {
            let client = server.wallet(id, top_up).await;
            client.reserve(v1::ReserveRequest::new(id, "j", video("5"))).await.unwrap();
            let usage = v1::Succeeded::usage([("duration_s", seconds)]);
            let settled = client.settle(settle(id, "j", usage)).await.unwrap();
            assert_eq!(sums(&settled), expected, "{id}");
        }
    }

    async fn each_overage_policy_charges_as_its_row_of_the_table_states(server: Server) {
        let client = server.client().await;
        publish(&client, POLICIES).await;
        for (kind, top_up, expected) in [
            ("cap", 150, ["100 credits", "0 credits", "30 credits"]),
            ("full", 150, ["120 credits", "0 credits", "10 credits"]),
            ("negative", 150, ["120 credits", "0 credits", "10 credits"]),
            ("negative", 105, ["105 credits", "0 credits", "25 credits"]),
        ] {
            let wallet = format!("{kind}-{top_up}");
            server.wallet(&wallet, top_up).await;
            let operation = v1::Operation::new(kind).quantity("n", "100");
            client.reserve(v1::ReserveRequest::new(&wallet, "j", operation)).await.unwrap();
            let settled = client.settle(settle(&wallet, "j", v1::Succeeded::usage([("n", "130")]))).await.unwrap();
            assert_eq!(sums(&settled), expected, "{wallet}");
        }
        owe_twenty(&client, "in-debt").await;
        assert!(server.verify().await.is_clean());
    }

    async fn s12_s13_a_charge_never_exceeds_the_most_that_the_estimate_showed(server: Server) {
        let client = server.client().await;
        publish(&client, POLICIES).await;
        for (kind, n, shown, charged) in [
            ("full", "4", ("5 credits", false), "5 credits"),
            ("output", "0", ("30 credits", false), "30 credits"),
            ("output", "20", ("40 credits", false), "40 credits"),
            ("unbounded", "4", ("", true), "44 credits"),
        ] {
            let wallet = format!("{kind}-{n}");
            server.wallet(&wallet, 100).await;
            let operation = v1::Operation::new(kind).quantity("n", n);
            let ask = v1::EstimateRequest {
                wallet_id: wallet.clone(),
                operation: Some(operation.clone()),
                catalog_version: 0,
            };
            let estimate = client.estimate(ask).await.unwrap();
            assert_eq!((figures(&estimate.max_amounts).as_str(), estimate.max_unbounded), shown, "{wallet}");
            let held = client.reserve(v1::ReserveRequest::new(&wallet, "j", operation)).await.unwrap();
            let held = held.reservation.unwrap();
            assert_eq!((figures(&held.max_amounts).as_str(), held.max_unbounded), shown, "{wallet}");
            let done = client.settle(settle(&wallet, "j", v1::Succeeded::usage([("n", "44")]))).await.unwrap();
            assert_eq!(figures(&done.reservation.unwrap().charged), charged, "{wallet}");
        }
        assert!(server.verify().await.is_clean());
    }

    async fn a_settle_that_requires_full_payment_keeps_the_hold_without_it(server: Server) {
        let client = server.wallet("w", 119).await;
        publish(&client, POLICIES).await;
        let full = v1::Operation::new("full").quantity("n", "100");
        client.reserve(v1::ReserveRequest::new("w", "j", full)).await.unwrap();
        let all = || settle("w", "j", v1::Succeeded::usage([("n", "130")]));
        let refusal =
            refused(client.settle(all()).await, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert_eq!(
            facts(&refusal),
            "available=19 required=20 revision=3 shortfall=1 unit=credits version=3 wallet_id=w"
        );
        assert_eq!(credits_of(&client, "w").await, (19, 100, 0));
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(1))).await.unwrap();
        let settled = client.settle(all()).await.unwrap();
        assert_eq!(sums(&settled)[0], "120 credits", "the whole maximum, and no more");
        assert_eq!(figures(&settled.reservation.unwrap().uncollected), "10 credits");
    }

    async fn usage_is_priced_by_the_catalog_that_priced_the_job(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        publish(&client, POLICIES).await;
        let settled = client.settle(settle("w", "j", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        assert_eq!(sums(&settled), ["32 credits", "8 credits", ""]);
    }

    async fn explicit_amounts_are_charged_and_omitted_units_cost_nothing(server: Server) {
        let client = server.wallet("w", 100).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", v1::Amount::new("trainings", 2))).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(40), v1::Amount::new("trainings", 2)])).await.unwrap();
        let settled = client.settle(settle("w", "j", amounts(vec![credits(25)]))).await.unwrap();
        assert_eq!(sums(&settled), ["25 credits, 0 trainings", "15 credits, 2 trainings", ""]);
        assert_eq!(settled.balances.len(), 2);
    }

    async fn a_unit_that_was_not_reserved_cannot_be_charged(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let refusal = client.settle(settle("w", "j", amounts(vec![v1::Amount::new("trainings", 1)]))).await;
        let refusal = refused(refusal, ErrorReason::UnitMismatch, Code::InvalidArgument);
        assert_eq!(facts(&refusal), "revision=3 unit=trainings version=3 wallet_id=w");
    }

    async fn a_failed_job_costs_nothing_but_the_fee_of_its_code(server: Server) {
        let client = server.wallet("w", 100).await;
        publish(&client, POLICIES).await;
        client.top_up(v1::TopUpRequest::amount("w", "m", v1::Amount::new("money", 1_000))).await.unwrap();
        let coarse = || v1::Operation::new("coarse").quantity("n", "7");
        for (id, code, charged, returned) in
            [("a", "CUDA_OOM", "0 money", "80 money"), ("b", "USER_ABORT", "5 money", "75 money")]
        {
            let held = client.reserve(v1::ReserveRequest::new("w", id, coarse())).await.unwrap().reservation.unwrap();
            assert_eq!(held.amounts[0].display, "0.80", "0.77 in steps of 0.05");
            let failed = client.settle(fail("w", id, code)).await.unwrap();
            assert_eq!(sums(&failed), [charged, returned, ""]);
            let failed = failed.reservation.unwrap();
            assert_eq!(
                (failed.state(), failed.failure.unwrap().code.as_str()),
                (ReservationState::Failed, code)
            );
            assert_eq!(figures(&failed.fees), if code == "USER_ABORT" { "5 money" } else { "" });
        }
        let last = entries(&client, "w").await.pop().unwrap();
        assert_eq!((last.kind(), last.reason.as_str()), (v1::EntryKind::Failed, "USER_ABORT"));
    }

    async fn a_repeated_settle_returns_the_same_receipt_after_later_changes(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let first = client.settle(settle("w", "j", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "k", video("2"))).await.unwrap();
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(7))).await.unwrap();
        publish(&client, POLICIES).await;
        let again = v1::SettleRequest {
            attempt: 9,
            accept_late: true,
            ..settle("w", "j", v1::Succeeded::usage([("duration_s", "4.0")]))
        };
        let again = client.settle(again).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!(again.reservation, first.reservation);
        assert_eq!((again.revision, credits_of(&client, "w").await), (6, (59, 16, 0)));
    }

    async fn another_settle_of_the_same_job_is_a_mismatch_that_names_the_fields(server: Server) {
        let client = server.wallet("w", 200).await;
        for id in ["s", "f"] {
            client.reserve(v1::ReserveRequest::new("w", id, video("5"))).await.unwrap();
        }
        client.settle(settle("w", "s", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        client.settle(fail("w", "f", "OOM")).await.unwrap();
        for (request, fields) in [
            (settle("w", "s", v1::Succeeded::usage([("duration_s", "5")])), "usage"),
            (settle("w", "s", v1::Succeeded::default()), "usage"),
            (settle("w", "s", amounts(vec![credits(32)])), "amounts,usage"),
            (fail("w", "f", "TIMEOUT"), "code"),
        ] {
            assert_eq!(mismatch(client.settle(request).await).join(","), fields);
        }
        assert_eq!(credits_of(&client, "w").await, (168, 0, 0));
    }

    async fn settling_a_job_that_ended_otherwise_reports_its_state(server: Server) {
        let client = server.wallet("w", 200).await;
        client.reserve(v1::ReserveRequest::new("w", "c", video("5"))).await.unwrap();
        client.cancel(cancel("w", "c", v1::CancelReason::User)).await.unwrap();
        for request in [settle("w", "c", v1::Succeeded::default()), fail("w", "c", "OOM")] {
            let refusal = client.settle(request).await;
            let refusal = refused(refusal, ErrorReason::ReservationCancelled, Code::FailedPrecondition);
            assert_eq!(facts(&refusal), "revision=4 state=CANCELLED version=4 wallet_id=w");
        }
        let missing = client.settle(settle("w", "nothing", v1::Succeeded::default())).await;
        let refusal = refused(missing, ErrorReason::ReservationNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "revision=4 version=4 wallet_id=w");
    }

    async fn a_stale_attempt_settles_nothing(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        client.start(start("w", "j", "gpu-1", 1)).await.unwrap();
        client.start(start("w", "j", "gpu-2", 2)).await.unwrap();
        let by = |attempt| v1::SettleRequest { attempt, ..settle("w", "j", v1::Succeeded::default()) };
        let refusal = refused(client.settle(by(1)).await, ErrorReason::StaleAttempt, Code::Aborted);
        assert_eq!(facts(&refusal), "attempt=2 revision=5 version=5 wallet_id=w worker=gpu-2");
        assert_eq!(sums(&client.settle(by(2)).await.unwrap())[0], "40 credits");
    }

    async fn an_expired_hold_that_failed_is_not_settled_late(server: Server) {
        let client = server.wallet("w", 100).await;
        let expired = crate::shorthand::expired_hold(&client, "w", "j").await;
        let failed = client.settle(fail("w", "j", "OOM")).await.unwrap();
        let receipt = failed.reservation.clone().unwrap();
        assert_eq!((receipt.state(), receipt.returned), (ReservationState::Failed, expired.returned));
        let late = v1::SettleRequest { accept_late: true, ..settle("w", "j", v1::Succeeded::default()) };
        assert_eq!(mismatch(client.settle(late).await), ["code", "outcome"]);
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn an_expired_hold_settles_only_if_lateness_is_accepted_and_covered(server: Server) {
        let client = server.wallet("w", 100).await;
        crate::shorthand::expired_hold(&client, "w", "j").await;
        let late =
            || v1::SettleRequest { accept_late: true, ..settle("w", "j", v1::Succeeded::usage([("duration_s", "6")])) };
        let strict = v1::SettleRequest { accept_late: false, ..late() };
        refused(client.settle(strict).await, ErrorReason::ReservationExpired, Code::FailedPrecondition);
        client.reserve(explicit("w", "k", vec![credits(61)])).await.unwrap();
        let refusal = client.settle(late()).await;
        let refusal = refused(refusal, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        let [short] = refusal.shortfalls() else { panic!("{:?}", refusal.detail) };
        assert_eq!((short.required, short.missing), (40, 1));
        client.cancel(cancel("w", "k", v1::CancelReason::User)).await.unwrap();
        let settled = client.settle(late()).await.unwrap();
        assert_eq!(sums(&settled), ["40 credits", "40 credits", "8 credits"]);
        let settled = settled.reservation.unwrap();
        assert_eq!((settled.state(), settled.settled_late), (ReservationState::Settled, true));
        assert_eq!(credits_of(&client, "w").await, (60, 0, 0));
        assert!(client.settle(late()).await.unwrap().replayed);
    }
}
