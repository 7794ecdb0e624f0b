//! Whatever can go wrong with a call, gathered on its way to [`super::status`]. Decides no code and no text.

use std::borrow::Cow;
use std::time::Duration;

use wallet_core::{Rejection, Timestamp, WalletId};

use crate::catalogs::{CatalogError, PublishError};
use crate::engine::EngineError;
use crate::query::ReadError;
use crate::store::StoreError;

/// When a call that was shed before anybody looked at it may be tried again.
pub(super) const SHED_FOR: Duration = Duration::from_millis(250);

/// Why a call is not answered with what it asked for.
#[derive(Debug)]
pub(crate) struct RpcError(pub(super) Box<Circumstances>);

/// The cause, and what else the caller is told.
#[derive(Debug)]
pub(super) struct Circumstances {
    pub(super) cause: Cause,
    /// The wallet it is about.
    pub(super) wallet: Option<WalletId>,
    /// Where in the wallet's history it was decided.
    pub(super) decided: Option<Decided>,
    /// The field that holds what was priced.
    pub(super) priced_field: Cow<'static, str>,
}

/// A place in a wallet's public history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decided {
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
    /// The control plane's tables.
    Store(StoreError),
    /// The clock runs by itself.
    ClockNotManual,
    /// The deadline passed before there was an answer.
    NoAnswer,
    /// Parts of the server do not fit together.
    Defect(&'static str),
    /// The bytes of the request are no message; the text says what about it.
    Malformed(&'static str),
    /// The message of the request is longer than the method takes.
    TooLarge {
        bytes: usize,
        limit: usize,
    },
}

impl RpcError {
    /// The server is too busy to look at the call.
    pub(crate) fn shed() -> Self {
        EngineError::Overloaded { retry_after: SHED_FOR }.into()
    }

    /// The clock of this server cannot be moved.
    pub(crate) fn clock_not_manual() -> Self {
        Cause::ClockNotManual.into()
    }

    /// The deadline passed before there was an answer: the call may have been executed.
    pub(crate) fn no_answer() -> Self {
        Cause::NoAnswer.into()
    }

    /// The server contradicts itself.
    pub(crate) fn defect(what: &'static str) -> Self {
        Cause::Defect(what).into()
    }

    /// The request is no gRPC message; `fault` goes on after "the request message".
    pub(crate) fn malformed(fault: &'static str) -> Self {
        Cause::Malformed(fault).into()
    }

    /// The message of the request is longer than its method takes.
    pub(crate) fn too_large(bytes: usize, limit: usize) -> Self {
        Cause::TooLarge { bytes, limit }.into()
    }

    /// For `map_err`: an error about this wallet.
    pub(crate) fn about<E: Into<Self>>(wallet: &WalletId) -> impl FnOnce(E) -> Self {
        move |error| {
            let mut error = error.into();
            error.0.wallet = Some(wallet.clone());
            error
        }
    }

    /// It was decided there.
    pub(crate) fn decided(mut self, decided: Decided) -> Self {
        self.0.decided = Some(decided);
        self
    }

    /// If it is about a price: the field that holds what was priced, unless it is `operation`.
    pub(crate) fn priced_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.priced_field = field.into();
        self
    }
}

impl From<Cause> for RpcError {
    fn from(cause: Cause) -> Self {
        Self(Box::new(Circumstances { cause, wallet: None, decided: None, priced_field: "operation".into() }))
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
