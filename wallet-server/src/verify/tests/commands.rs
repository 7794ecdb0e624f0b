//! Short constructors of commands.

use std::collections::BTreeMap;

use std::time::Duration;

use wallet_core::auto_top_up::Setting;
use wallet_core::catalog::Threshold;
use wallet_core::decide::{
    Cancel, CancelSubscription, ChangePlan, CloseWallet, Cost, ExplicitPrice, Extend, Grant, Outcome,
    PackSale, PauseSubscription, PaymentName, PriceSource, Purchase, PurchaseName, RecordAutoTopUpFailure,
    RecordChargeback, RecordPayment, RecordRefund, RefundSubscription, RefundTopUp, Reserve,
    ResumeSubscription, ReverseCharge, ReverseChargeback, RevokeGrant, SetAutoTopUp, Settle, Start,
    StartOptions, Subscribe, TopUp, UpdateWallet,
};
use wallet_core::grant::{ExternalRef, GrantKey, Money};
use wallet_core::operation::Operation;
use wallet_core::payment::Paid;
use wallet_core::refund::UsedCredits;
use wallet_core::reservation::{CancelReason, Failure};
use wallet_core::sold::Overrides;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Command, OriginId, Source, UnitId};

use super::fixture::{MINUTE, START};

pub(super) fn credits(amount: i64) -> Amounts {
    Amounts::of(&"credits".parse::<UnitId>().unwrap(), amount)
}

pub(super) fn top_up(id: &str, unit: &str, amount: i64) -> Command {
    let external_ref = ExternalRef { provider: "stripe".parse().unwrap(), id: id.parse().unwrap() };
    Command::TopUp(TopUp {
        id: id.parse().unwrap(),
        purchase: Purchase::Amount(unit.parse().unwrap(), amount),
        external_ref: Some(external_ref),
        line: None,
        paid_amount: None,
        paid_time: None,
        labels: BTreeMap::new(),
    })
}

/// Credits with a price in cents.
pub(super) fn priced(id: &str, amount: i64, cents: i64) -> Command {
    match top_up(id, "credits", amount) {
        Command::TopUp(top_up) => {
            let paid_amount = Some(Money { currency: "EUR".to_owned(), minor_units: cents });
            Command::TopUp(TopUp { paid_amount, ..top_up })
        }
        other => other,
    }
}

pub(super) fn buy(id: &str, pack: &str) -> Command {
    Command::TopUp(TopUp {
        id: id.parse().unwrap(),
        purchase: Purchase::Pack(PackSale::one(pack)),
        external_ref: None,
        line: None,
        paid_amount: None,
        paid_time: None,
        labels: BTreeMap::new(),
    })
}

pub(super) fn refund(request: &str, top_up: &str) -> Command {
    let (request, purchase) = (request.parse().unwrap(), PurchaseName::TopUp(top_up.parse().unwrap()));
    Command::RefundTopUp(RefundTopUp { request, purchase, requested_time: None, reason: "unused".to_owned() })
}

/// A refund that was requested this many minutes after [`START`].
pub(super) fn refund_asked(request: &str, top_up: &str, minutes: u32) -> Command {
    match refund(request, top_up) {
        Command::RefundTopUp(refund) => {
            let requested_time = Some(START.plus(MINUTE * minutes));
            Command::RefundTopUp(RefundTopUp { requested_time, ..refund })
        }
        other => other,
    }
}

pub(super) fn charge_back(request: &str, top_up: &str) -> Command {
    charge_back_of(request, bought(top_up))
}

/// The bank has returned a payment.
pub(super) fn charge_back_of(request: &str, payment: PaymentName) -> Command {
    let (request, reason) = (request.parse().unwrap(), "dispute".to_owned());
    Command::RecordChargeback(RecordChargeback { request, payment, reason })
}

pub(super) fn win_dispute(request: &str, top_up: &str) -> Command {
    win_dispute_of(request, bought(top_up))
}

/// The dispute about a payment is won.
pub(super) fn win_dispute_of(request: &str, payment: PaymentName) -> Command {
    let (request, reason) = (request.parse().unwrap(), "won".to_owned());
    Command::ReverseChargeback(ReverseChargeback { request, payment, reason })
}

fn bought(top_up: &str) -> PaymentName {
    PaymentName::Purchase(PurchaseName::TopUp(top_up.parse().unwrap()))
}

/// The payment provider has paid back this number of cents.
pub(super) fn paid_back(request: &str, top_up: &str, cents: i64, used: UsedCredits) -> Command {
    let (request, payment) = (request.parse().unwrap(), bought(top_up));
    let total = Money { currency: "EUR".to_owned(), minor_units: cents };
    Command::RecordRefund(RecordRefund { request, payment, total, used, reason: "paid back".to_owned() })
}

pub(super) fn close(request: &str) -> Command {
    let (request, reason) = (request.parse().unwrap(), "left".to_owned());
    Command::CloseWallet(CloseWallet { request, reason })
}

pub(super) fn reverse(request: &str, job: &str, amounts: Amounts) -> Command {
    let (request, reservation) = (request.parse().unwrap(), job.parse().unwrap());
    Command::ReverseCharge(ReverseCharge { request, reservation, amounts, reason: "sorry".to_owned() })
}

pub(super) fn refund_subscription(request: &str) -> Command {
    let (request, reason) = (request.parse().unwrap(), "moving".to_owned());
    Command::RefundSubscription(RefundSubscription { request, requested_time: None, reason })
}

pub(super) fn subscribe(request: &str, plan: &str) -> Command {
    let (request, plan, overrides) = (request.parse().unwrap(), plan.to_owned(), Overrides::default());
    Command::Subscribe(Subscribe {
        request,
        plan,
        overrides,
        quantity: None,
        anchor: None,
        paid: Paid::default(),
    })
}

pub(super) fn change_plan(request: &str, plan: &str) -> Command {
    let (request, plan, overrides) = (request.parse().unwrap(), plan.to_owned(), Overrides::default());
    Command::ChangePlan(ChangePlan {
        quantity: None,
        request,
        plan,
        overrides,
        when: None,
        unused: None,
        paid: Paid::default(),
    })
}

pub(super) fn end(request: &str, now: bool) -> Command {
    let (request, reason) = (request.parse().unwrap(), "enough".to_owned());
    Command::CancelSubscription(CancelSubscription { request, now, expire_credits: now, reason })
}

pub(super) fn resume(request: &str) -> Command {
    Command::ResumeSubscription(ResumeSubscription { request: request.parse().unwrap() })
}

/// Auto top-up with the pack "brief" below 90 credits, three times a day.
pub(super) fn auto(request: &str) -> Command {
    let setting = Setting {
        unit: "credits".parse().unwrap(),
        threshold: 90,
        pack: "brief".to_owned(),
        max_per_day: 3,
        max_paid_per_month: None,
    };
    let (request, reason) = (request.parse().unwrap(), String::new());
    Command::SetAutoTopUp(SetAutoTopUp { request, setting: Some(setting), reason })
}

pub(super) fn declined(request: &str, top_up: &OriginId) -> Command {
    let (request, reason) = (request.parse().unwrap(), "card_declined".to_owned());
    Command::RecordAutoTopUpFailure(RecordAutoTopUpFailure { request, top_up: top_up.clone(), reason })
}

pub(super) fn pause(request: &str) -> Command {
    let request = request.parse().unwrap();
    Command::PauseSubscription(PauseSubscription { request, until: None, reason: String::new() })
}

pub(super) fn pay(request: &str) -> Command {
    Command::RecordPayment(RecordPayment {
        request: request.parse().unwrap(),
        period_start: None,
        paid: Paid::default(),
        reason: String::new(),
    })
}

pub(super) fn grant(id: &str, amount: i64, from: Option<u32>, until: Option<u32>) -> Command {
    let at = |minutes| START.plus(MINUTE * minutes);
    Command::Grant(Grant {
        id: id.parse().unwrap(),
        unit: "credits".parse().unwrap(),
        amount,
        source: Source::Subscription,
        priority: 0,
        effective_time: from.map(at),
        expire_time: until.map(at),
        reason: "welcome".to_owned(),
        labels: [("campaign".to_owned(), "spring".to_owned())].into(),
    })
}

pub(super) fn reserve(id: &str, amount: i64, max: i64, worker: Option<&str>) -> Command {
    reserve_both(id, credits(amount), credits(max), worker)
}

pub(super) fn reserve_both(
    id: &str,
    amounts: Amounts,
    max_amounts: Amounts,
    worker: Option<&str>,
) -> Command {
    let price = ExplicitPrice { amounts, max_amounts, operation: None };
    Command::Reserve(Reserve {
        id: id.parse().unwrap(),
        price: PriceSource::Explicit(price),
        limits: Amounts::none(),
        ttl: Some(MINUTE * 90),
        start: worker.map(options),
        actor: Some("mia".parse().unwrap()),
        labels: [("project".to_owned(), "p1".to_owned())].into(),
    })
}

/// A Reserve with a price from the catalog.
pub(super) fn clip(id: &str) -> Command {
    let operation = Operation { kind: "video".to_owned(), attributes: [].into(), quantities: [].into() };
    Command::Reserve(Reserve {
        id: id.parse().unwrap(),
        price: PriceSource::Operation(operation),
        limits: Amounts::none(),
        ttl: Some(MINUTE * 90),
        start: None,
        actor: None,
        labels: [].into(),
    })
}

fn options(worker: &str) -> StartOptions {
    StartOptions { worker: worker.parse().unwrap(), attempt: 1, lease: Some(MINUTE * 5) }
}

/// A Start with this lease, or without one if it is zero.
pub(super) fn start(id: &str, lease: Duration) -> Command {
    let options = StartOptions { lease: Some(lease), ..options("w2") };
    Command::Start(Start { id: id.parse().unwrap(), options })
}

pub(super) fn extend(id: &str, lease: Duration) -> Command {
    Command::Extend(Extend { id: id.parse().unwrap(), attempt: None, lease: Some(lease) })
}

pub(super) fn settle(id: &str, cost: Cost, accept_late: bool) -> Command {
    let outcome = Outcome::Succeeded(cost);
    Command::Settle(Settle { id: id.parse().unwrap(), attempt: None, outcome, accept_late })
}

pub(super) fn fail(id: &str, code: &str) -> Command {
    let failure = Failure { code: code.to_owned(), message: String::new() };
    let outcome = Outcome::Failed(failure);
    Command::Settle(Settle { id: id.parse().unwrap(), attempt: None, outcome, accept_late: false })
}

pub(super) fn cancel(id: &str, reason: CancelReason) -> Command {
    let max_fees = Amounts::none();
    Command::Cancel(Cancel { id: id.parse().unwrap(), reason, max_fees, allow_missing: true })
}

pub(super) fn revoke(request: &str, grant: &str) -> Command {
    let grant = GrantKey::parse(grant).unwrap();
    Command::RevokeGrant(RevokeGrant { request: request.parse().unwrap(), grant, reason: String::new() })
}

pub(super) fn rename(request: &str) -> Command {
    Command::UpdateWallet(UpdateWallet {
        request: request.parse().unwrap(),
        status: None,
        display_name: Some("Ann".to_owned()),
        debt_limits: Amounts::none(),
        low_balance: [("credits".parse().unwrap(), vec![Threshold::Amount(5)])].into(),
        reason: "marriage".to_owned(),
    })
}

/// Suspends the wallet and sets its debt limit to 70 credits.
pub(super) fn suspend(request: &str) -> Command {
    Command::UpdateWallet(UpdateWallet {
        request: request.parse().unwrap(),
        status: Some(WalletStatus::Suspended),
        display_name: None,
        debt_limits: credits(70),
        low_balance: [].into(),
        reason: String::new(),
    })
}
