//! Random histories of a wallet with auto top-up: purchases, spending, declines and settings in any order. One purchase
//! is under way at a time, the bounds of days and months are kept, three declines in a row end it, and a purchase is
//! due as soon as it may be. The rules are implemented a second time from their text, on entries alone.
//!
//! `WALLET_AUTO_TOP_UP_HISTORIES` sets the number of histories.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use wallet_core::auto_top_up::Setting;
use wallet_core::decide::{CreateWallet, RecordAutoTopUpFailure, SetAutoTopUp};
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::EventKind;
use wallet_core::grant::Money;
use wallet_core::{Catalogs, Command, OriginId, RequestId, Timestamp, UnitOfWork, Wallet};

use common::ledger::Ledger;
use common::steps::{self, Step};
use common::topping_up::priced;
use common::world::START;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// The number of credits in a pack, and its price in cents.
const PACK: i64 = 50;
const PRICE: i64 = 900;

#[derive(Debug, Clone)]
enum Event {
    Give(i64),
    Spend(i64),
    /// The purchase under way, or the last one, is bought or declined.
    Buy,
    Decline,
    Set {
        threshold: i64,
        daily: u32,
        monthly: Option<i64>,
    },
    TurnOff,
    Suspend,
    Reactivate,
    /// Time passes, in minutes.
    Wait(u64),
    ProcessDue,
}

fn event() -> impl Strategy<Value = Event> {
    let wait = prop_oneof![4 => 0..120_u64, 3 => 120..1_500_u64, 2 => 1_500..60_000_u64];
    prop_oneof![
        2 => (1..90_i64).prop_map(Event::Give),
        6 => (1..200_i64).prop_map(Event::Spend),
        5 => Just(Event::Buy),
        5 => Just(Event::Decline),
        3 => (1..300_i64, 1..4_u32, prop::option::of(PRICE..8 * PRICE))
            .prop_map(|(threshold, daily, monthly)| Event::Set { threshold, daily, monthly }),
        1 => Just(Event::TurnOff),
        1 => Just(Event::Suspend),
        2 => Just(Event::Reactivate),
        6 => wait.prop_map(Event::Wait),
        2 => Just(Event::ProcessDue),
    ]
}

/// The rules, counted from the entries.
#[derive(Debug, Default)]
struct Rules {
    setting: Option<Setting>,
    is_active: bool,
    available: i64,
    under_way: Option<OriginId>,
    /// The purchases that are due or bought, with the instants at which they became due and their numbers of packs.
    bought: BTreeMap<OriginId, (i64, u32)>,
    declines: u32,
    wait_until: i64,
}

fn month(at: i64) -> String {
    Timestamp::from_micros(at).to_utc().unwrap().format("%Y-%m").to_string()
}

impl Rules {
    fn purchases_of_day(&self, at: i64) -> usize {
        self.bought.values().filter(|(time, _)| time / DAY == at / DAY).count()
    }

    fn paid_in_month(&self, at: i64) -> i64 {
        let packs = self.bought.values().filter(|(time, _)| month(*time) == month(at));
        packs.map(|(_, packs)| i64::from(*packs) * PRICE).sum()
    }

    /// Adds an entry, with its command unless a due event wrote it.
    fn take(&mut self, entry: &Entry, command: Option<&Command>) {
        let at = entry.effective_time.as_micros();
        if let Some(balance) = entry.balances.iter().find(|balance| balance.unit.as_str() == "credits") {
            self.available = balance.available;
        }
        match (entry.kind, command) {
            (EntryKind::AutoTopUpSet, Some(Command::SetAutoTopUp(set))) => {
                self.setting.clone_from(&set.setting);
                (self.declines, self.wait_until) = (0, 0);
            }
            (EntryKind::ToppedUp, Some(Command::TopUp(top_up)))
                if self.under_way.as_ref() == Some(&top_up.id) =>
            {
                self.under_way = None;
                (self.declines, self.wait_until) = (0, 0);
            }
            (EntryKind::WalletCreated, _) => self.is_active = true,
            (EntryKind::WalletUpdated, _) => {
                self.is_active = entry
                    .row_digests
                    .status
                    .map_or(self.is_active, |status| status == wallet_core::wallet::WalletStatus::Active);
            }
            _ => {}
        }
        for event in &entry.events {
            let Some(purchase) = &event.auto_top_up else { continue };
            assert_eq!(event.available, self.available, "the balance that triggered it is in the entry");
            if event.kind == EventKind::AutoTopUpFailed {
                assert_eq!(self.under_way.take().as_ref(), Some(&purchase.top_up), "one was under way");
                self.bought.remove(&purchase.top_up);
                self.declines += 1;
                self.wait_until = at + [HOUR, 6 * HOUR, i64::MAX - at][self.declines as usize - 1];
                let retry = event.auto_top_up.as_ref().unwrap().retry_time.map(|time| time.as_micros());
                let is_on = self.setting.is_some() && self.declines < 3;
                assert_eq!(
                    retry,
                    is_on.then_some(self.wait_until),
                    "a decline tells the wait, or that it is off"
                );
                continue;
            }
            let setting = self.setting.as_ref().expect("it is on");
            assert!(self.is_active && self.available < setting.threshold, "the balance is low: {entry:?}");
            assert_eq!(self.under_way.replace(purchase.top_up.clone()), None, "never two under way");
            assert!(self.declines < 3, "off after three declines");
            assert!(at >= self.wait_until, "not due before the wait after a decline is over");
            let before = self.paid_in_month(at);
            let is_new = self.bought.insert(purchase.top_up.clone(), (at, purchase.quantity)).is_none();
            assert!(is_new, "each purchase has its own id");
            assert!(
                self.purchases_of_day(at) <= setting.max_per_day as usize,
                "above the purchases of a day"
            );
            let most = setting.max_paid_per_month.as_ref().map_or(i64::MAX, |most| most.minor_units);
            assert!(self.paid_in_month(at) <= most, "above the bound of the month");
            // The fewest packs that close the gap, or as many as the bound of the month allows.
            let wanted = (setting.threshold - self.available + PACK - 1) / PACK;
            let expected = wanted.min((most - before) / PRICE);
            assert_eq!(i64::from(purchase.quantity), expected, "closes the gap");
        }
    }

    /// A purchase is due as soon as it may be.
    fn is_nothing_forgotten(&self, now: i64) -> bool {
        let Some(setting) = &self.setting else { return true };
        let most = setting.max_paid_per_month.as_ref().map_or(i64::MAX, |most| most.minor_units);
        let may_buy = self.is_active
            && self.available < setting.threshold
            && self.declines < 3
            && now >= self.wait_until
            && self.purchases_of_day(now) < setting.max_per_day as usize
            && self.paid_in_month(now) + PRICE <= most;
        !may_buy || self.under_way.is_some()
    }
}

struct History {
    wallet: Wallet,
    catalogs: Catalogs,
    now: Timestamp,
    commands: u32,
    last: Option<OriginId>,
    rules: Rules,
}

impl History {
    fn run(&mut self, command: &Command) {
        let mut work = UnitOfWork::open(&mut self.wallet, self.now);
        let reply = work.execute(command, &self.catalogs).unwrap();
        let entries = work.finish().entries;
        let replayed = reply.result.as_ref().is_ok_and(|answer| answer.replayed);
        for (n, entry) in (1..).zip(&entries) {
            let own = n == entries.len() && reply.result.is_ok() && !replayed;
            self.rules.take(entry, own.then_some(command));
        }
        self.last = self.rules.under_way.clone().or(self.last.take());
        assert!(self.rules.is_nothing_forgotten(self.now.as_micros()), "{:?}", self.rules);
    }

    fn run_event(&mut self, event: &Event) {
        self.commands += 1;
        let request = RequestId::parse(&format!("r{}", self.commands)).unwrap();
        let id = format!("i{}", self.commands);
        let steps = match event {
            Event::Wait(minutes) => {
                self.now = self.now.plus(steps::minutes(*minutes));
                return;
            }
            Event::Give(n) => vec![steps::give(&id, *n)],
            Event::Spend(n) => vec![steps::reserve(&id, *n), steps::settle_as_reserved(&id)],
            Event::Buy => {
                let Some(last) = &self.last else { return };
                let packs = self.rules.bought.get(last).map_or(1, |(_, packs)| *packs);
                let buy = steps::buy_pack(last.as_str(), "starter").times(packs);
                // A purchase that succeeds after its decline is a case of the scenarios.
                if self.rules.under_way.is_some() { vec![buy] } else { return }
            }
            Event::Decline => {
                let Some(top_up) = self.last.clone() else { return };
                let reason = String::new();
                let failure = RecordAutoTopUpFailure { request, top_up, reason };
                vec![Step::Command(failure.into())]
            }
            Event::Set { threshold, daily, monthly } => {
                let bound = |cents| Money { currency: "EUR".to_owned(), minor_units: cents };
                let setting = Setting {
                    unit: steps::unit("credits"),
                    threshold: *threshold,
                    pack: "starter".to_owned(),
                    max_per_day: *daily,
                    max_paid_per_month: monthly.map(bound),
                };
                let set = SetAutoTopUp { request, setting: Some(setting), reason: String::new() };
                vec![Step::Command(set.into())]
            }
            Event::TurnOff => {
                vec![Step::Command(SetAutoTopUp { request, setting: None, reason: String::new() }.into())]
            }
            Event::Suspend => vec![steps::suspend(&id)],
            Event::Reactivate => vec![steps::reactivate(&id)],
            Event::ProcessDue => vec![steps::process_due()],
        };
        for step in steps {
            let Step::Command(command) = step else { panic!("not a command: {step:?}") };
            self.run(&command);
        }
    }
}

fn histories() -> u32 {
    std::env::var("WALLET_AUTO_TOP_UP_HISTORIES").ok().map_or(2_000, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: histories(),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn auto_top_up_keeps_its_rules_in_any_history(events in prop::collection::vec(event(), 1..60)) {
        let catalog = wallet_core::catalog::Catalog::parse(&priced()).unwrap().with_version(1);
        let mut history = History {
            wallet: Ledger::new().wallet,
            catalogs: Catalogs::of(std::sync::Arc::new(catalog)),
            now: START,
            commands: 0,
            last: None,
            rules: Rules::default(),
        };
        history.run(&CreateWallet::default().into());
        events.iter().for_each(|event| history.run_event(event));
    }
}
