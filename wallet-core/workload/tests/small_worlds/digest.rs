//! A digest of 128 bits of a wallet's state: rows and idempotency keys, without versions, revisions and hashes.

use wallet_core::posting::Account;
use wallet_core::reservation::Reservation;
use wallet_core::{Amounts, Timestamp, Wallet};

/// Two independent hashes of 64 bits.
pub(crate) struct Digest(u64, u64);

impl Digest {
    pub(crate) fn new() -> Self {
        Self(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344)
    }

    pub(crate) fn finish(self) -> u128 {
        u128::from(self.0) << 64 | u128::from(self.1)
    }

    pub(crate) fn word(&mut self, word: u64) {
        self.0 = mixed(self.0 ^ word);
        self.1 = mixed(self.1.rotate_left(23).wrapping_add(word.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    }

    pub(crate) fn int(&mut self, n: i64) {
        self.word(n.cast_unsigned());
    }

    fn time(&mut self, at: Timestamp) {
        self.int(at.as_micros());
    }

    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        for part in text.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            self.word(u64::from_le_bytes(bytes));
        }
    }

    fn amounts(&mut self, amounts: &Amounts) {
        for (unit, amount) in amounts.iter() {
            self.text(unit.as_str());
            self.int(amount);
        }
        self.word(0);
    }

    /// Adds everything in a wallet on which a later command may depend.
    pub(crate) fn wallet(&mut self, wallet: &Wallet) {
        self.word(wallet.status as u64);
        for (unit, b) in &wallet.balances {
            self.text(unit.as_str());
            [b.available, b.held, b.debt, b.debt_limit].into_iter().for_each(|n| self.int(n));
        }
        self.int(wallet.open_reservations);
        for (key, grant) in &wallet.grants {
            self.text(key.id.as_str());
            self.word(key.origin as u64);
            self.word(u64::from(key.n));
            let p = grant.parts;
            let parts = [p.pending, p.available, p.held, p.consumed, p.expired, p.revoked, p.paid_out];
            parts.into_iter().for_each(|part| self.int(part));
            [grant.effective_time, grant.expire_time, grant.create_time]
                .into_iter()
                .for_each(|at| self.time(at));
            self.word(grant.clawback.map_or(0, |why| why as u64));
        }
        wallet.reservations.values().for_each(|reservation| self.reservation(reservation));
        for request in wallet.requests.keys() {
            self.text(request.as_str());
        }
        self.text(&format!("{:?}", wallet.profile));
    }

    fn reservation(&mut self, reservation: &Reservation) {
        self.text(reservation.id.as_str());
        self.word(reservation.state as u64);
        self.amounts(&reservation.terms.amounts);
        [reservation.reserve_time, reservation.deadline].into_iter().for_each(|at| self.time(at));
        self.int(i64::from(reservation.attempt));
        self.text(reservation.worker.as_ref().map_or("", |worker| worker.as_str()));
        self.word(reservation.lease.map_or(0, |lease| lease.as_secs()));
        for a in &reservation.allocations {
            if let Account::Grant(key) = &a.account {
                self.text(key.id.as_str());
            }
            [a.held, a.charged, a.returned, a.forfeited].into_iter().for_each(|n| self.int(n));
        }
        if let Some(finish) = &reservation.finish {
            self.time(finish.time);
            self.text(&finish.fingerprint.to_string());
            self.amounts(&finish.bill.charged);
            self.amounts(&finish.bill.uncollected);
        }
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
