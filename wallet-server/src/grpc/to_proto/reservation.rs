//! Renders reservations and their receipts.

use wallet_core::catalog::{Catalog, Overage};
use wallet_core::finalize;
use wallet_core::grant::GrantKey;
use wallet_core::posting::Account;
use wallet_core::reservation::{Allocation, Bill, CancelReason, Failure, Reservation, State, Usage};
use wallet_core::{Amounts, WalletId};
use wallet_proto::v1;

use super::amount::amounts;
use super::operation::{self, cancel_fees, price_lines};
use super::source::source;
use super::time::{duration, instant};

pub(crate) fn reservation(
    catalog: &Catalog,
    wallet: &WalletId,
    reservation: &Reservation,
) -> v1::Reservation {
    let Reservation { terms, finish, .. } = reservation;
    let bill = finish.as_ref().map(|finish| finish.bill.clone()).unwrap_or_default();
    let Bill {
        charged,
        fees,
        reversed,
        returned,
        forfeited,
        uncollected,
        failure,
        cancel_reason,
        late,
        usage,
    } = bill;
    let Usage { quantities, lines } = usage.unwrap_or_default();
    let open = reservation.state.is_open();
    let fee_now = if open { finalize::cancel_fees(reservation, catalog) } else { Amounts::none() };
    v1::Reservation {
        wallet_id: wallet.to_string(),
        reservation_id: reservation.id.to_string(),
        state: state(reservation.state).into(),
        operation: terms.operation.as_ref().map(operation::operation),
        amounts: amounts(catalog, &terms.amounts),
        max_amounts: amounts(catalog, &terms.max_amounts),
        max_unbounded: terms.max_unbounded,
        charged: amounts(catalog, &charged),
        fees: amounts(catalog, &fees),
        returned: amounts(catalog, &returned),
        forfeited: amounts(catalog, &forfeited),
        reversed: amounts(catalog, &reversed),
        uncollected: amounts(catalog, &uncollected),
        allocations: reservation.allocations.iter().map(allocation).collect(),
        lines: price_lines(&terms.lines),
        catalog_version: terms.pin.as_ref().map_or(0, |pin| pin.catalog_version),
        rule_id: terms.pin.as_ref().map(|pin| pin.rule_id.clone()).unwrap_or_default(),
        overage_policy: overage(terms.policies.overage).into(),
        cancel_fees: cancel_fees(&terms.policies, terms.amounts.units()),
        cancel_fee_now: amounts(catalog, &fee_now),
        actor: terms.actor.as_ref().map(ToString::to_string).unwrap_or_default(),
        labels: terms.labels.clone().into_iter().collect(),
        worker: reservation.worker.as_ref().map(ToString::to_string).unwrap_or_default(),
        attempt: reservation.attempt,
        lease: reservation.lease.map(duration),
        reserve_time: instant(reservation.reserve_time),
        start_time: reservation.start_time.and_then(instant),
        deadline: open.then(|| instant(reservation.deadline)).flatten(),
        finish_time: finish.as_ref().and_then(|finish| instant(finish.time)),
        reserve_revision: reservation.reserve_revision,
        finish_revision: finish.as_ref().map_or(0, |finish| finish.revision),
        failure: failure.map(|Failure { code, message }| v1::Failure { code, message }),
        cancel_reason: cancel_reason.map_or(v1::CancelReason::Unspecified, reason).into(),
        settled_late: late,
        settled_quantities: operation::quantities(&quantities),
        settled_lines: price_lines(&lines),
    }
}

pub(crate) fn state(state: State) -> v1::ReservationState {
    match state {
        State::Held => v1::ReservationState::Held,
        State::Processing => v1::ReservationState::Processing,
        State::Settled => v1::ReservationState::Settled,
        State::Failed => v1::ReservationState::Failed,
        State::Cancelled => v1::ReservationState::Cancelled,
        State::Expired => v1::ReservationState::Expired,
    }
}

fn allocation(allocation: &Allocation) -> v1::Allocation {
    let grant = match &allocation.account {
        Account::Grant(key) => key.to_string(),
        Account::Debt => String::new(),
    };
    v1::Allocation {
        grant_id: grant,
        source: allocation.source.map_or(v1::Source::Unspecified, source).into(),
        unit: allocation.unit.to_string(),
        held: allocation.held,
        charged: allocation.charged,
        returned: allocation.returned,
        forfeited: allocation.forfeited,
        reversed: allocation.reversed,
        grace_grant_id: allocation.grace.as_ref().map(GrantKey::to_string).unwrap_or_default(),
    }
}

pub(super) fn overage(overage: Overage) -> v1::OveragePolicy {
    match overage {
        Overage::ChargeIfAvailable => v1::OveragePolicy::ChargeIfAvailable,
        Overage::CapAtReserved => v1::OveragePolicy::CapAtReserved,
        Overage::RequireFull => v1::OveragePolicy::RequireFull,
        Overage::AllowNegative => v1::OveragePolicy::AllowNegative,
    }
}

fn reason(reason: CancelReason) -> v1::CancelReason {
    match reason {
        CancelReason::User => v1::CancelReason::User,
        CancelReason::Platform => v1::CancelReason::Platform,
    }
}
