//! Catalogs that are published while wallets live. Two catalogs alternate: the second has other allowances and prices
//! in plans whose subscribers follow the catalog.

use wallet_core::Timestamp;
use wallet_core::sold::Overrides;

use super::calendar::DAY;
use super::catalog::{self, Unit};
use super::state::{Model, Sold};

/// The time between two publications, in microseconds.
const EDITION: i64 = 19 * DAY;

/// Returns whether the second catalog is current at this instant.
pub(crate) fn is_other_edition(at: Timestamp) -> bool {
    (at.as_micros() / EDITION) % 2 == 1
}

/// Returns the amount of an allowance in the second catalog.
pub(super) fn other_amount(plan: &str, unit: Unit, amount: i64) -> i64 {
    match (plan, unit) {
        ("keeper-pro", "credits") => 1300,
        ("annual", "credits") => 450,
        _ => amount,
    }
}

/// Returns the price of a plan in the second catalog.
pub(super) fn other_money(plan: &str, money: Option<i64>) -> Option<i64> {
    if plan == "annual" { Some(14_999) } else { money }
}

impl Model {
    /// Returns the terms that follow those that were sold, if the plan has other ones now.
    fn following(&self, sold: &Sold) -> Option<Sold> {
        let plan =
            catalog::find_plan(sold.plan).filter(|plan| ["keeper-pro", "annual"].contains(&plan.id))?;
        let overrides = Overrides { allowances: sold.negotiated.clone(), ..Overrides::default() };
        let now = Sold::of(plan, &overrides, sold.seats, self.other_edition).ok()?;
        let differs = now.allowances != sold.allowances || now.money != sold.money;
        differs.then(|| Sold { allowances: now.allowances, money: now.money, ..sold.clone() })
    }

    /// Adopts the terms of the current catalog, as each command does that makes an entry.
    pub(super) fn adopt_catalog(&mut self) {
        let Some(mut sub) = self.sub.take() else { return };
        if let Some((sold, _)) = &mut sub.change
            && let Some(new) = self.following(sold)
        {
            *sold = new;
        }
        sub.following = self.following(&sub.sold);
        self.sub = Some(sub);
    }
}
