//! Policies: the terms of a hold besides its price. A reservation pins them, so that a later catalog does not
//! change the terms of a running job.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::ids::UnitId;

/// The longest life of a hold that a catalog may allow, the maximum time to live and the maximum lease.
pub const MAX_HOLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest life of a hold in catalogs that name none.
const DEFAULT_MAX_HOLD: Duration = Duration::from_secs(24 * 60 * 60);
/// The grace period of catalogs that name none.
const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
/// The goodwill period of catalogs that name none.
const DEFAULT_GOODWILL_PERIOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The maximum goodwill period.
pub(super) const MAX_GOODWILL_PERIOD: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// The maximum grace period.
pub const MAX_GRACE_PERIOD: Duration = Duration::from_secs(72 * 60 * 60);

/// The terms of a hold besides its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// The time to live of a hold that is not started with a lease. 30 minutes by default.
    #[serde(rename = "ttl_seconds", with = "seconds")]
    pub ttl: Duration,
    /// The time between two heartbeats of a started job. Without a lease, no heartbeats are expected.
    #[serde(rename = "lease_seconds", with = "optional_seconds", default)]
    pub lease: Option<Duration>,
    /// The longest life of the hold after Reserve, however often it is extended: 1 second to [`MAX_HOLD`]. 24 hours by
    /// default.
    #[serde(rename = "max_hold_seconds", with = "seconds")]
    pub max_hold: Duration,
    /// The treatment of a cost above the reserved amount.
    pub overage: Overage,
    /// The fees of a user's cancel, for every unit of the catalog.
    pub cancel_fees: BTreeMap<UnitId, CancelFees>,
    /// The fees of a failure by code and unit, in percent of the reserved amount.
    #[serde(default)]
    pub failure_fees: BTreeMap<String, BTreeMap<UnitId, u8>>,
    /// The lifetime of credits that return to an expired grant, 1 second to [`MAX_GRACE_PERIOD`]. 24 hours by default.
    #[serde(rename = "grace_period_seconds", with = "seconds")]
    pub grace_period: Duration,
    /// The lifetime of credits whose charge is reversed after their grant has expired, 1 second to 366 days. 30 days by
    /// default.
    #[serde(rename = "goodwill_period_seconds", with = "seconds")]
    pub goodwill_period: Duration,
}

/// The treatment of a cost above the reserved amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Overage {
    /// Charges overage up to the maximum, as far as credits are available.
    #[default]
    ChargeIfAvailable,
    /// Charges no overage.
    CapAtReserved,
    /// Charges overage up to the maximum in full, or refuses the Settle and keeps the hold.
    RequireFull,
    /// Charges overage up to the maximum. The part that is not available becomes debt, up to the debt limit.
    AllowNegative,
}

/// The fees of a user's cancel in one unit, in percent of the reserved amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelFees {
    /// The fee before the job has started. 0 by default.
    pub held: u8,
    /// The fee after the job has started. 50 by default.
    pub processing: u8,
}

/// The phase of an open reservation. Decides the cancel fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Held,
    Processing,
}

impl Policies {
    /// Returns the fee of a user's cancel in `unit`, 0 to 100 percent.
    pub fn cancel_fee_percent(&self, phase: Phase, unit: &str) -> u8 {
        let fees = self.cancel_fees.get(unit).copied().unwrap_or_default();
        match phase {
            Phase::Held => fees.held,
            Phase::Processing => fees.processing,
        }
    }

    /// Returns the fee of a failure with `code` in `unit`, 0 to 100 percent. 0 if the policies do not name them.
    pub fn failure_fee_percent(&self, code: &str, unit: &str) -> u8 {
        self.failure_fees.get(code).and_then(|fees| fees.get(unit)).copied().unwrap_or(0)
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(30 * 60),
            lease: None,
            max_hold: DEFAULT_MAX_HOLD,
            overage: Overage::default(),
            cancel_fees: BTreeMap::new(),
            failure_fees: BTreeMap::new(),
            grace_period: DEFAULT_GRACE_PERIOD,
            goodwill_period: DEFAULT_GOODWILL_PERIOD,
        }
    }
}

impl Default for CancelFees {
    fn default() -> Self {
        Self { held: 0, processing: 50 }
    }
}

/// A duration that is stored as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(duration.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

/// A duration that is stored as whole seconds, or null.
mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unnamed_unit_or_code_has_the_default_fees() {
        let policies = Policies::default();
        assert_eq!(policies.cancel_fee_percent(Phase::Held, "credits"), 0);
        assert_eq!(policies.cancel_fee_percent(Phase::Processing, "credits"), 50);
        assert_eq!(policies.failure_fee_percent("NSFW", "credits"), 0);
    }

    #[test]
    fn policies_round_trip_through_json_with_durations_in_seconds() {
        let policies = Policies { lease: Some(Duration::from_secs(60)), ..Policies::default() };
        let json = serde_json::to_value(&policies).unwrap();
        assert_eq!(json["ttl_seconds"], 1800);
        assert_eq!(json["lease_seconds"], 60);
        assert_eq!(json["overage"], "CHARGE_IF_AVAILABLE");
        assert_eq!(serde_json::from_value::<Policies>(json).unwrap(), policies);
    }
}
