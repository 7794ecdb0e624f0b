//! Online checks of the invariants of a wallet that was just loaded, before anything is decided on it.
//!
//! Checks only rows that are in memory anyway. `verify` checks the whole ledger.

use std::collections::BTreeMap;

use crate::value::ids::UnitId;
use crate::wallet::state::Balance;
use crate::wallet::state::InvariantViolation;
use crate::wallet::state::Wallet;

impl Wallet {
    /// Checks that the parts of every grant add up to its amount, that the grants add up to the balances, that no unit
    /// is owed and available at once, and that no more reservations are open than are counted.
    ///
    /// Call it before the first command only, while all open grants are as stored.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn check(&self) -> Result<(), InvariantViolation> {
        let broken = |what: String| Err(InvariantViolation { wallet: self.id.clone(), what });
        for grant in self.grants.values() {
            if grant.parts.total() != Some(grant.amount) {
                return broken(format!("the parts of grant {} do not add up to its amount", grant.key));
            }
        }
        let mut sums: BTreeMap<&UnitId, (i128, i128)> = BTreeMap::new();
        for grant in self.grants.values() {
            let (available, held) = sums.entry(&grant.unit).or_default();
            *available += i128::from(grant.parts.available);
            *held += i128::from(grant.parts.held);
        }
        for (unit, balance) in &self.balances {
            let (available, held) = sums.get(unit).copied().unwrap_or_default();
            let Balance { available: stored, held: stored_held, .. } = *balance;
            if (available, held) != (stored.into(), stored_held.into()) {
                return broken(format!(
                    "{stored} {unit} are available and {stored_held} held, {available} and {held} by the grants"
                ));
            }
            if let Some(what) = balance.owes_what_it_has(unit) {
                return broken(what);
            }
        }
        if let Some(grant) =
            self.grants.values().find(|grant| grant.is_open() && !self.balances.contains_key(&grant.unit))
        {
            return broken(format!("grant {} has no balance", grant.key));
        }
        let open = self.reservations.values().filter(|reservation| reservation.state.is_open()).count();
        match i64::try_from(open) {
            Ok(open) if open <= self.open_reservations => Ok(()),
            _ => broken(format!(
                "open_reservations is {}, but {open} loaded reservations are open",
                self.open_reservations
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::key::{TenantId, WalletKey};
    use crate::value::source::Source;
    use crate::value::time::Timestamp;
    use crate::wallet::grant::{Grant, GrantDetails, GrantKey, Origin, Parts};

    /// A wallet of 100 credits, 40 of them held.
    fn wallet() -> Wallet {
        let id = "w".parse().unwrap();
        let key = WalletKey::new(TenantId::DEFAULT, &id);
        let grant = Grant {
            key: GrantKey::new(Origin::TopUp, "t".parse().unwrap(), 0),
            unit: "credits".parse().unwrap(),
            source: Source::Purchased,
            priority: 0,
            effective_time: Timestamp::EPOCH,
            expire_time: Timestamp::NEVER,
            warn_time: Timestamp::NEVER,
            create_time: Timestamp::EPOCH,
            amount: 100,
            parts: Parts { available: 60, held: 40, ..Parts::default() },
            clawback: None,
            details: GrantDetails::default(),
        };
        let balance = Balance { available: 60, held: 40, ..Balance::default() };
        Wallet {
            balances: BTreeMap::from([(grant.unit.clone(), balance)]),
            grants: [(grant.key.clone(), grant)].into_iter().collect(),
            ..Wallet::blank(key, id)
        }
    }

    #[test]
    fn the_check_names_the_first_figure_that_does_not_add_up() {
        assert_eq!(wallet().check(), Ok(()));
        type Spoil = fn(&mut Wallet);
        let cases: [(Spoil, &str); 5] = [
            (|w| grant(w).amount = 101, "the parts of grant top_up:t do not add up to its amount"),
            (|w| balance(w).available = 61, "61 credits are available and 40 held, 60 and 40 by the grants"),
            (|w| balance(w).held = 0, "60 credits are available and 0 held, 60 and 40 by the grants"),
            (|w| balance(w).debt = 7, "7 credits are owed, and 60 are available"),
            (|w| w.balances.clear(), "grant top_up:t has no balance"),
        ];
        for (corrupt, violation) in cases {
            let mut wallet = wallet();
            corrupt(&mut wallet);
            assert_eq!(wallet.check().unwrap_err().what, violation);
        }
    }

    fn grant(wallet: &mut Wallet) -> &mut Grant {
        wallet.grants.values_mut().next().unwrap()
    }

    fn balance(wallet: &mut Wallet) -> &mut Balance {
        wallet.balances.values_mut().next().unwrap()
    }
}
