//! Periods: half-open stretches of the calendar in UTC, counted from an anchor.
//!
//! Boundary n is computed from the anchor, never from boundary n-1: monthly from 31 January leads to 28 February
//! and then to 31 March, without drift.

use chrono::{Datelike, Days, Months};

use crate::value::term::{Length, Term};
use crate::value::time::Timestamp;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// Returns the start of period `n` (0, 1, 2...) of a term that began at `anchor`. A term of ONCE has only period 0:
/// later ones start at [`Timestamp::NEVER`].
pub fn boundary(anchor: Timestamp, term: Term, n: u32) -> Timestamp {
    if n == 0 {
        return anchor;
    }
    let Some(start) = anchor.to_utc() else { return Timestamp::NEVER };
    let boundary = match term.length() {
        Length::Days(days) => start.checked_add_days(Days::new(u64::from(days) * u64::from(n))),
        Length::Months(months) => start.checked_add_months(Months::new(n.saturating_mul(months))),
        Length::Endless => None,
    };
    boundary.map_or(Timestamp::NEVER, Timestamp::from)
}

/// Returns the number of the period that contains `at`; 0 if `at` is before the anchor. [`Timestamp::NEVER`] is after
/// all periods of a term that ends: its number is the largest.
pub fn period_at(anchor: Timestamp, term: Term, at: Timestamp) -> u32 {
    if term.is_once() {
        return 0;
    }
    if at == Timestamp::NEVER {
        return u32::MAX;
    }
    let elapsed = at.as_micros().saturating_sub(anchor.as_micros()).max(0);
    let estimate = match (term.length(), anchor.to_utc(), at.to_utc()) {
        (Length::Days(days), ..) => elapsed / (DAY_MICROS * i64::from(days)),
        (Length::Months(months), Some(anchor), Some(at)) => {
            let month = |year: i32, month0: u32| i64::from(year) * 12 + i64::from(month0);
            let passed = month(at.year(), at.month0()) - month(anchor.year(), anchor.month0());
            // The last of these months may not have passed yet.
            (passed - 1) / i64::from(months)
        }
        _ => 0,
    };
    let mut n = u32::try_from(estimate).unwrap_or(0);
    while boundary(anchor, term, n + 1) <= at {
        n += 1;
    }
    n
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeZone, Utc};

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Timestamp {
        Utc.with_ymd_and_hms(year, month, day, 10, 30, 0).unwrap().into()
    }

    fn utc(at: Timestamp) -> DateTime<Utc> {
        at.to_utc().unwrap()
    }

    /// Returns the number of days in a month, computed without the calendar library.
    fn month_length(year: i32, month: u32) -> u32 {
        match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    #[test]
    fn every_anchor_day_has_sixty_months_without_gap_or_drift() {
        for first in 1..=31 {
            let anchor = day(2027, 1, first);
            for n in 0..60_u32 {
                let (year, month) = (2027 + i32::try_from(n / 12).unwrap(), n % 12 + 1);
                let expected = day(year, month, first.min(month_length(year, month)));
                assert_eq!(boundary(anchor, Term::MONTH, n), expected, "anchor {first}, month {n}");
                if n % 3 == 0 {
                    let quarter: Term = "3 MONTH".parse().unwrap();
                    assert_eq!(boundary(anchor, quarter, n / 3), expected, "anchor {first}, month {n}");
                }
            }
        }
    }

    #[test]
    fn weeks_are_seven_days_and_years_end_on_the_anchor_day() {
        let anchor = day(2028, 2, 29);
        for n in 0..200 {
            let days = utc(boundary(anchor, Term::WEEK, n)) - utc(anchor);
            assert_eq!(days.num_days(), 7 * i64::from(n));
            assert_eq!(boundary(anchor, Term::DAY, 7 * n), boundary(anchor, Term::WEEK, n));
        }
        for n in 0..12 {
            let at = utc(boundary(anchor, Term::YEAR, n));
            let expected = if (2028 + n) % 4 == 0 { 29 } else { 28 };
            assert_eq!((at.year(), at.month(), at.day()), (2028 + i32::try_from(n).unwrap(), 2, expected));
        }
    }

    #[test]
    fn the_period_of_an_instant_begins_at_or_before_it_and_ends_after() {
        for text in ["DAY", "14 DAY", "WEEK", "MONTH", "3 MONTH", "YEAR", "5 YEAR"] {
            let term: Term = text.parse().unwrap();
            for anchor in [day(2027, 1, 31), day(2028, 2, 29), day(2027, 12, 1)] {
                for n in 0..70 {
                    let start = boundary(anchor, term, n);
                    let before = Timestamp::from_micros(start.as_micros() - 1);
                    assert_eq!(period_at(anchor, term, start), n, "{text} from {anchor}");
                    assert_eq!(period_at(anchor, term, before), n.saturating_sub(1), "{text} from {anchor}");
                }
            }
        }
        assert_eq!(period_at(day(2027, 1, 1), Term::ONCE, day(2090, 1, 1)), 0);
    }

    #[test]
    fn once_never_ends() {
        assert_eq!(boundary(day(2027, 1, 1), Term::ONCE, 1), Timestamp::NEVER);
        assert_eq!(period_at(day(2027, 1, 1), Term::ONCE, Timestamp::NEVER), 0);
    }

    #[test]
    fn never_is_after_all_periods() {
        for term in [Term::DAY, Term::WEEK, Term::MONTH, Term::YEAR] {
            let n = period_at(day(2027, 1, 1), term, Timestamp::NEVER);
            assert_eq!((n, boundary(day(2027, 1, 1), term, n)), (u32::MAX, Timestamp::NEVER), "{term}");
        }
    }
}
