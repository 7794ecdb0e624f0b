//! The setting of the auto top-up, and the requests about it.

use crate::v1::{AutoTopUpSetting, Money, RecordAutoTopUpFailureRequest, SetAutoTopUpRequest};

impl AutoTopUpSetting {
    /// Buys the pack when the balance of the unit is below `threshold` minor units, at most once a day.
    pub fn new(unit: impl Into<String>, threshold: i64, pack_id: impl Into<String>) -> Self {
        Self { unit: unit.into(), threshold, pack_id: pack_id.into(), ..Default::default() }
    }

    /// Sets the most purchases of a day in UTC.
    #[must_use]
    pub fn with_max_per_day(mut self, max: i32) -> Self {
        self.max_per_day = max;
        self
    }

    /// Sets the most that the purchases of a month in UTC may cost.
    #[must_use]
    pub fn with_max_paid_per_month(mut self, max: Money) -> Self {
        self.max_paid_per_month = Some(max);
        self
    }
}

impl SetAutoTopUpRequest {
    /// Turns auto top-up on with this setting.
    ///
    /// ```
    /// use wallet_proto::v1::{AutoTopUpSetting, SetAutoTopUpRequest};
    ///
    /// let setting = AutoTopUpSetting::new("credits", 20, "starter").with_max_per_day(2);
    /// let request = SetAutoTopUpRequest::on("alice", "settings-7", setting);
    /// assert!(request.auto_top_up.is_some());
    /// ```
    pub fn on(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        setting: AutoTopUpSetting,
    ) -> Self {
        Self { auto_top_up: Some(setting), ..Self::off(wallet_id, request_id) }
    }

    /// Turns auto top-up off.
    pub fn off(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }

    /// Sets the platform's reason, which the ledger keeps. At most 1,024 bytes.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

impl RecordAutoTopUpFailureRequest {
    /// The payment of the purchase with this `top_up_id` was declined.
    pub fn new(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        top_up_id: impl Into<String>,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            top_up_id: top_up_id.into(),
            ..Default::default()
        }
    }

    /// Sets the platform's reason, which the ledger keeps. At most 1,024 bytes.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}
