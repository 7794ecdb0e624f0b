//! The purchases of the auto top-up, folded from the notifications and the purchases of the entries.

use wallet_core::OriginId;
use wallet_core::auto_top_up::Purchase;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::EventKind;
use wallet_core::grant::Origin;
use wallet_core::posting::Account;

use crate::verify::faults::Faults;

/// The purchase under way according to the entries.
#[derive(Debug, Default)]
pub(super) struct AutoTopUpFold {
    under_way: Option<OriginId>,
}

impl AutoTopUpFold {
    /// Folds an entry. Checks I34: one purchase is under way at a time, and only that one fails.
    pub(super) fn add(&mut self, entry: &Entry, faults: &mut Faults) {
        let at = entry.revision;
        if entry.kind == EntryKind::ToppedUp {
            let buys = |id: &OriginId| {
                entry.postings.iter().any(|posting| match &posting.account {
                    Account::Grant(key) => key.origin == Origin::TopUp && key.id == *id,
                    Account::Debt => false,
                })
            };
            self.under_way = self.under_way.take().filter(|id| !buys(id));
        }
        let mut kinds = Vec::new();
        for event in &entry.events {
            let Some(purchase) = &event.auto_top_up else { continue };
            kinds.push(event.kind);
            let before = match event.kind {
                EventKind::AutoTopUpFailed => self.under_way.take(),
                _ => self.under_way.replace(purchase.top_up.clone()),
            };
            let expected = (event.kind == EventKind::AutoTopUpFailed).then_some(&purchase.top_up);
            faults.unless(before.as_ref() == expected, at, || {
                format!("I34: has {:?} of {}, but {before:?} was under way", event.kind, purchase.top_up)
            });
        }
        let named = match entry.kind {
            EntryKind::AutoTopUpFailed => Some(EventKind::AutoTopUpFailed),
            EntryKind::AutoTopUpDue => Some(EventKind::AutoTopUpDue),
            _ => None,
        };
        let fits = named.is_none_or(|kind| kinds == [kind])
            && (entry.kind == EntryKind::AutoTopUpFailed || !kinds.contains(&EventKind::AutoTopUpFailed));
        faults.unless(fits, at, || format!("is {:?}, but its auto top-up has {kinds:?}", entry.kind));
    }

    /// Compares the end of the fold with the profile.
    pub(super) fn close(&self, profile: Option<&Purchase>, revision: i64, faults: &mut Faults) {
        let profile = profile.map(|purchase| &purchase.id);
        faults.unless(self.under_way.as_ref() == profile, revision, || {
            format!("I34: its profile has {profile:?} under way, but {:?} is", self.under_way)
        });
    }
}
