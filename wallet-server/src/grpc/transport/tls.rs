//! TLS: the certificate of the server, read from files, and replaced while the server runs.
//!
//! The files are read at intervals and on SIGHUP, and compared by their content: a deployment may swap a link or write
//! in place. If certificate and key cannot be used together, the last good pair stays in use. Open connections keep
//! theirs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::registry::Registry;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::client_keys::{CertificateKey, ClientKey};
use super::tls_metrics::TlsMetrics;

/// The interval at which the files are read.
const LOOK: Duration = Duration::from_secs(30);

/// The files of a server's certificate, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the server, followed by those of its authorities.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// The certificates that callers present. `None`: callers need none.
    pub clients: Option<ClientCertificates>,
}

/// The certificates that callers present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The authorities that sign them, in PEM.
    pub authority: PathBuf,
    /// True: a caller may present none, and then needs an API key.
    pub is_optional: bool,
    /// The keys that certificates stand for.
    pub keys: Vec<ClientKey>,
}

/// The reason why the files cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file has no PEM item of the expected kind.
    #[error("{0} has no {1} in PEM")]
    Missing(PathBuf, &'static str),
    /// The file is not PEM.
    #[error("{0} is not valid PEM")]
    Pem(PathBuf, #[source] PemError),
    /// Certificate and key do not fit together, or their algorithm is not supported.
    #[error("the certificate and the key cannot be used together")]
    Refused(#[from] rustls::Error),
    /// A certificate cannot be an authority of callers.
    #[error(
        "{0} has a certificate that cannot be an authority; use the certificate of a CA (X.509 version 3)"
    )]
    Authority(PathBuf, #[source] rustls::Error),
    /// The authorities of callers cannot be used.
    #[error("the certificates of the client authorities cannot be used")]
    ClientCa(#[from] VerifierBuilderError),
}

/// The certificate in use.
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Loaded>,
    metrics: TlsMetrics,
}

struct Loaded {
    /// The digest of the content of the files.
    digest: [u8; 32],
    acceptor: TlsAcceptor,
}

/// The content of the files.
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl fmt::Debug for Tls {
    /// Shows the files and nothing of their content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let content = Content::read(&files)?;
        let current = RwLock::new(Loaded { digest: content.digest(), acceptor: content.acceptor(&files)? });
        let metrics = TlsMetrics::default();
        metrics.record_certificate(&content.certificate);
        Ok(Self { files, current, metrics })
    }

    /// Registers the metrics of the certificate. They stay 0 without one.
    pub(crate) fn register(tls: Option<&Arc<Self>>, registry: &mut Registry) {
        tls.map(|tls| tls.metrics.clone()).unwrap_or_default().register(registry);
    }

    /// Makes the handshake of a connection within `time`. `None`: the peer does not complete it.
    pub(super) async fn accept<S>(&self, stream: S, time: Duration) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = self.current.read().unwrap_or_else(PoisonError::into_inner).acceptor.clone();
        match timeout(time, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => tracing::debug!(%error, "a connection is closed: its TLS handshake failed"),
            Err(_) => tracing::debug!("a connection is closed: its TLS handshake takes too long"),
        }
        None
    }

    /// Returns the key that the certificate of a caller stands for.
    pub(super) fn key_of<S>(&self, stream: &TlsStream<S>) -> Option<CertificateKey> {
        let clients = self.files.clients.as_ref()?;
        let (_, connection) = stream.get_ref();
        CertificateKey::of(&clients.keys, connection.peer_certificates()?.first()?)
    }

    /// Reads the files again. Returns whether another certificate is in use now.
    pub(crate) fn reload(&self) -> Result<bool, TlsError> {
        let content = Content::read(&self.files)?;
        let digest = content.digest();
        if self.current.read().unwrap_or_else(PoisonError::into_inner).digest == digest {
            return Ok(false);
        }
        let acceptor = content.acceptor(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Loaded { digest, acceptor };
        self.metrics.record_certificate(&content.certificate);
        Ok(true)
    }

    /// Reads the files again and again until `shutdown`.
    pub(crate) async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hangups = Hangups::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
                () = hangups.next() => {}
            }
            match self.reload() {
                Ok(true) => {
                    self.metrics.record_reload(true);
                    tracing::info!("the certificate was replaced");
                }
                Ok(false) => {}
                Err(error) => {
                    self.metrics.record_reload(false);
                    let error = crate::causes::Chain(&error);
                    tracing::error!(%error, "the new certificate cannot be used; the last good one stays in use");
                }
            }
        }
    }
}

/// The SIGHUP signals of this process.
struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangups {
    #[cfg(unix)]
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self()
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}

impl Content {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &Path| fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error));
        let client_ca = files.clients.as_ref().map(|clients| read(&clients.authority)).transpose()?;
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)?, client_ca })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()] {
            let digest = part.map(Sha256::digest).unwrap_or_default();
            hasher.update(digest);
        }
        hasher.finalize().into()
    }

    fn acceptor(&self, files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
        let chain = certificates(&files.certificate, &self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| match error {
            PemError::NoItemsFound => TlsError::Missing(files.key.clone(), "private key"),
            error => TlsError::Pem(files.key.clone(), error),
        })?;
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match files.clients.as_ref().zip(self.client_ca.as_ref()) {
            Some((clients, pem)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(&clients.authority, pem)? {
                    let unusable = |error| TlsError::Authority(clients.authority.clone(), error);
                    roots.add(authority).map_err(unusable)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if clients.is_optional { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build()?)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Returns the certificates of a file, at least one.
fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| TlsError::Pem(path.to_owned(), error))?;
    if all.is_empty() {
        return Err(TlsError::Missing(path.to_owned(), "certificate"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client;
    use tokio_rustls::rustls::ClientConfig;
    use tokio_rustls::rustls::pki_types::ServerName;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// An authority, and the files of a server in a folder.
    struct Files {
        folder: TempDir,
        authority: CertifiedIssuer<'static, KeyPair>,
    }

    impl Files {
        fn new() -> Self {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            let files = Self { folder: tempfile::tempdir().unwrap(), authority };
            files.put("server.pem", "server.key");
            files
        }

        fn paths(&self) -> TlsFiles {
            let path = |name| self.folder.path().join(name);
            TlsFiles { certificate: path("server.pem"), key: path("server.key"), clients: None }
        }

        /// Returns a new certificate for `localhost` and its key, in PEM.
        fn issue(&self) -> (String, String) {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            (params.signed_by(&key, &self.authority).unwrap().pem(), key.serialize_pem())
        }

        /// Writes a new certificate and its key to files of these names.
        fn put(&self, certificate: &str, key: &str) {
            let (pem, secret) = self.issue();
            fs::write(self.folder.path().join(certificate), pem).unwrap();
            fs::write(self.folder.path().join(key), secret).unwrap();
        }

        /// Returns a caller that trusts the authority and presents these certificates.
        fn caller(&self, own: Option<(String, String)>) -> TlsConnector {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.der().clone()).unwrap();
            let provider = Arc::new(ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider);
            let builder =
                builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
            let mut config = match own {
                Some((pem, key)) => {
                    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect();
                    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                    builder.with_client_auth_cert(chain, key).unwrap()
                }
                None => builder.with_no_client_auth(),
            };
            config.alpn_protocols = vec![b"h2".to_vec()];
            TlsConnector::from(Arc::new(config))
        }
    }

    /// Returns both sides of a connection whose first byte has arrived, and the certificate that the caller sees.
    async fn connect(
        tls: &Tls,
        caller: &TlsConnector,
    ) -> Option<(client::TlsStream<DuplexStream>, TlsStream<DuplexStream>, Vec<u8>)> {
        let (near, far) = duplex(64 * 1024);
        let calling = async {
            let mut stream = caller.connect(ServerName::try_from("localhost").unwrap(), near).await.ok()?;
            stream.write_all(b"x").await.ok()?;
            stream.flush().await.ok()?;
            Some(stream)
        };
        let (stream, accepted) = tokio::join!(calling, tls.accept(far, SOON));
        let (stream, mut accepted) = (stream?, accepted?);
        assert_eq!(accepted.read_u8().await.unwrap(), b'x');
        let seen = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        Some((stream, accepted, seen))
    }

    #[tokio::test]
    async fn a_new_certificate_is_used_by_new_connections_and_old_streams_go_on() {
        let files = Files::new();
        let (tls, caller) = (Tls::load(files.paths()).unwrap(), files.caller(None));
        let (mut near, mut far, first) = connect(&tls, &caller).await.unwrap();
        assert!(!tls.reload().unwrap(), "nothing has changed");
        files.put("server.pem", "server.key");
        assert!(tls.reload().unwrap());
        let (_, _, second) = connect(&tls, &caller).await.unwrap();
        assert_ne!(first, second);
        near.write_all(b"still here").await.unwrap();
        near.flush().await.unwrap();
        let mut read = [0; 10];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"still here");
    }

    #[tokio::test]
    async fn a_pair_that_does_not_fit_is_refused_and_the_old_one_serves_on() {
        let files = Files::new();
        let (tls, caller) = (Tls::load(files.paths()).unwrap(), files.caller(None));
        let (_, _, first) = connect(&tls, &caller).await.unwrap();
        files.put("server.pem", "other.key");
        assert!(matches!(tls.reload(), Err(TlsError::Refused(_))), "the key is another one");
        for (content, missing) in [("", true), ("-----BEGIN CERTIFICATE-----\n!", false)] {
            fs::write(files.paths().certificate, content).unwrap();
            match tls.reload() {
                Err(TlsError::Missing(path, "certificate")) if missing => {
                    assert_eq!(path, files.paths().certificate)
                }
                Err(TlsError::Pem(path, _)) if !missing => assert_eq!(path, files.paths().certificate),
                other => panic!("{content:?}: {other:?}"),
            }
        }
        fs::remove_file(files.paths().certificate).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Unreadable(..))));
        let (_, _, still) = connect(&tls, &caller).await.unwrap();
        assert_eq!(first, still);
    }

    #[test]
    fn a_certificate_that_is_no_authority_of_callers_is_named() {
        let files = Files::new();
        let authority = files.folder.path().join("clients.pem");
        fs::write(&authority, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let clients =
            ClientCertificates { authority: authority.clone(), is_optional: false, keys: Vec::new() };
        let refused = Tls::load(TlsFiles { clients: Some(clients), ..files.paths() }).unwrap_err();
        assert!(matches!(&refused, TlsError::Authority(path, _) if *path == authority), "{refused:?}");
    }

    #[tokio::test]
    async fn with_an_authority_for_callers_only_their_certificates_are_accepted() {
        let files = Files::new();
        let authority = files.folder.path().join("clients.pem");
        fs::write(&authority, files.authority.pem()).unwrap();
        for is_optional in [false, true] {
            let keys = vec!["localhost=aaaaaaaaaa".parse().unwrap()];
            let clients = ClientCertificates { authority: authority.clone(), is_optional, keys };
            let tls = Tls::load(TlsFiles { clients: Some(clients), ..files.paths() }).unwrap();
            let key = async |own| {
                let (_near, far, _) = connect(&tls, &files.caller(own)).await?;
                Some(tls.key_of(&far).map(|found| found.key.to_string()))
            };
            assert_eq!(key(None).await, is_optional.then_some(None));
            assert_eq!(key(Some(Files::new().issue())).await, None, "another authority");
            assert_eq!(key(Some(files.issue())).await, Some(Some("aaaaaaaaaa".to_owned())));
        }
    }

    #[tokio::test]
    async fn a_silent_peer_does_not_keep_its_connection() {
        let files = Files::new();
        let tls = Tls::load(files.paths()).unwrap();
        let (_near, far) = duplex(1024);
        assert!(tls.accept(far, Duration::from_millis(20)).await.is_none());
    }
}
