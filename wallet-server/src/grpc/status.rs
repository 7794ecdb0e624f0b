//! The conversion of errors to `Status`: reason, figures and message. No other place decides them, and no internal
//! detail is sent. The code of a reason is that of its contract, [`wallet_proto::reasons`].
//!
//! A `Status` travels in HTTP/2 headers, of which many clients accept 8 KiB: texts and lists are cut to fit.

mod bounds;
mod detail;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::mem;
use std::num::NonZeroU32;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use wallet_core::catalog::{CatalogProblems, PricingError};
use wallet_core::{FieldViolation, Rejection, WalletId};
use wallet_proto::reasons::{DOMAIN, ReasonSpec};
use wallet_proto::v1::error_detail::{
    CatalogSuperseded, Detail, MessageTooLarge, PositionOutOfRange, RateLimited,
};
use wallet_proto::v1::{self, ErrorDetail, ErrorReason};

use self::bounds::{bounded_metadata, bounded_text, bounded_violations};
use super::error::{AboveRate, Cause, DecisionPoint, ErrorContext, RateLimit, RpcError};
use super::from_proto::key_path;
use super::to_proto;
use crate::call_name::in_call;
use crate::catalogs::PublishError;
use crate::causes::Chain;
use crate::engine::EngineError;
use crate::grpc::error::SHED_FOR;
use crate::keys::{IssueError, KeyError, Scope};
use crate::query::ReadError;
use crate::store::{FeedEnds, StoreError, StoreErrorKind};
use crate::tenants::TenantError;
use crate::webhooks::{MAX_ENDPOINTS, WebhookError};

/// The retry delay while the clock is in doubt.
const CLOCK_SETTLES: Duration = Duration::from_secs(2);

/// The content of a `Status` or an `ItemError`.
struct Content {
    code: Code,
    /// `None` for defects.
    reason: Option<ErrorReason>,
    message: String,
    metadata: Vec<(String, String)>,
    detail: Option<Detail>,
    violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
}

impl From<RpcError> for Status {
    fn from(error: RpcError) -> Status {
        let ErrorContext { cause, wallet, decided, operation_path } = *error.0;
        content(cause, &operation_path).into_status(wallet, decided)
    }
}

/// Converts the error of one item, while the other items of the call are answered.
impl From<RpcError> for v1::ItemError {
    fn from(error: RpcError) -> Self {
        let ErrorContext { cause, wallet, decided, operation_path } = *error.0;
        content(cause, &operation_path).into_item(wallet, decided)
    }
}

fn content(cause: Cause, operation_path: &str) -> Content {
    match cause {
        Cause::Rejected(rejection) => rejected(&rejection, operation_path),
        Cause::Engine(error) => of_engine(error, operation_path),
        Cause::Read(error) => of_read(error, operation_path),
        Cause::Publish(error) => of_publish(error),
        Cause::Key(error) => of_key(error),
        Cause::Issue(error) => of_issue(error, operation_path),
        Cause::Tenant(error) => of_tenant(error, operation_path),
        Cause::Webhook(error) => of_webhook(error, operation_path),
        Cause::Store(error) => of_store(&error),
        Cause::ScopeMissing(scope) => scope_missing(scope),
        Cause::KeyMissing => with_reason(
            ErrorReason::KeyMissing,
            "the call has no API key; send it as metadata `authorization: Bearer <key>`",
        ),
        Cause::RateLimited(above) => rate_limited(above),
        Cause::NotForWalletToken => with_reason(
            ErrorReason::NotForWalletToken,
            "a wallet token is for calls about its own wallet; this request names another one or none, or needs an API key",
        ),
        Cause::TooManyWatchers { limit } => Content {
            metadata: vec![("limit".to_owned(), limit.to_string())],
            ..with_reason(
                ErrorReason::TooManyWatchers,
                format!(
                    "there are {limit} watchers, the most that this server allows for one wallet, for one tenant, or in all; end one of them"
                ),
            )
        },
        Cause::TenantLive(error) => with_reason(ErrorReason::TenantLive, error.to_string()),
        Cause::ClockMoving(error) => {
            Content { retry_after: Some(SHED_FOR), ..with_reason(ErrorReason::Overloaded, error.to_string()) }
        }
        Cause::NoAnswer => Content { code: Code::DeadlineExceeded, ..outcome_unknown() },
        Cause::Malformed(fault) => malformed(&fault),
        Cause::TooLarge { bytes, limit } => too_large(bytes, limit),
        Cause::Defect(what) => {
            in_call(|| tracing::error!(what, "internal defect; please report it with this line"));
            internal()
        }
    }
}

fn of_engine(error: EngineError, operation_path: &str) -> Content {
    match error {
        EngineError::Overloaded { retry_after } => Content {
            retry_after: Some(retry_after),
            ..with_reason(
                ErrorReason::Overloaded,
                "the server is busy and did not execute the call; repeat it with the same ids",
            )
        },
        EngineError::OutcomeUnknown => outcome_unknown(),
        EngineError::ClockInDoubt => Content {
            retry_after: Some(CLOCK_SETTLES),
            ..with_reason(
                ErrorReason::ClockInDoubt,
                "the system clock jumped and is not trusted yet; the call was not executed, repeat it with the same ids",
            )
        },
        EngineError::DeadlinePassed => with_reason(
            ErrorReason::DeadlinePassed,
            "the deadline passed before execution began; the call was not executed, repeat it with the same ids and a longer deadline",
        ),
        EngineError::Unavailable => store_unavailable(),
        EngineError::Unreadable => rejected(&Rejection::WalletFrozen, operation_path),
        EngineError::Internal => internal(),
    }
}

fn of_read(error: ReadError, operation_path: &str) -> Content {
    match error {
        ReadError::Rejected(rejection) => rejected(&rejection, operation_path),
        ReadError::BadPageToken => {
            rejected(&Rejection::field("page_token", "is not from a page of this list"), operation_path)
        }
        ReadError::FeedPosition(ends) => position_out_of_range(ends),
        ReadError::Overloaded => Content {
            retry_after: Some(SHED_FOR),
            ..with_reason(
                ErrorReason::Overloaded,
                "too many searches and summaries are running, and none ended within 2 seconds; repeat the call later",
            )
        },
        ReadError::Unavailable | ReadError::Long => store_unavailable(),
        ReadError::Unreadable => rejected(&Rejection::WalletFrozen, operation_path),
    }
}

fn of_publish(error: PublishError) -> Content {
    match error {
        PublishError::Invalid(problems) => invalid_catalog(problems),
        error @ PublishError::NotExpected { current, expected } => {
            let detail = CatalogSuperseded { expected_version: expected, ..Default::default() };
            superseded(&error, current, ("expected_version", expected), detail)
        }
        error @ PublishError::PublishedBefore { current, published } => {
            let detail = CatalogSuperseded { published_version: published, ..Default::default() };
            superseded(&error, current, ("published_version", published), detail)
        }
        PublishError::Unusable(error) => {
            in_call(|| {
                tracing::error!(error = %Chain(&error), "a catalog cannot be published: a stored one is unusable");
            });
            internal()
        }
        PublishError::Unavailable(error) => of_store(&error),
    }
}

fn of_key(error: KeyError) -> Content {
    match error {
        KeyError::Malformed => with_reason(
            ErrorReason::KeyMalformed,
            "`authorization` is not `Bearer <key>` with a whole API key or wallet token; a letter is missing or wrong",
        ),
        KeyError::Invalid => with_reason(
            ErrorReason::KeyInvalid,
            "the API key, or the one that made the wallet token, does not exist, or it is revoked or expired; use another",
        ),
        KeyError::TokenExpired => with_reason(
            ErrorReason::WalletTokenExpired,
            "the wallet token has expired; ask the back end for another one",
        ),
        KeyError::TenantSuspended => with_reason(
            ErrorReason::TenantSuspended,
            "the tenant of the API key is suspended; an operator can resume it",
        ),
        KeyError::Store(error) => of_store(&error),
    }
}

fn of_issue(error: IssueError, operation_path: &str) -> Content {
    match error {
        IssueError::Beyond(scope) => scope_missing(scope),
        error @ IssueError::NoPepper => with_reason(ErrorReason::KeysOff, error.to_string()),
        error @ (IssueError::NoKey(_) | IssueError::Ended(_) | IssueError::Replaced { .. }) => {
            with_reason(ErrorReason::KeyNotFound, error.to_string())
        }
        IssueError::Scope(scope) => rejected(
            &Rejection::field(
                "scopes",
                format!("has {}, which only keys of the tenant default can have", scope.name()),
            ),
            operation_path,
        ),
        IssueError::Past(_) => {
            rejected(&Rejection::field("expire_time", "must be in the future"), operation_path)
        }
        IssueError::Randomness(error) => {
            in_call(|| tracing::error!(%error, "no random bytes for a key"));
            internal()
        }
        IssueError::Store(error) => of_store(&error),
    }
}

fn of_tenant(error: TenantError, operation_path: &str) -> Content {
    match error {
        TenantError::Exists(name) => with_reason(
            ErrorReason::TenantExists,
            format!("there is a tenant {name} with another mode; choose another name"),
        ),
        TenantError::Missing(name) => {
            with_reason(ErrorReason::TenantNotFound, format!("there is no tenant {name}"))
        }
        error @ TenantError::Name(_) => {
            rejected(&Rejection::field("name", error.to_string()), operation_path)
        }
        error @ TenantError::Catalog(_) => {
            in_call(|| tracing::error!(%error, "a tenant cannot begin with the bundled catalog"));
            internal()
        }
        TenantError::Store(error) => of_store(&error),
    }
}

fn of_webhook(error: WebhookError, operation_path: &str) -> Content {
    match error {
        error @ WebhookError::NotFound(_) => {
            with_reason(ErrorReason::WebhookEndpointNotFound, error.to_string())
        }
        error @ WebhookError::Exists(_) => with_reason(ErrorReason::WebhookEndpointExists, error.to_string()),
        error @ WebhookError::TooMany => {
            let exceeded = Rejection::LimitExceeded {
                limit: "webhook_endpoints".to_owned(),
                maximum: MAX_ENDPOINTS.to_string(),
                requested: (MAX_ENDPOINTS + 1).to_string(),
                plans: Vec::new(),
            };
            Content { message: error.to_string(), ..rejected(&exceeded, operation_path) }
        }
        error @ WebhookError::SecretVersion(_) => {
            rejected(&Rejection::field("secret_version", error.to_string()), operation_path)
        }
        WebhookError::Position(ends) => position_out_of_range(ends),
        WebhookError::Store(error) => of_store(&error),
    }
}

/// Logs the cause, which is not sent to callers.
fn of_store(error: &StoreError) -> Content {
    in_call(|| tracing::error!(error = %Chain(error), "a query of the control plane failed"));
    match error.kind {
        StoreErrorKind::Unavailable | StoreErrorKind::Conflict => store_unavailable(),
        StoreErrorKind::CommitUnknown => outcome_unknown(),
        StoreErrorKind::Refused | StoreErrorKind::Unreadable | StoreErrorKind::InvariantViolated => {
            internal()
        }
    }
}

fn scope_missing(scope: Scope) -> Content {
    Content {
        metadata: vec![("scope".to_owned(), scope.name().to_owned())],
        ..with_reason(
            ErrorReason::ScopeMissing,
            format!(
                "the API key or wallet token does not have the scope {}; use one that has it",
                scope.name()
            ),
        )
    }
}

fn rejected(rejection: &Rejection, operation_path: &str) -> Content {
    let Some(reason) = ErrorReason::from_short_name(rejection.reason()) else {
        in_call(|| {
            tracing::error!(
                reason = rejection.reason(),
                "the protocol does not have the reason of a rejection"
            );
        });
        return internal();
    };
    let violations = violations(rejection, operation_path);
    let message = match violations.len() {
        0 | 1 => rejection.to_string(),
        n => format!("{n} fields are invalid: {rejection}"),
    };
    Content {
        metadata: rejection.metadata(),
        detail: detail::detail(rejection),
        violations,
        ..with_reason(reason, message)
    }
}

/// The invalid fields that `BadRequest` lists.
fn violations(rejection: &Rejection, operation_path: &str) -> Vec<FieldViolation> {
    let quantity = |name: &str| key_path(format_args!("{operation_path}.quantities"), name).to_string();
    match rejection {
        Rejection::InvalidFields(violations) => violations.clone(),
        Rejection::Unpriced(PricingError::MissingQuantity { kind, quantity: name }) => {
            vec![FieldViolation::new(quantity(name), format!("is required to price {kind:?}"))]
        }
        Rejection::Unpriced(PricingError::UnknownQuantities { kind, quantities }) => quantities
            .iter()
            .map(|name| FieldViolation::new(quantity(name), format!("no price of {kind:?} depends on it")))
            .collect(),
        Rejection::Unpriced(PricingError::UncountedQuantities { quantities, .. }) => quantities
            .iter()
            .map(|name| FieldViolation::new(quantity(name), "is required: the wallet's plan limits it"))
            .collect(),
        Rejection::Unpriced(error @ PricingError::TooLarge { .. }) => {
            vec![FieldViolation::new(operation_path, error.to_string())]
        }
        Rejection::Unpriced(PricingError::NoRule { .. } | PricingError::UnknownRule { .. })
        | Rejection::WalletNotFound
        | Rejection::WalletFrozen
        | Rejection::ReservationNotFound
        | Rejection::GrantNotFound
        | Rejection::TopUpNotFound
        | Rejection::NotRefundable(_)
        | Rejection::NothingToReverse
        | Rejection::ReversalExceedsCharge { .. }
        | Rejection::IdempotencyMismatch { .. }
        | Rejection::ReservationFinished(_)
        | Rejection::StaleAttempt { .. }
        | Rejection::PackNotFound(_)
        | Rejection::PlanNotFound(_)
        | Rejection::SubscriptionNotFound
        | Rejection::AlreadySubscribed(_)
        | Rejection::PlanUsed(_)
        | Rejection::PeriodPaid { .. }
        | Rejection::PlanChangePaid { .. }
        | Rejection::SubscriptionEnds(_)
        | Rejection::SubscriptionPaused
        | Rejection::NotChargedBack
        | Rejection::AutoTopUpNotUnderWay { .. }
        | Rejection::OpenReservations(_)
        | Rejection::PackNotAvailable { .. }
        | Rejection::CatalogNotFound(_)
        | Rejection::CatalogUnusable { .. }
        | Rejection::QuoteInvalid(_)
        | Rejection::QuoteExpired(_)
        | Rejection::UnitMismatch { .. }
        | Rejection::PriceAboveLimit { .. }
        | Rejection::WalletSuspended
        | Rejection::WalletClosed
        | Rejection::InDebt { .. }
        | Rejection::NotEntitled { .. }
        | Rejection::LimitExceeded { .. }
        | Rejection::ConcurrencyLimit { .. }
        | Rejection::InsufficientCredits { .. }
        | Rejection::FeeAboveLimit { .. } => Vec::new(),
    }
}

/// Returns CATALOG_SUPERSEDED: the current catalog is not the one that the caller of PublishCatalog expects.
fn superseded(
    cause: &PublishError,
    current: i64,
    (name, version): (&str, i64),
    detail: CatalogSuperseded,
) -> Content {
    Content {
        metadata: vec![
            ("current_version".to_owned(), current.to_string()),
            (name.to_owned(), version.to_string()),
        ],
        detail: Some(Detail::CatalogSuperseded(CatalogSuperseded { current_version: current, ..detail })),
        ..with_reason(ErrorReason::CatalogSuperseded, cause.to_string())
    }
}

fn invalid_catalog(problems: CatalogProblems) -> Content {
    let message = format!("the document is not a valid catalog: {problems}");
    let violations = problems.0.into_iter().map(|p| FieldViolation { field: p.path, description: p.message });
    Content { violations: violations.collect(), ..with_reason(ErrorReason::CatalogInvalid, message) }
}

fn rate_limited(AboveRate { limit, rate, retry_after }: AboveRate) -> Content {
    let (name, why) = match limit {
        RateLimit::Key => ("key", "the API key is used for more calls than it allows"),
        RateLimit::Server => ("server", "the API key is used for more calls than this server allows"),
        RateLimit::Tenant => (
            "tenant",
            "the keys or the wallet tokens of the tenant are used for more calls than this server allows it",
        ),
    };
    let number = |calls: NonZeroU32| i32::try_from(calls.get()).unwrap_or(i32::MAX);
    let detail = RateLimited {
        limit: name.to_owned(),
        calls_per_second: number(rate.per_second),
        calls_burst: number(rate.burst),
        retry_delay: prost_types::Duration::try_from(retry_after).ok(),
    };
    Content {
        retry_after: Some(retry_after),
        metadata: vec![
            ("limit".to_owned(), name.to_owned()),
            ("calls_per_second".to_owned(), rate.per_second.to_string()),
        ],
        detail: Some(Detail::RateLimited(detail)),
        ..with_reason(ErrorReason::RateLimited, format!("{why}, {rate}; repeat the call after the delay"))
    }
}

fn position_out_of_range(FeedEnds { first, last }: FeedEnds) -> Content {
    let detail = PositionOutOfRange { first_position: first, last_position: last };
    Content {
        metadata: vec![
            ("first_position".to_owned(), first.to_string()),
            ("last_position".to_owned(), last.to_string()),
        ],
        detail: Some(Detail::PositionOutOfRange(detail)),
        ..with_reason(
            ErrorReason::PositionOutOfRange,
            format!(
                "the feed has the positions {first} to {last}; after_position must be {} to {last}",
                first - 1
            ),
        )
    }
}

/// Returns an error with the usual code of the reason and no figures.
fn with_reason(reason: ErrorReason, message: impl Into<String>) -> Content {
    Content {
        code: reason.spec().map_or(Code::Internal, ReasonSpec::code),
        reason: Some(reason),
        message: message.into(),
        metadata: Vec::new(),
        detail: None,
        violations: Vec::new(),
        retry_after: None,
    }
}

fn malformed(fault: &str) -> Content {
    with_reason(ErrorReason::MalformedMessage, format!("the request message {fault}"))
}

fn too_large(bytes: Option<usize>, limit: usize) -> Content {
    let message = match bytes {
        Some(bytes) => {
            format!("the request message has {bytes} bytes, at most {limit} are allowed for this method")
        }
        None => format!(
            "the request message has more than the {limit} bytes after decompression that are allowed for this method"
        ),
    };
    let pair = |name: &str, bytes: usize| (name.to_owned(), bytes.to_string());
    let whole = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let detail = MessageTooLarge { bytes: bytes.map_or(0, whole), limit: whole(limit) };
    Content {
        metadata: bytes.map(|bytes| pair("bytes", bytes)).into_iter().chain([pair("limit", limit)]).collect(),
        detail: Some(Detail::MessageTooLarge(detail)),
        ..with_reason(ErrorReason::MessageTooLarge, message)
    }
}

fn outcome_unknown() -> Content {
    with_reason(
        ErrorReason::OutcomeUnknown,
        "the outcome is unknown; repeat the call with the same ids to learn it",
    )
}

fn store_unavailable() -> Content {
    with_reason(
        ErrorReason::StoreUnavailable,
        "the database did not respond in time; the call was not executed, repeat it with the same ids",
    )
}

fn internal() -> Content {
    Content { code: Code::Internal, reason: None, ..with_reason(ErrorReason::Unspecified, "internal error") }
}

impl Content {
    fn into_status(mut self, wallet: Option<WalletId>, decided: Option<DecisionPoint>) -> Status {
        let metadata = self.take_metadata(wallet, decided);
        let mut details = ErrorDetails::new();
        if let Some(reason) = self.reason {
            details.set_error_info(reason.short_name(), DOMAIN, metadata);
        }
        for FieldViolation { field, description } in bounded_violations(self.violations) {
            details.add_bad_request_violation(field, description);
        }
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        let status = Status::with_error_details(self.code, bounded_text(self.message), details);
        match self.detail {
            Some(detail) => ErrorDetail::from(detail).add_to(&status),
            None => status,
        }
    }

    fn into_item(mut self, wallet: Option<WalletId>, decided: Option<DecisionPoint>) -> v1::ItemError {
        let metadata = self.take_metadata(wallet, decided);
        let violations = bounded_violations(self.violations).into_iter();
        v1::ItemError {
            code: self.code.into(),
            reason: self.reason.unwrap_or_default().into(),
            message: bounded_text(self.message),
            metadata,
            violations: violations
                .map(|FieldViolation { field, description }| v1::FieldViolation { field, description })
                .collect(),
            detail: self.detail.map(ErrorDetail::from),
            retry_delay: self.retry_after.map(to_proto::duration),
        }
    }

    /// Returns the figures of the reason, the wallet of the call and the point of the decision.
    fn take_metadata(
        &mut self,
        wallet: Option<WalletId>,
        decided: Option<DecisionPoint>,
    ) -> HashMap<String, String> {
        let figures = mem::take(&mut self.metadata);
        let mut metadata: HashMap<String, String> = bounded_metadata(figures).into_iter().collect();
        metadata.extend(wallet.map(|wallet| ("wallet_id".to_owned(), wallet.to_string())));
        if let Some(DecisionPoint { revision, version, at }) = decided {
            let figures = [
                ("revision", revision.to_string()),
                ("version", version.to_string()),
                ("decided_at", at.to_string()),
            ];
            metadata.extend(figures.map(|(name, value)| (name.to_owned(), value)));
        }
        metadata
    }
}
