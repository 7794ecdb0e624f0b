//! Requests and catalogs that nobody would send, made from some that people do: whatever comes, the server answers with
//! what is wrong with it, and the ledger adds up.
//!
//! The corpus holds what to begin with and every request that once led somewhere new. `WALLET_FUZZ_CALLS` makes a run longer,
//! `WALLET_FUZZ_KEEP=1` writes the inputs with new outcomes into the corpus, `WALLET_SEED` repeats a run.

mod catalogs;
mod corpus;
mod mutate;
pub(crate) mod raw;
mod requests;
mod wire;

/// How many inputs a run tries: so many, or as the environment says.
fn calls(usual: usize) -> usize {
    std::env::var("WALLET_FUZZ_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(usual)
}
