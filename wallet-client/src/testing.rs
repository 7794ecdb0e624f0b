//! A real wallet server for the tests of a worker or a back end. Needs the feature `testing`.
//!
//! [`TestServer`] runs the `wallet-server` binary on a free port of the loopback interface, with a temporary SQLite
//! database and a manual clock. The process is killed when the value is dropped.

use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, io, thread};

use prost_types::Timestamp;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{Error, WalletClient, v1};

/// The environment variable with the path of the `wallet-server` binary.
const BINARY_VARIABLE: &str = "WALLET_SERVER_BIN";
/// The words before the address in the first line that the server prints.
const GREETING: &str = "wallet-server is serving on ";

/// A running `wallet-server` process with a database and a clock of its own.
///
/// The binary is the one given to [`TestServerBuilder::binary`], else the one that `WALLET_SERVER_BIN` names, else
/// `wallet-server` on the `PATH`. A test process that is itself killed by SIGKILL leaves the server running.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use wallet_client::testing::TestServer;
/// use wallet_client::v1;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = TestServer::start().await?;
/// let client = server.client();
/// client.create_wallet(v1::CreateWalletRequest::new("alice")).await?;
/// client.grant(v1::GrantRequest::new("alice", "welcome", v1::Amount::new("credits", 100))).await?;
///
/// // The clock stands still until it is moved.
/// server.advance_clock(Duration::from_secs(24 * 60 * 60)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestServer {
    _process: Process,
    client: WalletClient,
    endpoint: String,
    _folder: TempDir,
}

impl TestServer {
    /// Starts a server with the default options.
    ///
    /// # Errors
    ///
    /// As [`TestServerBuilder::start`].
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Returns the options of a server.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::default()
    }

    /// Returns a client of this server.
    pub fn client(&self) -> WalletClient {
        self.client.clone()
    }

    /// Returns the endpoint of this server, for example `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Moves the clock forward, at most 3,660 days. Everything that becomes due on the way is recorded before this returns.
    /// Returns the new time.
    ///
    /// # Errors
    ///
    /// As [`WalletClient::advance_clock`]. The call is attempted once.
    pub async fn advance_clock(&self, by: Duration) -> Result<Timestamp, Error> {
        let response = self.client.without_retries().advance_clock(v1::AdvanceClockRequest::by(by)).await?;
        response.current_time.ok_or_else(|| Error::incomplete("the current time"))
    }
}

/// The options of a [`TestServer`], made by [`TestServer::builder`].
///
/// # Examples
///
/// ```no_run
/// use wallet_client::testing::TestServer;
///
/// # async fn example(catalog: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let server = TestServer::builder().binary("target/debug/wallet-server").catalog(catalog).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TestServerBuilder {
    binary: Option<PathBuf>,
    catalog: Option<String>,
    timeout: Duration,
}

impl Default for TestServerBuilder {
    fn default() -> Self {
        Self { binary: None, catalog: None, timeout: Duration::from_secs(30) }
    }
}

impl TestServerBuilder {
    /// Sets the path of the `wallet-server` binary.
    #[must_use]
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Sets the catalog document in TOML. Default: the example catalog that is built into the server.
    #[must_use]
    pub fn catalog(mut self, toml: impl Into<String>) -> Self {
        self.catalog = Some(toml.into());
        self
    }

    /// Sets the time within which the server must accept calls. Default 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Starts the server, and waits until it accepts calls.
    ///
    /// # Errors
    ///
    /// [`StartError::Spawn`] if the binary cannot be run, [`StartError::Folder`] if no temporary folder can be written,
    /// [`StartError::Exited`] with the server's log if it ends, for example because of an invalid catalog,
    /// [`StartError::Timeout`], or [`StartError::Connect`].
    pub async fn start(self) -> Result<TestServer, StartError> {
        let folder = tempfile::tempdir().map_err(StartError::Folder)?;
        let log = tempfile::tempfile_in(&folder).map_err(StartError::Folder)?;
        let binary = self.binary.clone().unwrap_or_else(default_binary);
        let mut command = self.command(&binary, folder.path())?;
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(log.try_clone().map_err(StartError::Folder)?);
        let mut process = Process(command.spawn().map_err(|source| StartError::Spawn { binary, source })?);

        let address = tokio::time::timeout(self.timeout, address(&mut process.0)).await;
        let Some(address) = address.map_err(|_elapsed| StartError::Timeout(self.timeout))? else {
            return Err(StartError::Exited { log: read(log) });
        };
        let endpoint = format!("http://{address}");
        let client = WalletClient::connect(endpoint.as_str()).await.map_err(StartError::Connect)?;
        Ok(TestServer { _process: process, client, endpoint, _folder: folder })
    }

    fn command(&self, binary: &Path, folder: &Path) -> Result<Command, StartError> {
        let mut command = Command::new(binary);
        command.args(["serve", "--manual-clock", "--listen", "127.0.0.1:0", "--database-url"]);
        command.arg(format!("sqlite://{}", folder.join("wallet.db").display()));
        // The test's environment may contain settings of another server, for example the NATS stream to publish to.
        for (variable, _) in env::vars_os() {
            if variable.to_string_lossy().starts_with("WALLET_") {
                command.env_remove(variable);
            }
        }
        if let Some(toml) = &self.catalog {
            let file = folder.join("catalog.toml");
            fs::write(&file, toml).map_err(StartError::Folder)?;
            command.arg("--catalog").arg(file);
        }
        Ok(command)
    }
}

/// The error of [`TestServerBuilder::start`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The binary cannot be run.
    #[error(
        "cannot run {}: build wallet-server and put it on the PATH, name it in WALLET_SERVER_BIN, or pass its path",
        binary.display()
    )]
    Spawn {
        /// The path that was tried.
        binary: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The temporary folder cannot be written.
    #[error("cannot write a temporary folder")]
    Folder(#[source] io::Error),
    /// The server ended before it accepted calls.
    #[error("the server ended before it accepted calls:\n{log}")]
    Exited {
        /// The messages of the server.
        log: String,
    },
    /// The server did not accept calls in time.
    #[error("the server did not accept calls within {0:?}")]
    Timeout(Duration),
    /// The server runs, and the client cannot connect to it.
    #[error("cannot connect to the server")]
    Connect(#[source] Error),
}

/// A process that is killed when the value is dropped.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn default_binary() -> PathBuf {
    env::var_os(BINARY_VARIABLE).map_or_else(|| PathBuf::from("wallet-server"), PathBuf::from)
}

/// Waits for the greeting of the server and returns its address; `None` if the output ends without one.
async fn address(process: &mut Child) -> Option<String> {
    let output = BufReader::new(process.stdout.take()?);
    let (send, address) = oneshot::channel();
    // Reading blocks, and goes on so that the server never waits for room in the pipe.
    thread::spawn(move || {
        let mut send = Some(send);
        for line in output.lines().map_while(Result::ok) {
            let Some((address, _)) = line.strip_prefix(GREETING).and_then(|rest| rest.split_once(',')) else {
                continue;
            };
            if let Some(send) = send.take() {
                let _ = send.send(address.to_owned());
            }
        }
    });
    address.await.ok()
}

fn read(mut log: fs::File) -> String {
    let mut text = String::new();
    let _ = log.rewind().and_then(|()| log.read_to_string(&mut text));
    text
}
