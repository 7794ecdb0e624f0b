//! A pool of generation workers against a running wallet server. Prints a table with the estimate, the hold and the cost
//! of each job.
//!
//! `cargo run -p wallet-client --example generation_worker [wallet_id]`, with `WALLET_ENDPOINT` set if the server is
//! not at `http://127.0.0.1:50051`. The jobs match the server's bundled example catalog; the GPU is a timer.
#![allow(clippy::print_stdout, reason = "the example prints its result")]

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use wallet_client::v1::{self, Amount, CancelReason, Operation};
use wallet_client::{Error, WalletClient, Worker};

/// A job in the queue.
struct Job {
    id: &'static str,
    operation: Operation,
    ending: Ending,
}

/// The end of a job. A real worker learns it from the GPU.
#[derive(Clone, Copy)]
enum Ending {
    Delivers,
    DeliversOther(&'static str, &'static str),
    Fails(&'static str),
    UserCancels,
}

/// A line of the printed table.
struct Line {
    job: &'static str,
    worker: String,
    outcome: String,
    estimated: i64,
    reserved: i64,
    cost: i64,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let endpoint = std::env::var("WALLET_ENDPOINT").unwrap_or_else(|_| "http://127.0.0.1:50051".to_owned());
    let client = WalletClient::connect(endpoint).await?;
    let wallet =
        std::env::args().nth(1).unwrap_or_else(|| format!("demo-{:016x}", RandomState::new().hash_one(0)));
    println!("{}", demo(&client, &wallet).await?.trim_end());
    Ok(())
}

/// Creates a wallet and runs its jobs. Returns the printed table.
pub(crate) async fn demo(client: &WalletClient, wallet: &str) -> Result<String, Error> {
    client.create_wallet(v1::CreateWalletRequest::new(wallet)).await?;
    client.top_up(v1::TopUpRequest::amount(wallet, "order-1", Amount::new("credits", 1000))).await?;
    let before = credits(client, wallet).await?;

    let queue = Arc::new(Mutex::new(VecDeque::from(jobs())));
    let mut pool = JoinSet::new();
    for n in 1..=3 {
        pool.spawn(work(client.clone(), wallet.to_owned(), format!("gpu-{n}"), queue.clone()));
    }
    let mut lines: Vec<Line> = pool.join_all().await.into_iter().flatten().collect();
    lines.sort_by_key(|line| line.job);

    let cost: i64 = lines.iter().map(|line| line.cost).sum();
    let left = credits(client, wallet).await?;
    let table = table(&lines);
    Ok(format!(
        "wallet {wallet}: {before} credits\n\n{table}\nleft: {left} credits of {before}; the jobs cost {cost}\n"
    ))
}

fn jobs() -> Vec<Job> {
    let images = |model: &str, quality: &str| {
        Operation::new("image.generate")
            .attribute("model", model)
            .attribute("quality", quality)
            .quantity("count", "4")
    };
    let video = |resolution: &str| {
        let video = Operation::new("video.generate")
            .attribute("model", "standard")
            .attribute("resolution", resolution);
        video.quantity("duration_s", "5")
    };
    let captions = Operation::new("video.caption").quantity("duration_s", "90");
    vec![
        Job { id: "1 video", operation: video("720p"), ending: Ending::Delivers },
        Job { id: "2 video", operation: video("720p"), ending: Ending::DeliversOther("duration_s", "5.5") },
        Job {
            id: "3 four images",
            operation: images("detailed", "high"),
            ending: Ending::DeliversOther("count", "3"),
        },
        Job { id: "4 four images", operation: images("fast", "high"), ending: Ending::Fails("CUDA_OOM") },
        Job { id: "5 video", operation: video("1080p"), ending: Ending::UserCancels },
        Job { id: "6 captions", operation: captions, ending: Ending::Delivers },
    ]
}

/// Runs jobs until the queue is empty.
async fn work(
    client: WalletClient,
    wallet: String,
    worker: String,
    queue: Arc<Mutex<VecDeque<Job>>>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    while let Some(next) = take() {
        let mut line = Line {
            job: next.id,
            worker: worker.clone(),
            outcome: String::new(),
            estimated: 0,
            reserved: 0,
            cost: 0,
        };
        line.outcome = match run(&client, &wallet, next, &mut line).await {
            Ok(outcome) => outcome,
            Err(error) => error.to_string(),
        };
        lines.push(line);
    }
    lines
}

/// Runs one job, from its estimate to its settle.
async fn run(client: &WalletClient, wallet: &str, next: Job, line: &mut Line) -> Result<String, Error> {
    let id = next.id.replace(' ', "-");
    let estimate = client.estimate(v1::EstimateRequest::new(wallet, next.operation.clone())).await?;
    line.estimated = sum(&estimate.amounts);

    // Never more than the user has seen.
    let request = v1::ReserveRequest::new(wallet, &id, next.operation).with_limits(estimate.amounts);
    let worker = Worker::new(&line.worker).lease(Duration::from_secs(2));
    let hold = client.hold(request, worker).await?;
    line.reserved = sum(&hold.reservation().amounts);

    if matches!(next.ending, Ending::UserCancels) {
        tokio::spawn(cancel_as_user(client.clone(), wallet.to_owned(), id.clone()));
    }
    tokio::select! {
        () = sleep(Duration::from_millis(1500)) => {}
        () = hold.cancelled() => {
            let request = v1::GetReservationRequest::new(wallet, id);
            let ended = client.get_reservation(request).await?.reservation.unwrap_or_default();
            line.cost = sum(&ended.charged);
            return Ok(format!("GPU stopped: {}", ended.state().as_str_name().trim_start_matches("RESERVATION_STATE_")));
        }
    }
    let (settled, outcome) = match next.ending {
        Ending::DeliversOther(name, value) => {
            (hold.settle(v1::Succeeded::usage([(name, value)])).await?, format!("delivered {name} {value}"))
        }
        Ending::Fails(code) => (hold.fail(code, "out of memory").await?, format!("failed: {code}")),
        Ending::Delivers | Ending::UserCancels => {
            (hold.settle_as_reserved().await?, "delivered as reserved".to_owned())
        }
    };
    line.cost = sum(&settled.reservation.unwrap_or_default().charged);
    Ok(outcome)
}

/// Cancels the job as its user while it runs. The worker learns it with its next heartbeat.
async fn cancel_as_user(
    client: WalletClient,
    wallet_id: String,
    reservation_id: String,
) -> Result<(), Error> {
    sleep(Duration::from_millis(400)).await;
    client.cancel(v1::CancelRequest::new(wallet_id, reservation_id, CancelReason::User)).await?;
    Ok(())
}

async fn credits(client: &WalletClient, wallet: &str) -> Result<i64, Error> {
    let balance = client.get_balance(v1::GetBalanceRequest::new(wallet)).await?;
    Ok(balance.balances.iter().filter_map(|b| b.available.as_ref()).map(in_credits).sum())
}

fn sum(amounts: &[Amount]) -> i64 {
    amounts.iter().map(in_credits).sum()
}

fn in_credits(of: &Amount) -> i64 {
    if of.unit == "credits" { of.amount } else { 0 }
}

fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{:<14} {:<6} {:>9} {:>8} {:>5}  outcome\n",
        "job", "worker", "estimated", "reserved", "cost"
    );
    for l in lines {
        let Line { job, worker, outcome, estimated, reserved, cost } = l;
        text += &format!("{job:<14} {worker:<6} {estimated:>9} {reserved:>8} {cost:>5}  {outcome}\n");
    }
    text
}
