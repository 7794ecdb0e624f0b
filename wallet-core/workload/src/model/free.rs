//! The credits of the default plan: once, or in each of its windows.

use wallet_core::sold::Overrides;
use wallet_core::wallet::WalletStatus;

use super::calendar::Every;
use super::catalog::Allowance;
use super::state::{Model, Sold, Sub};

impl Model {
    /// Issues the allowances of the default plan to a new wallet.
    pub(super) fn give_first_allowances(&mut self) {
        let Ok(sold) = Sold::of(self.plan(), &Overrides::default(), 1, false) else { return };
        if sold.every == Every::Once {
            self.give(Sub::new(0, sold, self.now), self.now, None);
            self.sub = None;
        } else {
            let from = vec![self.now; sold.allowances.len()];
            self.free = Some((Sub::new(0, sold, self.now), from));
            self.give_free(self.now);
        }
    }

    /// Returns the start of the next window of the default plan: none while a subscription runs.
    pub(crate) fn next_free(&self) -> Option<i64> {
        let is_given = self.running().is_none() && self.status != WalletStatus::Closed;
        let (sub, from) = self.free.as_ref().filter(|_| is_given)?;
        let next = |(allowance, from): (&Allowance, &i64)| sub.clone().next_window(allowance, *from).0;
        sub.sold.allowances.iter().zip(from).map(next).min()
    }

    /// Issues the credits of the default plan for the windows that begin at this instant.
    pub(super) fn give_free(&mut self, at: i64) {
        let Some((sub, mut from)) = self.free.clone() else { return };
        let lots = self.lots.clone();
        for (n, allowance) in sub.sold.allowances.iter().enumerate() {
            let mut sub = sub.clone();
            if sub.next_window(allowance, from[n]).0 != at {
                continue;
            }
            let (_, k) = sub.next_window(allowance, at);
            sub.given[n] = k;
            self.give_one(&mut sub, n, at, Some(&(at, lots.clone())));
            from[n] = at + 1;
        }
        self.free = Some((sub, from));
    }
}
