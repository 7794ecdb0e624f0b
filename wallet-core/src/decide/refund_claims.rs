//! Credits that are charged or held although their price has gone back: the claims of recorded refunds.

use std::collections::BTreeMap;

use crate::decide::decision::{Change, Decision};
use crate::decide::purchase::PurchaseName;
use crate::ledger::posting::{Account, Part};
use crate::value::amount::Amounts;
use crate::value::ids::{OriginId, UnitId};
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant};
use crate::wallet::reservation::{Allocation, Reservation};

/// Claws back credits that leave a hold or a charge of a purchase, up to the claim of its recorded refund. Returns the part
/// that was taken, and the debt that is to be withdrawn for it.
pub(crate) fn take_back(
    decision: &mut Decision,
    wallet: &Wallet,
    grant: Option<&Grant>,
    from: Part,
    amount: i64,
) -> (i64, i64) {
    let Some((grant, id)) = grant.and_then(|grant| Some((grant, grant.purchase()?))) else { return (0, 0) };
    let present = decision.change.as_ref().map_or(&wallet.profile, |change| &change.profile);
    let claim = present.recorded_refunds.get(id).map_or(0, |record| record.claims.get(grant.unit.as_str()));
    if claim == 0 {
        return (0, 0);
    }
    let change = decision.change.get_or_insert_with(|| Change::none(wallet));
    let Some(record) = change.profile.recorded_refunds.get_mut(id) else { return (0, 0) };
    let (taken, forgiven) = record.take(&grant.unit, amount, from == Part::Consumed);
    decision.move_in_grant(&grant.key, &grant.unit, from, Part::PaidOut, taken);
    (taken, forgiven)
}

/// Returns the used credits of a purchase without those that a recorded refund has turned into debt.
pub(crate) fn not_owed(wallet: &Wallet, purchase: &PurchaseName, used: &Amounts) -> Amounts {
    let id = purchase.top_up(wallet.grants.values());
    let record = id.and_then(|id| wallet.profile.recorded_refunds.get(id));
    let owed = |unit: &UnitId| record.map_or(0, |record| record.owed.get(unit.as_str()));
    used.iter().map(|(unit, amount)| (unit.clone(), (amount - owed(unit)).max(0))).collect()
}

/// The credits of a unit that a reservation holds and cannot be charged for, by purchase.
pub(crate) struct Claims<'a> {
    /// The rest that can be charged, of each purchase with a claim.
    chargeable: BTreeMap<&'a OriginId, i64>,
    claimed: i64,
}

impl<'a> Claims<'a> {
    pub(crate) fn of(wallet: &'a Wallet, reservation: &Reservation, unit: &UnitId) -> Self {
        let mut claims = Self { chargeable: BTreeMap::new(), claimed: 0 };
        for (id, record) in &wallet.profile.recorded_refunds {
            let of_purchase = |allocation: &&Allocation| match &allocation.account {
                Account::Grant(key) if allocation.unit == *unit => {
                    let grant = wallet.grants.get(key).filter(|grant| grant.purchase() == Some(id));
                    grant.is_some_and(|grant| grant.clawback != Some(Clawback::ChargedBack))
                }
                _ => false,
            };
            let rest: i64 = reservation.allocations.iter().filter(of_purchase).map(Allocation::rest).sum();
            let claimed = rest.min(record.claims_of_holds(unit.as_str()));
            if claimed > 0 {
                claims.chargeable.insert(id, rest - claimed);
                claims.claimed += claimed;
            }
        }
        claims
    }

    /// Returns the held credits that cannot be charged.
    pub(crate) const fn sum(&self) -> i64 {
        self.claimed
    }

    /// Returns the part of `amount` that can be charged to credits of a grant, and counts it as charged.
    pub(crate) fn charge(&mut self, grant: Option<&Grant>, amount: i64) -> i64 {
        let left = grant.and_then(Grant::purchase).and_then(|id| self.chargeable.get_mut(id));
        let Some(left) = left else { return amount };
        let part = amount.min(*left);
        *left -= part;
        part
    }
}
