//! Numbers and durations in the notation of the document.

use std::time::Duration;

use serde::Deserialize;

use crate::value::decimal::Decimal;

/// A number: `40`, or `"12.5"` in quotes.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a whole number, or a decimal number in quotes")]
pub(super) enum Literal {
    Integer(i64),
    Text(String),
    /// TOML reads `12.5` as a binary float, which is not exactly the written number.
    Float(f64),
}

impl Literal {
    /// Returns the number, zero or more.
    pub(super) fn decimal(&self) -> Result<Decimal, String> {
        let parsed = match self {
            Literal::Integer(number) => Decimal::parse(&number.to_string()),
            Literal::Text(text) => Decimal::parse(text),
            Literal::Float(number) => {
                return Err(format!("must be in quotes to be exact: \"{number}\""));
            }
        };
        match parsed {
            Ok(number) if number.is_negative() => Err(format!("must not be negative, is {number}")),
            Ok(number) => Ok(number),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Parses a duration: a whole number followed by `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// Returns a duration of whole seconds in this notation: in hours or minutes if it is a multiple of them.
pub(super) fn written(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_of_seconds_minutes_hours_or_days() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "30", "30 m", "+5m", "-5m", "1.5h", "5é", "99999999999999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_is_whole_or_in_quotes_and_never_negative() {
        assert_eq!(Literal::Integer(40).decimal(), Ok(Decimal::from(40)));
        assert_eq!(Literal::Text("12.50".into()).decimal().unwrap().to_string(), "12.5");
        assert!(Literal::Float(12.5).decimal().unwrap_err().contains("\"12.5\""));
        assert!(Literal::Integer(-1).decimal().unwrap_err().contains("negative"));
        assert!(Literal::Text("x".into()).decimal().unwrap_err().contains("decimal"));
    }
}
