//! The values that requests are made of: amounts, money, payments, operations, thresholds, entitlements.

use std::time::Duration;

use super::wire_duration;
use crate::v1::matcher::Accepts;
use crate::v1::succeeded::Cost;
use crate::v1::{
    ActualAmounts, Amount, AnyOf, AsReserved, Entitlement, EntitlementSet, ExplicitPrice, ExternalRef,
    Failure, LowBalance, Matcher, Money, Operation, PlanOverrides, StartOptions, Succeeded, Term, TermUnit,
    Threshold, Usage, UsageDimension, UsageGroupBy, WholeNumbers, threshold,
};

impl Amount {
    /// An amount in the minor units of `unit`: 1250 is 12.50 of a unit with scale 2.
    ///
    /// ```
    /// use wallet_proto::v1::Amount;
    ///
    /// let amount = Amount::new("credits", 1250);
    /// assert_eq!((amount.unit.as_str(), amount.amount), ("credits", 1250));
    /// ```
    pub fn new(unit: impl Into<String>, minor_units: i64) -> Self {
        Self { unit: unit.into(), amount: minor_units, display: String::new() }
    }
}

impl Money {
    /// Money in the minor units (cents) of an ISO 4217 currency: `Money::new("EUR", 999)` is 9.99 euros.
    pub fn new(currency: impl Into<String>, minor_units: i64) -> Self {
        Self { currency: currency.into(), minor_units }
    }
}

impl Term {
    /// A count of a unit of the calendar: `Term::new(TermUnit::Month, 3)`. The count of `ONCE` is 1.
    pub fn new(unit: TermUnit, count: i32) -> Self {
        Self { unit: unit.into(), count }
    }
}

impl ExternalRef {
    /// A payment by its provider and the provider's id: `ExternalRef::new("stripe", "pi_3Nx")`.
    pub fn new(provider: impl Into<String>, id: impl Into<String>) -> Self {
        Self { provider: provider.into(), id: id.into() }
    }
}

impl Operation {
    /// An operation of this kind, without attributes and quantities.
    ///
    /// ```
    /// use wallet_proto::v1::Operation;
    ///
    /// let images = Operation::new("image.generate").attribute("model", "fast").quantity("count", "4");
    /// assert_eq!(images.attributes["model"], "fast");
    /// assert_eq!(images.quantities["count"], "4");
    /// ```
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Default::default() }
    }

    /// Sets an attribute: an exact string that price rules and entitlements match.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Sets a quantity: an exact decimal such as `"7.5"`, not negative.
    #[must_use]
    pub fn quantity(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.quantities.insert(name.into(), value.into());
        self
    }
}

impl ExplicitPrice {
    /// The caller's own price, at least one unit. Settle may charge at most these amounts.
    pub fn new(amounts: impl IntoIterator<Item = Amount>) -> Self {
        Self { amounts: amounts.into_iter().collect(), ..Default::default() }
    }

    /// Sets the most that Settle may charge, not below the reserved amounts. Default: the reserved amounts.
    #[must_use]
    pub fn with_max_amounts(mut self, max_amounts: impl IntoIterator<Item = Amount>) -> Self {
        self.max_amounts = max_amounts.into_iter().collect();
        self
    }

    /// Records the operation with the reservation. It is not priced.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }
}

impl StartOptions {
    /// The first attempt of `worker`, with the lease of the price rule.
    pub fn new(worker: impl Into<String>) -> Self {
        Self { worker: worker.into(), ..Default::default() }
    }

    /// Sets the attempt, a number that the queue raises with each delivery of the job. Default 1.
    #[must_use]
    pub fn with_attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the lease, 1 s to 7 days. Zero is no lease: the hold keeps its time to live and needs no heartbeat.
    /// Default: the lease of the price rule, or none.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = Some(wire_duration(lease));
        self
    }
}

impl Succeeded {
    /// A job that cost what was reserved.
    pub fn as_reserved() -> Self {
        Self { cost: Some(Cost::AsReserved(AsReserved {})) }
    }

    /// A job with these quantities, priced by the rule that was fixed at Reserve. Quantities that are not named stay
    /// as reserved.
    ///
    /// ```
    /// use wallet_proto::v1::{Succeeded, succeeded::Cost};
    ///
    /// let three_images = Succeeded::usage([("count", "3")]);
    /// assert!(matches!(three_images.cost, Some(Cost::Usage(_))));
    /// ```
    pub fn usage<N: Into<String>, V: Into<String>>(quantities: impl IntoIterator<Item = (N, V)>) -> Self {
        let quantities = quantities.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { cost: Some(Cost::Usage(Usage { quantities })) }
    }

    /// A job with a cost that the caller computed. Only reserved units may occur; those that are not named cost 0.
    pub fn amounts(amounts: impl IntoIterator<Item = Amount>) -> Self {
        Self { cost: Some(Cost::Amounts(ActualAmounts { amounts: amounts.into_iter().collect() })) }
    }
}

impl Failure {
    /// A failure with the platform's own code, for example `"CUDA_OOM"`, and a message of at most 1,024 bytes.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl Threshold {
    /// A balance below this many minor units is low. 0: never.
    pub fn amount(minor_units: i64) -> Self {
        Self { threshold: Some(threshold::Threshold::Amount(minor_units)) }
    }

    /// A balance below this percentage of the amount that the subscription gives at a time is low. 0 to 100.
    pub fn percent(percent: i32) -> Self {
        Self { threshold: Some(threshold::Threshold::Percent(percent)) }
    }
}

impl LowBalance {
    /// The thresholds of one unit, at most 8. Without any, those of the wallet's plan apply.
    pub fn new(unit: impl Into<String>, thresholds: impl IntoIterator<Item = Threshold>) -> Self {
        Self { unit: unit.into(), thresholds: thresholds.into_iter().collect() }
    }
}

impl UsageGroupBy {
    /// One group per value of this dimension. For labels use [`UsageGroupBy::label`].
    pub fn new(dimension: UsageDimension) -> Self {
        Self { dimension: dimension.into(), label: String::new() }
    }

    /// One group per value of the label with this key.
    pub fn label(key: impl Into<String>) -> Self {
        Self { dimension: UsageDimension::Label.into(), label: key.into() }
    }
}

impl PlanOverrides {
    /// Adds a negotiated allowance, which replaces the plan's allowance of its unit. 0 is none.
    #[must_use]
    pub fn allowance(mut self, amount: Amount) -> Self {
        self.allowances.push(amount);
        self
    }

    /// Sets a negotiated limit, not negative.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, maximum: i64) -> Self {
        self.limits.insert(name.into(), maximum);
        self
    }

    /// Sets the rank, which decides whether a plan change is an upgrade. Not negative. Default: the plan's.
    #[must_use]
    pub fn with_rank(mut self, rank: i32) -> Self {
        self.rank = Some(rank);
        self
    }

    /// Sets the operations that are allowed, instead of all entitlements of the plan.
    #[must_use]
    pub fn with_entitlements(mut self, entitlements: impl IntoIterator<Item = Entitlement>) -> Self {
        self.entitlements = Some(EntitlementSet { entitlements: entitlements.into_iter().collect() });
        self
    }
}

impl Entitlement {
    /// All operations whose kind matches.
    ///
    /// ```
    /// use wallet_proto::v1::{Entitlement, Matcher};
    ///
    /// let short_videos = Entitlement::new(Matcher::prefix("video."))
    ///     .attribute("model", Matcher::any_of(["standard", "fast"]))
    ///     .max("duration_s", "10");
    /// assert_eq!(short_videos.max["duration_s"], "10");
    /// ```
    pub fn new(kind: Matcher) -> Self {
        Self { kind: Some(kind), ..Default::default() }
    }

    /// Requires an attribute with a matching value.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: Matcher) -> Self {
        self.attributes.insert(name.into(), value);
        self
    }

    /// Caps a quantity of one operation, an exact decimal such as `"30"`.
    #[must_use]
    pub fn max(mut self, quantity: impl Into<String>, maximum: impl Into<String>) -> Self {
        self.max.insert(quantity.into(), maximum.into());
        self
    }
}

impl Matcher {
    /// Accepts exactly these strings.
    pub fn any_of<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { accepts: Some(Accepts::AnyOf(AnyOf { values })) }
    }

    /// Accepts strings that begin with `prefix`; `""` accepts every string.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { accepts: Some(Accepts::Prefix(prefix.into())) }
    }

    /// Accepts whole numbers from `min` to `max`, both included.
    pub fn whole_numbers(min: i64, max: i64) -> Self {
        Self { accepts: Some(Accepts::WholeNumbers(WholeNumbers { min, max })) }
    }
}
