//! The pepper: a secret outside the database, without which stored keys cannot be recognised or forged.

use std::fmt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::keys::ApiKey;

/// The fewest bytes of a pepper.
const FEWEST: usize = 32;

/// The secret under which API keys are stored. `Debug` hides it.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

/// The reason why a file has no pepper.
#[derive(Debug, Error)]
pub enum PepperError {
    /// The file cannot be read.
    #[error("the pepper of the API keys cannot be read: {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The pepper is too short to be a secret.
    #[error("a pepper has at least {FEWEST} bytes, not {0}; `openssl rand -hex 32 > FILE` makes one")]
    Short(usize),
}

impl Pepper {
    /// Reads a pepper from a file. Spaces and line ends around it do not count.
    pub fn read(file: &Path) -> Result<Self, PepperError> {
        let bytes = std::fs::read(file).map_err(|error| PepperError::File(file.to_owned(), error))?;
        Self::new(&bytes)
    }

    /// Returns a pepper of these bytes. Spaces and line ends around it do not count.
    pub fn new(bytes: &[u8]) -> Result<Self, PepperError> {
        let bytes = bytes.trim_ascii();
        match Hmac::new_from_slice(bytes) {
            Ok(keyed) if bytes.len() >= FEWEST => Ok(Self(keyed)),
            _ => Err(PepperError::Short(bytes.len())),
        }
    }

    /// Returns the form in which a key is stored.
    pub(super) fn mac(&self, key: &ApiKey) -> [u8; 32] {
        self.0.clone().chain_update(key.secret_text()).finalize().into_bytes().into()
    }

    /// Derives a secret for another purpose. The texts of API keys begin with `cw_`, so the inputs never collide.
    pub(super) fn derived(&self, purpose: &str) -> [u8; 32] {
        self.0.clone().chain_update("purpose: ").chain_update(purpose).finalize().into_bytes().into()
    }

    /// Returns whether a key is the stored one. The comparison takes the same time for all keys.
    pub(super) fn recognises(&self, key: &ApiKey, mac: &[u8; 32]) -> bool {
        self.0.clone().chain_update(key.secret_text()).verify_slice(mac).is_ok()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Mode;

    #[test]
    fn a_key_is_recognised_under_its_pepper_only() {
        let [pepper, other] = [b'a', b'b'].map(|byte| Pepper::new(&[byte; 32]).unwrap());
        let [key, another] = [(); 2].map(|()| ApiKey::generate(Mode::Live).unwrap());
        let mac = pepper.mac(&key);
        assert!(pepper.recognises(&key, &mac));
        assert!(!pepper.recognises(&another, &mac) && !other.recognises(&key, &mac));
    }

    #[test]
    fn a_pepper_is_long_and_the_end_of_its_line_does_not_count() {
        assert!(matches!(Pepper::new(&[b'a'; 31]), Err(PepperError::Short(31))));
        assert!(matches!(Pepper::new(b"  \n"), Err(PepperError::Short(0))));
        let key = ApiKey::generate(Mode::Test).unwrap();
        let [plain, line] = ["", "\n"].map(|end| format!("{}{end}", "a".repeat(64)));
        let [plain, line] = [plain, line].map(|text| Pepper::new(text.as_bytes()).unwrap());
        assert_eq!(plain.mac(&key), line.mac(&key));
        assert_eq!(format!("{plain:?}"), "Pepper(***)");
    }
}
