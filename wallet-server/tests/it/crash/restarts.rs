//! Two servers that share a PostgreSQL, behind clients that know both. One of them is restarted again and again under
//! load, in turn by SIGTERM and by SIGKILL: no call fails, and every call happens exactly once. Then one stops answering
//! by SIGSTOP, and clients leave it.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinSet, block_in_place};
use tokio_util::sync::CancellationToken;
use wallet_client::{ClientConfig, WalletClient, v1};

use super::caller::{Caller, STEPS};
use super::witness::Witness;
use super::{WALLETS, verify, wallet};
use crate::harness::{Database, Process};

/// The restarts of the test. The nightly run sets WALLET_RESTARTS, so that they take a minute.
const RESTARTS: usize = 6;
const CALLERS: usize = 16;
/// Acknowledged calls before each restart, with both servers up.
const ACKNOWLEDGED: usize = 400;

mod no_call_fails_while_one_of_two_servers_is_restarted_again_and_again {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_servers_postgres() {
        let restarts =
            std::env::var("WALLET_RESTARTS").map_or(RESTARTS, |text| text.parse().expect("a number"));
        let database = Database::postgres();
        let mut servers = [Process::start(&database, &[]), Process::start(&database, &[])];
        let endpoints = [servers[0].endpoint(), servers[1].endpoint()];
        let mut witness = Witness::default();
        let clients = [(); 4].map(|()| client(&endpoints));
        for n in 0..WALLETS {
            let create = v1::CreateWalletRequest::new(wallet(n));
            witness.saw_new_wallet(clients[0].create_wallet(create).await.unwrap());
        }

        let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
        let enough = CancellationToken::new();
        let mut working = JoinSet::new();
        for n in 0..CALLERS {
            let (client, acknowledge, enough) = (clients[n % 4].clone(), acknowledge.clone(), enough.clone());
            working.spawn(async move {
                let mut caller = Caller::new(n, wallet(n % WALLETS));
                while !enough.is_cancelled() {
                    let (went_on, acknowledgements, tries) = caller.insist(client.clone(), STEPS).await;
                    assert_eq!(tries, STEPS, "a call failed, although the client has repeated it");
                    acknowledge.send(acknowledgements).expect("the witness listens");
                    caller = went_on;
                }
                caller
            });
        }
        drop(acknowledge);
        for n in 0..restarts {
            let mut heard = 0;
            while heard < ACKNOWLEDGED {
                let acknowledgements = acknowledged.recv().await.expect("a caller has ended");
                heard += acknowledgements.len();
                witness.saw(acknowledgements);
            }
            let server = &mut servers[n % 2];
            block_in_place(|| if n % 4 < 2 { server.stop() } else { server.kill() });
            *server = block_in_place(|| Process::start_at(&database, &server.address));
        }
        enough.cancel();
        while let Some(acknowledgements) = acknowledged.recv().await {
            witness.saw(acknowledgements);
        }
        let callers = working.join_all().await;
        println!("{} calls of {CALLERS} callers during {restarts} restarts", witness.acknowledged());

        servers[0].pause();
        clients_leave_a_silent_server(&endpoints).await;
        servers[0].kill();
        for _ in 0..8 {
            let config = ClientConfig::default().endpoints(&endpoints);
            let newcomer = WalletClient::connect(config).await.expect("one of the servers answers");
            newcomer.get_balance(v1::GetBalanceRequest::new(wallet(0))).await.expect("without the other");
            let lazy = client(&endpoints);
            let once = lazy.without_retries();
            once.get_balance(v1::GetBalanceRequest::new(wallet(0))).await.expect("without the other");
        }

        witness.compare(&clients[0]).await;
        witness.assert_all_happened_once(&callers);
        witness.assert_final_state(&clients[1]).await;
        verify(&database).await;
    }
}

/// A client of both servers, as in production.
fn client(endpoints: &[String]) -> WalletClient {
    WalletClient::connect_lazy(ClientConfig::default().endpoints(endpoints)).expect("the configuration works")
}

/// Makes the first calls of several clients: alone, as a stream and coalesced. About half of the clients begin with the
/// server that is silent. Then makes a call without retries.
async fn clients_leave_a_silent_server(endpoints: &[String]) {
    for n in 0..12 {
        let client = client(endpoints).with_deadline(Duration::from_millis(500));
        let balance = || v1::GetBalanceRequest::new(wallet(0));
        match n % 3 {
            0 => {
                client.get_balance(balance()).await.expect("a retry by the other server");
            }
            1 => {
                let mut watch = client.watch_wallet(v1::WatchWalletRequest::new(wallet(0)));
                watch.next().await.expect("a stream of the other server");
            }
            _ => {
                let (wallet_id, reservation_id) = (wallet(0), "no-such-job".to_owned());
                let request = v1::ExtendRequest { wallet_id, reservation_id, ..Default::default() };
                let error = client.extend(request).await.unwrap_err();
                assert_eq!(error.reason(), Some(v1::ErrorReason::ReservationNotFound), "{error}");
            }
        }
        client.without_retries().get_balance(balance()).await.expect("the silent server is left");
    }
}
