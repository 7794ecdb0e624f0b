//! Golden vectors of the fingerprints: commands of every kind with every compared field. If one of them changes, a
//! command that was executed before the change is refused when it is repeated after it.
//!
//! A piece is the name of a field and the first 8 bytes of the SHA-256 of its JSON. The expected values were computed
//! by a separate program from JSON written by hand.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::catalog::Threshold;
use wallet_core::decide::{Cancel, CreateWallet, Grant, Reserve, Settle, TopUp};
use wallet_core::grant::Money;
use wallet_core::refund::UsedCredits::Owe;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId};

use super::fingerprints::compared;
use super::prelude::*;

/// Earlier commands, a command, and its fingerprint.
type Row = (Vec<Step>, Step, &'static str);

fn of_credits() -> Vec<Row> {
    let paid = |mut step: Step| {
        let Step::Command(Command::TopUp(top_up)) = &mut step else { panic!("not a top-up: {step:?}") };
        top_up.paid_amount = Some(Money { currency: "USD".to_owned(), minor_units: 999 });
        step
    };
    vec![
        (
            vec![],
            paid(buy("t", 10).paid_by("pi_1").paid_at(START)),
            "amount=6bb29b00d03a2314;external_ref=9dbce81a068e2f8f;paid_amount=68839cba5d4ef96c;paid_time=6ffa638ce8bc18e5",
        ),
        (vec![], buy_pack("t", "starter"), "pack_id=06d35f7945403559"),
        (
            vec![],
            buy_pack("t", "starter").times(2).sold_by(1).paid_by("pi_1").line("1"),
            "catalog_version=6b86b273ff34fce1;external_ref=9dbce81a068e2f8f;line=391552c099c101b1;pack_id=06d35f7945403559;quantity=d4735e3a265e16ee",
        ),
        (
            vec![],
            give("g", 10).source(Source::Referral).priority(-3).from(hours(1)).until(hours(2)),
            "amount=6bb29b00d03a2314;effective_time=6f84f0bfe1639fa2;expire_time=68e31f896bae9529;priority=615bdd17c2556f82;source=6c38f085d39c4159",
        ),
        (vec![top_up(10)], revoke("r", "top_up:t"), "grant_id=60a1bc6e00db40e4"),
        (
            vec![top_up(10)],
            refund("r", "t").asked_at(START),
            "requested_time=6ffa638ce8bc18e5;top_up_id=8ca5d81566f88bad",
        ),
        (vec![buy("t", 10).paid_by("pi_1")], refund_payment("r", "pi_1"), "top_up_id=8ca5d81566f88bad"),
        (vec![top_up(10)], charge_back("r", "t"), "top_up_id=8ca5d81566f88bad"),
        (
            vec![buy("t", 10).for_cents(900)],
            provider_refund("r", "t", 500, Owe),
            "refunded_total=5680eb237ebaac51;top_up_id=8ca5d81566f88bad;used=57077fe76f062ca6",
        ),
        (vec![buy("t", 10).paid_by("pi_1")], charge_back_payment("r", "pi_1"), "top_up_id=8ca5d81566f88bad"),
    ]
}

fn of_jobs() -> Vec<Row> {
    let job = || vec![top_up(100), reserve("job", 40)];
    let explicit = || reserve_amounts("job", &[("credits", 40)], &[("credits", 50)]);
    vec![
        (
            vec![top_up(100)],
            reserve("job", 40).actor("ann"),
            "actor=cec78459472eed8b;operation=9c1d4c7e985eb22a",
        ),
        (
            vec![top_up(100)],
            explicit().actor("ann").about(operation("fixed", &[("n", "1.50")])),
            "actor=cec78459472eed8b;amounts=0c89876371567bf8;max_amounts=bc58a324f85b0c96;operation=9ceeb1be5aa311b6",
        ),
        (job(), start("job", 1), ""),
        (job(), settle("job", 30), "outcome=b96b3eb9f8f68bef;usage=12608d34435424e8"),
        (
            vec![top_up(100), explicit()],
            settle_amounts("job", &[("credits", 30)]),
            "amounts=8ad4fe5427322d13;outcome=b96b3eb9f8f68bef",
        ),
        (job(), fail("job"), "code=bc1d85be03a25d44;outcome=33d04bd775e7b6c6"),
        (job(), cancel("job"), "reason=2ded8884eadefbbc"),
        (
            vec![top_up(100), reserve("job", 40), settle("job", 40)],
            reverse("r", "job", 5),
            "amounts=d8676c0e1349bdf2;reservation_id=a5ffe0476728f8c1",
        ),
    ]
}

fn of_wallets() -> Vec<Row> {
    let update = update("r").named("Ann \u{1f98a} \"A\"").owing(7).status(WalletStatus::Suspended);
    vec![(
        vec![],
        update.low("credits", &[Threshold::Amount(20), Threshold::Percent(5)]),
        "debt_limits=f4cdb9921fbff463;display_name=2fe4168b4b70b923;low_balance=95a7a01643648e24;status=7e45c2422759fd46",
    )]
}

fn of_subscriptions() -> Vec<Row> {
    let sold = || vec![subscribe("s", "creator")];
    vec![
        (
            vec![],
            subscribe("s", "creator").ranked(9).seats(5).anchored("2026-01-01").invoiced("in_1", 900),
            "anchor_time=6ffa638ce8bc18e5;overrides=1d2903f9a6d7352c;paid=978e5fe11bdf0998;plan_id=d852f99f485e0abf;quantity=ef2d127de37b942b",
        ),
        (
            sold(),
            change_plan("c", "week").ranked(9).seats(5).at_once().keeping().invoiced("in_1", 900),
            "overrides=1d2903f9a6d7352c;paid=978e5fe11bdf0998;plan_id=ff6bd46ed72a91d3;quantity=ef2d127de37b942b;unused=04d70e1654287dfd;when=e09106ca5017525e",
        ),
        (
            vec![subscribe("s", "annual")],
            provider_refund_period("r", "2026-01-01", 500, Owe),
            "period_start_time=e5806d7d2c2243e4;refunded_total=5680eb237ebaac51;used=57077fe76f062ca6",
        ),
        (
            vec![subscribe("s", "annual")],
            charge_back_period("r", "2026-01-01"),
            "period_start_time=e5806d7d2c2243e4",
        ),
        (sold(), unsubscribe_now("u"), "unused=b5bea41b6c623f7c;when=b5bea41b6c623f7c"),
        (vec![subscribe("s", "creator"), unsubscribe("u")], resume("r"), ""),
        (sold(), pause("p").ending("2026-03-01"), "until_time=1541566b6549b972"),
        (vec![subscribe("s", "prepaid")], pay("p"), ""),
        (
            sold(),
            pay("p").for_period("2026-02-01").invoiced("in_1", 900),
            "paid=978e5fe11bdf0998;period_start_time=c30cf881504fe055",
        ),
        (
            vec![subscribe("s", "annual")],
            refund_subscription("r").asked_at(START),
            "requested_time=6ffa638ce8bc18e5",
        ),
    ]
}

/// Rows in which a price of the starter pack is known.
fn of_auto_top_ups() -> Vec<Row> {
    vec![
        (vec![], auto("a", 20).daily(2).monthly(3_000), "auto_top_up=58b719fd2973b702"),
        (
            vec![top_up(100), auto("a", 20), reserve("job", 100)],
            declined("r", 4),
            "top_up_id=b1740d6c52cad5cb",
        ),
    ]
}

/// Returns the stored fingerprint of the last step, which is in the row by which a repetition is recognised.
fn fingerprint(world: &World, command: &Command) -> String {
    let wallet = world.seen();
    let grant = |id: &OriginId| wallet.grants.values().find(|grant| grant.key.id == *id).expect("the grant");
    match command {
        Command::Reserve(Reserve { id, .. }) => wallet.reservations[id].fingerprint.to_string(),
        Command::Settle(Settle { id, .. }) | Command::Cancel(Cancel { id, .. }) => {
            wallet.reservations[id].finish.as_ref().expect("the end").fingerprint.to_string()
        }
        Command::TopUp(TopUp { id, .. }) | Command::Grant(Grant { id, .. }) => {
            grant(id).details.fingerprint.clone()
        }
        _ => world.lazy.entries.last().expect("an entry").fingerprint.to_string(),
    }
}

fn kind(command: &Command) -> String {
    let name = format!("{command:?}");
    name.split(['(', ' ']).next().expect("a name").to_owned()
}

#[test]
fn fingerprints_are_those_that_are_stored_in_every_ledger() {
    let (mut wrong, mut covered) = (Vec::new(), BTreeMap::<String, [BTreeSet<String>; 2]>::new());
    let rows = [of_credits(), of_jobs(), of_wallets(), of_subscriptions(), of_auto_top_ups()].concat();
    for (before, step, expected) in rows {
        let Step::Command(command) = &step else { panic!("{step:?} has no fingerprint") };
        let [found, wanted] = covered.entry(kind(command)).or_default();
        wanted.extend(compared(command).iter().map(|field| (*field).to_owned()));
        let is = fingerprint(&given_catalog(&priced_with_plans(), before).and(step.clone()), command);
        let fields = is.split(';').filter_map(|piece| piece.split_once('='));
        found.extend(fields.map(|(field, _)| field.to_owned()));
        if is != expected {
            wrong.push(format!("{step:?}\n  has {is}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (kind, [found, mut wanted]) in covered {
        if ["RefundTopUp", "RecordChargeback", "RecordRefund"].contains(&&*kind) {
            // Only a purchase that is found is stored, with its own id.
            wanted.remove("external_ref");
        }
        assert_eq!(found, wanted, "{kind}");
    }
}

#[test]
fn the_fingerprint_of_a_new_wallet_is_the_one_that_is_stored_in_every_ledger() {
    let create = CreateWallet { display_name: "Ann".to_owned(), debt_limits: amounts(&[("credits", 7)]) };
    let world = World::new(CATALOG).and(Step::Command(Command::CreateWallet(create)));
    assert_eq!(
        world.seen().profile.fingerprint,
        "debt_limits=f4cdb9921fbff463;display_name=c13d584857222664"
    );
}
