//! The refunded credits of a payment in one unit, in the order in which they were refunded. A refund counts first the credits
//! that have expired or been revoked, because nothing can be taken for them. A smaller total undoes the last refunds first,
//! and gives nothing back for those credits.

use serde::{Deserialize, Serialize};

/// The raises of the refunded credits, the first one first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Raises(Vec<Raise>);

/// The credits by which one record raised those that are refunded, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Raise {
    /// Those that were lost before: expired or revoked.
    lost: i64,
    /// Those that are taken, now or when they return.
    taken: i64,
}

impl Raises {
    /// Raises or lowers the refunded credits to `refunded`. `lost` is the sum of those that have expired or been revoked so
    /// far.
    pub(crate) fn set(&mut self, refunded: i64, lost: i64) {
        let more = refunded - self.refunded();
        if more > 0 {
            let lost = (lost - self.sum(|raise| raise.lost)).clamp(0, more);
            self.add(Raise { lost, taken: more - lost });
        } else {
            self.lower(-more);
        }
    }

    /// Counts withheld credits whose window has begun: they are refunded before all others.
    pub(crate) fn begin_with(&mut self, taken: i64) {
        match self.0.first_mut().filter(|first| first.lost == 0) {
            Some(first) => first.taken += taken,
            None => self.0.insert(0, Raise { lost: 0, taken }),
        }
    }

    /// Returns the refunded credits.
    pub(crate) fn refunded(&self) -> i64 {
        self.sum(|raise| raise.lost + raise.taken)
    }

    /// Returns the refunded credits that are taken.
    pub(crate) fn taken(&self) -> i64 {
        self.sum(|raise| raise.taken)
    }

    fn sum(&self, part: impl Fn(&Raise) -> i64) -> i64 {
        self.0.iter().map(part).sum()
    }

    /// Adds a raise. It becomes a part of the last one if undoing them together gives the same as undoing one after the
    /// other, so many small raises do not make the list longer.
    fn add(&mut self, raise: Raise) {
        match self.0.last_mut().filter(|last| raise.lost == 0 || last.taken == 0) {
            Some(last) => {
                last.lost += raise.lost;
                last.taken += raise.taken;
            }
            None => self.0.push(raise),
        }
    }

    fn lower(&mut self, amount: i64) {
        let mut left = amount;
        while let Some(last) = self.0.last_mut().filter(|_| left > 0) {
            for part in [&mut last.taken, &mut last.lost] {
                let undone = left.min(*part);
                *part -= undone;
                left -= undone;
            }
            if (last.lost, last.taken) == (0, 0) {
                self.0.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_total_undoes_the_last_raise_first() {
        let mut raises = Raises::default();
        let mut taken = |refunded, lost| {
            raises.set(refunded, lost);
            raises.taken()
        };
        // 50 are taken, 50 expire, and the raise to 100 finds nothing more.
        assert_eq!([taken(50, 0), taken(100, 50), taken(50, 50), taken(25, 50)], [50, 50, 50, 25]);
        assert_eq!([taken(0, 50), taken(60, 50), taken(55, 50), taken(0, 50)], [0, 10, 5, 0]);
    }

    #[test]
    fn many_small_raises_are_kept_as_one() {
        let mut raises = Raises::default();
        for refunded in 1..=1_000 {
            raises.set(refunded, 900);
        }
        assert_eq!((raises.0.len(), raises.taken()), (1, 100));
        raises.set(950, 900);
        assert_eq!(raises.taken(), 50);
    }

    #[test]
    fn withheld_credits_are_refunded_before_all_others() {
        let mut raises = Raises::default();
        raises.set(30, 20);
        raises.begin_with(40);
        raises.begin_with(1);
        assert_eq!(raises.taken(), 51);
        raises.set(61, 20);
        assert_eq!(raises.taken(), 41);
        raises.set(5, 20);
        assert_eq!(raises.taken(), 5);
    }
}
