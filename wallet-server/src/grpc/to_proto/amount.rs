//! Renders amounts, in minor units and as decimal strings.

use wallet_core::catalog::Catalog;
use wallet_core::{Amounts, UnitId};
use wallet_proto::v1;

/// Renders an amount. `display` is empty if the catalog no longer has the unit.
pub(crate) fn amount(catalog: &Catalog, unit: &UnitId, amount: i64) -> v1::Amount {
    let display = catalog.unit(unit.as_str()).map(|unit| unit.display(amount)).unwrap_or_default();
    v1::Amount { unit: unit.to_string(), amount, display }
}

/// Renders amounts, ordered by unit.
pub(crate) fn amounts(catalog: &Catalog, amounts: &Amounts) -> Vec<v1::Amount> {
    amounts.iter().map(|(unit, figure)| amount(catalog, unit, figure)).collect()
}
