//! What a sound text must still prove before it is published: that its rules can be reached, leave no gaps
//! and agree with its golden cases, and that nothing in use is taken away.

mod gaps;
mod goldens;
mod in_use;
mod shadows;

pub(super) use in_use::check_against_use;

use super::document::Catalog;
use super::problems::{CatalogProblems, Report};

/// Every check of a document on its own.
pub(super) fn check(catalog: &Catalog) -> Result<(), CatalogProblems> {
    let mut report = Report::default();
    shadows::check(catalog, &mut report);
    gaps::check(catalog, &mut report);
    goldens::check(catalog, &mut report);
    report.verdict()
}
