//! The decoding of entries.

use std::str::FromStr;

use wallet_core::entry::{Entry, EntryKind, FORMAT};
use wallet_core::feed::InFeed;
use wallet_core::time::Timestamp;
use wallet_core::{Author, InvalidId};

use crate::store::tables::entries;
use crate::verify::strict;

/// Decodes a row without its notifications, which have rows of their own. The decoded entry must contain everything
/// that the row contains, because the hash is computed from it.
pub(super) fn read(row: &entries::Model) -> Result<Entry, String> {
    if row.format != FORMAT {
        return Err(format!("has format {}, which is unknown", row.format));
    }
    let in_feed = u8::try_from(row.in_feed).map_err(|_| format!("in_feed is {}", row.in_feed))?;
    let kind = EntryKind::ALL.into_iter().find(|kind| *kind as i16 == row.kind);
    Ok(Entry {
        revision: row.revision,
        kind: kind.ok_or_else(|| format!("has kind {}, which is unknown", row.kind))?,
        effective_time: Timestamp::from_micros(row.effective_time),
        record_time: Timestamp::from_micros(row.record_time),
        reservation: optional(&row.reservation_id)?,
        request: optional(&row.request_id)?,
        fingerprint: strict::sparse("fingerprint", &row.fingerprint)?,
        actor: optional(&row.actor)?,
        author: Author {
            principal: row.principal.parse().map_err(|error| format!("principal {error}"))?,
            call: optional(&row.call_id)?,
        },
        reason: row.reason.clone(),
        row_digests: strict::sparse("row_digests", &row.row_digests)?,
        postings: strict::sparse("postings", &row.postings)?,
        balances: strict::sparse("balances", &row.balances)?,
        events: Vec::new(),
        in_feed: InFeed::numbered(in_feed),
        hash: row
            .hash
            .as_slice()
            .try_into()
            .map_err(|_| format!("has a hash of {} bytes", row.hash.len()))?,
    })
}

/// Parses an id. `None` if the text is empty.
pub(super) fn optional<T: FromStr<Err = InvalidId>>(text: &str) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| format!("id {text:?} {error}"))
}
