//! Parts of the previous version that a new version must keep: plans with subscribers, and units, which wallets
//! hold.

use crate::catalog::document::Catalog;
use crate::catalog::problems::{CatalogProblems, Report};

pub(in crate::catalog) fn check_against_use(
    catalog: &Catalog,
    previous: Option<&Catalog>,
    plans_in_use: &[String],
) -> Result<(), CatalogProblems> {
    let mut report = Report::default();
    // Only plans of the previous version count. Subscribers of an older plan use the version of the sale.
    let offered = |id: &&String| previous.is_none_or(|previous| previous.plan(id).is_some());
    for id in plans_in_use.iter().filter(offered) {
        if catalog.plan(id).is_none() {
            report.add("plans", format!("plan {id:?} has subscribers and must not be removed"));
        }
    }
    for before in previous.into_iter().flat_map(Catalog::units) {
        let path = format!("units.{}", before.id);
        match catalog.unit(before.id.as_str()) {
            None => report.add(path, "is in use and must not be removed"),
            Some(now) if now.scale != before.scale => {
                report.add(path, format!("must keep the published scale {}, is {}", before.scale, now.scale));
            }
            Some(_) => {}
        }
    }
    report.verdict()
}
