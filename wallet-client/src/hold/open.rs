//! Opening a hold: one round trip for a new job, two for one that was reserved before.

use prost_types::Timestamp;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::heartbeat::Heartbeat;
use super::stop_reason::Signal;
use super::{Hold, Worker};
use crate::v1::{ExtendRequest, Reservation, ReserveRequest, StartRequest};
use crate::{Error, WalletClient, time};

impl WalletClient {
    /// Reserves the credits of a job and starts it as `worker`, which replaces `request.start`.
    ///
    /// A job that was reserved before, by a back end or by an earlier delivery, is started or taken over as by
    /// [`hold_existing`](Self::hold_existing). Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve) and [`start`](Self::start): `STALE_ATTEMPT` if another worker has the job with the
    /// same or a higher attempt, `RESERVATION_SETTLED` and the like if it has ended.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let images = v1::Operation::new("image.generate").attribute("model", "fast").quantity("count", "4");
    /// let hold = client.hold(v1::ReserveRequest::new("alice", "job-1", images), "gpu-7").await?;
    /// // ... three of four images come out ...
    /// hold.settle(v1::Succeeded::usage([("count", "3")])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn hold(&self, mut request: ReserveRequest, worker: impl Into<Worker>) -> Result<Hold, Error> {
        let worker = worker.into();
        request.start = Some(worker.start_options());
        let sent = Instant::now();
        let response = self.reserve(request).await?;
        let reservation = response.reservation.ok_or_else(|| Error::incomplete("a reservation"))?;
        let started = if response.replayed { Started::Before } else { Started::Now(response.decide_time) };
        Ok(Hold::begin(self.clone(), reservation, &worker, started, sent))
    }

    /// Starts a job that was reserved before, or takes it over from a worker with a lower attempt.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start): `STALE_ATTEMPT` if another worker has the job with the same or a higher attempt,
    /// `RESERVATION_SETTLED` and the like if it has ended.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, Worker};
    /// # async fn example(client: &WalletClient, delivery: i32) -> Result<(), Error> {
    /// // The back end has reserved the job and put its id into a queue, which counts deliveries.
    /// let hold = client.hold_existing("alice", "job-1", Worker::new("gpu-7").attempt(delivery)).await?;
    /// println!("run {:?}", hold.reservation().operation);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn hold_existing(
        &self,
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        worker: impl Into<Worker>,
    ) -> Result<Hold, Error> {
        let worker = worker.into();
        let request = StartRequest::new(wallet_id, reservation_id, worker.start_options());
        let sent = Instant::now();
        let response = self.start(request).await?;
        let started = if response.replayed { Started::Before } else { Started::Now(response.decide_time) };
        let reservation = response.reservation.ok_or_else(|| Error::incomplete("a reservation"))?;
        Ok(Hold::begin(self.clone(), reservation, &worker, started, sent))
    }
}

/// The beginning of the lease.
enum Started {
    /// The lease began with this response, which was decided at this instant.
    Now(Option<Timestamp>),
    /// The lease began with a response that was lost, so an unknown part of it has passed.
    Before,
}

impl Hold {
    /// The lease counts from `sent`, the instant before the request: the server decided after it.
    fn begin(
        client: WalletClient,
        reservation: Reservation,
        worker: &Worker,
        started: Started,
        sent: Instant,
    ) -> Self {
        let signal = Signal::default();
        let heartbeat = (!worker.lease.is_zero()).then(|| {
            let (first, remaining) = match started {
                Started::Now(decided) => (
                    sent + worker.lease / 3,
                    time::between(decided, reservation.deadline).unwrap_or(worker.lease),
                ),
                Started::Before => (sent, worker.lease),
            };
            let request = ExtendRequest::new(&reservation.wallet_id, &reservation.reservation_id)
                .with_attempt(reservation.attempt)
                .with_lease(worker.lease);
            let heartbeat =
                Heartbeat { client: client.clone(), request, lease: worker.lease, signal: signal.clone() };
            AbortOnDropHandle::new(tokio::spawn(heartbeat.run(first, sent + remaining)))
        });
        let cancel_on_drop = signal.token().clone().drop_guard();
        Self { client, reservation, signal, _heartbeat: heartbeat, _cancel_on_drop: cancel_on_drop }
    }
}
