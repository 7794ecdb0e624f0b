//! Recognizes commands that were carried out before.

use crate::decide::decision::Decision;
use crate::decide::verdict::Verdict;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, ReservationId};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Reservation, State};

/// Returns the decision as that of a command without a row of its own.
pub(crate) fn with_request(
    mut decision: Decision,
    request: &RequestId,
    fingerprint: Fingerprint,
) -> Decision {
    decision.request = Some((request.clone(), fingerprint));
    decision
}

/// Returns whether a command without a row of its own was carried out before, or a rejection if its id was used for
/// another command.
pub(crate) fn replay_of_request(
    wallet: &Wallet,
    request: &RequestId,
    kind: EntryKind,
    fingerprint: &Fingerprint,
) -> Result<bool, Rejection> {
    let Some(record) = wallet.requests.get(request) else { return Ok(false) };
    let fields = match record.kind == kind {
        true => record.fingerprint.differences(fingerprint),
        false => vec!["request_id".to_owned()],
    };
    if fields.is_empty() { Ok(true) } else { Err(Rejection::IdempotencyMismatch { fields, state: None }) }
}

/// Answers a finalizer of the kind that has already ended the job: as a replay, if its content is the same.
pub(crate) fn finished_before(
    reservation: &Reservation,
    fingerprint: &Fingerprint,
) -> Result<Verdict<ReservationId>, Rejection> {
    let Some(finish) = &reservation.finish else {
        return Err(Rejection::ReservationFinished(reservation.state));
    };
    check_same(&finish.fingerprint, fingerprint, Some(reservation.state))?;
    Ok(Verdict::replay(reservation.id.clone()))
}

/// Refuses a command that differs from the earlier one with its id. `state` is that of the reservation it is about.
pub(crate) fn check_same(
    before: &Fingerprint,
    again: &Fingerprint,
    state: Option<State>,
) -> Result<(), Rejection> {
    let fields = before.differences(again);
    if fields.is_empty() { Ok(()) } else { Err(Rejection::IdempotencyMismatch { fields, state }) }
}
