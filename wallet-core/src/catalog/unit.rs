//! Units: id, scale and increment, and the arithmetic of fees and ceilings.

use crate::value::amount::MAX_AMOUNT;
use crate::value::decimal::{Decimal, Rounding};
use crate::value::ids::UnitId;

/// The maximum number of decimals of a unit.
pub(super) const MAX_SCALE: u8 = 6;

/// A unit that amounts are counted in: `credits`, `trainings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub id: UnitId,
    /// The display name.
    pub name: String,
    /// The number of decimals of a whole unit, 0 to 6. Never changes between versions.
    pub scale: u8,
    /// The smallest amount that is ever charged, in minor units, at least 1.
    pub increment: i64,
}

impl Unit {
    /// Formats `amount` minor units with all decimals of the unit: "40", "12.50".
    pub fn display(&self, amount: i64) -> String {
        let sign = if amount < 0 { "-" } else { "" };
        let one = 10_u64.pow(u32::from(self.scale));
        let (whole, rest) = (amount.unsigned_abs() / one, amount.unsigned_abs() % one);
        match usize::from(self.scale) {
            0 => format!("{sign}{whole}"),
            width => format!("{sign}{whole}.{rest:0width$}"),
        }
    }

    /// Converts `amount` minor units to whole units.
    pub fn whole(&self, amount: i64) -> Decimal {
        Decimal::from_minor(amount, self.scale)
    }

    /// Returns whether `amount` minor units can be charged: whether it is a multiple of the increment.
    pub const fn is_multiple(&self, amount: i64) -> bool {
        amount % self.increment == 0
    }

    /// Returns `percent` of `amount` in minor units, rounded down to the increment in favour of the user.
    pub fn floor_percent(&self, amount: i64, percent: u8) -> i64 {
        self.percent(amount, u16::from(percent), Rounding::Down).unwrap_or(MAX_AMOUNT)
    }

    /// Returns `percent` of `amount` in minor units, rounded up to the increment, or `None` above [`MAX_AMOUNT`].
    pub(super) fn ceil_percent(&self, amount: i64, percent: u16) -> Option<i64> {
        self.percent(amount, percent, Rounding::Up).filter(|amount| *amount <= MAX_AMOUNT)
    }

    fn percent(&self, amount: i64, percent: u16, rounding: Rounding) -> Option<i64> {
        let share = self.whole(amount).checked_mul(Decimal::from_minor(i64::from(percent), 2))?;
        share.round_to_minor(self.scale, self.increment, rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(scale: u8, increment: i64) -> Unit {
        Unit { id: UnitId::parse("credits").unwrap(), name: "Credits".into(), scale, increment }
    }

    #[test]
    fn amounts_are_shown_with_all_decimals_of_the_unit() {
        assert_eq!(unit(0, 1).display(40), "40");
        assert_eq!(unit(2, 1).display(1250), "12.50");
        assert_eq!(unit(2, 1).display(-5), "-0.05");
        assert_eq!(unit(6, 1).display(1), "0.000001");
    }

    #[test]
    fn a_fee_is_rounded_down_and_a_ceiling_is_rounded_up() {
        for (scale, increment, amount, floor, ceil) in
            [(0, 1, 25, 12, 13), (0, 5, 25, 10, 15), (2, 1, 2501, 1250, 1251), (0, 1, 0, 0, 0)]
        {
            assert_eq!(unit(scale, increment).floor_percent(amount, 50), floor);
            assert_eq!(unit(scale, increment).ceil_percent(amount, 50), Some(ceil));
        }
        assert_eq!(unit(0, 1).floor_percent(25, 100), 25);
        assert_eq!(unit(0, 1).ceil_percent(MAX_AMOUNT, 120), None);
    }
}
