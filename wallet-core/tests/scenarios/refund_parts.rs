//! Random sequences of partial, whole and failed refunds, with random use in between.

use wallet_core::Wallet;
use wallet_core::refund::UsedCredits::{self, Forgive, Owe};

use super::prelude::*;

/// A small generator of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % n.max(1)
    }

    fn one_of<T: Copy>(&mut self, some: &[T]) -> T {
        some[usize::try_from(self.below(some.len() as i64)).unwrap()]
    }
}

/// A random history: a purchase, and the steps of its use, without refunds. Jobs may be refused.
fn history(dice: &mut Dice) -> (i64, i64, Vec<Step>) {
    let (credits, cents) = (1 + dice.below(500), 1 + dice.below(5000));
    let mut steps = vec![buy("t", credits).for_cents(cents)];
    if dice.below(2) == 0 {
        steps.push(buy("other", 1 + dice.below(100)));
    }
    for n in 0..2 + dice.below(6) {
        let id = format!("job{n}");
        let amount = 1 + dice.below(credits);
        steps.push(reserve(&id, amount));
        let end = match dice.below(6) {
            0 => fail(&id),
            1 => stop(&id),
            2 => cancel(&id),
            3 => settle(&id, 1 + dice.below(amount)),
            4 => wait(hours(30)),
            _ => settle_as_reserved(&id),
        };
        steps.push(end);
        if dice.below(4) == 0 {
            steps.push(reverse_all(&format!("v{n}"), &id));
        }
    }
    (credits, cents, steps)
}

fn refunded(n: i64, cents: i64, used: UsedCredits) -> Step {
    provider_refund(&format!("r{n}"), "t", cents, used)
}

/// Returns the credits of the purchase: unspent, held, used and clawed back.
fn of_purchase(wallet: &Wallet) -> [i64; 4] {
    let mut sums = [0; 4];
    for grant in wallet.grants.values().filter(|grant| grant.purchase().is_some_and(|id| id.as_str() == "t"))
    {
        let parts = grant.parts;
        let figures = [parts.available + parts.pending, parts.held, parts.consumed, parts.paid_out];
        (0..4).for_each(|i| sums[i] += figures[i]);
    }
    sums
}

#[test]
fn parts_of_a_refund_in_any_order_end_where_one_whole_refund_ends() {
    for seed in 0..800 {
        let mut dice = Dice(seed * 2 + 1);
        let (_, cents, steps) = history(&mut dice);
        let used = dice.one_of(&[Forgive, Owe]);
        // The use is over when the parts begin, so that it is the same in both.
        let (whole, mut parts) = (after(&steps), after(&steps));
        let last = dice.one_of(&[cents, 0, dice.0 as i64 % cents]).abs();
        for n in 0..dice.below(5) {
            let total = dice.below(cents + 1);
            parts = parts.and(refunded(n, total, dice.one_of(&[Forgive, Owe])));
        }
        let (whole, parts) = (whole.and(refunded(9, last, used)), parts.and(refunded(9, last, used)));
        let figures = |world: &World| {
            let seen = world.seen();
            let net = seen.balance("credits");
            (of_purchase(&seen), net.available - net.debt, net.held)
        };
        assert_eq!(figures(&whole), figures(&parts), "seed {seed}");
    }
}

fn after(steps: &[Step]) -> World {
    steps.iter().cloned().fold(given([]), World::when)
}

#[test]
fn refunds_between_uses_take_no_more_than_was_given_and_forgiven_use_is_no_debt() {
    for seed in 0..800 {
        let mut dice = Dice(seed * 2 + 1_000_001);
        let (credits, cents, steps) = history(&mut dice);
        let mut steps = steps.into_iter();
        let mut world = given(steps.next());
        let used = dice.one_of(&[Forgive, Owe]);
        let (mut n, mut total) = (0, 0);
        let mut count = |world: World, dice: &mut Dice| {
            (n, total) = (n + 1, dice.one_of(&[0, cents, dice.0 as i64 % cents]).abs());
            (world.and(refunded(n, total, used)), total)
        };
        for step in steps {
            world = world.when(step);
            if dice.below(2) == 0 {
                (world, _) = count(world, &mut dice);
            }
            let [unspent, held, charged, taken] = of_purchase(&world.seen());
            assert!(taken <= credits && unspent + held + charged + taken <= credits, "seed {seed}");
            let debt = world.seen().balance("credits").debt;
            assert!(debt == 0 || used == Owe, "seed {seed}: {debt} are owed");
        }
        let (world, total) = count(world, &mut dice);
        let paid = credits - credits * total / cents;
        let [unspent, held, charged, taken] = of_purchase(&world.seen());
        assert!(unspent == 0 || unspent + held + charged <= paid, "seed {seed}: more than is paid");
        assert!(unspent + held + charged + taken == credits, "seed {seed}: purchases never expire");
        if held == 0 {
            assert_eq!(taken, (credits - paid).min(credits - charged), "seed {seed}");
        }
    }
}
