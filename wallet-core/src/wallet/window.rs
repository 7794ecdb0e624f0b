//! Windows: the stretches of a period for which an allowance is given, and the shares of its amount.

use crate::value::time::Timestamp;

/// A window of an allowance in a period. The end of the period may cut it short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub from: Timestamp,
    /// The end, at most that of the period.
    pub until: Timestamp,
    /// The end that it would have if the period did not end before.
    pub full_until: Timestamp,
}

impl Window {
    /// Returns whether the window contains an instant.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Returns the part of an amount for the whole window: the amount itself, unless the end of the period cuts the window
    /// short.
    pub fn share(&self, amount: i64, increment: i64) -> i64 {
        if self.until == self.full_until { amount } else { self.rest(amount, self.from, increment) }
    }

    /// Returns the part of an amount for the rest of the window in minor units, rounded up to the increment; a
    /// negative amount is rounded towards zero. Exact.
    pub fn rest(&self, amount: i64, now: Timestamp, increment: i64) -> i64 {
        let length =
            |from: Timestamp, until: Timestamp| i128::from(until.as_micros()) - i128::from(from.as_micros());
        let whole = length(self.from, self.full_until) * i128::from(increment);
        let steps = -(-i128::from(amount) * length(now, self.until)).div_euclid(whole.max(1));
        #[expect(clippy::expect_used, reason = "no other amount may be issued")]
        i64::try_from(steps * i128::from(increment)).expect("at most the amount, rounded up to the increment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 86_400_000_000)
    }

    #[test]
    fn an_amount_is_given_for_the_rest_of_a_window_rounded_up() {
        for (amount, left, increment, expected) in [
            (70, 20, 1, 47),
            (70, 30, 1, 70),
            (70, 0, 1, 0),
            (70, 20, 10, 50),
            (-70, 20, 1, -46),
            (1, 1, 1, 1),
        ] {
            let window = Window { from: day(0), until: day(30), full_until: day(30) };
            assert_eq!(window.rest(amount, day(30 - left), increment), expected, "{amount}, {left} days");
        }
    }

    #[test]
    fn a_window_that_is_cut_short_gives_its_share() {
        let window = Window { from: day(364), until: day(365), full_until: day(371) };
        assert_eq!((window.share(7, 1), window.share(30, 1), window.share(30, 10)), (1, 5, 10));
        let whole = Window { until: day(371), ..window };
        assert_eq!((whole.share(7, 1), whole.share(7, 10)), (7, 7));
    }
}
