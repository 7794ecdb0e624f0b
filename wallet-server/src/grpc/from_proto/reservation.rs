//! Parses start options, explicit prices, labels and cancel reasons.

use std::collections::{BTreeMap, HashMap};

use wallet_core::decide::{ExplicitPrice, StartOptions};
use wallet_core::reservation::CancelReason;
use wallet_proto::v1;

use super::FieldReader;
use super::text::key_path;

/// The longest key of a label, in bytes.
pub(super) const MAX_LABEL_KEY_BYTES: usize = 64;
/// The longest value of a label, in bytes.
pub(super) const MAX_LABEL_BYTES: usize = 256;
const MAX_LABELS: usize = 16;

impl FieldReader {
    /// Parses start options. The default attempt is 1.
    pub(crate) fn start_options(&mut self, path: &str, options: v1::StartOptions) -> Option<StartOptions> {
        let v1::StartOptions { worker, attempt, lease } = options;
        let worker = self.id(&format!("{path}.worker"), &worker);
        let attempt = self.attempt(&format!("{path}.attempt"), attempt);
        let lease = self.duration_or_zero(&format!("{path}.lease"), lease);
        Some(StartOptions { worker: worker?, attempt: attempt.unwrap_or(1), lease })
    }

    /// Parses required start options.
    pub(crate) fn required_start(
        &mut self,
        path: &str,
        options: Option<v1::StartOptions>,
    ) -> Option<StartOptions> {
        match options {
            Some(options) => self.start_options(path, options),
            None => {
                self.missing(path);
                None
            }
        }
    }

    /// Parses an attempt, which is not negative. 0 becomes `None`.
    pub(crate) fn attempt(&mut self, path: &str, attempt: i32) -> Option<i32> {
        if attempt < 0 {
            self.add(path, format!("is {attempt}, must not be negative"));
        }
        (attempt > 0).then_some(attempt)
    }

    /// Parses an explicit price. The core checks its units and multiples against the catalog.
    pub(crate) fn explicit_price(&mut self, path: &str, price: v1::ExplicitPrice) -> ExplicitPrice {
        let v1::ExplicitPrice { amounts, max_amounts, operation } = price;
        let operation_path = format!("{path}.operation");
        if amounts.is_empty() {
            self.add(format!("{path}.amounts"), "needs at least one unit");
        }
        ExplicitPrice {
            amounts: self.amounts(&format!("{path}.amounts"), amounts),
            max_amounts: self.amounts(&format!("{path}.max_amounts"), max_amounts),
            operation: operation.and_then(|operation| self.operation(&operation_path, Some(operation))),
        }
    }

    /// Parses at most 16 labels.
    pub(crate) fn labels(&mut self, path: &str, labels: HashMap<String, String>) -> BTreeMap<String, String> {
        let mut read = BTreeMap::new();
        if self.too_many(path, labels.len(), MAX_LABELS) {
            return read;
        }
        for (key, value) in labels.into_iter().collect::<BTreeMap<_, _>>() {
            let path = key_path(path, &key);
            self.check_required_name(path, &key, MAX_LABEL_KEY_BYTES);
            self.check_text(path, &value, MAX_LABEL_BYTES);
            read.insert(key, value);
        }
        read
    }

    /// Parses a required cancel reason.
    pub(crate) fn cancel_reason(&mut self, path: &str, reason: i32) -> Option<CancelReason> {
        match v1::CancelReason::try_from(reason) {
            Ok(v1::CancelReason::User) => Some(CancelReason::User),
            Ok(v1::CancelReason::Platform) => Some(CancelReason::Platform),
            Ok(v1::CancelReason::Unspecified) => {
                self.missing(path);
                None
            }
            Err(_) => {
                self.add(path, format!("{reason} is not a cancel reason"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_attempt_is_the_default_and_a_lease_of_zero_is_none() {
        let mut fields = FieldReader::default();
        let options = v1::StartOptions {
            worker: "gpu-1".to_owned(),
            attempt: 0,
            lease: Some(prost_types::Duration::default()),
        };
        let read = fields.start_options("start", options).unwrap();
        assert_eq!((read.attempt, read.lease), (1, Some(Duration::ZERO)));
        assert!(fields.lines().is_empty());

        fields.start_options("start", v1::StartOptions { worker: String::new(), attempt: -1, lease: None });
        fields.required_start("start", None);
        assert_eq!(
            fields.lines(),
            [
                "start.worker: must not be empty",
                "start.attempt: is -1, must not be negative",
                "start: is required",
            ]
        );
    }

    #[test]
    fn labels_have_at_most_16_short_entries() {
        let mut fields = FieldReader::default();
        let many = (0..17).map(|n| (format!("k{n}"), String::new())).collect();
        fields.labels("labels", many);
        let long = [("".to_owned(), "v".to_owned()), ("k".repeat(65), "v".repeat(257))];
        fields.labels("labels", long.into());
        assert_eq!(
            fields.lines(),
            [
                "labels: has 17 entries, at most 16 are allowed".to_owned(),
                "labels[\"\"]: must not be empty".to_owned(),
                format!("labels[\"{}\"]: has 65 bytes, at most 64 are allowed", "k".repeat(64)),
                format!("labels[\"{}\"]: has 257 bytes, at most 256 are allowed", "k".repeat(64)),
            ]
        );
    }

    #[test]
    fn an_explicit_price_has_at_least_one_unit() {
        let mut fields = FieldReader::default();
        fields.explicit_price("explicit", v1::ExplicitPrice::default());
        fields.cancel_reason("reason", 0);
        fields.cancel_reason("reason", 7);
        assert_eq!(
            fields.lines(),
            [
                "explicit.amounts: needs at least one unit",
                "reason: is required",
                "reason: 7 is not a cancel reason",
            ]
        );
    }
}
