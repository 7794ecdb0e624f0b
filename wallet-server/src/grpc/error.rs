//! The error of a call on its way to [`super::status`], which decides code and text.

use std::borrow::Cow;
use std::time::Duration;

use wallet_core::{Rejection, Timestamp, WalletId};

use crate::catalogs::{CatalogError, PublishError};
use crate::engine::{ClockError, EngineError};
use crate::keys::{CallRate, IssueError, KeyError, Scope};
use crate::query::ReadError;
use crate::store::StoreError;
use crate::tenants::TenantError;
use crate::webhooks::WebhookError;

/// The retry delay of a call that was shed before it was examined.
pub(super) const SHED_FOR: Duration = Duration::from_millis(250);

/// The error of a call. It is boxed to keep results small.
#[derive(Debug)]
pub(crate) struct RpcError(pub(super) Box<ErrorContext>);

/// The cause of an error and the context that is sent with it.
#[derive(Debug)]
pub(super) struct ErrorContext {
    pub(super) cause: Cause,
    /// The wallet that the call is about.
    pub(super) wallet: Option<WalletId>,
    /// The wallet's revision, version and time at the decision.
    pub(super) decided: Option<DecisionPoint>,
    /// The path of the request field with the priced operation.
    pub(super) operation_path: Cow<'static, str>,
}

/// The point in a wallet's history at which a command was decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecisionPoint {
    pub(crate) revision: i64,
    pub(crate) version: i64,
    pub(crate) at: Timestamp,
}

#[derive(Debug)]
pub(super) enum Cause {
    Rejected(Rejection),
    Engine(EngineError),
    Read(ReadError),
    Publish(PublishError),
    /// A query of the control plane's tables failed.
    Store(StoreError),
    /// The deadline passed before there was a reply.
    NoAnswer,
    /// The call has no key.
    KeyMissing,
    /// The key or the wallet token of the call is refused.
    Key(KeyError),
    /// The key of the call is used for too many calls.
    RateLimited(AboveRate),
    /// The credential of the call lacks a scope.
    ScopeMissing(Scope),
    /// The wallet token of the call is for another wallet, or its method is for keys.
    NotForWalletToken,
    /// A wallet or a feed has too many watchers.
    TooManyWatchers {
        limit: usize,
    },
    /// A key was not issued, replaced or revoked.
    Issue(IssueError),
    /// An endpoint of webhooks was not created or changed.
    Webhook(WebhookError),
    /// A tenant was not found, created or changed.
    Tenant(TenantError),
    /// The tenant whose clock was to be moved is live.
    TenantLive(ClockError),
    /// Another clock is moving.
    ClockMoving(ClockError),
    /// Parts of the server contradict each other.
    Defect(&'static str),
    /// The request is not a message of the method; the text continues "the request message".
    Malformed(Cow<'static, str>),
    /// The request message is longer than the method accepts.
    TooLarge {
        /// `None`: it is only known to be above the limit, because it was decompressed no further.
        bytes: Option<usize>,
        limit: usize,
    },
}

/// A limit on the rate of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateLimit {
    /// The rate that a key was created with.
    Key,
    /// The rate that the server allows to every key.
    Server,
    /// The rate that the server allows to all keys of a tenant together, and to all its wallet tokens together.
    Tenant,
}

/// A rate that a call is above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AboveRate {
    pub(crate) limit: RateLimit,
    pub(crate) rate: CallRate,
    /// The time after which the call may be repeated.
    pub(crate) retry_after: Duration,
}

impl RpcError {
    /// Returns OVERLOADED, for a call that was not examined.
    pub(crate) fn shed() -> Self {
        EngineError::Overloaded { retry_after: SHED_FOR }.into()
    }

    /// Returns DEADLINE_EXCEEDED with OUTCOME_UNKNOWN: the call may have been executed.
    pub(crate) fn no_answer() -> Self {
        Cause::NoAnswer.into()
    }

    /// Returns UNAUTHENTICATED with KEY_MISSING.
    pub(crate) fn key_missing() -> Self {
        Cause::KeyMissing.into()
    }

    /// Returns RESOURCE_EXHAUSTED with RATE_LIMITED.
    pub(crate) fn rate_limited(above: AboveRate) -> Self {
        Cause::RateLimited(above).into()
    }

    /// Returns PERMISSION_DENIED with SCOPE_MISSING.
    pub(crate) fn scope_missing(scope: Scope) -> Self {
        Cause::ScopeMissing(scope).into()
    }

    /// Returns PERMISSION_DENIED with NOT_FOR_WALLET_TOKEN. It names no wallet, so that existing and missing ones look
    /// alike.
    pub(crate) fn not_for_wallet_token() -> Self {
        Cause::NotForWalletToken.into()
    }

    /// Returns RESOURCE_EXHAUSTED with TOO_MANY_WATCHERS.
    pub(crate) fn too_many_watchers(limit: usize) -> Self {
        Cause::TooManyWatchers { limit }.into()
    }

    /// Returns INTERNAL; `what` is logged.
    pub(crate) fn defect(what: &'static str) -> Self {
        Cause::Defect(what).into()
    }

    /// Returns MALFORMED_MESSAGE; `fault` continues "the request message".
    pub(crate) fn malformed(fault: impl Into<Cow<'static, str>>) -> Self {
        Cause::Malformed(fault.into()).into()
    }

    /// A message of `bytes` bytes where at most `limit` are allowed.
    pub(crate) fn too_large(bytes: usize, limit: usize) -> Self {
        Cause::TooLarge { bytes: Some(bytes), limit }.into()
    }

    /// A message of more than `limit` bytes after decompression.
    pub(crate) fn too_large_inflated(limit: usize) -> Self {
        Cause::TooLarge { bytes: None, limit }.into()
    }

    /// Returns a function for `map_err` that adds the wallet to an error.
    pub(crate) fn about<E: Into<Self>>(wallet: &WalletId) -> impl FnOnce(E) -> Self {
        move |error| {
            let mut error = error.into();
            error.0.wallet = Some(wallet.clone());
            error
        }
    }

    /// Adds the point in the wallet's history at which the command was decided.
    pub(crate) fn decided_at(mut self, decided: DecisionPoint) -> Self {
        self.0.decided = Some(decided);
        self
    }

    /// Sets the path of the request field with the priced operation. Default: `operation`.
    pub(crate) fn operation_path(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation_path = field.into();
        self
    }
}

impl From<Cause> for RpcError {
    fn from(cause: Cause) -> Self {
        Self(Box::new(ErrorContext {
            cause,
            wallet: None,
            decided: None,
            operation_path: "operation".into(),
        }))
    }
}

impl From<Rejection> for RpcError {
    fn from(rejection: Rejection) -> Self {
        Cause::Rejected(rejection).into()
    }
}

impl From<EngineError> for RpcError {
    fn from(error: EngineError) -> Self {
        Cause::Engine(error).into()
    }
}

impl From<ReadError> for RpcError {
    fn from(error: ReadError) -> Self {
        Cause::Read(error).into()
    }
}

impl From<PublishError> for RpcError {
    fn from(error: PublishError) -> Self {
        Cause::Publish(error).into()
    }
}

impl From<KeyError> for RpcError {
    fn from(error: KeyError) -> Self {
        Cause::Key(error).into()
    }
}

impl From<IssueError> for RpcError {
    fn from(error: IssueError) -> Self {
        Cause::Issue(error).into()
    }
}

impl From<WebhookError> for RpcError {
    fn from(error: WebhookError) -> Self {
        Cause::Webhook(error).into()
    }
}

impl From<TenantError> for RpcError {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Store(error) => error.into(),
            error => Cause::Tenant(error).into(),
        }
    }
}

impl From<ClockError> for RpcError {
    fn from(error: ClockError) -> Self {
        match error {
            ClockError::StepTooLong | ClockError::TooFarAhead => {
                Rejection::field("step", error.to_string()).into()
            }
            ClockError::Busy => Cause::ClockMoving(error).into(),
            ClockError::Live => Cause::TenantLive(error).into(),
            ClockError::Store(error) => error.into(),
        }
    }
}

impl From<CatalogError> for RpcError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Unusable { version, why } => Rejection::CatalogUnusable { version, why }.into(),
            CatalogError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        Cause::Store(error).into()
    }
}
