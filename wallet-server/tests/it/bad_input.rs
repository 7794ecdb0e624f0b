//! Invalid requests: each is refused with all of its field violations at once, and nothing is written.

mod catalog_decides;
mod jobs;
mod money_back;
mod oversized;
mod purchases;
mod quotes;
mod required;

use wallet_client::WalletClient;
use wallet_client::v1;

use crate::shorthand::entries;

const ALPHABET: &str = "letters, digits and - _ . : @ / | + = ~ are allowed";
const PRINTABLE: &str = "printable ASCII characters without spaces are allowed";

fn amount(unit: &str, amount: i64) -> v1::Amount {
    v1::Amount::new(unit, amount)
}

/// An id of the given length in bytes.
fn long(bytes: usize) -> String {
    "x".repeat(bytes)
}

fn duration(seconds: i64, nanos: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos })
}

fn instant(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

/// Asserts that the wallet's ledger has `revision` entries and no more.
async fn unchanged(client: &WalletClient, wallet: &str, revision: usize) {
    assert_eq!(entries(client, wallet).await.len(), revision);
}
