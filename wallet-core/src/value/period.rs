//! Periods: half-open stretches of the calendar in UTC, counted from an anchor.
//!
//! Boundary n is computed from the anchor, never from boundary n-1: monthly from 31 January leads to 28 February
//! and then to 31 March, without drift.

use chrono::{Days, Months};

use serde::{Deserialize, Serialize};

use crate::value::time::Timestamp;

/// How long a period lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Term {
    Week,
    /// A calendar month from the anchor.
    Month,
    /// A calendar year from the anchor.
    Year,
    /// There is one period and it never ends.
    Once,
}

/// Returns the start of period `n` (0, 1, 2...) of a term that began at `anchor`. A term of ONCE has only period 0:
/// later ones start at [`Timestamp::NEVER`].
pub fn boundary(anchor: Timestamp, term: Term, n: u32) -> Timestamp {
    if n == 0 {
        return anchor;
    }
    let Some(start) = anchor.to_utc() else { return Timestamp::NEVER };
    let boundary = match term {
        Term::Week => start.checked_add_days(Days::new(7 * u64::from(n))),
        Term::Month => start.checked_add_months(Months::new(n)),
        Term::Year => start.checked_add_months(Months::new(n.saturating_mul(12))),
        Term::Once => None,
    };
    boundary.map_or(Timestamp::NEVER, Timestamp::from)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike, TimeZone, Utc};

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
                assert_eq!(boundary(anchor, Term::Month, n), expected, "anchor {first}, month {n}");
            }
        }
    }

    #[test]
    fn weeks_are_seven_days_and_years_end_on_the_anchor_day() {
        let anchor = day(2028, 2, 29);
        for n in 0..200 {
            let days = utc(boundary(anchor, Term::Week, n)) - utc(anchor);
            assert_eq!(days.num_days(), 7 * i64::from(n));
        }
        for n in 0..12 {
            let at = utc(boundary(anchor, Term::Year, n));
            let expected = if (2028 + n) % 4 == 0 { 29 } else { 28 };
            assert_eq!((at.year(), at.month(), at.day()), (2028 + i32::try_from(n).unwrap(), 2, expected));
        }
    }

    #[test]
    fn once_never_ends() {
        assert_eq!(boundary(day(2027, 1, 1), Term::Once, 1), Timestamp::NEVER);
    }
}
