//! Updates a wallet's copies of terms from the current catalog: the alerts, the terms of free credits, and the terms of
//! the next period of a plan whose subscribers follow the catalog.

use std::time::Duration;

use crate::catalog::Catalog;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::alerts::Alerts;
use crate::wallet::free_credits::FreeCredits;
use crate::wallet::profile::Profile;
use crate::wallet::sold::Sold;

/// Copies the alerts of the wallet's plans in this catalog into the profile, and the terms of the next period. Returns
/// whether they have changed.
pub(crate) fn sync_plans(profile: &mut Profile, catalog: &Catalog) -> bool {
    let alerts = catalog.default_plan().map(Alerts::with_resolved_percentages).unwrap_or_default();
    let mut changed = profile.alerts != alerts;
    profile.alerts = alerts;
    if let Some(subscription) = &mut profile.subscription {
        changed |= sync_terms(&mut subscription.sold, catalog);
        if let Some(change) = &mut subscription.change {
            changed |= sync_terms(&mut change.sold, catalog);
            if let Some(terms) = change.sold.following(catalog) {
                change.sold = terms;
                changed = true;
            }
        }
        let following = subscription.sold.following(catalog).map(Box::new);
        changed |= subscription.following != following;
        subscription.following = following;
    }
    changed
}

/// Copies the terms of the default plan in this catalog. Changed terms begin with their next window. Returns whether
/// they have changed.
pub(crate) fn sync_free_credits(wallet: &mut Wallet, catalog: &Catalog, now: Timestamp) -> bool {
    let terms = FreeCredits::terms(catalog);
    let profile = &mut wallet.profile;
    if let (Some(free), Some(terms)) = (&mut profile.free, &terms) {
        let same = Sold {
            catalog_version: free.sold().catalog_version,
            alerts: free.sold().alerts.clone(),
            ..terms.clone()
        };
        if *free.sold() == same {
            return sync_terms(free.sold_mut(), catalog);
        }
    }
    let changed = profile.free.is_some() || terms.is_some();
    let number = profile.sales + 1;
    profile.free = terms.map(|terms| {
        let mut free = FreeCredits::begin(number, terms, wallet.create_time);
        free.skip_before(now.plus(Duration::from_micros(1)));
        free
    });
    profile.sales += u32::from(profile.free.is_some());
    changed
}

fn sync_terms(sold: &mut Sold, catalog: &Catalog) -> bool {
    let alerts = catalog.plan(&sold.plan).map(Alerts::of).filter(|alerts| *alerts != sold.alerts);
    match alerts {
        Some(alerts) => {
            sold.alerts = alerts;
            true
        }
        None => false,
    }
}
