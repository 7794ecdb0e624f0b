//! A test of a back end against a real server: the credits of a plan, a job, and the renewal a month later.
//!
//! `cargo build -p wallet-server`, then `WALLET_SERVER_BIN=target/debug/wallet-server cargo run -p wallet-client
//! --features testing --example testing`.
#![allow(clippy::print_stdout, reason = "the example prints its result")]

use std::time::Duration;

use wallet_client::testing::TestServer;
use wallet_client::{Error, WalletClient, v1};

const MONTH: Duration = Duration::from_secs(31 * 24 * 60 * 60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = TestServer::start().await?;
    println!("a server at {}", server.endpoint());
    println!("{}", a_month_of_alice(&server).await?);
    Ok(())
}

/// Subscribes a wallet, runs a job, and lets the plan renew. Returns what is left before and after the renewal.
pub(crate) async fn a_month_of_alice(server: &TestServer) -> Result<String, Error> {
    let client = server.client();
    client.create_wallet(v1::CreateWalletRequest::new("alice")).await?;
    client.subscribe(v1::SubscribeRequest::new("alice", "order-1", "creator")).await?;

    let video = v1::Operation::new("video.generate")
        .attribute("model", "standard")
        .attribute("resolution", "720p")
        .quantity("duration_s", "5");
    let hold = client.hold(v1::ReserveRequest::new("alice", "job-1", video), "gpu-1").await?;
    hold.settle(v1::Succeeded::usage([("duration_s", "4")])).await?;
    let before = credits(&client).await?;

    server.advance_clock(MONTH).await?;
    let after = credits(&client).await?;
    Ok(format!("{before} credits after the job, {after} after the renewal"))
}

async fn credits(client: &WalletClient) -> Result<i64, Error> {
    let balances = client.get_balance(v1::GetBalanceRequest::new("alice")).await?.balances;
    let credits = balances.into_iter().find(|balance| balance.unit == "credits");
    Ok(credits.and_then(|balance| balance.available).unwrap_or_default().amount)
}
