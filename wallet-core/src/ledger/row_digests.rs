//! Row digests: the part of an entry that covers the content of rows, so that the chain covers it too.
//!
//! Postings cover where credits are. Row digests cover the rest: of a grant its source, priority, lifetime, payment
//! and notification; of a reservation its terms, its worker and its end; of the wallet its status, debt limits and
//! profile. A short value is included as it is, a long one as the digest of its stored form. A heartbeat has no entry:
//! the next entry contains the number of writes without one.
//!
//! No entry covers the sweep hints, whether a wallet is frozen, and the deadline of an open hold. `verify` checks that
//! such a deadline is within its bounds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ledger::canonical::Canonical;
use crate::value::amount::Amounts;
use crate::value::grant_key::GrantKey;
use crate::value::time::Timestamp;
use crate::value::wallet_status::WalletStatus;

/// The first 128 bits of the SHA-256 hash of the content of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Returns the digest of the terms of a reservation, as they are stored, and of the fingerprint of the Reserve.
    pub fn of_terms(terms: &[u8], fingerprint: &[u8]) -> Self {
        let mut words = Canonical::new("terms");
        words.bytes(terms);
        words.bytes(fingerprint);
        Self::of(words)
    }

    /// Returns the digest of a run: the attempt, the worker, and the lease in microseconds, 0 for none.
    pub fn of_run(attempt: i32, worker: &str, lease: i64) -> Self {
        let mut words = Canonical::new("run");
        words.int(i64::from(attempt));
        words.text(worker);
        words.int(lease);
        Self::of(words)
    }

    /// Returns the digest of the end of a reservation: its bill, as it is stored, the fingerprint of the command that
    /// ended it, and the deadline that it had.
    pub fn of_bill(bill: &[u8], finalizer: &[u8], deadline: Timestamp) -> Self {
        let mut words = Canonical::new("bill");
        words.bytes(bill);
        words.bytes(finalizer);
        words.int(deadline.as_micros());
        Self::of(words)
    }

    /// Returns the digest of a wallet's profile, as it is stored.
    pub fn of_profile(profile: &str) -> Self {
        let mut words = Canonical::new("profile");
        words.text(profile);
        Self::of(words)
    }

    pub(crate) fn of(words: Canonical) -> Self {
        let hash: [u8; 32] = <Sha256 as sha2::Digest>::digest(words.into_bytes()).into();
        Self(std::array::from_fn(|i| hash[i]))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The row digests of an entry. Most entries have none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDigests {
    /// The grants that the entry issues, and those whose lifetime it ends.
    pub grants: BTreeMap<GrantKey, Digest>,
    /// The instants of the notifications that grants issued by the entry will expire, for grants that have one.
    pub warnings: BTreeMap<GrantKey, Timestamp>,
    /// The terms of the reservation that the entry makes.
    pub terms: Option<Digest>,
    /// The run that the entry starts.
    pub run: Option<Digest>,
    /// The end of the reservation that the entry ends.
    pub bill: Option<Digest>,
    /// The new status of the wallet, if it changes. It is active at first.
    pub status: Option<WalletStatus>,
    /// The new debt limits of the units named, in minor units; 0 at first.
    pub debt_limits: Amounts,
    /// The new profile, if it changes.
    pub profile: Option<Digest>,
    /// The number of writes of the wallet so far that had no entry: heartbeats.
    pub silent: i64,
}

/// Returns the JSON that the store writes.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    #[expect(clippy::expect_used, reason = "an entry must not be sealed with the digest of another row")]
    let json = serde_json::to_string(value).expect("rows have numbers, texts and maps with texts as keys");
    json
}
