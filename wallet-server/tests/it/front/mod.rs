//! The front door of a server that authenticates callers: who gets in, and what they find there.

mod canary;
mod command_line;
mod matrix;
mod rates;
mod tenants;
mod wallet_tokens;
