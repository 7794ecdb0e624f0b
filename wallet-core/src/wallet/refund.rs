//! Records of refunded money: the refund of a share of a purchase, a refund that the payment provider made, and a
//! chargeback.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::value::amount::Amounts;
use crate::value::ids::{OriginId, UnitId};
use crate::value::payment_subject::PeriodId;
use crate::value::stored::is_default;
use crate::wallet::grant::{Clawback, Grant, GrantKey, Money};
use crate::wallet::raises::Raises;

/// The refund of a share of a purchase, as it was computed: entries contain no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRefund {
    /// The unused share of the price, rounded down; none if the price is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// The unused share of the purchase's credits, of the unit with the lowest share.
    pub unused_credits: Fraction,
}

/// The refund of a purchase or of a period that the payment provider has made, in one or several parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRefund {
    /// The money that went back so far, in all parts. None if the payment was charged back and nothing was refunded
    /// before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The share of the payment that went back: the whole, if it was charged back.
    pub share: Fraction,
    /// The treatment of credits that were used beyond those that are still paid.
    pub used: UsedCredits,
    /// The credits that are charged or held but no longer paid, per unit. They are clawed back when they return.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub claims: Amounts,
    /// The part of them that became debt, per unit.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub owed: Amounts,
    /// The last sale of a plan whose credits it concerns; 0 for a purchase. An upgrade within the period is paid for by
    /// a payment of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sale: u32,
    /// The last sale that gave credits for the period without its payment; 0 if there is none. It concerns none of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unpaid_sale: u32,
    /// The credits of the period's windows to come that are no longer paid, per unit. The last windows are withheld
    /// first.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub withheld: Amounts,
    /// The other refunded credits, per unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub raises: BTreeMap<UnitId, Raises>,
    /// The credits that the period was to give, per unit, its windows to come included. It does not become smaller when
    /// windows are cancelled: these count as refunded first.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub bought: Amounts,
}

impl RecordedRefund {
    /// Returns whether any money was refunded, as far as the total shows.
    pub(crate) fn is_refunded(&self) -> bool {
        self.total.as_ref().is_some_and(|total| total.minor_units > 0)
    }

    /// Returns whether its claims concern a grant of its purchase or period.
    pub(crate) fn concerns(&self, grant: &Grant) -> bool {
        grant.first_sale().is_none_or(|sale| self.unpaid_sale < sale && sale <= self.sale)
    }

    /// Returns the held credits of a unit that jobs cannot be charged for: they become debt if they are used.
    pub(crate) fn claims_of_holds(&self, unit: &str) -> i64 {
        match self.used {
            UsedCredits::Forgive => 0,
            UsedCredits::Owe => self.claims.get(unit) - self.owed.get(unit),
        }
    }

    /// Takes the part of a new window of `amount` that the windows after it, which have `left` together, cannot
    /// provide.
    pub(crate) fn withhold(&mut self, unit: &UnitId, amount: i64, left: i64) -> i64 {
        let part = (self.withheld.get(unit.as_str()) - left).clamp(0, amount);
        self.withheld = less(&self.withheld, unit, part);
        if part > 0 {
            self.raises.entry(unit.clone()).or_default().begin_with(part);
        }
        part
    }

    /// Takes up to `amount` of the claims of a unit. Returns the part that was taken, and the debt that it ends if the
    /// credits had been charged.
    pub(crate) fn take(&mut self, unit: &UnitId, amount: i64, was_charged: bool) -> (i64, i64) {
        let taken = amount.min(self.claims.get(unit.as_str()));
        let forgiven = if was_charged { taken.min(self.owed.get(unit.as_str())) } else { 0 };
        self.claims = less(&self.claims, unit, taken);
        self.owed = less(&self.owed, unit, forgiven);
        (taken, forgiven)
    }
}

/// The treatment of credits that were used before their price was refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UsedCredits {
    /// The customer owes nothing for them.
    Forgive,
    /// They become debt.
    Owe,
}

/// Returns the amounts with `amount` less of a unit. Units without an amount are not named.
fn less(amounts: &Amounts, unit: &UnitId, amount: i64) -> Amounts {
    let left = |(of, n): (&UnitId, i64)| (of.clone(), if of == unit { n - amount } else { n });
    amounts.iter().map(left).collect::<Amounts>().above_zero()
}

/// The facts about a chargeback that its withdrawal needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chargeback {
    /// True if the wallet is suspended for it and for no other reason than chargebacks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspends: bool,
    /// The other clawbacks of the purchase's grants, from before the chargeback or since. Credits of grants without
    /// one return.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<GrantKey, Clawback>,
    /// The refund of the period that was recorded before, as it would be without the chargeback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<RecordedRefund>,
    /// The credits of the period that were taken because of the chargeback, per unit. They return with its withdrawal. Less
    /// than 0 if the refund alone would have taken more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken: BTreeMap<UnitId, i64>,
}

impl Chargeback {
    /// Counts credits that were taken when they returned from a job or a charge.
    pub(crate) fn count_taken(&mut self, grant: &Grant, amount: i64, was_charged: bool) {
        let before = self.before.as_mut().filter(|before| before.concerns(grant));
        let anyway = before.map_or(0, |before| before.take(&grant.unit, amount, was_charged).0);
        self.add_taken(&grant.unit, amount - anyway);
    }

    /// Counts the part of a new window that was withheld. `left` is that of [`RecordedRefund::withhold`], `first` the first
    /// sale of the subscription.
    pub(crate) fn count_withheld(&mut self, window: &Grant, first: u32, left: i64, part: i64) {
        let before = self.before.as_mut().filter(|before| first <= before.sale);
        let anyway = before.map_or(0, |before| before.withhold(&window.unit, window.amount, left));
        self.add_taken(&window.unit, part - anyway);
    }

    fn add_taken(&mut self, unit: &UnitId, amount: i64) {
        if amount != 0 {
            *self.taken.entry(unit.clone()).or_default() += amount;
        }
    }
}

/// The facts of a RecordRefund, a RecordChargeback or a ReverseChargeback that its replays need. Entries contain
/// neither money nor windows to come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyBack {
    /// The period of the payment. A subscription that is sold later may have one with the same start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<PeriodId>,
    /// The references of the payments for the period. A payment that is forgotten or carried over later goes on to name the
    /// period in replays of this request, and in later requests about the same money.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub references: BTreeSet<OriginId>,
    /// The money that went back so far, in all parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The amounts that windows to come of the period would not give.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub withheld: Amounts,
}

/// The refund of a subscription, and how it was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRefund {
    /// The price in full, or the lower of the two shares of it, rounded down; plus the price of every period paid
    /// ahead.
    pub money: Money,
    /// True if the price of the present period is refunded in full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_full: bool,
    /// The unused share of the period's credits, of the unit with the lowest share.
    pub unused_credits: Fraction,
    /// The unused share of the period's time.
    pub unused_time: Fraction,
    /// The number of periods that were paid and had not begun.
    pub periods_ahead: u32,
    /// The period that was the present one.
    pub period: PeriodId,
}

/// A share: `numerator` of `denominator`, neither below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fraction {
    pub numerator: i64,
    pub denominator: i64,
}

impl Fraction {
    pub const WHOLE: Fraction = Fraction { numerator: 1, denominator: 1 };
    pub const NONE: Fraction = Fraction { numerator: 0, denominator: 1 };

    /// Returns the share of `part` in `whole`, neither below zero nor above `whole`. A whole of more than 63 bits loses
    /// its last bits, and the part as many.
    pub(crate) fn of(part: i128, whole: i128) -> Fraction {
        let lost_bits = (i128::BITS - whole.leading_zeros()).saturating_sub(i64::BITS - 1);
        let narrow = |n: i128| i64::try_from(n >> lost_bits).unwrap_or(i64::MAX);
        Fraction { numerator: narrow(part), denominator: narrow(whole) }
    }

    /// Returns this share of an amount of money, rounded down.
    pub fn of_money(self, money: &Money) -> Money {
        let share =
            i128::from(money.minor_units) * i128::from(self.numerator) / i128::from(self.denominator.max(1));
        Money { minor_units: i64::try_from(share).unwrap_or(i64::MAX), ..money.clone() }
    }

    /// Returns the lower share, compared exactly; `self` if they are equal.
    #[must_use]
    pub fn min(self, other: Fraction) -> Fraction {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        let is_lower =
            product(other.numerator, self.denominator) < product(self.numerator, other.denominator);
        if is_lower { other } else { self }
    }
}
