//! Parses plans, negotiated terms, payments for periods, and the times of changes and cancels.

use std::collections::{BTreeMap, HashMap};

use wallet_core::payment::Paid;
use wallet_core::sold::Overrides;
use wallet_core::subscription::{UnusedCredits, When};
use wallet_proto::v1;

use super::FieldReader;
use super::text::key_path;

const MAX_PLAN_BYTES: usize = 128;
const MAX_LIMITS: usize = 32;
const MAX_LIMIT_NAME_BYTES: usize = 128;

impl FieldReader {
    /// Parses a required plan id. The core checks that the catalog has the plan.
    pub(crate) fn plan_id(&mut self, path: &str, plan: String) -> String {
        self.required_name(path, plan, MAX_PLAN_BYTES)
    }

    /// Parses optional negotiated terms. Absent ones override nothing.
    pub(crate) fn overrides(&mut self, path: &str, overrides: Option<v1::PlanOverrides>) -> Overrides {
        let v1::PlanOverrides { allowances, limits, rank, entitlements } = overrides.unwrap_or_default();
        let rank_path = format!("{path}.rank");
        Overrides {
            allowances: self.amounts(&format!("{path}.allowances"), allowances),
            limits: self.limits(&format!("{path}.limits"), limits),
            entitlements: entitlements.map(|set| self.entitlements(&format!("{path}.entitlements"), set)),
            rank: rank.map(|rank| self.not_negative(&rank_path, rank.into()).unsigned_abs()).and_then(narrow),
        }
    }

    /// Parses an optional number of seats. The core knows the maximum.
    pub(crate) fn seats(&mut self, path: &str, quantity: Option<i32>) -> Option<u32> {
        let quantity = quantity?;
        let seats = u32::try_from(quantity).ok();
        if seats.is_none() {
            self.add(path, format!("must be from 1 to 10000 seats, is {quantity}"));
        }
        seats
    }

    /// Parses the time of a cancel. Returns whether the subscription ends at once instead of with its period.
    pub(crate) fn cancel_now(&mut self, path: &str, when: i32) -> bool {
        match v1::CancelTime::try_from(when) {
            Ok(v1::CancelTime::Unspecified | v1::CancelTime::AtPeriodEnd) => false,
            Ok(v1::CancelTime::Now) => true,
            Err(_) => {
                self.add(path, format!("{when} is not a cancel time"));
                false
            }
        }
    }

    /// Parses the time of a change of plan. Absent: the kind of the change decides.
    pub(crate) fn change_time(&mut self, path: &str, when: i32) -> Option<When> {
        match v1::ChangeTime::try_from(when) {
            Ok(v1::ChangeTime::Unspecified) => None,
            Ok(v1::ChangeTime::Now) => Some(When::Now),
            Ok(v1::ChangeTime::AtPeriodEnd) => Some(When::AtPeriodEnd),
            Err(_) => {
                self.add(path, format!("{when} is not a time of a change"));
                None
            }
        }
    }

    /// Parses the fate of unused credits.
    pub(crate) fn unused_credits(&mut self, path: &str, unused: i32) -> Option<UnusedCredits> {
        match v1::UnusedCredits::try_from(unused) {
            Ok(v1::UnusedCredits::Unspecified) => None,
            Ok(v1::UnusedCredits::Keep) => Some(UnusedCredits::Keep),
            Ok(v1::UnusedCredits::Expire) => Some(UnusedCredits::Expire),
            Err(_) => {
                self.add(path, format!("is {unused}, KEEP or EXPIRE is allowed"));
                None
            }
        }
    }

    /// Parses the optional payment for a period.
    pub(crate) fn period_payment(&mut self, path: &str, paid: Option<v1::PeriodPayment>) -> Paid {
        let v1::PeriodPayment { amount, payment_ref } = paid.unwrap_or_default();
        Paid {
            amount: self.money(&format!("{path}.amount"), amount),
            reference: self.optional_id(&format!("{path}.payment_ref"), &payment_ref),
        }
    }

    fn limits(&mut self, path: &str, limits: HashMap<String, i64>) -> BTreeMap<String, u64> {
        let mut read = BTreeMap::new();
        if self.too_many(path, limits.len(), MAX_LIMITS) {
            return read;
        }
        for (name, limit) in limits.into_iter().collect::<BTreeMap<_, _>>() {
            let path = key_path(path, &name).to_string();
            let name = self.required_name(&path, name, MAX_LIMIT_NAME_BYTES);
            read.insert(name, self.not_negative(&path, limit).unsigned_abs());
        }
        read
    }
}

fn narrow(rank: u64) -> Option<u32> {
    u32::try_from(rank).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_terms_override_nothing() {
        let mut fields = FieldReader::default();
        assert_eq!(fields.overrides("overrides", None), Overrides::default());
        assert_eq!(fields.overrides("overrides", Some(v1::PlanOverrides::default())), Overrides::default());
        assert!(!fields.cancel_now("when", 0));
        assert!(!fields.cancel_now("when", 1));
        assert!(fields.cancel_now("when", 2));
        assert!(fields.lines().is_empty());
    }

    #[test]
    fn terms_of_zero_are_overrides() {
        let mut fields = FieldReader::default();
        let credits = v1::Amount { unit: "credits".to_owned(), amount: 0, ..v1::Amount::default() };
        let read = fields.overrides(
            "overrides",
            Some(v1::PlanOverrides {
                allowances: vec![credits],
                limits: [("concurrency".to_owned(), 0), ("seats".to_owned(), i64::MAX)].into(),
                rank: Some(0),
                entitlements: None,
            }),
        );
        assert!(read.allowances.names("credits"));
        assert_eq!(
            read.limits,
            [("concurrency".to_owned(), 0), ("seats".to_owned(), i64::MAX as u64)].into()
        );
        assert_eq!(read.rank, Some(0));
        assert!(fields.lines().is_empty());
    }

    #[test]
    fn every_invalid_term_is_reported() {
        let mut fields = FieldReader::default();
        fields.plan_id("plan_id", String::new());
        fields.overrides(
            "overrides",
            Some(v1::PlanOverrides {
                allowances: vec![v1::Amount { amount: -1, ..v1::Amount::default() }],
                limits: [("seats".to_owned(), -1), ("l".repeat(129), 1)].into(),
                rank: Some(-1),
                entitlements: None,
            }),
        );
        let limits = (0..33).map(|n| (format!("l{n}"), n)).collect();
        fields.overrides("overrides", Some(v1::PlanOverrides { limits, ..v1::PlanOverrides::default() }));
        fields.cancel_now("when", 3);
        fields.change_time("when", 3);
        fields.unused_credits("unused", 3);
        let long =
            format!("overrides.limits[\"{}\"]: has 129 bytes, at most 128 are allowed", "l".repeat(64));
        assert_eq!(
            fields.lines(),
            [
                "plan_id: must not be empty",
                "overrides.allowances[0].unit: must not be empty",
                "overrides.allowances[0].amount: is -1, 0 to 1000000000000000 is allowed",
                long.as_str(),
                "overrides.limits[\"seats\"]: is -1, must not be negative",
                "overrides.rank: is -1, must not be negative",
                "overrides.limits: has 33 entries, at most 32 are allowed",
                "when: 3 is not a cancel time",
                "when: 3 is not a time of a change",
                "unused: is 3, KEEP or EXPIRE is allowed",
            ]
        );
    }
}
