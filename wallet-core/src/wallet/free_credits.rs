//! Free credits: the allowances of a default plan that has a term, for a wallet without a subscription.
//!
//! Their windows are counted from the creation of the wallet. A window that begins while a subscription runs gives
//! nothing. The terms are a copy of those in the catalog, so that due events need no catalog: commands update the copy,
//! and changed terms begin with their next window.

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::grant::Grant;
use crate::wallet::rollover::Unused;
use crate::wallet::sold::Sold;
use crate::wallet::subscription::Subscription;

/// The allowances of the default plan and the windows for which they were issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeCredits(Box<Subscription>);

impl FreeCredits {
    /// Returns the terms of the catalog's default plan; none if it gives nothing at intervals.
    pub fn terms(catalog: &Catalog) -> Option<Sold> {
        let plan = catalog.default_plan().filter(|plan| !plan.term.is_once() && !plan.allowances.is_empty());
        plan.map(|plan| Sold::of_plan(catalog, plan))
    }

    /// Returns the allowances of a wallet that was created at `create_time`. No window has been given yet.
    pub fn begin(number: u32, terms: Sold, create_time: Timestamp) -> Self {
        Self(Box::new(Subscription::begin(number, terms, create_time)))
    }

    /// Returns the terms.
    pub const fn sold(&self) -> &Sold {
        &self.0.sold
    }

    pub(crate) const fn sold_mut(&mut self) -> &mut Sold {
        &mut self.0.sold
    }

    /// Returns the start of the next window.
    pub fn next_time(&self) -> Timestamp {
        self.0.next_time()
    }

    /// Issues the allowances of the windows that begin at `at`, with the unused credits that roll over.
    pub fn give(&mut self, unused: &[Unused], at: Timestamp) -> Vec<Grant> {
        self.advance_to(at);
        let mut grants = Vec::new();
        for index in 0..self.0.given.len() {
            if self.0.next_given(index).is_some_and(|from| from <= at) {
                grants.extend(self.0.give(index, unused, at));
            }
        }
        let free = |mut grant: Grant| {
            grant.details.period = None;
            Grant { source: Source::Free, ..grant }
        };
        grants.into_iter().map(free).collect()
    }

    /// Skips the windows that began before `at`, so that they give nothing.
    pub fn skip_before(&mut self, at: Timestamp) {
        self.advance_to(at);
        for index in 0..self.0.given.len() {
            let Some((k, window)) = self.0.window_at(&self.0.sold.allowances[index], at) else { continue };
            let begun = if window.from < at { k + 1 } else { k };
            self.0.given[index] = self.0.given[index].max(begun);
        }
    }

    /// Moves on to the period that contains `at`.
    fn advance_to(&mut self, at: Timestamp) {
        if self.0.period_end() <= at {
            *self.0 = self.0.as_ref().clone().at(at);
            self.0.given = vec![0; self.0.sold.allowances.len()];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 86_400_000_000)
    }

    fn weekly_with_daily_credits() -> FreeCredits {
        let document = "default_plan = \"free\"\n[units.credits]\n[[plans]]\nid = \"free\"\nterm = \"WEEK\"\n\
                        allowances = [{ unit = \"credits\", amount = 5, cadence = \"DAY\" }]\n";
        let terms = FreeCredits::terms(&Catalog::parse(document).unwrap()).unwrap();
        FreeCredits::begin(0, terms, day(0))
    }

    #[test]
    fn a_window_is_given_at_its_start_once() {
        let mut free = weekly_with_daily_credits();
        assert_eq!(free.next_time(), day(0));
        for n in 0..20 {
            assert_eq!((free.next_time(), free.give(&[], day(n)).len()), (day(n), 1));
            assert_eq!(free.give(&[], day(n)).len(), 0);
        }
    }

    #[test]
    fn windows_that_began_before_are_skipped_and_none_is_given_twice() {
        let mut free = weekly_with_daily_credits();
        free.give(&[], day(0));
        free.skip_before(day(0));
        assert_eq!(free.next_time(), day(1), "that window was given");
        free.skip_before(day(9));
        assert_eq!(free.next_time(), day(9), "it begins at this instant");
        free.skip_before(day(9).plus(std::time::Duration::from_secs(1)));
        assert_eq!(free.next_time(), day(10));
    }
}
