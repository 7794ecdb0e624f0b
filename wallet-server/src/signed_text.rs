//! Texts that the server signs and recognises later, on any replica: a prefix, JSON in base64, and an HMAC of both.
//!
//! The prefix identifies the kind of the text and the version of its format. Each kind is signed with a key of its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// Signs and opens texts of one kind.
#[derive(Clone)]
pub(crate) struct TextSigner {
    prefix: &'static str,
    keyed: Hmac<Sha256>,
}

/// The reason why a text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedTextError {
    /// The text does not have the format.
    Malformed,
    /// The text was changed, or signed with another key.
    BadSignature,
}

impl TextSigner {
    pub(crate) fn new(prefix: &'static str, key: &[u8; 32]) -> Self {
        // HMAC-SHA-256 pads a key that is not longer than its block with zeros. 32 bytes always fit.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..key.len()].copy_from_slice(key);
        Self { prefix, keyed: Hmac::new(&block) }
    }

    /// Returns the text of a payload, whose maps have texts as keys.
    pub(crate) fn sign(&self, payload: &impl Serialize) -> String {
        #[expect(clippy::expect_used, reason = "payloads have texts, numbers and maps with texts as keys")]
        let json = serde_json::to_vec(payload).expect("a payload is JSON");
        let signed = format!("{}{}", self.prefix, BASE64.encode(json));
        let signature = BASE64.encode(self.mac(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Returns the payload of a text. The comparison of the signature takes the same time for all texts.
    pub(crate) fn open<T: DeserializeOwned>(&self, text: &str) -> Result<T, SignedTextError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(SignedTextError::Malformed)?;
        let body = signed.strip_prefix(self.prefix).ok_or(SignedTextError::Malformed)?;
        let signature = BASE64.decode(signature).map_err(|_| SignedTextError::Malformed)?;
        self.mac(signed).verify_slice(&signature).map_err(|_| SignedTextError::BadSignature)?;

        let json = BASE64.decode(body).map_err(|_| SignedTextError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| SignedTextError::Malformed)
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        self.keyed.clone().chain_update(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_with_its_prefix_and_key_only() {
        let signer = TextSigner::new("a1.", &[7; 32]);
        let text = signer.sign(&[1, 2]);
        assert!(text.starts_with("a1."));
        assert_eq!(TextSigner::new("a1.", &[7; 32]).open::<Vec<i32>>(&text), Ok(vec![1, 2]));
        assert_eq!(
            TextSigner::new("a1.", &[8; 32]).open::<Vec<i32>>(&text),
            Err(SignedTextError::BadSignature)
        );
        assert_eq!(TextSigner::new("a2.", &[7; 32]).open::<Vec<i32>>(&text), Err(SignedTextError::Malformed));
        assert_eq!(signer.open::<String>(&text), Err(SignedTextError::Malformed), "another content");
    }

    #[test]
    fn no_byte_of_a_text_can_be_changed() {
        let signer = TextSigner::new("a1.", &[7; 32]);
        let text = signer.sign(&"content");
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(signer.open::<String>(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}");
        }
        for text in ["", ".", "a1", "a1.", "a1..", "a2.e30.e30", "no dots", &text[..text.len() - 1]] {
            assert!(signer.open::<String>(text).is_err(), "{text:?}");
        }
    }
}
