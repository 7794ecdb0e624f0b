//! Time that an RPC moves forward, and the processing of everything that falls due on the way.
//!
//! On a server with a manual clock, this clock moves. On any other server, the clock of the caller's tenant moves ahead
//! of the server's, if the tenant is for tests.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;
use wallet_core::{Author, TenantId, Timestamp};

use crate::clock::{Clock, MOST_AHEAD};
use crate::engine::Sweeper;
use crate::keys::Mode;
use crate::store::{Change, ClockMove, Store, StoreError, TenantRow, clock_ahead};

/// The longest step of one call: 3,660 days, a little more than ten years. It bounds what falls due in one call.
const LONGEST_STEP: Duration = Duration::from_secs(3_660 * 86_400);

/// Moves clocks. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct MovableTime {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) sweeper: Sweeper,
    /// Locked while a clock moves, which may make much due: one at a time.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// The target of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Forward by this duration.
    By(Duration),
    /// To this time, unless the clock has passed it already.
    To(Timestamp),
}

/// The time of a tenant after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) time: Timestamp,
    /// The number of wallets in which something is still due.
    pub(crate) still_due: usize,
}

/// The reason why a clock is not moved, or what is due was not processed.
#[derive(Debug, Error)]
pub(crate) enum ClockError {
    #[error("moves the clock by more than 3,660 days; at most 3,660 are allowed in one call")]
    StepTooLong,
    #[error("moves the clock of the tenant more than 36,600 days ahead of the server's, which is the most")]
    TooFarAhead,
    #[error(
        "the tenant is live: only the clock of a test tenant moves, or that of a server with --manual-clock"
    )]
    Live,
    #[error(
        "another clock is moving on this server; the call was not executed, repeat it when that clock has arrived"
    )]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MovableTime {
    /// Moves the clock of a tenant, or that of a server with a manual one, and processes everything that has fallen
    /// due. Refuses to do so while another call moves one.
    pub(crate) async fn advance(
        &self,
        tenant: TenantId,
        step: Step,
        author: &Author,
    ) -> Result<Moved, ClockError> {
        let now = self.clock.of(tenant);
        let to = match step {
            Step::By(by) => now.plus(by),
            Step::To(instant) => instant,
        };
        if to > now.plus(LONGEST_STEP) {
            return Err(ClockError::StepTooLong);
        }
        if !self.clock.is_manual() && Mode::of(&self.row(tenant).await?) == Mode::Live {
            return Err(ClockError::Live);
        }
        let _turn = self.turn.try_lock().map_err(|_| ClockError::Busy)?;
        let still_due = if self.clock.is_manual() {
            self.clock.move_to(to.minus(self.clock.ahead_of(tenant)));
            self.sweeper.sweep_all().await?
        } else {
            self.move_tenant(tenant, step, author).await?;
            self.sweeper.sweep_tenant(tenant).await?
        };
        Ok(Moved { time: self.clock.of(tenant), still_due })
    }

    /// Moves the clock of a test tenant ahead.
    async fn move_tenant(&self, tenant: TenantId, step: Step, author: &Author) -> Result<(), ClockError> {
        let now = self.clock.now();
        let to = match step {
            Step::By(by) => ClockMove::By(by),
            Step::To(instant) => ClockMove::AheadBy(instant.since(now)),
        };
        let transaction = self.store.begin_control().await?;
        // The statement locks the row, so that no step is lost. Dropping the transaction undoes it.
        let row = transaction.move_clock(tenant, to).await?;
        let row = row.ok_or_else(missing)?;
        let ahead = clock_ahead(&row);
        if ahead > MOST_AHEAD {
            return Err(ClockError::TooFarAhead);
        }
        if ahead == self.clock.ahead_of(tenant) {
            return Ok(());
        }
        let details = format!("to {}", now.plus(ahead));
        let change = Change { action: "tenant.advance_clock", subject: row.name, details };
        transaction.commit(change.row(tenant, author, now)).await?;
        self.clock.learn([(tenant, ahead)]);
        Ok(())
    }

    async fn row(&self, tenant: TenantId) -> Result<TenantRow, StoreError> {
        self.store.tenant(tenant).await?.ok_or_else(missing)
    }
}

fn missing() -> StoreError {
    StoreError::corrupt("the tenant of the caller is missing")
}
