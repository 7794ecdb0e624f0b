//! The five products as their customers know them: a file per product and a test per rule, through the real server with
//! the product's catalog and a manual clock. docs/products.md lists the rules and their tests.

#[macro_use]
pub(crate) mod platform;
mod clickraft;
mod flarecut;
mod flikly;
mod kreatorflow;
mod trainings;
mod years;

pub(crate) use platform::Platform;
