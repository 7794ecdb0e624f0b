//! The facts that operators need about a certificate in PEM: its names, and the time in which it is valid.

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use wallet_core::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The facts about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The names of hosts for which it is issued.
    pub(crate) hosts: Vec<String>,
    /// The alternative names that are URIs.
    pub(crate) uris: Vec<String>,
    pub(crate) common_name: Option<String>,
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
}

impl Certificate {
    /// Returns the first certificate of a PEM file. `None` if there is none that can be read.
    pub(crate) fn first(pem: &[u8]) -> Option<Self> {
        Self::read(&CertificateDer::pem_slice_iter(pem).next()?.ok()?)
    }

    /// Returns a certificate in DER. `None` if it cannot be read.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let (mut hosts, mut uris) = (Vec::new(), Vec::new());
        for name in names {
            match name {
                GeneralName::DNSName(host) => hosts.push((*host).to_owned()),
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                _ => {}
            }
        }
        let common_name = certificate.subject().iter_common_name().next();
        let validity = certificate.validity();
        let time = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        Some(Self {
            hosts,
            uris,
            common_name: common_name.and_then(|name| name.as_str().ok()).map(str::to_owned),
            begin: time(validity.not_before.timestamp()),
            end: time(validity.not_after.timestamp()),
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn hosts_and_times_are_those_of_the_first_certificate() {
        let issue = |names: &[&str], year| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(names).unwrap();
            (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(year, 1, 1));
            params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
        };
        let pem = issue(&["wallet.internal", "127.0.0.1", "wallet"], 2027) + &issue(&["other"], 2028);
        let read = Certificate::first(pem.as_bytes()).unwrap();
        assert_eq!(read.hosts, ["wallet.internal", "wallet"]);
        assert_eq!(read.begin.to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(read.end.to_string(), "2027-01-01T00:00:00Z");
        assert_eq!(
            Certificate::first(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            None
        );
        assert_eq!(Certificate::first(b""), None);
    }
}
