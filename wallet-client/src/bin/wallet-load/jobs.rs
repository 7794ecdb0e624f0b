//! The jobs of each mix, as a platform runs them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use wallet_client::v1::{
    Amount, CancelReason, CancelRequest, EstimateRequest, ExtendRequest, Failure, GetBalanceRequest,
    GetReservationRequest, Operation, Reservation, ReserveRequest, SettleRequest, StartOptions, StartRequest,
    Succeeded, TopUpRequest,
};
use wallet_client::{Error, WalletClient};

use crate::args::Mix;
use crate::concurrent;
use crate::recorder::Recorder;
use crate::transport::Connections;
use crate::wallets::{UNIT, Wallet, Wallets};

/// The amount of a measured purchase, in minor units.
const PURCHASE: i64 = 100;

/// Everything that jobs share.
#[derive(Debug)]
pub(crate) struct Work {
    mix: Mix,
    pub(crate) connections: Connections,
    pub(crate) wallets: Wallets,
    /// The jobs whose end is unknown, by number.
    unresolved: Mutex<Vec<u64>>,
}

/// A job in progress.
struct Job<'a> {
    number: u64,
    id: String,
    wallet: &'a Wallet,
    client: &'a WalletClient,
    recorder: &'a Recorder,
    /// The intended start of its next call: that of the job, then the end of the previous call.
    intended: Instant,
    /// True if the job may have changed the wallet and has not ended.
    is_open: bool,
}

impl Work {
    pub(crate) fn new(mix: Mix, connections: Connections, wallets: Wallets) -> Self {
        Self { mix, connections, wallets, unresolved: Mutex::default() }
    }

    /// Runs the n-th job, which should start at `intended`.
    pub(crate) async fn run(&self, n: u64, intended: Instant, recorder: &Recorder) {
        let wallet = self.used(n);
        let client = self.connections.client(n);
        let mut job = Job { number: n, id: self.id(n), wallet, client, recorder, intended, is_open: false };
        let done = match self.mix {
            Mix::Pairs => job.pair().await,
            Mix::Life => job.life().await,
            Mix::TopUps => job.top_up().await,
            Mix::Estimate => job.estimate().await,
            Mix::Balance => job.balance().await,
        };
        if done.is_err() && job.is_open {
            self.leave_open(n);
        }
    }

    /// Returns the wallet of the n-th job, and marks it as used.
    pub(crate) fn used(&self, n: u64) -> &Wallet {
        let wallet = self.wallets.of_job(n);
        wallet.used.store(true, Ordering::Relaxed);
        wallet
    }

    /// Leaves a job to be ended by [`Work::resolve`].
    pub(crate) fn leave_open(&self, n: u64) {
        self.unresolved.lock().unwrap_or_else(PoisonError::into_inner).push(n);
    }

    /// Ends the jobs that an error has interrupted, and brings the expected balances up to date.
    pub(crate) async fn resolve(self: &Arc<Self>) -> anyhow::Result<()> {
        let unresolved = std::mem::take(&mut *self.unresolved.lock().unwrap_or_else(PoisonError::into_inner));
        let ending = unresolved.into_iter().map(|n| {
            let work = Arc::clone(self);
            async move { Ok(work.end(n).await?) }
        });
        concurrent::all(ending).await.map(drop)
    }

    async fn end(&self, n: u64) -> Result<(), Error> {
        let (client, wallet, id) = (self.connections.patient(n), self.wallets.of_job(n), self.id(n));
        if self.mix == Mix::TopUps {
            client.top_up(purchase(wallet, &id)).await?;
            wallet.expected.fetch_add(PURCHASE, Ordering::Relaxed);
            return Ok(());
        }
        let cancel = CancelRequest::new(&wallet.id, &id, CancelReason::Platform).with_allow_missing(true);
        match client.cancel(cancel).await {
            // A refused job has ended before, for example by a call whose reply was lost.
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        wallet.book(client.get_reservation(GetReservationRequest::new(&wallet.id, &id)).await?.reservation);
        Ok(())
    }

    pub(crate) fn id(&self, n: u64) -> String {
        format!("{}-job-{n}", self.wallets.run_id)
    }
}

impl Job<'_> {
    async fn pair(&mut self) -> Result<(), Error> {
        self.reserve().await?;
        self.settle(Succeeded::as_reserved()).await
    }

    async fn life(&mut self) -> Result<(), Error> {
        self.reserve().await?;
        let (wallet, id) = (&self.wallet.id, &self.id);
        let start = StartRequest::new(wallet, id, StartOptions::new("gpu-7"));
        self.measured(self.client.start(start)).await?;
        let heartbeat = ExtendRequest::new(&self.wallet.id, &self.id).with_attempt(1);
        self.measured(self.client.extend(heartbeat)).await?;
        match self.number % 10 {
            0 => {
                let failure = Failure::new("OUT_OF_MEMORY", "the GPU has too little memory");
                self.end(SettleRequest::failed(&self.wallet.id, &self.id, failure)).await
            }
            1 => {
                let cancel = CancelRequest::new(&self.wallet.id, &self.id, CancelReason::Platform);
                let cancelled = self.measured(self.client.cancel(cancel)).await?;
                self.wallet.book(cancelled.reservation);
                Ok(())
            }
            _ => self.settle(Succeeded::usage([("duration_s", "4")])).await,
        }
    }

    async fn reserve(&mut self) -> Result<(), Error> {
        let request = ReserveRequest::new(&self.wallet.id, &self.id, operation());
        let reserved = self.measured(self.client.reserve(request)).await;
        self.is_open = reserved.as_ref().err().is_none_or(may_be_executed);
        reserved.map(drop)
    }

    async fn settle(&mut self, cost: Succeeded) -> Result<(), Error> {
        self.end(SettleRequest::succeeded(&self.wallet.id, &self.id, cost)).await
    }

    async fn end(&mut self, request: SettleRequest) -> Result<(), Error> {
        let settled = self.measured(self.client.settle(request)).await?;
        self.wallet.book(settled.reservation);
        Ok(())
    }

    async fn top_up(&mut self) -> Result<(), Error> {
        let bought = self.measured(self.client.top_up(purchase(self.wallet, &self.id))).await;
        self.is_open = bought.as_ref().err().is_some_and(may_be_executed);
        bought?;
        self.wallet.expected.fetch_add(PURCHASE, Ordering::Relaxed);
        Ok(())
    }

    async fn estimate(&mut self) -> Result<(), Error> {
        let request = EstimateRequest::new(&self.wallet.id, operation());
        self.measured(self.client.estimate(request)).await.map(drop)
    }

    async fn balance(&mut self) -> Result<(), Error> {
        let request = GetBalanceRequest::new(&self.wallet.id);
        self.measured(self.client.get_balance(request)).await.map(drop)
    }

    /// Makes a call and records it.
    async fn measured<T>(&mut self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let result = call.await;
        let now = Instant::now();
        self.recorder.record(self.number, self.intended, now, result.as_ref().err());
        self.intended = now;
        result
    }
}

impl Wallet {
    /// Subtracts the charge of a job that has ended.
    pub(crate) fn book(&self, reservation: Option<Reservation>) {
        let charged = reservation.unwrap_or_default().charged;
        let credits = charged.iter().filter(|amount| amount.unit == UNIT).map(|amount| amount.amount);
        self.expected.fetch_sub(credits.sum(), Ordering::Relaxed);
    }
}

/// Returns an operation that the bundled catalog prices: five seconds of video.
pub(crate) fn operation() -> Operation {
    Operation::new("video.generate")
        .attribute("model", "standard")
        .attribute("resolution", "720p")
        .quantity("duration_s", "5")
}

pub(crate) fn may_be_executed(error: &Error) -> bool {
    matches!(error, Error::OutcomeUnknown { .. } | Error::Unexpected(_))
}

fn purchase(wallet: &Wallet, id: &str) -> TopUpRequest {
    TopUpRequest::amount(&wallet.id, id, Amount::new(UNIT, PURCHASE))
}
