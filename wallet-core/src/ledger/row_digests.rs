//! Row digests: the part of an entry that covers the content of rows, so that the chain covers it too.
//!
//! Postings cover where credits are. Row digests cover the rest: of a grant its source, priority, lifetime, payment
//! and notification; of a reservation its terms, its worker and its end; of the wallet its status, debt limits and
//! profile. A short value is included as it is, a long one as its digest. A heartbeat has no entry: the next entry
//! contains the number of writes without one. No entry covers the deadline of a hold that runs, which `verify`
//! bounds, the sweep hints, and whether a wallet is frozen.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ledger::canonical::Canonical;
use crate::value::amount::Amounts;
use crate::value::grant_key::GrantKey;
use crate::value::time::Timestamp;
use crate::value::wallet_status::WalletStatus;

/// The first 128 bits of the SHA-256 hash of the content of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// Returns the digest of the terms of a reservation, as they are stored, and of the fingerprint of the Reserve.
    pub fn of_terms(terms: &str, fingerprint: &str) -> Self {
        Self::of_texts("terms", &[terms, fingerprint])
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
    pub fn of_bill(bill: &str, finalizer: &str, deadline: Timestamp) -> Self {
        let mut words = Canonical::new("bill");
        words.text(bill);
        words.text(finalizer);
        words.int(deadline.as_micros());
        Self::of(words)
    }

    /// Returns the digest of a wallet's profile, as it is stored.
    pub fn of_profile(profile: &str) -> Self {
        Self::of_texts("profile", &[profile])
    }

    fn of_texts(tag: &str, texts: &[&str]) -> Self {
        let mut words = Canonical::new(tag);
        texts.iter().for_each(|text| words.text(text));
        Self::of(words)
    }

    pub(crate) fn of(words: Canonical) -> Self {
        let hash: [u8; 32] = <Sha256 as sha2::Digest>::digest(words.into_bytes()).into();
        Self(std::array::from_fn(|i| hash[i]))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        BASE64.encode(digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a digest has 22 characters of base64")
    }
}

/// The row digests of an entry. Most entries have none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowDigests {
    /// The grants that the entry issues, and those whose lifetime it ends.
    #[serde(rename = "g", skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<GrantKey, Digest>,
    /// The instants of the notifications that grants issued by the entry will expire, for grants that have one.
    #[serde(rename = "w", skip_serializing_if = "BTreeMap::is_empty")]
    pub warnings: BTreeMap<GrantKey, Timestamp>,
    /// The terms of the reservation that the entry makes.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub terms: Option<Digest>,
    /// The run that the entry starts.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    pub run: Option<Digest>,
    /// The end of the reservation that the entry ends.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub bill: Option<Digest>,
    /// The new status of the wallet, if it changes. It is active at first.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub status: Option<WalletStatus>,
    /// The new debt limits of the units named, in minor units; 0 at first.
    #[serde(rename = "l", skip_serializing_if = "Amounts::is_empty")]
    pub debt_limits: Amounts,
    /// The new profile, if it changes.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub profile: Option<Digest>,
    /// The number of writes of the wallet so far that had no entry: heartbeats.
    #[serde(rename = "v", skip_serializing_if = "is_zero")]
    pub silent: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

impl fmt::Display for RowDigests {
    /// Writes the form that is stored and hashed: nothing, or JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() { Ok(()) } else { f.write_str(&json(self)) }
    }
}

impl RowDigests {
    /// Parses the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }
}

/// Returns the JSON that the store writes.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    #[expect(clippy::expect_used, reason = "an entry must not be sealed with the digest of another row")]
    let json = serde_json::to_string(value).expect("rows have numbers, texts and maps with texts as keys");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_read_back_as_they_were_written() {
        let digest = Digest::of_profile("{}");
        let row_digests = RowDigests {
            grants: BTreeMap::from([(GrantKey::parse("grace:job#1").unwrap(), digest)]),
            warnings: BTreeMap::from([(GrantKey::parse("top_up:t").unwrap(), Timestamp::EPOCH)]),
            terms: Some(digest),
            run: Some(digest),
            bill: Some(digest),
            status: Some(WalletStatus::Suspended),
            debt_limits: Amounts::of(&"credits".parse().unwrap(), 0),
            profile: Some(digest),
            silent: 3,
        };
        assert_eq!(RowDigests::parse(&row_digests.to_string()).unwrap(), row_digests);
        assert_eq!(RowDigests::default().to_string(), "");
        assert_eq!(RowDigests::parse("").unwrap(), RowDigests::default());
        assert!(RowDigests::parse(r#"{"x":1}"#).is_err());
        assert!(RowDigests::parse(r#"{"t":"AAAA"}"#).is_err());
        let held = RowDigests { terms: Some(digest), ..RowDigests::default() };
        let started = RowDigests { run: Some(digest), ..held.clone() };
        let wider = [held.to_string().len(), started.to_string().len()];
        assert_eq!(wider, [30, 59], "by so much is the entry of a Reserve wider, without and with a start");
    }
}
