//! The profile of a wallet: the properties that rarely change, and the questions about them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::catalog::Threshold;
use crate::value::ids::{OriginId, RequestId, UnitId};
use crate::value::payment_subject::{PaymentSubject, PeriodId};
use crate::value::time::Timestamp;
use crate::value::wallet_status::WalletStatus;
use crate::wallet::alerts::Alerts;
use crate::wallet::auto_top_up::AutoTopUp;
use crate::wallet::free_credits::FreeCredits;
use crate::wallet::grant::{Grant, Money};
use crate::wallet::payment::{self, Payment, PeriodPrice, end_later_periods};
use crate::wallet::refund::{Chargeback, MoneyBack, PurchaseRefund, RecordedRefund, SubscriptionRefund};
use crate::wallet::subscription::{Standing, Subscription};

/// The properties of a wallet that rarely change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The name that people see.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The fingerprint of the command that made the wallet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
    /// The subscription, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Box<Subscription>>,
    /// The number of sales so far, which numbers the subscriptions.
    pub sales: u32,
    /// The refunds of subscriptions, by request: entries contain no money.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<RequestId, SubscriptionRefund>,
    /// The refunds of a share of a purchase, by request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub purchase_refunds: BTreeMap<RequestId, PurchaseRefund>,
    /// The refunds that the payment provider has made, by the subject of their payment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub recorded_refunds: BTreeMap<PaymentSubject, RecordedRefund>,
    /// The facts of replies to recorded refunds and chargebacks, by request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub money_back: BTreeMap<RequestId, MoneyBack>,
    /// The chargebacks that were not withdrawn, by the subject of their payment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub chargebacks: BTreeMap<PaymentSubject, Chargeback>,
    /// The last payments for periods that have a reference or an amount, the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// The periods that ended without their payment. They began before it, because their plan renews provisionally.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unpaid_periods: BTreeMap<PeriodId, UnpaidPeriod>,
    /// True if the once-only allowance of a plan was granted. The default plan grants it once in the life of a wallet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub once_allowance_granted: bool,
    /// The trials that the wallet has had.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub trials: BTreeSet<String>,
    /// The credits that a default plan with a term gives while no subscription runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<FreeCredits>,
    /// The alerts without a subscription: those of the default plan, updated from the catalog with every command.
    #[serde(skip_serializing_if = "Alerts::is_empty")]
    pub alerts: Alerts,
    /// The wallet's own thresholds, per unit; they take precedence over those of the plan.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub low_balance: BTreeMap<UnitId, Vec<Threshold>>,
    /// The thresholds, per unit, for which a notification was given and above which the balance has not risen by 10 %
    /// since. 0 stands for an exhausted balance that has not risen above 0 since.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub notified: BTreeMap<UnitId, BTreeSet<i64>>,
    /// The auto top-up, once it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_top_up: Option<Box<AutoTopUp>>,
}

/// A period that has ended without its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpaidPeriod {
    /// The last sale that gave credits for it without a payment.
    pub sale: u32,
    /// True if the period was paid afterwards. The payment is for the credits of later sales.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paid_later: bool,
}

impl Profile {
    /// Returns the subscription unless it is paused.
    pub fn running(&self) -> Option<&Subscription> {
        self.subscription.as_deref().filter(|subscription| !subscription.is_paused())
    }

    /// Sets the subscription. A provisional period that ends with the old one is remembered as unpaid, unless the new one
    /// pays it; a period that the new one pays is not unpaid any more. Periods that are counted from another anchor do
    /// not come.
    pub(crate) fn replace_subscription(&mut self, next: Option<Subscription>) {
        let provisional = |present: &&Subscription| present.standing == Standing::Provisional;
        let of_period = |sub: &Subscription| (sub.first, sub.period_start());
        if let Some(present) = self.subscription.as_deref().filter(provisional) {
            let is_present = |next: &Subscription| of_period(next) == of_period(present);
            if !next.as_ref().is_some_and(is_present) {
                let unpaid = UnpaidPeriod { sale: present.number, paid_later: false };
                self.unpaid_periods.insert(present.period_id(), unpaid);
            }
        }
        if let Some(paid) = next.as_ref().filter(|next| next.standing == Standing::Active) {
            payment::mark_begun(&mut self.payments, paid.period_id());
            if let Some(unpaid) = self.unpaid_periods.get_mut(&paid.period_id()) {
                unpaid.paid_later = true;
            }
        }
        let is_other =
            |next: &&Subscription| self.subscription.as_deref().is_some_and(|it| it.first != next.first);
        if let Some(next) = next.as_ref().filter(is_other) {
            end_later_periods(&mut self.payments, next.id, next.anchor);
        }
        if next.is_none() {
            self.end_payments_ahead();
        }
        self.subscription = next.map(Box::new);
    }

    /// Marks the payments for later periods of the subscription, which ends before them. They keep their prices.
    fn end_payments_ahead(&mut self) {
        let Some(ended) = &self.subscription else { return };
        for start in ended.paid.iter().map(|period| ended.start_of(*period)) {
            let price = ended.price_of(start, &self.payments);
            let price = price.map(|PeriodPrice { whole, paid, .. }| Money { minor_units: paid, ..whole });
            payment::end_before(&mut self.payments, ended.period_id_at(start), price);
        }
    }

    /// Returns the last sale that gave credits for a period without its payment, which came later; 0 if there is none.
    pub(crate) fn unpaid_sale(&self, payment: &PaymentSubject) -> u32 {
        let PaymentSubject::Period(period) = payment else { return 0 };
        let unpaid = self.unpaid_periods.get(period).filter(|unpaid| unpaid.paid_later);
        unpaid.map_or(0, |unpaid| unpaid.sale)
    }

    /// Returns whether the credits of a grant were given for a period without its payment, before it ended unpaid.
    pub fn gave_unpaid(&self, grant: &Grant) -> bool {
        let unpaid = grant.details.period.and_then(|period| self.unpaid_periods.get(&period));
        unpaid.is_some_and(|unpaid| grant.first_sale().is_some_and(|sale| sale <= unpaid.sale))
    }

    /// Returns the period that was paid with this reference of the payment provider, the last one that names it, if it is
    /// remembered.
    pub(crate) fn period_paid_with(&self, reference: &OriginId) -> Option<PeriodId> {
        let paid = self.payments.iter().rfind(|payment| payment.has_reference(reference));
        paid.map(|payment| payment.period)
    }

    /// Returns the period that a request names by the reference of a payment: as it was when the request was carried out first,
    /// otherwise [`Self::period_paid_with`] or, after the payment was forgotten, the last period that it named.
    pub(crate) fn period_named_by(&self, request: &RequestId, reference: &OriginId) -> Option<PeriodId> {
        let named = self.periods_named_by(reference);
        let before = self.money_back.get(request).and_then(|before| before.period);
        let before = before.filter(|before| named.contains(before));
        before.or_else(|| self.period_paid_with(reference)).or_else(|| named.last().copied())
    }

    /// Returns the periods that this reference of the payment provider names, or named when their money went back.
    pub fn periods_named_by(&self, reference: &OriginId) -> BTreeSet<PeriodId> {
        let before = self.money_back.values().filter(|before| before.references.contains(reference));
        before.filter_map(|before| before.period).chain(self.period_paid_with(reference)).collect()
    }

    /// Returns whether a refund of a payment was recorded, also one that failed. A chargeback keeps a record too,
    /// without a total.
    pub(crate) fn has_recorded_refund(&self, payment: &PaymentSubject) -> bool {
        self.recorded_refunds.get(payment).is_some_and(|record| record.total.is_some())
    }

    /// Returns the facts of the reply to a request about money of a period that went back or returned.
    pub(crate) fn money_back_of(&self, period: PeriodId) -> MoneyBack {
        let payments = self.payments.iter().filter(|payment| payment.period == period);
        let references = payments.filter_map(|payment| payment.paid.reference.as_ref());
        let before = self.money_back.values().filter(|before| before.period == Some(period));
        let references = references.chain(before.flat_map(|before| &before.references));
        MoneyBack { period: Some(period), references: references.cloned().collect(), ..MoneyBack::default() }
    }

    /// Returns whether a period began without its payment, and has not been paid since.
    pub fn is_unpaid(&self, period: PeriodId) -> bool {
        let provisional = |sub: &Subscription| sub.standing == Standing::Provisional;
        let present = self.subscription.as_deref().filter(|present| provisional(present));
        let is_present = present.is_some_and(|present| present.period_id() == period);
        is_present || self.unpaid_periods.get(&period).is_some_and(|unpaid| !unpaid.paid_later)
    }

    /// Returns the alerts of the wallet's plan.
    pub fn alerts(&self) -> &Alerts {
        self.running().map_or(&self.alerts, |subscription| &subscription.sold.alerts)
    }

    /// Returns the instant of the next due event of the profile of a wallet with this status: of its subscription, of
    /// its free credits, or of its auto top-up.
    pub fn next_time(&self, status: WalletStatus) -> Timestamp {
        let next = self.subscription.as_deref().map(Subscription::next_time);
        let auto_top_up = self.auto_top_up_time();
        next.into_iter()
            .chain(self.next_free_credits(status))
            .chain(auto_top_up)
            .min()
            .unwrap_or(Timestamp::NEVER)
    }

    /// Returns the instant at which a purchase of the auto top-up becomes due without a command.
    pub fn auto_top_up_time(&self) -> Option<Timestamp> {
        self.auto_top_up.as_ref()?.due_time
    }

    /// Returns the instant at which the default plan grants credits again: none while a subscription runs.
    pub fn next_free_credits(&self, status: WalletStatus) -> Option<Timestamp> {
        let is_given = self.running().is_none() && status != WalletStatus::Closed;
        self.free.as_ref().filter(|_| is_given).map(FreeCredits::next_time)
    }

    /// Returns the thresholds of a unit in minor units: the wallet's own, otherwise those of its plan. A percentage
    /// is one of the amount that was sold.
    pub fn thresholds(&self, unit: &UnitId) -> BTreeSet<i64> {
        let Some(thresholds) = self.low_balance.get(unit).or_else(|| self.alerts().low.get(unit)) else {
            return BTreeSet::new();
        };
        let sold = self.running().into_iter().flat_map(|subscription| &subscription.sold.allowances);
        let given = sold.filter(|allowance| allowance.unit == *unit).map(|allowance| allowance.amount).sum();
        thresholds.iter().map(|threshold| threshold.of(given)).collect()
    }
}
