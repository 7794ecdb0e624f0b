//! What the server says with a refusal, read from `google.rpc.ErrorInfo` and `BadRequest`. Decides nothing by itself.

use std::collections::HashMap;
use std::fmt;

use prost_types::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation};

use crate::v1::{Amount, ErrorReason, ItemError};

const DOMAIN: &str = "wallet.v1";

/// A refusal with all that the server said about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// Why. `Unspecified` for a reason that this version of the client does not know: see `reason_name`.
    pub reason: ErrorReason,
    /// The reason as sent: `INSUFFICIENT_CREDITS`.
    pub reason_name: String,
    /// The gRPC code.
    pub code: Code,
    /// For people.
    pub message: String,
    /// The figures behind it; which ones, says the comment of each [`ErrorReason`] in the protos.
    pub metadata: HashMap<String, String>,
    /// Every bad field of the request, or problem of a catalog.
    pub violations: Vec<FieldViolation>,
}

impl Refusal {
    pub(crate) fn parse(status: &Status, details: &ErrorDetails) -> Option<Self> {
        let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
        let name = format!("ERROR_REASON_{}", info.reason);
        Some(Self {
            reason: ErrorReason::from_str_name(&name).unwrap_or_default(),
            reason_name: info.reason.clone(),
            code: status.code(),
            message: status.message().to_owned(),
            metadata: info.metadata.clone(),
            violations: details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default(),
        })
    }

    /// What is missing, for INSUFFICIENT_CREDITS.
    pub fn shortfall(&self) -> Option<Amount> {
        self.amount("shortfall")
    }

    /// What the job needs, for INSUFFICIENT_CREDITS.
    pub fn required(&self) -> Option<Amount> {
        self.amount("required")
    }

    /// What there is, for INSUFFICIENT_CREDITS.
    pub fn available(&self) -> Option<Amount> {
        self.amount("available")
    }

    /// Packs that would cover the shortfall.
    pub fn packs(&self) -> Vec<&str> {
        self.list("packs")
    }

    /// Plans that would do.
    pub fn plans(&self) -> Vec<&str> {
        self.list("plans")
    }

    /// The fields that differ from what the id was used for before, for IDEMPOTENCY_MISMATCH.
    pub fn fields(&self) -> Vec<&str> {
        self.list("fields")
    }

    /// The wallet's last ledger entry when this was decided.
    pub fn revision(&self) -> Option<i64> {
        self.number("revision")
    }

    /// How many writes the wallet had seen when this was decided.
    pub fn version(&self) -> Option<i64> {
        self.number("version")
    }

    /// When this was decided, by the server's clock.
    pub fn decided_at(&self) -> Option<Timestamp> {
        self.metadata.get("decided_at")?.parse().ok()
    }

    /// A figure by name: `maximum`, `requested`, `max_fee`...
    pub fn number(&self, key: &str) -> Option<i64> {
        self.metadata.get(key)?.parse().ok()
    }

    fn amount(&self, key: &str) -> Option<Amount> {
        Some(crate::amount(self.metadata.get("unit")?, self.number(key)?))
    }

    fn list(&self, key: &str) -> Vec<&str> {
        let text = self.metadata.get(key).map_or("", String::as_str);
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }
}

/// What one item of a call was refused with, as if it had been a call of its own.
impl From<ItemError> for Refusal {
    fn from(error: ItemError) -> Self {
        let reason = error.reason();
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        let violations = error.violations.into_iter();
        Self {
            reason,
            reason_name: name.to_owned(),
            code: Code::from_i32(error.code),
            message: error.message,
            metadata: error.metadata,
            violations: violations.map(|v| FieldViolation::new(v.field, v.description)).collect(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason_name, self.message)?;
        for violation in &self.violations {
            write!(f, "; {}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;
    use crate::Error;

    fn refused(reason: &str, metadata: &[(&str, &str)], bad: &[(&str, &str)]) -> Refusal {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        for (field, description) in bad {
            details.add_bad_request_violation(*field, *description);
        }
        let status = Status::with_error_details(Code::FailedPrecondition, "no", details);
        match Error::from(status) {
            Error::Refused(refusal) => *refusal,
            other => panic!("not a refusal: {other:?}"),
        }
    }

    #[test]
    fn a_shortfall_shows_the_way_out() {
        let refusal = refused(
            "INSUFFICIENT_CREDITS",
            &[
                ("wallet_id", "alice"),
                ("unit", "credits"),
                ("required", "40"),
                ("available", "15"),
                ("shortfall", "25"),
                ("packs", "starter, creator"),
                ("revision", "7"),
                ("version", "9"),
                ("decided_at", "2026-11-21T03:22:00.250Z"),
            ],
            &[],
        );
        assert_eq!(refusal.reason, ErrorReason::InsufficientCredits);
        assert_eq!(refusal.shortfall(), Some(crate::amount("credits", 25)));
        assert_eq!(refusal.required().map(|a| a.amount), Some(40));
        assert_eq!(refusal.available().map(|a| a.amount), Some(15));
        assert_eq!(refusal.packs(), ["starter", "creator"]);
        assert!(refusal.plans().is_empty());
        assert_eq!((refusal.revision(), refusal.version()), (Some(7), Some(9)));
        assert_eq!(refusal.decided_at().map(|t| t.nanos), Some(250_000_000));
    }

    #[test]
    fn every_bad_field_is_named() {
        let bad = [("wallet_id", "is required"), ("limits[0].unit", "is unknown")];
        let refusal = refused("INVALID_FIELD", &[], &bad);
        let fields: Vec<&str> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["wallet_id", "limits[0].unit"]);
        assert_eq!(
            refusal.to_string(),
            "INVALID_FIELD: no; wallet_id: is required; limits[0].unit: is unknown"
        );
    }

    #[test]
    fn a_reason_of_a_later_version_keeps_its_name() {
        let refusal = refused("MOON_IN_THE_WRONG_PHASE", &[], &[]);
        assert_eq!(refusal.reason, ErrorReason::Unspecified);
        assert_eq!(refusal.reason_name, "MOON_IN_THE_WRONG_PHASE");
        assert_eq!(refusal.shortfall(), None);
    }
}
