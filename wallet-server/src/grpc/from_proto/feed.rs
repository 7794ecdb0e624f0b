//! Parses filters of the feed.

use std::collections::BTreeSet;

use wallet_core::feed::ItemType;

use super::FieldReader;
use crate::query::FeedFilter;

const MAX_TYPES: usize = 64;
const MAX_WALLETS: usize = 100;

impl FieldReader {
    /// Parses the types and the wallets to which a feed is restricted.
    pub(crate) fn feed_filter(&mut self, types: &[String], wallet_ids: &[String]) -> FeedFilter {
        let mut filter = FeedFilter::default();
        if !self.too_many("types", types.len(), MAX_TYPES) {
            filter.types = self.item_types(types);
        }
        if !self.too_many("wallet_ids", wallet_ids.len(), MAX_WALLETS) {
            let wallets = wallet_ids.iter().enumerate();
            filter.wallets = wallets.filter_map(|(i, id)| self.id(&format!("wallet_ids[{i}]"), id)).collect();
        }
        filter
    }

    fn item_types(&mut self, types: &[String]) -> BTreeSet<ItemType> {
        let mut read = BTreeSet::new();
        for (i, name) in types.iter().enumerate() {
            match ItemType::ALL.iter().find(|item_type| item_type.name() == name) {
                Some(item_type) => _ = read.insert(*item_type),
                None => {
                    let names: Vec<&str> = ItemType::ALL.iter().map(|item_type| item_type.name()).collect();
                    let text =
                        format!("{name:?} is not a type of the feed; the types are {}", names.join(", "));
                    self.add(format!("types[{i}]"), text);
                }
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_names_and_unknown_ones_are_reported_with_the_known() {
        let mut fields = FieldReader::default();
        let text = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let filter =
            fields.feed_filter(&text(&["job.settled", "balance.low", "job.settled"]), &text(&["ann"]));
        assert_eq!(filter.types, [ItemType::JobSettled, ItemType::LowBalance].into());
        assert_eq!(filter.wallets.len(), 1);
        assert!(fields.lines().is_empty());
        fields.feed_filter(&text(&["job.begun"]), &text(&["", "bob"]));
        let lines = fields.lines();
        assert!(
            lines[0].starts_with(
                "types[0]: \"job.begun\" is not a type of the feed; the types are wallet.created"
            )
        );
        assert_eq!(lines[1], "wallet_ids[0]: must not be empty");
        fields.feed_filter(&vec!["job.settled".to_owned(); 65], &vec!["ann".to_owned(); 101]);
        let lines = fields.lines();
        assert_eq!(lines[2], "types: has 65 entries, at most 64 are allowed");
        assert_eq!(lines[3], "wallet_ids: has 101 entries, at most 100 are allowed");
    }
}
