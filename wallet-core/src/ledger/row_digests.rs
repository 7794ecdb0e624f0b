//! RowDigests: what an entry says of rows besides what moved, so that the chain covers what the rows say.
//!
//! Postings tell where credits are. RowDigests tell the rest that a row says from then on: of a grant its source, priority,
//! life, payment and warning; of a reservation what was agreed, who runs it and how it ended; of the wallet its status,
//! debt limits and profile. A short value is told as it is, a row's words by their digest. A heartbeat has no entry: the
//! next entry tells how many writes had none. In no entry are the deadline of a hold that runs, which `verify` bounds,
//! hints for the sweeper, and whether a wallet is frozen.
//!

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

/// The first 128 bits of the SHA-256 hash of what a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// What was agreed at Reserve, as it is stored, and what Reserve said.
    pub fn of_terms(terms: &str, fingerprint: &str) -> Self {
        Self::of_texts("terms", &[terms, fingerprint])
    }

    /// Who runs a reservation: the attempt, the worker, and the lease in microseconds, 0 for none.
    pub fn of_run(attempt: i32, worker: &str, lease: i64) -> Self {
        let mut words = Canonical::new("run");
        words.int(i64::from(attempt));
        words.text(worker);
        words.int(lease);
        Self::of(words)
    }

    /// The sums and words of a reservation that has ended, as they are stored, what its finalizer said, and the
    /// deadline that it had.
    pub fn of_bill(bill: &str, finalizer: &str, deadline: Timestamp) -> Self {
        let mut words = Canonical::new("bill");
        words.text(bill);
        words.text(finalizer);
        words.int(deadline.as_micros());
        Self::of(words)
    }

    /// A wallet's profile, as it is stored.
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

/// What an entry says of rows. Most entries say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowDigests {
    /// Grants that it issues, and those whose life it ends.
    #[serde(rename = "g", skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<GrantKey, Digest>,
    /// When people are told that a grant that it issues will lapse, for those of which they are told.
    #[serde(rename = "w", skip_serializing_if = "BTreeMap::is_empty")]
    pub warnings: BTreeMap<GrantKey, Timestamp>,
    /// The reservation that begins with it.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub terms: Option<Digest>,
    /// Who runs the reservation from now on, if it starts.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    pub run: Option<Digest>,
    /// The reservation that has ended.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub bill: Option<Digest>,
    /// Whether the wallet can be used, if that is news. It begins as active.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub status: Option<WalletStatus>,
    /// How much may be owed from now on, in the units named; 0 in all others.
    #[serde(rename = "l", skip_serializing_if = "Amounts::is_empty")]
    pub debt_limits: Amounts,
    /// The profile as it is from now on.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub profile: Option<Digest>,
    /// How many writes of the wallet so far had no entry: heartbeats.
    #[serde(rename = "v", skip_serializing_if = "is_zero")]
    pub silent: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

impl fmt::Display for RowDigests {
    /// As they are stored and hashed: nothing, or JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() { Ok(()) } else { f.write_str(&json(self)) }
    }
}

impl RowDigests {
    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }
}

/// As the store writes it. What has no JSON is refused there.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
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
