//! Sweep hints: the times by which the sweeper finds rows. Something may be due in a row from its hint on.

use crate::apply::change_set::ChangeSet;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;

/// Corrects the hints of loaded rows that heartbeats have outrun, and adds them to the change set together with grants
/// in which nothing falls due any more. So no sweep finds these rows again before something is due in them. Changes
/// no version and makes no entry.
pub(crate) fn correct_hints(wallet: &mut Wallet, now: Timestamp, changes: &mut ChangeSet) {
    for reservation in wallet.reservations.values_mut().filter(|hold| hold.state.is_open()) {
        if reservation.sweep_at <= now && reservation.sweep_at < reservation.deadline {
            reservation.sweep_at = reservation.deadline;
            changes.reservations.insert(reservation.id.clone());
        }
    }
    let is_over = |grant: &&Grant| {
        grant.is_open() && grant.has_expired(now) && grant.next_time(now) == Timestamp::NEVER
    };
    changes.grants.extend(wallet.grants.values().filter(is_over).map(|grant| grant.key.clone()));
}
