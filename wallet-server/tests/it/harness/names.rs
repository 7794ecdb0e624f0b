//! Small things that tests say often.

use std::sync::atomic::{AtomicU64, Ordering};

use wallet_client::{OperationExt, amount, operation, v1};

/// So many credits.
pub(crate) fn credits(how_many: i64) -> v1::Amount {
    amount("credits", how_many)
}

/// A video of so many seconds: 8 credits a second in the bundled catalog.
pub(crate) fn video(seconds: &str) -> v1::Operation {
    operation("video.generate")
        .attribute("model", "standard")
        .attribute("resolution", "720p")
        .quantity("duration_s", seconds)
}

/// An id that no other call gave.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
