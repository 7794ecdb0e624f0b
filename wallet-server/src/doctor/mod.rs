//! `doctor`: examines the settings, the files that they name, and the database, and reports what an operator should
//! change, with the next step. It only reads, also while servers use the database.
//!
//! [`mod@examine`] lists the checks: [`files`] examines the files, [`database`] the database as a program, [`work`] the
//! work that waits in it. Each check is one [`Finding`]; a check that cannot be carried out is an error of its own, and
//! the others go on.

mod database;
mod examine;
mod files;
mod finding;
mod work;

pub(crate) use examine::examine;
pub(crate) use finding::{Finding, Level};
