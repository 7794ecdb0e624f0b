//! Worlds of one wallet. Any command may arrive at any time and any number of times: to a wallet, lost commands,
//! lost replies and retries look like this.

use std::rc::Rc;
use std::time::Duration;

use wallet_core::decide::ProcessDue;
use wallet_core::refund::UsedCredits;
use wallet_core::reservation::CancelReason::{Platform, User};
use wallet_core::view::Shown;
use wallet_core::{Command, Timestamp, Wallet};
use wallet_workload::audit;

use super::checks::{advanced, advanced_by, replayed, run};
use super::commands::{
    START, blank, buy, buy_for, cancel, change, charge_back, create, extend, failed, give, invoice, minutes,
    pack, paid_back, pause, pay, reactivate, refund, reserve, resume, reverse, revoke, start, subscribe,
    unsubscribe, used, used_by, win_dispute,
};
use super::digest::Digest;
use super::search::World;

/// A transition of the world.
#[expect(clippy::large_enum_variant, reason = "a few of them, in one list")]
enum Move {
    Command(Command),
    Wait(Duration),
}

/// A wallet, the time, and the path to this state.
#[derive(Clone)]
pub(crate) struct OneWallet {
    moves: Rc<Vec<Move>>,
    wallet: Rc<Wallet>,
    now: Timestamp,
    /// The commands that had an effect, with their replies.
    done: Vec<(usize, Rc<Shown>)>,
    path: Vec<usize>,
}

impl OneWallet {
    fn new(given: &[Command], commands: Vec<Command>, waits: &[Duration]) -> Self {
        let mut wallet = blank("ann");
        for command in given {
            run(&mut wallet, START, command).0.result.unwrap();
        }
        let waits = waits.iter().map(|wait| Move::Wait(*wait));
        let moves = commands.into_iter().map(Move::Command).chain(waits).collect();
        Self {
            moves: Rc::new(moves),
            wallet: Rc::new(wallet),
            now: START,
            done: Vec::new(),
            path: Vec::new(),
        }
    }

    fn after(&self, n: usize) -> Self {
        let mut next = self.clone();
        next.path.push(n);
        match &self.moves[n] {
            Move::Wait(time) => {
                next.now = self.now.plus(*time);
                self.sweep_makes_no_difference(&next);
            }
            Move::Command(command) => next.run(n, command),
        }
        next
    }

    fn run(&mut self, n: usize, command: &Command) {
        let (advanced, due) = advanced(&self.wallet, self.now);
        let (reply, finished) = run(Rc::make_mut(&mut self.wallet), self.now, command);
        if let Some((_, first)) = self.done.iter().find(|(done, _)| *done == n) {
            return replayed(command, first, &reply, &finished.entries, due);
        }
        match reply.result {
            Err(rejection) => assert_eq!(*self.wallet, advanced, "{rejection}, but something changed"),
            Ok(answer) if finished.entries.len() > due => self.done.push((n, Rc::new(answer.shown))),
            Ok(_) => {}
        }
    }

    /// I9: the time at which due events are processed makes no difference later.
    fn sweep_makes_no_difference(&self, later: &Self) {
        let lazy = advanced(&self.wallet, later.now).0;
        let swept = advanced(&advanced(&self.wallet, self.now).0, later.now).0;
        assert_eq!(lazy.revision, swept.revision, "I9");
        assert_eq!(digest(&lazy, later.now), digest(&swept, later.now), "I9");
        for most in [1, 2] {
            assert_eq!(advanced_by(most, &self.wallet, later.now), lazy, "I9: {most} events at a time");
        }
    }
}

fn digest(wallet: &Wallet, now: Timestamp) -> u128 {
    let mut digest = Digest::new();
    digest.int(now.as_micros());
    digest.wallet(wallet);
    digest.finish()
}

impl World for OneWallet {
    fn digest(&self) -> u128 {
        digest(&self.wallet, self.now)
    }

    fn check(&self) {
        if let Err(what) = audit::rows(&self.wallet) {
            panic!("{what}");
        }
    }

    fn next(&self, found: &mut dyn FnMut(Self)) {
        let _told = Told(self);
        for n in 0..self.moves.len() {
            found(self.after(n));
        }
    }
}

/// Prints the path to a world if a check panics.
struct Told<'a>(&'a OneWallet);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for n in &self.0.path {
            match &self.0.moves[*n] {
                Move::Command(command) => println!("{command:?}"),
                Move::Wait(time) => println!("wait {time:?}"),
            }
        }
        println!("... and any of what may come next");
    }
}

const HOUR: Duration = minutes(60);
const DAY: Duration = minutes(24 * 60);

/// One job with several workers, and a user and a platform that stop it.
pub(crate) fn takeovers_world() -> OneWallet {
    let given = [create(30), give("a", 12, minutes(30)), buy("b", 10)];
    let lease = Some(minutes(10));
    let commands = vec![
        reserve("j", "open", 10),
        start("j", "w1", 1, lease),
        start("j", "w2", 2, None),
        extend("j", Some(1), minutes(30)),
        extend("j", None, minutes(25 * 60)),
        used("j", 4),
        used("j", 13),
        used_by("j", 1),
        failed("j", "NSFW"),
        failed("j", "GPU_LOST"),
        cancel("j", User),
        cancel("j", Platform),
        buy("t", 20),
        revoke("r", "grant:a"),
        ProcessDue.into(),
    ];
    OneWallet::new(&given, commands, &[minutes(10), minutes(30), DAY])
}

/// Three jobs of three clients. The grants (among them 40 of the default plan) cannot pay for all; one job may make
/// debt.
pub(crate) fn jobs_world() -> OneWallet {
    let given = [create(30), give("a", 30, minutes(10)), buy("b", 20)];
    let mut commands = vec![buy("t", 20), revoke("r", "grant:a"), ProcessDue.into()];
    for (id, kind, n) in [("j1", "open", 30), ("j2", "owing", 30), ("j3", "fixed", 20)] {
        commands.extend([
            reserve(id, kind, n),
            start(id, "w1", 1, None),
            used(id, 3),
            used(id, 150),
            failed(id, "GPU_LOST"),
            cancel(id, User),
            cancel(id, Platform),
        ]);
    }
    OneWallet::new(&given, commands, &[minutes(10), DAY])
}

/// Purchases that are refunded while jobs use them.
pub(crate) fn purchases_world() -> OneWallet {
    let given = [create(10), pack("b", "quick"), buy("c", 30)];
    let commands = vec![
        reserve("j", "owing", 100),
        used("j", 20),
        used("j", 200),
        failed("j", "NSFW"),
        cancel("j", Platform),
        reserve("k", "fixed", 20),
        used("k", 20),
        refund("f1", "b"),
        refund("f2", "c"),
        charge_back("x1", "b"),
        charge_back("x2", "c"),
        reactivate("a"),
        revoke("r", "top_up:b#1"),
        buy("t", 60),
    ];
    OneWallet::new(&given, commands, &[minutes(20), DAY, 3 * DAY])
}

/// A purchase in dispute that the provider pays back in parts, while a job uses it.
pub(crate) fn disputes_world() -> OneWallet {
    let given = [create(10), buy_for("b", 30, 9), buy("c", 10)];
    let commands = vec![
        reserve("j", "owing", 25),
        used("j", 20),
        failed("j", "GPU_LOST"),
        reverse("v", "j", 7),
        charge_back("x1", "b"),
        win_dispute("w1", "b"),
        charge_back("x2", "b"),
        win_dispute("w2", "b"),
        paid_back("f1", "b", 4, UsedCredits::Owe),
        paid_back("f2", "b", 9, UsedCredits::Forgive),
        paid_back("f3", "b", 0, UsedCredits::Owe),
        revoke("r", "top_up:b"),
        reactivate("a"),
        buy("t", 60),
    ];
    OneWallet::new(&given, commands, &[minutes(20), 40 * DAY])
}

/// A job of a plan that is paused and resumed.
pub(crate) fn pauses_world() -> OneWallet {
    let given = [create(0), subscribe("s", "prepaid")];
    let commands = vec![
        pause("z1", None),
        pause("z2", Some(70 * DAY)),
        resume("e1"),
        resume("e2"),
        pay("p1"),
        pay("p2"),
        change("c1", "keeper-pro"),
        change("c2", "week"),
        unsubscribe("u1", false),
        reserve("j", "fixed", 60),
        used("j", 30),
        failed("j", "GPU_LOST"),
        ProcessDue.into(),
    ];
    OneWallet::new(&given, commands, &[minutes(20), 28 * DAY, 60 * DAY])
}

/// A job in a period that begins before its payment, which comes late, in advance, or not at all.
pub(crate) fn provisional_world() -> OneWallet {
    let given = [create(0), subscribe("s", "lenient")];
    let commands = vec![
        pay("p1"),
        pay("p2"),
        change("c1", "pro"),
        change("c2", "creator"),
        unsubscribe("u1", false),
        unsubscribe("u2", true),
        resume("e1"),
        reserve("j", "fixed", 60),
        used("j", 30),
        failed("j", "GPU_LOST"),
        ProcessDue.into(),
    ];
    OneWallet::new(&given, commands, &[minutes(20), HOUR, 3 * DAY, 28 * DAY])
}

/// A job whose credits come from a plan.
pub(crate) fn plans_world() -> OneWallet {
    let given = [create(0)];
    let commands = vec![
        subscribe("s1", "keeper"),
        subscribe("s2", "prepaid"),
        change("c1", "keeper-pro"),
        change("c2", "creator"),
        change("c3", "week"),
        unsubscribe("u1", false),
        unsubscribe("u2", true),
        resume("e1"),
        invoice("p1", "in_1"),
        invoice("p2", "in_2"),
        reserve("j", "fixed", 100),
        used("j", 30),
        failed("j", "GPU_LOST"),
        cancel("j", User),
        ProcessDue.into(),
    ];
    OneWallet::new(&given, commands, &[minutes(10), 8 * DAY, 28 * DAY, 60 * DAY + HOUR])
}
