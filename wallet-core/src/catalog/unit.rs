//! Units: what is counted, how finely, and the arithmetic of fees and ceilings in it.

use crate::value::amount::MAX_AMOUNT;
use crate::value::decimal::{Decimal, Rounding};
use crate::value::ids::UnitId;

/// The most decimals a unit may have.
pub(super) const MAX_SCALE: u8 = 6;

/// What is counted: `credits`, `trainings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id, which amounts name.
    pub id: UnitId,
    /// What people call it.
    pub name: String,
    /// Decimals of one whole unit, 0 to 6; never changes from version to version.
    pub scale: u8,
    /// The smallest step in which anything is charged, in minor units, at least 1.
    pub increment: i64,
}

impl Unit {
    /// `amount` minor units as people write them, with all decimals of the unit: "40", "12.50".
    pub fn display(&self, amount: i64) -> String {
        let sign = if amount < 0 { "-" } else { "" };
        let one = 10_u64.pow(u32::from(self.scale));
        let (whole, rest) = (amount.unsigned_abs() / one, amount.unsigned_abs() % one);
        match usize::from(self.scale) {
            0 => format!("{sign}{whole}"),
            width => format!("{sign}{whole}.{rest:0width$}"),
        }
    }

    /// `amount` minor units in whole units.
    pub fn whole(&self, amount: i64) -> Decimal {
        Decimal::from_minor(amount, self.scale)
    }

    /// Whether `amount` could be charged: a multiple of the increment.
    pub const fn is_multiple(&self, amount: i64) -> bool {
        amount % self.increment == 0
    }

    /// `percent` of `amount`, down to the increment: the odd part of a fee favours the user.
    pub fn floor_percent(&self, amount: i64, percent: u8) -> i64 {
        self.percent(amount, u16::from(percent), Rounding::Down).unwrap_or(MAX_AMOUNT)
    }

    /// `percent` of `amount`, up to the increment; `None` above [`MAX_AMOUNT`].
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
    fn the_odd_part_of_a_fee_favours_the_user_and_that_of_a_ceiling_the_platform() {
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
