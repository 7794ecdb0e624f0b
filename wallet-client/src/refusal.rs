//! A refusal as the server describes it in `google.rpc.ErrorInfo` and `google.rpc.BadRequest`.

mod detail;

use std::collections::HashMap;
use std::fmt;

use prost_types::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation};

pub use self::detail::{RefusalDetail, Shortfall};
use crate::v1::{Amount, ErrorReason, ItemError};

const DOMAIN: &str = "wallet.v1";

/// A refusal: its reason, its figures and the invalid fields.
///
/// [`detail`](Self::detail) returns the figures typed by reason; the other methods return single ones.
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Error, WalletClient, v1};
/// # async fn example(client: &WalletClient, request: v1::ReserveRequest) {
/// if let Err(Error::Refused(refusal)) = client.reserve(request).await {
///     println!("{}: {}", refusal.reason_name, refusal.message);
///     for pack in refusal.packs() {
///         println!("pack {pack} would cover the shortfall");
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The reason; `Unspecified` if this version of the client does not know it, see `reason_name`.
    pub reason: ErrorReason,
    /// The name of the reason, for example `INSUFFICIENT_CREDITS`.
    pub reason_name: String,
    /// The gRPC code.
    pub code: Code,
    /// A description for people, in English.
    pub message: String,
    /// The figures as sent, by name. The comment of each [`ErrorReason`] in the protocol lists them.
    pub metadata: HashMap<String, String>,
    /// The invalid fields of the request, or the problems of a catalog.
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

    /// Returns the figures of the refusal, typed by its reason.
    pub fn detail(&self) -> RefusalDetail {
        RefusalDetail::of(self)
    }

    /// Returns the units of which credits are missing, for INSUFFICIENT_CREDITS.
    pub fn shortfalls(&self) -> Vec<Shortfall> {
        Shortfall::all(self)
    }

    /// Returns the missing amount of the first short unit, for INSUFFICIENT_CREDITS.
    pub fn shortfall(&self) -> Option<Amount> {
        self.amount("shortfall")
    }

    /// Returns the required amount of the first short unit, for INSUFFICIENT_CREDITS.
    pub fn required(&self) -> Option<Amount> {
        self.amount("required")
    }

    /// Returns the available amount of the first short unit, for INSUFFICIENT_CREDITS.
    pub fn available(&self) -> Option<Amount> {
        self.amount("available")
    }

    /// Returns the ids of packs that would cover the shortfall.
    pub fn packs(&self) -> Vec<&str> {
        self.list("packs")
    }

    /// Returns the ids of plans that would permit the call or give the missing credits.
    pub fn plans(&self) -> Vec<&str> {
        self.list("plans")
    }

    /// Returns the instant at which the wallet's plan gives credits again, for INSUFFICIENT_CREDITS.
    pub fn next_renewal_time(&self) -> Option<Timestamp> {
        self.time("next_renewal_time")
    }

    /// Returns the fields that differ from the first call with the same id, for IDEMPOTENCY_MISMATCH.
    pub fn fields(&self) -> Vec<&str> {
        self.list("fields")
    }

    /// Returns the revision of the wallet's last entry at the decision.
    pub fn revision(&self) -> Option<i64> {
        self.number("revision")
    }

    /// Returns the number of writes to the wallet before the decision.
    pub fn version(&self) -> Option<i64> {
        self.number("version")
    }

    /// Returns the time of the decision on the server's clock.
    pub fn decided_at(&self) -> Option<Timestamp> {
        self.time("decided_at")
    }

    /// Returns a whole number from the metadata by its name, for example `max_fee`.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.metadata.get(key)?.parse().ok()
    }

    /// Returns the entry `key`, in minor units, with the unit that the refusal names.
    fn amount(&self, key: &str) -> Option<Amount> {
        Some(Amount::new(self.metadata.get("unit")?, self.number(key)?))
    }

    fn time(&self, key: &str) -> Option<Timestamp> {
        self.metadata.get(key)?.parse().ok()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.metadata.get(key).cloned()
    }

    fn list(&self, key: &str) -> Vec<&str> {
        let text = self.metadata.get(key).map_or("", String::as_str);
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    fn owned_list(&self, key: &str) -> Vec<String> {
        self.list(key).into_iter().map(str::to_owned).collect()
    }
}

/// Converts the error of one item into the refusal that a call for this item alone would get.
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

    pub(super) fn refused(reason: &str, metadata: &[(&str, &str)], bad: &[(&str, &str)]) -> Refusal {
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
    fn a_shortfall_is_returned_with_its_remedies() {
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
        assert_eq!(refusal.shortfall(), Some(Amount::new("credits", 25)));
        assert_eq!(refusal.required().map(|a| a.amount), Some(40));
        assert_eq!(refusal.available().map(|a| a.amount), Some(15));
        assert_eq!(refusal.packs(), ["starter", "creator"]);
        assert!(refusal.plans().is_empty());
        assert_eq!((refusal.revision(), refusal.version()), (Some(7), Some(9)));
        assert_eq!(refusal.decided_at().map(|t| t.nanos), Some(250_000_000));
    }

    #[test]
    fn every_violation_is_displayed() {
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
    fn an_unknown_reason_keeps_its_name() {
        let refusal = refused("OF_A_LATER_VERSION", &[], &[]);
        assert_eq!(refusal.reason, ErrorReason::Unspecified);
        assert_eq!(refusal.reason_name, "OF_A_LATER_VERSION");
        assert_eq!(refusal.shortfall(), None);
    }
}
