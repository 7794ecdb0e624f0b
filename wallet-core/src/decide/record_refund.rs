//! RecordRefund: records that the payment provider has paid back a purchase or a period, in full or in part.
//!
//! The total is cumulative, and the credits that are still paid are computed from it: those that were bought without the
//! refunded share, rounded up. Credits beyond them are clawed back: unspent ones now, held ones when they return. Used ones
//! are forgiven or become debt. A smaller total than before gives credits back.
//!
//! Windows of a period that have not begun count as refunded first, the last one before the others: they then give
//! nothing. A subscription does not end because a period is refunded.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::decide::checks::check_not_closed;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::purchase::PurchaseName;
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::restore::Restoration;
use crate::decide::spend::in_order;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, UnitId};
use crate::value::payment_subject::PaymentSubject;
use crate::value::time::Timestamp;
use crate::view::views::{RecordedRefundSubject, RecordedRefundView};
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant, Money, Origin};
use crate::wallet::payment::paid_for;
use crate::wallet::refund::{Fraction, RecordedRefund, UsedCredits};
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::subscription::{Standing, Subscription};

/// The command that records a refund of the payment provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefund {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase or the period that the payment was for.
    pub payment: RefundedPayment,
    /// The money that went back so far, in all parts.
    pub total: Money,
    /// The treatment of credits that were used beyond those that are still paid.
    pub used: UsedCredits,
    /// Recorded in the entry.
    pub reason: String,
}

/// A caller's reference to a payment that the provider has refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundedPayment {
    Purchase(PurchaseName),
    /// The period of a subscription that starts at this instant.
    Period(Timestamp),
}

impl WalletCommand for RecordRefund {
    type View = RecordedRefundView;

    fn read_set(&self) -> ReadSet {
        match &self.payment {
            RefundedPayment::Purchase(name) => ReadSet { purchase: Some(name.clone()), ..ReadSet::default() },
            RefundedPayment::Period(start) => ReadSet { paid_period: Some(*start), ..ReadSet::default() },
        }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(
        &self,
        wallet: &Wallet,
        context: &Context<'_>,
    ) -> Result<Verdict<RecordedRefundSubject>, Rejection> {
        let fingerprint = self.payment.fingerprint(wallet);
        let fingerprint =
            fingerprint.with("refunded_total", Some(&self.total)).with("used", Some(&self.used));
        let payment = self.payment.subject(wallet);
        let belongs = |grant: &&Grant| payment.is_some() && grant.paid_with() == payment;
        let grants: Vec<&Grant> = wallet.grants.values().filter(belongs).collect();
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject =
            |payment| RecordedRefundSubject { request: self.request.clone(), payment, grants: keys };
        let is_replay = replay_of_request(wallet, &self.request, EntryKind::RefundRecorded, &fingerprint)?;
        if let (true, Some(payment)) = (is_replay, &payment) {
            return Ok(Verdict::replay(subject(payment.clone())));
        }
        self.payment.check(wallet, &grants)?;
        let id = payment.ok_or(Rejection::TopUpNotFound)?;
        let price = price_of(wallet, &id, &grants).map_err(Rejection::NotRefundable)?;
        let share = refunded_share(price, &self.total)?;
        let to_come = windows_to_come(wallet, &id);
        check_not_closed(wallet)?;
        let decision = Decision::of(EntryKind::RefundRecorded, context.now).because(&self.reason);
        let catalog = &context.catalogs.current;
        let request = self.request.clone().into();
        let mut restoration = Restoration::of(wallet, catalog, decision, request, context.now);
        let before = wallet.profile.recorded_refunds.get(&id);
        let mut record = RecordedRefund {
            total: self.total.clone(),
            used: self.used,
            claims: Amounts::none(),
            owed: Amounts::none(),
            withheld: Amounts::none(),
            sale: match &id {
                PaymentSubject::Purchase(_) => 0,
                PaymentSubject::Period(_) => wallet.profile.sales,
            },
        };
        for (unit, credits) in credits_of(&grants, &to_come) {
            record.withheld.set(unit, credits.withheld(share));
            let beyond = credits.beyond(share);
            if beyond > 0 {
                record.claims.set(unit, beyond - take(&mut restoration.decision, &grants, unit, beyond));
            }
            if self.used == UsedCredits::Owe {
                record.owed.set(unit, credits.used_beyond(share));
            }
            let owed_before = before.map_or(0, |before| before.owed.get(unit.as_str()));
            let owed = record.owed.get(unit.as_str());
            if owed > owed_before {
                owe(&mut restoration, &id, unit, owed - owed_before);
            } else {
                restoration.withdraw_debt(unit, owed_before - owed);
            }
            let less = before.map_or(0, |before| {
                let before = Fraction { numerator: before.total.minor_units, ..share };
                credits.paid(share) - credits.paid(before)
            });
            give_back(&mut restoration, &grants, unit, credits.paid_out.min(-beyond).min(less));
        }
        (record.claims, record.owed) = (above_zero(&record.claims), above_zero(&record.owed));
        record.withheld = above_zero(&record.withheld);
        let mut decision = restoration.decision;
        let mut change = Change::none(wallet);
        change.profile.recorded_refunds.insert(id.clone(), record);
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject(id)))
    }
}

impl RefundedPayment {
    /// Returns the payment's subject; none if the payment of a purchase is unknown.
    fn subject(&self, wallet: &Wallet) -> Option<PaymentSubject> {
        match self {
            Self::Purchase(name) => {
                name.top_up(wallet.grants.values()).cloned().map(PaymentSubject::Purchase)
            }
            Self::Period(start) => Some(PaymentSubject::Period(*start)),
        }
    }

    fn fingerprint(&self, wallet: &Wallet) -> Fingerprint {
        match self {
            Self::Purchase(name) => name.fingerprint(wallet),
            Self::Period(start) => Fingerprint::default().with("period_start_time", Some(start)),
        }
    }

    /// Refuses payments that are unknown, and those of several purchases.
    fn check(&self, wallet: &Wallet, grants: &[&Grant]) -> Result<(), Rejection> {
        match self {
            Self::Purchase(name) => {
                name.check_one(wallet)?;
                if grants.is_empty() { Err(Rejection::TopUpNotFound) } else { Ok(()) }
            }
            Self::Period(start) => match present_period(wallet) {
                Some(present) if present.period_start() == *start => Ok(()),
                _ if !grants.is_empty() => Ok(()),
                present => {
                    let example = present.map(|present| format!(", such as {}", present.period_start()));
                    let text = format!(
                        "must be the start of a period that has begun and was paid{}",
                        example.unwrap_or_default()
                    );
                    Err(Rejection::field("period_start_time", text))
                }
            },
        }
    }
}

/// Returns the subscription, whose present period is the last one that was paid if it is paused or past due.
fn present_period(wallet: &Wallet) -> Option<&Subscription> {
    wallet.profile.subscription.as_ref()
}

/// Returns the amounts that windows to come give in a period.
fn windows_to_come(wallet: &Wallet, payment: &PaymentSubject) -> Amounts {
    let PaymentSubject::Period(start) = payment else { return Amounts::none() };
    let present = present_period(wallet).filter(|present| present.period_start() == *start);
    present.map_or_else(Amounts::none, Subscription::to_come)
}

/// Returns the price of a purchase or a period, or the reason against a refund.
fn price_of(wallet: &Wallet, payment: &PaymentSubject, grants: &[&Grant]) -> Result<Money, Unrefundable> {
    match grants.iter().filter_map(|grant| grant.clawback).max() {
        Some(Clawback::ChargedBack) => return Err(Unrefundable::ChargedBack),
        Some(Clawback::Refunded) => return Err(Unrefundable::AlreadyRefunded),
        Some(Clawback::Revoked) | None => {}
    }
    let start = match payment {
        PaymentSubject::Purchase(_) => {
            let price = grants.first().and_then(|grant| grant.details.paid_amount.clone());
            return price.ok_or(Unrefundable::NoPrice);
        }
        PaymentSubject::Period(start) => *start,
    };
    if wallet.profile.refunds.values().any(|refund| refund.period_start == start) {
        return Err(Unrefundable::AlreadyRefunded);
    }
    let present = present_period(wallet);
    let is_present = |present: &&Subscription| present.period_start() == start;
    if present.filter(is_present).is_some_and(|present| present.standing == Standing::Provisional) {
        return Err(Unrefundable::Unpaid);
    }
    let of_sale = |present: &&Subscription| {
        let own = |grant: &&&Grant| grant.key.origin == Origin::Period;
        let mut sales = grants.iter().filter(own).map(|grant| grant.key.sale());
        is_present(present) || sales.all(|sale| sale == Some(present.number))
    };
    let listed = || present.filter(of_sale)?.sold.listed_money();
    paid_for(&wallet.profile.payments, start).or_else(listed).ok_or(Unrefundable::NoPrice)
}

/// Returns the refunded share of the price.
fn refunded_share(price: Money, total: &Money) -> Result<Fraction, Rejection> {
    if total.currency != price.currency {
        let text = format!("must be in {}, the currency of the payment", price.currency);
        return Err(Rejection::field("refunded_total", text));
    }
    if total.minor_units > price.minor_units {
        let text = format!(
            "must not be above the price that was paid, {} {} (minor units)",
            price.minor_units, price.currency
        );
        return Err(Rejection::field("refunded_total", text));
    }
    Ok(Fraction { numerator: total.minor_units, denominator: price.minor_units.max(1) })
}

/// The credits of a purchase or a period in one unit, in minor units.
#[derive(Default)]
struct Credits {
    /// All that were bought, those to come included.
    bought: i64,
    /// Those of windows that have not begun.
    to_come: i64,
    unspent: i64,
    held: i64,
    used: i64,
    paid_out: i64,
}

impl Credits {
    fn refunded(&self, share: Fraction) -> i64 {
        let refunded = i128::from(self.bought) * i128::from(share.numerator) / i128::from(share.denominator);
        i64::try_from(refunded).unwrap_or(i64::MAX).min(self.bought)
    }

    /// Returns the refunded credits that windows to come will not give.
    fn withheld(&self, share: Fraction) -> i64 {
        self.refunded(share).min(self.to_come)
    }

    /// Returns the credits that are still paid, of those that were issued: all but the refunded share, rounded up.
    fn paid(&self, share: Fraction) -> i64 {
        self.bought - self.to_come - (self.refunded(share) - self.withheld(share))
    }

    /// Returns the credits beyond those that are still paid; below 0 if fewer are there. Expired and revoked ones are
    /// gone, and count as refunded first.
    fn beyond(&self, refunded: Fraction) -> i64 {
        self.used + self.held + self.unspent - self.paid(refunded)
    }

    fn used_beyond(&self, refunded: Fraction) -> i64 {
        (self.used - self.paid(refunded)).max(0)
    }
}

/// Returns the credits of a payment, per unit: of its own grants and of those that stem from them, and those to come.
fn credits_of<'a>(grants: &[&'a Grant], to_come: &'a Amounts) -> BTreeMap<&'a UnitId, Credits> {
    let mut units: BTreeMap<&UnitId, Credits> = BTreeMap::new();
    for grant in grants {
        let credits = units.entry(&grant.unit).or_default();
        credits.bought += if grant.details.stems_from.is_none() { grant.amount } else { 0 };
        credits.unspent += grant.parts.available + grant.parts.pending;
        credits.held += grant.parts.held;
        credits.used += grant.parts.consumed;
        credits.paid_out += grant.parts.paid_out;
    }
    for (unit, amount) in to_come.iter() {
        let credits = units.entry(unit).or_default();
        (credits.bought, credits.to_come) = (credits.bought + amount, amount);
    }
    units
}

/// Claws back up to `amount` unspent credits. Returns the amount that was clawed back.
fn take(decision: &mut Decision, grants: &[&Grant], unit: &UnitId, amount: i64) -> i64 {
    let mut left = amount;
    for grant in grants.iter().filter(|grant| grant.unit == *unit) {
        for (part, there) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
        {
            let taken = left.min(there);
            left -= taken;
            decision.move_in_grant(&grant.key, unit, part, Part::PaidOut, taken);
        }
    }
    amount - left
}

/// Gives credits back, those of grants that live longest first. Credits of a revoked grant stay revoked.
fn give_back(restoration: &mut Restoration<'_>, grants: &[&Grant], unit: &UnitId, amount: i64) {
    let mut left = amount;
    let mut places: Vec<_> = grants.iter().filter(|grant| grant.unit == *unit).collect();
    places.sort_by_key(|grant| Reverse(grant.expire_time));
    for grant in places {
        let part = left.min(grant.parts.paid_out).max(0);
        left -= part;
        match grant.clawback {
            None => restoration.return_to(grant, Part::PaidOut, part),
            Some(_) => {
                restoration.decision.move_in_grant(&grant.key, unit, Part::PaidOut, Part::Revoked, part);
            }
        }
    }
}

/// Turns used credits into debt, which other available credits repay at once.
fn owe(restoration: &mut Restoration<'_>, payment: &PaymentSubject, unit: &UnitId, amount: i64) {
    let wallet = restoration.wallet;
    restoration.decision.move_in_debt(unit, Part::Issued, Part::Owed, amount);
    let others = in_order(wallet, restoration.catalog, unit);
    for grant in others.into_iter().filter(|grant| grant.paid_with().as_ref() != Some(payment)) {
        restoration.decision.repay_debt(wallet, &grant.key, unit, grant.parts.available);
    }
}

fn above_zero(amounts: &Amounts) -> Amounts {
    amounts.iter().filter(|(_, n)| *n > 0).map(|(unit, n)| (unit.clone(), n)).collect()
}
