//! Jobs that take credits from very many grants: the grants for credits that return are numbered with 16 bits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../benches/fixture/mod.rs"]
#[allow(dead_code, reason = "the benchmarks use the rest")]
mod fixture;

use std::time::Duration;

use wallet_core::decide::{ExplicitPrice, PriceSource, Reserve, ReverseCharge};
use wallet_core::grant::{Grant, GrantKey, Origin, Parts};
use wallet_core::{
    Amounts, Catalogs, Command, OriginId, Rejection, RequestId, ReservationId, Timestamp, UnitId, UnitOfWork,
    Wallet,
};

use crate::fixture::{NOW, TTL, catalogs, run, settle, wallet};

/// The most grants of one origin and id.
const NUMBERS: i64 = 65_536;

fn credits() -> UnitId {
    "credits".parse().unwrap()
}

/// Returns a wallet with this many grants of one credit, which expire before a hold does.
fn wallet_with_grants(count: i64, catalogs: &Catalogs) -> Wallet {
    let mut wallet = wallet(catalogs);
    let (_, first) = wallet.grants.iter().next().map(|(key, grant)| (key.clone(), grant.clone())).unwrap();
    wallet.grants.remove(&first.key);
    for n in 0..count {
        let key = GrantKey::new(Origin::TopUp, format!("t-{n}").parse().unwrap(), 0);
        let grant = Grant {
            key: key.clone(),
            amount: 1,
            expire_time: NOW.plus(TTL / 2),
            parts: Parts { available: 1, ..Parts::default() },
            ..first.clone()
        };
        wallet.grants.insert(key, grant);
    }
    wallet.balances.get_mut(&credits()).unwrap().available = count;
    wallet.check().unwrap();
    wallet
}

fn reserve(amount: i64) -> Command {
    let amounts = Amounts::of(&credits(), amount);
    let price = ExplicitPrice { amounts: amounts.clone(), max_amounts: amounts, operation: None };
    let Command::Reserve(reserve) = fixture::reserve(1) else { unreachable!() };
    Command::Reserve(Reserve { price: PriceSource::Explicit(price), ..reserve })
}

fn refusal(wallet: &mut Wallet, now: Timestamp, command: &Command, catalogs: &Catalogs) -> Rejection {
    UnitOfWork::open(wallet, now).execute(command, catalogs).unwrap().result.err().unwrap()
}

#[test]
fn a_hold_takes_credits_from_as_many_grants_as_can_return_as_grace_credits() {
    let catalogs = catalogs();
    let mut wallet = wallet_with_grants(NUMBERS + 1, &catalogs);
    let refusal = refusal(&mut wallet, NOW, &reserve(NUMBERS + 1), &catalogs);
    assert_eq!(
        refusal.to_string(),
        "grants_per_job is limited to 65536, but the request would make it 65537"
    );
    run(&mut wallet, &reserve(NUMBERS), &catalogs);
    let mut work = UnitOfWork::open(&mut wallet, NOW.plus(TTL));
    assert!(work.process_due().unwrap());
    assert_eq!(wallet.balance("credits").available, NUMBERS);
    let grace = wallet.grants.keys().filter(|key| key.origin == Origin::Grace);
    assert_eq!(grace.map(|key| key.n).max(), Some(u16::MAX));
}

#[test]
fn a_reversal_is_refused_if_no_number_is_left_for_its_grants() {
    let catalogs = catalogs();
    let mut wallet = wallet_with_grants(2, &catalogs);
    run(&mut wallet, &reserve(2), &catalogs);
    run(&mut wallet, &settle(1), &catalogs);
    let after = NOW.plus(Duration::from_secs(10 * 24 * 3600));
    let reservation: ReservationId = "job-1".parse().unwrap();
    let reverse = |request: &str, amount: i64| {
        let request: RequestId = request.parse().unwrap();
        let amounts = Amounts::of(&credits(), amount);
        Command::ReverseCharge(ReverseCharge {
            request,
            reservation: reservation.clone(),
            amounts,
            reason: String::new(),
        })
    };
    let id = OriginId::from(reservation.clone());
    let earlier = GrantKey::new(Origin::Grace, id.clone(), u16::MAX - 1);
    let closed = wallet.grants.values().next().unwrap().clone();
    wallet.grants.insert(earlier.clone(), Grant { key: earlier, ..closed });
    let refusal = refusal(&mut wallet, after, &reverse("r-2", 2), &catalogs);
    assert_eq!(
        refusal.to_string(),
        "grants_per_job is limited to 65536, but the request would make it 65537"
    );
    let mut work = UnitOfWork::open(&mut wallet, after);
    assert!(work.execute(&reverse("r-1", 1), &catalogs).unwrap().result.is_ok());
    assert!(wallet.grants.contains_key(&GrantKey::new(Origin::Grace, id, u16::MAX)));
}
