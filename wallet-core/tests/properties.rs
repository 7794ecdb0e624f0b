//! Random histories. For any commands in any order, every invariant holds after every step, a sweeper makes no
//! difference, and a repeated command has no second effect.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use wallet_core::decide::ProcessDue;
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Grant, Origin};
use wallet_core::{Command, Reply, Source, Timestamp};

use common::money_back;
use common::steps::{self, Step, minutes, seconds};
use common::subscribing;
use common::world::{START, World, given_catalog};

/// A random step. Its numbers pick among the existing jobs and grants.
#[derive(Debug, Clone)]
enum Event {
    Buy(i64),
    BuyPack,
    Give {
        n: i64,
        source: Source,
        from: u64,
        minutes: u64,
    },
    Reserve {
        kind: &'static str,
        percent: i64,
        ttl: u64,
        started: bool,
    },
    Start {
        job: usize,
        attempt: i32,
        lease: u64,
    },
    Extend(usize),
    Settle {
        job: usize,
        percent: i64,
        late: bool,
    },
    Fail(usize),
    Cancel {
        job: usize,
        by_user: bool,
    },
    Revoke(usize),
    Refund(usize),
    ChargeBack(usize),
    Reactivate,
    Reverse {
        job: usize,
        percent: i64,
    },
    RefundSubscription,
    MayOwe(i64),
    Subscribe(&'static str),
    ChangePlan(&'static str),
    Unsubscribe {
        now: bool,
    },
    Resume,
    Pay,
    /// Time passes, in minutes, and the sweeper runs at these fractions of that time.
    Wait {
        minutes: u64,
        sweeps: Vec<u64>,
    },
    /// An earlier command is repeated.
    Again(usize),
}

const KINDS: [&str; 7] = ["fixed", "open", "capped", "strict", "owing", "leased", "both"];

/// Plans with every term, renewal, cadence and rollover of the scenarios' catalog.
const PLANS: [&str; 8] =
    ["trial", "creator", "studio", "keeper", "keeper-pro", "gym-pro", "annual", "prepaid-pro"];

fn event() -> impl Strategy<Value = Event> {
    let one = 0..1000_usize;
    let source = prop::sample::select(Source::ALL.to_vec());
    let plan = prop::sample::select(PLANS.to_vec());
    let wait = prop_oneof![3 => 0..3_u64, 3 => 3..60_u64, 1 => 60..3_000_u64, 1 => 3_000..60_000_u64];
    prop_oneof![
        3 => (1..200_i64).prop_map(Event::Buy),
        1 => Just(Event::BuyPack),
        3 => (1..100_i64, source, 0..90_u64, 1..150_u64)
            .prop_map(|(n, source, from, minutes)| Event::Give { n, source, from, minutes }),
        8 => (prop::sample::select(KINDS.to_vec()), 0..60_i64, 1..200_u64, any::<bool>())
            .prop_map(|(kind, percent, ttl, started)| Event::Reserve { kind, percent, ttl, started }),
        3 => (one.clone(), 1..4_i32, 0..3_u64)
            .prop_map(|(job, attempt, lease)| Event::Start { job, attempt, lease }),
        2 => one.clone().prop_map(Event::Extend),
        4 => (one.clone(), 0..160_i64, any::<bool>())
            .prop_map(|(job, percent, late)| Event::Settle { job, percent, late }),
        2 => one.clone().prop_map(Event::Fail),
        2 => (one.clone(), any::<bool>()).prop_map(|(job, by_user)| Event::Cancel { job, by_user }),
        1 => one.clone().prop_map(Event::Revoke),
        1 => one.clone().prop_map(Event::Refund),
        1 => one.clone().prop_map(Event::ChargeBack),
        3 => Just(Event::Reactivate),
        3 => (one.clone(), 0..130_i64).prop_map(|(job, percent)| Event::Reverse { job, percent }),
        1 => Just(Event::RefundSubscription),
        1 => (20..100_i64).prop_map(Event::MayOwe),
        2 => plan.clone().prop_map(Event::Subscribe),
        2 => plan.prop_map(Event::ChangePlan),
        1 => prop::bool::weighted(0.3).prop_map(|now| Event::Unsubscribe { now }),
        1 => Just(Event::Resume),
        1 => Just(Event::Pay),
        5 => (wait, prop::collection::vec(0..100_u64, 0..4))
            .prop_map(|(minutes, sweeps)| Event::Wait { minutes, sweeps }),
        3 => one.prop_map(Event::Again),
    ]
}

/// A world with the commands that were carried out.
struct History {
    world: World,
    done: Vec<Command>,
    next_id: usize,
}

impl History {
    fn happens(&mut self, event: &Event) {
        if let Event::Wait { minutes, sweeps } = event {
            return self.wait(minutes * 60, sweeps);
        }
        if let Event::Again(n) = event {
            if let Some(command) = pick(&self.done, *n).cloned() {
                self.again(&command);
            }
            return;
        }
        if let Some(Step::Command(command)) = self.step(event) {
            let Reply { result, .. } = self.world.run(&command);
            if result.is_ok() {
                self.done.push(command);
            }
        }
    }

    fn wait(&mut self, time: u64, sweeps: &[u64]) {
        let mut sweeps = sweeps.to_vec();
        sweeps.sort_unstable();
        for percent in sweeps {
            self.world.sweep(self.world.now.plus(seconds(time * percent / 100)));
        }
        self.world.now = self.world.now.plus(seconds(time));
    }

    /// I11, I12: a repeated command has no second effect. It may only process due events.
    fn again(&mut self, command: &Command) {
        let mark = self.world.lazy.entries.len();
        self.world.run(command);
        let due = [
            EntryKind::HoldExpired,
            EntryKind::GrantExpired,
            EntryKind::GrantEffective,
            EntryKind::PeriodBegan,
            EntryKind::AllowanceGiven,
            EntryKind::PlanChanged,
            EntryKind::PaymentMissed,
            EntryKind::SubscriptionEnded,
        ];
        for entry in self.world.lazy.entries.iter().skip(mark) {
            let was_due = due.contains(&entry.kind) && entry.request.is_none();
            assert!(was_due, "I11: {command:?} has the second effect {entry:?}");
        }
    }

    fn step(&mut self, event: &Event) -> Option<Step> {
        self.next_id += 1;
        let id = format!("i{}", self.next_id);
        let since_start = self.world.now.since(START);
        Some(match event {
            Event::Buy(n) => steps::buy(&id, *n),
            Event::BuyPack => {
                steps::buy_pack(&id, if self.next_id.is_multiple_of(2) { "bundle" } else { "tied" })
            }
            Event::Give { n, source, from, minutes: life } => {
                let from = since_start + minutes(from.saturating_sub(60));
                steps::give(&id, *n).source(*source).from(from).until(from + minutes(*life))
            }
            Event::Reserve { kind, percent, ttl, started } => {
                let available = self.world.seen().balance("credits").available;
                let n = available * percent / 100;
                let step = match *kind {
                    "both" => steps::reserve_both(&id, kind, n, 1),
                    _ => steps::reserve_kind(&id, kind, n),
                };
                let step = step.ttl(minutes(*ttl));
                if *started { step.started() } else { step }
            }
            Event::Start { job, attempt, lease } => {
                steps::start(&self.open_job(*job)?, *attempt).lease(minutes(*lease))
            }
            Event::Extend(job) => steps::extend(&self.open_job(*job)?).lease(minutes(10)),
            Event::Settle { job, percent, late } => {
                let id = if *late { self.job(*job)? } else { self.open_job(*job)? };
                let reserved = self.world.reservation(&id)?.terms.amounts.get("credits");
                let step = steps::settle_amounts(&id, &[("credits", reserved * percent / 100)]);
                if *late { step.late() } else { step }
            }
            Event::Fail(job) => steps::fail_with(&self.open_job(*job)?, "NSFW"),
            Event::Cancel { job, by_user: true } => steps::cancel(&self.open_job(*job)?),
            Event::Cancel { job, .. } => steps::stop(&self.open_job(*job)?),
            Event::Revoke(grant) => {
                let grants: Vec<String> = self.world.seen().grants.keys().map(ToString::to_string).collect();
                steps::revoke(&id, pick(&grants, *grant)?)
            }
            Event::Refund(n) => money_back::refund(&id, &self.purchase(*n)?).asked_at(self.paid(*n)?),
            Event::ChargeBack(n) => money_back::charge_back(&id, &self.purchase(*n)?),
            Event::Reverse { job, percent } => {
                let of = self.job(*job)?;
                let charged = self.world.reservation(&of)?.finish?.bill.charged.get("credits");
                match charged * percent / 100 {
                    0 => money_back::reverse_all(&id, &of),
                    n => money_back::reverse(&id, &of, n),
                }
            }
            Event::RefundSubscription => money_back::refund_subscription(&id),
            Event::Reactivate => steps::reactivate(&id),
            Event::MayOwe(n) => steps::update(&id).owing(*n),
            Event::Subscribe(plan) => subscribing::subscribe(&id, plan),
            Event::ChangePlan(plan) => subscribing::change_plan(&id, plan),
            Event::Unsubscribe { now: false } => subscribing::unsubscribe(&id),
            Event::Unsubscribe { .. } => subscribing::unsubscribe_now(&id),
            Event::Resume => subscribing::resume(&id),
            Event::Pay => subscribing::pay(&id),
            Event::Wait { .. } | Event::Again(_) => return None,
        })
    }

    fn bought(&self, n: usize) -> Option<Grant> {
        let seen = self.world.seen();
        let bought: Vec<&Grant> =
            seen.grants.values().filter(|grant| grant.key.origin == Origin::TopUp).collect();
        pick(&bought, n).map(|grant| (*grant).clone())
    }

    fn purchase(&self, n: usize) -> Option<String> {
        self.bought(n).map(|grant| grant.key.id.to_string())
    }

    fn paid(&self, n: usize) -> Option<Timestamp> {
        self.bought(n).map(|grant| grant.create_time)
    }

    fn job(&self, n: usize) -> Option<String> {
        let ids: Vec<String> = self.world.seen().reservations.keys().map(ToString::to_string).collect();
        pick(&ids, n).cloned()
    }

    fn open_job(&self, n: usize) -> Option<String> {
        let seen = self.world.seen();
        let open = seen.reservations.values().filter(|job| job.state.is_open());
        let ids: Vec<String> = open.map(|job| job.id.to_string()).collect();
        pick(&ids, n).cloned()
    }
}

fn pick<T>(from: &[T], n: usize) -> Option<&T> {
    from.get(n.checked_rem(from.len())?)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    /// About 2,000 commands.
    #[test]
    fn every_invariant_holds_after_every_step(events in prop::collection::vec(event(), 1..120)) {
        let credits = [steps::buy("first", 300), steps::buy_of("second", "trainings", 20)];
        let catalog = subscribing::with_plans().replace("default_plan", "# none, so that nothing is limited:");
        let world = given_catalog(&catalog, credits).and(steps::may_owe(50));
        let mut history = History { world, done: Vec::new(), next_id: 0 };
        for event in &events {
            history.happens(event);
        }
        history.wait(100 * 3600, &[10, 50]);
        history.again(&ProcessDue.into());
        prop_assert_eq!(history.world.lazy.wallet.open_reservations, 0, "no hold outlives its deadline");
    }
}
