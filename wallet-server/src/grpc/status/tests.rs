//! Tables of all errors with their code and reason, compared with the contract. No internal detail is sent.

use std::collections::BTreeSet;

use http::HeaderMap;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use wallet_core::catalog::Problem;
use wallet_core::catalog::Unusable;
use wallet_core::rejection::{Shortfall, Unrefundable};
use wallet_core::reservation::State;
use wallet_core::{Timestamp, UnitId};
use wallet_proto::reasons::REASONS;

use super::*;
use crate::engine::ClockError;
use crate::keys::{CallRate, KeyId, Scope};

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
        attributes: vec![(text("model"), text("huge"))],
        missing_attributes: vec![text("resolution")],
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
            Rejection::IdempotencyMismatch { fields: vec![text("actor")], state: Some(State::Held) },
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
        (Rejection::PlanUsed(text("trial")), Code::FailedPrecondition, "PLAN_USED"),
        (
            Rejection::PeriodPaid { period_start: Timestamp::EPOCH, next_start: Timestamp::from_micros(1) },
            Code::FailedPrecondition,
            "PERIOD_PAID",
        ),
        (
            Rejection::PlanChangePaid {
                plan: text("pro"),
                period_start: Timestamp::EPOCH,
                reference: Some("in_2".parse().unwrap()),
            },
            Code::FailedPrecondition,
            "PLAN_CHANGE_PAID",
        ),
        (Rejection::NotChargedBack, Code::FailedPrecondition, "NOT_CHARGED_BACK"),
        (
            Rejection::AutoTopUpNotUnderWay { under_way: Some("auto-1".parse().unwrap()) },
            Code::FailedPrecondition,
            "AUTO_TOP_UP_NOT_UNDER_WAY",
        ),
        (Rejection::OpenReservations(3), Code::FailedPrecondition, "OPEN_RESERVATIONS"),
        (Rejection::SubscriptionPaused, Code::FailedPrecondition, "SUBSCRIPTION_PAUSED"),
        (Rejection::SubscriptionEnds(Timestamp::EPOCH), Code::FailedPrecondition, "SUBSCRIPTION_ENDS"),
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
                plans: vec![text("pro")],
            },
            Code::FailedPrecondition,
            "LIMIT_EXCEEDED",
        ),
        (Rejection::ConcurrencyLimit { limit: 1, open: 1 }, Code::ResourceExhausted, "CONCURRENCY_LIMIT"),
        (
            Rejection::InsufficientCredits {
                shortfalls: vec![shortfall.clone(), shortfall],
                packs: vec![text("starter")],
                plans: vec![text("pro")],
                next_renewal: Some(Timestamp::EPOCH),
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
    let key = || KeyId::parse("0123456789").unwrap();
    let overloaded = EngineError::Overloaded { retry_after: Duration::from_millis(200) };
    vec![
        (overloaded.into(), Code::Unavailable, "OVERLOADED"),
        (RpcError::shed(), Code::Unavailable, "OVERLOADED"),
        (ClockError::Busy.into(), Code::Unavailable, "OVERLOADED"),
        (RpcError::malformed("is missing"), Code::InvalidArgument, "MALFORMED_MESSAGE"),
        (RpcError::too_large(5, 4), Code::InvalidArgument, "MESSAGE_TOO_LARGE"),
        (RpcError::too_large_inflated(4), Code::InvalidArgument, "MESSAGE_TOO_LARGE"),
        (PublishError::NotExpected { current: 2, expected: 1 }.into(), Code::Aborted, "CATALOG_SUPERSEDED"),
        (
            PublishError::PublishedBefore { current: 2, published: 1 }.into(),
            Code::Aborted,
            "CATALOG_SUPERSEDED",
        ),
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
        (
            ReadError::FeedPosition(FeedEnds { first: 3, last: 9 }).into(),
            Code::OutOfRange,
            "POSITION_OUT_OF_RANGE",
        ),
        (WebhookError::NotFound(text("crm")).into(), Code::NotFound, "WEBHOOK_ENDPOINT_NOT_FOUND"),
        (WebhookError::Exists(text("crm")).into(), Code::AlreadyExists, "WEBHOOK_ENDPOINT_EXISTS"),
        (WebhookError::TooMany.into(), Code::FailedPrecondition, "LIMIT_EXCEEDED"),
        (WebhookError::SecretVersion(1).into(), Code::InvalidArgument, "INVALID_FIELD"),
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
        (RpcError::key_missing(), Code::Unauthenticated, "KEY_MISSING"),
        (KeyError::Malformed.into(), Code::Unauthenticated, "KEY_MALFORMED"),
        (KeyError::Invalid.into(), Code::Unauthenticated, "KEY_INVALID"),
        (KeyError::TokenExpired.into(), Code::Unauthenticated, "WALLET_TOKEN_EXPIRED"),
        (KeyError::TenantSuspended.into(), Code::PermissionDenied, "TENANT_SUSPENDED"),
        (KeyError::Store(store(StoreErrorKind::Unavailable)).into(), Code::Unavailable, "STORE_UNAVAILABLE"),
        (RpcError::rate_limited(above_rate()), Code::ResourceExhausted, "RATE_LIMITED"),
        (RpcError::scope_missing(Scope::Keys), Code::PermissionDenied, "SCOPE_MISSING"),
        (RpcError::not_for_wallet_token(), Code::PermissionDenied, "NOT_FOR_WALLET_TOKEN"),
        (RpcError::too_many_watchers(5), Code::ResourceExhausted, "TOO_MANY_WATCHERS"),
        (TenantError::Exists(text("t")).into(), Code::AlreadyExists, "TENANT_EXISTS"),
        (TenantError::Missing(text("t")).into(), Code::NotFound, "TENANT_NOT_FOUND"),
        (IssueError::Scope(Scope::Tenants).into(), Code::InvalidArgument, "INVALID_FIELD"),
        (IssueError::Beyond(Scope::Read).into(), Code::PermissionDenied, "SCOPE_MISSING"),
        (ClockError::Live.into(), Code::FailedPrecondition, "TENANT_LIVE"),
        (ClockError::Busy.into(), Code::Unavailable, "OVERLOADED"),
        (ClockError::TooFarAhead.into(), Code::InvalidArgument, "INVALID_FIELD"),
        (IssueError::NoPepper.into(), Code::FailedPrecondition, "KEYS_OFF"),
        (IssueError::NoKey(key()).into(), Code::NotFound, "KEY_NOT_FOUND"),
        (IssueError::Ended(key()).into(), Code::NotFound, "KEY_NOT_FOUND"),
        (IssueError::Replaced { key: key(), successor: text("k") }.into(), Code::NotFound, "KEY_NOT_FOUND"),
        (IssueError::Past(Timestamp::EPOCH).into(), Code::InvalidArgument, "INVALID_FIELD"),
        (IssueError::Randomness(getrandom::Error::UNSUPPORTED).into(), Code::Internal, ""),
        (
            IssueError::Store(store(StoreErrorKind::CommitUnknown)).into(),
            Code::Unavailable,
            "OUTCOME_UNKNOWN",
        ),
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
        assert_eq!(retry, ["OVERLOADED", "CLOCK_IN_DOUBT", "RATE_LIMITED"].contains(&expected), "{shown}");
        // A catalog may contain the word, and a field of webhooks has it in its name.
        if expected != "CATALOG_INVALID" && !shown.contains("SecretVersion") {
            assert!(!status.message().contains("secret"), "{shown}");
        }
    }
}

/// Every error that has a reason.
fn statuses() -> Vec<Status> {
    let rejections = rejections().into_iter().map(|(rejection, ..)| RpcError::from(rejection));
    let others = others().into_iter().map(|(error, ..)| error);
    let statuses = rejections.chain(others).map(Status::from);
    statuses.filter(|status| !reason(status).is_empty()).collect()
}

/// The field of `ErrorDetail` that is set.
fn detail_field(status: &Status) -> Option<String> {
    let detail = ErrorDetail::of(status)?;
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let message = pool.get_message_by_name("wallet.v1.ErrorDetail").unwrap();
    let detail = DynamicMessage::decode(message, detail.encode_to_vec().as_slice()).unwrap();
    let field = detail.fields().next().map(|(field, _)| field.name().to_owned());
    Some(field.expect("it is set"))
}

#[test]
fn every_error_keeps_the_contract_of_its_reason() {
    let mut sent = BTreeSet::new();
    for status in statuses() {
        let reason = reason(&status);
        let spec = ErrorReason::from_short_name(&reason).unwrap().spec().unwrap();
        let details = status.get_error_details();
        assert!(spec.codes.contains(&status.code()), "{reason}: {:?}", status.code());
        assert_eq!(details.retry_info().is_some(), spec.retry_info, "{reason}");
        let keys = details.error_info().unwrap().metadata.keys();
        let unknown: Vec<_> = keys.clone().filter(|key| !spec.has_metadata(key)).collect();
        assert!(unknown.is_empty(), "{reason}: the contract does not have {unknown:?}");
        sent.extend(keys.map(|key| (spec.reason.short_name(), key.replace(".credits", ".<unit>"))));
        let detail = detail_field(&status);
        assert!(detail.is_none() || detail.as_deref() == spec.detail, "{reason}: {detail:?}");
        assert_eq!(detail.is_some(), spec.detail.is_some() && keys_of(&status) > 0, "{reason}");
    }
    let keys = |spec: &'static ReasonSpec| spec.metadata.iter().map(|key| (spec.reason.short_name(), *key));
    let never: Vec<_> = REASONS
        .iter()
        .flat_map(keys)
        .filter(|(reason, key)| !sent.contains(&(*reason, (*key).to_owned())))
        .collect();
    assert!(never.is_empty(), "no error has this metadata: {never:?}");
}

fn keys_of(status: &Status) -> usize {
    status.get_error_details().error_info().unwrap().metadata.len()
}

#[test]
fn every_reason_is_sent_unless_it_is_reserved() {
    let sent: BTreeSet<String> = statuses().iter().map(reason).collect();
    let never = REASONS.iter().filter(|spec| !sent.contains(spec.reason.short_name()));
    let reserved = REASONS.iter().filter(|spec| spec.description.contains("Reserved:"));
    let names =
        |specs: Vec<&ReasonSpec>| specs.iter().map(|spec| spec.reason.short_name()).collect::<Vec<_>>();
    assert_eq!(names(never.collect()), names(reserved.collect()));
}

#[test]
fn an_item_has_the_content_of_the_status_for_the_item_alone() {
    for (rejection, code, reason) in rejections() {
        let status = Status::from(RpcError::from(rejection.clone()));
        let item = v1::ItemError::from(RpcError::from(rejection));
        assert_eq!((Code::from_i32(item.code), item.reason().short_name()), (code, reason));
        assert_eq!(item.detail, ErrorDetail::of(&status), "{reason}");
        assert_eq!(&item.metadata, &status.get_error_details().error_info().unwrap().metadata, "{reason}");
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
    let decided = DecisionPoint { revision: 7, version: 9, at: Timestamp::from_micros(1_500_000) };
    let status = Status::from(RpcError::about(&wallet)(rejection).decided_at(decided));
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
    let id = |n: usize| format!("{n:0>128}");
    let ids = || (0..100).map(id).collect::<Vec<_>>();
    let many = (0..5_000).map(|n| FieldViolation::new(format!("limits[{n}].unit"), &long)).collect();
    let attributes = (0..32).map(|n| (format!("{n}{long}"), long.clone())).collect();
    let no_rule = |attributes, names: Vec<String>| PricingError::NoRule {
        kind: long.clone(),
        tier: None,
        attributes,
        missing_attributes: names.clone(),
        unknown_attributes: names,
    };
    let shortfall = |n| Shortfall {
        unit: UnitId::parse(&id(n)).unwrap(),
        required: 1_000_000_000_000_000,
        available: 999_999_999_999_998,
    };
    let largest = [
        Rejection::InvalidFields(many),
        Rejection::Unpriced(no_rule(attributes, vec![long.clone(); 32])),
        Rejection::Unpriced(no_rule((0..32).map(|n| (id(n), id(n))).collect(), ids())),
        Rejection::InsufficientCredits {
            shortfalls: (0..64).map(shortfall).collect(),
            packs: ids(),
            plans: ids(),
            next_renewal: Some(Timestamp::EPOCH),
        },
        Rejection::LimitExceeded {
            limit: long.clone(),
            maximum: long.clone(),
            requested: long.clone(),
            plans: ids(),
        },
        Rejection::NotEntitled { kind: long.clone(), plan: long.clone(), plans: ids() },
        Rejection::IdempotencyMismatch { fields: ids(), state: Some(State::Processing) },
    ];
    let wallet = WalletId::parse(&id(1)).unwrap();
    let decided = DecisionPoint { revision: i64::MAX, version: i64::MAX, at: Timestamp::EPOCH };
    for rejection in largest {
        let reason = rejection.reason();
        let status = Status::from(RpcError::about(&wallet)(rejection).decided_at(decided));
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        // HTTP/2 counts 32 bytes for each header besides its name and value.
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!((3_000..8_000).contains(&bytes), "{reason}: {bytes}");
        let spec = ErrorReason::from_short_name(reason).unwrap().spec().unwrap();
        assert_eq!(detail_field(&status).as_deref(), spec.detail, "{reason}");
    }
}

fn above_rate() -> AboveRate {
    let rate = CallRate::stored(5, 9).flatten().unwrap();
    AboveRate { limit: RateLimit::Key, rate, retry_after: Duration::from_millis(5) }
}
