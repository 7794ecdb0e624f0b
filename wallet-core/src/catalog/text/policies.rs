//! `[policies]` of the catalog, and `policies` of a rule, which override single fields.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::reader::Reader;
use crate::catalog::policies::{
    CancelFees, MAX_GOODWILL_PERIOD, MAX_GRACE_PERIOD, MAX_TTL, Overage, Policies,
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoliciesText {
    ttl: Option<String>,
    lease: Option<String>,
    overage: Option<Overage>,
    #[serde(default)]
    cancel_fees: BTreeMap<String, CancelFeesText>,
    #[serde(default)]
    failure_fees: BTreeMap<String, BTreeMap<String, i64>>,
    grace_period: Option<String>,
    goodwill_period: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelFeesText {
    held: Option<i64>,
    processing: Option<i64>,
}

/// Returns the policies of an empty section. Every unit has its cancel fees, so that pinned policies are complete.
pub(super) fn defaults(reader: &Reader) -> Policies {
    let cancel_fees = reader.units.keys().map(|unit| (unit.clone(), CancelFees::default())).collect();
    Policies { cancel_fees, ..Policies::default() }
}

impl PoliciesText {
    /// Returns `base` with the fields of this section replaced.
    pub(super) fn read(&self, base: &Policies, path: &str, reader: &mut Reader) -> Policies {
        let mut policies = base.clone();
        if let Some(ttl) = &self.ttl {
            policies.ttl = reader.duration(&format!("{path}.ttl"), ttl, MAX_TTL);
        }
        if let Some(lease) = &self.lease {
            policies.lease = read_lease(&format!("{path}.lease"), lease, reader);
        }
        policies.overage = self.overage.unwrap_or(base.overage);
        self.read_cancel_fees(&mut policies, path, reader);
        self.read_failure_fees(&mut policies, path, reader);
        if let Some(period) = &self.grace_period {
            let path = format!("{path}.grace_period");
            policies.grace_period = reader.duration(&path, period, MAX_GRACE_PERIOD);
        }
        if let Some(period) = &self.goodwill_period {
            let path = format!("{path}.goodwill_period");
            policies.goodwill_period = reader.duration(&path, period, MAX_GOODWILL_PERIOD);
        }
        policies
    }

    fn read_cancel_fees(&self, policies: &mut Policies, path: &str, reader: &mut Reader) {
        for (id, text) in &self.cancel_fees {
            let path = format!("{path}.cancel_fees.{id}");
            let Some(unit) = reader.unit(&path, id) else { continue };
            let fees = policies.cancel_fees.entry(unit.id).or_default();
            if let Some(held) = text.held {
                fees.held = reader.percent(&format!("{path}.held"), held);
            }
            if let Some(processing) = text.processing {
                fees.processing = reader.percent(&format!("{path}.processing"), processing);
            }
        }
    }

    fn read_failure_fees(&self, policies: &mut Policies, path: &str, reader: &mut Reader) {
        for (code, fees) in &self.failure_fees {
            // Settle compares codes in upper case.
            let code = code.to_ascii_uppercase();
            for (id, percent) in fees {
                let path = format!("{path}.failure_fees.{code}.{id}");
                let percent = reader.percent(&path, *percent);
                if let Some(unit) = reader.unit(&path, id) {
                    policies.failure_fees.entry(code.clone()).or_default().insert(unit.id, percent);
                }
            }
        }
    }
}

fn read_lease(path: &str, text: &str, reader: &mut Reader) -> Option<Duration> {
    (text != "none").then(|| reader.duration(path, text, MAX_TTL))
}
