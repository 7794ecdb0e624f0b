//! The settings of the feed. They are the table `[feed]` of the file.

use std::time::Duration;

use super::RecordList;
use super::form::Form::{Count, List, Millis};

settings! {
    /// The settings of the feed.
    pub(crate) struct FeedSettings in "feed";

    /// The types of items that this server adds to the feed, from left to right: a type, as in `job.settled`, a family,
    /// as in `job.*`, or `*`. With `!` before it, it is left out; a list that begins so leaves types out of the
    /// default. In a flag or a variable they are separated by commas; `!*` is none. All servers should have the same.
    record: RecordList = RecordList::default(), List, Everywhere;

    /// The days for which items are kept. Watchers that were away for longer begin again at the first item that is
    /// kept.
    retention_days: u32 = 90, Count(1, 3_650), WithoutFlag;

    /// The time between two passes that give items their positions, and between two looks for new items.
    period: Duration = Duration::from_millis(200), Millis(10, 60_000), WithoutFlag;
}

impl FeedSettings {
    /// Returns the time for which items are kept.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.retention_days))
    }
}
