//! A preview shows what the command then does: on random wallets, 10,000 changes of plan and other commands about money
//! are previewed on one copy, as a server previews them, and executed on another. Answer and effects must be the same.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use wallet_core::decide::{CancelSubscription, ChangePlan, RecordPayment, Subscribe};
use wallet_core::grant::{Grant, GrantKey, Origin};
use wallet_core::payment::Paid;
use wallet_core::posting::{Account, Part};
use wallet_core::sold::Overrides;
use wallet_core::subscription::{UnusedCredits, When};
use wallet_core::{
    Amounts, Command, Finished, RequestId, TenantId, Timestamp, UnitOfWork, Wallet, WalletId, WalletKey,
};
use wallet_workload::{Pace, Rng, catalogs, trace};

const PLANS: [&str; 12] = [
    "free",
    "trial",
    "week",
    "creator",
    "pro",
    "studio",
    "keeper",
    "keeper-pro",
    "annual",
    "prepaid",
    "lenient",
    "drip",
];

/// The effects that a preview shows: the new grants, and the credits of plans that stay and that expire.
#[derive(Debug, Default, PartialEq)]
struct Effects {
    answer: String,
    issued: Vec<Grant>,
    kept: Amounts,
    lost: Amounts,
}

/// Returns the wallet as a store loads it for a command: without closed grants that the command does not need.
fn loaded(wallet: &Wallet, command: &Command) -> Wallet {
    let mut copy = wallet.clone();
    let read = command.read_set();
    let purchases = read.purchase.as_ref().map(|name| name.top_ups(wallet.grants.values()));
    let purchases = purchases.unwrap_or_default();
    let named = read.period_payment.as_ref().map(|paid| wallet.profile.periods_named_by(paid));
    let named = named.unwrap_or_default();
    copy.grants.retain(|key, grant| {
        let of_period = matches!(key.origin, Origin::Period | Origin::Grace) && read.period;
        let of_purchase = grant.purchase().is_some_and(|id| purchases.contains(id));
        let of_paid_period = grant
            .details
            .period
            .is_some_and(|period| read.paid_period == Some(period.start) || named.contains(&period));
        grant.is_open() || of_period || of_purchase || of_paid_period
    });
    copy
}

/// Previews a command as a server does: due events first, on a copy, and the command in a second unit of work.
fn preview(wallet: &Wallet, at: Timestamp, command: &Command) -> Effects {
    let mut copy = loaded(wallet, command);
    assert!(UnitOfWork::open(&mut copy, at).process_due().unwrap());
    // Refunded credits are gone: that a failed refund lets them expire loses nothing.
    let gone = |grant: &Grant| grant.parts.expired + grant.parts.paid_out;
    let before: BTreeMap<GrantKey, i64> =
        copy.grants.iter().map(|(key, grant)| (key.clone(), gone(grant))).collect();
    let reply = UnitOfWork::open(&mut copy, at).execute(command, catalogs()).unwrap();
    let mut effects = Effects { answer: format!("{:?}", reply.result), ..Effects::default() };
    for (key, grant) in copy.grants {
        match before.get(&key) {
            None => effects.issued.push(grant),
            Some(before) if grant.is_of_plan() => {
                add(&mut effects.kept, &grant, grant.parts.available + grant.parts.pending);
                add(&mut effects.lost, &grant, gone(&grant) - before);
            }
            Some(_) => {}
        }
    }
    effects
}

/// Executes a command, and reads its effects from the entry that it writes.
fn execute(wallet: &Wallet, at: Timestamp, command: &Command) -> Effects {
    let mut copy = wallet.clone();
    let mut work = UnitOfWork::open(&mut copy, at);
    let reply = work.execute(command, catalogs()).unwrap();
    let Finished { entries, .. } = work.finish();
    let of_command = entries.iter().filter(|entry| entry.request.is_some());
    let mut effects = Effects { answer: format!("{:?}", reply.result), ..Effects::default() };
    let mut issued = Vec::new();
    for posting in of_command.flat_map(|entry| &entry.postings) {
        let Account::Grant(key) = &posting.account else { continue };
        let grant = &copy.grants[key];
        match (posting.from, posting.to) {
            (Part::Issued, _) => issued.push(key.clone()),
            (Part::Pending | Part::Available, Part::Expired | Part::PaidOut)
                if grant.is_of_plan() && !issued.contains(key) =>
            {
                add(&mut effects.lost, grant, posting.amount);
            }
            _ => {}
        }
    }
    issued.sort();
    for (key, grant) in &copy.grants {
        if issued.contains(key) {
            effects.issued.push(grant.clone());
        } else if grant.is_of_plan() {
            add(&mut effects.kept, grant, grant.parts.available + grant.parts.pending);
        }
    }
    effects
}

fn add(amounts: &mut Amounts, grant: &Grant, amount: i64) {
    if amount > 0 {
        amounts.add(&grant.unit, amount);
    }
}

fn some_change(rng: &mut Rng, n: u64) -> Command {
    let request = RequestId::parse(&format!("preview-{n}")).unwrap();
    let rank = rng.percent(15).then(|| u32::try_from(rng.within(0, 9)).unwrap());
    Command::ChangePlan(ChangePlan {
        request,
        plan: rng.one_of(PLANS).to_owned(),
        overrides: Overrides { rank, ..Overrides::default() },
        quantity: rng.one_of([None, None, None, Some(1), Some(3), Some(7)]),
        when: rng.one_of([None, None, Some(When::Now), Some(When::AtPeriodEnd)]),
        unused: rng.one_of([None, None, None, Some(UnusedCredits::Keep), Some(UnusedCredits::Expire)]),
        paid: Paid::default(),
    })
}

/// Returns other commands about a subscription.
fn others(rng: &mut Rng, n: u64) -> [Command; 3] {
    let request = |of: &str| RequestId::parse(&format!("{of}-{n}")).unwrap();
    let (plan, overrides) = (rng.one_of(PLANS).to_owned(), Overrides::default());
    [
        Subscribe {
            request: request("s"),
            plan,
            overrides,
            quantity: None,
            anchor: None,
            paid: Paid::default(),
        }
        .into(),
        CancelSubscription {
            request: request("c"),
            now: rng.percent(60),
            expire_credits: rng.percent(40),
            reason: String::new(),
        }
        .into(),
        RecordPayment {
            request: request("p"),
            period_start: None,
            paid: Paid::default(),
            reason: String::new(),
        }
        .into(),
    ]
}

fn is_previewed(command: &Command) -> bool {
    matches!(
        command,
        Command::ChangePlan(_)
            | Command::Subscribe(_)
            | Command::CancelSubscription(_)
            | Command::RecordPayment(_)
            | Command::RefundTopUp(_)
            | Command::RecordRefund(_)
            | Command::RefundSubscription(_)
    )
}

#[test]
fn a_preview_shows_what_the_command_then_does() {
    let seed = std::env::var("WALLET_SEED").map_or(20_261_128, |seed| seed.parse().unwrap());
    let (mut changes, mut done, mut rest, mut wallets) = (0_u64, 0_u64, 0_u64, 0_u64);
    let id = WalletId::parse("ann").unwrap();
    while changes < 10_000 {
        wallets += 1;
        let mut rng = Rng::new(seed, 1_000_000 + wallets);
        let mut wallet = Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id.clone());
        for step in trace(seed, wallets, &id, 200, Pace::Calendar) {
            let mut tried = vec![];
            if wallet.exists() && is_previewed(&step.command) {
                tried.push(step.command.clone());
            }
            if wallet.profile.subscription.is_some() && rng.percent(40) {
                tried.push(some_change(&mut rng, changes));
            }
            if wallet.exists() && rng.percent(5) {
                tried.extend(others(&mut rng, changes));
            }
            for command in tried {
                let (shown, was) = (preview(&wallet, step.at, &command), execute(&wallet, step.at, &command));
                assert_eq!(shown, was, "WALLET_SEED={seed}, wallet {wallets}: {command:?}");
                let is_change = matches!(command, Command::ChangePlan(_));
                changes += u64::from(is_change);
                done += u64::from(is_change && shown.answer.starts_with("Ok"));
                rest += u64::from(!is_change);
            }
            let mut work = UnitOfWork::open(&mut wallet, step.at);
            work.execute(&step.command, catalogs()).unwrap();
        }
    }
    println!("{changes} changes of plan, {done} of them not refused, and {rest} other commands");
    assert!(done > 5_000 && rest > 2_000, "{done} changes and {rest} other commands test little");
}
