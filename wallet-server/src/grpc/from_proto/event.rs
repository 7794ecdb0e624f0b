//! Parses kinds of notifications and thresholds.

use std::collections::BTreeMap;

use wallet_core::catalog::Threshold;
use wallet_core::event::EventKind;
use wallet_core::{MAX_AMOUNT, UnitId};
use wallet_proto::v1::{self, threshold};

use super::FieldReader;

const MAX_KINDS: usize = 16;
/// The most units of a list, more than any catalog has.
const MAX_UNITS: usize = 64;
const MAX_THRESHOLDS: usize = 8;

impl FieldReader {
    /// Parses the kinds of notifications of a filter.
    pub(crate) fn event_kinds(&mut self, path: &str, kinds: &[i32]) -> Vec<EventKind> {
        let mut read = Vec::new();
        if self.too_many(path, kinds.len(), MAX_KINDS) {
            return read;
        }
        for (i, number) in kinds.iter().enumerate() {
            match kind(*number) {
                Some(kind) => read.push(kind),
                None => self.add(format!("{path}[{i}]"), format!("{number} is not an event kind")),
            }
        }
        read
    }

    /// Parses thresholds by unit, each unit at most once.
    pub(crate) fn low_balance(
        &mut self,
        path: &str,
        list: Vec<v1::LowBalance>,
    ) -> BTreeMap<UnitId, Vec<Threshold>> {
        let mut read = BTreeMap::new();
        if self.too_many(path, list.len(), MAX_UNITS) {
            return read;
        }
        for (i, low) in list.into_iter().enumerate() {
            let path = format!("{path}[{i}]");
            let unit = self.id::<UnitId>(&format!("{path}.unit"), &low.unit);
            let thresholds = self.thresholds(&format!("{path}.thresholds"), low.thresholds);
            let Some(unit) = unit else { continue };
            if read.insert(unit.clone(), thresholds).is_some() {
                self.add(format!("{path}.unit"), format!("{unit} is named twice"));
            }
        }
        read
    }

    fn thresholds(&mut self, path: &str, list: Vec<v1::Threshold>) -> Vec<Threshold> {
        if self.too_many(path, list.len(), MAX_THRESHOLDS) {
            return Vec::new();
        }
        let mut read = Vec::new();
        for (i, low) in list.into_iter().enumerate() {
            let path = format!("{path}[{i}]");
            match low.threshold {
                Some(threshold::Threshold::Amount(amount)) if (0..=MAX_AMOUNT).contains(&amount) => {
                    read.push(Threshold::Amount(amount));
                }
                Some(threshold::Threshold::Amount(amount)) => {
                    self.add(format!("{path}.amount"), format!("is {amount}, 0 to {MAX_AMOUNT} is allowed"));
                }
                Some(threshold::Threshold::Percent(percent)) => {
                    match u8::try_from(percent).ok().filter(|percent| *percent <= 100) {
                        Some(percent) => read.push(Threshold::Percent(percent)),
                        None => {
                            self.add(format!("{path}.percent"), format!("is {percent}, 0 to 100 is allowed"));
                        }
                    }
                }
                None => self.missing(&path),
            }
        }
        read
    }
}

fn kind(number: i32) -> Option<EventKind> {
    match v1::EventKind::try_from(number).ok()? {
        v1::EventKind::Unspecified => None,
        v1::EventKind::LowBalance => Some(EventKind::LowBalance),
        v1::EventKind::Exhausted => Some(EventKind::Exhausted),
        v1::EventKind::GrantExpiring => Some(EventKind::GrantExpiring),
        v1::EventKind::Recovered => Some(EventKind::Recovered),
        v1::EventKind::AutoTopUpDue => Some(EventKind::AutoTopUpDue),
        v1::EventKind::AutoTopUpFailed => Some(EventKind::AutoTopUpFailed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn low(unit: &str, thresholds: &[Option<threshold::Threshold>]) -> v1::LowBalance {
        let thresholds = thresholds.iter().map(|threshold| v1::Threshold { threshold: *threshold });
        v1::LowBalance { unit: unit.to_owned(), thresholds: thresholds.collect() }
    }

    #[test]
    fn thresholds_are_amounts_or_percentages_and_may_be_an_empty_list() {
        use threshold::Threshold::{Amount, Percent};
        let mut fields = FieldReader::default();
        let read = fields
            .low_balance("low", vec![low("credits", &[Some(Amount(9)), Some(Percent(20))]), low("b", &[])]);
        assert_eq!(read["credits"], [Threshold::Amount(9), Threshold::Percent(20)]);
        assert_eq!(read["b"], []);
        assert!(fields.lines().is_empty());
        fields
            .low_balance("low", vec![low("", &[None, Some(Amount(-1)), Some(Percent(101))]), low("b", &[])]);
        fields.low_balance("low", vec![low("b", &[]), low("b", &[Some(Percent(1)); 9])]);
        assert_eq!(
            fields.lines(),
            [
                "low[0].unit: must not be empty",
                "low[0].thresholds[0]: is required",
                "low[0].thresholds[1].amount: is -1, 0 to 1000000000000000 is allowed",
                "low[0].thresholds[2].percent: is 101, 0 to 100 is allowed",
                "low[1].thresholds: has 9 entries, at most 8 are allowed",
                "low[1].unit: b is named twice",
            ]
        );
    }

    #[test]
    fn unknown_kinds_are_reported() {
        let mut fields = FieldReader::default();
        assert_eq!(fields.event_kinds("kinds", &[1, 3]), [EventKind::LowBalance, EventKind::GrantExpiring]);
        fields.event_kinds("kinds", &[0, 9]);
        assert_eq!(fields.lines(), ["kinds[0]: 0 is not an event kind", "kinds[1]: 9 is not an event kind"]);
    }
}
