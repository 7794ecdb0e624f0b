//! RefundSubscription: ends a subscription now and refunds its price by the rule of its plan: in full within a time after
//! the payment, and while nothing is used; or the smaller of the unused shares of its credits and of its time. Running
//! jobs continue.

use std::collections::BTreeMap;

use crate::catalog::{PartialRefund, RefundRule};
use crate::decide::context::Context;
use crate::decide::periods::end_refunded;
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, UnitId};
use crate::value::payment_subject::PaymentSubject;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::view::views::RefundedSubscriptionView;
use crate::wallet::Wallet;
use crate::wallet::grant::{Grant, Money, Origin, Parts};
use crate::wallet::payment::{PeriodPrice, is_refunded_ahead, refund_unstarted};
use crate::wallet::refund::{Fraction, RecordedRefund, SubscriptionRefund};
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::subscription::{Standing, Subscription};

/// The command that refunds a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundSubscription {
    /// The idempotency key.
    pub request: RequestId,
    /// The instant at which the customer requested the refund, as stated by the caller. Now by default.
    pub requested_time: Option<Timestamp>,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RefundSubscription {
    type View = RefundedSubscriptionView;

    fn read_set(&self) -> ReadSet {
        ReadSet { period: true, ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<RequestId>, Rejection> {
        let fingerprint = Fingerprint::default().with("requested_time", self.requested_time.as_ref());
        if replay_of_request(wallet, &self.request, EntryKind::SubscriptionRefunded, &fingerprint)? {
            return Ok(Verdict::replay(self.request.clone()));
        }
        let present = wallet.profile.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
        if present.is_paused() {
            return Err(Rejection::SubscriptionPaused);
        }
        let requested_time = self.requested_time.unwrap_or(context.now);
        if requested_time > context.now {
            let text = format!("must not be after now, {}", context.now);
            return Err(Rejection::field("requested_time", text));
        }
        if requested_time < present.paid_time() {
            let text = format!("must not be before the payment of the period, {}", present.paid_time());
            return Err(Rejection::field("requested_time", text));
        }
        let terms = compute_refund(wallet, present, requested_time, context.now);
        let terms = terms.map_err(Rejection::NotRefundable)?;
        let mut decision = end_refunded(wallet, present, context.now).because(&self.reason);
        if let Some(entry) = &mut decision.entry {
            entry.kind = EntryKind::SubscriptionRefunded;
        }
        if let Some(change) = &mut decision.change {
            refund_unstarted(&mut change.profile.payments, present.id, &terms.money.currency);
            change.profile.refunds.insert(self.request.clone(), terms);
        }
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), self.request.clone()))
    }
}

fn compute_refund(
    wallet: &Wallet,
    present: &Subscription,
    requested_time: Timestamp,
    now: Timestamp,
) -> Result<SubscriptionRefund, Unrefundable> {
    let rule = present.sold.refund.unwrap_or(RefundRule::of_term(present.sold.term));
    if rule.is_none() {
        return Err(Unrefundable::NotOffered);
    }
    // A provisional period has no payment yet.
    if present.standing == Standing::Provisional {
        return Err(Unrefundable::Unpaid);
    }
    let payment = PaymentSubject::Period(present.period_id());
    if wallet.profile.chargebacks.contains_key(&payment) {
        return Err(Unrefundable::ChargedBack);
    }
    let recorded = wallet.profile.recorded_refunds.get(&payment);
    // A period that renews by the clock begins although its payment went back.
    let is_refunded_ahead = is_refunded_ahead(&wallet.profile.payments, present.period_id());
    if is_refunded_ahead || recorded.is_some_and(RecordedRefund::is_refunded) {
        return Err(Unrefundable::AlreadyRefunded);
    }
    let price_of = |period| present.price_of(present.start_of(period), &wallet.profile.payments);
    let PeriodPrice { whole, paid, listed: _ } = price_of(present.period).ok_or(Unrefundable::NoPrice)?;
    let credits = credits_of_period(wallet, present);
    let (unused_time, unused_credits) = (unused_time(present, now), credits.unused);
    let in_window = rule.is_in_window(present.paid_time(), requested_time);
    let in_full = in_window && !(rule.only_unused && (credits.used || credits.held));
    let share = match rule.partial {
        _ if in_full => Fraction::WHOLE,
        PartialRefund::Unused => unused_time.min(unused_credits),
        PartialRefund::None if !in_window => return Err(Unrefundable::TooLate),
        PartialRefund::None if credits.used => return Err(Unrefundable::CreditsUsed),
        PartialRefund::None => return Err(Unrefundable::HoldsOutstanding),
    };
    // A period that has begun counts as paid.
    let ahead = present.paid.iter().filter_map(|period| price_of(*period));
    let ahead = ahead.filter(|price| price.whole.currency == whole.currency);
    let ahead = ahead.map(|price| i128::from(price.paid)).sum::<i128>();
    let periods_ahead = u32::try_from(present.paid.len()).unwrap_or(u32::MAX);
    let of_present = if in_full { paid } else { share.of_money(&whole).minor_units.min(paid) };
    let minor_units = i128::from(of_present) + ahead;
    // A list price may be as large as the type allows; a sum that no longer fits stays at that limit.
    let minor_units = i64::try_from(minor_units).unwrap_or(i64::MAX);
    let money = Money { currency: whole.currency, minor_units };
    let period = present.period_id();
    Ok(SubscriptionRefund { money, in_full, unused_credits, unused_time, periods_ahead, period })
}

/// Returns the share of the present period that is left, the whole of one without an end.
fn unused_time(present: &Subscription, now: Timestamp) -> Fraction {
    if present.sold.term.is_once() {
        return Fraction::WHOLE;
    }
    let (start, end) = (present.period_start().as_micros(), present.period_end().as_micros());
    Fraction { numerator: (end - now.as_micros()).max(0), denominator: end - start }
}

/// The use of the credits of the present period.
struct PeriodCredits {
    /// The share that is neither charged nor held nor revoked, of the unit with the smallest share. Credits that are
    /// still to be issued, and expired ones, count as unused.
    unused: Fraction,
    /// True if any are charged or revoked.
    used: bool,
    held: bool,
}

fn credits_of_period(wallet: &Wallet, present: &Subscription) -> PeriodCredits {
    let mut credits = PeriodCredits { unused: Fraction::WHOLE, used: false, held: false };
    let mut units: BTreeMap<&UnitId, (i128, i128)> = BTreeMap::new();
    for (allowance, given) in present.sold.allowances.iter().zip(&present.given) {
        let to_come = present.windows(allowance, *given);
        let to_come = to_come.map(|window| i128::from(allowance.share_of(&window))).sum::<i128>();
        units.entry(&allowance.unit).or_default().1 += to_come;
    }
    let of_period: BTreeMap<_, &Grant> = wallet
        .grants
        .iter()
        .filter(|(key, _)| key.origin == Origin::Period)
        .filter(|(_, grant)| {
            let is_of_plan = grant.source == Source::Subscription || present.gave_once(grant);
            let is_own = grant.key.sale().is_some_and(|sale| sale >= present.id);
            let is_given = present.is_in_period(grant.effective_time) && !wallet.profile.gave_unpaid(grant);
            is_of_plan && is_own && is_given
        })
        .collect();
    for grant in of_period.values() {
        units.entry(&grant.unit).or_default().1 += i128::from(grant.amount);
    }
    let stems =
        |grant: &Grant| grant.details.stems_from.as_ref().is_some_and(|first| of_period.contains_key(first));
    for grant in wallet.grants.values().filter(|grant| of_period.contains_key(&grant.key) || stems(grant)) {
        let Parts { consumed, held, revoked, .. } = grant.parts;
        credits.used |= consumed + revoked > 0;
        credits.held |= held > 0;
        units.entry(&grant.unit).or_default().0 += i128::from(consumed + held + revoked);
    }
    let shares = units.into_values().filter(|(_, total)| *total > 0);
    let shares = shares.map(|(used, total)| Fraction::of((total - used).max(0), total));
    credits.unused = shares.fold(Fraction::WHOLE, Fraction::min);
    credits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_compared_exactly() {
        let of = |numerator, denominator| Fraction { numerator, denominator };
        assert_eq!(of(1, 3).min(of(333_333, 1_000_000)), of(333_333, 1_000_000));
        assert_eq!(of(1, 3).min(of(2, 6)), of(1, 3));
        assert_eq!(Fraction::WHOLE.min(of(0, 7)), of(0, 7));
        let large = of(53 * 1_000_000_000_000_000 - 1, 53 * 1_000_000_000_000_000);
        assert_eq!(Fraction::WHOLE.min(large), large);
    }
}
