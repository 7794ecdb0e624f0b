//! Facts: what an entry says of rows besides what moved, so that the chain covers what the rows say.
//!
//! Postings tell where credits are. Facts tell the rest that a row says from then on: of a grant its source, priority,
//! life, payment and warning; of a reservation what was agreed, who runs it and how it ended; of the wallet its status,
//! debt limits and profile. A short value is told as it is, a row's words by their digest. A heartbeat has no entry: the
//! next entry tells how many writes had none. In no entry are the deadline of a hold that runs, which `verify` bounds,
//! hints for the sweeper, and whether a wallet is frozen.
//!
//! `Facts::of` is the one place that finds them out, from a decision and the wallet it was made on.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::amount::Amounts;
use crate::decision::Decision;
use crate::entry::{Canonical, EntryKind};
use crate::grant::{Grant, GrantKey};
use crate::reservation::{Reservation, State};
use crate::time::Timestamp;
use crate::wallet::{Profile, Wallet, WalletStatus};

/// The first 128 bits of the SHA-256 hash of what a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// What a grant's row says for good, with its details as they are stored. Where its credits are is told by
    /// postings.
    pub fn of_grant(grant: &Grant, details: &str) -> Self {
        let Grant { unit, source, priority, effective_time, expire_time, create_time, amount, .. } = grant;
        let mut words = Canonical::new("grant");
        words.text(unit.as_str());
        words.text(source.as_str());
        words.int(i64::from(*priority));
        for time in [effective_time, expire_time, create_time] {
            words.int(time.as_micros());
        }
        words.int(*amount);
        words.text(details);
        Self::of(words)
    }

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

    fn of(words: Canonical) -> Self {
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
pub struct Facts {
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

impl Facts {
    /// What a decision makes so in a wallet as it was before.
    pub(crate) fn of(decision: &Decision, wallet: &Wallet) -> Self {
        let mut facts = Self::default();
        let Some(said) = &decision.entry else { return facts };
        facts.silent = wallet.version - wallet.revision;
        facts.grants.extend(decision.issued.iter().map(of_grant));
        let warned = decision.issued.iter().filter(|grant| grant.warn_time < Timestamp::NEVER);
        facts.warnings.extend(warned.map(|grant| (grant.key.clone(), grant.warn_time)));
        for grant in decision.expiring.iter().filter_map(|key| wallet.grants.get(key)) {
            let ended = Grant { expire_time: said.effective_time, ..grant.clone() };
            facts.grants.extend([of_grant(&ended)]);
        }
        if let Some(reservation) = &decision.reservation {
            if !wallet.reservations.contains_key(&reservation.id) {
                let fingerprint = reservation.fingerprint.to_string();
                facts.terms = Some(Digest::of_terms(&json(&*reservation.terms), &fingerprint));
            }
            if matches!(said.kind, EntryKind::Reserved | EntryKind::Started) {
                facts.run = of_run(reservation);
            }
            facts.bill = reservation.finish.as_ref().map(|finish| {
                let finalizer = finish.fingerprint.to_string();
                Digest::of_bill(&json(&finish.bill), &finalizer, reservation.deadline)
            });
        }
        if let Some(change) = &decision.change {
            facts.status = (change.status != wallet.status).then_some(change.status);
            facts.debt_limits = change.debt_limits.clone();
            facts.profile(&change.profile);
        }
        facts
    }

    /// The profile is this from now on.
    pub(crate) fn profile(&mut self, profile: &Profile) {
        self.profile = Some(Digest::of_profile(&json(profile)));
    }
}

impl fmt::Display for Facts {
    /// As they are stored and hashed: nothing, or JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() { Ok(()) } else { f.write_str(&json(self)) }
    }
}

impl Facts {
    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }
}

/// Who runs a job, if it has started.
fn of_run(reservation: &Reservation) -> Option<Digest> {
    let Reservation { state, attempt, worker, lease, .. } = reservation;
    let worker = worker.as_ref().map_or("", |worker| worker.as_str());
    #[expect(clippy::expect_used, reason = "the digest must be that of the stored lease")]
    let lease = lease.map_or(0, |lease| i64::try_from(lease.as_micros()).expect("a lease is at most a day"));
    (*state == State::Processing).then(|| Digest::of_run(*attempt, worker, lease))
}

fn of_grant(grant: &Grant) -> (GrantKey, Digest) {
    (grant.key.clone(), Digest::of_grant(grant, &json(&grant.details)))
}

/// Returns the JSON that the store writes.
fn json<T: Serialize>(value: &T) -> String {
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
        let facts = Facts {
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
        assert_eq!(Facts::parse(&facts.to_string()).unwrap(), facts);
        assert_eq!(Facts::default().to_string(), "");
        assert_eq!(Facts::parse("").unwrap(), Facts::default());
        assert!(Facts::parse(r#"{"x":1}"#).is_err());
        assert!(Facts::parse(r#"{"t":"AAAA"}"#).is_err());
        let held = Facts { terms: Some(digest), ..Facts::default() };
        let started = Facts { run: Some(digest), ..held.clone() };
        let wider = [held.to_string().len(), started.to_string().len()];
        assert_eq!(wider, [30, 59], "by so much is the entry of a Reserve wider, without and with a start");
    }
}
