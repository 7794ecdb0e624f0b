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

/// Connects, and tries again for up to 5 seconds while the server is starting. The error names the endpoint, the cause
/// and the remedy, but no password.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::KeyPair;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

    use super::*;
    use crate::causes::Chain;

    /// A certificate of X.509 version 1, as `openssl x509 -req -signkey` of OpenSSL 3.0 makes it.
    const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBJDCBywIUJU3EdntFkDyDmiJ94SbuVaKbyHIwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDAwMjcyNFoYDzIxMjYxMTA2MDAyNzI0
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAR/riODQs8f3/q3yXB5HJEm0okSm9kI3gj5SKCFfv3hqDLuM9jFI67xUcDfJGob
OVWkr0js1JQrDPFRj2gA48HhMAoGCCqGSM49BAMCA0gAMEUCIQC32+GO7VI4dLt8
dIoBs5SMw6mB3h09hz1hbaMtyi3bxwIgVVWy1JvFtiLYGNtZ/tpfWwGjuGMD3HhC
pidv1apMG9g=
-----END CERTIFICATE-----";

    /// Agrees to encrypt, as PostgreSQL does, and presents the certificate. Its key is another one, which no client
    /// finds out: it refuses the version first.
    async fn present(mut connection: TcpStream, certificate: CertificateDer<'static>) {
        let mut request = [0; 8];
        connection.read_exact(&mut request).await.unwrap();
        connection.write_all(b"S").await.unwrap();
        let key = PrivateKeyDer::try_from(KeyPair::generate().unwrap().serialize_der()).unwrap();
        let key = ring::sign::any_supported_type(&key).unwrap();
        let presented = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_cert_resolver(Arc::new(presented));
        assert!(TlsAcceptor::from(Arc::new(config)).accept(connection).await.is_err(), "it is refused");
    }

    #[tokio::test]
    async fn a_certificate_of_version_1_is_refused_with_both_remedies() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let certificate = CertificateDer::from_pem_slice(VERSION_1.as_bytes()).unwrap();
        let server =
            tokio::spawn(async move { present(listener.accept().await.unwrap().0, certificate).await });
        let url = format!("postgres://ann:secret@{address}/db");
        let error = postgres(&DatabaseUrl::from(url.as_str())).await.unwrap_err();
        let shown = Chain(&error).to_string();
        for text in [&address.to_string(), "UnsupportedCertVersion", "sslmode=disable", "sslrootcert=FILE"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(!shown.contains("secret"), "{shown}");
        server.await.unwrap();
    }
}
