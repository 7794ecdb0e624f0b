//! Short constructors and helpers for tests.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use wallet_client::v1;

/// An amount of credits.
pub(crate) fn credits(how_many: i64) -> v1::Amount {
    v1::Amount::new("credits", how_many)
}

/// A video of this many seconds: 8 credits per second in the bundled catalog.
pub(crate) fn video(seconds: &str) -> v1::Operation {
    v1::Operation::new("video.generate")
        .attribute("model", "standard")
        .attribute("resolution", "720p")
        .quantity("duration_s", seconds)
}

/// The path of the program that an environment variable names. scripts/test sets all of these variables.
pub(crate) fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.filter(|path| path.is_file())
        .unwrap_or_else(|| panic!("{variable} does not name a program: run scripts/test"))
}

/// The system's clock, in microseconds since 1970.
pub(crate) fn micros() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "compared with times that other processes record")]
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_micros()).expect("it is not that late")
}
