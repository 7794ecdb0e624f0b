//! Carries decisions out on the wallet in memory, for a [`UnitOfWork`](crate::unit_of_work::UnitOfWork) alone.

pub(crate) mod auto_top_up;
pub(crate) mod carry_out;
pub mod change_set;
pub(crate) mod hints;
pub(crate) mod notify;
pub(crate) mod plans;
pub(crate) mod row_digests;
