//! The settings of NATS. They are the table `[nats]` of the file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use super::form::Form::{File, List, SecretFile, Text};

settings! {
    /// The settings of NATS.
    pub(crate) struct NatsSettings in "nats";

    /// The servers of NATS to which the feed is published, as in `nats://localhost:4222` or `tls://nats.example:4222`.
    /// In a flag or a variable they are separated by commas. Without any, the feed is not published.
    url: Vec<NatsUrl> = Vec::new(), List, Everywhere;

    /// The stream of JetStream that has the subjects `wallet.>`. The server does not create it.
    stream: StreamName = StreamName("WALLET".to_owned()), Text, Everywhere;

    /// The credentials for NATS: a file with a JWT and an NKey, usually with the ending `.creds`.
    credentials_file: Option<PathBuf> = None => "none", SecretFile, Everywhere;

    /// The authorities (PEM) that are trusted besides those of the system.
    ca_file: Option<PathBuf> = None => "none", File, Everywhere;
}

/// The URL of a server of NATS, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NatsUrl(Url);

/// The text is not the URL of a server of NATS. The text is not repeated, because it may contain a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be nats://HOST:PORT or tls://HOST:PORT without a user; nats.credentials_file has the credentials"
)]
pub(crate) struct NoNatsUrl;

impl FromStr for NatsUrl {
    type Err = NoNatsUrl;

    fn from_str(text: &str) -> Result<Self, NoNatsUrl> {
        let url = Url::parse(text).map_err(|_| NoNatsUrl)?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let is_server = ["nats", "tls"].contains(&url.scheme()) && url.has_host();
        let has_no_path = ["", "/"].contains(&url.path()) && url.fragment().is_none();
        if is_plain && is_server && has_no_path { Ok(Self(url)) } else { Err(NoNatsUrl) }
    }
}

impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamName(String);

/// The text cannot name a stream.
#[derive(Debug, thiserror::Error)]
#[error("must be the name of a stream, without spaces and the characters . * > / \\, is {0:?}")]
pub(crate) struct NoStreamName(String);

impl FromStr for StreamName {
    type Err = NoStreamName;

    fn from_str(text: &str) -> Result<Self, NoStreamName> {
        let is_allowed = |letter: char| letter.is_ascii_graphic() && !".*>/\\".contains(letter);
        match !text.is_empty() && text.chars().all(is_allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(NoStreamName(text.to_owned())),
        }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_nats_has_a_host_and_no_credentials() {
        for good in
            ["nats://localhost:4222", "tls://nats.example", "nats://10.1.2.3:4222/", "nats://[::1]:4222"]
        {
            assert!(good.parse::<NatsUrl>().is_ok(), "{good}");
        }
        for bad in
            ["", "localhost:4222", "http://nats.example", "nats://ann:canary@nats.example", "nats://h/path"]
        {
            let refused = bad.parse::<NatsUrl>().unwrap_err().to_string();
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn a_stream_has_a_name_that_nats_allows() {
        assert!("WALLET-1_a".parse::<StreamName>().is_ok());
        for bad in ["", "a b", "wallet.>", "a*", "a/b", "ä"] {
            assert!(bad.parse::<StreamName>().is_err(), "{bad}");
        }
    }
}
