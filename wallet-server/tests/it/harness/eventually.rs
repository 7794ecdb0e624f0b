//! Waits for an event that happens soon, or never because of a fault.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// The longest wait, which a busy machine does not need.
const LONGEST: Duration = Duration::from_secs(60);

/// Looks every 20 ms until the result is `Ok`, at most for a minute. Panics with the last `Err`. Not for spawned tasks:
/// the compiler cannot prove that the future is `Send`.
pub(crate) async fn eventually<T, E: Debug>(what: &str, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let begun = Instant::now();
    loop {
        match look().await {
            Ok(value) => return value,
            Err(seen) => assert!(begun.elapsed() < LONGEST, "{what}: not within a minute, but {seen:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Like [`eventually`], for a function that blocks and looks for one state.
#[expect(clippy::disallowed_methods, reason = "blocks like the programs that its callers run")]
pub(super) fn poll(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONGEST, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}
