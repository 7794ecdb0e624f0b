//! Failpoints of migrations: tests kill the process after each statement of the schema.

/// Reaches a failpoint. In builds with the feature `fault-points`, the process aborts at the failpoint whose
/// number, from 0, is in `WALLET_DIES_MIGRATING_AT`. Other builds have no failpoints.
pub fn reach() {
    #[cfg(feature = "fault-points")]
    {
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicU64, Ordering};

        static DIES_AT: LazyLock<Option<u64>> =
            LazyLock::new(|| std::env::var("WALLET_DIES_MIGRATING_AT").ok().and_then(|n| n.parse().ok()));
        static PASSED: AtomicU64 = AtomicU64::new(0);
        if DIES_AT.is_some_and(|n| n == PASSED.fetch_add(1, Ordering::Relaxed)) {
            // As sudden as SIGKILL: nothing is unwound or flushed.
            std::process::abort();
        }
    }
}
