//! Two servers that share a PostgreSQL, behind clients that know both. One of them is restarted again and again under
//! load, in turn by SIGTERM and by SIGKILL: no call fails, and every call happens exactly once. Then one stops
//! answering by SIGSTOP, and clients leave it.

use std::time::Duration;

use tokio::task::block_in_place;
use wallet_client::{ClientConfig, WalletClient, v1};

use super::load::{CALLERS, Load, client};
use super::{verify, wallet};
use crate::harness::{Database, Process};

/// The restarts of the test. The nightly run sets WALLET_RESTARTS, so that they take a minute.
const RESTARTS: usize = 6;
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
        let mut load = Load::start(&endpoints).await;
        for n in 0..restarts {
            load.goes_on(ACKNOWLEDGED).await;
            let server = &mut servers[n % 2];
            block_in_place(|| if n % 4 < 2 { server.stop() } else { server.kill() });
            *server = block_in_place(|| Process::start_at(&database, &server.address));
        }
        let (calls, load) = load.stop().await;
        println!("{calls} calls of {CALLERS} callers during {restarts} restarts");

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

        load.assert_all_happened_once().await;
        verify(&database).await;
    }
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
