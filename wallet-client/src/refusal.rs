//! A refusal as the server describes it in `google.rpc.ErrorInfo`, `google.rpc.BadRequest` and `wallet.v1.ErrorDetail`.

use std::collections::HashMap;
use std::fmt;

use prost_types::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation};
use wallet_proto::reasons::DOMAIN;

use crate::v1::error_detail::{Detail, Shortfall};
use crate::v1::{ErrorDetail, ErrorReason, ItemError};

/// A refusal: its reason, its figures and the invalid fields.
///
/// The figures are in [`detail`](Self::detail), typed by the reason; methods such as [`packs`](Self::packs) return those
/// that several reasons have.
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Error, RefusalDetail, WalletClient, v1};
/// # async fn example(client: &WalletClient, request: v1::ReserveRequest) -> Result<(), Error> {
/// let Err(error) = client.reserve(request).await else { return Ok(()) };
/// match error.refusal().and_then(|refusal| refusal.detail.as_ref()) {
///     Some(RefusalDetail::InsufficientCredits(short)) => {
///         for unit in &short.shortfalls {
///             println!("{} {} are missing", unit.missing, unit.unit);
///         }
///         println!("buy one of {:?}, or wait until {:?}", short.pack_ids, short.next_renewal_time);
///     }
///     Some(RefusalDetail::ConcurrencyLimit(jobs)) => println!("only {} jobs at once", jobs.limit),
///     Some(RefusalDetail::NotEntitled(job)) => println!("change to one of {:?}", job.entitling_plan_ids),
///     _ => return Err(error),
/// }
/// # Ok(())
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
    /// The figures, typed by the reason. `None` if the reason has none, or if this version of the client does not know
    /// them.
    pub detail: Option<Detail>,
    /// The figures as text, by name. The comment of each [`ErrorReason`] in the protocol lists them.
    pub metadata: HashMap<String, String>,
    /// The invalid fields of the request, or the problems of a catalog.
    pub violations: Vec<FieldViolation>,
}

impl Refusal {
    pub(crate) fn parse(status: &Status, details: &ErrorDetails) -> Option<Self> {
        let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
        Some(Self {
            reason: ErrorReason::from_short_name(&info.reason).unwrap_or_default(),
            reason_name: info.reason.clone(),
            code: status.code(),
            message: status.message().to_owned(),
            detail: ErrorDetail::of(status).and_then(|figures| figures.detail),
            metadata: info.metadata.clone(),
            violations: details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default(),
        })
    }

    /// Returns the units of which credits are missing, for INSUFFICIENT_CREDITS.
    pub fn shortfalls(&self) -> &[Shortfall] {
        match &self.detail {
            Some(Detail::InsufficientCredits(short)) => &short.shortfalls,
            _ => &[],
        }
    }

    /// Returns the ids of packs that would cover the shortfall, for INSUFFICIENT_CREDITS.
    pub fn packs(&self) -> &[String] {
        match &self.detail {
            Some(Detail::InsufficientCredits(short)) => &short.pack_ids,
            _ => &[],
        }
    }

    /// Returns the ids of plans that would permit the call or give the missing credits.
    pub fn plans(&self) -> &[String] {
        match &self.detail {
            Some(Detail::InsufficientCredits(short)) => &short.covering_plan_ids,
            Some(Detail::NotEntitled(job)) => &job.entitling_plan_ids,
            Some(Detail::LimitExceeded(limit)) => &limit.entitling_plan_ids,
            Some(Detail::PackNotAvailable(pack)) => &pack.plan_ids,
            _ => &[],
        }
    }

    /// Returns the instant at which the wallet's plan gives credits again, for INSUFFICIENT_CREDITS.
    pub fn next_renewal_time(&self) -> Option<Timestamp> {
        match &self.detail {
            Some(Detail::InsufficientCredits(short)) => short.next_renewal_time,
            _ => None,
        }
    }

    /// Returns the fields that differ from the first call with the same id, for IDEMPOTENCY_MISMATCH.
    pub fn fields(&self) -> &[String] {
        match &self.detail {
            Some(Detail::IdempotencyMismatch(mismatch)) => &mismatch.fields,
            _ => &[],
        }
    }

    /// Returns the revision of the wallet's last entry at the decision.
    pub fn revision(&self) -> Option<i64> {
        self.metadata.get("revision")?.parse().ok()
    }

    /// Returns the number of writes to the wallet before the decision.
    pub fn version(&self) -> Option<i64> {
        self.metadata.get("version")?.parse().ok()
    }

    /// Returns the time of the decision on the server's clock.
    pub fn decided_at(&self) -> Option<Timestamp> {
        self.metadata.get("decided_at")?.parse().ok()
    }
}

/// Converts the error of one item into the refusal that a call for this item alone would get.
impl From<ItemError> for Refusal {
    fn from(error: ItemError) -> Self {
        let reason = error.reason();
        let violations = error.violations.into_iter();
        Self {
            reason,
            reason_name: reason.short_name().to_owned(),
            code: Code::from_i32(error.code),
            message: error.message,
            detail: error.detail.and_then(|figures| figures.detail),
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
    use crate::v1::error_detail::{InsufficientCredits, NotEntitled};

    fn status(reason: &str, metadata: &[(&str, &str)], bad: &[(&str, &str)]) -> Status {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        for (field, description) in bad {
            details.add_bad_request_violation(*field, *description);
        }
        Status::with_error_details(Code::FailedPrecondition, "no", details)
    }

    fn refused(status: Status) -> Refusal {
        match Error::from(status) {
            Error::Refused(refusal) => *refusal,
            other => panic!("not a refusal: {other:?}"),
        }
    }

    #[test]
    fn a_shortfall_is_returned_with_its_remedies() {
        let short = Shortfall { unit: "credits".to_owned(), required: 40, available: 15, missing: 25 };
        let detail = Detail::InsufficientCredits(InsufficientCredits {
            shortfalls: vec![short.clone()],
            pack_ids: vec!["starter".to_owned(), "creator".to_owned()],
            covering_plan_ids: vec!["pro".to_owned()],
            next_renewal_time: Some(Timestamp { seconds: 1_796_083_200, nanos: 0 }),
        });
        let decided = [("revision", "7"), ("version", "9"), ("decided_at", "2026-11-21T03:22:00.250Z")];
        let status = status("INSUFFICIENT_CREDITS", &decided, &[]);
        let refusal = refused(ErrorDetail::from(detail).add_to(&status));
        assert_eq!(refusal.reason, ErrorReason::InsufficientCredits);
        assert_eq!(refusal.shortfalls(), [short]);
        assert_eq!((refusal.packs().len(), refusal.plans()), (2, ["pro".to_owned()].as_slice()));
        assert_eq!(refusal.next_renewal_time().map(|time| time.seconds), Some(1_796_083_200));
        assert!(refusal.fields().is_empty());
        assert_eq!((refusal.revision(), refusal.version()), (Some(7), Some(9)));
        assert_eq!(refusal.decided_at().map(|t| t.nanos), Some(250_000_000));
    }

    #[test]
    fn a_refusal_without_typed_figures_keeps_their_text() {
        let refusal = refused(status("IN_DEBT", &[("unit", "credits"), ("debt", "5")], &[]));
        assert_eq!((refusal.detail.is_none(), refusal.metadata["debt"].as_str()), (true, "5"));
        assert!(refusal.shortfalls().is_empty() && refusal.plans().is_empty());
    }

    #[test]
    fn the_error_of_an_item_is_a_refusal_with_its_figures() {
        let detail = Detail::NotEntitled(NotEntitled {
            entitling_plan_ids: vec!["pro".to_owned()],
            ..NotEntitled::default()
        });
        let refusal = Refusal::from(ItemError {
            code: Code::FailedPrecondition.into(),
            reason: ErrorReason::NotEntitled.into(),
            detail: Some(detail.clone().into()),
            ..ItemError::default()
        });
        assert_eq!((refusal.reason_name.as_str(), refusal.code), ("NOT_ENTITLED", Code::FailedPrecondition));
        assert_eq!((refusal.plans(), &refusal.detail), (["pro".to_owned()].as_slice(), &Some(detail)));
    }

    #[test]
    fn every_violation_is_displayed() {
        let bad = [("wallet_id", "is required"), ("limits[0].unit", "is unknown")];
        let refusal = refused(status("INVALID_FIELD", &[], &bad));
        let fields: Vec<&str> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["wallet_id", "limits[0].unit"]);
        assert_eq!(
            refusal.to_string(),
            "INVALID_FIELD: no; wallet_id: is required; limits[0].unit: is unknown"
        );
    }

    #[test]
    fn an_unknown_reason_keeps_its_name() {
        let refusal = refused(status("OF_A_LATER_VERSION", &[], &[]));
        assert_eq!(refusal.reason, ErrorReason::Unspecified);
        assert_eq!(refusal.reason_name, "OF_A_LATER_VERSION");
        assert_eq!(refusal.detail, None);
    }
}
