//! Commands of the small worlds.

use std::collections::BTreeMap;
use std::time::Duration;

use wallet_core::decide::{
    Cancel, CancelSubscription, ChangePlan, Cost, CreateWallet, Extend, Grant, Outcome, PackSale,
    PauseSubscription, PaymentName, PriceSource, Purchase, PurchaseName, RecordChargeback, RecordPayment,
    RecordRefund, RefundTopUp, Reserve, ResumeSubscription, ReverseCharge, ReverseChargeback, RevokeGrant,
    Settle, Start, StartOptions, Subscribe, TopUp, UpdateWallet,
};
use wallet_core::grant::{GrantKey, Money};
use wallet_core::payment::Paid;
use wallet_core::refund::UsedCredits;
use wallet_core::reservation::{CancelReason, Failure};
use wallet_core::sold::Overrides;
use wallet_core::wallet::WalletStatus;
use wallet_core::{
    Amounts, Command, Decimal, Operation, OriginId, Source, TenantId, Timestamp, Wallet, WalletId, WalletKey,
};

/// The start of every small world: 2026-01-31T00:00:00Z, the last day of a month.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_769_817_600_000_000);

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

pub(crate) fn blank(id: &str) -> Wallet {
    let id = WalletId::parse(id).unwrap();
    Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id)
}

fn credits(n: i64) -> Amounts {
    Amounts::of(&"credits".parse().unwrap(), n)
}

pub(crate) fn create(may_owe: i64) -> Command {
    Command::CreateWallet(CreateWallet { display_name: String::new(), debt_limits: credits(may_owe) })
}

/// Credits that expire `life` after the start.
pub(crate) fn give(id: &str, n: i64, life: Duration) -> Command {
    Command::Grant(Grant {
        id: id.parse().unwrap(),
        unit: "credits".parse().unwrap(),
        amount: n,
        source: Source::Free,
        priority: 0,
        effective_time: None,
        expire_time: Some(START.plus(life)),
        reason: String::new(),
        labels: BTreeMap::new(),
    })
}

pub(crate) fn buy(id: &str, n: i64) -> Command {
    bought(id, Purchase::Amount("credits".parse().unwrap(), n), None)
}

/// A purchase of `n` credits for `price` euros.
pub(crate) fn buy_for(id: &str, n: i64, price: i64) -> Command {
    bought(id, Purchase::Amount("credits".parse().unwrap(), n), Some(euros(price)))
}

pub(crate) fn pack(id: &str, pack: &str) -> Command {
    bought(id, Purchase::Pack(PackSale::one(pack)), None)
}

fn euros(n: i64) -> Money {
    Money { currency: "EUR".to_owned(), minor_units: 100 * n }
}

fn bought(id: &str, purchase: Purchase, paid_amount: Option<Money>) -> Command {
    Command::TopUp(TopUp {
        id: id.parse().unwrap(),
        purchase,
        external_ref: None,
        line: None,
        paid_amount,
        paid_time: None,
        labels: BTreeMap::new(),
    })
}

pub(crate) fn revoke(request: &str, grant: &str) -> Command {
    Command::RevokeGrant(RevokeGrant {
        request: request.parse().unwrap(),
        grant: GrantKey::parse(grant).unwrap(),
        reason: String::new(),
    })
}

pub(crate) fn refund(request: &str, top_up: &str) -> Command {
    let (request, purchase) = (request.parse().unwrap(), PurchaseName::TopUp(top_up.parse().unwrap()));
    Command::RefundTopUp(RefundTopUp { request, purchase, requested_time: None, reason: String::new() })
}

pub(crate) fn charge_back(request: &str, top_up: &str) -> Command {
    let (request, payment) = (request.parse().unwrap(), purchase(top_up));
    Command::RecordChargeback(RecordChargeback { request, payment, reason: String::new() })
}

pub(crate) fn win_dispute(request: &str, top_up: &str) -> Command {
    let (request, payment) = (request.parse().unwrap(), purchase(top_up));
    Command::ReverseChargeback(ReverseChargeback { request, payment, reason: String::new() })
}

fn purchase(top_up: &str) -> PaymentName {
    PaymentName::Purchase(PurchaseName::TopUp(top_up.parse().unwrap()))
}

/// The provider has paid back `total` euros of the purchase in all.
pub(crate) fn paid_back(request: &str, top_up: &str, total: i64, used: UsedCredits) -> Command {
    Command::RecordRefund(RecordRefund {
        request: request.parse().unwrap(),
        payment: purchase(top_up),
        total: euros(total),
        used,
        reason: String::new(),
    })
}

pub(crate) fn reverse(request: &str, job: &str, n: i64) -> Command {
    Command::ReverseCharge(ReverseCharge {
        request: request.parse().unwrap(),
        reservation: job.parse().unwrap(),
        amounts: credits(n),
        reason: String::new(),
    })
}

pub(crate) fn reactivate(request: &str) -> Command {
    Command::UpdateWallet(UpdateWallet {
        request: request.parse().unwrap(),
        status: Some(WalletStatus::Active),
        display_name: None,
        debt_limits: Amounts::none(),
        low_balance: BTreeMap::new(),
        reason: String::new(),
    })
}

fn count(n: i64) -> BTreeMap<String, Decimal> {
    BTreeMap::from([("n".to_owned(), Decimal::from(n))])
}

/// A job of this kind and size whose hold lives 20 minutes.
pub(crate) fn reserve(id: &str, kind: &str, n: i64) -> Command {
    Command::Reserve(Reserve {
        id: id.parse().unwrap(),
        price: PriceSource::Operation(Operation {
            kind: kind.to_owned(),
            attributes: BTreeMap::new(),
            quantities: count(n),
        }),
        limits: Amounts::none(),
        ttl: Some(minutes(20)),
        start: None,
        actor: None,
        labels: BTreeMap::new(),
    })
}

pub(crate) fn start(id: &str, worker: &str, attempt: i32, lease: Option<Duration>) -> Command {
    let worker = worker.parse().unwrap();
    Command::Start(Start { id: id.parse().unwrap(), options: StartOptions { worker, attempt, lease } })
}

pub(crate) fn extend(id: &str, attempt: Option<i32>, lease: Duration) -> Command {
    Command::Extend(Extend { id: id.parse().unwrap(), attempt, lease: Some(lease) })
}

/// The job succeeded with `n`, even after its hold has expired.
pub(crate) fn used(id: &str, n: i64) -> Command {
    ended(id, None, Outcome::Succeeded(Cost::Usage(count(n))), true)
}

pub(crate) fn used_by(id: &str, attempt: i32) -> Command {
    ended(id, Some(attempt), Outcome::Succeeded(Cost::AsReserved), false)
}

pub(crate) fn failed(id: &str, code: &str) -> Command {
    let failure = Failure { code: code.to_owned(), message: String::new() };
    ended(id, None, Outcome::Failed(failure), false)
}

fn ended(id: &str, attempt: Option<i32>, outcome: Outcome, accept_late: bool) -> Command {
    Command::Settle(Settle { id: id.parse().unwrap(), attempt, outcome, accept_late })
}

/// A cancel that leaves a tombstone for an unknown job.
pub(crate) fn cancel(id: &str, reason: CancelReason) -> Command {
    let id = id.parse().unwrap();
    Command::Cancel(Cancel { id, reason, max_fees: Amounts::none(), allow_missing: true })
}

pub(crate) fn subscribe(request: &str, plan: &str) -> Command {
    Command::Subscribe(Subscribe {
        request: request.parse().unwrap(),
        plan: plan.to_owned(),
        overrides: Overrides::default(),
        quantity: None,
        anchor: None,
        paid: Paid::default(),
    })
}

pub(crate) fn change(request: &str, plan: &str) -> Command {
    let overrides = Overrides::default();
    Command::ChangePlan(ChangePlan {
        request: request.parse().unwrap(),
        plan: plan.to_owned(),
        overrides,
        quantity: None,
        when: None,
        unused: None,
        paid: Paid::default(),
    })
}

pub(crate) fn unsubscribe(request: &str, now: bool) -> Command {
    let request = request.parse().unwrap();
    Command::CancelSubscription(CancelSubscription {
        request,
        now,
        expire_credits: now,
        reason: String::new(),
    })
}

pub(crate) fn resume(request: &str) -> Command {
    Command::ResumeSubscription(ResumeSubscription { request: request.parse().unwrap() })
}

pub(crate) fn pay(request: &str) -> Command {
    paid(request, None)
}

/// A payment with a reference of its own.
pub(crate) fn invoice(request: &str, reference: &str) -> Command {
    paid(request, Some(reference.parse().unwrap()))
}

fn paid(request: &str, reference: Option<OriginId>) -> Command {
    Command::RecordPayment(RecordPayment {
        request: request.parse().unwrap(),
        period_start: None,
        paid: Paid { amount: None, reference },
        reason: String::new(),
    })
}

/// A pause from the end of what is paid, for `life` after the start or until it is resumed.
pub(crate) fn pause(request: &str, life: Option<Duration>) -> Command {
    Command::PauseSubscription(PauseSubscription {
        request: request.parse().unwrap(),
        until: life.map(|life| START.plus(life)),
        reason: String::new(),
    })
}
