//! Chance that can be had again: what is random in a test comes from one seed, which is printed.

use std::hash::{BuildHasher, RandomState};

/// The seed that `WALLET_SEED` names, or one that nobody has seen before.
pub(crate) fn seed() -> u64 {
    let told = std::env::var("WALLET_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    println!("WALLET_SEED={seed}");
    seed
}
