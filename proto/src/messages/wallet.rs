//! The requests of `WalletService`.

use std::time::Duration;

use prost_types::Timestamp;

use super::wire_duration;
use crate::v1::reserve_request::Price;
use crate::v1::settle_request::Outcome;
use crate::v1::top_up_request::What;
use crate::v1::{
    Amount, CancelReason, CancelRequest, EstimateManyRequest, EstimateRequest, ExplicitPrice, ExtendRequest,
    ExternalRef, Failure, GetBalanceRequest, GetEntitlementsRequest, GetReservationRequest,
    ListEntriesRequest, ListGrantsRequest, ListReservationsRequest, Money, Operation, ReservationState,
    ReserveRequest, SettleRequest, StartOptions, StartRequest, Succeeded, SummarizeUsageRequest,
    TopUpRequest, UsageGroupBy,
};

impl EstimateRequest {
    /// An estimate of one operation, with the plan and the balance of this wallet.
    pub fn new(wallet_id: impl Into<String>, operation: Operation) -> Self {
        Self { wallet_id: wallet_id.into(), operation: Some(operation), ..Default::default() }
    }

    /// The price of one operation without a wallet. The response has no quote.
    pub fn price_of(operation: Operation) -> Self {
        Self { operation: Some(operation), ..Default::default() }
    }

    /// Prices with this catalog version. Default: the current one. A version that is not current gives no quote.
    #[must_use]
    pub fn with_catalog_version(mut self, version: i64) -> Self {
        self.catalog_version = version;
        self
    }
}

impl EstimateManyRequest {
    /// Estimates of 1 to 100 operations, with the plan and the balance of this wallet.
    pub fn new(wallet_id: impl Into<String>, operations: impl IntoIterator<Item = Operation>) -> Self {
        let operations = operations.into_iter().collect();
        Self { wallet_id: wallet_id.into(), operations, ..Default::default() }
    }

    /// The prices of 1 to 100 operations without a wallet. The response has no quotes.
    pub fn prices_of(operations: impl IntoIterator<Item = Operation>) -> Self {
        Self { operations: operations.into_iter().collect(), ..Default::default() }
    }

    /// Prices with this catalog version. Default: the current one. A version that is not current gives no quotes.
    #[must_use]
    pub fn with_catalog_version(mut self, version: i64) -> Self {
        self.catalog_version = version;
        self
    }
}

impl ReserveRequest {
    /// A reservation that the current catalog prices. The caller's job id makes the request safe to repeat.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use wallet_proto::v1::{Amount, Operation, ReserveRequest};
    ///
    /// let operation = Operation::new("video.generate").attribute("model", "standard").quantity("duration_s", "5");
    /// let request = ReserveRequest::new("alice", "job-1", operation)
    ///     .with_limits([Amount::new("credits", 50)])
    ///     .with_ttl(Duration::from_secs(600))
    ///     .label("project", "trailer");
    /// assert_eq!(request.reservation_id, "job-1");
    /// ```
    pub fn new(
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        operation: Operation,
    ) -> Self {
        Self::priced(wallet_id.into(), reservation_id.into(), Price::Operation(operation))
    }

    /// A reservation at the price of a quote from Estimate, which is valid for 10 minutes.
    pub fn quoted(
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        quote_token: impl Into<String>,
    ) -> Self {
        Self::priced(wallet_id.into(), reservation_id.into(), Price::QuoteToken(quote_token.into()))
    }

    /// A reservation at the caller's own price.
    pub fn explicit(
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        price: ExplicitPrice,
    ) -> Self {
        Self::priced(wallet_id.into(), reservation_id.into(), Price::Explicit(price))
    }

    fn priced(wallet_id: String, reservation_id: String, price: Price) -> Self {
        Self { wallet_id, reservation_id, price: Some(price), ..Default::default() }
    }

    /// Sets the most that the caller pays, per unit. A higher price is refused with PRICE_ABOVE_LIMIT. Default: no
    /// limit.
    #[must_use]
    pub fn with_limits(mut self, limits: impl IntoIterator<Item = Amount>) -> Self {
        self.limits = limits.into_iter().collect();
        self
    }

    /// Sets the lifetime of the hold without Start or Extend, 1 s to 7 days. Default: the price rule's.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(wire_duration(ttl));
        self
    }

    /// Starts the job in the same call.
    #[must_use]
    pub fn with_start(mut self, start: StartOptions) -> Self {
        self.start = Some(start);
        self
    }

    /// Sets the member for whom the job is reserved.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Adds a label, at most 16. A key has at most 64 bytes, a value at most 256.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }
}

impl StartRequest {
    /// Starts a reserved job, or takes it over with a higher attempt.
    pub fn new(wallet_id: impl Into<String>, reservation_id: impl Into<String>, start: StartOptions) -> Self {
        Self { wallet_id: wallet_id.into(), reservation_id: reservation_id.into(), start: Some(start) }
    }
}

impl ExtendRequest {
    /// A heartbeat with the lease that Start set, or 60 s if it set none.
    pub fn new(wallet_id: impl Into<String>, reservation_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), reservation_id: reservation_id.into(), ..Default::default() }
    }

    /// Sets the sender's attempt. Refused with STALE_ATTEMPT if a higher attempt has the job.
    #[must_use]
    pub fn with_attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the time from now to the new deadline, 1 s to 7 days. The deadline never becomes earlier.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = Some(wire_duration(lease));
        self
    }
}

impl SettleRequest {
    /// Settles a job that delivered.
    ///
    /// ```
    /// use wallet_proto::v1::{SettleRequest, Succeeded};
    ///
    /// let request = SettleRequest::succeeded("alice", "job-1", Succeeded::usage([("duration_s", "4")]));
    /// assert!(!request.with_accept_late(true).reservation_id.is_empty());
    /// ```
    pub fn succeeded(
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        succeeded: Succeeded,
    ) -> Self {
        Self::ended(wallet_id.into(), reservation_id.into(), Outcome::Succeeded(succeeded))
    }

    /// Settles a job that delivered nothing.
    pub fn failed(wallet_id: impl Into<String>, reservation_id: impl Into<String>, failure: Failure) -> Self {
        Self::ended(wallet_id.into(), reservation_id.into(), Outcome::Failed(failure))
    }

    fn ended(wallet_id: String, reservation_id: String, outcome: Outcome) -> Self {
        Self { wallet_id, reservation_id, outcome: Some(outcome), ..Default::default() }
    }

    /// Sets the sender's attempt. Refused with STALE_ATTEMPT if a higher attempt has the job.
    #[must_use]
    pub fn with_attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Also settles within 72 hours after the hold has expired, if the credits are still available. Default false.
    #[must_use]
    pub fn with_accept_late(mut self, accept_late: bool) -> Self {
        self.accept_late = accept_late;
        self
    }
}

impl CancelRequest {
    /// Cancels a job. The reason decides whether a fee is charged.
    pub fn new(
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        reason: CancelReason,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            reservation_id: reservation_id.into(),
            reason: reason.into(),
            ..Default::default()
        }
    }

    /// Sets the highest fee that the caller accepts, per unit. A higher one is refused with FEE_ABOVE_LIMIT. Default: no
    /// limit.
    #[must_use]
    pub fn with_max_fees(mut self, max_fees: impl IntoIterator<Item = Amount>) -> Self {
        self.max_fees = max_fees.into_iter().collect();
        self
    }

    /// Marks a reservation that does not exist yet as cancelled, so that a late Reserve is refused. Default false.
    #[must_use]
    pub fn with_allow_missing(mut self, allow_missing: bool) -> Self {
        self.allow_missing = allow_missing;
        self
    }
}

impl TopUpRequest {
    /// A purchase of any amount, which never expires. The purchase's id makes the request safe to repeat.
    ///
    /// ```
    /// use wallet_proto::v1::{Amount, ExternalRef, Money, TopUpRequest};
    ///
    /// let request = TopUpRequest::amount("alice", "order-1", Amount::new("credits", 1000))
    ///     .with_external_ref(ExternalRef::new("stripe", "pi_3Nx"))
    ///     .with_paid_amount(Money::new("EUR", 999));
    /// assert_eq!(request.top_up_id, "order-1");
    /// ```
    pub fn amount(wallet_id: impl Into<String>, top_up_id: impl Into<String>, amount: Amount) -> Self {
        Self::of(wallet_id.into(), top_up_id.into(), What::Amount(amount))
    }

    /// A purchase of a pack, by default one of the current catalog.
    pub fn pack(
        wallet_id: impl Into<String>,
        top_up_id: impl Into<String>,
        pack_id: impl Into<String>,
    ) -> Self {
        Self::of(wallet_id.into(), top_up_id.into(), What::PackId(pack_id.into()))
    }

    fn of(wallet_id: String, top_up_id: String, what: What) -> Self {
        Self { wallet_id, top_up_id, what: Some(what), ..Default::default() }
    }

    /// Sets the payment. One payment credits a wallet once, even if it arrives under several ids.
    #[must_use]
    pub fn with_external_ref(mut self, payment: ExternalRef) -> Self {
        self.external_ref = Some(payment);
        self
    }

    /// Sets the price that was paid.
    #[must_use]
    pub fn with_paid_amount(mut self, paid: Money) -> Self {
        self.paid_amount = Some(paid);
        self
    }

    /// Sets the line of the payment, if one payment buys several packs.
    #[must_use]
    pub fn with_line(mut self, line: impl Into<String>) -> Self {
        self.line = line.into();
        self
    }

    /// Sets the number of packs, 1 to 1,000. Default: 1.
    #[must_use]
    pub const fn with_quantity(mut self, quantity: i32) -> Self {
        self.quantity = Some(quantity);
        self
    }

    /// Sets the catalog version that sold the pack, at most 90 days after it was replaced. Default: the current one.
    #[must_use]
    pub const fn with_catalog_version(mut self, version: i64) -> Self {
        self.catalog_version = Some(version);
        self
    }

    /// Sets the instant of the payment, not in the future. Default: now.
    #[must_use]
    pub fn with_paid_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.paid_time = Some(time.into());
        self
    }
}

impl GetBalanceRequest {
    /// The balances of a wallet, without its grants.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Includes the open grants, at most 1,000. Default false.
    #[must_use]
    pub fn with_include_grants(mut self, include_grants: bool) -> Self {
        self.include_grants = include_grants;
        self
    }
}

impl GetEntitlementsRequest {
    /// The operations and limits that the wallet's plan allows.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into() }
    }
}

impl GetReservationRequest {
    /// One reservation by its id.
    pub fn new(wallet_id: impl Into<String>, reservation_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), reservation_id: reservation_id.into() }
    }
}

impl ListReservationsRequest {
    /// All reservations of a wallet.
    ///
    /// ```
    /// use wallet_proto::v1::{ListReservationsRequest, ReservationState};
    ///
    /// let running = ListReservationsRequest::new("alice")
    ///     .with_states([ReservationState::Held, ReservationState::Processing])
    ///     .with_worker("gpu-7");
    /// assert_eq!(running.states.len(), 2);
    /// ```
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Keeps reservations in one of these states, at most 16. Default: any.
    #[must_use]
    pub fn with_states(mut self, states: impl IntoIterator<Item = ReservationState>) -> Self {
        self.states = states.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps reservations that this worker runs or ran.
    #[must_use]
    pub fn with_worker(mut self, worker: impl Into<String>) -> Self {
        self.worker = worker.into();
        self
    }

    /// Keeps operations of this kind.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Keeps reservations of this member.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Keeps reservations with a label: `"key"`, or `"key=value"`, split at the first `=`.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Keeps reservations made at or after this instant.
    #[must_use]
    pub fn with_from_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.from_time = Some(time.into());
        self
    }

    /// Keeps reservations made before this instant.
    #[must_use]
    pub fn with_to_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.to_time = Some(time.into());
        self
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }
}

impl ListGrantsRequest {
    /// The open grants of a wallet.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Includes grants with nothing pending, available or held. Default false.
    #[must_use]
    pub fn with_include_closed(mut self, include_closed: bool) -> Self {
        self.include_closed = include_closed;
        self
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }
}

impl ListEntriesRequest {
    /// The ledger of a wallet from its first entry.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Keeps entries above this revision. Default 0: from the first one.
    #[must_use]
    pub fn with_after_revision(mut self, revision: i64) -> Self {
        self.after_revision = revision;
        self
    }

    /// Keeps entries about this reservation.
    #[must_use]
    pub fn with_reservation_id(mut self, reservation_id: impl Into<String>) -> Self {
        self.reservation_id = reservation_id.into();
        self
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }
}

impl SummarizeUsageRequest {
    /// The totals of all jobs that finished in the last 30 days.
    ///
    /// ```
    /// use wallet_proto::v1::{SummarizeUsageRequest, UsageDimension, UsageGroupBy};
    ///
    /// let by_day_and_project = SummarizeUsageRequest::new("alice")
    ///     .group_by(UsageGroupBy::new(UsageDimension::Day))
    ///     .group_by(UsageGroupBy::label("project"));
    /// assert_eq!(by_day_and_project.group_by.len(), 2);
    /// ```
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Sets the first instant, at most 366 days before the last. Default: 30 days before the last.
    #[must_use]
    pub fn with_from_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.from_time = Some(time.into());
        self
    }

    /// Sets the last instant, which is excluded. Default: now.
    #[must_use]
    pub fn with_to_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.to_time = Some(time.into());
        self
    }

    /// Adds a dimension to group by, at most 5. Default: none, the total alone.
    #[must_use]
    pub fn group_by(mut self, dimension: UsageGroupBy) -> Self {
        self.group_by.push(dimension);
        self
    }
}
