//! Makes purchases of the auto top-up due, and keeps its copy of the catalog's terms.

use uuid::Uuid;

use crate::catalog::Catalog;
use crate::ledger::entry::Entry;
use crate::ledger::event::{AutoTopUpEvent, Event, EventKind};
use crate::value::ids::OriginId;
use crate::value::key::WalletKey;
use crate::wallet::Wallet;
use crate::wallet::auto_top_up::Offer;
use crate::wallet::profile::Profile;

/// Makes a purchase due if the balance after an entry demands it, and adds its notification to the entry. If the
/// purchase has to wait, sets the instant at which it becomes due. Returns whether the profile has changed.
pub(crate) fn check_auto_top_up(wallet: &mut Wallet, entry: &mut Entry) -> bool {
    if wallet.profile.auto_top_up.is_none() {
        return false;
    }
    let (at, key) = (entry.effective_time, wallet.key);
    let next = wallet.next_auto_top_up(at);
    let Some(auto) = &mut wallet.profile.auto_top_up else { return false };
    let balance = wallet.balances.get(&auto.setting.unit).copied().unwrap_or_default();
    let due = match next == Some(at) {
        true => auto.purchase(balance.available, balance.debt, top_up_id(key, entry.revision), at),
        false => None,
    };
    let due_time = next.filter(|_| due.is_none());
    if due.is_none() && auto.due_time == due_time {
        return false;
    }
    auto.due_time = due_time;
    if let Some(purchase) = due {
        let event = Event::about_balance(
            EventKind::AutoTopUpDue,
            &auto.setting.unit,
            balance.available,
            auto.setting.threshold,
        );
        let details = AutoTopUpEvent {
            top_up: purchase.id.clone(),
            pack: purchase.pack.clone(),
            quantity: purchase.quantity,
            retry_time: None,
        };
        entry.events.push(Event { auto_top_up: Some(Box::new(details)), ..event });
        auto.counted.add(&purchase);
        auto.under_way = Some(purchase);
    }
    true
}

/// Copies the terms of the pack in this catalog. Returns whether they have changed.
pub(crate) fn sync_offer(profile: &mut Profile, catalog: &Catalog) -> bool {
    let Some(auto) = &mut profile.auto_top_up else { return false };
    let offer = Offer::of(catalog, &auto.setting.pack, &auto.setting.unit);
    let changed = auto.offer != offer;
    auto.offer = offer;
    changed
}

/// Returns the id of the purchase that becomes due with an entry. It is unique among all wallets.
#[expect(clippy::expect_used, reason = "the text of a UUID is an id")]
fn top_up_id(wallet: WalletKey, revision: i64) -> OriginId {
    let name = format!("auto_top_up {revision}");
    let uuid = Uuid::new_v5(&wallet.uuid(), name.as_bytes());
    OriginId::parse(&format!("auto-{uuid}")).expect("a UUID has letters, digits and dashes")
}
