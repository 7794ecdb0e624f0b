//! The API keys that certificates of callers stand for. A caller that presents a certificate and sends no key acts as the key
//! to which a name of the certificate leads.

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
    name: String,
    key: KeyId,
}

/// The text is not a name with the id of a key.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error(
    "expected NAME=KEY_ID with the id of a key as `wallet-server keys list` shows it, as in worker.example=Ab3dE5gH1j"
)]
pub struct NoClientKey;

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.key)
    }
}

impl FromStr for ClientKey {
    type Err = NoClientKey;

    fn from_str(text: &str) -> Result<Self, NoClientKey> {
        // A URI may have an equals sign, an id has none.
        let (name, key) = text.rsplit_once('=').ok_or(NoClientKey)?;
        let key = KeyId::parse(key).filter(|_| !name.is_empty()).ok_or(NoClientKey)?;
        Ok(Self { name: name.to_owned(), key })
    }
}

/// The key that the certificate of a connection stands for, until the certificate expires.
#[derive(Debug, Clone)]
pub(crate) struct CertificateKey {
    pub(crate) key: KeyId,
    pub(super) end: Instant,
}

impl CertificateKey {
    /// Returns the key of a certificate (DER) that an authority of callers has signed. `None`: its names lead to no key, or
    /// to several.
    pub(super) fn of(keys: &[ClientKey], der: &[u8]) -> Option<Self> {
        let certificate = Certificate::read(der)?;
        let is_named = |known: &&ClientKey| certificate.names().any(|name| name == known.name);
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
            "Ann Lee=cccccccccc",
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
        assert_eq!(
            found("Ann Lee", &[host("other")]),
            None,
            "the alternative names come in place of the common one"
        );
        assert_eq!(found("", &[uri, host("a.example")]), None, "two keys");
        assert_eq!(found("ann lee", &[]), None);
        assert_eq!(key_of("Ann Lee", &[], 2020), None, "it has expired");
    }

    #[test]
    fn a_setting_has_a_name_and_the_id_of_a_key() {
        for fine in ["a=aaaaaaaaaa", "spiffe://x/b?c=d=0123456789"] {
            assert_eq!(fine.parse::<ClientKey>().unwrap().to_string(), fine);
        }
        for wrong in ["", "a", "=aaaaaaaaaa", "a=", "a=aaaaaaaaa", "a=cw_live_aa", "aaaaaaaaaa"] {
            assert_eq!(wrong.parse::<ClientKey>(), Err(NoClientKey), "{wrong}");
        }
    }
}
