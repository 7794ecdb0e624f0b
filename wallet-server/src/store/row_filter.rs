//! Conditions on listed rows that the database checks.

use sea_orm::{ColumnTrait, Condition};
use wallet_core::Timestamp;
use wallet_core::event::EventKind;

use crate::store::tables::{events, reservations};

/// A condition on the rows of a list.
#[derive(Debug, Clone)]
pub(crate) struct RowFilter(pub(super) Condition);

impl RowFilter {
    /// Accepts reservations made at or after `from` and before `to`.
    pub(crate) fn reserved_within(from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        use reservations::Column::ReserveTime;
        let condition = Condition::all()
            .add_option(from.map(|time| ReserveTime.gte(time.as_micros())))
            .add_option(to.map(|time| ReserveTime.lt(time.as_micros())));
        Self(condition)
    }

    /// Accepts notifications of these kinds, or of all kinds if there are none.
    pub(crate) fn of_kinds(kinds: &[EventKind]) -> Self {
        let numbers = kinds.iter().map(|kind| *kind as i16);
        let condition = (!kinds.is_empty()).then(|| events::Column::Kind.is_in(numbers));
        Self(Condition::all().add_option(condition))
    }
}
