//! Recognizes commands that were carried out before.

use crate::decide::decision::Decision;
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::Reservation;

/// The decision as that of a command which makes no row of its own.
pub(crate) fn requested(mut decision: Decision, request: &RequestId, fingerprint: Fingerprint) -> Decision {
    decision.request = Some((request.clone(), fingerprint));
    decision
}

/// Whether a command that makes no row of its own was made before; an error if its id was used for another.
pub(crate) fn made_before(
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

/// The verdict on a finalizer of a kind that has already ended the job: a replay, if it said the same.
pub(crate) fn finished_before(
    reservation: &Reservation,
    fingerprint: &Fingerprint,
) -> Result<Verdict, Rejection> {
    let Some(finish) = &reservation.finish else {
        return Err(Rejection::ReservationFinished(reservation.state));
    };
    let fields = finish.fingerprint.differences(fingerprint);
    match fields.is_empty() {
        true => Ok(Verdict::replay(Subject::Reservation(reservation.id.clone()))),
        false => Err(Rejection::IdempotencyMismatch { fields, state: Some(reservation.state) }),
    }
}
