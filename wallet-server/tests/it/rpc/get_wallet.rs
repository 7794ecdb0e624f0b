//! GetWallet: one wallet with its balances and subscription.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, WalletStatus};

use crate::harness::video;
use crate::shorthand::{balance, refused, set_status};

fn ask(wallet: &str) -> v1::GetWalletRequest {
    v1::GetWalletRequest { wallet_id: wallet.into() }
}

each_database! {
    async fn a_wallet_is_shown_with_its_balances_as_they_are_now(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let updated = client.update_wallet(set_status("w", "r", WalletStatus::Suspended)).await.unwrap();
        let wallet = client.get_wallet(ask("w")).await.unwrap().wallet.unwrap();
        assert_eq!((wallet.wallet_id.as_str(), wallet.status()), ("w", WalletStatus::Suspended));
        assert_eq!((wallet.open_reservations, wallet.revision, wallet.version), (1, 4, 4));
        assert_eq!(wallet.balances, balance(&client, "w").await.balances);
        assert_eq!(Some(wallet), updated.wallet);
    }

    async fn an_expired_hold_is_counted_as_expired(server: Server) {
        let client = server.wallet("w", 100).await;
        crate::shorthand::expired_hold(&client, "w", "j").await;
        let wallet = client.get_wallet(ask("w")).await.unwrap().wallet.unwrap();
        assert_eq!(wallet.open_reservations, 0);
        // A sweep records the expiry: until then, a read shows the revision before it.
        assert!((3..=4).contains(&wallet.revision), "{wallet:?}");
        assert_eq!(wallet.version, wallet.revision);
    }

    async fn a_missing_wallet_is_not_found(server: Server) {
        let client = server.client().await;
        let refusal = refused(client.get_wallet(ask("w")).await, ErrorReason::WalletNotFound, Code::NotFound);
        assert_eq!(refusal.metadata["wallet_id"], "w");
    }
}
