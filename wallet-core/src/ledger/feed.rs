//! The feed: which entries and notifications other systems see, and as which type.
//!
//! A few items are about the tenant and not about a wallet. The server adds them when it records the change.
//!
//! A server records the types that its configuration names. Each entry contains which of its items were recorded, so that
//! servers with different configurations, and a configuration that changes, leave no doubt about what the feed must have.
//!
//! By default the entries of Reserve and Start are not in the feed, only in the ledger: they are half of all entries, and
//! an item about the end of each job follows.

use crate::ledger::entry::{Entry, EntryKind};
use crate::ledger::event::{Event, EventKind};
pub use crate::ledger::in_feed::InFeed;

macro_rules! item_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)+) => {
        /// The type of an item of the feed. The numbers are stored and the names are in the contract: neither ever
        /// changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ItemType {
            $($(#[$doc])* $name = $number,)+
        }

        impl ItemType {
            pub const ALL: &'static [ItemType] = &[$(ItemType::$name,)+];

            /// Returns the name of the type in the API, as in `job.settled`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ItemType::$name => $text,)+
                }
            }

            /// Returns the type with this stored number.
            pub const fn numbered(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(ItemType::$name),)+
                    _ => None,
                }
            }
        }
    };
}

item_types! {
    /// A wallet was created.
    WalletCreated = 1, "wallet.created";
    /// The status, the name, a debt limit or a threshold of a wallet changed.
    WalletUpdated = 2, "wallet.updated";
    /// A wallet was closed.
    WalletClosed = 3, "wallet.closed";
    /// Credits were bought.
    ToppedUp = 10, "credits.topped_up";
    /// Credits were granted, by a command or by a plan within a period.
    Granted = 11, "credits.granted";
    /// A grant came into effect.
    GrantEffective = 12, "credits.effective";
    /// The credits of a grant will expire soon.
    GrantExpiring = 13, "credits.expiring";
    /// The rest of a grant expired.
    GrantExpired = 14, "credits.expired";
    /// A grant was revoked.
    GrantRevoked = 15, "credits.revoked";
    /// A purchase was refunded.
    CreditsRefunded = 16, "credits.refunded";
    /// The balance fell below a threshold.
    LowBalance = 20, "balance.low";
    /// The balance fell to 0.
    Exhausted = 21, "balance.exhausted";
    /// The balance rose 10 % above a threshold, or above 0 after it was exhausted.
    Recovered = 22, "balance.recovered";
    /// The auto top-up was set, or turned off.
    AutoTopUpSet = 25, "auto_top_up.set";
    /// A purchase of the auto top-up is due.
    AutoTopUpDue = 26, "auto_top_up.due";
    /// The payment of a purchase of the auto top-up was declined.
    AutoTopUpFailed = 27, "auto_top_up.failed";
    /// Credits were held for a job. Not recorded by default.
    JobReserved = 28, "job.reserved";
    /// A worker started a job. Not recorded by default.
    JobStarted = 29, "job.started";
    /// A job was charged.
    JobSettled = 30, "job.settled";
    /// A job failed. It was charged a failure fee, or nothing.
    JobFailed = 31, "job.failed";
    /// A job was cancelled.
    JobCancelled = 32, "job.cancelled";
    /// The deadline of a hold passed.
    JobExpired = 33, "job.expired";
    /// A charge, or a part of it, was reversed.
    JobReversed = 34, "job.reversed";
    /// A subscription began.
    Subscribed = 40, "subscription.created";
    /// The plan of a subscription changed, or will at the end of the period.
    PlanChanged = 41, "subscription.changed";
    /// A new period of a subscription began.
    PeriodBegan = 42, "subscription.renewed";
    /// A subscription was cancelled: it has ended, or will at the end of the period.
    SubscriptionCancelled = 43, "subscription.cancelled";
    /// A subscription goes on: its cancellation was withdrawn or its pause is over.
    SubscriptionResumed = 44, "subscription.resumed";
    /// A subscription was paused, or will be at the end of what is paid.
    SubscriptionPaused = 45, "subscription.paused";
    /// The pause of a subscription began.
    PauseBegan = 46, "subscription.pause_began";
    /// A subscription ended.
    SubscriptionEnded = 47, "subscription.ended";
    /// A subscription ended, and a share of its price was refunded.
    SubscriptionRefunded = 48, "subscription.refunded";
    /// A period was paid.
    PaymentRecorded = 60, "payment.recorded";
    /// A period ended and the next was not paid.
    PaymentMissed = 61, "payment.missed";
    /// The payment provider has refunded a payment.
    PaymentRefunded = 62, "payment.refunded";
    /// A payment was charged back.
    ChargedBack = 63, "payment.charged_back";
    /// A chargeback was withdrawn.
    ChargebackReversed = 64, "payment.chargeback_reversed";
    /// A catalog was published in place of another one.
    CatalogPublished = 80, "catalog.published";
    /// An endpoint of webhooks was disabled because it is gone or has failed for days.
    WebhookDisabled = 81, "webhook.disabled";
}

impl ItemType {
    /// Returns true if the items of this type are about a wallet, and false if they are about the tenant.
    pub const fn is_of_a_wallet(self) -> bool {
        !matches!(self, Self::CatalogPublished | Self::WebhookDisabled)
    }
}

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemTypes(u128);

impl ItemTypes {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = {
        let (mut types, mut n) = (Self::NONE, 0);
        while n < ItemType::ALL.len() {
            types = types.with(ItemType::ALL[n]);
            n += 1;
        }
        types
    };

    #[must_use]
    pub const fn with(self, item_type: ItemType) -> Self {
        Self(self.0 | 1 << item_type as u8)
    }

    #[must_use]
    pub const fn without(self, item_type: ItemType) -> Self {
        Self(self.0 & !(1 << item_type as u8))
    }

    pub const fn contains(self, item_type: ItemType) -> bool {
        self.0 & 1 << item_type as u8 != 0
    }
}

impl Default for ItemTypes {
    /// Returns the types that are recorded by default: all but `job.reserved` and `job.started`.
    fn default() -> Self {
        Self::ALL.without(ItemType::JobReserved).without(ItemType::JobStarted)
    }
}

/// An item of the feed within its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// 0 for the entry, and 1, 2, 3... for its notifications.
    pub n: u32,
    pub item_type: ItemType,
}

/// Returns the items of an entry that have one of these types.
pub fn in_feed(entry: &Entry, types: ItemTypes) -> InFeed {
    let is_in = |item_type: ItemType| types.contains(item_type);
    let own = match of_entry(entry.kind) {
        Some(item_type) if is_in(item_type) => InFeed::default().with_entry(),
        _ => InFeed::default(),
    };
    let kinds = entry.events.iter().map(|event| event.kind);
    kinds.filter(|kind| is_in(of_event(*kind))).fold(own, InFeed::with)
}

/// Returns true if an entry has all items that are in the feed according to it.
pub fn fits(entry: &Entry) -> bool {
    entry.in_feed.is_within(in_feed(entry, ItemTypes::ALL))
}

/// Returns the items of an entry that are in the feed, in their order.
pub fn items(entry: &Entry) -> impl Iterator<Item = Item> {
    let in_feed = entry.in_feed;
    let own = of_entry(entry.kind).filter(|_| in_feed.has_entry()).map(|item_type| Item { n: 0, item_type });
    let events = (1..).zip(&entry.events).filter(move |(_, event)| in_feed.has(event.kind));
    own.into_iter().chain(events.map(|(n, Event { kind, .. })| Item { n, item_type: of_event(*kind) }))
}

/// Returns the type of an entry's own item. `None`: the entry is never in the feed.
const fn of_entry(kind: EntryKind) -> Option<ItemType> {
    Some(match kind {
        // The notification in the entry is the item.
        EntryKind::GrantExpiring | EntryKind::AutoTopUpDue | EntryKind::AutoTopUpFailed => return None,
        EntryKind::WalletCreated => ItemType::WalletCreated,
        EntryKind::WalletUpdated => ItemType::WalletUpdated,
        EntryKind::WalletClosed => ItemType::WalletClosed,
        EntryKind::AutoTopUpSet => ItemType::AutoTopUpSet,
        EntryKind::ToppedUp => ItemType::ToppedUp,
        EntryKind::Granted | EntryKind::AllowanceGiven => ItemType::Granted,
        EntryKind::GrantEffective => ItemType::GrantEffective,
        EntryKind::GrantExpired => ItemType::GrantExpired,
        EntryKind::GrantRevoked => ItemType::GrantRevoked,
        EntryKind::Reserved => ItemType::JobReserved,
        EntryKind::Started => ItemType::JobStarted,
        EntryKind::Settled | EntryKind::SettledLate => ItemType::JobSettled,
        EntryKind::Failed => ItemType::JobFailed,
        EntryKind::Cancelled => ItemType::JobCancelled,
        EntryKind::HoldExpired => ItemType::JobExpired,
        EntryKind::ChargeReversed => ItemType::JobReversed,
        EntryKind::Subscribed => ItemType::Subscribed,
        EntryKind::PlanChanged => ItemType::PlanChanged,
        EntryKind::PeriodBegan => ItemType::PeriodBegan,
        EntryKind::SubscriptionCancelled => ItemType::SubscriptionCancelled,
        EntryKind::SubscriptionResumed => ItemType::SubscriptionResumed,
        EntryKind::SubscriptionPaused => ItemType::SubscriptionPaused,
        EntryKind::PauseBegan => ItemType::PauseBegan,
        EntryKind::SubscriptionEnded => ItemType::SubscriptionEnded,
        EntryKind::SubscriptionRefunded => ItemType::SubscriptionRefunded,
        EntryKind::PaymentRecorded => ItemType::PaymentRecorded,
        EntryKind::PaymentMissed => ItemType::PaymentMissed,
        EntryKind::TopUpRefunded => ItemType::CreditsRefunded,
        EntryKind::RefundRecorded => ItemType::PaymentRefunded,
        EntryKind::ChargedBack => ItemType::ChargedBack,
        EntryKind::ChargebackReversed => ItemType::ChargebackReversed,
    })
}

const fn of_event(kind: EventKind) -> ItemType {
    match kind {
        EventKind::LowBalance => ItemType::LowBalance,
        EventKind::Exhausted => ItemType::Exhausted,
        EventKind::GrantExpiring => ItemType::GrantExpiring,
        EventKind::Recovered => ItemType::Recovered,
        EventKind::AutoTopUpDue => ItemType::AutoTopUpDue,
        EventKind::AutoTopUpFailed => ItemType::AutoTopUpFailed,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ledger::row_digests::RowDigests;
    use crate::value::author::Author;
    use crate::value::fingerprint::Fingerprint;
    use crate::value::time::Timestamp;

    #[test]
    fn numbers_and_names_of_types_are_unique() {
        let numbers: BTreeSet<u8> = ItemType::ALL.iter().map(|item_type| *item_type as u8).collect();
        let names: BTreeSet<&str> = ItemType::ALL.iter().map(|item_type| item_type.name()).collect();
        assert_eq!((numbers.len(), names.len()), (ItemType::ALL.len(), ItemType::ALL.len()));
        for item_type in ItemType::ALL {
            assert_eq!(ItemType::numbered(*item_type as u8), Some(*item_type));
            assert!((*item_type as u8) < 128, "a set of types has a bit for {item_type:?}");
        }
        assert_eq!(ItemType::numbered(0), None);
    }

    #[test]
    fn every_type_of_a_wallet_is_that_of_an_entry_or_a_notification() {
        let entries = EntryKind::ALL.into_iter().filter_map(of_entry);
        let found: BTreeSet<ItemType> = entries.chain(EventKind::ALL.into_iter().map(of_event)).collect();
        let of_wallets = ItemType::ALL.iter().filter(|item_type| item_type.is_of_a_wallet());
        assert!(found.iter().eq(of_wallets.collect::<BTreeSet<_>>()));
    }

    fn entry(kind: EntryKind, events: Vec<Event>) -> Entry {
        Entry {
            revision: 1,
            kind,
            effective_time: Timestamp::EPOCH,
            record_time: Timestamp::EPOCH,
            reservation: None,
            request: None,
            fingerprint: Fingerprint::default(),
            actor: None,
            author: Author::system(),
            reason: String::new(),
            row_digests: RowDigests::default(),
            postings: Vec::new(),
            balances: Vec::new(),
            events,
            in_feed: InFeed::default(),
            hash: [0; 32],
        }
    }

    /// Returns the numbers and types of the items of an entry that is recorded with these types.
    fn recorded(kind: EntryKind, events: &[EventKind], types: ItemTypes) -> Vec<(u32, ItemType)> {
        let unit = "credits".parse().expect("a unit");
        let events = events.iter().map(|kind| Event::about_balance(*kind, &unit, 0, 0)).collect();
        let mut entry = entry(kind, events);
        entry.in_feed = in_feed(&entry, types);
        assert!(fits(&entry));
        items(&entry).map(|item| (item.n, item.item_type)).collect()
    }

    #[test]
    fn an_entry_comes_before_its_notifications() {
        let (low, exhausted) = (EventKind::LowBalance, EventKind::Exhausted);
        let items = recorded(EntryKind::Settled, &[low, exhausted], ItemTypes::default());
        assert_eq!(items, [(0, ItemType::JobSettled), (1, ItemType::LowBalance), (2, ItemType::Exhausted)]);
    }

    #[test]
    fn a_reservation_is_no_item_by_default_but_its_notification_is() {
        let of = |types| recorded(EntryKind::Reserved, &[EventKind::Exhausted], types);
        assert_eq!(of(ItemTypes::default()), [(1, ItemType::Exhausted)]);
        assert_eq!(of(ItemTypes::ALL), [(0, ItemType::JobReserved), (1, ItemType::Exhausted)]);
        assert_eq!(recorded(EntryKind::Started, &[], ItemTypes::default()), []);
        assert_eq!(recorded(EntryKind::Started, &[], ItemTypes::ALL), [(0, ItemType::JobStarted)]);
    }

    #[test]
    fn an_item_of_a_type_that_is_left_out_keeps_the_numbers_of_the_others() {
        let (low, exhausted) = (EventKind::LowBalance, EventKind::Exhausted);
        let of = |types| recorded(EntryKind::Settled, &[low, exhausted, low], types);
        let rest = [(0, ItemType::JobSettled), (2, ItemType::Exhausted)];
        assert_eq!(of(ItemTypes::ALL.without(ItemType::LowBalance)), rest);
        let low = [(1, ItemType::LowBalance), (3, ItemType::LowBalance)];
        assert_eq!(of(ItemTypes::NONE.with(ItemType::LowBalance)), low);
        assert_eq!(of(ItemTypes::NONE), []);
    }

    #[test]
    fn every_type_can_be_recorded_alone_and_left_out_alone() {
        for kind in EntryKind::ALL {
            let Some(own) = of_entry(kind) else { continue };
            let events = EventKind::ALL.map(|kind| (kind, of_event(kind)));
            for (n, (event, notified)) in (1..).zip(events) {
                let all = EventKind::ALL;
                assert_eq!(recorded(kind, &all, ItemTypes::NONE.with(own)), [(0, own)], "{kind:?}");
                let only = ItemTypes::NONE.with(notified);
                assert_eq!(recorded(kind, &all, only), [(n, notified)], "{event:?}");
                let others = recorded(kind, &all, ItemTypes::ALL.without(notified));
                assert!(others.len() == all.len() && others.iter().all(|(_, item)| *item != notified));
            }
        }
    }

    #[test]
    fn items_that_an_entry_does_not_have_do_not_fit_it() {
        let fits = |kind, number| {
            let in_feed = InFeed::numbered(number);
            fits(&Entry { in_feed, ..entry(kind, Vec::new()) })
        };
        assert!(fits(EntryKind::GrantExpiring, 0) && !fits(EntryKind::GrantExpiring, 1));
        assert!(fits(EntryKind::Granted, 1));
        for bit in 1..8 {
            assert!(!fits(EntryKind::Granted, 1 << bit), "{bit}");
        }
    }

    #[test]
    fn the_document_has_every_type() {
        let document = include_str!("../../../docs/feed.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let listed: Vec<&str> =
            rows.map(|(name, _)| name).filter(|name| !name.contains(['(', ':'])).collect();
        let types = listed.iter().filter(|name| name.chars().next().is_some_and(char::is_lowercase));
        assert!(types.copied().eq(ItemType::ALL.iter().map(|item_type| item_type.name())), "{listed:?}");
    }
}
