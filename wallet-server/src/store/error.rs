//! What can go wrong with the database, sorted by what the engine should do about it.
//!
//! Told by SQLSTATE and SQLite's codes, never by message text.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};
use thiserror::Error;
use wallet_core::Broken;

/// A failure of the store, with its cause for the log.
#[derive(Debug, Error)]
#[error("{trouble:?}: {cause}")]
pub(crate) struct StoreError {
    /// What to do about it.
    pub(crate) trouble: Trouble,
    cause: String,
}

/// What the engine should do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another transaction was in the way: the same batch again.
    Conflict,
    /// A row refused by a constraint, or one that does not read back: some command of the batch is at fault.
    Refused,
    /// A decision that does not fit its wallet: an invariant does not hold.
    Broken,
    /// The connection is gone or the database does not answer: nothing was committed.
    Unavailable,
    /// The connection was lost while committing: the batch may or may not have happened.
    CommitUnknown,
}

impl StoreError {
    pub(crate) fn new(trouble: Trouble, cause: impl ToString) -> Self {
        Self { trouble, cause: cause.to_string() }
    }

    /// A row that does not read back as what it should be.
    pub(crate) fn corrupt(what: impl ToString) -> Self {
        Self::new(Trouble::Refused, what)
    }

    /// What a failure of COMMIT means: a refusal by the database is certain, anything else is not.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        match Self::from(error) {
            StoreError { trouble: Trouble::Unavailable, cause } => Self::new(Trouble::CommitUnknown, cause),
            certain => certain,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::new(trouble(&error), error)
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        Self::new(Trouble::Broken, broken)
    }
}

fn trouble(error: &DbErr) -> Trouble {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Trouble::Unavailable,
            _ => Trouble::Refused,
        };
    };
    match cause.as_ref() {
        sqlx::Error::Database(database) => database.code().map_or(Trouble::Unavailable, |c| by_code(&c)),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::TypeNotFound { .. } => {
            Trouble::Refused
        }
        _ => Trouble::Unavailable,
    }
}

/// SQLSTATE has five characters; SQLite's codes are numbers, the kind in the lowest eight bits.
fn by_code(code: &str) -> Trouble {
    if code.len() == 5 {
        return match code {
            "40001" | "40P01" | "55P03" | "23505" => Trouble::Conflict,
            _ => match &code[..2] {
                // connection, resources, operator intervention (shutdown), system
                "08" | "53" | "57" | "58" => Trouble::Unavailable,
                _ => Trouble::Refused,
            },
        };
    }
    const BUSY: i64 = 5;
    const LOCKED: i64 = 6;
    const UNIQUE: i64 = 2067;
    const PRIMARY_KEY: i64 = 1555;
    const CONSTRAINT: i64 = 19;
    const MISMATCH: i64 = 20;
    const ERROR: i64 = 1;
    match code.parse::<i64>() {
        Ok(UNIQUE | PRIMARY_KEY) => Trouble::Conflict,
        Ok(code) => match code & 0xff {
            BUSY | LOCKED => Trouble::Conflict,
            CONSTRAINT | MISMATCH | ERROR => Trouble::Refused,
            _ => Trouble::Unavailable,
        },
        Err(_) => Trouble::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_to_do() {
        for code in ["40001", "40P01", "55P03", "23505", "5", "517", "6", "2067", "1555"] {
            assert_eq!(by_code(code), Trouble::Conflict, "{code}");
        }
        for code in ["23514", "22003", "42601", "275", "1"] {
            assert_eq!(by_code(code), Trouble::Refused, "{code}");
        }
        for code in ["08006", "57P01", "53300", "58030", "10", "13"] {
            assert_eq!(by_code(code), Trouble::Unavailable, "{code}");
        }
    }
}
