//! Hints: the times by which the sweeper finds rows. They say when to look, not what is so.

use crate::time::Timestamp;
use crate::touched::Touched;
use crate::wallet::Wallet;

impl Wallet {
    /// Brings the hints of loaded rows up to date where heartbeats have outrun them and where a grant's calendar is
    /// done, so that no sweep finds these rows again before anything is due in them. No version, no entry.
    pub fn correct_hints(&mut self, now: Timestamp, touched: &mut Touched) {
        for reservation in self.reservations.values_mut().filter(|hold| hold.state.is_open()) {
            if reservation.sweep_at <= now && reservation.sweep_at < reservation.deadline {
                reservation.sweep_at = reservation.deadline;
                touched.reservations.insert(reservation.id.clone());
            }
        }
        let over = self.grants.values().filter(|grant| {
            grant.is_open() && grant.has_expired(now) && grant.next_time(now) == Timestamp::NEVER
        });
        touched.grants.extend(over.map(|grant| grant.key.clone()));
    }
}
