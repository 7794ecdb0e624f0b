//! Invalid requests and catalogs, made from valid ones by mutation: the server names the faults of each,
//! and the ledger stays clean.
//!
//! The corpus holds the inputs to begin with: valid requests, and every request that once led to a new outcome.
//! `WALLET_FUZZ_CALLS` sets the number of inputs, `WALLET_FUZZ_KEEP=1` adds inputs with new outcomes to the corpus,
//! `WALLET_SEED` repeats a run.

mod catalogs;
pub(crate) mod corpus;
mod mutate;
pub(crate) mod raw;
mod requests;
mod wire;

/// The number of inputs that a run tries: `WALLET_FUZZ_CALLS`, or `usual` if it is not set.
fn calls(usual: usize) -> usize {
    std::env::var("WALLET_FUZZ_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(usual)
}
