//! Facts: what an entry says of rows besides what moved, so that the chain covers what the rows say.
//!
//! Postings tell where credits are. Facts tell the rest that a row says from then on: of a grant its source, priority,
//! life and payment; of a reservation what was agreed; of the wallet its status, debt limits and profile. A short value
//! is told as it is, a row's words by their digest. What changes without an entry is in none: deadlines and leases
//! of holds that run, hints for the sweeper, a grant's warning, and whether a wallet is frozen.
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
use crate::entry::Canonical;
use crate::grant::{Grant, GrantKey};
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

    /// The sums and words of a reservation that has ended, as they are stored, and what its finalizer said.
    pub fn of_bill(bill: &str, finalizer: &str) -> Self {
        Self::of_texts("bill", &[bill, finalizer])
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
    /// The reservation that begins with it.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub terms: Option<Digest>,
    /// The reservation that has ended, if its bill says more than postings can.
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
}

impl Facts {
    /// What a decision makes so in a wallet as it was before.
    pub(crate) fn of(decision: &Decision, wallet: &Wallet) -> Self {
        let mut facts = Self::default();
        let Some(said) = &decision.entry else { return facts };
        facts.grants.extend(decision.issued.iter().map(of_grant));
        for grant in decision.expiring.iter().filter_map(|key| wallet.grants.get(key)) {
            let ended = Grant { expire_time: said.effective_time, ..grant.clone() };
            facts.grants.extend([of_grant(&ended)]);
        }
        if let Some(reservation) = &decision.reservation {
            if !wallet.reservations.contains_key(&reservation.id) {
                let fingerprint = reservation.fingerprint.to_string();
                facts.terms = Some(Digest::of_terms(&json(&*reservation.terms), &fingerprint));
            }
            let finish = reservation.finish.as_ref().filter(|finish| finish.bill.says_more());
            facts.bill =
                finish.map(|finish| Digest::of_bill(&json(&finish.bill), &finish.fingerprint.to_string()));
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

fn of_grant(grant: &Grant) -> (GrantKey, Digest) {
    (grant.key.clone(), Digest::of_grant(grant, &json(&grant.details)))
}

/// As the store writes it. What has no JSON is refused there.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_read_back_as_they_were_written() {
        let digest = Digest::of_profile("{}");
        let facts = Facts {
            grants: BTreeMap::from([(GrantKey::parse("grace:job#1").unwrap(), digest)]),
            terms: Some(digest),
            bill: Some(digest),
            status: Some(WalletStatus::Suspended),
            debt_limits: Amounts::of(&"credits".parse().unwrap(), 0),
            profile: Some(digest),
        };
        assert_eq!(Facts::parse(&facts.to_string()).unwrap(), facts);
        assert_eq!(Facts::default().to_string(), "");
        assert_eq!(Facts::parse("").unwrap(), Facts::default());
        assert!(Facts::parse(r#"{"x":1}"#).is_err());
        assert!(Facts::parse(r#"{"t":"AAAA"}"#).is_err());
        let of_job = Facts { terms: Some(digest), ..Facts::default() };
        assert_eq!(of_job.to_string().len(), 30, "by so much is the entry of a Reserve wider");
    }
}
