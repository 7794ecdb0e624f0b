//! A network that loses answers after the commit, tears connections apart, lets them go silent and delays, between
//! clients and server and between server and PostgreSQL. Callers that send again what was not answered get everything
//! done once, and are told the truth about it.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use wallet_client::{ClientConfig, WalletClient, v1};
use wallet_server::Config;

use super::caller::Caller;
use super::witness::Witness;
use super::{WALLETS, verify, wallet};
use crate::harness::{Database, Proxy, Server, seed};

const CALLERS: usize = 16;
/// Acknowledged calls per caller; a job has four.
const CALLS: usize = 80;

mod over_a_bad_network_every_call_happens_once {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let seed = seed();
        let server = Server::start(Database::sqlite()).await;
        let proxy = Proxy::start(server.address, seed).await;
        work_through(&server, &[&proxy], &server.database).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let seed = seed();
        let database = Database::postgres();
        let behind = Proxy::start(database.address(), seed).await;
        let config = Config { database_timeout: Duration::from_millis(400), ..Config::default() };
        let server = Server::start_with(database.by_way_of(behind.address), config).await;
        let before = Proxy::start(server.address, seed + 1).await;
        work_through(&server, &[&before, &behind], &database).await;
    }
}

/// All callers work through the first proxy while all of them rage.
async fn work_through(server: &Server, proxies: &[&Proxy], database: &Database) {
    let mut witness = Witness::default();
    let direct = server.client().await;
    for n in 0..WALLETS {
        let create = v1::CreateWalletRequest { wallet_id: wallet(n), ..Default::default() };
        witness.saw_new_wallet(direct.create_wallet(create).await.unwrap());
    }
    proxies.iter().for_each(|proxy| proxy.rage());
    let mut working = JoinSet::new();
    for n in 0..CALLERS {
        let (caller, client) = (Caller::new(n, wallet(n % WALLETS)), client(proxies[0].address));
        working.spawn(caller.insist(client, CALLS));
    }
    let (mut callers, mut again) = (Vec::new(), 0);
    for (caller, acknowledgements, tries) in working.join_all().await {
        again += tries - CALLS;
        witness.saw(acknowledgements);
        callers.push(caller);
    }
    proxies.iter().for_each(|proxy| proxy.calm());

    for (n, proxy) in proxies.iter().enumerate() {
        println!("proxy {n}: {}", proxy.seen().figures());
        let seen = proxy.seen();
        for fault in [&seen.lost_answers, &seen.resets] {
            assert!(fault.load(Ordering::Relaxed) > 0, "not everything has happened: {}", seen.figures());
        }
    }
    witness.compare(&direct).await;
    witness.assert_all_happened_once(&callers);
    witness.assert_final_state(&direct).await;
    let faults: u64 = proxies.iter().map(|proxy| proxy.seen().faults()).sum();
    println!(
        "{} calls acknowledged, {again} given up and made again, {faults} faults, none lost or doubled; {:?}",
        witness.acknowledged(),
        server.counts()
    );
    verify(database).await;
}

/// A client as in production, but less patient: whoever is silent for half a second is gone.
fn client(address: SocketAddr) -> WalletClient {
    let mut config = ClientConfig::new(format!("http://{address}"));
    config.deadline = Duration::from_secs(1);
    config.keepalive = Some(Duration::from_millis(250));
    WalletClient::connect_lazy(config).expect("the configuration works")
}
