//! RecordRefund: records that the payment provider has paid back a purchase, in full or in part.
//!
//! The total is cumulative, and the credits that are still paid are computed from it: the purchase without its refunded
//! share, rounded up. Credits beyond them are clawed back: unspent ones now, held ones when they return. Used ones are
//! forgiven or become debt. A smaller total than before gives credits back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::decide::checks::check_not_closed;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::purchase::{PurchaseName, of_purchase};
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::restore::Restoration;
use crate::decide::spend::in_order;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::{OriginId, RequestId, UnitId};
use crate::view::views::{PurchaseSubject, RecordedRefundView};
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant, Money};
use crate::wallet::refund::{Fraction, RecordedRefund, UsedCredits};
use crate::wallet::rejection::{Rejection, Unrefundable};

/// The command that records a refund of the payment provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefund {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase that the payment was for.
    pub purchase: PurchaseName,
    /// The money that went back so far, in all parts.
    pub total: Money,
    /// The treatment of credits that were used beyond those that are still paid.
    pub used: UsedCredits,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RecordRefund {
    type View = RecordedRefundView;

    fn read_set(&self) -> ReadSet {
        ReadSet { purchase: Some(self.purchase.clone()), ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<PurchaseSubject>, Rejection> {
        let fingerprint = self.purchase.fingerprint(wallet);
        let fingerprint =
            fingerprint.with("refunded_total", Some(&self.total)).with("used", Some(&self.used));
        let grants = of_purchase(wallet, &self.purchase);
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject = PurchaseSubject { request: self.request.clone(), grants: keys };
        if replay_of_request(wallet, &self.request, EntryKind::RefundRecorded, &fingerprint)? {
            return Ok(Verdict::replay(subject));
        }
        self.purchase.check_one(wallet)?;
        let id = self.purchase.top_up(wallet.grants.values()).filter(|_| !grants.is_empty());
        let id = id.ok_or(Rejection::TopUpNotFound)?.clone();
        let share = refunded_share(&grants, &self.total)?;
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
        };
        for (unit, credits) in credits_of(&grants) {
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
        let mut decision = restoration.decision;
        let mut change = Change::none(wallet);
        match self.total.minor_units {
            0 => change.profile.recorded_refunds.remove(&id),
            _ => change.profile.recorded_refunds.insert(id, record),
        };
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject))
    }
}

/// Returns the refunded share of the price, or the reason against it.
fn refunded_share(grants: &[&Grant], total: &Money) -> Result<Fraction, Rejection> {
    let cause = match grants.iter().filter_map(|grant| grant.clawback).max() {
        Some(Clawback::ChargedBack) => Some(Unrefundable::ChargedBack),
        Some(Clawback::Refunded) => Some(Unrefundable::AlreadyRefunded),
        Some(Clawback::Revoked) | None => None,
    };
    if let Some(cause) = cause {
        return Err(Rejection::NotRefundable(cause));
    }
    let price = grants.first().and_then(|grant| grant.details.paid_amount.as_ref());
    let price = price.ok_or(Rejection::NotRefundable(Unrefundable::NoPrice))?;
    if total.currency != price.currency {
        let text = format!("must be in {}, the currency of the purchase", price.currency);
        return Err(Rejection::field("refunded_total", text));
    }
    if total.minor_units > price.minor_units {
        let text = format!(
            "must not be above the price of the purchase, {} {} (minor units)",
            price.minor_units, price.currency
        );
        return Err(Rejection::field("refunded_total", text));
    }
    Ok(Fraction { numerator: total.minor_units, denominator: price.minor_units.max(1) })
}

/// The credits of a purchase in one unit, in minor units.
#[derive(Default)]
struct Credits {
    bought: i64,
    unspent: i64,
    held: i64,
    used: i64,
    paid_out: i64,
}

impl Credits {
    /// Returns the credits that are still paid: all but the refunded share, rounded up.
    fn paid(&self, refunded: Fraction) -> i64 {
        let gone =
            i128::from(self.bought) * i128::from(refunded.numerator) / i128::from(refunded.denominator);
        self.bought - i64::try_from(gone).unwrap_or(i64::MAX).min(self.bought)
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

/// Returns the credits of a purchase, per unit: of its own grants and of those that stem from them.
fn credits_of<'a>(grants: &[&'a Grant]) -> BTreeMap<&'a UnitId, Credits> {
    let mut units: BTreeMap<&UnitId, Credits> = BTreeMap::new();
    for grant in grants {
        let credits = units.entry(&grant.unit).or_default();
        credits.bought += if grant.details.stems_from.is_none() { grant.amount } else { 0 };
        credits.unspent += grant.parts.available + grant.parts.pending;
        credits.held += grant.parts.held;
        credits.used += grant.parts.consumed;
        credits.paid_out += grant.parts.paid_out;
    }
    units
}

/// Takes up to `amount` unspent credits back. Returns the amount that was taken.
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
fn owe(restoration: &mut Restoration<'_>, id: &OriginId, unit: &UnitId, amount: i64) {
    let wallet = restoration.wallet;
    restoration.decision.move_in_debt(unit, Part::Issued, Part::Owed, amount);
    let others = in_order(wallet, restoration.catalog, unit);
    for grant in others.into_iter().filter(|grant| grant.purchase() != Some(id)) {
        restoration.decision.repay_debt(wallet, &grant.key, unit, grant.parts.available);
    }
}

fn above_zero(amounts: &Amounts) -> Amounts {
    amounts.iter().filter(|(_, n)| *n > 0).map(|(unit, n)| (unit.clone(), n)).collect()
}
