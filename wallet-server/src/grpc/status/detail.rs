//! The figures of a rejection as an `ErrorDetail`. Lists and texts are cut to fit into headers.

use wallet_core::catalog::{PricingError, Unusable};
use wallet_core::rejection::{Shortfall, Unrefundable};
use wallet_core::{Rejection, UnitId};
use wallet_proto::v1::error_detail::not_refundable::Cause;
use wallet_proto::v1::error_detail::{self as wire, Detail};
use wallet_proto::v1::{self, ReservationState};

use super::bounds::{bounded_list, bounded_text};
use crate::grpc::to_proto;

/// The most bytes of the encoded figures of a shortfall, without its unit.
const SHORTFALL_BYTES: usize = 36;

/// Returns the figures; `None` if the rejection has none.
pub(super) fn detail(rejection: &Rejection) -> Option<Detail> {
    Some(match rejection {
        Rejection::InsufficientCredits { shortfalls, packs, plans, next_renewal } => {
            Detail::InsufficientCredits(wire::InsufficientCredits {
                shortfalls: bounded_list(shortfalls.iter().map(shortfall), |short| {
                    short.unit.len() + SHORTFALL_BYTES
                }),
                pack_ids: list(packs),
                covering_plan_ids: list(plans),
                next_renewal_time: next_renewal.and_then(to_proto::instant),
            })
        }
        Rejection::NotEntitled { kind, plan, plans } => Detail::NotEntitled(wire::NotEntitled {
            kind: text(kind),
            plan_id: text(plan),
            entitling_plan_ids: list(plans),
        }),
        Rejection::LimitExceeded { limit, maximum, requested, plans } => {
            Detail::LimitExceeded(wire::LimitExceeded {
                limit: text(limit),
                maximum: text(maximum),
                requested: text(requested),
                entitling_plan_ids: list(plans),
            })
        }
        Rejection::ConcurrencyLimit { limit, open } => Detail::ConcurrencyLimit(wire::ConcurrencyLimit {
            limit: i64::try_from(*limit).unwrap_or(i64::MAX),
            open: *open,
        }),
        Rejection::OpenReservations(open) => Detail::OpenReservations(wire::OpenReservations { open: *open }),
        Rejection::InDebt { unit, debt } => Detail::InDebt(wire::InDebt { debt: amount(unit, *debt) }),
        Rejection::PriceAboveLimit { unit, price, limit } => Detail::PriceAboveLimit(wire::PriceAboveLimit {
            price: amount(unit, *price),
            limit: amount(unit, *limit),
        }),
        Rejection::FeeAboveLimit { unit, fee, max_fee } => Detail::FeeAboveLimit(wire::FeeAboveLimit {
            fee: amount(unit, *fee),
            max_fee: amount(unit, *max_fee),
        }),
        Rejection::QuoteExpired(at) => {
            Detail::QuoteExpired(wire::QuoteExpired { expire_time: to_proto::instant(*at) })
        }
        Rejection::ReservationFinished(state) => {
            Detail::ReservationEnded(wire::ReservationEnded { state: to_proto::state(*state).into() })
        }
        Rejection::StaleAttempt { attempt, worker } => {
            Detail::StaleAttempt(wire::StaleAttempt { attempt: *attempt, worker: text(worker) })
        }
        Rejection::IdempotencyMismatch { fields, state } => {
            let state = state.map_or(ReservationState::Unspecified, to_proto::state);
            Detail::IdempotencyMismatch(wire::IdempotencyMismatch {
                fields: list(fields),
                state: state.into(),
            })
        }
        Rejection::PackNotAvailable { pack, plans } => {
            Detail::PackNotAvailable(wire::PackNotAvailable { pack_id: text(pack), plan_ids: list(plans) })
        }
        Rejection::AlreadySubscribed(plan) => {
            Detail::AlreadySubscribed(wire::AlreadySubscribed { plan_id: text(plan) })
        }
        Rejection::PlanUsed(plan) => Detail::PlanUsed(wire::PlanUsed { plan_id: text(plan) }),
        Rejection::PeriodPaid { period_start, next_start } => Detail::PeriodPaid(wire::PeriodPaid {
            period_start_time: to_proto::instant(*period_start),
            next_start_time: to_proto::instant(*next_start),
        }),
        Rejection::PlanChangePaid { plan, period_start, reference } => {
            Detail::PlanChangePaid(wire::PlanChangePaid {
                plan_id: text(plan),
                period_start_time: to_proto::instant(*period_start),
                payment_ref: reference.as_ref().map(ToString::to_string).unwrap_or_default(),
            })
        }
        Rejection::SubscriptionEnds(end) => {
            Detail::SubscriptionEnds(wire::SubscriptionEnds { end_time: to_proto::instant(*end) })
        }
        Rejection::NotRefundable(obstacle) => {
            Detail::NotRefundable(wire::NotRefundable { cause: cause(*obstacle).into() })
        }
        Rejection::ReversalExceedsCharge { unit, requested, charged, reversed } => {
            Detail::ReversalExceedsCharge(wire::ReversalExceedsCharge {
                requested: amount(unit, *requested),
                charged: amount(unit, *charged),
                reversed: amount(unit, *reversed),
            })
        }
        Rejection::CatalogUnusable { version, why } => {
            let digest = match why {
                Unusable::Changed { found, .. } => found,
                Unusable::Unreadable { digest, .. } => digest,
            };
            Detail::CatalogUnusable(wire::CatalogUnusable { catalog_version: *version, digest: text(digest) })
        }
        Rejection::Unpriced(error) => Detail::NoPriceRule(no_price_rule(error)?),
        Rejection::InvalidFields(_)
        | Rejection::WalletNotFound
        | Rejection::WalletFrozen
        | Rejection::ReservationNotFound
        | Rejection::GrantNotFound
        | Rejection::TopUpNotFound
        | Rejection::PackNotFound(_)
        | Rejection::PlanNotFound(_)
        | Rejection::SubscriptionNotFound
        | Rejection::CatalogNotFound(_)
        | Rejection::QuoteInvalid(_)
        | Rejection::UnitMismatch { .. }
        | Rejection::NothingToReverse
        | Rejection::WalletSuspended
        | Rejection::NotChargedBack
        | Rejection::AutoTopUpNotUnderWay { .. }
        | Rejection::SubscriptionPaused
        | Rejection::WalletClosed => return None,
    })
}

fn shortfall(short: &Shortfall) -> wire::Shortfall {
    wire::Shortfall {
        unit: short.unit.to_string(),
        required: short.required,
        available: short.available,
        missing: short.missing(),
    }
}

/// Returns the attributes that are the cause; `None` if fields are invalid instead, which `BadRequest` lists.
fn no_price_rule(error: &PricingError) -> Option<wire::NoPriceRule> {
    match error {
        PricingError::NoRule { kind, attributes, missing_attributes, unknown_attributes, .. } => {
            let names = attributes.iter().map(|(name, _)| text(name));
            Some(wire::NoPriceRule {
                kind: text(kind),
                attributes: bounded_list(names, String::len),
                missing_attributes: list(missing_attributes),
                unknown_attributes: list(unknown_attributes),
                rule_id: String::new(),
            })
        }
        PricingError::UnknownRule { rule_id } => {
            Some(wire::NoPriceRule { rule_id: text(rule_id), ..Default::default() })
        }
        PricingError::TooLarge { .. }
        | PricingError::MissingQuantity { .. }
        | PricingError::UnknownQuantities { .. }
        | PricingError::UncountedQuantities { .. } => None,
    }
}

fn cause(obstacle: Unrefundable) -> Cause {
    match obstacle {
        Unrefundable::ChargedBack => Cause::ChargedBack,
        Unrefundable::AlreadyRefunded => Cause::AlreadyRefunded,
        Unrefundable::Revoked => Cause::Revoked,
        Unrefundable::TooLate => Cause::TooLate,
        Unrefundable::CreditsUsed => Cause::CreditsUsed,
        Unrefundable::HoldsOutstanding => Cause::HoldsOutstanding,
        Unrefundable::NotOffered => Cause::NotOffered,
        Unrefundable::NoPrice => Cause::NoPrice,
        Unrefundable::Unpaid => Cause::Unpaid,
    }
}

/// Returns an amount without `display`, which only the catalog could give.
fn amount(unit: &UnitId, amount: i64) -> Option<v1::Amount> {
    Some(v1::Amount::new(unit.as_str(), amount))
}

fn text(text: &str) -> String {
    bounded_text(text.to_owned())
}

fn list(items: &[String]) -> Vec<String> {
    bounded_list(items.iter().cloned(), String::len)
}
