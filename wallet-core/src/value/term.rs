//! Terms: lengths of time in the calendar, such as 3 months or 14 days.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A length of time: a count of a unit of the calendar, or ONCE. Written `"MONTH"`, `"3 MONTH"`, `"14 DAY"`.
///
/// Terms of the same length are equal: `"WEEK"` and `"7 DAY"`, `"YEAR"` and `"12 MONTH"`. A longer term is greater;
/// between days and months, a month counts as a twelfth of 365.2425 days, so that no two of them are equal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Term {
    unit: TermUnit,
    count: u32,
}

/// The unit of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermUnit {
    /// A stretch of 24 hours, regardless of the calendar.
    Day,
    /// Seven days of 24 hours.
    Week,
    /// A calendar month from the anchor.
    Month,
    /// A calendar year from the anchor.
    Year,
    /// There is one period and it never ends.
    Once,
}

/// The length of a term in the unit by which boundaries are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Days(u32),
    Months(u32),
    Endless,
}

/// The text is not a term.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a term: use \"ONCE\", or a count of DAY, WEEK, MONTH or YEAR such as \"MONTH\", \"3 MONTH\" or \"14 DAY\", at most \"5 YEAR\", \"60 MONTH\", \"260 WEEK\" or \"1826 DAY\""
)]
pub struct InvalidTerm(String);

impl Term {
    pub const DAY: Term = Term { unit: TermUnit::Day, count: 1 };
    pub const WEEK: Term = Term { unit: TermUnit::Week, count: 1 };
    pub const MONTH: Term = Term { unit: TermUnit::Month, count: 1 };
    pub const YEAR: Term = Term { unit: TermUnit::Year, count: 1 };
    pub const ONCE: Term = Term { unit: TermUnit::Once, count: 1 };

    /// Returns the unit in which the term was written.
    pub const fn unit(self) -> TermUnit {
        self.unit
    }

    /// Returns the number of units, 1 for ONCE.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Returns whether the term has no end.
    pub const fn is_once(self) -> bool {
        matches!(self.unit, TermUnit::Once)
    }

    /// Returns the length in days or months.
    pub const fn length(self) -> Length {
        match self.unit {
            TermUnit::Day => Length::Days(self.count),
            TermUnit::Week => Length::Days(7 * self.count),
            TermUnit::Month => Length::Months(self.count),
            TermUnit::Year => Length::Months(12 * self.count),
            TermUnit::Once => Length::Endless,
        }
    }

    /// Returns how often this term fits into another one, if it always fits without a remainder.
    pub const fn times_in(self, whole: Term) -> Option<u32> {
        match (self.length(), whole.length()) {
            (Length::Days(part), Length::Days(whole)) | (Length::Months(part), Length::Months(whole))
                if whole % part == 0 =>
            {
                Some(whole / part)
            }
            (Length::Endless, Length::Endless) => Some(1),
            _ => None,
        }
    }

    /// Returns the mean length in units of 18 seconds: 400 years of the calendar have 146,097 days and 4,800 months.
    const fn mean_length(self) -> u64 {
        match self.length() {
            Length::Days(days) => 4_800 * days as u64,
            Length::Months(months) => 146_097 * months as u64,
            Length::Endless => u64::MAX,
        }
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.mean_length() == other.mean_length()
    }
}

impl Eq for Term {}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        self.mean_length().cmp(&other.mean_length())
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TermUnit {
    const ALL: [(TermUnit, &'static str, u32); 5] = [
        (TermUnit::Day, "DAY", 1_826),
        (TermUnit::Week, "WEEK", 260),
        (TermUnit::Month, "MONTH", 60),
        (TermUnit::Year, "YEAR", 5),
        (TermUnit::Once, "ONCE", 1),
    ];
}

impl FromStr for Term {
    type Err = InvalidTerm;

    fn from_str(text: &str) -> Result<Self, InvalidTerm> {
        let invalid = || InvalidTerm(text.to_owned());
        let (count, name) = text.split_once(' ').unwrap_or(("1", text));
        let (unit, _, most) =
            TermUnit::ALL.into_iter().find(|(_, known, _)| *known == name).ok_or_else(invalid)?;
        let digits = count.bytes().all(|b| b.is_ascii_digit());
        let count: u32 = count.parse().ok().filter(|_| digits).ok_or_else(invalid)?;
        let counted = unit != TermUnit::Once || name == text;
        if counted && (1..=most).contains(&count) { Ok(Self { unit, count }) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for Term {
    type Error = InvalidTerm;

    fn try_from(text: String) -> Result<Self, InvalidTerm> {
        text.parse()
    }
}

impl From<Term> for String {
    fn from(term: Term) -> Self {
        term.to_string()
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = TermUnit::ALL.iter().find(|(unit, ..)| *unit == self.unit).map_or("", |(_, name, _)| name);
        if self.count == 1 { f.write_str(name) } else { write!(f, "{} {name}", self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    #[test]
    fn a_term_is_once_or_a_count_of_a_unit() {
        for text in ["DAY", "14 DAY", "1826 DAY", "260 WEEK", "MONTH", "60 MONTH", "5 YEAR", "ONCE"] {
            assert_eq!(term(text).to_string(), text);
        }
        assert_eq!(term("1 MONTH").to_string(), "MONTH");
        for text in [
            "", "month", "MONTHS", "0 DAY", "-1 DAY", "+1 DAY", "1827 DAY", "61 MONTH", "2 ONCE", "1 ONCE",
            "3  MONTH",
        ] {
            assert_eq!(text.parse::<Term>(), Err(InvalidTerm(text.to_owned())));
        }
    }

    #[test]
    fn terms_are_ordered_by_their_length_and_equal_if_that_is() {
        let ordered = [
            "DAY", "6 DAY", "WEEK", "14 DAY", "28 DAY", "30 DAY", "MONTH", "31 DAY", "90 DAY", "3 MONTH",
            "365 DAY", "YEAR", "366 DAY", "2 YEAR", "ONCE",
        ];
        for (n, one) in ordered.iter().enumerate() {
            for (m, other) in ordered.iter().enumerate() {
                assert_eq!(term(one).cmp(&term(other)), n.cmp(&m), "{one} and {other}");
            }
        }
        assert_eq!((term("WEEK"), term("YEAR")), (term("7 DAY"), term("12 MONTH")));
    }

    #[test]
    fn a_part_that_fits_into_the_whole_is_counted() {
        let times = |part: &str, whole: &str| term(part).times_in(term(whole));
        assert_eq!((times("MONTH", "YEAR"), times("MONTH", "3 MONTH")), (Some(12), Some(3)));
        assert_eq!((times("DAY", "2 WEEK"), times("ONCE", "ONCE")), (Some(14), Some(1)));
        assert_eq!(
            (times("WEEK", "MONTH"), times("2 MONTH", "3 MONTH"), times("MONTH", "ONCE")),
            (None, None, None)
        );
    }
}
