//! RefundTopUp: refunds a purchase by the rule of its pack: in full within a time after the payment, and while nothing
//! was charged; or the share of its price for the credits that are left.

use std::collections::BTreeMap;

use crate::catalog::{PartialRefund, RefundRule};
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::purchase::{PurchaseName, of_purchase};
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::ids::{RequestId, UnitId};
use crate::value::time::Timestamp;
use crate::view::views::{PurchaseSubject, RefundedPurchaseView};
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant, Origin};
use crate::wallet::refund::{Fraction, PurchaseRefund, RecordedRefund};
use crate::wallet::rejection::{Rejection, Unrefundable};

/// The command that refunds a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundTopUp {
    /// The idempotency key.
    pub request: RequestId,
    pub purchase: PurchaseName,
    /// The instant at which the customer requested the refund, as stated by the caller. Now by default.
    pub requested_time: Option<Timestamp>,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RefundTopUp {
    type View = RefundedPurchaseView;

    fn read_set(&self) -> ReadSet {
        ReadSet { purchase: Some(self.purchase.clone()), ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<PurchaseSubject>, Rejection> {
        let fingerprint =
            self.purchase.fingerprint(wallet).with("requested_time", self.requested_time.as_ref());
        let grants = of_purchase(wallet, &self.purchase);
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject = PurchaseSubject { request: self.request.clone(), grants: keys };
        if replay_of_request(wallet, &self.request, EntryKind::TopUpRefunded, &fingerprint)? {
            return Ok(Verdict::replay(subject));
        }
        self.purchase.check_one(wallet)?;
        let first = grants.first().ok_or(Rejection::TopUpNotFound)?;
        let paid = first.details.paid_time.unwrap_or(first.create_time);
        let requested_time = self.requested_time.unwrap_or(context.now);
        if requested_time > context.now {
            return Err(Rejection::field(
                "requested_time",
                format!("must not be after now, {}", context.now),
            ));
        }
        if requested_time < paid {
            return Err(Rejection::field(
                "requested_time",
                format!("must not be before the payment, {paid}"),
            ));
        }
        let recorded = first.paid_with().and_then(|subject| wallet.profile.recorded_refunds.get(&subject));
        let is_recorded = recorded.is_some_and(RecordedRefund::is_refunded);
        let is_charged_back = grants.iter().any(|grant| grant.clawback == Some(Clawback::ChargedBack));
        if is_recorded && !is_charged_back {
            return Err(Rejection::NotRefundable(Unrefundable::AlreadyRefunded));
        }
        let rule = first.details.refund.unwrap_or(RefundRule::PACK);
        let share = refundable_share(&grants, rule, rule.is_in_window(paid, requested_time));
        let share = share.map_err(Rejection::NotRefundable)?;
        let mut decision = Decision::of(EntryKind::TopUpRefunded, context.now).because(&self.reason);
        if let Share::Of(unused_credits) = share {
            let money = first.details.paid_amount.as_ref().map(|paid| unused_credits.of_money(paid));
            let mut change = Change::none(wallet);
            change
                .profile
                .purchase_refunds
                .insert(self.request.clone(), PurchaseRefund { money, unused_credits });
            decision.change = Some(change);
        }
        for grant in grants {
            for (part, amount) in
                [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
            {
                decision.move_in_grant(&grant.key, &grant.unit, part, Part::PaidOut, amount);
            }
            decision.clawback.push((grant.key.clone(), Clawback::Refunded));
        }
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject))
    }
}

/// The share of the price that a refund gives back.
enum Share {
    Whole,
    Of(Fraction),
}

/// Returns the share of the price to give back, or the reason against a refund. Reasons that are final come first.
fn refundable_share(grants: &[&Grant], rule: RefundRule, in_window: bool) -> Result<Share, Unrefundable> {
    let any = |part: fn(&Grant) -> i64| grants.iter().any(|grant| part(grant) > 0);
    let (used, held) = (any(|grant| grant.parts.consumed), any(|grant| grant.parts.held));
    match grants.iter().filter_map(|grant| grant.clawback).max() {
        Some(Clawback::ChargedBack) => return Err(Unrefundable::ChargedBack),
        Some(Clawback::Refunded) => return Err(Unrefundable::AlreadyRefunded),
        Some(Clawback::Revoked) => return Err(Unrefundable::Revoked),
        None if rule.is_none() => return Err(Unrefundable::NotOffered),
        None => {}
    }
    let left = unspent(grants);
    let is_partial = rule.partial == PartialRefund::Unused;
    match (in_window, is_partial) {
        (true, _) if !rule.only_unused || !(used || held) => Ok(Share::Whole),
        (false, false) => Err(Unrefundable::TooLate),
        (true, false) if used => Err(Unrefundable::CreditsUsed),
        (_, true) if left.numerator == 0 && !held => Err(Unrefundable::CreditsUsed),
        _ if held => Err(Unrefundable::HoldsOutstanding),
        _ => Ok(Share::Of(left)),
    }
}

/// Returns the share of a purchase's credits that are left, of the unit with the smallest share. Expired credits are
/// lost; those that came back as grace credits are left.
fn unspent(grants: &[&Grant]) -> Fraction {
    let mut units: BTreeMap<&UnitId, (i64, i64)> = BTreeMap::new();
    for grant in grants {
        let (left, total) = units.entry(&grant.unit).or_default();
        *left += grant.parts.available + grant.parts.pending;
        *total += if grant.key.origin == Origin::TopUp { grant.amount } else { 0 };
    }
    let shares = units.into_values().filter(|(_, total)| *total > 0);
    let shares = shares.map(|(left, total)| Fraction { numerator: left.min(total), denominator: total });
    shares.fold(Fraction::WHOLE, Fraction::min)
}
