//! Errors of the store, sorted by how the engine has to react.
//!
//! They are classified by SQLSTATE and SQLite's codes, never by message text.

use std::borrow::Cow;
use std::fmt;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};
use thiserror::Error;
use wallet_core::InvariantViolation;

use crate::causes::{AnyError, Failed};

/// A failure of the database. Its source is the error of the driver, or a description of the fault.
#[derive(Debug, Error)]
#[error("{kind}")]
pub struct StoreError {
    pub(crate) kind: StoreErrorKind,
    #[source]
    cause: AnyError,
}

/// The kind of a store failure, which decides how the engine reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreErrorKind {
    /// A conflict with another transaction: the same batch can run again.
    Conflict,
    /// The database refused a row: some command of the batch is at fault.
    Refused,
    /// A row cannot be decoded: some wallet of the batch is at fault.
    Unreadable,
    /// A decision violates an invariant of its wallet.
    InvariantViolated,
    /// The connection is lost or its session is unusable, or the database does not answer or is read-only. Nothing
    /// was committed, and a retry needs a new connection.
    Unavailable,
    /// The connection was lost during COMMIT: the outcome of the batch is unknown.
    CommitUnknown,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "a conflict with another transaction",
            Self::Refused => "the database refused a row, or is inconsistent",
            Self::Unreadable => "a row cannot be decoded",
            Self::InvariantViolated => "a decision violates an invariant",
            Self::Unavailable => "the database is unavailable",
            Self::CommitUnknown => "the outcome of a COMMIT is unknown",
        })
    }
}

impl StoreError {
    pub(crate) fn new(kind: StoreErrorKind, cause: impl Into<AnyError>) -> Self {
        Self { kind, cause: cause.into() }
    }

    /// Reports a row of a wallet that cannot be decoded.
    pub(crate) fn unreadable(what: impl Into<AnyError>) -> Self {
        Self::new(StoreErrorKind::Unreadable, what)
    }

    /// Reports any other inconsistency in the database.
    pub(crate) fn corrupt(what: impl Into<AnyError>) -> Self {
        Self::new(StoreErrorKind::Refused, what)
    }

    /// Reports that a file or a server cannot be used.
    pub(crate) fn unavailable(subject: impl fmt::Display, cause: impl Into<AnyError>) -> Self {
        Self::new(StoreErrorKind::Unavailable, Failed::new(subject, cause))
    }

    /// Converts a failure of COMMIT. A known refusal by the database is certain; any other error leaves the outcome
    /// unknown.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        if code(&error).is_some_and(|code| is_certain_of_commit(&code)) {
            return Self::from(error);
        }
        Self::new(StoreErrorKind::CommitUnknown, without_prefix(error))
    }

    /// Converts a failure of a statement that writes and commits at once. A known refusal by the database is certain,
    /// and so is a failure before the statement was sent; any other error leaves the outcome unknown.
    pub(crate) fn of_committing_statement(error: DbErr) -> Self {
        if is_unsent(&error) || code(&error).is_some_and(|code| is_raised_before_commit(&code)) {
            return Self::from(error);
        }
        Self::of_commit(error)
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::new(kind(&error), without_prefix(error))
    }
}

impl From<InvariantViolation> for StoreError {
    fn from(violation: InvariantViolation) -> Self {
        Self::new(StoreErrorKind::InvariantViolated, violation)
    }
}

fn kind(error: &DbErr) -> StoreErrorKind {
    match cause(error) {
        Some(sqlx::Error::Database(refusal)) => {
            refusal.code().map_or(StoreErrorKind::Unavailable, |c| by_code(&c))
        }
        Some(
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::TypeNotFound { .. },
        ) => StoreErrorKind::Unreadable,
        // A value of some command does not fit; it does not fit the next time either.
        Some(sqlx::Error::Encode(_)) => StoreErrorKind::Refused,
        Some(_) => StoreErrorKind::Unavailable,
        None => match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => StoreErrorKind::Unavailable,
            DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => StoreErrorKind::Unreadable,
            _ => StoreErrorKind::Refused,
        },
    }
}

/// Returns the error of the database or the driver, without the prefixes that sea-orm adds.
fn without_prefix(error: DbErr) -> AnyError {
    match error {
        DbErr::Exec(RuntimeErr::Internal(text))
        | DbErr::Query(RuntimeErr::Internal(text))
        | DbErr::Conn(RuntimeErr::Internal(text))
        | DbErr::Custom(text)
        | DbErr::Json(text)
        | DbErr::Migration(text)
        | DbErr::RecordNotFound(text)
        | DbErr::Type(text) => text.into(),
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => error.into(),
        error => error.into(),
    }
}

/// Returns true if an established connection failed, so that another one may work. A cancelled statement (57014),
/// for example after the statement timeout, is not repeated.
pub(super) fn is_of_connection(error: &DbErr) -> bool {
    let is_established = matches!(error, DbErr::Exec(_) | DbErr::Query(_));
    is_established
        && kind(error) == StoreErrorKind::Unavailable
        && code(error).is_none_or(|code| code != "57014")
}

/// Returns the driver's own error.
fn cause(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))
        | DbErr::Conn(RuntimeErr::SqlxError(cause)) => Some(cause.as_ref()),
        _ => None,
    }
}

/// Returns the code with which the database refused.
fn code(error: &DbErr) -> Option<Cow<'_, str>> {
    cause(error)?.as_database_error()?.code()
}

/// Returns true if a statement was not sent: a parameter cannot be encoded, or there was no connection to send it on.
fn is_unsent(error: &DbErr) -> bool {
    matches!(cause(error), Some(sqlx::Error::Encode(_)))
        || matches!(error, DbErr::Conn(RuntimeErr::SqlxError(_)))
}

/// Returns true if a COMMIT refused with this code has certainly not taken effect.
fn is_certain_of_commit(code: &str) -> bool {
    match by_code(code) {
        StoreErrorKind::Conflict => true,
        // A damaged page may be found after the commit record is written.
        StoreErrorKind::Refused => !code.starts_with("XX") && code != "11",
        StoreErrorKind::Unreadable
        | StoreErrorKind::InvariantViolated
        | StoreErrorKind::Unavailable
        | StoreErrorKind::CommitUnknown => false,
    }
}

/// Returns true if PostgreSQL raises this error only while it prepares or executes a statement, before the commit: the
/// tables were altered, the server is read-only, a right is missing, a prepared statement is missing or exists already,
/// memory or disk space is used up, or the statement was cancelled. A cancelled wait for a replica is a warning after
/// the commit, not an error.
fn is_raised_before_commit(code: &str) -> bool {
    matches!(code, "0A000" | "25006" | "26000" | "42501" | "42P05" | "57014")
        || code.len() == 5 && code.starts_with("53")
}

/// Classifies SQLSTATEs, which have five characters, and SQLite's codes, which are numbers with the primary code in
/// the lowest eight bits.
///
/// Only errors that a command's own rows can cause are [`StoreErrorKind::Refused`]. Every other code, also an unknown
/// one, concerns the connection or the state of the server, and a retry on a new connection may succeed. Examples are a
/// server that is read-only for a while (25006), and a prepared statement whose tables were altered (0A000).
fn by_code(code: &str) -> StoreErrorKind {
    if code.len() == 5 { by_sqlstate(code) } else { by_sqlite_code(code) }
}

fn by_sqlstate(code: &str) -> StoreErrorKind {
    match code {
        // serialization failure, deadlock, lock timeout, another transaction's row with the same key
        "40001" | "40P01" | "55P03" | "23505" => StoreErrorKind::Conflict,
        // a prepared statement of another client of a pooler; privileges that an administrator revoked for now
        "42P05" | "42501" => StoreErrorKind::Unavailable,
        // a damaged page, which belongs to some wallet
        "XX001" | "XX002" => StoreErrorKind::Refused,
        _ => match &code[..2] {
            // cardinality, data, constraints, syntax and names, check option, program limits, triggers
            "21" | "22" | "23" | "42" | "44" | "54" | "P0" => StoreErrorKind::Refused,
            _ => StoreErrorKind::Unavailable,
        },
    }
}

fn by_sqlite_code(code: &str) -> StoreErrorKind {
    const ERROR: i64 = 1;
    const BUSY: i64 = 5;
    const LOCKED: i64 = 6;
    const CORRUPT: i64 = 11;
    const TOO_BIG: i64 = 18;
    const CONSTRAINT: i64 = 19;
    const MISMATCH: i64 = 20;
    const RANGE: i64 = 25;
    const UNIQUE: i64 = 2067;
    const PRIMARY_KEY: i64 = 1555;
    match code.parse::<i64>() {
        Ok(UNIQUE | PRIMARY_KEY) => StoreErrorKind::Conflict,
        Ok(code) => match code & 0xff {
            BUSY | LOCKED => StoreErrorKind::Conflict,
            ERROR | CORRUPT | TOO_BIG | CONSTRAINT | MISMATCH | RANGE => StoreErrorKind::Refused,
            _ => StoreErrorKind::Unavailable,
        },
        Err(_) => StoreErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::causes::Chain;

    #[test]
    fn a_text_has_no_prefix_of_a_library() {
        let own = || RuntimeErr::Internal("it is away".to_owned());
        let of_driver = || RuntimeErr::SqlxError(Arc::new(sqlx::Error::PoolTimedOut));
        let text = || "it is away".to_owned();
        for (error, expected) in [
            (DbErr::Conn(own()), text()),
            (DbErr::Exec(own()), text()),
            (DbErr::Query(own()), text()),
            (DbErr::Custom(text()), text()),
            (DbErr::Json(text()), text()),
            (DbErr::Migration(text()), text()),
            (DbErr::RecordNotFound(text()), text()),
            (DbErr::Type(text()), text()),
            (DbErr::Conn(of_driver()), sqlx::Error::PoolTimedOut.to_string()),
            (DbErr::Exec(of_driver()), sqlx::Error::PoolTimedOut.to_string()),
            (DbErr::Query(of_driver()), sqlx::Error::PoolTimedOut.to_string()),
        ] {
            let (read, commit) = (StoreError::from(error.clone()), StoreError::of_commit(error.clone()));
            let kind = read.kind;
            assert_eq!(Chain(&read).to_string(), format!("{kind}: {expected}"), "{error:?}");
            let unknown = format!("the outcome of a COMMIT is unknown: {expected}");
            assert_eq!(Chain(&commit).to_string(), unknown, "{error:?}");
        }
    }

    #[test]
    fn codes_are_classified_by_how_to_react() {
        use StoreErrorKind::{Conflict, Refused, Unavailable};
        for (kind, codes) in [
            (Conflict, "40001 40P01 55P03 23505 5 517 6 262 2067 1555"),
            (
                Refused,
                "21000 22003 22P02 23502 23503 23514 42601 42703 42P01 44000 54000 54023 P0001 XX001 XX002",
            ),
            (Refused, "1 11 18 19 275 20 25"),
            // The connection is lost, or its session is in a state that a new one does not have.
            (Unavailable, "08006 08P01 26000 34000 42P05 25001 25006 25P01 25P02 25P03 25P04 0A000"),
            // The server stops, starts, lacks a resource, is read-only, refuses a login, or has a defect.
            (
                Unavailable,
                "57014 57P01 57P02 57P03 57P05 53000 53100 53200 53300 58000 58030 72000 XX000 F0000",
            ),
            (Unavailable, "28000 28P01 3D000 3F000 42501 40000 40002 40003 55000 55006 55P02 55P04"),
            (Unavailable, "99999 HV000 ZZZZZ 3 7 8 9 10 13 14 15 17 21 23 26 none"),
        ] {
            for code in codes.split(' ') {
                assert_eq!(by_code(code), kind, "{code}");
            }
        }
    }

    #[test]
    fn a_statement_that_was_not_sent_is_certainly_not_applied() {
        use StoreErrorKind::{CommitUnknown, Refused, Unavailable};
        let encode = || sqlx::Error::Encode("too long".into());
        let query = |error: sqlx::Error| DbErr::Query(RuntimeErr::SqlxError(error.into()));
        let connect = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(error.into()));
        let lost = || sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into());
        for (kind, error) in [
            (Refused, query(encode())),
            (Unavailable, connect(lost())),
            (Unavailable, connect(sqlx::Error::PoolTimedOut)),
            (CommitUnknown, query(lost())),
            (CommitUnknown, query(sqlx::Error::Protocol("?".to_owned()))),
            // The time limit of the call: the statement may have been sent.
            (CommitUnknown, DbErr::Conn(RuntimeErr::Internal("no answer".to_owned()))),
        ] {
            assert_eq!(StoreError::of_committing_statement(error.clone()).kind, kind, "{error:?}");
        }
    }

    #[test]
    fn errors_of_execution_are_raised_before_the_commit() {
        for code in "0A000 25006 26000 42501 42P05 53100 53200 57014".split(' ') {
            assert!(is_raised_before_commit(code), "{code}");
        }
        for code in "40003 57P01 57P02 08006 58030 XX000 XX001 99999 53 5".split(' ') {
            assert!(!is_raised_before_commit(code), "{code}");
        }
    }

    #[test]
    fn only_known_refusals_of_a_commit_are_certain() {
        let certain = "40001 40P01 55P03 23505 23503 23514 22003 P0001 5 517 19 787 2067";
        let unknown = "40003 40000 25006 25P02 57014 57P01 08006 53100 58030 0A000 XX000 XX001 99999 8 10 11 13 778 none";
        for (expected, codes) in [(true, certain), (false, unknown)] {
            for code in codes.split(' ') {
                assert_eq!(is_certain_of_commit(code), expected, "{code}");
            }
        }
    }
}
