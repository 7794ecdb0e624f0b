//! Wallet tokens: credentials for one wallet, which web pages and apps may have.
//!
//! A token is signed under the pepper and stored nowhere. It contains the id of the key that made it and is valid only
//! while that key is, so revoking the key revokes its tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp, WalletId};

use crate::keys::{IssueError, KeyError, KeyId, Keys, Pepper, Scope, Scopes};
use crate::signed_text::{SignedTextError, TextSigner};

/// The longest lifetime of a token.
pub(crate) const LONGEST: Duration = Duration::from_hours(1);

/// The prefix of this token format. Another format gets another prefix.
const PREFIX: &str = "cwt_";

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WalletToken {
    pub(crate) tenant: TenantId,
    /// The key that made the token.
    pub(crate) key: KeyId,
    /// The only wallet that calls with the token may name.
    pub(crate) wallet: WalletId,
    pub(crate) scopes: Scopes,
    pub(crate) expire_time: Timestamp,
}

/// Signs and opens tokens.
#[derive(Clone)]
pub(super) struct TokenSigner(TextSigner);

/// The signed content of a token.
#[derive(Serialize, Deserialize)]
struct Payload {
    tenant: Uuid,
    key: String,
    wallet: WalletId,
    scopes: String,
    expire_time: Timestamp,
}

impl Scopes {
    /// Returns the scopes that a token may have.
    pub(crate) fn of_tokens() -> Self {
        [Scope::Estimate, Scope::Read, Scope::Events].into_iter().collect()
    }
}

impl Keys {
    /// Returns the time of the clock after this lifetime, when a new token expires.
    pub(crate) fn after(&self, lifetime: Duration) -> Timestamp {
        self.clock.now().plus(lifetime)
    }

    /// Returns the text of a token.
    pub(crate) fn sign(&self, token: &WalletToken) -> Result<String, IssueError> {
        let pepper = self.pepper.as_ref().ok_or(IssueError::NoPepper)?;
        Ok(TokenSigner::new(pepper).sign(token))
    }
}

impl TokenSigner {
    pub(super) fn new(pepper: &Pepper) -> Self {
        Self(TextSigner::new(PREFIX, &pepper.derived("wallet tokens")))
    }

    /// Returns whether a credential is a token, valid or not.
    pub(super) fn is_token(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    pub(super) fn sign(&self, token: &WalletToken) -> String {
        self.0.sign(&Payload {
            tenant: token.tenant.0,
            key: token.key.to_string(),
            wallet: token.wallet.clone(),
            scopes: token.scopes.to_string(),
            expire_time: token.expire_time,
        })
    }

    /// Returns the content of a token, expired or not.
    pub(super) fn open(&self, text: &str) -> Result<WalletToken, KeyError> {
        let Payload { tenant, key, wallet, scopes, expire_time } = self.0.open(text)?;
        // A signed payload is well-formed.
        let key = KeyId::parse(&key).ok_or(KeyError::Malformed)?;
        let scopes = scopes.parse().map_err(|_| KeyError::Malformed)?;
        Ok(WalletToken { tenant: TenantId(tenant), key, wallet, scopes, expire_time })
    }
}

impl From<SignedTextError> for KeyError {
    fn from(error: SignedTextError) -> Self {
        match error {
            SignedTextError::Malformed => Self::Malformed,
            SignedTextError::BadSignature => Self::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> WalletToken {
        WalletToken {
            tenant: TenantId::DEFAULT,
            key: KeyId::parse("0123456789").unwrap(),
            wallet: WalletId::parse("alice").unwrap(),
            scopes: "estimate read".parse().unwrap(),
            expire_time: Timestamp::from_micros(1_700_000_000_000_001),
        }
    }

    fn signer(letter: u8) -> TokenSigner {
        TokenSigner::new(&Pepper::new(&[letter; 32]).unwrap())
    }

    #[test]
    fn a_token_opens_unchanged_under_its_pepper_only() {
        let text = signer(b'p').sign(&token());
        assert!(TokenSigner::is_token(&text), "{text}");
        assert_eq!(signer(b'p').open(&text).unwrap(), token());
        assert!(matches!(signer(b'q').open(&text), Err(KeyError::Invalid)));
        let plain = TextSigner::new(PREFIX, &[b'p'; 32]);
        assert!(plain.open::<Payload>(&text).is_err(), "the pepper itself signs no token");
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let text = signer(b'p').sign(&token());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            let refused = signer(b'p').open(&forged);
            assert!(matches!(refused, Err(KeyError::Malformed | KeyError::Invalid)), "byte {at}");
        }
    }
}
