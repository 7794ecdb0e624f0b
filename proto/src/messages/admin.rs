//! The requests of `AdminService`.

use prost_types::Timestamp;

use crate::v1::{
    Amount, CancelSubscriptionRequest, CancelTime, ChangePlanRequest, ChangeTime, CloseWalletRequest,
    CreateWalletRequest, GetWalletRequest, GrantRequest, ListWalletsRequest, LowBalance,
    PauseSubscriptionRequest, PeriodPayment, PlanOverrides, RecordChargebackRequest, RecordPaymentRequest,
    RecordRefundRequest, RefundSubscriptionRequest, RefundTopUpRequest, ResumeSubscriptionRequest,
    ReverseChargeRequest, ReverseChargebackRequest, RevokeGrantRequest, Source, SubscribeRequest,
    UnusedCredits, UpdateWalletRequest, WalletStatus,
};

/// Adds `with_reason` to requests whose field `reason` is a text that is kept with the entry.
macro_rules! reasons {
    ($($request:ty),+ $(,)?) => {$(
        impl $request {
            /// Sets the platform's reason, which the ledger keeps. At most 1,024 bytes.
            #[must_use]
            pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
                self.reason = reason.into();
                self
            }
        }
    )+};
}

reasons!(
    UpdateWalletRequest,
    GrantRequest,
    RevokeGrantRequest,
    RefundTopUpRequest,
    RecordChargebackRequest,
    ReverseChargebackRequest,
    RecordRefundRequest,
    CloseWalletRequest,
    ReverseChargeRequest,
    RefundSubscriptionRequest,
    CancelSubscriptionRequest,
    PauseSubscriptionRequest,
    RecordPaymentRequest,
);

impl CreateWalletRequest {
    /// A wallet with this id, without a display name and without permission to owe credits.
    ///
    /// ```
    /// use wallet_proto::v1::CreateWalletRequest;
    ///
    /// let request = CreateWalletRequest::new("alice").with_display_name("Alice Example");
    /// assert_eq!(request.wallet_id, "alice");
    /// ```
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Sets the display name, at most 256 bytes.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Sets the debt limits, one amount per unit. Default 0.
    #[must_use]
    pub fn with_debt_limits(mut self, limits: impl IntoIterator<Item = Amount>) -> Self {
        self.debt_limits = limits.into_iter().collect();
        self
    }
}

impl GetWalletRequest {
    /// One wallet by its id.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into() }
    }
}

impl ListWalletsRequest {
    /// Keeps only frozen wallets. A page of them may be empty and still be followed by another. Default false.
    #[must_use]
    pub fn with_frozen_only(mut self, frozen_only: bool) -> Self {
        self.frozen_only = frozen_only;
        self
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }
}

impl UpdateWalletRequest {
    /// A request that changes nothing yet. Its id makes it safe to repeat.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }

    /// Suspends or reactivates the wallet: `Active` or `Suspended`.
    #[must_use]
    pub fn with_status(mut self, status: WalletStatus) -> Self {
        self.status = status.into();
        self
    }

    /// Sets the display name, at most 256 bytes.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets the debt limits of the units that are named, not below the present debt.
    #[must_use]
    pub fn with_debt_limits(mut self, limits: impl IntoIterator<Item = Amount>) -> Self {
        self.debt_limits = limits.into_iter().collect();
        self
    }

    /// Sets the wallet's own thresholds of the units that are named.
    #[must_use]
    pub fn with_low_balance(mut self, thresholds: impl IntoIterator<Item = LowBalance>) -> Self {
        self.low_balance = thresholds.into_iter().collect();
        self
    }
}

impl GrantRequest {
    /// Credits that were not bought, effective now, without an expiry. The grant's id makes the request safe to repeat.
    ///
    /// ```
    /// use wallet_proto::v1::{Amount, GrantRequest, Source};
    ///
    /// let welcome = GrantRequest::new("alice", "welcome", Amount::new("credits", 50)).with_source(Source::Free);
    /// assert_eq!(welcome.source(), Source::Free);
    /// ```
    pub fn new(wallet_id: impl Into<String>, grant_id: impl Into<String>, amount: Amount) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            grant_id: grant_id.into(),
            amount: Some(amount),
            ..Default::default()
        }
    }

    /// Sets the source, any but `Grace`. Default `Adjustment`.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = source.into();
        self
    }

    /// Sets the priority among grants of equal source: lower ones are spent first. Default 0.
    #[must_use]
    pub fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the instant from which the credits can be spent. Default: now.
    #[must_use]
    pub fn with_effective_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.effective_time = Some(time.into());
        self
    }

    /// Sets the expiry, after the effective time. Default: never.
    #[must_use]
    pub fn with_expire_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.expire_time = Some(time.into());
        self
    }
}

impl RevokeGrantRequest {
    /// Revokes the unspent credits of a grant. `grant_id` is the id that ListGrants shows, for example
    /// `"grant:welcome"`.
    pub fn new(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        grant_id: impl Into<String>,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            grant_id: grant_id.into(),
            ..Default::default()
        }
    }
}

impl CloseWalletRequest {
    /// Closes a wallet for good.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }
}

impl SubscribeRequest {
    /// A subscription to a plan of the current catalog, counted from now.
    pub fn new(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        plan_id: impl Into<String>,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            plan_id: plan_id.into(),
            ..Default::default()
        }
    }

    /// Sets what was negotiated for this wallet. Default: nothing.
    #[must_use]
    pub fn with_overrides(mut self, overrides: PlanOverrides) -> Self {
        self.overrides = Some(overrides);
        self
    }

    /// Sets the number of seats, from 1 to 10,000. Default: 1.
    #[must_use]
    pub fn with_quantity(mut self, quantity: i32) -> Self {
        self.quantity = Some(quantity);
        self
    }

    /// Sets the payment for the first period. Default: unknown.
    #[must_use]
    pub fn with_paid(mut self, paid: PeriodPayment) -> Self {
        self.paid = Some(paid);
        self
    }

    /// Sets the instant from which all periods are counted: not in the future. Default: now.
    #[must_use]
    pub fn with_anchor_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.anchor_time = Some(time.into());
        self
    }
}

impl ChangePlanRequest {
    /// A change to another plan of the current catalog. The present plan undoes a pending change.
    pub fn new(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        plan_id: impl Into<String>,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            plan_id: plan_id.into(),
            ..Default::default()
        }
    }

    /// Sets what was negotiated for this wallet. Default: nothing.
    #[must_use]
    pub fn with_overrides(mut self, overrides: PlanOverrides) -> Self {
        self.overrides = Some(overrides);
        self
    }

    /// Sets the number of seats, from 1 to 10,000. Default: the present number.
    #[must_use]
    pub fn with_quantity(mut self, quantity: i32) -> Self {
        self.quantity = Some(quantity);
        self
    }

    /// Sets the time of the change. Default: now for an upgrade, the end of what was paid for anything else.
    #[must_use]
    pub fn with_when(mut self, when: ChangeTime) -> Self {
        self.when = when.into();
        self
    }

    /// Sets the fate of the present plan's credits if a plan of another term begins now. Default: an upgrade keeps them.
    #[must_use]
    pub fn with_unused(mut self, unused: UnusedCredits) -> Self {
        self.unused = unused.into();
        self
    }

    /// Sets the payment for the period that the change begins or continues. Default: unknown.
    #[must_use]
    pub fn with_paid(mut self, paid: PeriodPayment) -> Self {
        self.paid = Some(paid);
        self
    }

    /// Shows the response and changes nothing. Default false.
    #[must_use]
    pub fn with_validate_only(mut self, validate_only: bool) -> Self {
        self.validate_only = validate_only;
        self
    }
}

impl CancelSubscriptionRequest {
    /// Ends a subscription at the end of its period.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }

    /// Sets the fate of the subscription's credits if it ends now. Default `Keep`.
    #[must_use]
    pub fn with_unused(mut self, unused: UnusedCredits) -> Self {
        self.unused = unused.into();
        self
    }

    /// Sets when the subscription ends. Default `AtPeriodEnd`.
    #[must_use]
    pub fn with_when(mut self, when: CancelTime) -> Self {
        self.when = when.into();
        self
    }
}

impl PauseSubscriptionRequest {
    /// A pause that begins at the end of what was paid and lasts until the subscription is resumed.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }

    /// Sets the time at which the pause ends automatically.
    #[must_use]
    pub fn with_until_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.until_time = Some(time.into());
        self
    }
}

impl ResumeSubscriptionRequest {
    /// Undoes a pending cancellation or pause, or ends a pause that has begun.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into() }
    }
}

impl RecordPaymentRequest {
    /// Records that the unpaid period that has begun is paid, or else the next unpaid one. The id may be the payment's.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }

    /// Sets the period that was paid by its start.
    #[must_use]
    pub fn with_period_start_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.period_start_time = Some(time.into());
        self
    }

    /// Sets the payment. Default: unknown.
    #[must_use]
    pub fn with_paid(mut self, paid: PeriodPayment) -> Self {
        self.paid = Some(paid);
        self
    }
}
