//! Fault points: where a test kills a process that migrates, after each statement of the schema.

/// Passes a point. The process dies at the one that `WALLET_DIES_MIGRATING_AT` counts to, in builds with the feature
/// `fault-points`; other builds have none.
pub fn pass() {
    #[cfg(feature = "fault-points")]
    {
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicU64, Ordering};

        static DIES_AT: LazyLock<Option<u64>> =
            LazyLock::new(|| std::env::var("WALLET_DIES_MIGRATING_AT").ok().and_then(|n| n.parse().ok()));
        static PASSED: AtomicU64 = AtomicU64::new(0);
        if DIES_AT.is_some_and(|n| n == PASSED.fetch_add(1, Ordering::Relaxed)) {
            // As sudden as SIGKILL: nothing is unwound, nothing is flushed.
            std::process::abort();
        }
    }
}
