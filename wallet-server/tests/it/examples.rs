//! Runs the client's example against a server.

use wallet_client::v1;

#[path = "../../../wallet-client/examples/generation_worker.rs"]
#[allow(dead_code, reason = "only a run of the example calls its `main`")]
mod generation_worker;

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
