//! The examples of the client, against a server.

use std::path::Path;

use wallet_client::testing::{StartError, TestServer};
use wallet_client::v1;

#[path = "../../../wallet-client/examples/generation_worker.rs"]
#[allow(dead_code, reason = "its `main` is called by those who run it")]
mod generation_worker;

#[path = "../../../wallet-client/examples/testing.rs"]
#[allow(dead_code, reason = "its `main` is called by those who run it")]
mod testing;

const BINARY: &str = env!("CARGO_BIN_EXE_wallet-server");

each_database! {
    async fn the_worker_pool_settles_its_jobs_and_prints_what_is_left(server: Server) {
        let client = server.client().await;
        let printed = generation_worker::demo(&client, "w").await.unwrap();

        // 40 + 44 for the videos, 9 for three of four images, nothing for the failed ones, half of 60 for the
        // cancelled video, 4 for two begun minutes of captions.
        assert!(printed.ends_with("left: 873 credits of 1000; the jobs cost 127\n"), "{printed}");
        assert!(printed.contains("GPU stopped: CANCELLED"), "{printed}");
        assert!(printed.contains("failed: CUDA_OOM"), "{printed}");
        let balance = client.get_balance(v1::GetBalanceRequest { wallet_id: "w".into(), ..Default::default() }).await.unwrap();
        assert_eq!(balance.balances[0].available.as_ref().unwrap().amount, 873);
        assert_eq!(balance.open_reservations, 0);
        assert!(server.verify().await.is_clean());
    }
}

#[tokio::test]
async fn the_test_server_of_the_client_runs_a_month_by_its_manual_clock() {
    let server = TestServer::builder().binary(BINARY).start().await.unwrap();
    let result = testing::a_month_of_alice(&server).await.unwrap();
    assert_eq!(result, "968 credits after the job, 1000 after the renewal");

    let (endpoint, client) = (server.endpoint().to_owned(), server.client());
    drop(server);
    client.without_retries().get_balance(v1::GetBalanceRequest::new("alice")).await.unwrap_err();
    wallet_client::WalletClient::connect(endpoint).await.unwrap_err();
}

#[tokio::test]
async fn a_test_server_that_cannot_start_shows_why() {
    let missing = TestServer::builder().binary("/nonexistent/wallet-server").start().await.unwrap_err();
    assert!(
        matches!(&missing, StartError::Spawn { binary, .. } if binary == Path::new("/nonexistent/wallet-server"))
    );
    let invalid = TestServer::builder().binary(BINARY).catalog("units = 1").start().await.unwrap_err();
    assert!(
        matches!(&invalid, StartError::Exited { log } if log.contains("catalog cannot be published")),
        "{invalid}"
    );
}
