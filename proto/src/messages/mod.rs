//! Constructors and builder methods of the request messages and of the values in them. The generated structs stay as
//! they are: every field is public, and nothing is validated here.
//!
//! A constructor takes the required fields. A method `with_x` replaces the optional field `x`; a method that is named
//! after one element (`attribute`, `label`) adds it to a collection.
#![warn(missing_docs)]

mod admin;
mod auto_top_up;
mod catalog;
mod event;
mod key;
mod many;
mod money_back;
mod tenant;
mod test_clock;
mod values;
mod wallet;
mod webhook;

use std::time::Duration;

/// The longest duration of the protocol, some 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

/// Converts a duration; one that is too long for the protocol becomes its longest.
fn wire_duration(duration: Duration) -> prost_types::Duration {
    let longest = prost_types::Duration { seconds: MAX_SECONDS, nanos: 0 };
    prost_types::Duration::try_from(duration).unwrap_or(longest)
}
