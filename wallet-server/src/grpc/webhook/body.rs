//! The bodies of messages to endpoints: JSON as Standard Webhooks recommends, with the item as ListFeed shows it.

use std::sync::Arc;

use prost::Message;
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};
use wallet_core::Timestamp;
use wallet_core::catalog::Catalog;

use crate::grpc::to_proto;
use crate::query::{FeedContent, FeedItem};
use crate::webhooks::Render;

/// The most bytes of a body. Receivers need not accept more.
const MAX_BYTES: usize = 20_000;

/// Returns the function that renders the bodies of messages.
pub(crate) fn webhook_bodies() -> Result<Render, DescriptorError> {
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET)?;
    let message = pool.get_message_by_name("wallet.v1.FeedItem");
    Ok(Arc::new(move |catalog: &Catalog, item: &FeedItem| body(catalog, item, message.as_ref())))
}

fn body(catalog: &Catalog, item: &FeedItem, message: Option<&MessageDescriptor>) -> Vec<u8> {
    let timestamp = match &item.content {
        Some(FeedContent::Entry(entry)) => Some(entry.record_time.to_string()),
        Some(FeedContent::Event(event)) => Some(event.event_time.to_string()),
        Some(FeedContent::Change(row)) => Some(Timestamp::from_micros(row.event_time).to_string()),
        None => None,
    };
    let bytes = to_proto::feed_item(catalog, item).encode_to_vec();
    let read = message.and_then(|message| DynamicMessage::decode(message.clone(), bytes.as_slice()).ok());
    let mut data = read.and_then(|read| serde_json::to_value(read).ok()).unwrap_or_default();
    let whole = |data: &Value| {
        json!({ "type": item.item_type.name(), "timestamp": timestamp, "data": data })
            .to_string()
            .into_bytes()
    };
    let rendered = whole(&data);
    if rendered.len() <= MAX_BYTES {
        return rendered;
    }
    if let Some(entry) = data.get_mut("entry").and_then(Value::as_object_mut) {
        entry.remove("postings");
        entry.insert("postingsOmitted".to_owned(), true.into());
    }
    whole(&data)
}
