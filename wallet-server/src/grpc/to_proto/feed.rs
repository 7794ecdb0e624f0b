//! Renders items of the feed.

use prost::Message;
use wallet_core::catalog::Catalog;
use wallet_proto::v1::{self, feed_item::Content};

use super::entry::entry;
use super::event::event;
use super::key::audit_event;
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
        FeedContent::Change(row) => Content::Change(audit_event(row)),
    });
    v1::FeedItem {
        position: item.position,
        r#type: item.item_type.name().to_owned(),
        wallet_id: item.wallet.as_ref().map(ToString::to_string).unwrap_or_default(),
        revision: item.revision,
        content,
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::entry::{Entry, EntryKind};
    use wallet_core::feed::{InFeed, ItemType};
    use wallet_core::fingerprint::Fingerprint;
    use wallet_core::row_digests::RowDigests;
    use wallet_core::{Author, Timestamp};

    use super::*;
    use crate::config::BUNDLED_CATALOG;
    use crate::store::FeedEnds;

    /// Returns an item at a position, with a text of this size.
    fn item(position: i64, kib: usize) -> FeedItem {
        let entry = Entry {
            revision: position,
            kind: EntryKind::Granted,
            effective_time: Timestamp::EPOCH,
            record_time: Timestamp::EPOCH,
            reservation: None,
            request: None,
            fingerprint: Fingerprint::default(),
            actor: None,
            author: Author::system(),
            reason: "x".repeat(kib * 1_024),
            row_digests: RowDigests::default(),
            postings: Vec::new(),
            balances: Vec::new(),
            events: Vec::new(),
            in_feed: InFeed::default(),
            hash: [0; 32],
        };
        let content = Some(FeedContent::Entry(Box::new(entry)));
        let (item_type, wallet) = (ItemType::Granted, Some("ann".parse().unwrap()));
        FeedItem { position, item_type, wallet, revision: position, content }
    }

    /// Returns the number of items on the first page of a feed with texts of these sizes, from position 101, and the
    /// position from which the reader continues. The feed was looked at up to position 200.
    fn first_page(kib: &[usize]) -> (usize, i64) {
        let catalog = Catalog::parse(BUNDLED_CATALOG).unwrap();
        let items = (101..).zip(kib).map(|(position, kib)| item(position, *kib)).collect();
        let page = FeedPage { items, looked_at: 200, ends: FeedEnds { first: 1, last: 300 } };
        let (items, looked_at) = feed_page(&catalog, &page);
        let count = items.len();
        let bytes = v1::ListFeedResponse { items, ..Default::default() }.encoded_len();
        assert!(bytes <= MAX_BYTES || count == 1, "{bytes}");
        (count, looked_at)
    }

    #[test]
    fn a_page_of_the_feed_ends_before_two_mebibytes_and_skips_nothing() {
        assert_eq!(first_page(&[300; 10]), (6, 106));
        assert_eq!(first_page(&[300; 6]), (6, 200));
        assert_eq!(first_page(&[3_000, 1]), (1, 101));
        assert_eq!(first_page(&[3_000]), (1, 200));
        assert_eq!(first_page(&[]), (0, 200));
    }
}
