//! Policies: what is agreed about a hold besides its price. Pinned at Reserve, so that a later catalog
//! changes nothing for a job that runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::ids::UnitId;

/// The longest a hold may be promised, and the longest lease.
pub(super) const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// What is agreed about a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// How long a hold lives unless it is started with a lease.
    #[serde(rename = "ttl_seconds", with = "seconds")]
    pub ttl: Duration,
    /// How long a started job lives between two heartbeats; without one, none are expected.
    #[serde(rename = "lease_seconds", with = "optional_seconds", default)]
    pub lease: Option<Duration>,
    /// What happens when a job costs more than was reserved.
    pub overage: Overage,
    /// What a user's cancel costs, for every unit of the catalog.
    pub cancel_fees: BTreeMap<UnitId, CancelFees>,
    /// What a failure costs: code, unit, percent of what was reserved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failure_fees: BTreeMap<String, BTreeMap<UnitId, u8>>,
}

/// What happens when a job costs more than was reserved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Overage {
    /// Up to the maximum, as far as credits are available.
    #[default]
    ChargeIfAvailable,
    /// Never more than was reserved.
    CapAtReserved,
    /// All of it, or the settle is refused and the hold stays.
    RequireFull,
    /// Up to the maximum, and what is not available becomes debt.
    AllowNegative,
}

/// What a user's cancel costs in one unit, in percent of what was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelFees {
    /// Before the job was started.
    pub held: u8,
    /// After it was started.
    pub processing: u8,
}

/// How far an open reservation has come, as far as fees go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    Held,
    /// Started.
    Processing,
}

impl Policies {
    /// The percentage that a user's cancel costs in `unit`, 0 to 100.
    pub fn cancel_fee_percent(&self, phase: Phase, unit: &str) -> u8 {
        let fees = self.cancel_fees.get(unit).copied().unwrap_or_default();
        match phase {
            Phase::Held => fees.held,
            Phase::Processing => fees.processing,
        }
    }

    /// The percentage that a failure with `code` costs in `unit`, 0 to 100.
    pub fn failure_fee_percent(&self, code: &str, unit: &str) -> u8 {
        self.failure_fees.get(code).and_then(|fees| fees.get(unit)).copied().unwrap_or(0)
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(30 * 60),
            lease: None,
            overage: Overage::default(),
            cancel_fees: BTreeMap::new(),
            failure_fees: BTreeMap::new(),
        }
    }
}

impl Default for CancelFees {
    fn default() -> Self {
        Self { held: 0, processing: 50 }
    }
}

/// A duration as whole seconds, the way it is stored.
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

/// A duration as whole seconds, or null.
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
    fn policies_survive_json_with_durations_in_seconds() {
        let policies = Policies { lease: Some(Duration::from_secs(60)), ..Policies::default() };
        let json = serde_json::to_value(&policies).unwrap();
        assert_eq!(json["ttl_seconds"], 1800);
        assert_eq!(json["lease_seconds"], 60);
        assert_eq!(json["overage"], "CHARGE_IF_AVAILABLE");
        assert_eq!(serde_json::from_value::<Policies>(json).unwrap(), policies);
    }
}
