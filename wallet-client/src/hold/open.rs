//! How a hold comes about: in one round trip when the job is new, in two when it has been seen before.

use prost_types::Timestamp;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::heartbeat::Heartbeat;
use super::stopped::Signal;
use super::{Hold, Worker};
use crate::v1::{ExtendRequest, Reservation, ReservationState, ReserveRequest, StartRequest};
use crate::{Error, WalletClient, time};

impl WalletClient {
    /// Reserves a job's credits and starts the job, as `worker`; whatever `request.start` says is replaced.
    ///
    /// If the job was reserved before, by a back end or by an earlier delivery, it is started or taken over as
    /// [`hold_existing`](Self::hold_existing) does.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve) and [`start`](Self::start): STALE_ATTEMPT if another worker has the job with the
    /// same or a higher attempt, RESERVATION_SETTLED and the like if it is finished.
    pub async fn hold(&self, mut request: ReserveRequest, worker: impl Into<Worker>) -> Result<Hold, Error> {
        let worker = worker.into();
        request.start = Some(worker.start_options());
        let (wallet_id, reservation_id) = (request.wallet_id.clone(), request.reservation_id.clone());
        let asked = Instant::now();
        let answer = self.reserve(request).await?;
        let reservation = answer.reservation.ok_or_else(|| Error::incomplete("a reservation"))?;
        // A replayed Reserve starts nothing: the reservation may still wait, or be in other hands. Start decides.
        if answer.replayed || reservation.state() != ReservationState::Processing {
            return self.hold_existing(wallet_id, reservation_id, worker).await;
        }
        Ok(Hold::begin(self.clone(), reservation, &worker, Begun::Fresh(answer.decide_time), asked))
    }

    /// Starts a job that has been reserved, or takes it over from a worker with a lower attempt.
    ///
    /// # Errors
    /// As [`start`](Self::start): STALE_ATTEMPT if another worker has the job with the same or a higher attempt,
    /// RESERVATION_SETTLED and the like if it is finished.
    pub async fn hold_existing(
        &self,
        wallet_id: impl Into<String>,
        reservation_id: impl Into<String>,
        worker: impl Into<Worker>,
    ) -> Result<Hold, Error> {
        let worker = worker.into();
        let request = StartRequest {
            wallet_id: wallet_id.into(),
            reservation_id: reservation_id.into(),
            start: Some(worker.start_options()),
        };
        let asked = Instant::now();
        let answer = self.start(request).await?;
        let begun = if answer.replayed { Begun::Before } else { Begun::Fresh(answer.decide_time) };
        let reservation = answer.reservation.ok_or_else(|| Error::incomplete("a reservation"))?;
        Ok(Hold::begin(self.clone(), reservation, &worker, begun, asked))
    }
}

/// When the lease began.
enum Begun {
    /// With this answer, decided at this instant.
    Fresh(Option<Timestamp>),
    /// With an answer that got lost: part of the lease is used up, nobody here knows how much.
    Before,
}

impl Hold {
    /// The lease counts from `asked`, when the request was made: the server decided after that.
    fn begin(
        client: WalletClient,
        reservation: Reservation,
        worker: &Worker,
        begun: Begun,
        asked: Instant,
    ) -> Self {
        let signal = Signal::default();
        let heartbeat = (!worker.lease.is_zero()).then(|| {
            let (first, left) = match begun {
                Begun::Fresh(decided) => (
                    asked + worker.lease / 3,
                    time::between(decided, reservation.deadline).unwrap_or(worker.lease),
                ),
                Begun::Before => (asked, worker.lease),
            };
            let request = ExtendRequest {
                wallet_id: reservation.wallet_id.clone(),
                reservation_id: reservation.reservation_id.clone(),
                attempt: reservation.attempt,
                lease: Some(time::to_wire(worker.lease)),
            };
            let heartbeat =
                Heartbeat { client: client.clone(), request, lease: worker.lease, signal: signal.clone() };
            AbortOnDropHandle::new(tokio::spawn(heartbeat.beat(first, asked + left)))
        });
        let fires_on_drop = signal.token().clone().drop_guard();
        Self { client, reservation, signal, _heartbeat: heartbeat, _fires_on_drop: fires_on_drop }
    }
}
