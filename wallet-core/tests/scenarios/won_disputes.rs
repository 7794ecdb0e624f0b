//! Won disputes about periods and purchases: the customer has what they would have without the dispute, whatever happened
//! meanwhile.

use wallet_core::refund::UsedCredits::{self, Forgive, Owe};

use super::prelude::*;

/// A payment of 10.00 for 100 credits.
#[derive(Clone, Copy, Debug)]
enum Paid {
    Period,
    Purchase,
}

impl Paid {
    /// Returns a wallet with the credits, and 60 others that are used after them.
    fn world(self) -> World {
        let price = "id = \"pro\"\nlist_price = { currency = \"EUR\", minor_units = 1000 }";
        let without_free = with_plans().replacen(r#"allowances = [{ unit = "credits", amount = 5 }]"#, "", 1);
        let catalog = without_free.replacen("id = \"pro\"", price, 1);
        let first = match self {
            Paid::Period => subscribe("s", "pro"),
            Paid::Purchase => buy("t", 100).for_cents(1000),
        };
        given_catalog(&catalog, [first, buy("u", 60)])
    }

    fn refunded(self, cents: i64, used: UsedCredits) -> Step {
        match self {
            Paid::Period => provider_refund_period("r", "2026-01-01", cents, used),
            Paid::Purchase => provider_refund("r", "t", cents, used),
        }
    }

    fn charged_back(self) -> Step {
        match self {
            Paid::Period => charge_back_period("c", "2026-01-01"),
            Paid::Purchase => charge_back("c", "t"),
        }
    }

    fn won(self) -> Step {
        match self {
            Paid::Period => win_period("w", "2026-01-01"),
            Paid::Purchase => win_dispute("w", "t"),
        }
    }

    fn revoked(self) -> Step {
        match self {
            Paid::Period => revoke("g", "period:1.0.0"),
            Paid::Purchase => revoke("g", "top_up:t"),
        }
    }

    /// Returns events between a chargeback and the end of its dispute, a list per case. No credits expire: those return with
    /// the goodwill period.
    fn meanwhile(self) -> Vec<Vec<Step>> {
        let settled = || settle_as_reserved("held");
        let of_both = vec![
            vec![],
            vec![fail("held")],
            vec![settled()],
            vec![settle("held", 20)],
            vec![reverse("v", "used", 20)],
            vec![buy("more", 50)],
            vec![fail("held"), reverse("v", "used", 20), buy("more", 10)],
            vec![settled(), buy("more", 150)],
            vec![self.revoked(), settled()],
            vec![self.revoked(), fail("held")],
            vec![settle("held", 5), self.revoked(), buy("more", 40)],
        ];
        let of_periods = vec![
            vec![change_plan("up", "studio")],
            vec![unsubscribe("x")],
            vec![change_plan("up", "studio"), settled(), reverse("v", "used", 40)],
        ];
        of_both.into_iter().chain(of_periods.into_iter().filter(|_| matches!(self, Paid::Period))).collect()
    }
}

/// The credits that a customer can spend, less those that are owed.
fn worth(world: &World) -> i64 {
    let balance = world.seen().balance("credits");
    balance.available - balance.debt
}

#[test]
fn a_dispute_that_was_won_leaves_what_the_customer_would_have_without_it() {
    let earlier = [None, Some((300, Forgive)), Some((300, Owe)), Some((800, Forgive)), Some((800, Owe))];
    let jobs = [(40, 30), (60, 40), (40, 25), (40, 90)];
    let mut cases = 0;
    for (paid, used, held) in [Paid::Period, Paid::Purchase]
        .into_iter()
        .flat_map(|paid| jobs.map(|(used, held)| (paid, used, held)))
    {
        for refund in earlier {
            for between in paid.meanwhile() {
                let dispute = |is_charged_back: bool| {
                    let jobs = [reserve("used", used), settle_as_reserved("used"), reserve("held", held)];
                    let refund = refund.map(|(cents, used)| paid.refunded(cents, used));
                    let chargeback = is_charged_back.then(|| paid.charged_back());
                    let steps = jobs.into_iter().chain(refund).chain(chargeback).chain(between.clone());
                    let world = steps.fold(paid.world(), World::when);
                    if is_charged_back { world.and(paid.won()) } else { world }
                };
                let (with, without) = (dispute(true), dispute(false));
                let case = format!("{paid:?}, {used} used, {held} held, {refund:?}, {between:?}");
                assert_eq!(worth(&with), worth(&without), "{case}");
                // Credits that came back are as good as others.
                let after = |world: World| match worth(&world) {
                    left @ 1.. => worth(&world.and(reserve("after", left)).and(fail("after"))),
                    owed => owed,
                };
                assert_eq!(after(with), after(without), "{case}: after another job");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 500);
}
