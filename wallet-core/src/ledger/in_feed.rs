//! The items of an entry that are in the feed, as they are stored with the entry.

use crate::ledger::event::EventKind;

/// The items of an entry that are in the feed: the bit 1 for the entry, and 2, 4, 8... for its notifications of the kinds
/// 1, 2, 3...
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InFeed(u8);

impl InFeed {
    /// Returns the items with this stored number.
    pub const fn numbered(number: u8) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u8 {
        self.0
    }

    pub(crate) const fn with_entry(self) -> Self {
        Self(self.0 | 1)
    }

    pub(crate) const fn with(self, kind: EventKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    pub(crate) const fn has_entry(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) const fn has(self, kind: EventKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// Returns true if all of these items are among the others.
    pub(crate) const fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_and_each_kind_of_notification_have_a_bit() {
        let mut all = vec![InFeed::default().with_entry()];
        all.extend(EventKind::ALL.map(|kind| InFeed::default().with(kind)));
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.number().count_ones(), 1, "{one:?}");
            assert_eq!(InFeed::numbered(one.number()), *one);
            for (m, other) in all.iter().enumerate() {
                assert_eq!(one.is_within(*other), n == m, "{one:?} {other:?}");
            }
        }
        assert!(all[0].has_entry() && all[1].has(EventKind::ALL[0]) && !all[1].has_entry());
    }
}
