//! Renders the decision of an estimate.

use wallet_core::Rejection;
use wallet_proto::v1;

/// Returns the decision for a rejection. `None` if the rejection is an error of the request.
pub(crate) fn decision(rejection: &Rejection) -> Option<v1::Decision> {
    match rejection {
        Rejection::InsufficientCredits { .. } => Some(v1::Decision::InsufficientCredits),
        Rejection::NotEntitled { .. } => Some(v1::Decision::NotEntitled),
        Rejection::LimitExceeded { .. } => Some(v1::Decision::LimitExceeded),
        Rejection::ConcurrencyLimit { .. } => Some(v1::Decision::ConcurrencyLimit),
        Rejection::WalletSuspended => Some(v1::Decision::WalletSuspended),
        Rejection::WalletClosed => Some(v1::Decision::WalletClosed),
        Rejection::WalletFrozen => Some(v1::Decision::WalletFrozen),
        Rejection::InDebt { .. } => Some(v1::Decision::InDebt),
        Rejection::InvalidFields(_)
        | Rejection::WalletNotFound
        | Rejection::ReservationNotFound
        | Rejection::GrantNotFound
        | Rejection::TopUpNotFound
        | Rejection::NotRefundable(_)
        | Rejection::NotChargedBack
        | Rejection::AutoTopUpNotUnderWay { .. }
        | Rejection::OpenReservations(_)
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
        | Rejection::PackNotAvailable { .. }
        | Rejection::CatalogNotFound(_)
        | Rejection::CatalogUnusable { .. }
        | Rejection::QuoteInvalid(_)
        | Rejection::QuoteExpired(_)
        | Rejection::Unpriced(_)
        | Rejection::UnitMismatch { .. }
        | Rejection::PriceAboveLimit { .. }
        | Rejection::FeeAboveLimit { .. } => None,
    }
}
