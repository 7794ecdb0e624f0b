//! Parses ids, scopes and rates of API keys.

use std::num::NonZeroU32;
use std::time::Duration;

use wallet_proto::v1;

use super::FieldReader;
use super::duration::read;
use crate::keys::{CallRate, KeyId, MAX_BURST, MAX_PER_SECOND, Scope, Scopes};

/// The time for which a replaced key stays valid.
const DEFAULT_OVERLAP: Duration = Duration::from_hours(24);
/// The longest such time.
const LONGEST_OVERLAP: Duration = Duration::from_hours(366 * 24);

/// The longest name of a key, in bytes.
pub(crate) const MAX_KEY_NAME_BYTES: usize = 64;

/// The most scopes of a list, more than there are.
const MAX_SCOPES: usize = 16;

impl FieldReader {
    /// Parses the scopes of a key, at least one.
    pub(crate) fn scopes(&mut self, path: &str, scopes: &[i32]) -> Scopes {
        if !self.count(path, scopes.len(), MAX_SCOPES) {
            return Scopes::NONE;
        }
        let mut read = Vec::new();
        for (i, number) in scopes.iter().enumerate() {
            match v1::Scope::try_from(*number).ok().and_then(scope) {
                Some(scope) => read.push(scope),
                None => self.add(format!("{path}[{i}]"), format!("{number} is not a scope")),
            }
        }
        read.into_iter().collect()
    }

    /// Parses the scopes of a wallet token, at least one.
    pub(crate) fn token_scopes(&mut self, path: &str, scopes: &[i32]) -> Scopes {
        let read = self.scopes(path, scopes);
        if let Some(scope) = read.beyond(Scopes::of_tokens()) {
            let allowed = Scopes::of_tokens();
            self.add(
                path,
                format!("has {}, which no wallet token has; a token can have {allowed}", scope.name()),
            );
        }
        read
    }

    /// Parses the rate of a key. `None`: it has none of its own.
    pub(crate) fn call_rate(&mut self, per_second: i32, burst: i32) -> Option<CallRate> {
        let mut number = |path: &str, number: i32, most: u32| {
            let within = u32::try_from(number).ok().filter(|number| *number <= most);
            if within.is_none() {
                self.add(path, format!("must be from 0 to {most}, is {number}"));
            }
            within.and_then(NonZeroU32::new)
        };
        let rate = number("calls_per_second", per_second, MAX_PER_SECOND);
        let at_once = number("calls_burst", burst, MAX_BURST);
        if per_second == 0 && at_once.is_some() {
            self.add("calls_burst", "needs calls_per_second");
        }
        Some(CallRate::new(rate?, at_once))
    }

    /// Parses the time for which a replaced key stays valid. Default: 24 hours.
    pub(crate) fn overlap(&mut self, path: &str, overlap: Option<prost_types::Duration>) -> Duration {
        let Some(overlap) = overlap else { return DEFAULT_OVERLAP };
        let within = read(&overlap).filter(|overlap| *overlap <= LONGEST_OVERLAP);
        if within.is_none() {
            self.add(
                path,
                format!("is {}s, 0 to {}s is allowed", overlap.seconds, LONGEST_OVERLAP.as_secs()),
            );
        }
        within.unwrap_or_default()
    }

    /// Parses the id of a key.
    pub(crate) fn key_id(&mut self, path: &str, id: &str) -> Option<KeyId> {
        let read = KeyId::parse(id);
        if read.is_none() {
            self.add(path, "is not the id of a key, which has 10 letters and digits");
        }
        read
    }
}

/// Returns the scope. `None` for an unspecified one.
pub(crate) const fn scope(scope: v1::Scope) -> Option<Scope> {
    Some(match scope {
        v1::Scope::Unspecified => return None,
        v1::Scope::Estimate => Scope::Estimate,
        v1::Scope::Reserve => Scope::Reserve,
        v1::Scope::Settle => Scope::Settle,
        v1::Scope::Topup => Scope::Topup,
        v1::Scope::Read => Scope::Read,
        v1::Scope::Admin => Scope::Admin,
        v1::Scope::Catalog => Scope::Catalog,
        v1::Scope::Events => Scope::Events,
        v1::Scope::Keys => Scope::Keys,
        v1::Scope::Tenants => Scope::Tenants,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_of_the_protocol_is_one_of_the_same_name() {
        let names: Vec<String> = v1::Scope::all().map(v1::Scope::short_name).collect();
        let ours: Vec<&str> = v1::Scope::all().filter_map(scope).map(Scope::name).collect();
        assert_eq!(ours, names);
        assert_eq!(ours.len(), Scope::ALL.len());
    }

    #[test]
    fn scopes_and_ids_of_keys_are_read_or_named_as_invalid() {
        let mut fields = FieldReader::default();
        assert_eq!(fields.scopes("scopes", &[2, 2, 9]).to_string(), "reserve keys");
        assert_eq!(fields.key_id("key_id", "0123456789").unwrap().as_str(), "0123456789");
        assert_eq!(fields.call_rate(0, 0), None);
        assert_eq!(fields.call_rate(5, 0).unwrap().to_string(), "5 calls per second and 5 at once");
        assert!(fields.lines().is_empty());
        fields.scopes("scopes", &[]);
        fields.scopes("scopes", &[1, 0, 11]);
        fields.key_id("key_id", "0123-56789");
        fields.token_scopes("scopes", &[1, 5, 8, 4]);
        fields.call_rate(0, 1);
        fields.call_rate(-1, 1_000_001);
        assert_eq!(
            fields.lines(),
            [
                "scopes: is required",
                "scopes[1]: 0 is not a scope",
                "scopes[2]: 11 is not a scope",
                "key_id: is not the id of a key, which has 10 letters and digits",
                "scopes: has topup, which no wallet token has; a token can have estimate read events",
                "calls_burst: needs calls_per_second",
                "calls_per_second: must be from 0 to 100000, is -1",
                "calls_burst: must be from 0 to 1000000, is 1000001",
            ]
        );
    }
}
