//! An unreliable network between clients and server and between server and PostgreSQL: it loses answers after the
//! commit, resets connections, silences them and delays bytes. Meanwhile an operator locks and alters the tables of
//! PostgreSQL. Callers that retry get every call executed exactly once, and every answer is true.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use wallet_client::{ClientConfig, WalletClient, v1};
use wallet_server::Config;
use wallet_workload::figure;

use super::caller::Caller;
use super::operator::Operator;
use super::witness::Witness;
use super::{WALLETS, verify, wallet};
use crate::harness::{Database, Proxy, Server, seed};

const CALLERS: usize = 16;
/// Acknowledged calls per caller. A job takes four.
const CALLS: usize = 80;

mod over_an_unreliable_network_every_call_happens_once {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let seed = seed();
        let server = Server::start(Database::sqlite()).await;
        let proxy = Proxy::start(server.address, seed).await;
        work_through(&server, &[("clients to a server on SQLite", &proxy)], &server.database, None).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let seed = seed();
        let database = Database::postgres();
        let behind = Proxy::start(database.address(), seed).await;
        let config = Config { database_timeout: Duration::from_millis(400), ..Config::default() };
        let server = Server::start_with(database.by_way_of(behind.address), config).await;
        let before = Proxy::start(server.address, seed + 1).await;
        let links = [("clients to a server on PostgreSQL", &before), ("server to PostgreSQL", &behind)];
        let operator = Operator::start(&database).await;
        work_through(&server, &links, &database, Some(operator)).await;
    }
}

/// Lets all callers work through the first of these links while all links are faulty and the operator works.
async fn work_through(
    server: &Server,
    links: &[(&str, &Proxy)],
    database: &Database,
    operator: Option<Operator>,
) {
    let mut witness = Witness::default();
    let direct = server.client().await;
    for n in 0..WALLETS {
        let create = v1::CreateWalletRequest { wallet_id: wallet(n), ..Default::default() };
        witness.saw_new_wallet(direct.create_wallet(create).await.unwrap());
    }
    links.iter().for_each(|(_, proxy)| proxy.start_faults());
    let mut working = JoinSet::new();
    let shared = client(links[0].1.address);
    for n in 0..CALLERS {
        // The calls of every other caller travel together, those of the others alone.
        let client = if n % 2 == 0 { shared.clone() } else { client(links[0].1.address) };
        let caller = Caller::new(n, wallet(n % WALLETS));
        working.spawn(caller.insist(client, CALLS));
    }
    let (mut callers, mut again) = (Vec::new(), 0);
    for (caller, acknowledgements, tries) in working.join_all().await {
        again += tries - CALLS;
        witness.saw(acknowledgements);
        callers.push(caller);
    }
    links.iter().for_each(|(_, proxy)| proxy.stop_faults());
    if let Some(operator) = operator {
        let work = operator.stop().await;
        assert!(
            work.locks > 0 && work.columns > 0 && work.types > 0,
            "not every change has happened: {work:?}"
        );
        println!("{work:?}");
    }

    witness.compare(&direct).await;
    witness.assert_all_happened_once(&callers);
    witness.assert_final_state(&direct).await;
    verify(database).await;
    println!("{again} calls were given up and made again; {:?}", server.counts());
    let calls = witness.acknowledged().to_string();
    for (n, (link, proxy)) in links.iter().enumerate() {
        let calls = if n == 0 { &calls } else { "the same" };
        let [chunks, lost, resets, silences, delays] = proxy.seen().figures();
        assert!(lost > 0 && resets > 0, "not every fault has happened: {:?}", proxy.seen());
        figure("network", &[link, &chunks, &lost, &resets, &silences, &delays, &calls, &"none"]);
    }
}

/// A client as in production with shorter timeouts: a peer that is silent for half a second counts as gone.
fn client(address: SocketAddr) -> WalletClient {
    let config = ClientConfig::new(format!("http://{address}"))
        .deadline(Duration::from_secs(1))
        .keepalive(Duration::from_millis(250));
    WalletClient::connect_lazy(config).expect("the configuration works")
}
