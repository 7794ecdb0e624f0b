//! Failpoints of migrations: tests kill the process after each statement of the schema.

/// Reaches a failpoint. In builds with the feature `failpoints`, the process aborts at the failpoint whose
/// number, from 0, is in `WALLET_ABORT_MIGRATION_AT`. Other builds have no failpoints.
pub fn reach() {
    #[cfg(feature = "failpoints")]
    {
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicU64, Ordering};

        static ABORT_AT: LazyLock<Option<u64>> =
            LazyLock::new(|| std::env::var("WALLET_ABORT_MIGRATION_AT").ok().and_then(|n| n.parse().ok()));
        static REACHED: AtomicU64 = AtomicU64::new(0);
        if ABORT_AT.is_some_and(|n| n == REACHED.fetch_add(1, Ordering::Relaxed)) {
            // As sudden as SIGKILL: nothing is unwound or flushed.
            std::process::abort();
        }
    }
}
