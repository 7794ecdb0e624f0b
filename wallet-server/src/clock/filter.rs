//! Combines readings of a reference clock with the machine's monotonic clock. It is pure: every instant is an
//! argument.
//!
//! Own time runs on the monotonic clock. If the reference is less than [`MAX_SKEW`] away, own time approaches it by
//! running up to 5 % faster or slower, so that time never stands still and never goes back. A reference further
//! away is in doubt: own time runs on, and nothing may be executed by it. The doubt ends when the reference is back
//! within [`MAX_SKEW`], or when enough readings in a row ([`Settling`]) agree with each other on a jump of at most
//! [`MAX_JUMP`], which is then followed at once.

use std::time::Duration;

/// The largest difference at which the reference is trusted.
pub(crate) const MAX_SKEW: Duration = Duration::from_secs(2);

/// The longest jump that is ever followed.
pub(crate) const MAX_JUMP: Duration = Duration::from_secs(3_600);

/// A clock runs faster or slower by at most one part in this many.
const SLEW: i64 = 20;

/// The largest uncertainty, in microseconds, of a reading that corrects own time.
const EXACT: i64 = 500_000;

/// The conditions under which readings that agree with each other, but not with own time, are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settling {
    /// The least number of readings in a row; 10 by default.
    pub(crate) readings: u32,
    /// The least time between the first and the last of them; 30 s by default.
    pub(crate) span: Duration,
}

impl Default for Settling {
    fn default() -> Self {
        Self { readings: 10, span: Duration::from_secs(30) }
    }
}

/// A reading of the reference clock. All values are in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// The time of the monotonic clock at the reading.
    pub(crate) at: i64,
    /// The time that the reference showed.
    pub(crate) shows: i64,
    /// The largest error of `at`.
    pub(crate) uncertainty: i64,
}

/// The result of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The reference agrees with own time.
    Agrees,
    /// The reference jumped by `jump` microseconds and is not trusted. `is_first` is true for the first such
    /// reading.
    Doubted { jump: i64, is_first: bool },
    /// The reference jumped by `jump` microseconds and stayed there: own time has followed.
    Followed { jump: i64 },
}

/// Own time, and the state of the reference.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    settling: Settling,
    /// Own time was `time` at the time `at` of the monotonic clock; `correction` is applied gradually since then.
    at: i64,
    time: i64,
    correction: i64,
    /// True if no exact reading was made yet.
    is_fresh: bool,
    doubt: Option<Doubt>,
}

/// Readings in a row that agree with each other, but not with own time.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    since: i64,
    /// The difference between the reference and the monotonic clock.
    offset: i64,
    readings: u32,
}

impl Filter {
    pub(crate) const fn new(at: i64, time: i64, settling: Settling) -> Self {
        Self { settling, at, time, correction: 0, is_fresh: true, doubt: None }
    }

    /// Returns own time at a time of the monotonic clock.
    pub(crate) fn time(&self, at: i64) -> i64 {
        let elapsed = at.saturating_sub(self.at).max(0);
        let most = elapsed / SLEW;
        self.time.saturating_add(elapsed).saturating_add(self.correction.clamp(-most, most))
    }

    /// Returns true if commands may be executed by own time.
    pub(crate) const fn is_trusted(&self) -> bool {
        self.doubt.is_none()
    }

    /// Processes a reading that ended at `now`.
    pub(crate) fn read(&mut self, now: i64, reading: Reading) -> Verdict {
        let Reading { at, shows, uncertainty } = reading;
        let drift = shows.saturating_sub(self.time(at));
        if exceeds(drift, uncertainty, MAX_SKEW) {
            return self.doubt(now, reading, drift);
        }
        self.doubt = None;
        if uncertainty <= EXACT {
            // The first exact reading sets the time at once: nothing was decided before.
            let set = if self.is_fresh { drift } else { 0 };
            self.is_fresh = false;
            self.anchor(now, set, drift - set);
        }
        Verdict::Agrees
    }

    fn doubt(&mut self, now: i64, Reading { at, shows, uncertainty }: Reading, jump: i64) -> Verdict {
        let offset = shows.saturating_sub(at);
        let is_first = self.doubt.is_none();
        let doubt = match self.doubt {
            Some(doubt) if !exceeds(offset.saturating_sub(doubt.offset), uncertainty, MAX_SKEW) => {
                Doubt { readings: doubt.readings.saturating_add(1), ..doubt }
            }
            _ => Doubt { since: at, offset, readings: 1 },
        };
        let Settling { readings, span } = self.settling;
        let has_settled = doubt.readings >= readings && at.saturating_sub(doubt.since) >= micros(span);
        if has_settled && !exceeds(jump, uncertainty, MAX_JUMP) {
            self.doubt = None;
            self.is_fresh = false;
            self.anchor(now, jump, 0);
            return Verdict::Followed { jump };
        }
        self.doubt = Some(doubt);
        Verdict::Doubted { jump, is_first }
    }

    /// Corrects own time by `set` at once and by `correction` gradually.
    fn anchor(&mut self, now: i64, set: i64, correction: i64) {
        self.time = self.time(now).saturating_add(set);
        self.at = now;
        self.correction = correction;
    }
}

fn exceeds(distance: i64, uncertainty: i64, limit: Duration) -> bool {
    distance.saturating_abs().saturating_sub(uncertainty) > micros(limit)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;

    /// Returns a filter that shows 1,000 s at 0 and has made one reading.
    fn settled() -> Filter {
        let mut filter = Filter::new(0, 1_000 * SECOND, Settling::default());
        assert_eq!(filter.read(0, exact(0, 0)), Verdict::Agrees);
        filter
    }

    /// Returns a reading of a reference that is `ahead` microseconds ahead of an even clock.
    fn exact(at: i64, ahead: i64) -> Reading {
        Reading { at, shows: 1_000 * SECOND + at + ahead, uncertainty: 0 }
    }

    /// Makes a reading every two seconds in `seconds`, and returns the verdicts.
    fn read(filter: &mut Filter, seconds: std::ops::Range<i64>, ahead: i64) -> Vec<Verdict> {
        seconds.step_by(2).map(|s| filter.read(s * SECOND, exact(s * SECOND, ahead))).collect()
    }

    /// Returns how far own time is ahead of an even clock, in microseconds.
    fn ahead(filter: &Filter, second: i64) -> i64 {
        filter.time(second * SECOND) - (1_000 + second) * SECOND
    }

    #[test]
    fn the_first_reading_sets_the_clock_and_later_ones_change_its_speed() {
        let mut filter = Filter::new(0, 1_000 * SECOND, Settling::default());
        filter.read(0, exact(0, SECOND));
        assert_eq!(ahead(&filter, 0), SECOND);
        for (goal, start) in [(2 * SECOND, 10), (SECOND / 2, 100)] {
            let mut last = filter.time((start - 1) * SECOND);
            for second in start..start + 60 {
                filter.read(second * SECOND, exact(second * SECOND, goal));
                let time = filter.time(second * SECOND);
                let step = time - last;
                assert!((SECOND * 95 / 100..=SECOND * 105 / 100).contains(&step), "{step} in a second");
                last = time;
            }
            assert_eq!(ahead(&filter, start + 60), goal);
        }
    }

    #[test]
    fn fifty_five_minutes_ahead_for_four_seconds_changes_nothing() {
        let mut filter = settled();
        read(&mut filter, 2..10, 0);
        let jumped = read(&mut filter, 10..14, 55 * MINUTE);
        let jump = 55 * MINUTE;
        assert_eq!(
            jumped,
            [Verdict::Doubted { jump, is_first: true }, Verdict::Doubted { jump, is_first: false }]
        );
        assert!(!filter.is_trusted());
        assert_eq!(ahead(&filter, 14), 0);
        assert_eq!(filter.read(14 * SECOND, exact(14 * SECOND, 0)), Verdict::Agrees);
        assert!(filter.is_trusted());
        assert_eq!(ahead(&filter, 100), 0);
    }

    #[test]
    fn a_jump_is_followed_after_ten_readings_and_thirty_seconds_that_agree() {
        for jump in [55 * MINUTE, -55 * MINUTE, 3 * SECOND, -3 * SECOND] {
            let mut filter = settled();
            let verdicts = read(&mut filter, 2..34, jump);
            let (last, before) = verdicts.split_last().unwrap();
            assert_eq!(*last, Verdict::Followed { jump });
            assert!(before.iter().all(|verdict| matches!(verdict, Verdict::Doubted { .. })), "{before:?}");
            assert!(filter.is_trusted());
            assert_eq!(ahead(&filter, 40), jump);
        }
    }

    #[test]
    fn neither_many_readings_nor_a_long_time_suffice_alone() {
        let mut often = settled();
        for n in 0..1_000 {
            let at = SECOND + n * SECOND / 100;
            assert!(matches!(often.read(at, exact(at, MINUTE)), Verdict::Doubted { .. }));
        }
        let mut rarely = settled();
        for n in 1..9 {
            let at = n * 10 * MINUTE;
            assert!(matches!(rarely.read(at, exact(at, MINUTE)), Verdict::Doubted { .. }));
        }
    }

    #[test]
    fn readings_that_do_not_agree_with_each_other_start_over() {
        let mut filter = settled();
        for n in 0..100 {
            let ahead = if n % 9 < 5 { 10 * MINUTE } else { 20 * MINUTE };
            let at = 2 * n * SECOND;
            assert!(matches!(filter.read(at, exact(at, ahead)), Verdict::Doubted { .. }), "{n}");
        }
        assert_eq!(ahead(&filter, 200), 0);
    }

    #[test]
    fn a_jump_of_more_than_an_hour_is_never_followed() {
        for jump in [61 * MINUTE, -61 * MINUTE, 365 * 24 * 60 * MINUTE, i64::MAX / 2] {
            let mut filter = settled();
            let verdicts = read(&mut filter, 2..600, jump);
            assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Doubted { .. })), "{jump}");
            assert_eq!(ahead(&filter, 600), 0);
        }
    }

    #[test]
    fn a_suspend_stops_own_time_and_not_the_reference() {
        let mut filter = settled();
        read(&mut filter, 2..10, 0);
        // Twenty minutes pass while the monotonic clock stands still.
        assert!(matches!(filter.read(10 * SECOND, exact(10 * SECOND, 20 * MINUTE)), Verdict::Doubted { .. }));
        assert_eq!(
            read(&mut filter, 12..42, 20 * MINUTE).last(),
            Some(&Verdict::Followed { jump: 20 * MINUTE })
        );
    }

    #[test]
    fn a_slow_answer_neither_proves_a_jump_nor_corrects_the_clock() {
        let mut filter = settled();
        let slow = Reading { uncertainty: 4 * SECOND, ..exact(10 * SECOND, 5 * SECOND) };
        assert_eq!(filter.read(14 * SECOND, slow), Verdict::Agrees);
        assert_eq!(ahead(&filter, 60), 0);
    }
}
