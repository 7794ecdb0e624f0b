//! A caller: buys credits for a job, reserves, starts and ends it, then continues with the next job. Repeats each call
//! until it is acknowledged. Every other caller asks for a quote first and uses it for all retries.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wallet_client::v1::{self, EntryKind, reserve_request::Price, settle_request::Outcome};
use wallet_client::{Error, WalletClient};

use super::witness::{Acknowledgement, Witness};
use crate::harness::{credits, micros, video};

/// Calls per job: top-up, reserve, start, and the call that ends it.
pub(super) const STEPS: usize = 4;
/// The price of `video("5")` in credits.
pub(super) const PRICE: i64 = 40;

/// A caller and its progress.
pub(super) struct Caller {
    number: usize,
    pub(super) wallet: String,
    /// The number of acknowledged calls.
    done: usize,
    last: Option<Acknowledgement>,
    /// The quote for the next job to reserve.
    quote: Option<String>,
}

impl Caller {
    pub(super) fn new(number: usize, wallet: String) -> Self {
        Self { number, wallet, done: 0, last: None, quote: None }
    }

    /// A caller that continues after these acknowledgements.
    pub(super) fn after(number: usize, wallet: String, acknowledged: &[Acknowledgement]) -> Self {
        Self { number, wallet, done: acknowledged.len(), last: acknowledged.last().cloned(), quote: None }
    }

    /// Works until the server is gone or `enough` is cancelled. Sends each acknowledgement to the witness.
    pub(super) async fn work(
        mut self,
        client: WalletClient,
        acknowledge: mpsc::UnboundedSender<Acknowledgement>,
        enough: CancellationToken,
    ) -> Self {
        while !enough.is_cancelled() {
            match self.next(&client).await {
                Ok(acknowledgement) => {
                    self.last = Some(acknowledgement.clone());
                    acknowledge.send(acknowledgement).expect("the witness listens");
                }
                Err(error) if error.is_retryable() => return self,
                Err(error) => panic!("{}: {error}", self.job(self.done)),
            }
        }
        self
    }

    /// Works until `calls` calls are acknowledged. Returns how often they were sent.
    pub(super) async fn insist(
        mut self,
        client: WalletClient,
        calls: usize,
    ) -> (Self, Vec<Acknowledgement>, usize) {
        let (mut acknowledgements, mut tries) = (Vec::new(), 0);
        while acknowledgements.len() < calls {
            tries += 1;
            assert!(tries < 20 * calls, "{} is never acknowledged", self.job(self.done));
            match self.next(&client).await {
                Ok(acknowledgement) => acknowledgements.push(acknowledgement),
                Err(error) => assert!(error.is_retryable(), "{}: {error}", self.job(self.done)),
            }
        }
        (self, acknowledgements, tries)
    }

    /// Repeats the call that was under way and finishes its job.
    pub(super) async fn finish_job(&mut self, client: &WalletClient, witness: &mut Witness) {
        loop {
            witness.saw(vec![self.next(client).await.unwrap()]);
            if self.done.is_multiple_of(STEPS) {
                return;
            }
        }
    }

    /// Repeats the last acknowledged call: it must be a replay with the same answer. Does nothing in the middle
    /// of a job, whose next call may have changed it already.
    pub(super) async fn hears_the_same_again(&self, client: &WalletClient) {
        let Some(last) = self.last.as_ref().filter(|_| self.done.is_multiple_of(STEPS)) else { return };
        let again = self.send(client, self.done - 1).await.unwrap();
        assert_eq!(again.fresh_revision, None, "{} happened twice", last.subject);
        assert_eq!(again.reservation, last.reservation);
    }

    /// Kind and subject of every entry that the ledger must contain for this caller.
    pub(super) fn expected(&self) -> impl Iterator<Item = (EntryKind, String)> {
        (0..self.done).map(|n| self.entry(n))
    }

    /// Kind and subject of the n-th call's entry.
    fn entry(&self, n: usize) -> (EntryKind, String) {
        match n % STEPS {
            0 => (EntryKind::ToppedUp, format!("top_up:{}", self.job(n))),
            1 => (EntryKind::Reserved, self.job(n)),
            2 => (EntryKind::Started, self.job(n)),
            _ => (self.ending(n), self.job(n)),
        }
    }

    /// How a job ends: of eight jobs one fails and one is cancelled.
    fn ending(&self, n: usize) -> EntryKind {
        match (n / STEPS + self.number) % 8 {
            0 => EntryKind::Failed,
            1 => EntryKind::Cancelled,
            _ => EntryKind::Settled,
        }
    }

    fn job(&self, n: usize) -> String {
        format!("{}-{}", self.number, n / STEPS)
    }

    /// Makes the next call and counts it once it is acknowledged.
    async fn next(&mut self, client: &WalletClient) -> Result<Acknowledgement, Error> {
        if self.done % STEPS == 1 && self.number % 2 == 1 && self.quote.is_none() {
            let (wallet_id, operation) = (self.wallet.clone(), Some(video("5")));
            let request = v1::EstimateRequest { wallet_id, operation, ..Default::default() };
            self.quote = Some(client.estimate(request).await?.quote_token);
        }
        let acknowledgement = self.send(client, self.done).await?;
        self.quote = self.quote.take().filter(|_| self.done % STEPS != 1);
        self.done += 1;
        Ok(acknowledgement)
    }

    async fn send(&self, client: &WalletClient, n: usize) -> Result<Acknowledgement, Error> {
        let (replayed, revision, decided, reservation) = self.call(client, n).await?;
        let (kind, subject) = self.entry(n);
        let fresh_revision = (!replayed).then_some(revision);
        let (wallet, decided) = (self.wallet.clone(), decided.unwrap());
        let received = micros();
        Ok(Acknowledgement { wallet, kind, subject, fresh_revision, reservation, decided, received })
    }

    async fn call(&self, client: &WalletClient, n: usize) -> Result<Answer, Error> {
        let (wallet_id, reservation_id) = (self.wallet.clone(), self.job(n));
        Ok(match (n % STEPS, self.ending(n)) {
            (0, _) => {
                let done = client
                    .top_up(v1::TopUpRequest::amount(wallet_id, reservation_id, credits(PRICE)))
                    .await?;
                (done.replayed, done.revision, done.decide_time, None)
            }
            (1, _) => {
                let mut request = v1::ReserveRequest::new(wallet_id, reservation_id, video("5"));
                if let Some(quote) = &self.quote {
                    request.price = Some(Price::QuoteToken(quote.clone()));
                }
                let done = client.reserve(request).await?;
                (done.replayed, done.revision, done.decide_time, done.reservation)
            }
            (2, _) => {
                let start = Some(v1::StartOptions { worker: "gpu".into(), ..Default::default() });
                let done = client.start(v1::StartRequest { wallet_id, reservation_id, start }).await?;
                (done.replayed, done.revision, done.decide_time, done.reservation)
            }
            (_, EntryKind::Cancelled) => {
                let reason = v1::CancelReason::User.into();
                let request = v1::CancelRequest { wallet_id, reservation_id, reason, ..Default::default() };
                let done = client.cancel(request).await?;
                (done.replayed, done.revision, done.decide_time, done.reservation)
            }
            (_, ending) => {
                let outcome = Some(match ending {
                    EntryKind::Failed => {
                        Outcome::Failed(v1::Failure { code: "OOM".into(), ..Default::default() })
                    }
                    _ => Outcome::Succeeded(v1::Succeeded::usage([("duration_s", "4.5")])),
                });
                let request = v1::SettleRequest { wallet_id, reservation_id, outcome, ..Default::default() };
                let done = client.settle(request).await?;
                (done.replayed, done.revision, done.decide_time, done.reservation)
            }
        })
    }
}

/// An answer: true for a replay, the wallet's revision, the time of the decision, and the job.
type Answer = (bool, i64, Option<prost_types::Timestamp>, Option<v1::Reservation>);
