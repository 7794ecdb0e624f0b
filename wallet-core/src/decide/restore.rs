//! Credits that come back because a debt or a clawback is withdrawn.

use crate::catalog::Catalog;
use crate::decide::decision::Decision;
use crate::ledger::posting::Part;
use crate::value::grant_key::{GrantKey, Origin};
use crate::value::ids::{OriginId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::{Grant, GrantDetails, Parts};

/// A decision that gives credits back, and the corrections that it issues.
pub(crate) struct Restoration<'a> {
    pub wallet: &'a Wallet,
    pub catalog: &'a Catalog,
    pub decision: Decision,
    pub at: Timestamp,
    /// The id of the request, which the corrections have.
    pub id: OriginId,
    /// The number of the next correction. It saturates: a payment has far fewer grants that are paid out.
    next: u16,
}

impl<'a> Restoration<'a> {
    pub(crate) fn of(
        wallet: &'a Wallet,
        catalog: &'a Catalog,
        decision: Decision,
        id: OriginId,
        at: Timestamp,
    ) -> Self {
        Self { wallet, catalog, decision, at, id, next: 0 }
    }

    /// Withdraws debt. The part that was repaid since becomes a correction, which never expires: the credits that repaid it
    /// are not known.
    pub(crate) fn withdraw_debt(&mut self, unit: &UnitId, amount: i64) {
        let owed = amount.min(self.decision.owed(self.wallet, unit));
        self.decision.move_in_debt(unit, Part::Owed, Part::Issued, owed);
        let correction = self.correction(unit, amount - owed, Source::Adjustment, Timestamp::NEVER);
        self.issue(correction);
    }

    /// Gives credits back to their grant. If that has expired meanwhile, they become a correction of its source, which
    /// lives for the goodwill period of the current catalog: a payment keeps no policies, as a job does.
    pub(crate) fn return_to(&mut self, grant: &Grant, from: Part, amount: i64) {
        if !grant.has_expired(self.at) {
            self.decision.move_in_grant(&grant.key, &grant.unit, from, Part::Available, amount);
            self.decision.repay_debt(self.wallet, &grant.key, &grant.unit, amount);
            return;
        }
        self.decision.move_in_grant(&grant.key, &grant.unit, from, Part::Expired, amount);
        let source = grant.details.first_source.unwrap_or(grant.source);
        let expire_time = self.at.plus(self.catalog.policies().goodwill_period);
        let mut correction = self.correction(&grant.unit, amount, source, expire_time);
        let first = grant.details.stems_from.clone().unwrap_or_else(|| grant.key.clone());
        correction.details.stems_from = Some(first);
        correction.details.period = grant.details.period;
        self.issue(correction);
    }

    fn issue(&mut self, correction: Grant) {
        if correction.amount > 0 {
            self.next = self.next.saturating_add(1);
            self.decision.issue(self.wallet, correction, self.at);
        }
    }

    /// Returns a correction. Its priority is 0, also for credits of a grant: repaid debt has no grant with another one,
    /// and all corrections of a request are spent alike.
    fn correction(&self, unit: &UnitId, amount: i64, source: Source, expire_time: Timestamp) -> Grant {
        Grant {
            key: GrantKey::new(Origin::Correction, self.id.clone(), self.next),
            unit: unit.clone(),
            source,
            priority: 0,
            effective_time: self.at,
            expire_time,
            warn_time: self.wallet.warn_time(self.catalog, self.at, expire_time),
            create_time: self.at,
            amount,
            parts: Parts::default(),
            clawback: None,
            details: GrantDetails::default(),
        }
    }
}
