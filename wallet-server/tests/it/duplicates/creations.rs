//! Wallets that several servers create at the same moment, when there is no row to lock yet: one server creates each,
//! the others find it created. No call fails, so the clients never retry.

use tokio::task::JoinSet;
use wallet_client::{ClientConfig, RetryPolicy, WalletClient, v1};
/// Enough wallets for the batches of the servers to collide.
const WALLETS: usize = 300;

each_fleet! {
    async fn of_300_wallets_created_everywhere_at_once_each_is_created_once(servers: Vec<Server>) {
        let mut calls = JoinSet::new();
        for server in &servers {
            let config = ClientConfig::new(server.endpoint()).retry(RetryPolicy::never());
            let client = WalletClient::connect(config).await.unwrap();
            for n in 0..WALLETS {
                let (client, wallet_id) = (client.clone(), format!("wallet-{n}"));
                let request = v1::CreateWalletRequest { wallet_id, ..Default::default() };
                calls.spawn(async move { client.create_wallet(request).await.map(|made| made.replayed) });
            }
        }
        let answers = calls.join_all().await.into_iter().map(|answer| answer.unwrap_or_else(|e| panic!("{e}")));
        assert_eq!(answers.filter(|replayed| !replayed).count(), WALLETS);
        let report = servers[0].verify().await;
        assert!(report.is_clean(), "{report}");
        assert_eq!((report.wallets, report.entries), (WALLETS as u64, WALLETS as u64));
    }
}
