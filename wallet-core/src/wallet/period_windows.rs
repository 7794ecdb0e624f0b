//! The windows of a subscription's present period, and the amounts that they are given.

use crate::catalog::{Renewal, Term};
use crate::value::amount::Amounts;
use crate::value::period::{boundary, period_at};
use crate::value::time::Timestamp;
use crate::wallet::sold::SoldAllowance;
use crate::wallet::subscription::{Standing, Subscription};
use crate::wallet::window::Window;

impl Subscription {
    /// Returns the `k`-th window of an allowance in the present period, clipped to it; `None` after its end.
    pub fn window(&self, allowance: &SoldAllowance, k: u32) -> Option<Window> {
        let end = self.period_end();
        let (origin, first) = self.grid(allowance.cadence);
        let start = |k: u32| boundary(origin, allowance.cadence, first.saturating_add(k));
        let (from, full_until) = (start(k), start(k + 1));
        (from < end).then(|| Window { from, until: full_until.min(end), full_until })
    }

    /// Returns the windows of an allowance in the present period, from the `k`-th on.
    pub fn windows(&self, allowance: &SoldAllowance, k: u32) -> impl Iterator<Item = Window> {
        (k..).map_while(|k| self.window(allowance, k))
    }

    /// Returns the amounts that the windows to come in the present period will be given, without those given in advance.
    pub fn to_come(&self) -> Amounts {
        let mut amounts = Amounts::none();
        for (allowance, given) in self.sold.allowances.iter().zip(&self.given) {
            let windows = self.windows(allowance, *given);
            amounts.add(&allowance.unit, windows.map(|window| allowance.share_of(&window)).sum());
        }
        let rest = amounts.iter().map(|(unit, n)| (unit.clone(), n - self.advance.get(unit.as_str())));
        rest.filter(|(_, n)| *n > 0).collect()
    }

    /// Returns the instant from which the windows of a cadence are counted, and the number of the first one in the present
    /// period. Cadences that fit into the term, such as the months of a year, are counted from the anchor, so that they do
    /// not drift: the month that begins on 28 February may well end on 31 March. Others, such as the weeks of a month, are
    /// counted from the start of each period.
    fn grid(&self, cadence: Term) -> (Timestamp, u32) {
        match cadence.times_in(self.sold.term) {
            Some(times) => (self.anchor, self.period.saturating_mul(times)),
            None => (self.period_start(), 0),
        }
    }

    /// Returns the window of an allowance in the present period that contains `now`, and its number.
    pub fn window_at(&self, allowance: &SoldAllowance, now: Timestamp) -> Option<(u32, Window)> {
        let (origin, first) = self.grid(allowance.cadence);
        let k = period_at(origin, allowance.cadence, now).checked_sub(first)?;
        self.window(allowance, k).filter(|window| window.contains(now)).map(|window| (k, window))
    }

    /// Returns the amount that an allowance gives for a window of the present period: a part of it before the payment, and
    /// nothing with ON_PAYMENT.
    pub fn given_for(&self, allowance: &SoldAllowance, window: &Window) -> i64 {
        match self.standing {
            Standing::Provisional if self.sold.renewal == Renewal::OnPayment => 0,
            Standing::Provisional => allowance.provisional_share_of(window, self.sold.provisional_share),
            Standing::Active | Standing::PastDue | Standing::Paused => allowance.share_of(window),
        }
    }
}
