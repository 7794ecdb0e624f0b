//! The receipt of a reservation: its allocations and its bill, compared with the postings.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::grant::GrantKey;
use wallet_core::posting::Account;
use wallet_core::reservation::{Allocation, Bill, State, Terms};
use wallet_core::{Amounts, UnitId};

use crate::verify::faults::Faults;
use crate::verify::life::{Life, Movements};
use crate::verify::moves::name;

/// The credits of a reservation according to its row, with its life according to the entries.
#[derive(Debug)]
pub(super) struct Receipt<'a> {
    pub(super) id: &'a str,
    pub(super) life: &'a Life,
    pub(super) allocations: Vec<Allocation>,
    pub(super) terms: Terms,
    pub(super) bill: Option<Bill>,
}

/// The sums of the allocations in one unit.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    held: i128,
    charged: i128,
    reversed: i128,
    returned: i128,
    forfeited: i128,
}

impl Receipt<'_> {
    /// Checks I5 and I8: each allocation adds up, matches the postings, and is part of the sums in the bill.
    pub(super) fn check(&self, faults: &mut Faults) {
        for allocation in &self.allocations {
            self.check_line(allocation, faults);
        }
        self.check_movements(faults);
        self.check_graces(faults);
        let sums = self.sums();
        let units: BTreeSet<&UnitId> = self.terms.amounts.units().chain(sums.keys().copied()).collect();
        for unit in units {
            let held = sums.get(unit).map_or(0, |sums| sums.held);
            let agreed = self.terms.amounts.get(unit.as_str());
            self.unless(held == i128::from(agreed), faults, || {
                format!("I5: its allocations hold {held} {unit}, but {agreed} were agreed")
            });
        }
        if let Some(bill) = &self.bill {
            self.check_bill(bill, &sums, faults);
        }
    }

    fn check_line(&self, line: &Allocation, faults: &mut Faults) {
        let Allocation { held, charged, reversed, returned, forfeited, .. } = *line;
        let done = i128::from(charged) + i128::from(returned) + i128::from(forfeited);
        let adds_up = match self.bill {
            None => done == 0,
            Some(_) if held == 0 => returned == 0 && forfeited == 0,
            Some(_) => done == i128::from(held),
        };
        let adds_up = adds_up && (0..=charged).contains(&reversed);
        let fits = adds_up && [held, charged, returned, forfeited].into_iter().all(|figure| figure >= 0);
        self.unless(fits, faults, || {
            let account = name(&line.account);
            format!("I8: {account}: held {held}, charged {charged}, reversed {reversed}, returned {returned}, forfeited {forfeited}")
        });
    }

    /// Checks that the allocations match the movements of the postings.
    fn check_movements(&self, faults: &mut Faults) {
        let mut lines = Vec::new();
        let mut of_debt: BTreeMap<&UnitId, i128> = BTreeMap::new();
        for Allocation { account, unit, held, charged, reversed, returned, forfeited, grace, .. } in
            &self.allocations
        {
            let movements = Movements::of(&mut lines, account, unit);
            movements.held += i128::from(*held);
            movements.charged += i128::from(*charged);
            match account {
                Account::Grant(_) => movements.reversed += i128::from(*reversed),
                Account::Debt => *of_debt.entry(unit).or_default() += i128::from(*reversed),
            }
            let destination =
                if grace.is_some() { &mut movements.elsewhere } else { &mut movements.to_grant };
            *destination += i128::from(*returned);
            movements.elsewhere += i128::from(*forfeited);
        }
        let units = of_debt.keys().copied().chain(self.life.reversed_debt.keys());
        for unit in units.collect::<BTreeSet<_>>() {
            let reversed = of_debt.get(unit).copied().unwrap_or(0);
            let (least, most) = self.life.reversed_debt.get(unit).copied().unwrap_or((0, 0));
            self.unless((least..=most).contains(&reversed), faults, || {
                format!("I8: the debt: reversed {reversed} {unit}, but {least} to {most} according to its postings")
            });
        }
        let postings = &self.life.movements;
        for line in &lines {
            let recorded = postings
                .iter()
                .find(|recorded| (&recorded.account, &recorded.unit) == (&line.account, &line.unit));
            self.unless(recorded == Some(line), faults, || {
                let recorded = recorded.map_or_else(|| "nothing".to_owned(), Movements::words);
                format!("I5: its allocations: {}; its postings: {recorded}", line.words())
            });
        }
        let is_recorded = |recorded: &Movements| {
            lines.iter().any(|line| (&line.account, &line.unit) == (&recorded.account, &recorded.unit))
        };
        for recorded in postings.iter().filter(|recorded| !is_recorded(recorded)) {
            self.unless(false, faults, || {
                format!("I5: its postings: {}; its allocations: nothing", recorded.words())
            });
        }
    }

    /// Checks that credits returned as grace credits were issued by this reservation, in full.
    fn check_graces(&self, faults: &mut Faults) {
        let lines = self.allocations.iter();
        let mut lines: Vec<(&GrantKey, i128)> =
            lines.filter_map(|line| Some((line.grace.as_ref()?, i128::from(line.returned)))).collect();
        let mut issued: Vec<(&GrantKey, i128)> =
            self.life.graces.iter().map(|(key, amount)| (key, *amount)).collect();
        lines.sort_unstable();
        issued.sort_unstable();
        self.unless(lines == issued, faults, || {
            format!("I8: returned as {lines:?} according to its allocations, but as {issued:?} according to its postings")
        });
    }

    fn check_bill(&self, bill: &Bill, sums: &BTreeMap<&UnitId, Sums>, faults: &mut Faults) {
        let named = [&bill.charged, &bill.fees, &bill.reversed, &bill.returned, &bill.forfeited]
            .into_iter()
            .flat_map(Amounts::units);
        let units: BTreeSet<&UnitId> = named.chain(sums.keys().copied()).collect();
        let ended = self.life.ended.map(|(state, _)| state);
        let only_fees = matches!(ended, Some(State::Failed | State::Cancelled));
        for unit in units {
            let of = |amounts: &Amounts| i128::from(amounts.get(unit.as_str()));
            let sums = sums.get(unit).copied().unwrap_or_default();
            for (what, billed, sum) in [
                ("charged", of(&bill.charged), sums.charged),
                ("reversed", of(&bill.reversed), sums.reversed),
                ("returned", of(&bill.returned), sums.returned),
                ("forfeited", of(&bill.forfeited), sums.forfeited),
                ("as a fee", of(&bill.fees), if only_fees { sums.charged } else { 0 }),
            ] {
                self.unless(billed == sum, faults, || {
                    format!("I8: billed {billed} {unit} {what}, but its allocations add up to {sum}")
                });
            }
            let most = i128::from(self.terms.most(unit.as_str()));
            self.unless(sums.charged <= most, faults, || {
                format!("I8: charged {} {unit}, but at most {most} are allowed", sums.charged)
            });
        }
        let named = (bill.late, bill.failure.is_some(), bill.cancel_reason.is_some());
        let state = self.life.state();
        let late = ended == Some(State::Expired) && state == Some(State::Settled);
        let recorded = (late, state == Some(State::Failed), state == Some(State::Cancelled));
        self.unless(named == recorded, faults, || {
            format!("I7: (late, failed, cancelled) are {named:?} in its bill, but {recorded:?} according to its entries")
        });
    }

    fn sums(&self) -> BTreeMap<&UnitId, Sums> {
        let mut all: BTreeMap<&UnitId, Sums> = BTreeMap::new();
        for line in &self.allocations {
            let sums = all.entry(&line.unit).or_default();
            sums.held += i128::from(line.held);
            sums.charged += i128::from(line.charged);
            sums.reversed += i128::from(line.reversed);
            sums.returned += i128::from(line.returned);
            sums.forfeited += i128::from(line.forfeited);
        }
        all
    }

    fn unless(&self, holds: bool, faults: &mut Faults, what: impl FnOnce() -> String) {
        faults.unless(holds, self.life.revision(), || {
            let text = what();
            let (rule, text) = text.split_once(": ").unwrap_or(("", &text));
            format!("{rule}: reservation {}: {text}", self.id)
        });
    }
}

impl Movements {
    fn words(&self) -> String {
        let Self { account, unit, held, charged, reversed, to_grant, elsewhere } = self;
        format!(
            "{} {unit}: {held} held, {charged} charged, {reversed} reversed, {to_grant} returned, {elsewhere} lost or reissued",
            name(account)
        )
    }
}
