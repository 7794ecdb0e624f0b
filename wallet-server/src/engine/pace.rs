//! The pace of a lane: how long a new command would wait in it.
//!
//! Two estimates, of which the longer one counts:
//!
//! - The time per command of recent batches, for all commands that wait. Only full batches show it, because a command
//!   that is committed alone takes longer than one among many. A small batch is an upper bound, so a lane that had
//!   little to do for an hour still accepts many commands at once. One slow batch changes the estimate little.
//! - The longer of two times: the duration of the last batch, scaled to the number of waiting commands, and the time
//!   since the last batch ended or the first command after that arrived, multiplied by the number of batches that
//!   wait. The second one grows while the database stalls, and the first fast batch after a stall shortens both.

use std::time::Duration;

use tokio::time::Instant;

/// The assumed time per command of a lane that has not run a batch.
const UNKNOWN: Duration = Duration::from_micros(500);
/// The time per command is a moving average, in which the latest batch has the weight 1/`PARTS`.
const PARTS: u32 = 4;
/// The largest factor by which a batch counts as slower than the time per command. A slower one is a stall and not a
/// pace.
const OUTLIER: u32 = 4;

/// The recent speed of a lane.
#[derive(Debug)]
pub(super) struct Pace {
    batch_max: usize,
    per_command: Duration,
    /// The time that the last batch took.
    last_batch: Duration,
    /// The commands of the last batch, at least 1.
    last_size: usize,
    /// The end of the last batch, or the arrival of the first command after that. `None` while nothing waits.
    busy_since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(batch_max: usize) -> Self {
        let batch_max = batch_max.max(1);
        Self { batch_max, per_command: UNKNOWN, last_batch: Duration::ZERO, last_size: 1, busy_since: None }
    }

    /// Returns the time that a command would wait after this many.
    pub(super) fn wait(&self, waiting: usize, now: Instant) -> Duration {
        let Some(busy_since) = self.busy_since.filter(|_| waiting > 0) else { return Duration::ZERO };
        let batches = 1 + waiting / self.batch_max;
        let without_progress = now.saturating_duration_since(busy_since).saturating_mul(count(batches));
        // A smaller batch takes less time than the last one, and a lane runs no larger ones than full ones.
        let commands = waiting.min(batches * self.last_size);
        let at_last_pace = self.last_batch.saturating_mul(count(commands)) / count(self.last_size);
        self.time_of(waiting).max(without_progress).max(at_last_pace)
    }

    /// Returns the time that this many commands take at the recent pace.
    pub(super) fn time_of(&self, commands: usize) -> Duration {
        self.per_command.saturating_mul(count(commands))
    }

    /// Records that a command waits.
    pub(super) fn arrived(&mut self, now: Instant) {
        self.busy_since.get_or_insert(now);
    }

    /// Records that a batch has decided this many commands.
    pub(super) fn decided(&mut self, commands: usize, now: Instant) {
        let Some(busy_since) = self.busy_since.replace(now) else { return };
        self.last_batch = now.saturating_duration_since(busy_since);
        self.last_size = commands.max(1);
        if commands == 0 {
            return;
        }
        let sample = (self.last_batch / count(commands)).min(self.per_command.saturating_mul(OUTLIER));
        if commands * 2 >= self.batch_max || sample < self.per_command {
            self.per_command = (self.per_command * (PARTS - 1) + sample) / PARTS;
        }
        // A pace of zero could never grow again.
        self.per_command = self.per_command.max(Duration::from_nanos(100));
    }

    /// Records that nothing waits any more.
    pub(super) const fn idle(&mut self) {
        self.busy_since = None;
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    /// A lane and its time.
    struct Lane {
        pace: Pace,
        now: Instant,
    }

    impl Lane {
        fn new() -> Self {
            Self { pace: Pace::new(256), now: Instant::now() }
        }

        /// Runs batches of this size, of which each takes this time.
        fn run(mut self, batches: u32, commands: usize, time: Duration) -> Self {
            for _ in 0..batches {
                self.pace.arrived(self.now);
                self.now += time;
                self.pace.decided(commands, self.now);
            }
            self.rest(Duration::ZERO)
        }

        fn rest(mut self, time: Duration) -> Self {
            self.pace.idle();
            self.now += time;
            self
        }

        /// Returns how long a command waits after this many, some time after the last batch.
        fn wait(&mut self, waiting: usize, since: Duration) -> Duration {
            self.pace.arrived(self.now);
            self.pace.wait(waiting, self.now + since)
        }
    }

    #[test]
    fn a_lane_without_work_has_no_wait_whatever_it_was() {
        let mut lane = Lane::new().run(5, 256, SECOND);
        assert_eq!(lane.wait(0, Duration::ZERO), Duration::ZERO);
        let lane = lane.rest(SECOND);
        assert_eq!(lane.pace.wait(10, lane.now), Duration::ZERO);
    }

    #[test]
    fn at_the_start_some_commands_find_room_before_there_is_a_pace() {
        assert_eq!(Lane::new().wait(1_000, Duration::ZERO), 500 * MS);
    }

    #[test]
    fn the_wait_follows_the_pace_of_full_batches() {
        for (batch, wait) in [(32 * MS, 125 * MS), (256 * MS, SECOND)] {
            let mut lane = Lane::new().run(40, 256, batch);
            let found = lane.wait(1_000, Duration::ZERO);
            assert!(found > wait * 9 / 10 && found < wait * 13 / 10, "{found:?} for batches of {batch:?}");
        }
    }

    #[test]
    fn commands_that_came_alone_for_an_hour_do_not_make_a_lane_look_slow() {
        let lane = Lane::new().run(40, 256, 32 * MS).run(100_000, 1, 2 * MS).rest(3_600 * SECOND);
        let found = { lane }.wait(4_000, 2 * MS);
        assert!(found < 600 * MS, "{found:?}");
    }

    #[test]
    fn a_stall_is_seen_while_it_lasts_and_forgotten_after_the_next_batch() {
        let mut lane = Lane::new().run(40, 256, 32 * MS);
        let before = lane.wait(500, Duration::ZERO);
        assert!(lane.wait(500, 900 * MS) > SECOND, "while the database stalls");
        assert!(lane.wait(1, SECOND) >= SECOND, "also for those who come when little waits");
        let mut lane = lane.run(1, 256, 5 * SECOND);
        assert!(lane.wait(500, Duration::ZERO) > SECOND, "as long as no batch has shown that it is over");
        let after = lane.run(1, 256, 32 * MS).wait(500, Duration::ZERO);
        assert!(after < before * 2, "{before:?}, then {after:?}");
    }

    #[test]
    fn a_slow_lane_in_which_little_waits_is_not_full() {
        let mut lane = Lane::new().run(40, 256, SECOND);
        let found = lane.wait(64, Duration::ZERO);
        assert!(found < 400 * MS, "{found:?}");
    }

    #[test]
    fn a_database_that_becomes_slow_is_followed_within_some_batches() {
        let mut lane = Lane::new().run(40, 256, 32 * MS).run(6, 256, 256 * MS);
        assert!(lane.wait(1_000, Duration::ZERO) > 700 * MS);
    }

    #[test]
    fn a_batch_that_only_dismissed_commands_says_nothing_about_the_pace() {
        let mut lane = Lane::new().run(40, 256, 32 * MS).run(1_000, 0, Duration::ZERO);
        assert!(lane.wait(1_000, Duration::ZERO) > 100 * MS);
    }
}
