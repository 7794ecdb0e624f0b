//! Settle.

use wallet_client::{job, usage, v1};

use crate::harness::video;

each_database! {
    async fn a_settle_below_the_estimate_gives_the_rest_back(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(job("w", "j", video("5"))).await.unwrap();
        let settle = v1::SettleRequest {
            wallet_id: "w".into(),
            reservation_id: "j".into(),
            outcome: Some(v1::settle_request::Outcome::Succeeded(usage([("duration_s", "4")]))),
            ..Default::default()
        };
        let settled = client.settle(settle).await.unwrap();
        let reservation = settled.reservation.unwrap();
        assert_eq!(reservation.charged[0].amount, 32);
        assert_eq!(reservation.returned[0].amount, 8);
        assert!(server.verify().await.is_clean());
    }
}
