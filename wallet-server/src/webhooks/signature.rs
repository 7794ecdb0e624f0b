//! The signatures of Standard Webhooks 1.0.0, and the secrets that make them.
//!
//! Secrets are derived from a master key in the table `signing_keys` and are not stored. A reader of the database can
//! derive them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wallet_core::TenantId;

/// The first bytes of every derivation. A key that is derived for another purpose begins with others.
const PURPOSE: &[u8] = b"wallet webhook secret 1";

/// The secret of an endpoint in one version. `Debug` hides it.
#[derive(Clone)]
pub(crate) struct Secret(Box<[u8]>);

impl Secret {
    /// Derives the secret of an endpoint in a version from the master key.
    pub(crate) fn derive(master: &[u8; 32], tenant: TenantId, endpoint_id: &str, version: i64) -> Self {
        // Only the last part has a variable length, so that no two endpoints share an input.
        let mac = keyed(master)
            .chain_update(PURPOSE)
            .chain_update(tenant.0.as_bytes())
            .chain_update(version.to_be_bytes())
            .chain_update(endpoint_id);
        Self(mac.finalize().into_bytes().as_slice().into())
    }

    /// Returns the secret as the libraries of receivers expect it: `whsec_` and base64.
    pub(crate) fn text(&self) -> String {
        format!("whsec_{}", BASE64.encode(&self.0))
    }

    /// Returns the signature of a message: `v1,` and base64. The timestamp is in seconds since 1970.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mac = keyed(&self.0).chain_update(format!("{id}.{timestamp}.")).chain_update(body);
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    Hmac::new_from_slice(key).expect("a key of any length")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ENDPOINT: &str = "0198c0de-0000-7000-8000-000000000001";

    #[test]
    fn a_signature_is_the_one_of_the_libraries_of_receivers() {
        let secret = Secret(BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap().into());
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(secret.text(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    #[test]
    fn a_signature_covers_the_id_the_time_and_the_body() {
        let secret = Secret::derive(&[7; 32], TenantId::DEFAULT, ENDPOINT, 1);
        let signed = secret.sign("a", 1, b"{}");
        assert_eq!(signed, secret.sign("a", 1, b"{}"));
        for other in [secret.sign("b", 1, b"{}"), secret.sign("a", 2, b"{}"), secret.sign("a", 1, b"{ }")] {
            assert_ne!(signed, other);
        }
    }

    #[test]
    fn each_part_of_a_derivation_makes_another_secret() {
        let derive = |master: u8, tenant: u128, endpoint: &str, version| {
            Secret::derive(&[master; 32], TenantId(Uuid::from_u128(tenant)), endpoint, version).text()
        };
        let secret = derive(1, 1, ENDPOINT, 1);
        assert_eq!(secret, derive(1, 1, ENDPOINT, 1));
        let others = [
            derive(2, 1, ENDPOINT, 1),
            derive(1, 2, ENDPOINT, 1),
            derive(1, 1, "other", 1),
            derive(1, 1, ENDPOINT, 2),
        ];
        assert!(!others.contains(&secret));
        // Base64 of 32 bytes: the standard allows secrets of 24 to 64.
        assert_eq!(secret.len(), "whsec_".len() + 44);
        assert!(secret.ends_with('='), "padded");
    }

    #[test]
    fn the_derivation_never_changes_because_receivers_hold_its_secrets() {
        let secret = Secret::derive(&[7; 32], TenantId::DEFAULT, ENDPOINT, 1);
        assert_eq!(secret.text(), "whsec_xl1pNdt0n3EGn9u39DRYFHzEs04s2Z52thJ+8zkpais=");
    }

    #[test]
    fn a_secret_does_not_show_itself_in_the_log() {
        assert_eq!(format!("{:?}", Secret::derive(&[7; 32], TenantId::DEFAULT, ENDPOINT, 1)), "Secret(***)");
    }
}
