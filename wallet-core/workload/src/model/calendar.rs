//! The calendar in plain arithmetic: days, months and years in UTC, as microseconds since 1970.

pub(crate) const NEVER: i64 = i64::MAX;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3600 * SECOND;
/// A day of 24 hours.
pub(crate) const DAY: i64 = 24 * HOUR;

/// A repeated stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Every {
    Days(i64),
    Months(i64),
    Once,
}

/// Returns the end of `n` stretches after `anchor`, counted from the anchor.
pub(crate) fn nth(anchor: i64, every: Every, n: u32) -> i64 {
    let n = i64::from(n);
    match every {
        _ if n == 0 => anchor,
        Every::Days(days) => anchor + days * n * DAY,
        Every::Months(months) => months_after(anchor, months * n),
        Every::Once => NEVER,
    }
}

/// Returns the same day of the month `n` months later, or the last day of the month if it is shorter.
pub(crate) fn months_after(at: i64, n: i64) -> i64 {
    let (year, month, day) = date(at.div_euclid(DAY));
    let months = year * 12 + (month - 1) + n;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    day_number(year, month, day.min(length(year, month))) * DAY + at.rem_euclid(DAY)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the number of days from 1970-01-01 to a date.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leaps = |years: i64| years / 4 - years / 100 + years / 400;
    let whole_years = (year - 1970) * 365 + leaps(before) - leaps(1969);
    whole_years + (1..month).map(|month| length(year, month)).sum::<i64>() + day - 1
}

/// Returns the year, month and day of a number of days since 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let mut year = 1970 + days / 366;
    while day_number(year + 1, 1, 1) <= days {
        year += 1;
    }
    let mut rest = days - day_number(year, 1, 1);
    let mut month = 1;
    while rest >= length(year, month) {
        rest -= length(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

/// Returns the number of the month of an instant since the year 0.
pub(super) fn month_of(at: i64) -> i64 {
    let (year, month, _) = date(at.div_euclid(DAY));
    year * 12 + month - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_century_round_trips() {
        for days in 0..36_525 {
            let (year, month, day) = date(days);
            assert_eq!(day_number(year, month, day), days);
        }
        assert_eq!(date(20_454), (2026, 1, 1));
    }

    #[test]
    fn a_month_after_the_last_of_january_is_the_last_of_february() {
        let at = |year, month, day| day_number(year, month, day) * DAY + 5 * HOUR;
        assert_eq!(months_after(at(2027, 1, 31), 1), at(2027, 2, 28));
        assert_eq!(months_after(at(2027, 1, 31), 2), at(2027, 3, 31));
        assert_eq!(months_after(at(2027, 12, 30), 2), at(2028, 2, 29));
        assert_eq!(nth(at(2028, 2, 29), Every::Months(12), 1), at(2029, 2, 28));
    }
}
