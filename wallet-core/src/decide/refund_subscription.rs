//! RefundSubscription: ends a yearly subscription now and refunds the unused share of its price: the smaller of the
//! unused share of its credits and of its time. Running jobs continue.

use std::collections::BTreeMap;

use crate::catalog::Term;
use crate::decide::context::Context;
use crate::decide::periods::end_with_credits;
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::view::views::RefundedSubscriptionView;
use crate::wallet::Wallet;
use crate::wallet::grant::{Grant, Money, Origin, Parts};
use crate::wallet::payment::paid_for;
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::subscription::{Fraction, Subscription, SubscriptionRefund};

/// The command that refunds a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundSubscription {
    /// The idempotency key.
    pub request: RequestId,
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
        let fingerprint = Fingerprint::default();
        if replay_of_request(wallet, &self.request, EntryKind::SubscriptionRefunded, &fingerprint)? {
            return Ok(Verdict::replay(self.request.clone()));
        }
        let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
        let terms = what_goes_back(wallet, present, context.now).map_err(Rejection::NotRefundable)?;
        let mut decision = end_with_credits(wallet, present, context.now).because(&self.reason);
        if let Some(said) = &mut decision.entry {
            said.kind = EntryKind::SubscriptionRefunded;
        }
        if let Some(change) = &mut decision.change {
            change.profile.refunds.insert(self.request.clone(), terms);
        }
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), self.request.clone()))
    }
}

fn what_goes_back(
    wallet: &Wallet,
    present: &Subscription,
    now: Timestamp,
) -> Result<SubscriptionRefund, Unrefundable> {
    if present.sold.term != Term::YEAR {
        return Err(Unrefundable::Term);
    }
    let listed = present.sold.list_price.as_ref();
    let listed =
        listed.map(|price| Money { currency: price.currency.clone(), minor_units: price.minor_units });
    let paid =
        |period: u32| paid_for(&wallet.profile.payments, present.start_of(period)).or_else(|| listed.clone());
    let price = paid(present.period).ok_or(Unrefundable::NoPrice)?;
    let (start, end) = (present.period_start().as_micros(), present.period_end().as_micros());
    let unused_time = Fraction { numerator: (end - now.as_micros()).max(0), denominator: end - start };
    let unused_credits = unused_credits(wallet, present);
    let share = unused_time.min(unused_credits);
    // A period that has begun counts as paid.
    let ahead = present.paid.iter().filter_map(|period| paid(*period));
    let ahead = ahead.filter(|money| money.currency == price.currency);
    let ahead = ahead.map(|money| i128::from(money.minor_units)).sum::<i128>();
    let periods_ahead = u32::try_from(present.paid.len()).unwrap_or(u32::MAX);
    let minor_units = i128::from(price.minor_units) * i128::from(share.numerator)
        / i128::from(share.denominator.max(1))
        + ahead;
    // A list price may be the largest number that there is. Two of them are then that number too.
    let minor_units = i64::try_from(minor_units).unwrap_or(i64::MAX);
    let money = Money { currency: price.currency.clone(), minor_units };
    Ok(SubscriptionRefund { money, unused_credits, unused_time, periods_ahead })
}

/// Returns the share of the current period's credits that are neither charged nor held nor revoked. With several
/// units, the unit with the smallest share counts. Credits that are still to be issued, and expired ones, count as
/// unused.
fn unused_credits(wallet: &Wallet, present: &Subscription) -> Fraction {
    let mut units: BTreeMap<&UnitId, (i64, i64)> = BTreeMap::new();
    for (allowance, given) in present.sold.allowances.iter().zip(&present.given) {
        let to_come = present.windows(allowance, *given);
        let to_come = to_come.map(|window| allowance.share_of(&window)).sum::<i64>();
        units.entry(&allowance.unit).or_default().1 += to_come;
    }
    let of_period: BTreeMap<_, &Grant> = wallet
        .grants
        .iter()
        .filter(|(key, _)| key.origin == Origin::Period)
        .filter(|(_, grant)| {
            grant.source == Source::Subscription && present.is_in_period(grant.effective_time)
        })
        .collect();
    for grant in of_period.values() {
        units.entry(&grant.unit).or_default().1 += grant.amount;
    }
    let stems =
        |grant: &Grant| grant.details.stems_from.as_ref().is_some_and(|first| of_period.contains_key(first));
    for grant in wallet.grants.values().filter(|grant| of_period.contains_key(&grant.key) || stems(grant)) {
        let Parts { consumed, held, revoked, .. } = grant.parts;
        units.entry(&grant.unit).or_default().0 += consumed + held + revoked;
    }
    let shares = units.into_values().filter(|(_, total)| *total > 0);
    let shares =
        shares.map(|(used, total)| Fraction { numerator: (total - used).max(0), denominator: total });
    shares.fold(Fraction::WHOLE, Fraction::min)
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
