//! The same random commands as single calls and as calls with many: equal answers, refusals included, and equal
//! ledgers. The time stands still, so that both sides decide at the same instant.

use std::collections::BTreeMap;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};
use wallet_client::v1::wallet_service_client::WalletServiceClient;
use wallet_client::v1::{self, ItemError};
use wallet_client::{Code, Error, RefusalDetail};
use wallet_core::Timestamp;
use wallet_server::{Clock, Config, TimeSource};
use wallet_workload::Rng;

use crate::harness::{Database, Server, seed, video};
use crate::shorthand::{by, fail, seconds, settle};

/// Calls with many.
const ROUNDS: usize = 90;
/// The most items of a call.
const ITEMS: i64 = 60;
/// The wallets, each with a top-up, and one that does not exist.
const WALLETS: [&str; 4] = ["a", "b", "c", "nobody"];
/// The credits of a wallet, which cover some of its jobs.
const CREDITS: i64 = 300;
/// The jobs of a wallet that are tried at a time.
const JOBS: i64 = 25;

mod many_commands_in_a_call_have_the_outcomes_of_single_calls {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        compare([Database::sqlite(), Database::sqlite()], 1).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        compare([Database::postgres(), Database::postgres()], 1).await;
    }

    mod two_servers {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            compare([Database::postgres(), Database::postgres()], 2).await;
        }
    }
}

/// Runs all rounds on both databases. The calls with many go to as many servers in turn.
async fn compare([one, other]: [Database; 2], servers: usize) {
    let mut rng = Rng::new(seed(), 0);
    let time = TimeSource::Given(Clock::manual(Timestamp::from_micros(1_800_000_000_000_000)));
    // A sweep would count as a write of its own at a random moment.
    let sweep_period = Duration::from_secs(3_600);
    let config = Config { time, sweep_period, ..Config::default() };
    let alone = Server::start_with(one, config.clone()).await;
    let mut together = Vec::new();
    for _ in 0..servers {
        together.push(Server::start_with(other.clone(), config.clone()).await);
    }
    for wallet in &WALLETS[..3] {
        alone.wallet(wallet, CREDITS).await;
        together[0].wallet(wallet, CREDITS).await;
    }
    let mut singles = stub(&alone).await;
    let mut stubs = Vec::new();
    for server in &together {
        stubs.push(stub(server).await);
    }
    let (mut items, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let many = &mut stubs[round % servers];
        let count = rng.within(1, ITEMS);
        macro_rules! both {
            ($request:ident, $one:ident, $many:ident, $message:ident) => {{
                let requests: Vec<_> = (0..count).map(|_| $request(&mut rng, round)).collect();
                let response = many.$many(v1::$message::new(requests.clone())).await.unwrap().into_inner();
                assert_eq!(response.results.len(), requests.len());
                for (request, item) in requests.into_iter().zip(response.results) {
                    let single = of_call(singles.$one(request.clone()).await);
                    refused += usize::from(single.is_err());
                    items += 1;
                    assert_eq!(of_item(item.into_result()), single, "{request:?}");
                }
            }};
        }
        match rng.within(0, 2) {
            0 => both!(a_reserve, reserve, reserve_many, ReserveManyRequest),
            1 => both!(an_extend, extend, extend_many, ExtendManyRequest),
            _ => both!(a_settle, settle, settle_many, SettleManyRequest),
        }
    }
    assert!(refused > items / 10 && refused < items, "{refused} of {items} items are refused");
    let (one, other) = (alone.verify().await, together[0].verify().await);
    assert!(one.is_clean() && other.is_clean(), "{one} {other}");
    assert_eq!(one.digest, other.digest);
}

async fn stub(server: &Server) -> WalletServiceClient<Channel> {
    WalletServiceClient::new(Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap())
}

/// The parts of a refusal that do not depend on the way in which it travelled.
type Refused = Box<(Code, String, BTreeMap<String, String>, Option<RefusalDetail>)>;

fn of_call<T>(answer: Result<Response<T>, Status>) -> Result<T, Refused> {
    answer.map(Response::into_inner).map_err(|status| parts(Error::from(status)))
}

fn of_item<T>(answer: Option<Result<T, ItemError>>) -> Result<T, Refused> {
    answer.expect("every item has a result").map_err(|error| parts(Error::from(error)))
}

fn parts(error: Error) -> Refused {
    let refusal = error.refusal().unwrap_or_else(|| panic!("not a refusal: {error:?}"));
    let metadata = refusal.metadata.clone().into_iter().collect();
    Box::new((refusal.code, refusal.to_string(), metadata, refusal.detail.clone()))
}

fn a_job(rng: &mut Rng, round: usize) -> (String, String) {
    let wallet = if rng.percent(3) { "nobody" } else { rng.one_of(["a", "b", "c"]) };
    // Later rounds use other jobs, so that some are new, some run and some have ended.
    let number = rng.within(0, JOBS) + i64::try_from(round / 6).unwrap() * JOBS / 3;
    let job = if rng.percent(2) { String::new() } else { format!("job-{number}") };
    (wallet.to_owned(), job)
}

fn a_reserve(rng: &mut Rng, round: usize) -> v1::ReserveRequest {
    let (wallet, job) = a_job(rng, round);
    let operation = match rng.within(0, 20) {
        0 => v1::Operation::new("music.generate"),
        1 => video("0.0000000001"),
        n => video(&(1 + n % 2).to_string()),
    };
    let request = v1::ReserveRequest::new(wallet, job, operation);
    match rng.within(0, 3) {
        0 => request.with_start(by("gpu", 1)),
        1 => request.with_ttl(Duration::from_secs(60)),
        _ => request,
    }
}

fn an_extend(rng: &mut Rng, round: usize) -> v1::ExtendRequest {
    let (wallet, job) = a_job(rng, round);
    let lease = seconds(rng.within(0, 90));
    v1::ExtendRequest {
        attempt: i32::from(rng.percent(30)),
        lease: Some(lease),
        ..v1::ExtendRequest::new(wallet, job)
    }
}

fn a_settle(rng: &mut Rng, round: usize) -> v1::SettleRequest {
    let (wallet, job) = a_job(rng, round);
    let request = match rng.within(0, 4) {
        0 => fail(&wallet, &job, "OOM"),
        1 => settle(&wallet, &job, v1::Succeeded::as_reserved()),
        2 => settle(&wallet, &job, v1::Succeeded::usage([("misspelt", "1")])),
        n => settle(&wallet, &job, v1::Succeeded::usage([("duration_s", (n - 2).to_string())])),
    };
    request.with_accept_late(rng.percent(40))
}
