//! The API keys that certificates of callers stand for. A caller that presents a certificate and sends no key acts as
//! the key to which a name of the certificate leads.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use tokio::time::Instant;

use crate::certificate::Certificate;
use crate::clock::Clock;
use crate::keys::KeyId;

/// A name in certificates of callers and the id of the API key that it stands for, as in `worker.example=Ab3dE5gH1j`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    name: Name,
    key: KeyId,
}

/// A name in certificates, by the place where it counts. An authority that may sign only certain hosts is not bound in
/// the other places.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// An alternative name that is a host.
    Host(String),
    /// An alternative name that is a URI.
    Uri(String),
    /// The common name of the subject.
    Common(String),
}

/// The prefix of a common name.
const COMMON: &str = "cn:";

/// The text is not a name with the id of a key.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error(
    "expected NAME=KEY_ID with the id of a key as `wallet-server keys list` shows it, as in worker.example=Ab3dE5gH1j, \
     or cn:NAME=KEY_ID for a common name"
)]
pub struct NoClientKey;

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.key)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) | Self::Uri(name) => f.write_str(name),
            Self::Common(name) => write!(f, "{COMMON}{name}"),
        }
    }
}

impl Name {
    /// Returns the name in a setting. `None` if it is empty.
    fn of(text: &str) -> Option<Self> {
        let name = match text.strip_prefix(COMMON) {
            Some(common) => Self::Common(common.to_owned()),
            // A host has no colon, a URI has one after its scheme.
            None if text.contains(':') => Self::Uri(text.to_owned()),
            None => Self::Host(text.to_owned()),
        };
        let (Self::Host(text) | Self::Uri(text) | Self::Common(text)) = &name;
        (!text.is_empty()).then_some(name)
    }

    fn is_in(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Host(name) => certificate.hosts.contains(name),
            Self::Uri(name) => certificate.uris.contains(name),
            Self::Common(name) => certificate.common_name.as_ref() == Some(name),
        }
    }
}

impl ClientKey {
    /// Returns the id of the key.
    pub(crate) fn id(&self) -> &str {
        self.key.as_str()
    }

    /// Returns the first name that leads to several keys.
    pub(crate) fn ambiguous(keys: &[Self]) -> Option<String> {
        let is_ambiguous =
            |known: &&Self| keys.iter().any(|other| other.name == known.name && other.key != known.key);
        keys.iter().find(is_ambiguous).map(|known| known.name.to_string())
    }
}

impl FromStr for ClientKey {
    type Err = NoClientKey;

    fn from_str(text: &str) -> Result<Self, NoClientKey> {
        // A URI may have an equals sign, an id has none.
        let (name, key) = text.rsplit_once('=').ok_or(NoClientKey)?;
        let (name, key) = Name::of(name).zip(KeyId::parse(key)).ok_or(NoClientKey)?;
        Ok(Self { name, key })
    }
}

/// The key that the certificate of a connection stands for, until the certificate expires.
#[derive(Debug, Clone)]
pub(crate) struct CertificateKey {
    pub(crate) key: KeyId,
    pub(super) end: Instant,
}

impl CertificateKey {
    /// Returns the key of a certificate (DER) that an authority of callers has signed. `None`: its names lead to no
    /// key, or to several.
    pub(super) fn of(keys: &[ClientKey], der: &[u8]) -> Option<Self> {
        let certificate = Certificate::read(der)?;
        let is_named = |known: &&ClientKey| known.name.is_in(&certificate);
        let mut found = keys.iter().filter(is_named).map(|known| &known.key);
        let key = found.next()?.clone();
        if found.any(|other| *other != key) {
            tracing::debug!(
                "the names of a caller's certificate lead to several keys, so it stands for none"
            );
            return None;
        }
        let end = Instant::now().checked_add(certificate.end.since(Clock::system().now()))?;
        Some(Self { key, end })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    /// Returns the key of a certificate with this common name and these alternative names.
    fn key_of(common: &str, names: &[SanType], year: i32) -> Option<String> {
        let keys: Vec<ClientKey> = [
            "a.example=aaaaaaaaaa",
            "spiffe://x/b?c=d=bbbbbbbbbb",
            "cn:Ann Lee=cccccccccc",
            "b.example=bbbbbbbbbb",
        ]
        .iter()
        .map(|key| key.parse().unwrap())
        .collect();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names = names.to_vec();
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let found = CertificateKey::of(&keys, certificate.der())?;
        (found.end > Instant::now()).then(|| found.key.to_string())
    }

    #[test]
    fn a_name_of_a_certificate_leads_to_a_key_until_the_certificate_expires() {
        let host = |name: &str| SanType::DnsName(name.try_into().unwrap());
        let uri = SanType::URI("spiffe://x/b?c=d".try_into().unwrap());
        let found = |common, names: &[SanType]| key_of(common, names, 3000);
        assert_eq!(found("Ann Lee", &[]).as_deref(), Some("cccccccccc"));
        assert_eq!(found("", &[host("other"), host("a.example")]).as_deref(), Some("aaaaaaaaaa"));
        assert_eq!(
            found("", &[uri.clone(), host("b.example")]).as_deref(),
            Some("bbbbbbbbbb"),
            "the same key"
        );
        assert_eq!(found("", &[uri, host("a.example")]), None, "two keys");
        assert_eq!(found("ann lee", &[]), None);
        assert_eq!(key_of("Ann Lee", &[], 2020), None, "it has expired");
    }

    #[test]
    fn each_kind_of_name_leads_to_a_key_only_in_its_place() {
        let email = SanType::Rfc822Name("a@b.example".try_into().unwrap());
        let host = |name: &str| SanType::DnsName(name.try_into().unwrap());
        let uri = |name: &str| SanType::URI(name.try_into().unwrap());
        let found = |common, names: &[SanType]| key_of(common, names, 3000);
        for alternative in [&[][..], std::slice::from_ref(&email), &[host("other")], &[uri("x:y")]] {
            assert_eq!(found("a.example", alternative), None, "a host as the common name: {alternative:?}");
            assert_eq!(found("spiffe://x/b?c=d", alternative), None, "a URI as the common name");
            assert_eq!(found("Ann Lee", alternative).as_deref(), Some("cccccccccc"), "{alternative:?}");
        }
        assert_eq!(found("", &[uri("a.example")]), None, "a host among the URIs");
        assert_eq!(found("", &[host("spiffe://x/b?c=d")]), None, "a URI among the hosts");
        assert_eq!(found("", &[host("Ann Lee"), uri("cn:Ann Lee"), email]), None);
        assert_eq!(found("cn:Ann Lee", &[]), None);
        assert_eq!(found("Ann Lee", &[host("a.example")]), None, "two keys");
    }

    #[test]
    fn a_setting_has_a_name_and_the_id_of_a_key() {
        for fine in ["a=aaaaaaaaaa", "spiffe://x/b?c=d=0123456789", "cn:Ann Lee=aaaaaaaaaa"] {
            assert_eq!(fine.parse::<ClientKey>().unwrap().to_string(), fine);
        }
        let common = ["cn:=aaaaaaaaaa", "cn:a"];
        for wrong in ["", "a", "=aaaaaaaaaa", "a=", "a=aaaaaaaaa", "a=cw_live_aa", "aaaaaaaaaa"]
            .into_iter()
            .chain(common)
        {
            assert_eq!(wrong.parse::<ClientKey>(), Err(NoClientKey), "{wrong}");
        }
    }
}
