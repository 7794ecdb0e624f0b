//! Every rule of the credit wallet, as pure functions over values.
//!
//! Nothing here knows of a network, a database, a clock or randomness: time and ids are arguments,
//! and a decision is data. Start reading at [`UnitOfWork`].

pub mod advance;
pub mod alerts;
pub mod amount;
pub mod balance;
pub mod catalog;
pub mod catalogs;
pub mod change_set;
pub mod command;
pub mod decide;
pub mod decimal;
pub mod decision;
pub mod entry;
pub mod event;
pub mod fact;
pub mod fingerprint;
pub mod grant;
mod hints;
pub mod hold;
pub mod ids;
pub mod key;
pub mod operation;
pub mod period;
pub mod posting;
pub mod rejection;
pub mod renew;
pub mod reservation;
mod soundness;
pub mod source;
pub mod spend;
pub mod subscription;
pub mod time;
pub mod unit_of_work;
pub mod wallet;

pub use amount::{Amounts, MAX_AMOUNT};
pub use catalogs::Catalogs;
pub use change_set::ChangeSet;
pub use command::{Answer, Command, Context, Reply};
pub use decimal::Decimal;
pub use ids::{Actor, InvalidId, OriginId, RequestId, ReservationId, UnitId, WalletId, WorkerId};
pub use key::{TenantId, WalletKey};
pub use operation::Operation;
pub use rejection::{FieldViolation, Rejection};
pub use source::Source;
pub use time::Timestamp;
pub use unit_of_work::{Finished, UnitOfWork};
pub use wallet::{Broken, Wallet};
