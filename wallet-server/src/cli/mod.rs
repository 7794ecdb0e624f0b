//! The command line: one binary with roles, which `role` lists. Each has a file of its own.

mod backup;
mod catalog;
mod config;
mod doctor;
mod error;
mod flags;
mod health;
mod keys;
mod log_limit;
mod manual;
mod migrate;
mod output;
#[cfg(test)]
mod reference;
mod role;
mod serve;
mod server;
mod tenants;
mod text_file;
mod unfreeze;
mod verify;
mod webhooks;

pub use role::run;
