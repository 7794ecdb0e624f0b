//! Opens the database: its connections and their settings.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use wallet_core::feed::ItemTypes;

use crate::store::DatabaseUrl;
use crate::store::file_lock::{self, FileLock};
use crate::store::in_place::InPlace;
use crate::store::owner;
use crate::store::pool::{LastFailure, Pool};
use crate::store::reach;
use crate::store::timed::TimedConnection;
use crate::store::{LaneConnection, StoreError, StoreErrorKind};

/// The time that a batch waits for a wallet that another server has locked.
const LOCK_TIMEOUT: &str = "2s";
/// Server-side limit for one statement. No statement takes this long unless something is wrong.
const STATEMENT_TIMEOUT: &str = "20s";
/// Client-side limit for one call of a read or of the control plane. Longer than `STATEMENT_TIMEOUT`, so that a
/// live server reports its own timeout first.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);
/// The time that a returned connection may take to roll back before it is discarded.
const RETURN_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that a caller waits for a connection of a pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of connections for reads.
const READERS: u32 = 8;
/// Number of connections for reads of many rows.
const SEARCHERS: u32 = 2;
/// Number of connections for the control plane.
const CONTROLLERS: u32 = 2;
/// The time that a connection waits for SQLite's one write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a SQLite file that are mapped into memory to read all of it: the most that SQLite allows. The rows of
/// one wallet lie far apart, and a system call for each would take longer than verifying it.
const MAPPED: &str = "2147418112";
/// The page cache of a lane on SQLite, in KiB and negative as SQLite wants it: 64 MiB. A batch about many wallets
/// changes thousands of pages that lie far apart; with SQLite's default of 2 MiB it would write and read them several
/// times.
const LANE_CACHE: &str = "-65536";
/// The pages in SQLite's journal, 64 MiB, after which any other connection checkpoints at its commit. A lane does so
/// earlier.
const JOURNAL: &str = "16384";
/// Planner settings: a plan is made once for all values and uses only index scans. PostgreSQL was seen to scan
/// whole tables for a join with a handful of keys, and to keep a plan made while a table was empty until the table
/// was large.
pub(super) const PLANS: [(&str, &str); 6] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    // A plan with a disabled scan looks so costly that PostgreSQL would compile it, for hundreds of milliseconds.
    ("jit", "off"),
];
/// Number of cached statements. The text of a hot statement depends on the tables that a batch changes; this is
/// enough for all variants.
const STATEMENT_CACHE: usize = 256;

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file that one server uses; other processes may only read it.
    Sqlite,
    /// A server that several wallet servers may share.
    Postgres,
}

impl Backend {
    pub(crate) fn db(self) -> DbBackend {
        match self {
            Backend::Sqlite => DbBackend::Sqlite,
            Backend::Postgres => DbBackend::Postgres,
        }
    }
}

/// The access to a SQLite file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadOnly,
    /// No process writes, and no file can be created next to the database.
    Immutable,
    ReadWrite,
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    url: DatabaseUrl,
    backend: Backend,
    call_timeout: Duration,
    /// The types of the feed that are recorded.
    recorded: ItemTypes,
    readers: Pool,
    searchers: Pool,
    control: Pool,
    sweeper: Pool,
    /// One connection that gives items of the feed their positions.
    feed: Pool,
    /// One connection that only checks whether the database can be written to. `None` for a SQLite file.
    probe: Option<Pool>,
    file: Option<Arc<OpenFile>>,
}

/// A SQLite file that is being served.
#[derive(Debug)]
struct OpenFile {
    in_place: InPlace,
    /// Closed last: SQLite deletes the journal with the last connection.
    _keeper: DatabaseConnection,
    _lock: FileLock,
}

impl Store {
    /// Opens the database for serving. A SQLite file is created if it is missing, and locked against other
    /// processes.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let backend = backend(url)?;
        let Some(name) = sqlite_path(url) else {
            reach::postgres(&url.into()).await?;
            return Self::connect(url, backend, None).await;
        };
        if let Some(folder) = name.parent() {
            owner::create_folder(folder).map_err(|error| StoreError::unavailable(folder.display(), error))?;
        }
        let path = file_lock::real_path(&name)?;
        let lock = FileLock::take(&path)?;
        owner::create_file(&path).map_err(|error| StoreError::unavailable(path.display(), error))?;
        // The file and its journal must exist before a reader opens it.
        let keeper = connect_lane(url, backend).await?;
        keeper.execute_unprepared("BEGIN IMMEDIATE; SELECT count(*) FROM sqlite_master; COMMIT").await?;
        let in_place = InPlace::remember(&name, &path, lock.path())
            .map_err(|why| StoreError::new(StoreErrorKind::Unavailable, why))?;
        Self::connect(url, backend, Some(Arc::new(OpenFile { in_place, _keeper: keeper, _lock: lock }))).await
    }

    async fn connect(url: &str, backend: Backend, file: Option<Arc<OpenFile>>) -> Result<Self, StoreError> {
        let probe = match backend {
            Backend::Postgres => Some(connect_control(url, backend, 1).await?),
            Backend::Sqlite => None,
        };
        Ok(Self {
            url: url.into(),
            backend,
            call_timeout: CALL_TIMEOUT,
            recorded: ItemTypes::default(),
            readers: connect_readers(url, backend, Access::ReadWrite, READERS).await?,
            searchers: connect_readers(url, backend, Access::ReadWrite, SEARCHERS).await?,
            control: connect_control(url, backend, CONTROLLERS).await?,
            sweeper: connect_control(url, backend, 1).await?,
            feed: connect_control(url, backend, 1).await?,
            probe,
            file,
        })
    }

    /// Opens the database for reading only. A server may be using it at the same time.
    pub(crate) async fn open_read_only(url: &str) -> Result<Self, StoreError> {
        let backend = backend(url)?;
        if let Some(path) = sqlite_path(url).filter(|path| !path.exists()) {
            let text = format!("{} does not exist", path.display());
            return Err(StoreError::new(StoreErrorKind::Unavailable, text));
        }
        let readers = match sqlite_path(url) {
            Some(path) => read_only(url, &path).await?,
            None => {
                reach::postgres(&url.into()).await?;
                connect_readers(url, backend, Access::ReadOnly, READERS).await?
            }
        };
        let [searchers, control, sweeper, feed] = [(); 4].map(|()| readers.clone());
        let (url, call_timeout, probe) = (url.into(), CALL_TIMEOUT, None);
        let (recorded, file) = (ItemTypes::default(), None);
        Ok(Self {
            url,
            backend,
            call_timeout,
            recorded,
            readers,
            searchers,
            control,
            sweeper,
            feed,
            probe,
            file,
        })
    }

    /// Returns the store with another time limit for a call of a read or of the control plane.
    pub(crate) fn with_call_timeout(self, call_timeout: Duration) -> Self {
        Self { call_timeout, ..self }
    }

    /// Returns the store with other types of the feed that are recorded.
    pub(crate) fn recording(self, recorded: ItemTypes) -> Self {
        Self { recorded, ..self }
    }

    /// Returns the types of the feed that are recorded.
    pub(crate) const fn recorded(&self) -> ItemTypes {
        self.recorded
    }

    /// Returns why a SQLite database is no longer under its name, if it is lost. PostgreSQL has no file that could
    /// be lost.
    pub(crate) fn in_place(&self) -> Result<(), String> {
        self.file.as_ref().map_or(Ok(()), |file| file.in_place.check())
    }

    /// Opens a connection for one lane.
    pub(crate) async fn lane(&self) -> Result<LaneConnection, StoreError> {
        connect_lane(self.url.secret(), self.backend).await.map(LaneConnection::new)
    }

    pub(super) fn control(&self) -> TimedConnection<DatabaseConnection> {
        TimedConnection::new(self.control.clone(), self.call_timeout)
    }

    pub(super) fn sweeper(&self) -> TimedConnection<DatabaseConnection> {
        TimedConnection::new(self.sweeper.clone(), self.call_timeout)
    }

    pub(super) fn feed(&self) -> TimedConnection<DatabaseConnection> {
        TimedConnection::new(self.feed.clone(), self.call_timeout)
    }

    pub(super) const fn feed_pool(&self) -> &Pool {
        &self.feed
    }

    pub(super) const fn control_pool(&self) -> &Pool {
        &self.control
    }

    /// Returns true if the database answers within `call_timeout` and can be written to. A SQLite file always can.
    pub(crate) async fn is_writable(&self, call_timeout: Duration) -> Result<bool, StoreError> {
        let Some(pool) = &self.probe else { return Ok(true) };
        let sql =
            "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable";
        let statement = Statement::from_string(self.backend.db(), sql);
        let row = TimedConnection::new(pool.clone(), call_timeout).query_one_raw(statement).await?;
        let is_writable = row.is_some_and(|row| row.try_get("", "writable").unwrap_or(false));
        if !is_writable {
            // The session may stay read-only until it is closed, so the next check opens a new one.
            pool.last_failure.record();
        }
        Ok(is_writable)
    }

    pub(super) const fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    pub(super) const fn read_pool(&self) -> &Pool {
        &self.readers
    }

    /// Returns the pool for reads of many rows.
    pub(super) const fn search_pool(&self) -> &Pool {
        &self.searchers
    }

    /// Returns the connections for reads of many rows, for single statements.
    pub(super) fn search(&self) -> TimedConnection<DatabaseConnection> {
        TimedConnection::new(self.searchers.clone(), self.call_timeout)
    }

    pub(super) const fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    pub(crate) const fn backend(&self) -> Backend {
        self.backend
    }
}

fn backend(url: &str) -> Result<Backend, StoreError> {
    if url.starts_with("sqlite:") {
        Ok(Backend::Sqlite)
    } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        Ok(Backend::Postgres)
    } else {
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "a database URL must begin with sqlite:// or postgres://",
        ))
    }
}

pub(super) fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(Path::new(path.split('?').next().unwrap_or(path)).to_path_buf())
}

/// Opens a SQLite file without changing it. To read a file in WAL mode, SQLite creates an index of the journal,
/// which a read-only folder does not allow. If there is no journal, the file is complete and can be read alone.
async fn read_only(url: &str, path: &Path) -> Result<Pool, StoreError> {
    async fn readable(url: &str, access: Access) -> Result<Pool, StoreError> {
        let readers = connect_readers(url, Backend::Sqlite, access, READERS).await?;
        readers.connections().execute_unprepared("SELECT count(*) FROM sqlite_master").await?;
        Ok(readers)
    }
    let error = match readable(url, Access::ReadOnly).await {
        Ok(readers) => return Ok(readers),
        Err(error) => error,
    };
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    if Path::new(&journal).metadata().is_ok_and(|journal| journal.len() > 0) {
        let text = format!(
            "{}: the commits in {} cannot be read in a read-only folder; copy both files to a writable folder",
            path.display(),
            Path::new(&journal).display()
        );
        return Err(StoreError::unavailable(text, error));
    }
    let alone = readable(url, Access::Immutable).await;
    alone.map_err(|_| StoreError::unavailable(path.display(), error))
}

/// Opens one connection that writes.
pub(super) async fn connect_lane(url: &str, backend: Backend) -> Result<DatabaseConnection, StoreError> {
    let mut options = options(url, 1);
    if backend == Backend::Postgres {
        let given = postgres(url)?;
        options.map_sqlx_postgres_opts(move |_| given.clone().options([("lock_timeout", LOCK_TIMEOUT)]));
    } else {
        options.map_sqlx_sqlite_opts(|options| {
            // The lane checkpoints after it has answered its callers, not within a commit.
            sqlite(options).pragma("wal_autocheckpoint", "0").pragma("cache_size", LANE_CACHE)
        });
    }
    Ok(Database::connect(options).await?)
}

/// Opens connections for single statements that may write.
async fn connect_control(url: &str, backend: Backend, connections: u32) -> Result<Pool, StoreError> {
    let mut options = options(url, connections);
    match backend {
        Backend::Postgres => {
            let given = postgres(url)?;
            options.map_sqlx_postgres_opts(move |_| given.clone().options([QUIET]));
        }
        Backend::Sqlite => {
            options.map_sqlx_sqlite_opts(|options| sqlite(options).create_if_missing(false));
        }
    }
    pool(options, backend).await
}

/// Opens a pool. It lends only connections that are in no transaction, and on PostgreSQL only those that were opened
/// after the last failure.
async fn pool(mut options: ConnectOptions, backend: Backend) -> Result<Pool, StoreError> {
    let last_failure = LastFailure::default();
    let failure = last_failure.clone();
    options.map_sqlx_postgres_pool_opts(returned_clean);
    options.map_sqlx_postgres_before_acquire(move |_, connection| {
        let is_newer = failure.is_before(connection.age);
        Box::pin(async move { Ok(is_newer) })
    });
    Ok(Pool::open(options, last_failure, backend == Backend::Postgres).await?)
}

/// Opens connections whose every transaction is a read-only snapshot. On SQLite, a transaction that writes nothing
/// is one anyway.
async fn connect_readers(
    url: &str,
    backend: Backend,
    access: Access,
    connections: u32,
) -> Result<Pool, StoreError> {
    let mut options = options(url, connections);
    match backend {
        Backend::Postgres => {
            let given = postgres(url)?;
            options.map_sqlx_postgres_opts(move |_| {
                given.clone().options([
                    // As defaults of the session, these cost no round trip per snapshot.
                    ("default_transaction_isolation", "repeatable read"),
                    ("default_transaction_read_only", "on"),
                    QUIET,
                ])
            });
        }
        Backend::Sqlite if access != Access::ReadWrite => {
            // The journal mode is not changed: a copy of a database need not be in WAL mode.
            options.map_sqlx_sqlite_opts(move |options| {
                let options = options.immutable(access == Access::Immutable);
                options.read_only(true).busy_timeout(BUSY_TIMEOUT).pragma("mmap_size", MAPPED)
            });
        }
        Backend::Sqlite => {
            options.map_sqlx_sqlite_opts(|options| sqlite(options).create_if_missing(false));
        }
    }
    pool(options, backend).await
}

/// Keeps PostgreSQL from sending the warning that the BEGIN of [`returned_clean`] found an open transaction.
const QUIET: (&str, &str) = ("client_min_messages", "error");

/// Rolls connections back when they are returned to the pool: a caller cancelled during BEGIN must not pass on an open
/// transaction. A ROLLBACK alone would write a warning to the log of PostgreSQL whenever there is nothing to roll back,
/// which is nearly always. A connection that does not answer within `RETURN_TIMEOUT`, or whose transaction has failed,
/// is discarded.
fn returned_clean(options: PgPoolOptions) -> PgPoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            let rolled_back = sqlx::Executor::execute(connection, "BEGIN; ROLLBACK");
            match tokio::time::timeout(RETURN_TIMEOUT, rolled_back).await {
                Ok(done) => done.map(|_| true),
                Err(_) => Err(sqlx::Error::Io(ErrorKind::TimedOut.into())),
            }
        })
    })
}

/// Closes a connection to SQLite that is still in a transaction when it is returned to its pool. A full disk ends a
/// transaction, the driver's ROLLBACK of it then fails, and the driver would take the next BEGIN for a savepoint whose
/// commit commits nothing.
fn closed_if_in_transaction(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // The driver rolls back in the background. It answers only after that.
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    })
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let url = match sqlite_path(url) {
        // The driver accepts characters that a URL may not contain, but decodes %XX.
        Some(path) => format!("sqlite://{}", path.display().to_string().replace('%', "%25")),
        // A placeholder: the real URL has a password, and sea-orm's trace would show it. See `postgres`.
        None => "postgres://localhost".to_owned(),
    };
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        // Without these two, sqlx 0.9.0 runs a task per pool that closes old connections. It can spin forever,
        // because a connection returned at that moment makes the count of idle ones wrap (sqlx issue 3645). On
        // SQLite, closing the last connection would also delete the journal, whose inode is watched.
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false)
        .map_sqlx_sqlite_pool_opts(closed_if_in_transaction);
    options
}

fn postgres(url: &str) -> Result<PgConnectOptions, StoreError> {
    let given =
        DatabaseUrl::from(url).postgres().map_err(|why| StoreError::new(StoreErrorKind::Unavailable, why))?;
    let options = given
        .disable_statement_logging()
        .application_name("wallet-server")
        .statement_cache_capacity(STATEMENT_CACHE)
        .options([("statement_timeout", STATEMENT_TIMEOUT), ("idle_in_transaction_session_timeout", "60s")])
        .options(PLANS);
    Ok(options)
}

fn sqlite(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose acknowledged commits in a power failure.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", JOURNAL)
        .statement_cache_capacity(STATEMENT_CACHE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::Postgres;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/wallet.db", folder.path().display())).await.unwrap();
        store.control().execute_unprepared("CREATE TABLE written (bytes BLOB)").await.unwrap();
        (folder, store)
    }

    /// Inserts a row of this many bytes in a transaction, which is committed or dropped.
    async fn write(store: &Store, bytes: usize, commits: bool) -> Result<(), StoreError> {
        let transaction = TimedConnection::begin_writing(&store.feed, CALL_TIMEOUT).await?;
        transaction.execute_unprepared(&format!("INSERT INTO written VALUES (zeroblob({bytes}))")).await?;
        if commits {
            transaction.commit().await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn connections_return_to_their_pool_without_a_warning_in_the_log_of_postgresql() {
        // A cluster of its own: failed commits of other tests do cause the warning.
        let postgres = Postgres::start(&[], "");
        let store = Store::open(&postgres.create_database()).await.unwrap();
        for _ in 0..3 {
            store.control().execute_unprepared("SELECT 1").await.unwrap();
            // The connection is returned after the answer, and another caller waits for that.
            store.feed().execute_unprepared("SELECT 1").await.unwrap();
        }
        let log = std::fs::read_to_string(postgres.log()).unwrap();
        assert!(!log.contains("there is no transaction in progress"), "{log}");
    }

    #[tokio::test]
    async fn the_name_of_a_file_may_have_a_percent_sign() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("100%25.db");
        let store = Store::open(&format!("sqlite://{}", path.display())).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.in_place(), Ok(()));
        assert!(path.metadata().unwrap().len() > 0, "the tables are in the file that is watched");
    }

    #[tokio::test]
    async fn a_full_disk_leaves_no_transaction_behind() {
        let (_folder, store) = store().await;
        store.feed().execute_unprepared("PRAGMA max_page_count = 10").await.unwrap();
        write(&store, 1 << 20, true).await.unwrap_err();
        // Each of these would have been a savepoint in a transaction that never ends.
        write(&store, 1, false).await.unwrap();
        write(&store, 1, true).await.unwrap();
        let sql = "SELECT count(*) AS rows FROM written";
        let rows = Statement::from_string(DbBackend::Sqlite, sql);
        let rows = store.control().query_one_raw(rows).await.unwrap().unwrap();
        assert_eq!(rows.try_get::<i64>("", "rows").unwrap(), 1, "seen by another connection");
        store.control().execute_unprepared("DELETE FROM written").await.unwrap();
    }
}
