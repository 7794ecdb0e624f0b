//! Checks that PostgreSQL can be reached, and otherwise reports the cause. A pool would only report a timeout.

use std::io::ErrorKind;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{Connection, Error};
use tokio::time::{Instant, sleep, timeout_at};

use crate::causes::{AnyError, Failed};
use crate::store::{DatabaseUrl, StoreError, StoreErrorKind};

/// The time to wait for a database that is starting.
const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// SQLSTATE of a database that does not exist.
const NO_DATABASE: &str = "3D000";
/// SQLSTATE of a server that is starting or stopping.
const NOT_NOW: &str = "57P03";

/// Connects once. The error names the endpoint, the cause and the remedy, but no password.
pub(super) async fn postgres(url: &DatabaseUrl) -> Result<(), StoreError> {
    let options = url.postgres().map_err(|why| StoreError::unavailable("the URL cannot be read", why))?;
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let error = match timeout_at(deadline, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => {
                // The connection only served as a test.
                let _ = connection.close().await;
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_) => {
                let text = format!("{url} does not answer within {TIMEOUT:?}");
                return Err(StoreError::new(StoreErrorKind::Unavailable, text));
            }
        };
        if !is_temporary(&error) || Instant::now() + PAUSE >= deadline {
            let subject = format_args!("cannot connect to {url}");
            return Err(StoreError::unavailable(subject, cause(error, &options)));
        }
        sleep(PAUSE).await;
    }
}

/// Returns true if another attempt may succeed.
fn is_temporary(error: &Error) -> bool {
    match error {
        Error::Io(error) => matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset),
        Error::Database(error) => error.code().is_some_and(|code| code == NOT_NOW),
        _ => false,
    }
}

/// Returns the cause of a failed connection, with the remedy if there is one.
fn cause(error: Error, options: &PgConnectOptions) -> AnyError {
    match error {
        // A failed handshake is reported as invalid data.
        Error::Io(error) if error.kind() == ErrorKind::InvalidData => encryption(error),
        Error::Tls(error) => encryption(error),
        Error::Io(error) => error.into(),
        Error::Database(error) if error.code().is_some_and(|code| code == NO_DATABASE) => {
            let name = options.get_database().unwrap_or(options.get_username());
            format!("{}; create it first: createdb {name}", error.message()).into()
        }
        other => other.into(),
    }
}

fn encryption(error: impl Into<AnyError>) -> AnyError {
    let text = "the encrypted connection failed; in a trusted network, add sslmode=disable to the URL, otherwise \
                give the server an X.509 version 3 certificate and add sslmode=verify-full&sslrootcert=FILE, where \
                FILE is the certificate of its issuer";
    Failed::new(text, error).into()
}
