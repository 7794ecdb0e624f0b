//! The URL of the database, which may contain a password. Messages and the log show it without the password.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sea_orm::sqlx::postgres::PgConnectOptions;

/// The parameters that a PostgreSQL URL may have. Others are refused, because a misspelt one would be ignored.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// A URL as given by the caller. `Display` and `Debug` omit the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(Arc<str>);

impl DatabaseUrl {
    /// Returns the URL with its password.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// Returns the options to connect to PostgreSQL. The error describes the fault in the URL without repeating any
    /// part of the URL.
    pub(crate) fn postgres(&self) -> Result<PgConnectOptions, String> {
        let (address, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let path = address
            .split_once("://")
            .map_or("", |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        if !address.contains("://") {
            return Err("it must be postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned());
        }
        if self.0.contains('#') || path.contains('@') {
            return Err("write the characters @ : / ? # of a password as %40 %3A %2F %3F %23".to_owned());
        }
        for name in query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split('=').next().unwrap_or(pair))
        {
            if !PARAMETERS.contains(&name) && !name.starts_with("options[") {
                return Err(format!(
                    "it has an unknown parameter; the parameters are {}",
                    PARAMETERS.join(", ")
                ));
            }
        }
        // The parser's message may repeat the part that it could not read.
        self.0.parse().map_err(|_| {
            "it must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with the characters @ : / ? # of a password \
             written as %40 %3A %2F %3F %23"
                .to_owned()
        })
    }
}

impl From<&str> for DatabaseUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    /// Never fails: a failure would make the argument parser print the argument, which may contain a password.
    fn from_str(url: &str) -> Result<Self, Infallible> {
        Ok(url.into())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.0.strip_prefix("sqlite:") {
            return write!(f, "sqlite:{}", path.split('?').next().unwrap_or(path));
        }
        if !self.0.starts_with("postgres:") && !self.0.starts_with("postgresql:") {
            return f.write_str("(a URL of an unknown database)");
        }
        let Ok(options) = self.postgres() else { return f.write_str("postgres://(unreadable)") };
        write!(f, "postgres://{}@", options.get_username())?;
        match options.get_socket() {
            Some(socket) => write!(f, "{}", socket.display())?,
            None => write!(f, "{}:{}", options.get_host(), options.get_port())?,
        }
        write!(f, "/{}", options.get_database().unwrap_or(options.get_username()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite://data/wallet.db?mode=rwc", "sqlite://data/wallet.db"),
            ("postgres://ann:canary@db:5433/wallet", "postgres://ann@db:5433/wallet"),
            ("postgresql://ann:canary@db/wallet?sslmode=disable", "postgres://ann@db:5432/wallet"),
            ("postgres://ann@db/wallet?password=canary", "postgres://ann@db:5432/wallet"),
            ("postgres://ann:canary@db:99999/wallet", "postgres://(unreadable)"),
            ("postgres://ann:5432#canary@db/wallet", "postgres://(unreadable)"),
            ("postgres://ann:12/canary@db/wallet", "postgres://(unreadable)"),
            ("postgres://ann:can/ary@db/wallet", "postgres://(unreadable)"),
            ("postgres://ann@db/wallet?pasword=canary", "postgres://(unreadable)"),
            ("postgres:ann:canary@@db", "postgres://(unreadable)"),
            ("mysql://ann:canary@db/wallet", "(a URL of an unknown database)"),
            ("canary", "(a URL of an unknown database)"),
        ] {
            let parsed = DatabaseUrl::from(url);
            assert_eq!(
                (parsed.to_string().as_str(), format!("{parsed:?}").as_str()),
                (shown, shown),
                "{url}"
            );
            assert!(
                !parsed.postgres().is_err_and(|why| why.contains("canary") || why.contains("ary@")),
                "{url}"
            );
        }
    }
}
