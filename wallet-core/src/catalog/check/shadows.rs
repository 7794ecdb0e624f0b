//! Rules that are never reached, because an earlier rule matches everything that they match.

use crate::catalog::document::Catalog;
use crate::catalog::problems::Report;

pub(super) fn check(catalog: &Catalog, report: &mut Report) {
    for kind in catalog.kinds.values() {
        let rules: Vec<_> =
            kind.rules.iter().map(|position| (*position, &catalog.rules[*position])).collect();
        for (n, (position, rule)) in rules.iter().enumerate() {
            if let Some((_, earlier)) = rules[..n].iter().find(|(_, earlier)| earlier.shadows(rule)) {
                let message =
                    format!("is never reached: {:?} matches everything that {:?} does", earlier.id, rule.id);
                report.add(format!("rules[{position}]"), message);
            }
        }
    }
}
