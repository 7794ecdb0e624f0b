//! A server that authenticates callers: which callers it accepts, and which wallets they reach.

mod canary;
mod client_certificates;
mod command_line;
mod matrix;
mod rates;
mod rates_of_jobs;
mod secrets;
mod tenants;
mod test_clocks;
mod wallet_tokens;
