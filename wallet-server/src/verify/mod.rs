//! `verify`: recomputes the ledger from its entries and compares it with every stored row.
//!
//! It is a code path of its own. It folds the postings. With the server it shares the value types, the definitions of
//! the entry hash and of row digests, the definition of the feed's items, and the decoding of balances, of blocks of
//! the feed, of endpoints, and of the scopes and rates of keys. It reads one snapshot, all tables in parallel in the
//! order of their keys, and writes nothing. In memory it keeps the ids and sums of one wallet, a few pages of rows, and
//! for each wallet a number and a hash of its items in the feed.
//!
//! [`run`] goes from the opening of the database to the report. [`rows`] reads, [`ledger`] divides the rows by wallet,
//! and [`wallet`] folds the entries of one, before its other rows are read. A grant is folded in [`grant`] and compared
//! with its row in [`grant_row`], a reservation in [`life`] and [`reservation`]. Refunds and chargebacks concern
//! several grants: [`clawback`] and [`returned_payment`].
//!
//! An unreadable row is a fault of its wallet, and the other rows are still checked. `docs/verify.md` lists what is
//! proven, what is bounded and what cannot be seen. Faults name the invariants of `docs/invariants.md` by their
//! numbers.

mod auto_top_up;
mod balance;
mod chain;
mod checkpoint;
mod clawback;
mod compare;
mod control;
mod entry;
mod error;
mod event;
mod faults;
mod feed;
mod grant;
mod grant_row;
mod ledger;
mod leftover;
mod life;
mod moves;
mod nats;
mod receipt;
mod report;
mod reservation;
mod returned_payment;
mod rows;
mod run;
mod schema;
mod strict;
#[cfg(test)]
mod tests;
mod wallet;
mod webhooks;
mod windows;

pub use error::VerifyError;
pub use report::{CheckpointSize, Report};
pub use run::{Checkpoints, verify, verify_wallet, verify_with};
pub(crate) use schema::differences as schema_differences;
