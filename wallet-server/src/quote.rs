//! Quotes as tokens: estimates that the server signs and recognises later, on any replica.
//!
//! This module owns the format of the token and its binding to tenant and wallet. The core decides whether a quote
//! has expired, after the replay lookup: a retry must find its reservation even then.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;
use wallet_core::decide::Quote;
use wallet_core::{Operation, Rejection, TenantId, Timestamp, WalletId};

/// The time for which a quote is honoured: ten minutes.
pub(crate) const QUOTE_VALIDITY: Duration = Duration::from_secs(10 * 60);

/// The prefix of this token format. Another format gets another prefix.
const PREFIX: &str = "q1";

/// Signs and opens quote tokens with the key that all replicas share.
#[derive(Clone)]
pub(crate) struct QuoteSigner {
    keyed: Hmac<Sha256>,
}

/// The reason why a token is not a quote for this wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuoteError {
    /// The token does not have this format.
    Malformed,
    /// The token was changed, or signed with another key.
    BadSignature,
    /// The quote was made for another wallet or tenant.
    OtherWallet,
}

/// The signed content of a token.
#[derive(Serialize, Deserialize)]
struct Payload {
    tenant: Uuid,
    wallet: WalletId,
    operation: Operation,
    catalog_version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    expire_time: Timestamp,
}

impl QuoteSigner {
    /// Returns a signer with the key stored in the database.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // HMAC-SHA-256 pads a key that is not longer than its block with zeros. 32 bytes always fit.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..key.len()].copy_from_slice(key);
        Self { keyed: Hmac::new(&block) }
    }

    /// Returns the token of a quote for a wallet.
    pub(crate) fn sign(&self, tenant: TenantId, wallet: &WalletId, quote: &Quote) -> String {
        let Quote { operation, catalog_version, tier, expire_time } = quote.clone();
        let payload = Payload {
            tenant: tenant.0,
            wallet: wallet.clone(),
            operation,
            catalog_version,
            tier,
            expire_time,
        };
        #[expect(clippy::expect_used, reason = "nothing but the quote may be signed")]
        let json =
            serde_json::to_vec(&payload).expect("a quote has texts, numbers and maps with texts as keys");
        let signed = format!("{PREFIX}.{}", BASE64.encode(json));
        let signature = BASE64.encode(self.mac(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Returns the quote in a token for this wallet, expired or not.
    pub(crate) fn open(&self, tenant: TenantId, wallet: &WalletId, token: &str) -> Result<Quote, QuoteError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(QuoteError::Malformed)?;
        let body = signed.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('.'));
        let body = body.ok_or(QuoteError::Malformed)?;
        let signature = BASE64.decode(signature).map_err(|_| QuoteError::Malformed)?;
        self.mac(signed).verify_slice(&signature).map_err(|_| QuoteError::BadSignature)?;

        let json = BASE64.decode(body).map_err(|_| QuoteError::Malformed)?;
        let payload: Payload = serde_json::from_slice(&json).map_err(|_| QuoteError::Malformed)?;
        if payload.tenant != tenant.0 || payload.wallet != *wallet {
            return Err(QuoteError::OtherWallet);
        }
        let Payload { operation, catalog_version, tier, expire_time, .. } = payload;
        Ok(Quote { operation, catalog_version, tier, expire_time })
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        self.keyed.clone().chain_update(signed)
    }
}

impl From<QuoteError> for Rejection {
    fn from(error: QuoteError) -> Self {
        Rejection::QuoteInvalid(match error {
            QuoteError::Malformed => "it is not a quote token",
            QuoteError::BadSignature => "its signature is not valid",
            QuoteError::OtherWallet => "it was made for another wallet",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn wallet(id: &str) -> WalletId {
        WalletId::parse(id).unwrap()
    }

    fn quote() -> Quote {
        Quote {
            operation: Operation {
                kind: "video.generate".to_owned(),
                attributes: BTreeMap::from([("model".to_owned(), "flux".to_owned())]),
                quantities: BTreeMap::from([("duration_s".to_owned(), "7.5".parse().unwrap())]),
            },
            catalog_version: 3,
            tier: Some("pro".to_owned()),
            expire_time: Timestamp::from_micros(1_700_000_000_000_001),
        }
    }

    #[test]
    fn a_signed_quote_opens_unchanged_on_every_replica() {
        let token = QuoteSigner::new(&[7; 32]).sign(TenantId::DEFAULT, &wallet("w"), &quote());
        let opened = QuoteSigner::new(&[7; 32]).open(TenantId::DEFAULT, &wallet("w"), &token);
        assert_eq!(opened, Ok(quote()));
        assert!(token.starts_with("q1."));
    }

    #[test]
    fn a_quote_opens_for_no_other_wallet_tenant_or_key() {
        let signer = QuoteSigner::new(&[7; 32]);
        let token = signer.sign(TenantId::DEFAULT, &wallet("w"), &quote());
        let open = |signer: &QuoteSigner, tenant, id| signer.open(tenant, &wallet(id), &token);
        assert_eq!(open(&signer, TenantId::DEFAULT, "v"), Err(QuoteError::OtherWallet));
        assert_eq!(open(&signer, TenantId(Uuid::nil()), "w"), Err(QuoteError::OtherWallet));
        let other = QuoteSigner::new(&[8; 32]);
        assert_eq!(open(&other, TenantId::DEFAULT, "w"), Err(QuoteError::BadSignature));
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let signer = QuoteSigner::new(&[7; 32]);
        let token = signer.sign(TenantId::DEFAULT, &wallet("w"), &quote());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert!(signer.open(TenantId::DEFAULT, &wallet("w"), &forged).is_err(), "byte {at}");
        }
        for text in ["", ".", "q1", "q1.", "q1..", "q2.e30.e30", "no dots", &token[..token.len() - 1]] {
            assert!(signer.open(TenantId::DEFAULT, &wallet("w"), text).is_err(), "{text:?}");
        }
    }
}
