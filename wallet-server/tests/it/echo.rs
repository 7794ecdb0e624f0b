//! The yardstick of the benchmarks answers with messages of the size of the real server's.

use prost::Message;
use wallet_client::v1;

use crate::harness::{Database, Server};

#[path = "../../../proto/examples/echo/replies.rs"]
mod replies;

/// The most that a size may differ, in percent: ids, times and numbers have other lengths.
const TOLERANCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_echo_answers_with_messages_of_the_real_size() {
    let server = Server::start(Database::sqlite()).await;
    let client = server.client().await;
    let echo = replies::Replies::new();
    let (wallet, job) = ("load-0123456789abcdef-1234", "load-0123456789abcdef-job-12345");
    let video = || {
        v1::Operation::new("video.generate")
            .attribute("model", "standard")
            .attribute("resolution", "720p")
            .quantity("duration_s", "5")
    };

    let create = v1::CreateWalletRequest::new(wallet);
    let real = client.create_wallet(create.clone()).await.unwrap();
    compare("CreateWallet", &real, &echo.create_wallet(create).unwrap());
    let opening = v1::TopUpRequest::amount(wallet, "opening", v1::Amount::new("credits", 1_000_000_000_000));
    client.top_up(opening).await.unwrap();

    let estimate = v1::EstimateRequest::new(wallet, video());
    let real = client.estimate(estimate.clone()).await.unwrap();
    compare("Estimate", &real, &echo.estimate(estimate).unwrap());

    let reserve = v1::ReserveRequest::new(wallet, job, video());
    let real = client.reserve(reserve.clone()).await.unwrap();
    compare("Reserve", &real, &echo.reserve(reserve).unwrap());

    let settle = v1::SettleRequest::succeeded(wallet, job, v1::Succeeded::as_reserved());
    let real = client.settle(settle.clone()).await.unwrap();
    compare("Settle", &real, &echo.settle(settle.clone()).unwrap());
    let settle = v1::SettleManyRequest::new([settle]);
    let real = client.settle_many(settle.clone()).await.unwrap();
    compare("SettleMany", &real, &echo.settle_many(settle).unwrap());

    let other = v1::ReserveRequest::new(wallet, "load-0123456789abcdef-job-12346", video());
    let many = v1::ReserveManyRequest::new([other.clone()]);
    let real = client.reserve_many(many.clone()).await.unwrap();
    compare("ReserveMany", &real, &echo.reserve_many(many).unwrap());
    let start = v1::StartRequest::new(wallet, other.reservation_id, v1::StartOptions::new("gpu-7"));
    let real = client.start(start.clone()).await.unwrap();
    compare("Start", &real, &echo.start(start).unwrap());

    let extend = v1::ExtendRequest::new(wallet, "load-0123456789abcdef-job-12346");
    let real = client.extend(extend.clone()).await.unwrap();
    compare("Extend", &real, &echo.extend(extend.clone()).unwrap());

    let extend = v1::ExtendManyRequest::new([extend.clone(), extend]);
    let real = client.extend_many(extend.clone()).await.unwrap();
    compare("ExtendMany", &real, &echo.extend_many(extend).unwrap());

    let cancel =
        v1::CancelRequest::new(wallet, "load-0123456789abcdef-job-12346", v1::CancelReason::Platform);
    let real = client.cancel(cancel.clone()).await.unwrap();
    compare("Cancel", &real, &echo.cancel(cancel).unwrap());

    let top_up =
        v1::TopUpRequest::amount(wallet, "load-0123456789abcdef-job-12347", v1::Amount::new("credits", 100));
    let real = client.top_up(top_up.clone()).await.unwrap();
    compare("TopUp", &real, &echo.top_up(top_up).unwrap());

    let balance = v1::GetBalanceRequest::new(wallet);
    let real = client.get_balance(balance.clone()).await.unwrap();
    compare("GetBalance", &real, &echo.get_balance(balance).unwrap());
    server.stop().await;
}

fn compare(rpc: &str, real: &impl Message, echo: &impl Message) {
    let (real, echo) = (real.encoded_len(), echo.encoded_len());
    let difference = real.abs_diff(echo) * 100;
    assert!(difference <= real * TOLERANCE, "{rpc}: {real} bytes, and {echo} of the echo");
}
