//! `[policies]` of the catalog, and `policies` of a rule, which override single fields.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::literal::{Literal, written};
use super::reader::Reader;
use super::rule::bound;
use crate::catalog::policies::{
    CancelFees, MAX_GOODWILL_PERIOD, MAX_GRACE_PERIOD, MAX_HOLD, Overage, Policies,
};
use crate::catalog::rule::Most;
use crate::value::amount::Amounts;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoliciesText {
    ttl: Option<String>,
    lease: Option<String>,
    max_hold: Option<String>,
    overage: Option<Overage>,
    #[serde(default)]
    cancel_fees: BTreeMap<String, CancelFeesText>,
    #[serde(default)]
    failure_fees: BTreeMap<String, BTreeMap<String, i64>>,
    grace_period: Option<String>,
    goodwill_period: Option<String>,
    max: Option<MaxText>,
}

/// The most that a job by output may be charged: `max = { factor = "1.5", at_least = { credits = 40 } }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaxText {
    factor: Option<Literal>,
    #[serde(default)]
    at_least: BTreeMap<String, Literal>,
}

/// The default factor of the most that a job by output may be charged, in percent.
const OUTPUT_PRICED_PERCENT: u16 = 120;
/// The bounds of that factor, in percent.
pub(super) const FACTORS: std::ops::RangeInclusive<i64> = 100..=1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelFeesText {
    held: Option<i64>,
    processing: Option<i64>,
}

/// Returns the most that jobs by output may be charged if nothing else is named.
pub(super) fn default_most() -> Most {
    Most { percent: Some(OUTPUT_PRICED_PERCENT), at_least: Amounts::none() }
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
            policies.ttl = reader.duration(&format!("{path}.ttl"), ttl, MAX_HOLD);
        }
        if let Some(lease) = &self.lease {
            policies.lease = read_lease(&format!("{path}.lease"), lease, reader);
        }
        if let Some(max_hold) = &self.max_hold {
            policies.max_hold = reader.duration(&format!("{path}.max_hold"), max_hold, MAX_HOLD);
        }
        for (field, time) in [("ttl", Some(policies.ttl)), ("lease", policies.lease)] {
            // A max_hold that could not be read is zero.
            if time.is_some_and(|time| time > policies.max_hold && !policies.max_hold.is_zero()) {
                let max_hold = written(policies.max_hold);
                reader.problem(&format!("{path}.{field}"), format!("must be at most max_hold, {max_hold}"));
            }
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

    /// Returns the most that jobs by output may be charged, with the fields of this section replaced.
    pub(super) fn read_most(&self, base: &Most, path: &str, reader: &mut Reader) -> Most {
        let Some(text) = &self.max else { return base.clone() };
        let percent = match &text.factor {
            None => base.percent,
            Some(Literal::Text(text)) if text == "none" => None,
            Some(literal) => {
                let factor = reader.decimal(&format!("{path}.max.factor"), literal);
                let percent = factor.to_minor(2).filter(|percent| FACTORS.contains(percent));
                if percent.is_none() {
                    let text = format!("must be from 1 to 10 with two decimals, or \"none\", is {factor}");
                    reader.problem(&format!("{path}.max.factor"), text);
                }
                percent.and_then(|percent| u16::try_from(percent).ok())
            }
        };
        let named = reader.amounts(&format!("{path}.max.at_least"), &text.at_least, bound);
        let mut at_least = base.at_least.clone();
        named.iter().for_each(|(unit, amount)| _ = at_least.set(unit, amount));
        Most { percent, at_least }
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
    (text != "none").then(|| reader.duration(path, text, MAX_HOLD))
}
