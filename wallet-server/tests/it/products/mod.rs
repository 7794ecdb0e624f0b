//! The five products as their customers know them: a file per product and a test per rule, through the real server with
//! the product's catalog and a manual clock. docs/products.md lists the rules and their tests. Other rules of plans are tested
//! here too, with `billing.toml` and `free.toml`.

#[macro_use]
mod platform;
mod clickraft;
mod flarecut;
mod flikly;
mod free_credits;
mod kreatorflow;
mod terms;
mod trainings;

pub(crate) use platform::Platform;
