//! Every rule of the credit wallet, as pure functions over values.
//!
//! Nothing here knows of a network, a database, a clock or randomness: time and ids are arguments, and a decision is
//! data. Start reading at [`UnitOfWork`].
//!
//! The modules are layers. From the lowest to the highest, none names a higher one: [`value`], [`ledger`], [`catalog`],
//! [`wallet`], [`view`], [`decide`], [`due`], `apply`, [`unit_of_work`].

mod apply;
pub mod catalog;
pub mod decide;
pub mod due;
pub mod ledger;
pub mod unit_of_work;
pub mod value;
pub mod view;
pub mod wallet;

pub use apply::change_set::{self, ChangeSet};
pub use decide::command::{self, Command};
pub use decide::{Context, ReadSet, decision, finalize, spend};
pub use due::next_due;
pub use ledger::{entry, event, feed, posting, row_digests};
pub use unit_of_work::{Finished, UnitOfWork};
pub use value::amount::{self, Amounts, MAX_AMOUNT};
pub use value::author::Author;
pub use value::binary;
pub use value::box_map::BoxMap;
pub use value::decimal::{self, Decimal};
pub use value::field_violation::FieldViolation;
pub use value::fingerprint;
pub use value::ids::{
    self, Actor, CallId, InvalidId, OriginId, Principal, RequestId, ReservationId, UnitId, WalletId, WorkerId,
};
pub use value::key::{self, TenantId, WalletKey};
pub use value::operation::{self, Operation};
pub use value::payment_subject::{self, PaymentSubject, PeriodId};
pub use value::period;
pub use value::source::{self, Source};
pub use value::term;
pub use value::time::{self, Timestamp};
pub use view::{Answer, Reply};
pub use wallet::catalogs::{self, Catalogs};
pub use wallet::rejection::{self, Rejection};
pub use wallet::{
    InvariantViolation, Wallet, alerts, auto_top_up, balance, grant, payment, refund, reservation, sold,
    subscription, warning,
};
