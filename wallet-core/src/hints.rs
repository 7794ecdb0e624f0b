//! Hints: the times by which the sweeper finds rows. They say when to look; the rows themselves decide what is due.

use crate::time::Timestamp;
use crate::touched::Touched;
use crate::wallet::Wallet;

impl Wallet {
    /// Updates the hints of loaded rows in which nothing is due any more: holds whose deadline heartbeats have
    /// moved, and open grants that have expired. The next sweep then skips them. Makes no entry and does not raise
    /// the version.
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
