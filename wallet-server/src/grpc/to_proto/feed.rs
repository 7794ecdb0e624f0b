//! Renders items of the feed.

use prost::Message;
use wallet_core::catalog::Catalog;
use wallet_proto::v1::{self, feed_item::Content};

use super::entry::entry;
use super::event::event;
use super::page::{FRAME, MAX_BYTES};
use crate::query::{FeedContent, FeedItem, FeedPage};

/// Renders the items of a page up to the largest size of a response, and the last position that was looked at.
pub(crate) fn feed_page(catalog: &Catalog, page: &FeedPage) -> (Vec<v1::FeedItem>, i64) {
    let (mut rendered, mut bytes) = (Vec::new(), 0);
    for item in &page.items {
        let message = feed_item(catalog, item);
        bytes += message.encoded_len() + FRAME;
        if bytes > MAX_BYTES && !rendered.is_empty() {
            return (rendered, item.position - 1);
        }
        rendered.push(message);
    }
    (rendered, page.looked_at)
}

pub(crate) fn feed_item(catalog: &Catalog, item: &FeedItem) -> v1::FeedItem {
    let content = item.content.as_ref().map(|content| match content {
        FeedContent::Entry(content) => Content::Entry(entry(catalog, content)),
        FeedContent::Event(content) => Content::Notification(event(catalog, content)),
    });
    v1::FeedItem {
        position: item.position,
        r#type: item.item_type.name().to_owned(),
        wallet_id: item.wallet.to_string(),
        revision: item.revision,
        content,
    }
}
