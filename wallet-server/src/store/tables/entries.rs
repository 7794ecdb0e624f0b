//! The entries of all ledgers.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wallet_core::entry::{self, Entry, EntryKind};
use wallet_core::feed::InFeed;
use wallet_core::ids::RequestId;
use wallet_core::wallet::RequestRecord;
use wallet_core::{Author, Timestamp, WalletKey, binary};

use crate::store::StoreError;
use crate::store::sql::{RowWrite, WriteKind, row_write, text};
use crate::store::tables::decode;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "entries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) revision: i64,
    pub(crate) format: i16,
    pub(crate) kind: i16,
    /// Those of its items that are in the feed.
    pub(crate) in_feed: i16,
    pub(crate) effective_time: i64,
    pub(crate) record_time: i64,
    pub(crate) reservation_id: String,
    pub(crate) request_id: String,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) actor: String,
    pub(crate) principal: String,
    pub(crate) call_id: String,
    pub(crate) reason: String,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) row_digests: Vec<u8>,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) postings: Vec<u8>,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) balances: Vec<u8>,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) hash: Vec<u8>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the insertion of these entries, each with its wallet. Their notifications are rows of another table.
pub(in crate::store) fn write(entries: &[(WalletKey, &Entry)]) -> RowWrite {
    row_write!("entries", WriteKind::Insert, entries, {
        Key bucket: SmallInt = |(wallet, _)| wallet.bucket(),
        Key wallet_key: Uuid = |(wallet, _)| wallet.uuid(),
        Key revision: BigInt = |(_, entry)| entry.revision,
        Fixed format: SmallInt = |_| entry::FORMAT,
        Fixed kind: SmallInt = |(_, entry)| entry.kind as i16,
        Fixed in_feed: SmallInt = |(_, entry)| i16::from(entry.in_feed.number()),
        Fixed effective_time: BigInt = |(_, entry)| entry.effective_time.as_micros(),
        Fixed record_time: BigInt = |(_, entry)| entry.record_time.as_micros(),
        Fixed reservation_id: Text = |(_, entry)| text(entry.reservation.as_ref()),
        Fixed request_id: Text = |(_, entry)| text(entry.request.as_ref()),
        Fixed fingerprint: Bytes = |(_, entry)| binary::encode_sparse(&entry.fingerprint),
        Fixed actor: Text = |(_, entry)| text(entry.actor.as_ref()),
        Fixed principal: Text = |(_, entry)| entry.author.principal.to_string(),
        Fixed call_id: Text = |(_, entry)| text(entry.author.call.as_ref()),
        Fixed reason: Text = |(_, entry)| entry.reason.clone(),
        Fixed row_digests: Bytes = |(_, entry)| binary::encode_sparse(&entry.row_digests),
        Fixed postings: Bytes = |(_, entry)| binary::encode_sparse(&entry.postings),
        Fixed balances: Bytes = |(_, entry)| binary::encode_sparse(&entry.balances),
        Fixed hash: Bytes = |(_, entry)| entry.hash.to_vec(),
    })
}

/// Decodes an entry without its notifications, which are rows of another table.
pub(in crate::store) fn read(row: Model) -> Result<Entry, StoreError> {
    Ok(Entry {
        revision: row.revision,
        kind: kind(&row)?,
        effective_time: Timestamp::from_micros(row.effective_time),
        record_time: Timestamp::from_micros(row.record_time),
        reservation: decode::optional(&row.reservation_id)?,
        request: decode::optional(&row.request_id)?,
        fingerprint: decode::sparse("fingerprint", &row.fingerprint)?,
        actor: decode::optional(&row.actor)?,
        author: Author { principal: decode::id(&row.principal)?, call: decode::optional(&row.call_id)? },
        row_digests: decode::sparse("row_digests", &row.row_digests)?,
        postings: decode::sparse("postings", &row.postings)?,
        balances: decode::sparse("balances", &row.balances)?,
        events: Vec::new(),
        in_feed: in_feed(&row)?,
        hash: decode::hash(&row.hash)?,
        reason: row.reason,
    })
}

/// Decodes the record that a repeated request is compared with.
pub(in crate::store) fn request(row: &Model) -> Result<(RequestId, RequestRecord), StoreError> {
    let record = RequestRecord {
        kind: kind(row)?,
        fingerprint: decode::sparse("fingerprint", &row.fingerprint)?,
        postings: decode::sparse("postings", &row.postings)?,
    };
    Ok((decode::id(&row.request_id)?, record))
}

fn kind(row: &Model) -> Result<EntryKind, StoreError> {
    decode::numbered("entry kind", EntryKind::ALL, row.kind, |kind| kind as i16)
}

fn in_feed(row: &Model) -> Result<InFeed, StoreError> {
    let number = u8::try_from(row.in_feed);
    let number = number.map_err(|_| StoreError::unreadable(format!("in_feed is {}", row.in_feed)))?;
    Ok(InFeed::numbered(number))
}
