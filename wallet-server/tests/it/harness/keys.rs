//! Servers that authenticate callers: a pepper, and keys made by the command line.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;
use wallet_client::{ClientConfig, WalletClient};
use wallet_core::Timestamp;
use wallet_server::{Clock, Config, Limits, Pepper, TimeSource};

use super::{Database, Server};
use crate::cli::run;

/// A database whose servers know the pepper.
pub(crate) struct Front {
    pub(crate) database: Database,
    folder: Arc<TempDir>,
}

impl Front {
    pub(crate) fn new(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("pepper"), "f".repeat(64)).expect("a pepper");
        Self { database, folder: Arc::new(folder) }
    }

    pub(crate) fn pepper_file(&self) -> String {
        self.folder.path().join("pepper").display().to_string()
    }

    /// Runs `wallet-server` with these words and the database, and returns its output.
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let database = ["--database-url", &self.database.url];
        let ended = run(&[words, &database].concat(), &[("WALLET_KEY_PEPPER_FILE", &self.pepper_file())]);
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        ended.stdout
    }

    /// Creates a key of a tenant and returns the whole key.
    pub(crate) fn key(&self, tenant: &str, scopes: &str) -> String {
        let output = self.cli(&["keys", "create", scopes, "--scopes", scopes, "--tenant", tenant]);
        output.lines().last().expect("the key").to_owned()
    }

    /// Starts a server that authenticates callers, with a manual clock that shows the system's time.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(Limits::default()).await
    }

    /// Like [`Front::serve`], with these limits.
    pub(crate) async fn serve_with(&self, limits: Limits) -> Server {
        self.serve_configured(Config { limits, ..Config::default() }).await
    }

    /// Like [`Front::serve`], with this configuration.
    pub(crate) async fn serve_configured(&self, config: Config) -> Server {
        let now = Timestamp::from_micros(i64::try_from(super::micros()).expect("it is not that late"));
        let time = TimeSource::Given(Clock::manual(now));
        self.serve_on_time(time, config).await
    }

    /// Like [`Front::serve`], on the system's clock.
    pub(crate) async fn serve_on_system_time(&self, config: Config) -> Server {
        self.serve_on_time(TimeSource::System, config).await
    }

    async fn serve_on_time(&self, time: TimeSource, config: Config) -> Server {
        let pepper = Pepper::read(self.pepper_file().as_ref()).expect("a pepper");
        let config = Config { pepper: Some(pepper), time, ..config };
        Server::start_with(self.database.clone(), config).await
    }
}

/// Returns a client with this key.
pub(crate) async fn with_key(server: &Server, key: &str) -> WalletClient {
    let config = ClientConfig::new(server.endpoint()).api_key(key);
    WalletClient::connect(config).await.expect("the client connects")
}

/// Returns the id of a key.
pub(crate) fn id_of(key: &str) -> &str {
    key.split('_').nth(2).expect("an id")
}
