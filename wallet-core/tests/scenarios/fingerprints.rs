//! Every field of every command is compared when its id is used again, or listed here as irrelevant to the effect.

use std::collections::BTreeSet;

use wallet_core::Command;
use wallet_core::decide::{
    Cancel, CancelSubscription, ChangePlan, CloseWallet, CreateWallet, ExplicitPrice, Extend, Grant,
    PauseSubscription, PriceSource, ProcessDue, RecordAutoTopUpFailure, RecordChargeback, RecordPayment,
    RecordRefund, RefundSubscription, RefundTopUp, Reserve, ResumeSubscription, ReverseCharge,
    ReverseChargeback, RevokeGrant, SetAutoTopUp, Settle, Start, Subscribe, TopUp, UpdateWallet,
};

use wallet_core::refund::UsedCredits::{Forgive, Owe};

use super::prelude::*;

/// Returns the compared fields by their names in a refusal. The patterns have no `..`, so a new field does not
/// compile until it is listed: as compared, or with an underscore and a reason.
pub(super) fn compared(command: &Command) -> &'static [&'static str] {
    match command {
        Command::CreateWallet(CreateWallet { display_name: _, debt_limits: _ }) => {
            &["debt_limits", "display_name"]
        }
        // The reason is only recorded.
        Command::UpdateWallet(UpdateWallet {
            request: _,
            status: _,
            display_name: _,
            debt_limits: _,
            low_balance: _,
            reason: _reason,
        }) => &["debt_limits", "display_name", "low_balance", "status"],
        // Time to live, start and labels do not change the held credits; a limit only refuses.
        Command::Reserve(Reserve {
            id: _,
            price,
            limits: _limits,
            ttl: _ttl,
            start: _start,
            actor: _,
            labels: _labels,
        }) => match price {
            PriceSource::Quote(_) | PriceSource::Operation(_) => &["actor", "operation"],
            PriceSource::Explicit(ExplicitPrice { amounts: _, max_amounts: _, operation: _ }) => {
                &["actor", "amounts", "max_amounts", "operation"]
            }
        },
        // A higher attempt is a takeover; the lease may change with each call.
        Command::Start(Start { id: _, options: _ })
        | Command::Extend(Extend { id: _, attempt: _, lease: _ }) => &[],
        // The attempt and the lateness of a Settle do not change its content.
        Command::Settle(Settle { id: _, attempt: _attempt, outcome: _, accept_late: _late }) => {
            &["amounts", "code", "outcome", "usage"]
        }
        // A limit for the fee only refuses, and so does a missing job.
        Command::Cancel(Cancel { id: _, reason: _, max_fees: _fees, allow_missing: _missing }) => &["reason"],
        Command::TopUp(TopUp {
            id: _,
            purchase: _,
            external_ref: _,
            line: _,
            paid_amount: _,
            paid_time: _,
            labels: _labels,
        }) => &[
            "amount",
            "catalog_version",
            "external_ref",
            "line",
            "pack_id",
            "paid_amount",
            "paid_time",
            "quantity",
        ],
        Command::Grant(Grant {
            id: _,
            unit: _,
            amount: _,
            source: _,
            priority: _,
            effective_time: _,
            expire_time: _,
            reason: _reason,
            labels: _labels,
        }) => &["amount", "effective_time", "expire_time", "priority", "source"],
        Command::RevokeGrant(RevokeGrant { request: _, grant: _, reason: _reason }) => &["grant_id"],
        Command::RefundTopUp(RefundTopUp { request: _, purchase: _, requested_time: _, reason: _reason }) => {
            &["external_ref", "requested_time", "top_up_id"]
        }
        Command::RecordChargeback(RecordChargeback { request: _, payment: _, reason: _reason }) => {
            &["external_ref", "period_start_time", "top_up_id"]
        }
        Command::ReverseChargeback(ReverseChargeback { request: _, payment: _, reason: _reason }) => {
            &["external_ref", "period_start_time", "top_up_id"]
        }
        Command::RecordRefund(RecordRefund {
            request: _,
            payment: _,
            total: _,
            used: _,
            reason: _reason,
        }) => &["external_ref", "period_start_time", "refunded_total", "top_up_id", "used"],
        Command::CloseWallet(CloseWallet { request: _, reason: _reason }) => &[],
        Command::ReverseCharge(ReverseCharge { request: _, reservation: _, amounts: _, reason: _reason }) => {
            &["amounts", "reservation_id"]
        }
        Command::Subscribe(Subscribe {
            request: _,
            plan: _,
            overrides: _,
            quantity: _,
            anchor: _,
            paid: _,
        }) => &["anchor_time", "overrides", "paid", "plan_id", "quantity"],
        Command::ChangePlan(ChangePlan {
            request: _,
            plan: _,
            overrides: _,
            quantity: _,
            when: _,
            unused: _,
            paid: _,
        }) => &["overrides", "paid", "plan_id", "quantity", "unused", "when"],
        Command::CancelSubscription(CancelSubscription {
            request: _,
            now: _,
            expire_credits: _,
            reason: _reason,
        }) => &["unused", "when"],
        Command::RefundSubscription(RefundSubscription {
            request: _,
            requested_time: _,
            reason: _reason,
        }) => &["requested_time"],
        Command::RecordPayment(RecordPayment { request: _, period_start: _, paid: _, reason: _reason }) => {
            &["paid", "period_start_time"]
        }
        Command::PauseSubscription(PauseSubscription { request: _, until: _, reason: _reason }) => {
            &["until_time"]
        }
        Command::SetAutoTopUp(SetAutoTopUp { request: _, setting: _, reason: _reason }) => &["auto_top_up"],
        Command::RecordAutoTopUpFailure(RecordAutoTopUpFailure {
            request: _,
            top_up: _,
            reason: _reason,
        }) => &["top_up_id"],
        Command::ResumeSubscription(ResumeSubscription { request: _ }) | Command::ProcessDue(ProcessDue) => {
            &[]
        }
    }
}

/// Returns rows of: earlier steps, a command, and other commands with the same id.
fn rows() -> Vec<(Vec<Step>, Step, Vec<Step>)> {
    let explicit = || reserve_amounts("job", &[("credits", 40)], &[]);
    let job = || vec![top_up(100), reserve("job", 40)];
    let sold = || vec![subscribe("s", "creator")];
    let settled = || vec![top_up(100), reserve("job", 40), settle("job", 40)];
    vec![
        (
            vec![],
            update("r").named("a"),
            vec![
                update("r").named("b"),
                update("r").named("a").owing(1),
                update("r").named("a").status(wallet_core::wallet::WalletStatus::Suspended),
            ],
        ),
        (vec![top_up(100)], reserve("job", 40), vec![reserve("job", 41), reserve("job", 40).actor("ann")]),
        (
            vec![top_up(100)],
            explicit(),
            vec![
                explicit().actor("ann"),
                explicit().about(operation("fixed", &[("n", "1")])),
                reserve_amounts("job", &[("credits", 41)], &[]),
                reserve_amounts("job", &[("credits", 40)], &[("credits", 50)]),
            ],
        ),
        (job(), settle("job", 30), vec![fail("job"), settle_amounts("job", &[("credits", 30)])]),
        (job(), cancel("job"), vec![stop("job")]),
        (
            vec![],
            buy("t", 10),
            vec![
                buy_pack("t", "starter").times(2).sold_by(1),
                buy("t", 10).paid_by("pi_1").line("2"),
                buy("t", 10).paid_at(START),
            ],
        ),
        (
            vec![],
            give("g", 10),
            vec![
                give("g", 11),
                give("g", 10).source(Source::Referral),
                give("g", 10).priority(3),
                give("g", 10).from(hours(1)).until(hours(2)),
            ],
        ),
        (vec![top_up(10)], revoke("r", "top_up:t"), vec![revoke("r", "grant:g")]),
        (
            vec![top_up(10)],
            refund("r", "t"),
            vec![refund("r", "u"), refund("r", "t").asked_at(START), refund_payment("r", "pi_9")],
        ),
        (
            vec![top_up(10)],
            charge_back("r", "t"),
            vec![
                charge_back("r", "u"),
                charge_back_payment("r", "pi_9"),
                charge_back_period("r", "2026-01-01"),
            ],
        ),
        (
            vec![buy("t", 10).for_cents(900)],
            provider_refund("r", "t", 500, Forgive),
            vec![
                provider_refund("r", "u", 500, Owe),
                provider_refund("r", "t", 501, Forgive),
                provider_refund_payment("r", "pi_9", 500, Forgive),
                provider_refund_period("r", "2026-01-01", 500, Forgive),
            ],
        ),
        (
            vec![subscribe("s", "annual")],
            refund_subscription("r"),
            vec![refund_subscription("r").asked_at(START)],
        ),
        (settled(), reverse("r", "job", 5), vec![reverse("r", "job", 6), reverse("r", "other", 5)]),
        (
            vec![],
            subscribe("s", "creator"),
            vec![
                subscribe("s", "pro"),
                subscribe("s", "creator").ranked(9),
                subscribe("s", "creator").seats(2),
                subscribe("s", "creator").anchored("2026-01-01"),
                subscribe("s", "creator").invoiced("in_1", 900),
            ],
        ),
        (
            sold(),
            change_plan("c", "pro"),
            vec![
                change_plan("c", "creator"),
                change_plan("c", "pro").ranked(9),
                change_plan("c", "pro").seats(2),
                change_plan("c", "pro").at_once(),
                change_plan("c", "pro").keeping(),
                change_plan("c", "pro").invoiced("in_1", 900),
            ],
        ),
        (vec![], auto("a", 20), vec![auto("a", 21), auto("a", 20).pack("bundle"), auto_off("a")]),
        (vec![auto("a", 20), top_up(10)], declined("d", 2), vec![declined("d", 3)]),
        (sold(), unsubscribe("u"), vec![unsubscribe_now("u")]),
        (sold(), pause("p"), vec![pause("p").ending("2026-03-01")]),
        (
            vec![subscribe("s", "prepaid")],
            pay("p"),
            vec![pay("p").for_period("2026-02-01"), pay("p").invoiced("in_1", 900)],
        ),
    ]
}

#[test]
fn every_compared_field_causes_a_mismatch_under_the_same_id() {
    for (before, first, others) in rows() {
        let Step::Command(command) = &first else { panic!("{first:?} has no fingerprint") };
        let mut found = BTreeSet::new();
        for other in others {
            println!("{other:?}");
            let world = given_catalog(&with_plans(), before.clone()).and(first.clone()).when(other);
            let fields = metadata_of(&world, "fields").unwrap_or_default();
            world.then([refused("IDEMPOTENCY_MISMATCH"), wrote_nothing()]);
            found.extend(fields.split(',').map(str::to_owned));
        }
        // No step of the scenarios sets paid amounts, and thresholds are not in these rows.
        let wanted = compared(command).iter().filter(|field| !["paid_amount", "low_balance"].contains(field));
        let wanted: BTreeSet<String> = wanted.map(|field| (*field).to_owned()).collect();
        assert_eq!(found, wanted, "{command:?}");
    }
}
