//! Tables of all errors with their code and reason. No internal detail is sent.

use wallet_core::catalog::Problem;
use wallet_core::catalog::Unusable;
use wallet_core::rejection::{Shortfall, Unrefundable};
use wallet_core::reservation::State;
use wallet_core::{Timestamp, UnitId};
use wallet_proto::v1::ErrorReason;

use super::*;

fn credits() -> UnitId {
    UnitId::parse("credits").unwrap()
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// Every rejection with its code and reason.
fn rejections() -> Vec<(Rejection, Code, &'static str)> {
    let unit = credits();
    let no_rule = PricingError::NoRule {
        kind: text("video"),
        tier: None,
        attributes: Vec::new(),
        missing_attributes: Vec::new(),
        unknown_attributes: vec![text("resoluton")],
    };
    let missing = PricingError::MissingQuantity { kind: text("video"), quantity: text("duration_s") };
    let unknown =
        PricingError::UnknownQuantities { kind: text("video"), quantities: vec![text("a"), text("b")] };
    let shortfall = Shortfall { unit: unit.clone(), required: 40, available: 15 };
    vec![
        (Rejection::field("ttl", "is too long"), Code::InvalidArgument, "INVALID_FIELD"),
        (Rejection::WalletNotFound, Code::NotFound, "WALLET_NOT_FOUND"),
        (Rejection::WalletFrozen, Code::FailedPrecondition, "WALLET_FROZEN"),
        (Rejection::ReservationNotFound, Code::NotFound, "RESERVATION_NOT_FOUND"),
        (Rejection::GrantNotFound, Code::NotFound, "GRANT_NOT_FOUND"),
        (Rejection::TopUpNotFound, Code::NotFound, "TOP_UP_NOT_FOUND"),
        (Rejection::NothingToReverse, Code::FailedPrecondition, "REVERSAL_EXCEEDS_CHARGE"),
        (
            Rejection::ReversalExceedsCharge { unit: unit.clone(), requested: 3, charged: 2, reversed: 1 },
            Code::FailedPrecondition,
            "REVERSAL_EXCEEDS_CHARGE",
        ),
        (Rejection::NotRefundable(Unrefundable::TooLate), Code::FailedPrecondition, "NOT_REFUNDABLE"),
        (
            Rejection::IdempotencyMismatch { fields: vec![text("actor")], state: None },
            Code::AlreadyExists,
            "IDEMPOTENCY_MISMATCH",
        ),
        (Rejection::ReservationFinished(State::Settled), Code::FailedPrecondition, "RESERVATION_SETTLED"),
        (Rejection::ReservationFinished(State::Failed), Code::FailedPrecondition, "RESERVATION_FAILED"),
        (Rejection::ReservationFinished(State::Cancelled), Code::FailedPrecondition, "RESERVATION_CANCELLED"),
        (Rejection::ReservationFinished(State::Expired), Code::FailedPrecondition, "RESERVATION_EXPIRED"),
        (Rejection::StaleAttempt { attempt: 2, worker: text("gpu-2") }, Code::Aborted, "STALE_ATTEMPT"),
        (Rejection::PackNotFound(text("huge")), Code::NotFound, "PACK_NOT_FOUND"),
        (Rejection::PlanNotFound(text("gold")), Code::NotFound, "PLAN_NOT_FOUND"),
        (Rejection::SubscriptionNotFound, Code::NotFound, "SUBSCRIPTION_NOT_FOUND"),
        (Rejection::AlreadySubscribed(text("pro")), Code::FailedPrecondition, "ALREADY_SUBSCRIBED"),
        (
            Rejection::PackNotAvailable { pack: text("bulk"), plans: vec![text("pro")] },
            Code::FailedPrecondition,
            "PACK_NOT_AVAILABLE",
        ),
        (Rejection::CatalogNotFound(7), Code::NotFound, "CATALOG_NOT_FOUND"),
        (
            Rejection::CatalogUnusable {
                version: 7,
                why: Unusable::Changed { published: "aa".into(), found: "bb".into() },
            },
            Code::FailedPrecondition,
            "CATALOG_UNUSABLE",
        ),
        (Rejection::QuoteInvalid("it is not a quote token"), Code::InvalidArgument, "QUOTE_INVALID"),
        (Rejection::QuoteExpired(Timestamp::EPOCH), Code::Aborted, "QUOTE_EXPIRED"),
        (Rejection::Unpriced(no_rule), Code::InvalidArgument, "NO_PRICE_RULE"),
        (
            Rejection::Unpriced(PricingError::UnknownRule { rule_id: text("r") }),
            Code::InvalidArgument,
            "NO_PRICE_RULE",
        ),
        (Rejection::Unpriced(missing), Code::InvalidArgument, "INVALID_FIELD"),
        (Rejection::Unpriced(unknown), Code::InvalidArgument, "INVALID_FIELD"),
        (
            Rejection::Unpriced(PricingError::TooLarge { rule_id: text("r") }),
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (Rejection::UnitMismatch { unit: unit.clone() }, Code::InvalidArgument, "UNIT_MISMATCH"),
        (
            Rejection::PriceAboveLimit { unit: unit.clone(), price: 2, limit: 1 },
            Code::Aborted,
            "PRICE_ABOVE_LIMIT",
        ),
        (Rejection::WalletSuspended, Code::FailedPrecondition, "WALLET_SUSPENDED"),
        (Rejection::WalletClosed, Code::FailedPrecondition, "WALLET_CLOSED"),
        (Rejection::InDebt { unit: unit.clone(), debt: 5 }, Code::FailedPrecondition, "IN_DEBT"),
        (
            Rejection::NotEntitled { kind: text("k"), plan: text("free"), plans: vec![text("pro")] },
            Code::FailedPrecondition,
            "NOT_ENTITLED",
        ),
        (
            Rejection::LimitExceeded {
                limit: text("open_grants"),
                maximum: text("1"),
                requested: text("2"),
                plans: Vec::new(),
            },
            Code::FailedPrecondition,
            "LIMIT_EXCEEDED",
        ),
        (Rejection::ConcurrencyLimit { limit: 1, open: 1 }, Code::ResourceExhausted, "CONCURRENCY_LIMIT"),
        (
            Rejection::InsufficientCredits {
                shortfalls: vec![shortfall],
                packs: vec![text("starter")],
                plans: vec![text("pro")],
                next_renewal: None,
            },
            Code::FailedPrecondition,
            "INSUFFICIENT_CREDITS",
        ),
        (Rejection::FeeAboveLimit { unit, fee: 2, max_fee: 1 }, Code::FailedPrecondition, "FEE_ABOVE_LIMIT"),
    ]
}

/// Every other error with its code and reason, which is empty for a defect.
fn others() -> Vec<(RpcError, Code, &'static str)> {
    let store = |trouble| StoreError::new(trouble, "secret cause");
    let publish = |trouble| PublishError::Unavailable(store(trouble));
    let problem = Problem { path: text("rules[2]"), message: text("secret nothing") };
    let overloaded = EngineError::Overloaded { retry_after: Duration::from_millis(200) };
    vec![
        (overloaded.into(), Code::Unavailable, "OVERLOADED"),
        (RpcError::shed(), Code::Unavailable, "OVERLOADED"),
        (RpcError::no_answer(), Code::DeadlineExceeded, "OUTCOME_UNKNOWN"),
        (EngineError::OutcomeUnknown.into(), Code::Unavailable, "OUTCOME_UNKNOWN"),
        (EngineError::Unavailable.into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (EngineError::DeadlinePassed.into(), Code::DeadlineExceeded, "DEADLINE_PASSED"),
        (EngineError::ClockInDoubt.into(), Code::Unavailable, "CLOCK_IN_DOUBT"),
        (EngineError::Unreadable.into(), Code::FailedPrecondition, "WALLET_FROZEN"),
        (ReadError::Unreadable.into(), Code::FailedPrecondition, "WALLET_FROZEN"),
        (EngineError::Internal.into(), Code::Internal, ""),
        (ReadError::Rejected(Rejection::WalletNotFound).into(), Code::NotFound, "WALLET_NOT_FOUND"),
        (ReadError::BadPageToken.into(), Code::InvalidArgument, "INVALID_FIELD"),
        (ReadError::Unavailable.into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (ReadError::Long.into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (ReadError::Overloaded.into(), Code::Unavailable, "OVERLOADED"),
        (
            PublishError::Invalid(CatalogProblems(vec![problem])).into(),
            Code::FailedPrecondition,
            "CATALOG_INVALID",
        ),
        (publish(StoreErrorKind::Conflict).into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (publish(StoreErrorKind::Unavailable).into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (publish(StoreErrorKind::CommitUnknown).into(), Code::Unavailable, "OUTCOME_UNKNOWN"),
        (publish(StoreErrorKind::Refused).into(), Code::Internal, ""),
        (store(StoreErrorKind::Conflict).into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (store(StoreErrorKind::Unavailable).into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (store(StoreErrorKind::CommitUnknown).into(), Code::Unavailable, "OUTCOME_UNKNOWN"),
        (store(StoreErrorKind::Refused).into(), Code::Internal, ""),
        (RpcError::defect("secret defect"), Code::Internal, ""),
    ]
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map_or(String::new(), |info| {
        assert_eq!(info.domain, "wallet.v1");
        info.reason.clone()
    })
}

#[test]
fn every_rejection_has_its_code_and_reason() {
    for (rejection, code, expected) in rejections() {
        let status = Status::from(RpcError::from(rejection.clone()));
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{rejection:?}");
        assert!(!status.message().is_empty());
    }
}

#[test]
fn every_other_error_has_its_code_and_reason_and_hides_internals() {
    for (error, code, expected) in others() {
        let shown = format!("{error:?}");
        let status = Status::from(error);
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{shown}");
        let retry = status.get_error_details().retry_info().is_some();
        assert_eq!(retry, ["OVERLOADED", "CLOCK_IN_DOUBT"].contains(&expected), "{shown}");
        if expected != "CATALOG_INVALID" {
            assert!(!status.message().contains("secret"), "{shown}");
        }
    }
}

#[test]
fn every_reason_is_a_value_of_the_proto_enum() {
    let reasons = rejections().into_iter().map(|(rejection, ..)| rejection.reason());
    let others = others().into_iter().map(|(_, _, reason)| reason).filter(|reason| !reason.is_empty());
    for reason in reasons.chain(others) {
        let name = format!("ERROR_REASON_{reason}");
        assert!(ErrorReason::from_str_name(&name).is_some(), "{name}");
    }
}

#[test]
fn a_decided_rejection_has_revision_version_and_time() {
    let wallet = WalletId::parse("alice").unwrap();
    let short = Shortfall { unit: credits(), required: 40, available: 15 };
    let rejection = Rejection::InsufficientCredits {
        shortfalls: vec![short],
        packs: vec![text("starter")],
        plans: vec![text("creator"), text("pro")],
        next_renewal: Some(Timestamp::from_micros(86_400_000_000)),
    };
    let decided = Decided { revision: 7, version: 9, at: Timestamp::from_micros(1_500_000) };
    let status = Status::from(RpcError::about(&wallet)(rejection).decided(decided));
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    for (name, value) in [
        ("wallet_id", "alice"),
        ("unit", "credits"),
        ("required", "40"),
        ("available", "15"),
        ("shortfall", "25"),
        ("packs", "starter"),
        ("plans", "creator,pro"),
        ("next_renewal_time", "1970-01-02T00:00:00Z"),
        ("revision", "7"),
        ("version", "9"),
        ("decided_at", "1970-01-01T00:00:01.500Z"),
    ] {
        assert_eq!(metadata.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn invalid_fields_have_the_paths_of_the_request() {
    let unpriced = |field| {
        let error = PricingError::UnknownQuantities { kind: text("video"), quantities: vec![text("cuont")] };
        let error = RpcError::from(Rejection::Unpriced(error));
        let status = Status::from(match field {
            Some(field) => error.operation_path(field),
            None => error,
        });
        status.get_error_details().bad_request().unwrap().field_violations[0].field.clone()
    };
    assert_eq!(unpriced(None), "operation.quantities[\"cuont\"]");
    assert_eq!(unpriced(Some("succeeded.usage")), "succeeded.usage.quantities[\"cuont\"]");
}

#[test]
fn every_error_fits_into_the_headers_that_clients_accept() {
    let long = "x".repeat(6_000);
    let many = (0..5_000).map(|n| FieldViolation::new(format!("limits[{n}].unit"), &long)).collect();
    let attributes = (0..32).map(|n| (format!("{n}{long}"), long.clone())).collect();
    let unpriced = PricingError::NoRule {
        kind: long.clone(),
        tier: None,
        attributes,
        missing_attributes: vec![long.clone(); 32],
        unknown_attributes: vec![long.clone(); 32],
    };
    for rejection in [Rejection::InvalidFields(many), Rejection::Unpriced(unpriced)] {
        let status = Status::from(RpcError::from(rejection));
        assert!(status.message().len() + status.details().len() * 4 / 3 < 8_000);
    }
}
