//! The application: `build` wires and binds it, `run` serves until shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wallet_core::Timestamp;

use crate::catalogs::{PublishError, PublishedCatalogs};
use crate::causes::Chain;
use crate::clock::{Clock, MAX_SKEW, Settling};
use crate::config::{BUNDLED_CATALOG, Config, TimeSource};
use crate::engine::{
    Engine, EngineConfig, EngineCounts, EngineMetrics, HoldMetrics, HoldWatch, MovableTime, NAMED_TENANTS,
    Sweeper, SweeperConfig, SweeperMetrics,
};
use crate::feed::{AllStreamPlaces, FeedNotifier, Sequencer, SequencerMetrics, WalletNotifier};
use crate::grpc::{self, Condition, Health, Origins, ServeError, Services, Tls, TlsError};
use crate::keys::{KeyCheck, Keys};
use crate::monitoring::{self, Monitoring};
#[cfg(feature = "nats")]
use crate::nats::{Publisher, PublisherMetrics};
use crate::query::Queries;
use crate::quote::QuoteSigner;
use crate::reference_clock;
use crate::settings::Limits;
pub use crate::store::DueCounts;
use crate::store::{Backend, Store, StoreError};
use crate::tenants::Tenants;
use crate::traces::{Traces, TracesError};
use crate::webhooks::{Allowed, Deliverer, DeliveryMetrics, Sender, Webhooks};

/// The time that the lanes have to finish queued commands after the last call has ended.
const LANES_DRAIN: Duration = Duration::from_secs(10);

/// The interval at which the server checks that a database file is still under its name.
const FILE_CHECK_PERIOD: Duration = Duration::from_secs(1);

/// The interval at which the server checks that the database can be written to. `PROBE_TIMEOUT` limits each check.
const PROBE_PERIOD: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The reason why the server does not start, or has stopped.
#[derive(Debug, Error)]
pub enum AppError {
    /// The address is reachable from other machines, and connections are not encrypted or callers not authenticated.
    #[error(
        "{address} is not a loopback address: add {missing}, or --insecure to listen there without; docs/keys.md shows \
         how to begin"
    )]
    Exposed {
        /// The address to listen on.
        address: SocketAddr,
        /// The missing options.
        missing: &'static str,
    },
    /// The certificate of the server cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A manual clock is for trials: SQLite on loopback only.
    #[error("--manual-clock is for trials: it needs a sqlite:// database and a loopback address")]
    ManualClock,
    /// More lanes are configured than the database allows.
    #[error("{0} lanes are too many for this database, which allows at most {1}")]
    Lanes(usize, usize),
    /// The clocks of the database and of this machine contradict each other.
    #[error(
        "the clocks of the database and of this machine are {0:?} apart; correct the wrong one, then start the server \
         again: credits that expire by a wrong clock do not come back"
    )]
    Clocks(Duration),
    /// The clock is so far ahead of the ledger that credits would expire.
    #[error(
        "the clock shows {now}, and the newest time in the database is {seen}: {due} in between. If the clock is \
         right, start once with --accept-clock; if not, correct it first: credits that expire do not come back"
    )]
    ClockAhead {
        /// The time that the clock shows.
        now: Timestamp,
        /// The newest time in the database.
        seen: Timestamp,
        /// The events that fall due after `seen` and up to `now`.
        due: DueCounts,
    },
    /// The database may lose commits that were acknowledged.
    #[error(
        "the database may lose credits that were acknowledged: {}; change it, or add --accept-unsafe-database for data \
         that may be lost",
        .0.join(", ")
    )]
    UnsafeDatabase(Vec<String>),
    /// A NATS stream is configured, and the build has no client for it.
    #[error(
        "this build cannot publish to NATS: build wallet-server with the feature `nats`, or remove nats.url"
    )]
    NoNats,
    /// The address cannot be bound.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The catalog cannot be published or used.
    #[error("the catalog cannot be published")]
    Catalog(#[source] PublishError),
    /// The exporter of traces cannot be made, for example because a variable of OpenTelemetry is wrong.
    #[error("calls cannot be traced")]
    Traces(#[from] TracesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gives no random bytes for a key.
    #[error("cannot make a key")]
    Randomness(#[from] getrandom::Error),
    /// The SQLite file that was served is no longer under its name.
    #[error(
        "the database is lost: {0}. Commands acknowledged before are in the file that was served; put it, or a backup, \
         in place and start the server again"
    )]
    Lost(String),
    /// The gRPC server cannot start.
    #[error("the gRPC server cannot start")]
    Serve(#[from] ServeError),
}

impl From<PublishError> for AppError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Unavailable(error) => error.into(),
            error => Self::Catalog(error),
        }
    }
}

/// A server that is wired and bound, but does not serve yet.
pub struct App {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    origins: Origins,
    address: SocketAddr,
    services: Services,
    jobs: Jobs,
    clock: Clock,
    store: Store,
    poll_period: Duration,
    feed_period: Duration,
    lanes: TaskTracker,
    ahead: Option<(Timestamp, Duration)>,
    monitoring: Option<TcpListener>,
    registry: Registry,
}

impl App {
    /// Opens the database, brings its schema up to date, publishes the catalog if it is new, and binds the address.
    pub async fn build(config: Config) -> Result<Self, AppError> {
        check_exposure(&config)?;
        let tls = config.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let Opened { store, clock, ahead } = open(&config).await?;
        let wanted = config.catalog.as_deref();
        let catalogs = PublishedCatalogs::open(store.clone(), clock.clone(), wanted, BUNDLED_CATALOG).await?;
        let quotes = QuoteSigner::new(&store.signing_key("quotes", fresh_secret()?, clock.now()).await?);
        let lanes = TaskTracker::new();
        let traces = config.traces.as_ref().map(Traces::sent_to).transpose()?.unwrap_or_default();
        let engine_config =
            EngineConfig { traces: traces.clone(), ..config.engine(most_lanes(&config, store.backend())?) };
        let engine = Engine::start(&store, &catalogs, &clock, &engine_config, &lanes).await?;
        engine.metrics().name_tenants(store.first_tenants(NAMED_TENANTS).await?);
        let reads = config.cached_rows / 2;
        let queries = Queries::start(store.clone(), clock.clone(), catalogs.clone(), reads, &lanes);
        let webhooks = Webhooks {
            store: store.clone(),
            clock: clock.clone(),
            master: store.signing_key("webhooks", fresh_secret()?, clock.now()).await?,
            allowed: Arc::new(Allowed::new(config.webhooks_allow.clone())),
            sender: Sender::new(Allowed::new(config.webhooks_allow.clone())),
        };
        let jobs = Jobs::new(&config, &engine, &queries, &catalogs, &webhooks)?;
        let mut registry = Registry::default();
        engine.metrics().register(&mut registry);
        jobs.register(&mut registry);
        Tls::register(tls.as_ref(), &mut registry);
        let call_metrics = Arc::new(grpc::call_metrics(&mut registry, config.monitoring.is_some())?);
        let (sweeper, turn) = (jobs.sweeper.clone(), Arc::default());
        let time = MovableTime { store: store.clone(), clock: clock.clone(), sweeper, turn };
        let (listener, address) = bind(config.listen).await?;
        let monitoring = match config.monitoring {
            Some(address) => Some(bind(address).await?.0),
            None => None,
        };
        let keys = Keys { store: store.clone(), clock: clock.clone(), pepper: config.pepper.clone() };
        let key_check = config.pepper.map(|pepper| KeyCheck::new(store.clone(), clock.clone(), pepper));
        if key_check.is_none() && store.has_keys().await? {
            tracing::warn!("the database has API keys, but callers need none: there is no --key-pepper-file");
        }
        // A stream is a call in progress as long as it lasts, and other calls keep a quarter of the places.
        let streams = AllStreamPlaces::new(config.limits.calls_in_progress / 4 * 3);
        let services = Services {
            engine,
            queries,
            catalogs,
            quotes,
            keys,
            key_check,
            tenants: Tenants { store: store.clone(), clock: clock.clone() },
            time,
            feed_notifier: FeedNotifier::new(config.limits.feed_watchers, streams.clone()),
            wallet_notifier: WalletNotifier::new(config.limits.wallet_watchers, streams),
            webhooks,
            call_metrics,
            traces,
        };
        Ok(Self {
            listener,
            tls,
            limits: config.limits,
            origins: config.origins.into(),
            address,
            services,
            jobs,
            clock,
            store,
            poll_period: config.poll_period,
            feed_period: config.feed_period,
            lanes,
            ahead,
            monitoring,
            registry,
        })
    }

    /// Returns the newest time of a wallet and how far it is ahead of the clock. `None` unless the database was
    /// used with a manual clock and is ahead.
    pub(crate) const fn ahead(&self) -> Option<(Timestamp, Duration)> {
        self.ahead
    }

    /// Returns the address that the server listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the metrics, if the server has one.
    pub fn monitoring_address(&self) -> Option<SocketAddr> {
        self.monitoring.as_ref()?.local_addr().ok()
    }

    /// Returns a function that reads the engine's counters, also while the server runs.
    pub fn counts(&self) -> impl Fn() -> EngineCounts + Send + Sync + use<> {
        // Only the counters are kept: the lanes end when the last handle to the engine is dropped.
        let metrics = self.services.engine.metrics();
        move || metrics.counts()
    }

    /// Serves until `shutdown` is cancelled, then finishes the calls in progress and the queued commands.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), AppError> {
        let (store, clock, traces) = (self.store, self.clock, self.services.traces.clone());
        let health = Health::starting().await;
        // Checks get answers until the last command has been carried out.
        let end = CancellationToken::new();
        let _end = end.clone().drop_guard();
        let is_monitored = self.monitoring.is_some();
        if let Some(listener) = self.monitoring {
            let monitoring = Arc::new(Monitoring::new(self.registry, health.clone()));
            tokio::spawn(monitoring::serve(listener, monitoring, end));
        }
        let jobs = TaskTracker::new();
        self.jobs.spawn(&jobs, is_monitored, &shutdown);
        let (period, feed, wallets) =
            (self.feed_period, self.services.feed_notifier.clone(), self.services.wallet_notifier.clone());
        jobs.spawn(feed.publish(store.clone(), period, shutdown.clone()));
        jobs.spawn(wallets.publish(store.clone(), period, shutdown.clone()));
        let watch = Watch {
            metrics: self.services.engine.metrics(),
            catalogs: self.services.catalogs.clone(),
            store: store.clone(),
            clock: clock.clone(),
            health: health.clone(),
            period: self.poll_period,
        };
        if let Some(tls) = &self.tls {
            jobs.spawn(tls.clone().watch(shutdown.clone()));
        }
        jobs.spawn(probe(watch.store.clone(), health.clone(), shutdown.clone()));
        jobs.spawn(watch.run(shutdown.clone()));
        jobs.spawn(watch_database_file(store.clone(), shutdown.clone()));
        health.report(Condition::Clock, clock.is_trusted()).await;
        health.report(Condition::Running, true).await;
        let served = grpc::serve(
            self.listener,
            self.services,
            health,
            self.limits,
            self.tls,
            self.origins,
            shutdown.clone(),
        )
        .await;
        shutdown.cancel();
        jobs.close();
        jobs.wait().await;
        self.lanes.close();
        if tokio::time::timeout(LANES_DRAIN, self.lanes.wait()).await.is_err() {
            tracing::warn!("commands were still queued at the end of the drain time");
        }
        traces.finish().await;
        store.in_place().map_err(AppError::Lost)?;
        Ok(served?)
    }
}

/// The background tasks.
struct Jobs {
    sweeper: Sweeper,
    hold_watch: HoldWatch,
    sequencer: Sequencer,
    deliverer: Deliverer,
    #[cfg(feature = "nats")]
    publisher: Option<Publisher>,
    #[cfg(feature = "nats")]
    publisher_metrics: PublisherMetrics,
}

impl Jobs {
    fn new(
        config: &Config,
        engine: &Engine,
        queries: &Queries,
        catalogs: &PublishedCatalogs,
        webhooks: &Webhooks,
    ) -> Result<Self, AppError> {
        let Webhooks { store, clock, .. } = webhooks;
        if config.nats.is_some() && !cfg!(feature = "nats") {
            return Err(AppError::NoNats);
        }
        let render = grpc::webhook_bodies().map_err(ServeError::from)?;
        #[cfg(feature = "nats")]
        let publisher_metrics = PublisherMetrics::default();
        Ok(Self {
            sweeper: Sweeper {
                store: store.clone(),
                engine: engine.clone(),
                clock: clock.clone(),
                config: SweeperConfig { period: config.sweep_period },
                metrics: SweeperMetrics::default(),
            },
            hold_watch: HoldWatch {
                store: store.clone(),
                clock: clock.clone(),
                metrics: HoldMetrics::default(),
            },
            sequencer: Sequencer {
                store: store.clone(),
                clock: clock.clone(),
                period: config.feed_period,
                retention: config.feed_retention,
                metrics: SequencerMetrics::default(),
            },
            deliverer: Deliverer {
                webhooks: webhooks.clone(),
                queries: queries.clone(),
                catalogs: catalogs.clone(),
                render: render.clone(),
                metrics: DeliveryMetrics::default(),
            },
            #[cfg(feature = "nats")]
            publisher: config.nats.clone().map(|config| Publisher {
                config,
                store: store.clone(),
                clock: clock.clone(),
                queries: queries.clone(),
                catalogs: catalogs.clone(),
                render,
                metrics: publisher_metrics.clone(),
            }),
            #[cfg(feature = "nats")]
            publisher_metrics,
        })
    }

    fn register(&self, registry: &mut Registry) {
        self.sweeper.metrics.register(registry);
        self.hold_watch.metrics.register(registry);
        self.sequencer.metrics.register(registry);
        self.deliverer.metrics.register(registry);
        #[cfg(feature = "nats")]
        self.publisher_metrics.register(registry);
    }

    /// Starts the jobs. Holds are counted only if there is an address that shows the metrics.
    fn spawn(self, jobs: &TaskTracker, is_monitored: bool, shutdown: &CancellationToken) {
        jobs.spawn(self.sweeper.run(shutdown.clone()));
        if is_monitored {
            jobs.spawn(self.hold_watch.run(shutdown.clone()));
        }
        jobs.spawn(self.sequencer.run(shutdown.clone()));
        jobs.spawn(self.deliverer.run(shutdown.clone()));
        #[cfg(feature = "nats")]
        if let Some(publisher) = self.publisher {
            jobs.spawn(publisher.run(shutdown.clone()));
        }
    }
}

/// A database whose schema is up to date, and the clock.
struct Opened {
    store: Store,
    clock: Clock,
    /// The newest time of a wallet, and how far it is ahead of the clock.
    ahead: Option<(Timestamp, Duration)>,
}

/// Opens the database and brings its schema up to date. Refuses one that is unsafe, or whose time contradicts the
/// clock.
async fn open(config: &Config) -> Result<Opened, AppError> {
    // Database calls of the start may take long. The configured time limit applies to those that callers wait for.
    let store = Store::open(&config.database_url).await?;
    durable(config, &store).await?;
    let newer = store.migrate().await?;
    if !newer.is_empty() {
        tracing::warn!(migrations = newer.join(", "), "the database has the schema of a newer release");
    }
    let clock = clock(config, &store).await?;
    clock.learn(store.tenant_clocks().await?);
    reference_clock::check(&store, &clock, config.accept_clock).await?;
    let ahead = ahead(&store, &clock).await?;
    let store = store.with_call_timeout(config.database_timeout).recording(config.feed_record);
    Ok(Opened { store, clock, ahead })
}

/// Returns the most lanes that the database allows. Refuses a configuration with more.
fn most_lanes(config: &Config, backend: Backend) -> Result<usize, AppError> {
    let most = if backend == Backend::Sqlite { 1 } else { 64 };
    match config.lanes {
        Some(lanes) if lanes > most => Err(AppError::Lanes(lanes, most)),
        _ => Ok(most),
    }
}

/// Stops the server when the database is no longer under its name.
async fn watch_database_file(store: Store, shutdown: CancellationToken) {
    while store.in_place().is_ok() {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(FILE_CHECK_PERIOD) => {}
        }
    }
    shutdown.cancel();
}

/// Checks regularly whether the database can be written to, and reports the result to health checks.
async fn probe(store: Store, health: Health, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(PROBE_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let checked = tokio::time::timeout(PROBE_TIMEOUT, store.is_writable(PROBE_TIMEOUT)).await;
        let is_writable = match checked {
            Ok(Ok(is_writable)) => is_writable,
            Ok(Err(error)) => {
                tracing::debug!(error = %Chain(&error), "the check whether the database can be written to failed");
                false
            }
            Err(_) => false,
        };
        health.report(Condition::Database, is_writable).await;
    }
}

/// Watches what other servers may change: the current catalog, the clocks of tenants and their names. Watches the
/// database's clock.
struct Watch {
    metrics: Arc<EngineMetrics>,
    catalogs: PublishedCatalogs,
    store: Store,
    clock: Clock,
    health: Health,
    period: Duration,
}

impl Watch {
    async fn run(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match self.store.tenant_clocks().await {
                Ok(ahead) => self.clock.learn(ahead),
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "cannot read the clocks of tenants; the known ones stay in use")
                }
            }
            match self.store.first_tenants(NAMED_TENANTS).await {
                Ok(names) => self.metrics.name_tenants(names),
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "cannot read the names of tenants; the known ones stay in use")
                }
            }
            if let Err(error) = self.catalogs.refresh_all().await {
                tracing::warn!(error = %Chain(&error), "cannot look for a newer catalog; the last good one stays in use");
            }
            reference_clock::watch(&self.store, &self.clock).await;
            self.health.report(Condition::Clock, self.clock.is_trusted()).await;
        }
    }
}

/// Refuses a database that may lose acknowledged commits, unless that is accepted.
async fn durable(config: &Config, store: &Store) -> Result<(), AppError> {
    let faults = store.unsafe_settings().await?;
    match faults.is_empty() {
        true => Ok(()),
        false if config.accept_unsafe_database => {
            tracing::warn!(faults = faults.join(", "), "the database may lose acknowledged commits");
            Ok(())
        }
        false => Err(AppError::UnsafeDatabase(faults)),
    }
}

/// Refuses an address that other machines reach, unless connections are encrypted and callers authenticated.
fn check_exposure(config: &Config) -> Result<(), AppError> {
    if config.listen.ip().is_loopback() || config.insecure {
        return Ok(());
    }
    let missing = match (&config.tls, &config.pepper) {
        (Some(_), Some(_)) => return Ok(()),
        (Some(_), None) => "--key-pepper-file for API keys",
        (None, Some(_)) => "--tls-cert and --tls-key",
        (None, None) => "--tls-cert, --tls-key and --key-pepper-file",
    };
    Err(AppError::Exposed { address: config.listen, missing })
}

/// Listens on an address. Returns the address with its port, which port 0 leaves to the operating system.
async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AppError> {
    let failed = |error| AppError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Returns the clock that the configuration asks for.
async fn clock(config: &Config, store: &Store) -> Result<Clock, AppError> {
    match &config.time {
        TimeSource::System => {
            Ok(Clock::settling(Settling { span: config.clock_settles, ..Settling::default() }))
        }
        TimeSource::Given(clock) => Ok(clock.clone()),
        TimeSource::Manual if store.backend() != Backend::Sqlite || !config.listen.ip().is_loopback() => {
            Err(AppError::ManualClock)
        }
        TimeSource::Manual => Ok(Clock::manual(Clock::system().now().max(store.last_time().await?))),
    }
}

/// Returns the newest time of a wallet and its distance from the clock, if the clock is behind by more than
/// `MAX_SKEW`. Only a SQLite file can have been used with a manual clock.
async fn ahead(store: &Store, clock: &Clock) -> Result<Option<(Timestamp, Duration)>, StoreError> {
    if store.backend() != Backend::Sqlite || clock.is_manual() {
        return Ok(None);
    }
    let newest = store.last_time().await?;
    let distance = newest.since(clock.now());
    Ok((distance > MAX_SKEW).then_some((newest, distance)))
}

fn fresh_secret() -> Result<[u8; 32], getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(secret)
}
