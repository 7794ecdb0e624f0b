//! The text of an API key: `cw_live_<id>_<secret>_<checksum>`, `cw_test_` for test tenants.
//!
//! The id has 10 characters, the secret 43 (256 bits), the checksum 6, all of them letters and digits, so that a
//! double click selects a key and scanners of repositories recognise it. The checksum shows a typing error without a
//! query of the database.

use std::fmt;

use wallet_core::Principal;

/// The letters and digits, in the order of their values.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID: usize = 10;
/// 62^43 is more than 2^256.
const SECRET: usize = 43;
/// 62^6 is more than 2^32.
const CHECKSUM: usize = 6;

/// The kind of a tenant, which its keys show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Live,
    Test,
}

impl Mode {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "cw_live_",
            Self::Test => "cw_test_",
        }
    }
}

/// The public id of a key. Entries have it as the principal of a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(String);

impl KeyId {
    /// Returns the id, if a text has the form of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == ID && is_word(text)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn principal(&self) -> Principal {
        #[expect(clippy::expect_used, reason = "ten letters and digits are a principal")]
        self.0.parse().expect("the id of a key is a principal")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A whole key with its secret. `Debug` shows only the id.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    pub(crate) id: KeyId,
    pub(crate) mode: Mode,
    text: String,
}

impl ApiKey {
    /// Makes a new key.
    pub(crate) fn generate(mode: Mode) -> Result<Self, getrandom::Error> {
        let id = KeyId(random_word(ID)?);
        let body = format!("{}{id}_{}", mode.prefix(), random_word(SECRET)?);
        Ok(Self { id, mode, text: format!("{body}_{}", checksum(&body)) })
    }

    /// Returns the key, if a text has the form of one and its checksum is right.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mode = [Mode::Live, Mode::Test].into_iter().find(|mode| text.starts_with(mode.prefix()))?;
        let (body, sum) = text.rsplit_once('_')?;
        let (id, secret) = body.strip_prefix(mode.prefix())?.split_once('_')?;
        let is_whole = secret.len() == SECRET && is_word(secret) && sum.len() == CHECKSUM;
        (is_whole && checksum(body) == sum)
            .then(|| Some(Self { id: KeyId::parse(id)?, mode, text: text.to_owned() }))?
    }

    /// Returns the whole key, which nothing may log or store.
    pub(crate) fn secret_text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns the CRC-32 of a text in letters and digits.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut word = [b'0'; CHECKSUM];
    for letter in word.iter_mut().rev() {
        *letter = ALPHABET[rest % ALPHABET.len()];
        rest /= ALPHABET.len();
    }
    word.map(char::from).iter().collect()
}

/// Returns random letters and digits, all equally likely.
fn random_word(length: usize) -> Result<String, getrandom::Error> {
    let mut word = String::with_capacity(length);
    let mut bytes = [0; 64];
    while word.len() < length {
        getrandom::fill(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| usize::from(*byte) % ALPHABET.len());
        word.extend(fair.take(length - word.len()).map(|n| char::from(ALPHABET[n])));
    }
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_every_changed_letter_is_noticed() {
        for mode in [Mode::Live, Mode::Test] {
            let key = ApiKey::generate(mode).unwrap();
            let text = key.secret_text();
            assert_eq!(text.len(), 8 + 10 + 1 + 43 + 1 + 6);
            assert_eq!(ApiKey::parse(text), Some(key.clone()));
            for at in 0..text.len() {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
                assert_eq!(ApiKey::parse(std::str::from_utf8(&changed).unwrap()), None, "letter {at}");
            }
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        let key = ApiKey::generate(Mode::Live).unwrap();
        let text = key.secret_text().to_owned();
        let body = "cw_live_0123456789_short";
        for wrong in [
            String::new(),
            "cw_live_".into(),
            text.replace("cw_live", "cw_test"),
            text[..text.len() - 1].into(),
            format!("{text}0"),
            format!(" {text}"),
            "é".repeat(69),
            format!("{body}_{}", checksum(body)),
        ] {
            assert_eq!(ApiKey::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_checksum_is_the_published_crc_32() {
        // 0xCBF43926 is the check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        let back = checksum("123456789")
            .bytes()
            .fold(0, |sum, letter| sum * 62 + ALPHABET.iter().position(|other| *other == letter).unwrap());
        assert_eq!(back, 0xCBF4_3926);
    }

    #[test]
    fn a_key_never_prints_its_secret() {
        let key = ApiKey::generate(Mode::Live).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(key.id.as_str()) && !shown.contains(&key.text[19..62]), "{shown}");
    }
}
