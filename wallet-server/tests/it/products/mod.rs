//! The five products as their customers were promised them: a file per product, a test per rule, through the real
//! server with the product's catalog on manual time. docs/products.md has the table of rules and tests.

#[macro_use]
mod platform;
mod clickraft;
mod flarecut;
mod flikly;
mod kreatorflow;
mod trainings;

pub(crate) use platform::Platform;
