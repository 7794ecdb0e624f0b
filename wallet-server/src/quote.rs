//! Quotes as tokens: estimates that the server signs and recognises later, on any replica.
//!
//! This module owns the format of the token and its binding to tenant and wallet. The core decides whether a quote
//! has expired, after the replay lookup: a retry must find its reservation even then.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wallet_core::decide::Quote;
use wallet_core::{Operation, Rejection, TenantId, Timestamp, WalletId};

use crate::signed_text::{SignedTextError, TextSigner};

/// The time for which a quote is honoured: ten minutes.
pub(crate) const QUOTE_VALIDITY: Duration = Duration::from_secs(10 * 60);

/// The prefix of this token format. Another format gets another prefix.
const PREFIX: &str = "q1.";

/// Signs and opens quote tokens with the key that all replicas share.
#[derive(Clone)]
pub(crate) struct QuoteSigner(TextSigner);

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
        Self(TextSigner::new(PREFIX, key))
    }

    /// Returns the token of a quote for a wallet.
    pub(crate) fn sign(&self, tenant: TenantId, wallet: &WalletId, quote: &Quote) -> String {
        let Quote { operation, catalog_version, tier, expire_time } = quote.clone();
        let (tenant, wallet) = (tenant.0, wallet.clone());
        self.0.sign(&Payload { tenant, wallet, operation, catalog_version, tier, expire_time })
    }

    /// Returns the quote in a token for this wallet, expired or not.
    pub(crate) fn open(&self, tenant: TenantId, wallet: &WalletId, token: &str) -> Result<Quote, QuoteError> {
        let payload: Payload = self.0.open(token)?;
        if payload.tenant != tenant.0 || payload.wallet != *wallet {
            return Err(QuoteError::OtherWallet);
        }
        let Payload { operation, catalog_version, tier, expire_time, .. } = payload;
        Ok(Quote { operation, catalog_version, tier, expire_time })
    }
}

impl From<SignedTextError> for QuoteError {
    fn from(error: SignedTextError) -> Self {
        match error {
            SignedTextError::Malformed => Self::Malformed,
            SignedTextError::BadSignature => Self::BadSignature,
        }
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
}
