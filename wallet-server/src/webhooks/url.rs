//! The URL of an endpoint, and the rules for it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use url::{Host, Url};

use super::Allowed;

/// The most bytes of a URL, as given and in its normal form.
const MOST_BYTES: usize = 2_048;

/// A URL to which messages may be posted. `Display` shows its normal form: a lower-case host, addresses in decimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookUrl {
    url: Url,
    /// The same URL for the HTTP client.
    uri: Uri,
}

impl WebhookUrl {
    /// Parses a URL. The error is the sentence of a field violation.
    pub(crate) fn parse(text: &str, allowed: &Allowed) -> Result<Self, String> {
        check_length(text)?;
        // The parser removes some of these without an error.
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("must not contain spaces or control characters: encode them as %20".to_owned());
        }
        let fault = |error: &dyn fmt::Display| {
            format!("must be a URL such as https://example.com/webhooks, is not one: {error}")
        };
        let url = Url::parse(text).map_err(|error| fault(&error))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("must begin with https://, begins with {}:", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or a password: messages are signed".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not contain a fragment: remove # and the text after it".to_owned());
        }
        check_length(url.as_str())?;
        let uri = url.as_str().parse().map_err(|error: http::uri::InvalidUri| fault(&error))?;
        let url = Self { url, uri };
        url.check_host(allowed)?;
        Ok(url)
    }

    /// Checks that the host may be called under the present rules. A name passes, because its addresses are checked
    /// when it is resolved. The error is the sentence of a field violation.
    pub(super) fn check_host(&self, allowed: &Allowed) -> Result<(), String> {
        let is_https = self.url.scheme() == "https";
        let is_allowed = match self.url.host() {
            Some(Host::Domain("localhost")) => {
                let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
                loopback.into_iter().any(|address| allowed.contains(address))
            }
            Some(Host::Domain(_)) => is_https,
            Some(Host::Ipv4(address)) => is_address_allowed(address.into(), is_https, allowed),
            Some(Host::Ipv6(address)) => is_address_allowed(address.into(), is_https, allowed),
            None => false,
        };
        let host = self.url.host_str().unwrap_or_default();
        match (is_allowed, is_https) {
            (true, _) => Ok(()),
            (false, true) => Err(format!(
                "must name a host in the public internet or in a network of --webhooks-allow, names {host}"
            )),
            (false, false) => Err(format!(
                "must begin with https://; http:// is only for localhost and IP addresses in a network of \
                 --webhooks-allow, not for {host}"
            )),
        }
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

fn is_address_allowed(address: IpAddr, is_https: bool, allowed: &Allowed) -> bool {
    if is_https { allowed.may_dial(address) } else { allowed.contains(address) }
}

fn check_length(url: &str) -> Result<(), String> {
    match url.len() {
        0..=MOST_BYTES => Ok(()),
        bytes => Err(format!("must have at most {MOST_BYTES} bytes, has {bytes}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, networks: &[&str]) -> Result<String, String> {
        let allowed = Allowed::new(networks.iter().map(|network| network.parse().unwrap()).collect());
        let url = WebhookUrl::parse(text, &allowed)?;
        assert_eq!(
            WebhookUrl::parse(&url.to_string(), &allowed),
            Ok(url.clone()),
            "the normal form is a URL"
        );
        assert_eq!(url.uri().to_string(), url.to_string());
        Ok(url.to_string())
    }

    #[test]
    fn an_https_url_of_the_public_internet_is_shown_in_its_normal_form() {
        let table = [
            ("https://example.com/hooks?a=b&c=%20", "https://example.com/hooks?a=b&c=%20"),
            ("HTTPS://Example.COM", "https://example.com/"),
            ("https://example.com:443/a/../b", "https://example.com/b"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            ("https://bücher.example/ü|^", "https://xn--bcher-kva.example/%C3%BC|^"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://0x08080808/", "https://8.8.8.8/"),
            ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ];
        for (text, normal) in table {
            assert_eq!(parse(text, &[]).as_deref(), Ok(normal), "{text}");
        }
    }

    #[test]
    fn a_url_that_is_none_of_an_endpoint_is_refused_with_the_fault() {
        let table = [
            ("", "must be a URL"),
            ("example.com/hooks", "must be a URL"),
            ("https://", "must be a URL"),
            ("https://exa mple.com/", "must not contain spaces"),
            (" https://example.com/", "must not contain spaces"),
            ("https://example.com/\n", "must not contain spaces"),
            ("https://example.com/\0", "must not contain spaces"),
            ("https://example.com:70000/", "must be a URL"),
            ("ftp://example.com/", "must begin with https://, begins with ftp:"),
            ("file:///etc/passwd", "must begin with https://, begins with file:"),
            ("https://user@example.com/", "must not contain a user name"),
            ("https://:secret@example.com/", "must not contain a user name"),
            ("https://example.com/#part", "must not contain a fragment"),
            ("https://example.com/#", "must not contain a fragment"),
            ("http://example.com/", "must begin with https://; http:// is only"),
            ("http://8.8.8.8/", "must begin with https://; http:// is only"),
        ];
        for (text, fault) in table {
            let refused = parse(text, &[]).unwrap_err();
            assert!(refused.starts_with(fault), "{text}: {refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_url_has_at_most_2048_bytes_in_both_forms() {
        let url = |letter: &str, count| format!("https://example.com/{}", letter.repeat(count));
        assert!(parse(&url("a", 2_028), &[]).is_ok());
        assert_eq!(parse(&url("a", 2_029), &[]).unwrap_err(), "must have at most 2048 bytes, has 2049");
        // Two bytes as given, six as percent-encoded.
        assert_eq!(parse(&url("ü", 400), &[]).unwrap_err(), "must have at most 2048 bytes, has 2420");
    }

    #[test]
    fn a_literal_address_that_may_not_be_dialled_is_refused_in_every_notation() {
        let hosts = [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "１２７.0.0.1",
            "localhost",
            "LOCALHOST",
            "169.254.169.254",
            "10.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::a00:1]",
            "[fd00:ec2::254]",
        ];
        for host in hosts {
            for scheme in ["https", "http"] {
                assert!(parse(&format!("{scheme}://{host}/"), &[]).is_err(), "{scheme} {host}");
            }
        }
    }

    #[test]
    fn http_is_for_addresses_in_allowed_networks() {
        for url in
            ["http://127.0.0.1:80/a", "https://127.0.0.1/a", "http://localhost:8080/", "https://localhost/"]
        {
            assert!(parse(url, &["127.0.0.0/8"]).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "https://10.0.0.1/",
            "http://example.com/",
            "http://8.8.8.8/",
            "http://[::1]/",
        ] {
            assert!(parse(url, &["127.0.0.0/8"]).is_err(), "{url}");
        }
        assert!(parse("http://localhost/", &["::1/128"]).is_ok());
        assert!(parse("http://localhost/", &["10.0.0.0/8"]).is_err());
    }
}
