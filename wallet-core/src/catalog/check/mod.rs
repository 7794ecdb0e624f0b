//! Checks of a document that was read without problems: every rule can be reached, declared dimensions have no
//! gaps, golden cases agree, and nothing in use is removed.

mod gaps;
mod goldens;
mod in_use;
mod shadows;

pub(super) use in_use::check_against_use;

use super::document::Catalog;
use super::problems::{CatalogProblems, Report};

/// Runs every check that needs only the document.
pub(super) fn check(catalog: &Catalog) -> Result<(), CatalogProblems> {
    let mut report = Report::default();
    shadows::check(catalog, &mut report);
    gaps::check(catalog, &mut report);
    goldens::check(catalog, &mut report);
    report.verdict()
}
