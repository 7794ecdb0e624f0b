//! Reproducible randomness: all random choices of a test come from one seed, which is printed.

use std::hash::{BuildHasher, RandomState};

/// The seed in `WALLET_SEED`, or a random one.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("WALLET_SEED").ok().map(|seed| seed.parse().expect("WALLET_SEED is a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    println!("WALLET_SEED={seed}");
    seed
}
