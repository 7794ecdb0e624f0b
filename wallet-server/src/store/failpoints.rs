//! Failpoints: before and after each database call and before each reply, tests can hang, panic or abort. They are
//! counted as they are reached instead of being named, so none can be forgotten: a test stops at the first, the
//! second and so on, until a run reaches no further one.
//!
//! Only builds with the feature `failpoints` have them. `cargo test` makes such builds, `cargo build` never does.

/// Reaches the failpoint before or after a call to the database.
pub(crate) async fn reach() {
    #[cfg(feature = "failpoints")]
    armed::reach().await;
}

/// Reaches the failpoint before a reply.
pub(crate) fn reach_before_reply() {
    #[cfg(feature = "failpoints")]
    armed::abort_if_armed();
}

#[cfg(feature = "failpoints")]
pub(crate) mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The number of the failpoint, from 0, at which the process aborts; from an environment variable.
    static ABORT_AT: LazyLock<Option<u64>> =
        LazyLock::new(|| std::env::var("WALLET_ABORT_AT").ok().and_then(|n| n.parse().ok()));
    static REACHED: AtomicU64 = AtomicU64::new(0);

    #[cfg(test)]
    tokio::task_local! {
        /// The number of failpoints that the task passes before it hangs; below zero once it does.
        pub(crate) static HANG_AT: std::sync::Arc<std::sync::atomic::AtomicI64>;
        /// The number of failpoints that the task passes before it panics, once.
        pub(crate) static PANIC_AT: std::sync::Arc<std::sync::atomic::AtomicI64>;
        /// The failpoint at which a call of the task gets no answer.
        pub(crate) static STALL_AT: std::sync::Arc<Stall>;
    }

    /// A failpoint at which a call gets no answer, and the action that happens at that moment.
    #[cfg(test)]
    pub(crate) struct Stall {
        /// The number of failpoints that the task passes before this one.
        pub(crate) left: std::sync::atomic::AtomicI64,
        /// If true, later calls get no answer either.
        pub(crate) is_permanent: bool,
        pub(crate) then: Box<dyn Fn() + Send + Sync>,
    }

    #[cfg(test)]
    impl Stall {
        fn is_here(&self) -> bool {
            let left = self.left.fetch_sub(1, Ordering::Relaxed);
            if left == 0 {
                (self.then)();
            }
            left == 0 || self.is_permanent && left < 0
        }
    }

    pub(super) async fn reach() {
        abort_if_armed();
        #[cfg(test)]
        assert!(
            PANIC_AT.try_with(|left| left.fetch_sub(1, Ordering::Relaxed) != 0).unwrap_or(true),
            "panic at a failpoint"
        );
        #[cfg(test)]
        if HANG_AT.try_with(|left| left.fetch_sub(1, Ordering::Relaxed) <= 0).unwrap_or(false) {
            std::future::pending::<()>().await;
        }
        #[cfg(test)]
        if STALL_AT.try_with(|stall| stall.is_here()).unwrap_or(false) {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn abort_if_armed() {
        if ABORT_AT.is_some_and(|n| n == REACHED.fetch_add(1, Ordering::Relaxed)) {
            // As sudden as SIGKILL: nothing is unwound or flushed.
            std::process::abort();
        }
    }
}
