//! Running a batch until every command in it has an answer, whatever the database does meanwhile.
//!
//! | What happens | What is done |
//! |---|---|
//! | conflict with another transaction | the whole batch again, skipping wallets that stay locked |
//! | a row refused or unreadable, an invariant broken | halves of the batch, until the command at fault stands alone |
//! | an invariant broken by a command alone | the same command again, on its wallet frozen |
//! | a panic | like a broken invariant, on a new connection |
//! | connection lost before COMMIT | the whole batch again on a new connection |
//! | connection lost during COMMIT | the same; the ids tell whether it had happened |

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use wallet_core::Reply;

use crate::engine::Job;
use crate::engine::error::EngineError;
use crate::engine::lane::Lane;
use crate::store::{StoreError, Trouble, points};

/// Tries after the first, for a batch in conflict.
const CONFLICT_RETRIES: u32 = 5;
/// Tries after the first, while the database is away. With the pauses about five seconds.
const OUTAGE_RETRIES: u32 = 10;
/// The first pause; it doubles up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How far a batch has got.
#[derive(Default)]
struct Tries {
    conflicts: u32,
    outages: u32,
    /// Once a COMMIT was sent, nothing may be called "not executed" any more.
    commit_was_sent: bool,
}

impl Lane {
    /// Runs a batch and answers everybody in it but those, in order, in whose wallets more is due than this carried
    /// out.
    pub(super) async fn answer(&mut self, batch: Vec<Job>) -> Vec<Job> {
        let (mut halves, mut behind) = (vec![batch], Vec::new());
        while let Some(mut batch) = halves.pop() {
            match self.until_decided(&batch).await {
                Ok(replies) => {
                    self.metrics.committed(replies.iter().flatten().count());
                    for (job, reply) in batch.into_iter().zip(replies) {
                        let Some(reply) = reply else {
                            behind.push(job);
                            continue;
                        };
                        points::pass_before_reply();
                        // A caller that has gone away learns the outcome by asking again.
                        let _ = job.answer.send(reply);
                    }
                }
                Err(_) if batch.len() > 1 => {
                    self.metrics.bisected();
                    let second = batch.split_off(batch.len() / 2);
                    halves.extend([second, batch]);
                }
                Err(error) => {
                    for job in batch {
                        let _ = job.answer.send(Err(error.clone()));
                    }
                }
            }
        }
        behind
    }

    /// One reply per job, or the fault that some job of the batch has.
    async fn until_decided(
        &mut self,
        batch: &[Job],
    ) -> Result<Vec<Option<Result<Reply, EngineError>>>, EngineError> {
        let mut tries = Tries::default();
        loop {
            if let Some(why) = self.may_not_execute() {
                let outcome = if tries.commit_was_sent { EngineError::OutcomeUnknown } else { why };
                return Ok(all(batch, &outcome));
            }
            let error = match caught(self.run_batch(batch, tries.conflicts > 0)).await {
                Ok(Ok(replies)) => {
                    self.broken.clear();
                    // Between COMMIT and the answers: whoever is answered will be found again.
                    if self.store.in_place().is_err() {
                        return Ok(all(batch, &EngineError::OutcomeUnknown));
                    }
                    return Ok(replies);
                }
                Ok(Err(error)) => error,
                Err(Panicked) => {
                    // Nobody knows where it left the connection.
                    self.reconnect().await;
                    StoreError::new(Trouble::Broken, "a panic")
                }
            };
            let lane = self.number;
            match error.trouble {
                Trouble::Broken if batch.len() == 1 && self.broken.insert(batch[0].key) => {
                    tracing::error!(lane, %error, "a wallet is frozen");
                    continue;
                }
                Trouble::Unreadable => {
                    // Alone it is known whose row it is. It is logged once: the sweeper comes again every second.
                    if batch.len() == 1 && self.unreadable.insert(batch[0].key) {
                        tracing::error!(lane, wallet = %batch[0].wallet, %error, "a wallet is unreadable");
                    }
                    return Err(EngineError::Unreadable);
                }
                Trouble::Refused | Trouble::Broken => {
                    tracing::error!(lane, commands = batch.len(), %error, "a command cannot be stored");
                    return Err(EngineError::Internal);
                }
                Trouble::Conflict => tries.conflicts += 1,
                Trouble::CommitUnknown => {
                    tries.commit_was_sent = true;
                    tries.outages += 1;
                }
                Trouble::Unavailable => tries.outages += 1,
            }
            if tries.conflicts > CONFLICT_RETRIES || tries.outages > OUTAGE_RETRIES {
                tracing::error!(lane, commands = batch.len(), %error, "giving up on a batch");
                let outcome = match tries.commit_was_sent {
                    true => EngineError::OutcomeUnknown,
                    false => EngineError::Unavailable,
                };
                return Ok(all(batch, &outcome));
            }
            self.metrics.retried();
            tracing::warn!(lane, commands = batch.len(), %error, "running a batch again");
            if error.trouble != Trouble::Conflict {
                self.reconnect().await;
            }
            tokio::time::sleep(pause(tries.conflicts + tries.outages)).await;
        }
    }

    /// Why nothing may be executed at all, if so: the file is lost, or the clock leapt.
    fn may_not_execute(&self) -> Option<EngineError> {
        if self.store.in_place().is_err() {
            return Some(EngineError::Unavailable);
        }
        (!self.clock.is_trusted()).then_some(EngineError::ClockInDoubt)
    }

    /// Leaves the old connection, in whatever state it is, and opens a new one.
    async fn reconnect(&mut self) {
        match self.store.lane().await {
            Ok(connection) => {
                let old = std::mem::replace(&mut self.connection, connection);
                tokio::spawn(async move { old.close().await });
            }
            Err(error) => tracing::warn!(lane = self.number, %error, "no new connection yet"),
        }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error.trouble {
            Trouble::Conflict | Trouble::Unavailable => EngineError::Unavailable,
            Trouble::CommitUnknown => EngineError::OutcomeUnknown,
            Trouble::Unreadable => EngineError::Unreadable,
            Trouble::Refused | Trouble::Broken => EngineError::Internal,
        }
    }
}

/// The same outcome for every command of a batch.
fn all(batch: &[Job], outcome: &EngineError) -> Vec<Option<Result<Reply, EngineError>>> {
    batch.iter().map(|_| Some(Err(outcome.clone()))).collect()
}

/// Somebody's decision has panicked.
struct Panicked;

/// A future whose panic ends nothing but itself: a lane outlives its batches.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(Err(Panicked)), |polled| polled.map(Ok))
    })
    .await
}

/// Doubling, with up to half of it taken off at random, so that two servers do not meet again at once.
fn pause(tries: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
    let mut byte = [0_u8];
    // Without randomness there is simply no jitter.
    let random = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    whole - whole * random / 510
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_are_shortened_by_at_most_half() {
        for (tries, whole) in [(1, 20), (2, 40), (3, 80), (20, 1000)] {
            let pause = pause(tries).as_millis();
            assert!((whole / 2..=whole).contains(&pause), "{tries}: {pause}");
        }
    }
}
