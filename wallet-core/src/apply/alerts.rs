//! Keeps the alerts of a wallet equal to those of its plans in the current catalog.

use crate::catalog::Catalog;
use crate::wallet::alerts::Alerts;
use crate::wallet::profile::Profile;
use crate::wallet::subscription::Sold;

/// Copies the alerts of the wallet's plans in this catalog into the profile. Returns whether they have changed.
pub(crate) fn sync_alerts(profile: &mut Profile, catalog: &Catalog) -> bool {
    let alerts = catalog.default_plan().map(Alerts::with_resolved_percentages).unwrap_or_default();
    let mut changed = profile.alerts != alerts;
    profile.alerts = alerts;
    if let Some(subscription) = &mut profile.subscription {
        changed |= sync_terms(&mut subscription.sold, catalog);
        if let Some(change) = &mut subscription.change {
            changed |= sync_terms(&mut change.sold, catalog);
        }
    }
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
