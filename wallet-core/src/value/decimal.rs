//! Exact decimal numbers: quantities, rates and the amounts of price lines.
//!
//! A number is a whole mantissa and a count of decimals in the shortest form, so that "5.0" and "5" are equal and
//! have the same order and hash. Numbers are never floats, and rounding happens only where a [`Rounding`] is named.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// The maximum number of digits before the point in a caller's number.
pub const MAX_INTEGER_DIGITS: usize = 15;
/// The maximum number of digits after the point in a caller's number.
pub const MAX_DECIMALS: usize = 9;

/// The maximum number of decimals of a computed value: 10^38 is the largest power of ten that fits an `i128`.
const MAX_SCALE: u32 = 38;

/// An exact decimal number: `mantissa / 10^scale`, without trailing zeros.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// The direction in which a value between two steps is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// To the next step up.
    #[default]
    Up,
    /// To the next step down.
    Down,
    /// To the nearest step; from the middle, up.
    Nearest,
}

/// The reason why a string is not a decimal. The text continues a sentence that begins with a field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidDecimal {
    #[error("must not be empty")]
    Empty,
    /// The string is not a sequence of digits with an optional point.
    #[error("must be a plain decimal number such as \"5\" or \"2.5\"")]
    NotADecimal,
    /// The string has this many digits before the point, more than [`MAX_INTEGER_DIGITS`].
    #[error("has {0} digits before the point, at most {MAX_INTEGER_DIGITS} are allowed")]
    TooManyDigits(usize),
    /// The string has this many digits after the point, more than [`MAX_DECIMALS`].
    #[error("has {0} digits after the point, at most {MAX_DECIMALS} are allowed")]
    TooManyDecimals(usize),
}

impl Decimal {
    pub const ZERO: Decimal = Decimal { mantissa: 0, scale: 0 };
    pub const ONE: Decimal = Decimal { mantissa: 1, scale: 0 };

    /// Parses a caller's number: digits with an optional point, bounded in length.
    ///
    /// A leading minus is accepted, so that the caller of this function can report "must not be negative" instead
    /// of "must be a plain decimal number".
    pub fn parse(text: &str) -> Result<Self, InvalidDecimal> {
        let written = Written::split(text)?;
        match (written.integer.len(), written.fraction.len()) {
            (digits, _) if digits > MAX_INTEGER_DIGITS => Err(InvalidDecimal::TooManyDigits(digits)),
            (_, decimals) if decimals > MAX_DECIMALS => Err(InvalidDecimal::TooManyDecimals(decimals)),
            _ => written.value(),
        }
    }

    /// Returns the value of `amount` minor units in a unit with `scale` decimals.
    pub fn from_minor(amount: i64, scale: u8) -> Self {
        Self::new(i128::from(amount), u32::from(scale))
    }

    /// Returns the value in minor units of a unit with `scale` decimals, or `None` if it has more decimals or does
    /// not fit.
    pub fn to_minor(self, scale: u8) -> Option<i64> {
        let missing = u32::from(scale).checked_sub(self.scale)?;
        i64::try_from(shifted(self.mantissa, missing)?).ok()
    }

    /// Returns the value in minor units, rounded to a multiple of `increment` (minor units, at least 1), or `None`
    /// if it does not fit.
    pub fn round_to_minor(self, scale: u8, increment: i64, rounding: Rounding) -> Option<i64> {
        let increment = i128::from(increment);
        let scale = u32::from(scale);
        let steps = if self.scale > scale {
            let divisor = shifted(increment, self.scale - scale)?;
            divided(self.mantissa, divisor, rounding)?
        } else {
            divided(shifted(self.mantissa, scale - self.scale)?, increment, rounding)?
        };
        i64::try_from(steps.checked_mul(increment)?).ok()
    }

    /// Returns the number of blocks of size `block` (above zero) in the value, or `None` if it does not fit.
    pub fn in_blocks(self, block: Decimal, rounding: Rounding) -> Option<Decimal> {
        let (value, block) = aligned(self, block)?;
        divided(value, block, rounding).map(|blocks| Self::new(blocks, 0))
    }

    /// Returns the sum, or `None` if it does not fit.
    pub fn checked_add(self, other: Decimal) -> Option<Decimal> {
        let (left, right) = aligned(self, other)?;
        Some(Self::new(left.checked_add(right)?, self.scale.max(other.scale)))
    }

    /// Returns the difference, or `None` if it does not fit.
    pub fn checked_sub(self, other: Decimal) -> Option<Decimal> {
        let (left, right) = aligned(self, other)?;
        Some(Self::new(left.checked_sub(right)?, self.scale.max(other.scale)))
    }

    /// Returns the product, or `None` if it cannot be represented exactly.
    pub fn checked_mul(self, other: Decimal) -> Option<Decimal> {
        let product = Self::new(self.mantissa.checked_mul(other.mantissa)?, self.scale + other.scale);
        (product.scale <= MAX_SCALE).then_some(product)
    }

    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Creates a value in the shortest form. All values are created here.
    fn new(mut mantissa: i128, mut scale: u32) -> Self {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Returns the digits before and after the point, each with the sign of the value.
    fn parts(self) -> (i128, i128) {
        let one = 10_i128.pow(self.scale);
        (self.mantissa / one, self.mantissa % one)
    }
}

/// The pieces of a number in text. Their lengths are not checked yet.
struct Written<'a> {
    negative: bool,
    integer: &'a str,
    fraction: &'a str,
}

impl<'a> Written<'a> {
    fn split(text: &'a str) -> Result<Self, InvalidDecimal> {
        if text.is_empty() {
            return Err(InvalidDecimal::Empty);
        }
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match digits.split_once('.') {
            None if plain(digits) => Ok(Self { negative, integer: digits, fraction: "" }),
            Some((integer, fraction)) if plain(integer) && plain(fraction) => {
                Ok(Self { negative, integer, fraction })
            }
            _ => Err(InvalidDecimal::NotADecimal),
        }
    }

    fn value(&self) -> Result<Decimal, InvalidDecimal> {
        let scale = u32::try_from(self.fraction.len()).ok().filter(|scale| *scale <= MAX_SCALE);
        let scale = scale.ok_or(InvalidDecimal::TooManyDecimals(self.fraction.len()))?;
        let digits = [self.integer, self.fraction].concat();
        let mantissa: i128 = digits.parse().map_err(|_| InvalidDecimal::TooManyDigits(self.integer.len()))?;
        Ok(Decimal::new(if self.negative { -mantissa } else { mantissa }, scale))
    }
}

/// Returns `value x 10^digits`.
fn shifted(value: i128, digits: u32) -> Option<i128> {
    value.checked_mul(10_i128.checked_pow(digits)?)
}

/// Returns both mantissas at the larger of the two scales.
fn aligned(left: Decimal, right: Decimal) -> Option<(i128, i128)> {
    let scale = left.scale.max(right.scale);
    Some((shifted(left.mantissa, scale - left.scale)?, shifted(right.mantissa, scale - right.scale)?))
}

/// Returns the rounded quotient of `value / divisor`, for a divisor above zero.
fn divided(value: i128, divisor: i128, rounding: Rounding) -> Option<i128> {
    let below = value.checked_div_euclid(divisor)?;
    let rest = value.checked_rem_euclid(divisor)?;
    let up = match rounding {
        Rounding::Up => rest > 0,
        Rounding::Down => false,
        Rounding::Nearest => rest >= divisor - rest,
    };
    below.checked_add(i128::from(up))
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::new(i128::from(value), 0)
    }
}

impl Ord for Decimal {
    /// Never overflows: the digits before the point need no alignment, and those after the point stay below 10^38.
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, left_rest) = self.parts();
        let (right, right_rest) = other.parts();
        let scale = self.scale.max(other.scale);
        left.cmp(&right).then_with(|| {
            let left_rest = left_rest * 10_i128.pow(scale - self.scale);
            left_rest.cmp(&(right_rest * 10_i128.pow(scale - other.scale)))
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Parses the output of [`fmt::Display`]. Text of callers goes through [`Decimal::parse`].
impl FromStr for Decimal {
    type Err = InvalidDecimal;
    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        Written::split(text)?.value()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (integer, rest) = self.parts();
        let sign = if self.is_negative() { "-" } else { "" };
        write!(f, "{sign}{}", integer.unsigned_abs())?;
        match self.scale as usize {
            0 => Ok(()),
            width => write!(f, ".{:0width$}", rest.unsigned_abs()),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn equal_numbers_are_equal_in_every_notation() {
        for (written, shortest) in [
            ("5", "5"),
            ("5.0", "5"),
            ("005.000000000", "5"),
            ("0", "0"),
            ("-0.0", "0"),
            ("0.50", "0.5"),
            ("1200", "1200"),
            ("12.345", "12.345"),
            ("-0.05", "-0.05"),
            ("-12.5", "-12.5"),
            ("999999999999999.999999999", "999999999999999.999999999"),
        ] {
            let value = Decimal::parse(written).unwrap();
            assert_eq!(value.to_string(), shortest);
            assert_eq!(value, Decimal::parse(shortest).unwrap());
        }
    }

    #[test]
    fn text_that_is_not_a_plain_bounded_decimal_is_refused_with_a_reason() {
        use InvalidDecimal::*;
        for (text, reason) in [
            ("", Empty),
            ("-", NotADecimal),
            (".5", NotADecimal),
            ("5.", NotADecimal),
            ("+5", NotADecimal),
            ("1e3", NotADecimal),
            ("1,5", NotADecimal),
            (" 5", NotADecimal),
            ("--5", NotADecimal),
            ("5.-5", NotADecimal),
            ("٥", NotADecimal),
            ("1234567890123456", TooManyDigits(16)),
            ("0.1234567890", TooManyDecimals(10)),
        ] {
            assert_eq!(Decimal::parse(text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value_even_where_aligning_them_would_overflow() {
        let huge = Decimal::new(i128::MAX, 0);
        let tiny = Decimal::new(1, MAX_SCALE);
        assert!(tiny < huge && Decimal::new(-i128::MAX, 0) < tiny);
        let ordered = ["-12", "-1.5", "-1.2", "-0.5", "0", "0.05", "0.5", "1.2", "1.25", "12"];
        assert!(ordered.windows(2).all(|pair| dec(pair[0]) < dec(pair[1])));
    }

    #[test]
    fn arithmetic_is_exact_and_overflow_is_none() {
        assert_eq!(dec("0.1").checked_add(dec("0.2")), Some(dec("0.3")));
        assert_eq!(dec("1").checked_sub(dec("0.001")), Some(dec("0.999")));
        assert_eq!(dec("1.5").checked_mul(dec("0.4")), Some(dec("0.6")));
        let huge = Decimal::new(i128::MAX, 0);
        assert_eq!(huge.checked_add(Decimal::ONE), None);
        assert_eq!(huge.checked_mul(dec("2")), None);
        assert_eq!(Decimal::new(1, 20).checked_mul(Decimal::new(1, 20)), None);
    }

    #[test]
    fn blocks_are_counted_up_down_or_to_the_nearest() {
        for (value, block, up, down, nearest) in [
            ("90", "60", 2, 1, 2),
            ("89.9", "60", 2, 1, 1),
            ("60", "60", 1, 1, 1),
            ("0", "60", 0, 0, 0),
            ("0.01", "0.5", 1, 0, 0),
        ] {
            let blocks = |rounding| dec(value).in_blocks(dec(block), rounding).unwrap();
            assert_eq!(blocks(Rounding::Up), Decimal::from(up));
            assert_eq!(blocks(Rounding::Down), Decimal::from(down));
            assert_eq!(blocks(Rounding::Nearest), Decimal::from(nearest));
        }
        assert_eq!(Decimal::ONE.in_blocks(Decimal::ZERO, Rounding::Up), None);
    }

    #[test]
    fn minor_units_are_exact_or_rounded_to_the_increment() {
        assert_eq!(dec("12.5").to_minor(2), Some(1250));
        assert_eq!(dec("12.505").to_minor(2), None);
        assert_eq!(dec("99999999999999999").to_minor(6), None);
        assert_eq!(Decimal::from_minor(1250, 2), dec("12.5"));
        for (value, scale, increment, up, down, nearest) in [
            ("12.345", 2, 1, 1235, 1234, 1235),
            ("12.344", 2, 1, 1235, 1234, 1234),
            ("12", 0, 5, 15, 10, 10),
            ("12.5", 0, 5, 15, 10, 15),
            ("10", 0, 5, 10, 10, 10),
            ("0.000000001", 0, 1, 1, 0, 0),
        ] {
            let rounded = |rounding| dec(value).round_to_minor(scale, increment, rounding).unwrap();
            assert_eq!((rounded(Rounding::Up), rounded(Rounding::Down)), (up, down), "{value}");
            assert_eq!(rounded(Rounding::Nearest), nearest, "{value}");
        }
    }

    #[test]
    fn json_carries_a_string_with_every_digit_of_a_computed_value() {
        let value = dec("0.000000001").checked_mul(dec("0.000000001")).unwrap();
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, "\"0.000000000000000001\"");
        for value in [value, Decimal::new(i128::MAX, 0), Decimal::new(-i128::MAX, MAX_SCALE)] {
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Decimal>(&json).unwrap(), value);
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(mantissa in -10_i128.pow(23)..10_i128.pow(23), scale in 0_u32..=9) {
            let value = Decimal::new(mantissa, scale);
            prop_assert_eq!(dec(&value.to_string()), value);
        }

        #[test]
        fn rounding_moves_by_less_than_one_increment(
            mantissa in 0_i128..10_i128.pow(15), scale in 0_u32..=12, increment in 1_i64..1000,
        ) {
            let value = Decimal::new(mantissa, scale);
            let up = value.round_to_minor(0, increment, Rounding::Up).unwrap();
            let down = value.round_to_minor(0, increment, Rounding::Down).unwrap();
            prop_assert!(Decimal::from(down) <= value && value <= Decimal::from(up));
            prop_assert!(up - down == 0 || up - down == increment);
        }
    }
}
