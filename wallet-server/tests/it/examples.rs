//! Runs the examples of the client against a server.

use std::path::Path;

use wallet_client::testing::{StartError, TestServer};
use wallet_client::{WalletClient, v1};

#[path = "../../../wallet-client/examples/generation_worker.rs"]
#[allow(dead_code, reason = "only a run of the example calls its `main`")]
mod generation_worker;

#[path = "../../../wallet-client/examples/testing.rs"]
#[allow(dead_code, reason = "only a run of the example calls its `main`")]
mod testing;

const BINARY: &str = env!("CARGO_BIN_EXE_wallet-server");

each_database! {
    async fn the_worker_pool_settles_its_jobs_and_prints_what_is_left(server: Server) {
        let client = server.client().await;
        let printed = generation_worker::demo(&client, "w").await.unwrap();

        // 40 + 44 for the videos, 9 for three of four images, nothing for the failed job, half of 60 for the cancelled
        // video, 4 for two minutes of captions, the second of which is partly used.
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
async fn the_test_server_of_the_client_runs_a_month_on_its_manual_clock() {
    let server = TestServer::builder().binary(BINARY).start().await.unwrap();
    let result = testing::a_month_of_alice(&server).await.unwrap();
    assert_eq!(result, "968 credits after the job, 1000 after the renewal");

    let endpoint = server.endpoint().to_owned();
    drop(server);
    WalletClient::connect(endpoint).await.unwrap_err();
}

#[tokio::test]
async fn a_test_server_that_cannot_start_returns_the_cause() {
    let missing = TestServer::builder().binary("/nonexistent/server").start().await.unwrap_err();
    let StartError::Spawn { binary, .. } = &missing else { panic!("{missing}") };
    assert_eq!(binary, Path::new("/nonexistent/server"));
    let invalid = TestServer::builder().binary(BINARY).catalog("units = 1").start().await.unwrap_err();
    let StartError::Exited { log } = &invalid else { panic!("{invalid}") };
    assert!(log.contains("catalog cannot be published"), "{log}");
}
