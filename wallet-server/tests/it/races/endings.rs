//! Settle, failure, cancel and expiry race for the same job: the first commit wins, and the other callers get the state
//! that won.

use std::collections::BTreeSet;

use tokio::sync::watch;
use tokio::task::JoinSet;
use wallet_client::v1::{self, EntryKind, ErrorReason, ReservationState};
use wallet_client::{Error, WalletClient};

use crate::harness::{Server, video};

/// Callers of each finalizer per job.
const CALLERS: usize = 4;
/// Jobs of a round of races.
const JOBS: usize = 48;
/// Rounds after which a result that no race had is missing. The order of the calls is chance, so one round may lack
/// one.
const ROUNDS: usize = 20;

each_fleet! {
    async fn of_settle_failure_and_cancel_one_wins_and_the_losers_get_its_state(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 1_000_000).await;
        let clients = clients(&servers).await;
        let all = [ReservationState::Settled, ReservationState::Failed, ReservationState::Cancelled];
        let mut won = BTreeSet::new();
        for n in 0..ROUNDS * JOBS {
            if n >= JOBS && won.len() == all.len() {
                break;
            }
            let id = format!("job-{n}");
            client.reserve(v1::ReserveRequest::new("w", &id, video("5"))).await.unwrap();
            won.insert(race(&clients, &id, n).await.state);
        }
        assert_eq!(won, all.into(), "a finalizer won no race");
        assert!(servers[0].verify().await.is_clean());
    }

    async fn expiry_wins_over_every_charge_or_comes_too_late(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 1_000_000).await;
        let clients = clients(&servers).await;
        let clock = server_time(client.clone());
        let mut expired = BTreeSet::new();
        for round in 0..ROUNDS {
            let ends = races_at_deadlines(&client, &clients, &clock, round).await;
            let charged = |end: &Ended| end.expired && end.state == ReservationState::Settled;
            assert!(!ends.iter().any(charged), "{ends:?}");
            expired.extend(ends.iter().map(|end| end.expired));
            if expired.len() == 2 {
                break;
            }
        }
        assert_eq!(expired, [false, true].into(), "expiry had the same result in every race");
        assert!(servers[0].verify().await.is_clean());
    }
}

/// Races at the deadlines of jobs: the calls arrive from 400 ms before a job's deadline to 70 ms after it.
async fn races_at_deadlines(
    client: &WalletClient,
    clients: &[WalletClient],
    clock: &watch::Receiver<i64>,
    round: usize,
) -> Vec<Ended> {
    let mut jobs = JoinSet::new();
    for n in 0..JOBS {
        let (client, id) = (client.clone(), format!("job-{round}-{n}"));
        let ttl = Some(prost_types::Duration { seconds: 1, nanos: 0 });
        let request = v1::ReserveRequest { ttl, ..v1::ReserveRequest::new("w", &id, video("5")) };
        jobs.spawn(async move { (n, id, client.reserve(request).await.unwrap()) });
    }
    let mut races = JoinSet::new();
    for (n, id, reserved) in jobs.join_all().await {
        let deadline = micros(reserved.reservation.unwrap().deadline);
        let when = deadline - 400_000 + 10_000 * i64::try_from(n).unwrap();
        let (clients, mut clock) = (clients.to_vec(), clock.clone());
        races.spawn(async move {
            clock.wait_for(|now| *now >= when).await.unwrap();
            race(&clients, &id, n).await
        });
    }
    races.join_all().await
}

async fn clients(servers: &[Server]) -> Vec<WalletClient> {
    let mut clients = Vec::new();
    for server in servers {
        clients.push(server.client().await);
    }
    clients
}

/// The end of a race.
#[derive(Debug)]
struct Ended {
    state: ReservationState,
    /// True if the hold had expired first.
    expired: bool,
}

/// Sends every finalizer to one job, in an order that depends on `rotation`, and checks all answers. After an expiry a
/// failure or a cancel wins, and a settle that arrived before it is refused because of the expiry.
async fn race(clients: &[WalletClient], id: &str, rotation: usize) -> Ended {
    let mut finalizers = [Finalizer::Settle, Finalizer::Fail, Finalizer::Cancel];
    finalizers.rotate_left(rotation % 3);
    let mut calls = JoinSet::new();
    for n in 0..CALLERS {
        for finalizer in finalizers {
            let (client, id) = (clients[n % clients.len()].clone(), id.to_owned());
            calls.spawn(async move { finalizer.send(&client, &id).await });
        }
    }
    let answers = calls.join_all().await;

    let request = v1::GetReservationRequest { wallet_id: "w".into(), reservation_id: id.to_owned() };
    let ended = clients[0].get_reservation(request).await.unwrap().reservation.unwrap();
    let kinds = kinds(&clients[0], id).await;
    let expired = kinds.contains(&EntryKind::HoldExpired);
    for answer in &answers {
        let too_late = expired && answer.state == ReservationState::Expired && answer.reservation.is_none();
        assert!(answer.state == ended.state() || too_late, "{id}: {answer:?} and {ended:?}");
        assert!(answer.reservation.as_ref().is_none_or(|shown| *shown == ended), "{answer:?} and {ended:?}");
    }
    let winners = answers.iter().filter(|answer| answer.made_it).count();
    assert_eq!(winners, 1, "{id}: {answers:?}");
    let before: &[EntryKind] = if expired { &[EntryKind::HoldExpired] } else { &[] };
    assert_eq!(kinds, [&[EntryKind::Reserved], before, &[ending(ended.state())]].concat());
    Ended { state: ended.state(), expired }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finalizer {
    Settle,
    Fail,
    Cancel,
}

/// The answer to one finalizer.
#[derive(Debug)]
struct Told {
    state: ReservationState,
    /// True if this call ended the job.
    made_it: bool,
    reservation: Option<v1::Reservation>,
}

impl Finalizer {
    async fn send(self, client: &WalletClient, id: &str) -> Told {
        let (wallet_id, reservation_id) = ("w".to_owned(), id.to_owned());
        let answer = match self {
            Finalizer::Cancel => {
                let reason = v1::CancelReason::User.into();
                let request = v1::CancelRequest { wallet_id, reservation_id, reason, ..Default::default() };
                client.cancel(request).await.map(|done| (done.reservation, done.replayed))
            }
            Finalizer::Settle | Finalizer::Fail => {
                let outcome = Some(self.outcome());
                let request = v1::SettleRequest { wallet_id, reservation_id, outcome, ..Default::default() };
                client.settle(request).await.map(|done| (done.reservation, done.replayed))
            }
        };
        match answer {
            Ok((reservation, replayed)) => {
                let state = reservation.as_ref().unwrap().state();
                Told { state, made_it: !replayed, reservation }
            }
            Err(error) => Told { state: self.state_in(&error), made_it: false, reservation: None },
        }
    }

    fn outcome(self) -> v1::settle_request::Outcome {
        match self {
            Finalizer::Settle => {
                v1::settle_request::Outcome::Succeeded(v1::Succeeded::usage([("duration_s", "4")]))
            }
            _ => {
                v1::settle_request::Outcome::Failed(v1::Failure { code: "OOM".into(), ..Default::default() })
            }
        }
    }

    /// The state that an error reports. Settle and failure are one finalizer with different content, so they mismatch.
    fn state_in(self, error: &Error) -> ReservationState {
        let refusal = error.refusal().unwrap_or_else(|| panic!("{error}"));
        let state = &refusal.metadata["state"];
        let state = ReservationState::from_str_name(&format!("RESERVATION_STATE_{state}")).unwrap();
        let by_settle = matches!(state, ReservationState::Settled | ReservationState::Failed);
        let expected = match state {
            _ if by_settle && self != Finalizer::Cancel => ErrorReason::IdempotencyMismatch,
            ReservationState::Settled => ErrorReason::ReservationSettled,
            ReservationState::Failed => ErrorReason::ReservationFailed,
            ReservationState::Cancelled => ErrorReason::ReservationCancelled,
            _ => ErrorReason::ReservationExpired,
        };
        assert_eq!(refusal.reason, expected, "{error}");
        state
    }
}

async fn kinds(client: &WalletClient, id: &str) -> Vec<EntryKind> {
    let reservation_id = id.to_owned();
    let request = v1::ListEntriesRequest { wallet_id: "w".into(), reservation_id, ..Default::default() };
    client.list_entries(request).await.unwrap().entries.iter().map(v1::Entry::kind).collect()
}

fn ending(state: ReservationState) -> EntryKind {
    match state {
        ReservationState::Settled => EntryKind::Settled,
        ReservationState::Failed => EntryKind::Failed,
        ReservationState::Cancelled => EntryKind::Cancelled,
        other => panic!("{other:?} is not a final state"),
    }
}

/// The server's time in microseconds, updated until the receiver is dropped.
fn server_time(client: WalletClient) -> watch::Receiver<i64> {
    let (clock, time) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            let balance = client
                .get_balance(v1::GetBalanceRequest { wallet_id: "w".into(), ..Default::default() })
                .await
                .unwrap();
            if clock.send(micros(balance.read_time)).is_err() {
                return;
            }
        }
    });
    time
}

fn micros(instant: Option<prost_types::Timestamp>) -> i64 {
    let instant = instant.unwrap();
    instant.seconds * 1_000_000 + i64::from(instant.nanos) / 1_000
}
